"""What tests of quiz, review, placement and progress share: an app with a clock of the test's, and a life before it."""

from __future__ import annotations

import random
from pathlib import Path

from textual.pilot import Pilot

from tests.ui.tui_app import NOON, until
from tests.ui.tui_rooms import course
from tutor.course.contents import contents_of
from tutor.course.identity import content_hash
from tutor.course.models import Course, Predict, Step
from tutor.course.tasks import tasks
from tutor.learner.events import ChapterFinished, ChapterOpened, QuestionAnswered, StepPassed, StepTried
from tutor.learner.journal import Journal
from tutor.learner.schedule import DAY
from tutor.ui.tui.app import TutorApp
from tutor.ui.tui.desk import Desk
from tutor.ui.tui.rounds.screen import RoundScreen
from tutor.ui.tui.theme import DARK, Settings

CHAPTER = course().chapters[0]


class Clock:
    """Stands still unless it is set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def an_app(home: Path, known: Course | None = None) -> tuple[TutorApp, Clock]:
    """An app whose journal goes by the clock; with the tests' course when none is given."""
    clock = Clock()
    known = known or course()
    journal = Journal(home / "data" / "journal.sqlite3", clock=clock)
    desk = Desk(contents_of(known), lambda: known, journal, random.Random(7))
    return TutorApp(desk, None, Settings(theme=DARK.name, motion=False)), clock


def lived(app: TutorApp, clock: Clock) -> None:
    """A learner who has begun two chapters, answered, and made a mistake in a lab; two days ago."""
    for number, chapter in enumerate(app.desk.course.chapters[:2]):
        clock.now = NOON + number * 900
        app.desk.record(ChapterOpened(chapter=chapter.id))
        for task in tasks(chapter):
            clock.now += 60
            digest = content_hash(task)
            if isinstance(task, Step):
                tried = StepTried(chapter=chapter.id, item=task.id, hash=digest, findings=1, mistake="no-publish")
                app.desk.record(tried)
                app.desk.record(StepPassed(chapter=chapter.id, item=task.id, hash=digest))
            elif not isinstance(task, Predict):
                app.desk.record(
                    QuestionAnswered(chapter=chapter.id, item=task.id, hash=digest, answer=(), credit=float(number))
                )
    app.desk.record(ChapterFinished(chapter=app.desk.course.chapters[0].id))
    clock.now = NOON + 2 * DAY


async def go(pilot: Pilot[int], app: TutorApp, name: str) -> RoundScreen:
    """Open a round from home."""
    await pilot.pause()
    app.action_round(name)
    await until(pilot, lambda: isinstance(app.screen, RoundScreen) and (app.screen.item or app.screen.over), name)
    screen = app.screen
    assert isinstance(screen, RoundScreen)
    return screen
