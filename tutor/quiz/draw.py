"""Which questions a quiz asks. Pure but for the chance it is given."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping, Sequence

from tutor.course.models import Chapter, Course, Question, Quiz
from tutor.learner.memory import Key, Memory, Record
from tutor.problems import Problem

Drawn = tuple[Chapter, Question]
LENGTH = 10
"""Questions in a quiz, unless the learner says otherwise."""


def draw(
    chapters: Sequence[Chapter], records: Mapping[Key, Record], length: int, shuffle: random.Random
) -> list[Drawn]:
    """The questions, mixed: from each chapter the same number as far as it goes; in it first what was answered wrong,
    then what was never asked, then what was asked longest ago."""
    piles = [deque(_by_need(chapter, records, shuffle)) for chapter in chapters]
    shuffle.shuffle(piles)
    drawn: list[Drawn] = []
    while piles and len(drawn) < length:
        for pile in piles:
            if pile and len(drawn) < length:
                drawn.append(pile.popleft())
        piles = [pile for pile in piles if pile]
    shuffle.shuffle(drawn)
    return drawn


def chapters_for(course: Course, memory: Memory, numbers: Sequence[int]) -> list[Chapter]:
    """The chapters that are asked about: those named; else all that the learner has opened.

    Raises:
        Problem: `no-such-chapter`, `nothing-learned`.
    """
    if numbers:
        known = {chapter.chapter: chapter for chapter in course.chapters}
        for number in numbers:
            if number not in known:
                raise Problem(
                    f"The course has no chapter {number}.", "See: docker tutor list", code="no-such-chapter", status=2
                )
        return [known[number] for number in dict.fromkeys(numbers)]
    opened = [
        chapter
        for chapter in course.chapters
        if chapter.id in memory.chapters and memory.chapters[chapter.id].state != "new"
    ]
    if not opened:
        raise Problem(
            "You have not begun any chapter yet, so there is nothing to ask about.",
            "Name chapters (docker-tutor quiz 16 17), or find where to start: docker-tutor placement",
            code="nothing-learned",
        )
    return opened


def _by_need(chapter: Chapter, records: Mapping[Key, Record], shuffle: random.Random) -> list[Drawn]:
    questions = [
        question for section in chapter.sections if isinstance(section, Quiz) for question in section.questions
    ]
    shuffle.shuffle(questions)

    def need(question: Question) -> tuple[int, float]:
        record = records.get((chapter.id, question.id))
        if record is None or record.kind != "question":
            return 1, 0.0
        return (0 if not record.right else 2), record.at

    return [(chapter, question) for question in sorted(questions, key=need)]
