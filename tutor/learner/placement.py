"""The placement test: twelve questions that find the chapter to start from. Pure.

What is looked for is the learner's edge: the first chapter that they do not know. Every answer makes some edges more
likely and others less (whoever knows a chapter is right nearly always; whoever does not may still guess), and the next
question is the one whose answer will tell most. The start is put where the edge is rather later than that: a chapter
too many costs minutes, one too few costs the learner their footing.

Source of the method: adaptive testing by expected information (F. M. Lord, "Applications of Item Response Theory to
Practical Testing Problems", 1980).
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import msgspec

from tutor.course.models import Chapter, Choose, ChooseAll, Course, Order, Quiz, SpotMistake

QUESTIONS = 12
SLIP = 0.1
"""How often somebody who knows it is wrong."""
SURE = 0.25
"""The chance that is taken that the edge is before the chapter to start from."""

Fixed = Choose | ChooseAll | Order | SpotMistake
"""Questions that need no engine."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question that was answered: its chapter's place in the course, itself, and whether the answer was right."""

    place: int
    question: Fixed
    right: bool


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """What the test says.

    Attributes:
        start: The chapter to begin with; None when every chapter may be left out.
        skip: Chapters that may be left out.
        look_again: Chapters before the start in which a question was answered wrong: worth a look.
        known_later: Chapters after the start whose question was answered right.
    """

    start: Chapter | None
    skip: tuple[Chapter, ...]
    look_again: tuple[Chapter, ...]
    known_later: tuple[Chapter, ...]


def pool(course: Course) -> list[list[Fixed]]:
    """The questions that can be asked, by the chapter's place in the course."""
    return [
        [
            question
            for section in chapter.sections
            if isinstance(section, Quiz)
            for question in section.questions
            if isinstance(question, Fixed)
        ]
        for chapter in course.chapters
    ]


def following(
    questions: Sequence[Sequence[Fixed]], asked: Sequence[Asked], shuffle: random.Random
) -> tuple[int, Fixed] | None:
    """The next question and its chapter's place; None when the test is over."""
    if len(asked) >= QUESTIONS:
        return None
    used = {(one.place, one.question.id) for one in asked}
    left = {
        place: fresh
        for place, own in enumerate(questions)
        if (fresh := [question for question in own if (place, question.id) not in used])
    }
    if not left:
        return None
    weights = edges(len(questions), asked)
    # Of chapters that tell the same, the one that was asked least: twelve answers shall tell of many chapters.
    often = {place: sum(one.place == place for one in asked) for place in left}
    best = max(left, key=lambda place: (round(_tells(weights, place), 3), -often[place], -place))
    return best, shuffle.choice(left[best])


def edges(chapters: int, asked: Sequence[Asked]) -> list[float]:
    """How likely each edge is: `weights[n]` that the first n chapters are known and no more."""
    weights = [1.0 / (chapters + 1)] * (chapters + 1)
    for one in asked:
        luck = guess(one.question)
        for edge in range(chapters + 1):
            right = 1 - SLIP if one.place < edge else luck
            weights[edge] *= right if one.right else 1 - right
        total = sum(weights)
        weights = [weight / total for weight in weights]
    return weights


def placed(course: Course, asked: Sequence[Asked]) -> Placed:
    """What the answers say."""
    chapters = course.chapters
    weights = edges(len(chapters), asked)
    before, start = 0.0, 0
    for edge, weight in enumerate(weights):
        before += weight
        if before > SURE:
            start = edge
            break
    wrong = {one.place for one in asked if not one.right}
    right = {one.place for one in asked if one.right} - wrong
    # Nobody begins behind a chapter of which the answers know nothing good.
    while start and not any(place >= start - 1 for place in right):
        start -= 1
    return Placed(
        start=chapters[start] if start < len(chapters) else None,
        skip=tuple(chapter for place, chapter in enumerate(chapters[:start]) if place not in wrong),
        look_again=tuple(chapters[place] for place in sorted(wrong) if place < start),
        known_later=tuple(chapters[place] for place in sorted(right) if place > start),
    )


def guess(question: Fixed) -> float:
    """The chance to be right without knowing."""
    match question:
        case Choose():
            return 1 / len(question.options)
        case ChooseAll():
            return float(1 / (2 ** len(question.options) - 2))
        case Order():
            return 1 / math.factorial(len(question.items))
        case SpotMistake():
            return 1 / max(len([line for line in question.content.splitlines() if line.strip()]), 2)


def _tells(weights: Sequence[float], place: int) -> float:
    """How much (in bits) the answer to a question of that chapter is expected to tell of the edge."""
    known = sum(weights[place + 1 :])
    right = known * (1 - SLIP) + (1 - known) * 0.25
    return _entropy(right) - known * _entropy(1 - SLIP) - (1 - known) * _entropy(0.25)


def _entropy(share: float) -> float:
    return -sum(p * math.log2(p) for p in (share, 1 - share) if p > 0)
