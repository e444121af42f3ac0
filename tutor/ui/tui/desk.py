"""What all screens share: the course, the journal, and chance."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import cached_property

from tutor.course.models import Chapter, Course, Lab
from tutor.learner import progress, review, whereabouts
from tutor.learner.events import AnyEvent, LabOpened, StepPassed
from tutor.learner.journal import Journal
from tutor.learner.memory import Visits
from tutor.learner.progress import ChapterProgress
from tutor.learner.remembered import Remembered


@dataclass
class Desk:
    """One learner's things.

    Attributes:
        shuffle: Decides the order of options.
        trouble: What was last told of a journal that cannot be written.
        entry: Id of the entry that was recorded last.
    """

    course: Course
    journal: Journal
    shuffle: random.Random = field(default_factory=random.Random)
    trouble: str = ""
    entry: str = ""

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
        return progress.of_course(self.course, self.remembered.memory())

    def progress(self, chapter: Chapter) -> ChapterProgress:
        """Progress of one chapter."""
        memory = self.remembered.memory()
        visits = memory.chapters.get(chapter.id, Visits())
        return progress.view(chapter, visits, whereabouts.settle(self.course, memory))

    def due(self) -> int:
        """How many reviews today shall still bring."""
        return review.count(self.course, self.remembered.memory(), self.journal.now())

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

    def all_steps_passed(self, chapter: Chapter) -> bool:
        """Whether every step of the chapter's labs has passed, in whichever lab."""
        steps = {step.id for section in chapter.sections if isinstance(section, Lab) for step in section.steps}
        return steps <= self.progress(chapter).steps

    def after(self, chapter: Chapter) -> Chapter | None:
        """The chapter that follows."""
        return next((c for c in self.course.chapters if c.chapter > chapter.chapter), None)


def bar(share: float, width: int) -> str:
    """A share of 1.0 as a bar of characters."""
    full = round(share * width) if 0 < share < 1 else int(share >= 1) * width
    full = min(max(full, 1), width - 1) if 0 < share < 1 else full
    return "▰" * full + "▱" * (width - full)
