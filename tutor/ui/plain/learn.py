"""`learn N --plain`: a chapter from where it was left to its end, in lines of text."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from tutor.course import variables
from tutor.course.contents import heading_of
from tutor.course.models import Chapter, Course, Lab, Predict, Question, Quiz, Section
from tutor.engine.connect import Engine
from tutor.lab import open_labs
from tutor.lab.session import close as session_close
from tutor.learner import progress
from tutor.learner.events import (
    AnyEvent,
    ChapterFinished,
    ChapterOpened,
    SectionReached,
)
from tutor.learner.journal import Journal
from tutor.learner.progress import ChapterProgress
from tutor.quiz.record import answered
from tutor.ui.plain import ask, asking, labs, reading
from tutor.ui.plain.asking import Asker
from tutor.ui.plain.page import Page

T = TypeVar("T")


class Left(Exception):
    """The learner leaves; the place is kept."""


@dataclass
class Lesson:
    """A chapter being gone through.

    Attributes:
        journal: Where what happens is kept.
        shuffle: Decides the order of options.
    """

    page: Page
    course: Course
    chapter: Chapter
    journal: Journal
    shuffle: random.Random = field(default_factory=random.Random)
    trouble: str = ""

    @cached_property
    def engine(self) -> Engine:
        """The engine, with the chapter's images on it.

        Raises:
            Problem: There is none, or an image cannot be had.
        """
        return labs.engine_for(self.chapter)

    @cached_property
    def _asker(self) -> Asker:
        return Asker(self.page, self.course, self.shuffle, lambda chapter: self.engine)

    def play(self) -> int:
        """Go through the chapter; returns the exit status."""
        done = self.progress()
        start = 0 if done.state == "finished" else done.section
        reading.head(self.page, self.chapter)
        self.record(ChapterOpened(chapter=self.chapter.id))
        if start:
            self.page.line(f"You go on where you were: part {start + 1} of {len(self.chapter.sections)}.")
            self.page.line(f"From the beginning: docker-tutor read {self.chapter.chapter}")
        if done.updated:
            self.page.line(f"This was updated since you did it: {', '.join(sorted(done.updated))}.")
        try:
            for section in self.chapter.sections[start:]:
                self.record(SectionReached(chapter=self.chapter.id, item=section.id))
                self.page.line()
                self._section(section)
        except (Left, ask.InputEnded):
            self._goodbye()
            return 0
        if self._all_steps():
            self.record(ChapterFinished(chapter=self.chapter.id))
            self.page.line()
            self.page.item("●", f"Chapter {self.chapter.chapter} is done.", "bold green")
        self._close_labs()
        self._next_chapter()
        return 0

    def record(self, event: AnyEvent) -> None:
        """Keep an event; say once when it cannot be written."""
        self.journal.append(event)
        if self.journal.trouble and self.journal.trouble != self.trouble:
            print(f"docker-tutor: {self.journal.trouble}", file=sys.stderr)
        self.trouble = self.journal.trouble

    def progress(self) -> ChapterProgress:
        """What the journal says of this chapter."""
        return progress.of_chapter(heading_of(self.chapter), self.journal.entries(self.chapter.id))

    # -- sections ------------------------------------------------------------------------------------------------
    def _section(self, section: Section) -> None:
        match section:
            case Predict():
                self._predict(section)
            case Lab():
                self._lab(section)
            case Quiz():
                self._quiz(section)
            case _:
                reading.show(self.page, self._bound(section))
        if not isinstance(section, Lab) and section is not self.chapter.sections[-1] and not ask.pause(self.page):
            raise Left

    def _predict(self, section: Predict) -> None:
        self.page.line("Predict", "bold")
        self._put(section)

    def _lab(self, section: Lab) -> None:
        self.page.heading(f"Lab: {section.title}")
        session = labs.enter(self.course, self.chapter, section, self.engine, self.record)
        try:
            bound = variables.bind(section, session.bindings)
            if bound.intro:
                self.page.markdown(bound.intro)
            passed = labs.passed_in(self.journal, self.chapter.id, session.lab_id)
            played = labs.play(self.page, session, section, passed, self.record)
        finally:
            session.leave()
        if not played.goes_on:
            raise Left

    def _quiz(self, section: Quiz) -> None:
        self.page.line(f"Quiz: {len(section.questions)} questions", "bold")
        answered = self.progress().questions
        waiting = [q for q in section.questions if q.id not in answered] or list(section.questions)
        right = 0
        for number, question in enumerate(waiting, 1):
            self.page.line()
            self.page.line(f"Question {number} of {len(waiting)}", "bold")
            right += self._put(question)
        self.page.line()
        self.page.line(f"{right} of {len(waiting)} right.")

    def _put(self, question: Question | Predict) -> bool:
        asked = self._asker.ask(self.chapter, question)
        self.record(answered(self.chapter, question, asked.answer, asked.grade, asked.outcome))
        return asked.grade.right

    # -- the end -------------------------------------------------------------------------------------------------
    def _bound(self, value: T) -> T:
        return asking.bound(self.chapter, value)

    def _all_steps(self) -> bool:
        steps = {step.id for section in self.chapter.sections if isinstance(section, Lab) for step in section.steps}
        return steps <= self.progress().steps

    def _close_labs(self) -> None:
        for record in open_labs.every():
            if record.chapter == self.chapter.chapter and not open_labs.is_served(record.lab):
                receipt = session_close.close_lab(self.engine, record.lab)
                for line in receipt.words():
                    self.page.line(line, indent=2)

    def _goodbye(self) -> None:
        self.page.line()
        number = self.chapter.chapter
        self.page.line(f"Your place is kept. Go on with: docker-tutor learn {number} --plain")
        if open_labs.find(number):
            self.page.line(f"Your lab stays as it is. Remove it with: docker-tutor close {number}")

    def _next_chapter(self) -> None:
        after = [c for c in self.course.chapters if c.chapter > self.chapter.chapter]
        if after:
            self.page.line(
                f"Next: {after[0].chapter} · {after[0].title} (docker-tutor learn {after[0].chapter} --plain)"
            )
