"""Progress: what is remembered, seen with the course as it is now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from tutor.course.contents import ChapterHeading, Contents
from tutor.learner import whereabouts
from tutor.learner.events import Entry
from tutor.learner.memory import Key, Memory, Record, State, Visits, fold

__all__ = ["ChapterProgress", "State", "of_chapter", "of_course", "view"]


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


def of_chapter(chapter: ChapterHeading, entries: Iterable[Entry]) -> ChapterProgress:
    """Fold the events of one chapter; events of others are passed over."""
    memory = fold((entry for entry in entries if entry.event.chapter == chapter.id), cards=False)
    return view(chapter, memory.chapters.get(chapter.id, Visits()), memory.records)


def of_course(contents: Contents, memory: Memory) -> dict[str, ChapterProgress]:
    """Progress of every chapter, by chapter id."""
    records = whereabouts.settle(contents, memory)
    return {chapter.id: view(chapter, memory.chapters.get(chapter.id, Visits()), records) for chapter in contents}


def view(chapter: ChapterHeading, visits: Visits, records: Mapping[Key, Record]) -> ChapterProgress:
    """What is remembered, as the chapter is now: what it has no more is passed over, what has changed is told."""
    numbers = {section: index for index, section in enumerate(chapter.sections)}
    hashes = {task.id: task.hash for task in chapter.tasks}
    here = [
        found
        for task in chapter.tasks
        if (found := records.get((chapter.id, task.id))) is not None and found.kind == task.kind
    ]
    done = [record for record in here if record.passed or (record.at and record.kind != "step")]
    mistakes: dict[str, int] = {}
    # A mistake stays with who made it, also where the step is gone.
    for key, record in records.items():
        if key[0] == chapter.id:
            for name, made in record.mistakes.items():
                mistakes[name] = mistakes.get(name, 0) + made.count
    return ChapterProgress(
        chapter=chapter.id,
        state=visits.state,
        section=next((numbers[one] for one in reversed(visits.sections) if one in numbers), 0),
        steps=frozenset(record.item for record in here if record.passed),
        updated=frozenset(record.item for record in done if record.hash != hashes[record.item]),
        predictions={r.item: r.right for r in here if r.kind == "prediction"},
        questions={r.item: r.right for r in here if r.kind == "question"},
        mistakes=mistakes,
        share=len(done) / len(hashes) if hashes else float(visits.state == "finished"),
    )
