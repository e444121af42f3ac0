"""What tests of the terminal app share: an app at a size, and waiting on conditions."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from tutor.course.contents import contents_of
from tutor.course.loader import load_course
from tutor.course.models import Chapter, Course
from tutor.learner.journal import Journal
from tutor.ui.tui.app import TutorApp
from tutor.ui.tui.desk import Desk
from tutor.ui.tui.theme import DARK, Settings

NOON = 1_700_000_000.0


def chapter_of(course: Course, number: int) -> Chapter:
    return next(chapter for chapter in course.chapters if chapter.chapter == number)


def make_app(
    home: Path, *, course: Course | None = None, chapter: Chapter | None = None, theme: str = DARK.name
) -> TutorApp:
    """An app with a journal of its own, no chance in it, and nothing that moves by itself."""
    journal = Journal(home / "data" / "journal.sqlite3", clock=lambda: NOON)
    shown = course or load_course()
    desk = Desk(contents_of(shown), lambda: shown, journal, random.Random(7))
    return TutorApp(desk, chapter, Settings(theme=theme, motion=False))


@asynccontextmanager
async def running(app: TutorApp, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Pilot[int]]:
    async with app.run_test(size=size) as pilot:
        yield pilot
    app.desk.journal.close()


async def until(pilot: Pilot[int], holds: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Let the app work until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come about in {seconds} s")
        await pilot.pause(0.02)
    await pilot.pause()
