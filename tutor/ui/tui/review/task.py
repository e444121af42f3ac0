"""A live task: one step of a lab, in a lab of its own, on the lesson's own screen.

The lesson works at a desk and in a room. Here the desk keeps nothing in the journal but collects what happens, and the
room opens a lab that is gone afterwards, whatever lab of the chapter the learner may have open.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar

from msgspec.structs import replace
from textual import work

from tutor.course.models import Chapter, Lab, Step
from tutor.lab.session.session import Session
from tutor.learner.events import AnyEvent
from tutor.learner.progress import ChapterProgress
from tutor.quiz import record
from tutor.ui.tui.desk import Desk
from tutor.ui.tui.lesson.room import Room, Words
from tutor.ui.tui.lesson.screen import LessonScreen


class TaskDesk(Desk):
    """Collects what happens.

    Args:
        desk: The learner's own desk.
        before: Ids of the steps before the one to do.
    """

    def __init__(self, desk: Desk, before: set[str]) -> None:
        super().__init__(desk.contents, lambda: desk.course, desk.journal, desk.shuffle)
        self.happened: list[AnyEvent] = []
        self._before = before

    def record(self, event: AnyEvent) -> str:
        """Not in the journal: the whole task becomes one event."""
        self.happened.append(event)
        return ""

    def progress(self, chapter: Chapter) -> ChapterProgress:
        """Nothing is done yet, as far as the task is concerned."""
        return ChapterProgress(chapter=chapter.id)

    def passed_in(self, chapter: Chapter, lab: str) -> set[str]:
        """What comes before is made by its solutions."""
        return set(self._before)


class TaskRoom(Room):
    """Opens a new lab, and closes it when it is left."""

    def _open(self, progress: Words) -> Session:
        engine = self._connect(progress)
        self.session = Session.open(
            self.course, self.chapter, engine=engine, lab=self.lab, keep=False, progress=progress
        )
        self.fresh = True
        return self.session

    def _leave(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            session.close()
        super()._leave()


class TaskScreen(LessonScreen):
    """One step to do.

    Args:
        desk: The learner's things.
        chapter: The chapter.
        step: Its step.

    Returns:
        A `TaskReviewed` by `dismiss`; None where nothing was done.
    """

    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = ["../lesson/lesson.tcss", "../quiz/quiz.tcss"]
    HELP = """\
One step of a lab, because a mistake was made there once. It is judged on the engine, as in the lesson. When it has
passed, n goes back to the review; q gives it up. The lab is gone afterwards.
"""

    def __init__(self, desk: Desk, chapter: Chapter, step: Step) -> None:
        self._task_of, self._step = chapter, step
        alone, before = only(chapter, step)
        self._collecting = TaskDesk(desk, before)
        super().__init__(self._collecting, alone, TaskRoom(desk.course, alone))

    @work(exclusive=True, group="going")
    async def action_next(self) -> None:
        """Back to the review, once it has passed."""
        page = self.lab_page
        if page is not None and page.finished:
            self.action_leave()
        else:
            self.notify("This has not passed yet: h gives a hint, s a solution, q gives it up.")

    @work(exclusive=True, group="going")
    async def action_back(self) -> None:
        """There is nothing before it."""

    def action_leave(self) -> None:
        """Back to the review with what came of it."""
        event = record.reviewed(self._task_of, self._step, self._collecting.happened)
        self.dismiss(event if event.passed or event.mistakes or event.solution else None)


def only(chapter: Chapter, step: Step) -> tuple[Chapter, set[str]]:
    """The chapter with nothing but the lab up to that step, and the ids of the steps before it."""
    lab = next(part for part in chapter.sections if isinstance(part, Lab) and step in part.steps)
    place = lab.steps.index(step)
    alone = replace(lab, steps=lab.steps[: place + 1])
    return replace(chapter, sections=(alone,)), {one.id for one in lab.steps[:place]}
