"""One question or prediction in lines: ask, run what has to be run, say right or wrong and why."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from tutor.course import variables
from tutor.course.models import Chapter, Course, Predict, Question, ReadOutput, TypeCommand
from tutor.engine.connect import Engine
from tutor.lab import open_labs
from tutor.lab.session import setup as session_setup
from tutor.lab.session.session import Session
from tutor.printable import printable
from tutor.quiz import run
from tutor.quiz.grade import Grade
from tutor.quiz.shown import likely
from tutor.ui.plain import ask, questions
from tutor.ui.plain.page import Page

T = TypeVar("T")


class Asked(NamedTuple):
    """What was answered (ids, or a line's number), its grade, and for a prediction the id of what really happened."""

    answer: tuple[str, ...]
    grade: Grade
    outcome: str = ""


@dataclass(frozen=True)
class Asker:
    """Asks questions of any chapter.

    Attributes:
        shuffle: Decides the order of options.
        engine_for: The engine with a chapter's images on it; called only for what has to run.
    """

    page: Page
    course: Course
    shuffle: random.Random
    engine_for: Callable[[Chapter], Engine]

    def ask(self, chapter: Chapter, question: Question | Predict) -> Asked:
        """Ask it, as the course has it; everything is told to the learner.

        Raises:
            InputEnded: The input ended before an answer came.
            Problem: It has to run, and there is no engine, or an image cannot be had.
        """
        if not isinstance(question, (Predict, ReadOutput, TypeCommand)):
            answer, grade = questions.put(self.page, bound(chapter, question), self.shuffle)
            return Asked(answer, grade)
        with run.sandbox(self.course, chapter, self.engine_for(chapter)) as session:
            posed = session.pose(question)
            asked = self._type(session, posed) if isinstance(posed, TypeCommand) else self._bet(session, posed)
        if posed.explain:
            self.page.markdown(posed.explain)
        return asked

    def _bet(self, session: Session, question: Predict | ReadOutput) -> Asked:
        """Ask what will happen, run it, compare."""
        self.page.markdown(question.ask)
        self.page.line()
        self.page.raw(question.run.strip())
        self.page.line()
        options = questions.listed(self.page, question.options, self.shuffle)
        chosen = options[ask.choice(len(options), "Your guess: ")[0]]
        self.page.line()
        self.page.line("Now it really runs:")
        grade, ran, happened = run.compared(session, question, chosen.id)
        self.page.raw(printable(ran.completed.output).rstrip() or "(it prints nothing)")
        self.page.line(f"Exit status {ran.completed.exit_code}.", indent=4)
        questions.tell(self.page, grade)
        return Asked((chosen.id,), grade, happened.id if happened else "")

    def _type(self, session: Session, question: TypeCommand) -> Asked:
        self.page.markdown(question.ask)
        grade, completed = run.typed(session, question, ask.read_line("$ "))
        self.page.raw(printable(completed.output).rstrip())
        questions.tell(self.page, grade)
        return Asked((), grade)


def bound(chapter: Chapter, value: T) -> T:
    """A part with its variables filled in: those of the chapter's open lab, or likely ones where none is open."""
    found = open_labs.find(chapter.chapter)
    if found:
        return variables.bind(value, session_setup.bindings(found))
    return likely(chapter, value)
