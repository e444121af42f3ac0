"""What all screens share: the course, the journal, and chance."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from tutor.course.contents import ChapterHeading, Contents
from tutor.learner import progress, review, whereabouts
from tutor.learner.events import AnyEvent, LabOpened, StepPassed
from tutor.learner.journal import Journal
from tutor.learner.memory import Visits
from tutor.learner.progress import ChapterProgress
from tutor.learner.remembered import Remembered

if TYPE_CHECKING:
    from tutor.course.models import Chapter, Course


@dataclass
class Desk:
    """One learner's things.

    Attributes:
        contents: The course's table of contents. `load`: what brings the course itself.
        shuffle: Decides the order of options.
        trouble: What was last told of a journal that cannot be written.
        entry: Id of the entry that was recorded last.
    """

    contents: Contents
    load: Callable[[], Course]
    journal: Journal
    shuffle: random.Random = field(default_factory=random.Random)
    trouble: str = ""
    entry: str = ""

    @cached_property
    def course(self) -> Course:
        """All chapters with their texts."""
        return self.load()

    def chapter(self, name: str) -> Chapter:
        """The chapter of this id."""
        return next(chapter for chapter in self.course.chapters if chapter.id == name)

    @cached_property
    def remembered(self) -> Remembered:
        """What the journal's events come to."""
        return Remembered(self.journal)

    def record(self, event: AnyEvent) -> str:
        """Keep an event; why it could not be written, when that is news."""
        self.entry = self.journal.append(event)
        news = self.journal.trouble if self.journal.trouble != self.trouble else ""
        self.trouble = self.journal.trouble
        return news

    def everything(self) -> dict[str, ChapterProgress]:
        """Progress of every chapter, by id."""
        self.remembered.keep()
        return progress.of_course(self.contents, self.remembered.memory())

    def progress(self, chapter: Chapter) -> ChapterProgress:
        """Progress of one chapter."""
        memory = self.remembered.memory()
        visits = memory.chapters.get(chapter.id, Visits())
        return progress.view(self._heading(chapter), visits, whereabouts.settle(self.contents, memory))

    def due(self) -> int:
        """How many reviews today shall still bring."""
        return review.count(self.contents, self.remembered.memory(), self.journal.now())

    def passed_in(self, chapter: Chapter, lab: str) -> set[str]:
        """Ids of the steps that have passed since that lab was opened."""
        passed: set[str] = set()
        here = False
        for entry in self.journal.entries(chapter.id):
            match entry.event:
                case LabOpened(lab=opened):
                    passed = set()
                    here = opened == lab
                case StepPassed(item=step) if here:
                    passed.add(step)
                case _:
                    pass
        return passed

    def after(self, chapter: Chapter) -> Chapter | None:
        """The chapter that follows."""
        return next((c for c in self.course.chapters if c.chapter > chapter.chapter), None)

    def _heading(self, chapter: Chapter) -> ChapterHeading:
        return next(heading for heading in self.contents if heading.id == chapter.id)


def bar(share: float, width: int) -> str:
    """A share of 1.0 as a bar of characters."""
    full = round(share * width) if 0 < share < 1 else int(share >= 1) * width
    full = min(max(full, 1), width - 1) if 0 < share < 1 else full
    return "▰" * full + "▱" * (width - full)
