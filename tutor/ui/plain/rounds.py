"""`quiz`, `review` and `placement`: rounds of questions in lines of text."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tutor.course.contents import contents_of
from tutor.course.mistakes import titles
from tutor.course.models import Chapter, Course, Lab, Predict, Question, Step, TypeCommand
from tutor.engine.connect import Engine
from tutor.learner import placement, review, whereabouts
from tutor.learner.events import AnyEvent, GradeUndone, PlacementAnswered, PlacementDone
from tutor.learner.journal import Journal
from tutor.learner.placement import Placed
from tutor.learner.remembered import Remembered
from tutor.learner.review import Due, Today
from tutor.problems import Problem
from tutor.quiz import draw, record, taught
from tutor.quiz.draw import Drawn
from tutor.ui.plain import ask, asking, labs, questions, reading, task
from tutor.ui.plain.asking import Asked, Asker
from tutor.ui.plain.page import Page
from tutor.ui.plain.words import day


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One question that was answered, for `--json`."""

    chapter: int
    id: str
    kind: str
    answer: tuple[str, ...]
    credit: float
    reasons: tuple[str, ...]
    right_answer: str
    taught: str | None


@dataclass
class Rounds:
    """A learner who is asked things.

    Attributes:
        shuffle: Decides which questions are drawn, and the order of options.
    """

    page: Page
    course: Course
    journal: Journal
    shuffle: random.Random = field(default_factory=random.Random)
    told: list[Told] = field(default_factory=list)
    _engines: dict[str, Engine] = field(default_factory=dict)
    _left: bool = False

    def __post_init__(self) -> None:
        self.contents = contents_of(self.course)
        self.remembered = Remembered(self.journal)
        self.asker = Asker(self.page, self.course, self.shuffle, self._engine)

    # -- quiz ----------------------------------------------------------------------------------------------------
    def quiz(self, numbers: Sequence[int], length: int) -> int:
        """Ask a quiz; returns the exit status."""
        memory = self.remembered.memory()
        chapters = draw.chapters_for(self.course, memory, numbers)
        drawn = draw.draw(chapters, whereabouts.settle(self.contents, memory), length, self.shuffle)
        of = ", ".join(str(chapter.chapter) for chapter in sorted(chapters, key=lambda one: one.chapter))
        self.page.line(f"Quiz: {_count(len(drawn), 'question')} from chapter{'s' if len(chapters) > 1 else ''} {of}.")
        asked: list[tuple[Drawn, bool]] = []
        for number, (chapter, question) in enumerate(drawn, 1):
            self._head(f"Question {number} of {len(drawn)}", chapter)
            result = self._one(chapter, question)
            if result is not None:
                asked.append(((chapter, question), result))
            if self._left:
                break
        right = sum(result for _, result in asked)
        self.page.line()
        self.page.line(f"{right} of {len(asked)} right.", "bold")
        wrong = dict.fromkeys(chapter.chapter for (chapter, _), result in asked if not result)
        if wrong:
            self.page.line(f"Not right were questions of chapter {', '.join(map(str, sorted(wrong)))}.")
            self.page.line("They come back in your reviews: docker-tutor review")
        self.remembered.keep()
        return 0

    # -- review --------------------------------------------------------------------------------------------------
    def review(self) -> int:
        """Ask what is due; returns the exit status."""
        now = self.journal.now()
        today = review.today(self.course, self.contents, self.remembered.memory(), now)
        if not today.due:
            self._nothing(today)
            return 0
        tasks = sum(isinstance(due.task, Step) for due in today.due)
        told = f"{_count(len(today.due), 'review')} today"
        if tasks:
            told += f", {tasks} of them to do on the engine"
        self.page.line(f"{told}.")
        done = 0
        for number, due in enumerate(today.due, 1):
            self._head(f"Review {number} of {len(today.due)}", due.chapter)
            if due.updated:
                self.page.line("This was updated since you did it.")
            done += self._due(due) is not None
            if self._left:
                break
        after = review.today(self.course, self.contents, self.remembered.memory(), self.journal.now())
        self.page.line()
        self.page.line(f"{_count(done, 'review')} done.", "bold")
        if after.due:
            self.page.line(f"{len(after.due)} left for today.")
        else:
            self._nothing(after)
        self.remembered.keep()
        return 0

    def _due(self, due: Due) -> bool | None:
        if isinstance(due.task, Step):
            return self._task(due.chapter, due.task, due.mistakes)
        return self._one(due.chapter, due.task)

    def _nothing(self, today: Today) -> None:
        if today.waiting:
            self.page.line(
                f"You have done your {today.limit} reviews of today; {today.waiting} more wait for another day."
            )
            self.page.line("Another limit: docker-tutor review --limit 30")
        elif today.next_at is not None:
            self.page.line(f"Nothing is due. The next review comes {day(today.next_at, self.journal.now())}.")
        else:
            self.page.line("Nothing is due. What you answer in lessons and quizzes comes back here in time.")

    # -- placement -----------------------------------------------------------------------------------------------
    def placement(self) -> int:
        """Find the chapter to start from; returns the exit status."""
        pool = placement.pool(self.course)
        self.page.line(f"Placement: {placement.QUESTIONS} questions find the chapter to start from.")
        self.page.line(f"Type {ask.PASS} for what you do not know: that is an answer, too. Nothing counts against you.")
        answers: list[placement.Asked] = []
        try:
            while (found := placement.following(pool, answers, self.shuffle)) is not None:
                place, question = found
                chapter = self.course.chapters[place]
                self.page.line()
                self.page.line(f"Question {len(answers) + 1} of {placement.QUESTIONS}", "bold")
                shown = asking.bound(chapter, question)
                answer, grade = questions.take(self.page, shown, self.shuffle, may_pass=True)
                self.journal.append(
                    PlacementAnswered(chapter=chapter.id, item=question.id, answer=answer, credit=grade.credit)
                )
                answers.append(placement.Asked(place=place, question=question, right=grade.right))
        except ask.InputEnded:
            self.page.line("The test was not ended, so it says nothing.")
            return 1
        found_out = placement.placed(self.course, answers)
        start = found_out.start.id if found_out.start else ""
        self.journal.append(PlacementDone(chapter=start, skip=tuple(chapter.id for chapter in found_out.skip)))
        self.page.line()
        for line in placed_words(found_out, answers):
            self.page.line(line)
        self.remembered.keep()
        return 0

    # -- one question --------------------------------------------------------------------------------------------
    def _one(self, chapter: Chapter, asked: Question | Predict) -> bool | None:
        """Ask until the grade stands: whether it was right; None when it was not answered."""
        while True:
            try:
                result = self.asker.ask(chapter, asked)
            except ask.InputEnded:
                self._left = True
                return None
            except Problem as problem:
                self.page.item("?", f"This cannot be asked now: {problem}", "bold red")
                return None
            entry = self._record(record.answered(chapter, asked, result.answer, result.grade, result.outcome))
            if self._stands(chapter, asked, entry):
                self.told.append(_told(chapter, asked, result))
                return result.grade.right

    def _task(self, chapter: Chapter, step: Step, mistakes: tuple[str, ...]) -> bool | None:
        """A live task: whether it was done without help."""
        self.page.line(f"Here you met: {', '.join(titles(mistakes, self.course))}.")
        while True:
            try:
                happened = task.play(self.page, self.course, chapter, step, self._engine(chapter))
            except Problem as problem:
                self.page.item("?", f"This cannot be done now: {problem}", "bold red")
                return None
            event = record.reviewed(chapter, step, happened)
            if not happened or not (event.passed or event.mistakes or event.solution):
                self.page.line("Nothing was done here; it stays due.")
                return None
            self.page.line()
            right, words = record.words(event)
            self.page.item("✔" if right else "✘", words, "bold green" if right else "bold red")
            if self._stands(chapter, step, self._record(event)):
                return right

    def _stands(self, chapter: Chapter, asked: Question | Predict | Step, entry: str) -> bool:
        """After a grade: read where it was taught, take the grade back, leave; whether the grade stands."""
        section = taught.where(chapter, asked)
        if section is not None:
            self.page.line(f"Taught in {taught.title(chapter)}, part {section.id}.", indent=2)
        keys = {
            "": "goes on",
            **({"r": "reads that again"} if section else {}),
            "u": "takes the grade back",
            "q": "ends",
        }
        while True:
            try:
                pressed = ask.key(self.page, keys)
            except ask.InputEnded:
                pressed = "q"
            if pressed == "r" and section is not None:
                self.page.line()
                shown = asking.bound(chapter, section)
                if isinstance(shown, (Lab, Predict)):
                    self.page.markdown(taught.as_markdown(shown))
                else:
                    reading.show(self.page, shown)
            elif pressed == "u":
                self._record(GradeUndone(chapter=chapter.id, item=asked.id, of=entry))
                self.page.line("The grade is taken back. Once more:")
                self.page.line()
                return False
            else:
                self._left = pressed == "q"
                return True

    def _head(self, words: str, chapter: Chapter) -> None:
        self.page.line()
        self.page.line(f"{words} · {taught.title(chapter)}", "bold")

    def _record(self, event: AnyEvent) -> str:
        entry = self.journal.append(event)
        if self.journal.trouble:
            print(f"docker-tutor: {self.journal.trouble}", file=sys.stderr)
        return entry

    def _engine(self, chapter: Chapter) -> Engine:
        if chapter.id not in self._engines:
            self._engines[chapter.id] = labs.engine_for(chapter)
        return self._engines[chapter.id]

    def close(self) -> None:
        """Let go of the engine."""
        for engine in self._engines.values():
            engine.close()


def placed_words(found: Placed, answers: Sequence[placement.Asked]) -> list[str]:
    """What the placement test says, in lines."""
    right = sum(one.right for one in answers)
    lines = [f"{right} of {len(answers)} right."]
    if found.start is None:
        lines.append(
            "You know what this course teaches. Prove it: the last chapter ends with a broken system to repair."
        )
    else:
        lines.append(f"Start with chapter {found.start.chapter} · {found.start.title}.")
        lines.append(f"Begin: docker-tutor learn {found.start.chapter}")
    if found.skip:
        lines.append(f"You may leave out: {_numbers(found.skip)}.")
    if found.look_again:
        lines.append(f"Have a look at, though: {_numbers(found.look_again)}. A question of it was not right.")
    if found.known_later:
        lines.append(f"You know something of these already: {_numbers(found.known_later)}.")
    return lines


def as_json(told: Sequence[Told]) -> dict[str, Any]:
    """A quiz for a program."""
    return {
        "asked": len(told),
        "right": sum(one.credit >= 1 for one in told),
        "questions": [msgspec.to_builtins(one) for one in told],
    }


def _told(chapter: Chapter, asked: Question | Predict, result: Asked) -> Told:
    section = taught.where(chapter, asked)
    kind = asked.__struct_config__.tag
    return Told(
        chapter=chapter.chapter,
        id=asked.id,
        kind=str(kind),
        answer=() if isinstance(asked, TypeCommand) else result.answer,
        credit=round(result.grade.credit, 3),
        reasons=result.grade.reasons,
        right_answer=result.grade.right_answer,
        taught=section.id if section else None,
    )


def _numbers(chapters: Sequence[Chapter]) -> str:
    return ", ".join(f"{chapter.chapter} ({chapter.title})" for chapter in chapters)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
