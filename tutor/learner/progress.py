"""Progress, derived from the journal's events alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from tutor.course.identity import content_hash
from tutor.course.models import Chapter, Lab, Predict, Question, Quiz, Section, Step
from tutor.learner.events import (
    ChapterFinished,
    ChapterOpened,
    Entry,
    PredictionMade,
    QuestionAnswered,
    SectionReached,
    StepPassed,
    StepTried,
)

State = Literal["new", "begun", "finished"]
Task = Predict | Step | Question
"""What can be done, and right or wrong."""


class ChapterProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a learner is in one chapter.

    Attributes:
        section: Index of the section to resume at.
        steps: Ids of the steps that passed. `updated`: ids of those, and of answered questions, whose text has
            changed since.
        predictions, questions: Id → right or not, the latest one.
        mistakes: Named mistakes, with how often each was made.
    """

    chapter: str
    state: State = "new"
    section: int = 0
    steps: frozenset[str] = frozenset()
    updated: frozenset[str] = frozenset()
    predictions: Mapping[str, bool] = {}
    questions: Mapping[str, bool] = {}
    mistakes: Mapping[str, int] = {}
    share: float = 0.0
    """How much of what the chapter asks for is done, from 0.0 to 1.0."""


def of_chapter(chapter: Chapter, entries: Iterable[Entry]) -> ChapterProgress:
    """Fold the events of one chapter; events of others are passed over."""
    places = {section.id: index for index, section in enumerate(chapter.sections)}
    hashes = {item.id: content_hash(item) for item in tasks(chapter)}
    state: State = "new"
    section = 0
    seen: dict[str, str] = {}
    steps: set[str] = set()
    predictions: dict[str, bool] = {}
    questions: dict[str, bool] = {}
    mistakes: dict[str, int] = {}
    for entry in entries:
        event = entry.event
        if event.chapter != chapter.id:
            continue
        match event:
            case ChapterOpened():
                state = "begun" if state == "new" else state
            case ChapterFinished():
                state = "finished"
            case SectionReached():
                section = places.get(event.item, section)
            case StepPassed():
                steps.add(event.item)
                seen[event.item] = event.hash
            case StepTried() if event.mistake:
                mistakes[event.mistake] = mistakes.get(event.mistake, 0) + 1
            case PredictionMade():
                predictions[event.item] = event.right
                seen[event.item] = event.hash
            case QuestionAnswered():
                questions[event.item] = event.credit >= 1.0
                seen[event.item] = event.hash
            case _:
                pass
    done = {item for item in seen if item in hashes}
    return ChapterProgress(
        chapter=chapter.id,
        state=state,
        section=section,
        steps=frozenset(steps & hashes.keys()),
        updated=frozenset(item for item in done if seen[item] != hashes[item]),
        predictions={k: v for k, v in predictions.items() if k in hashes},
        questions={k: v for k, v in questions.items() if k in hashes},
        mistakes=mistakes,
        share=len(done) / len(hashes) if hashes else float(state == "finished"),
    )


def of_course(chapters: Iterable[Chapter], entries: Iterable[Entry]) -> dict[str, ChapterProgress]:
    """Progress of every chapter, by chapter id; the events are read once."""
    by_chapter: dict[str, list[Entry]] = {}
    for entry in entries:
        by_chapter.setdefault(entry.event.chapter, []).append(entry)
    return {chapter.id: of_chapter(chapter, by_chapter.get(chapter.id, ())) for chapter in chapters}


def tasks(chapter: Chapter) -> list[Task]:
    """All there is to do in a chapter: its predictions, steps and questions, in order."""
    return [task for section in chapter.sections for task in _of_section(section)]


def _of_section(section: Section) -> tuple[Task, ...]:
    match section:
        case Predict():
            return (section,)
        case Lab():
            return section.steps
        case Quiz():
            return section.questions
        case _:
            return ()
