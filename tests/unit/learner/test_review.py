"""Reviews day by day, up to years, with a clock of the test's own."""

from __future__ import annotations

import itertools
import random
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from histories import START, chapter, course, entries, hash_of, question
from msgspec.structs import replace

from tutor.course.contents import contents_of
from tutor.course.models import Course, Predict, Quiz, Step
from tutor.learner import memory, review
from tutor.learner.events import (
    AnyEvent,
    ChapterOpened,
    PredictionMade,
    QuestionAnswered,
    ReviewLimitSet,
    StepTried,
    TaskReviewed,
)
from tutor.learner.journal import Journal
from tutor.learner.memory import Memory
from tutor.learner.remembered import Remembered
from tutor.learner.schedule import DAY

COURSE = course()


def today(course: Course, *arguments: Any) -> review.Today:
    return review.today(course, contents_of(course), *arguments)


def answered(item: str, credit: float = 1.0, where: str = "c-1") -> QuestionAnswered:
    origin = next(one for one in COURSE.chapters if one.id == where)
    return QuestionAnswered(chapter=where, item=item, hash=hash_of(origin, item), answer=("a",), credit=credit)


def after(*events: tuple[float, AnyEvent]) -> Memory:
    return memory.fold(entries(*events))


def items(found: review.Today) -> list[str]:
    return [one.task.id for one in found.due]


def test_nothing_is_due_before_anything_was_done() -> None:
    found = today(COURSE, Memory(), START)
    assert (found.due, found.waiting, found.done, found.next_at) == ((), 0, 0, None)


def test_wrong_things_come_back_on_the_next_day_and_right_ones_later() -> None:
    history = after((START, answered("q-1", 0.0)), (START + 60, answered("q-2")))
    assert items(today(COURSE, history, START + 3600)) == []
    assert items(today(COURSE, history, START + DAY)) == ["q-1"]
    assert items(today(COURSE, history, START + 3 * DAY)) == ["q-1", "q-2"]
    assert today(COURSE, history, START + 3600).next_at == START + DAY / 2


def test_predictions_and_mistakes_come_back_as_what_they_are() -> None:
    bet = PredictionMade(chapter="c-1", item="p-1", option="x", outcome="y", right=False)
    tried = StepTried(chapter="c-1", item="s-1", findings=1, mistake="no-publish")
    found = today(COURSE, after((START, bet), (START, tried)), START + DAY)
    kinds = {type(one.task): one.mistakes for one in found.due}
    assert kinds == {Predict: (), Step: ("no-publish",)}


def test_the_limit_holds_for_a_day_and_is_the_learners() -> None:
    history = [
        (START, ReviewLimitSet(chapter="", limit=2)),
        *((START, answered(f"q-{n}", 0.0, where)) for n in range(1, 5) for where in ("c-1", "c-2")),
    ]
    noon = datetime(2023, 11, 16, 12, tzinfo=UTC).timestamp()
    found = today(COURSE, after(*history), noon, UTC)
    assert (len(found.due), found.waiting, found.limit) == (2, 6, 2)
    first = found.due[0]
    history.append((noon, answered(first.task.id, 1.0, first.chapter.id)))
    assert len(today(COURSE, after(*history), noon + 60, UTC).due) == 1
    second = found.due[1]
    history.append((noon + 60, answered(second.task.id, 1.0, second.chapter.id)))
    full = today(COURSE, after(*history), noon + 120, UTC)
    assert (full.due, full.waiting, full.done) == ((), 6, 2)
    assert review.count(contents_of(COURSE), after(*history), noon + 120, UTC) == 0
    assert len(today(COURSE, after(*history), noon + DAY, UTC).due) == 2


@pytest.mark.parametrize("hours", [-9, 0, 5, 12])
def test_the_day_is_the_learners_own(hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    evening = datetime(2023, 11, 20, 22, tzinfo=zone).timestamp()
    history = after((evening - 2 * DAY, answered("q-1", 0.0)), (evening, answered("q-1")))
    assert review.done_today(history, evening + 3600, zone) == 1
    assert review.done_today(history, evening + 3 * 3600, zone) == 0


def test_what_the_course_has_no_more_is_not_asked_and_not_lost() -> None:
    history = after((START, answered("q-1", 0.0)), (START, answered("q-2", 0.0)))
    less = Course(chapters=(chapter(1, ["q-2", "q-3"]),), mistakes={})
    assert items(today(less, history, START + DAY)) == ["q-2"]
    assert items(today(COURSE, history, START + DAY)) == ["q-1", "q-2"]


def test_what_has_changed_says_so_and_what_has_moved_is_found() -> None:
    history = after((START, answered("q-1", 0.0)), (START, answered("q-2", 0.0)))
    one, two = COURSE.chapters
    quiz = next(part for part in one.sections if isinstance(part, Quiz))
    others = tuple(part for part in one.sections if part is not quiz)
    changed = replace(quiz, questions=(question("q-1", "Which one, then?"), *quiz.questions[2:]))
    elsewhere = replace(two, sections=(Quiz(id="quiz", questions=(question("q-2"),)),))
    after_update = Course(chapters=(replace(one, sections=(*others, changed)), elsewhere), mistakes={})
    found = {one.task.id: (one.chapter.id, one.updated) for one in today(after_update, history, START + DAY).due}
    assert found == {"q-1": ("c-1", True), "q-2": ("c-2", False)}


def test_a_chapter_with_another_id_keeps_what_was_done_in_it() -> None:
    history = after((START, answered("q-1", 0.0)))
    renamed = Course(chapters=(replace(COURSE.chapters[0], id="renamed"),), mistakes={})
    assert [one.chapter.id for one in today(renamed, history, START + DAY).due] == ["renamed"]


class Learner:
    """Somebody who comes most days, does what is due, and forgets as FSRS says that people do."""

    def __init__(self, path: Path, seed: int, *, knows: float) -> None:
        self.chance = random.Random(seed)
        self.knows = knows
        self.now = START
        self.journal = Journal(path, clock=lambda: self.now)
        self.remembered = Remembered(self.journal)
        self.asked: list[tuple[float, str, str]] = []
        self.most = 0

    def live(self, days: int, of: Course) -> None:
        for day in range(days):
            self.now = START + day * DAY + self.chance.uniform(-3, 3) * 3600
            if day < 40 and day % 2 == 0:
                self.learn(of.chapters[day // 2])
            if self.chance.random() < 0.8:
                self.review(of)

    def learn(self, where: object) -> None:
        self.record(ChapterOpened(chapter=where.id))  # type: ignore[attr-defined]
        for number in range(1, 5):
            self.record(QuestionAnswered(chapter=where.id, item=f"q-{number}", answer=(), credit=self.credit()))  # type: ignore[attr-defined]
        self.record(StepTried(chapter=where.id, item="s-1", findings=1, mistake="m"))  # type: ignore[attr-defined]

    def review(self, of: Course) -> None:
        found = today(of, self.remembered.memory(), self.now, UTC)
        self.most = max(self.most, len(found.due) + found.done)
        for due in found.due:
            self.asked.append((self.now, due.chapter.id, due.task.id))
            if isinstance(due.task, Step):
                passed = self.credit() == 1.0
                self.record(TaskReviewed(chapter=due.chapter.id, item=due.task.id, passed=passed))
            else:
                self.record(QuestionAnswered(chapter=due.chapter.id, item=due.task.id, answer=(), credit=self.credit()))

    def record(self, event: AnyEvent) -> None:
        self.now += 20
        self.journal.append(event)

    def credit(self) -> float:
        return float(self.chance.random() < self.knows)


def test_two_years_in_the_blink_of_an_eye(tmp_path: Path) -> None:
    """Twenty chapters in forty days, then reviews only: the load falls, the gaps grow, nothing is dropped."""
    of = course(20)
    begun = time.perf_counter()
    learner = Learner(tmp_path / "j", 4, knows=0.9)
    learner.live(730, of)
    seconds = time.perf_counter() - begun

    assert learner.most <= memory.LIMIT
    days = [round((at - START) / DAY) for at, _, _ in learner.asked]
    first, last = sum(day < 90 for day in days), sum(day >= 640 for day in days)
    assert last < first / 3, (first, last)
    assert {(chapter.id, f"q-{n}") for chapter in of.chapters for n in range(1, 5)} <= {
        (where, item) for _, where, item in learner.asked
    }
    gaps: dict[tuple[str, str], list[float]] = {}
    for at, where, item in learner.asked:
        gaps.setdefault((where, item), []).append(at)
    longest = max(b - a for times in gaps.values() for a, b in itertools.pairwise(times))
    assert 60 * DAY < longest <= 400 * DAY
    # Everything again from the journal alone: the same.
    learner.remembered.keep()
    again = memory.fold(learner.journal.entries())
    kept = Remembered(learner.journal).memory()
    assert {key: record.card for key, record in again.records.items()} == {
        key: record.card for key, record in kept.records.items()
    }
    learner.journal.close()
    assert seconds < 20, f"{seconds:.1f} s for {len(learner.asked)} reviews"


def test_who_forgets_more_is_asked_more(tmp_path: Path) -> None:
    counts = []
    for name, knows in (("well", 0.97), ("badly", 0.6)):
        learner = Learner(tmp_path / name, 5, knows=knows)
        learner.live(120, course(20))
        counts.append(len(learner.asked))
        learner.journal.close()
    assert counts[0] < counts[1]
