"""Quiz, review, placement and progress, looked at once and kept: at three sizes, in both themes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from tests.ui.rounds_app import an_app, go, lived
from tests.ui.tui_app import until
from tutor.course.models import SpotMistake, Step
from tutor.ui.tui.app import TutorApp
from tutor.ui.tui.progress.screen import ProgressScreen
from tutor.ui.tui.rounds.screen import RoundScreen
from tutor.ui.tui.rounds.taught import TaughtScreen
from tutor.ui.tui.theme import DARK, LIGHT

SIZES = [(80, 24), (120, 36), (200, 50)]
Look = Callable[[Pilot[int], TutorApp], Awaitable[None]]


async def skip_to(pilot: Pilot[int], screen: RoundScreen, kind: type) -> None:
    while screen.item is not None and not isinstance(screen.item.task, kind):
        before = screen.item
        await pilot.press("n", "n")
        await until(pilot, lambda: screen.item is not before, "the next")  # noqa: B023
    assert screen.item is not None
    screen.app.clear_notifications()
    await pilot.pause()


async def round_answered(pilot: Pilot[int], app: TutorApp) -> None:
    screen = await go(pilot, app, "quiz")
    await skip_to(pilot, screen, SpotMistake)
    await pilot.press("1")
    await until(pilot, lambda: screen.results, "the grade")


async def round_taught(pilot: Pilot[int], app: TutorApp) -> None:
    await round_answered(pilot, app)
    await pilot.press("w")
    await until(pilot, lambda: isinstance(app.screen, TaughtScreen), "the part")


async def review_task(pilot: Pilot[int], app: TutorApp) -> None:
    screen = await go(pilot, app, "review")
    await skip_to(pilot, screen, Step)


async def placement_done(pilot: Pilot[int], app: TutorApp) -> None:
    screen = await go(pilot, app, "placement")
    while not screen.over:
        before = screen.item
        await pilot.press("x")
        await until(pilot, lambda: screen.over or screen.item is not before, "the next")  # noqa: B023


async def progress(pilot: Pilot[int], app: TutorApp) -> None:
    await pilot.pause()
    app.action_round("progress")
    await until(pilot, lambda: isinstance(app.screen, ProgressScreen), "progress")


async def home_due(pilot: Pilot[int], app: TutorApp) -> None:
    await until(pilot, lambda: app.screen.query("#chapters"), "home")


@pytest.fixture
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Days begin when the pictures say so."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


LOOKS: list[Look] = [home_due, round_answered, round_taught, review_task, placement_done, progress]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.__name__)
@pytest.mark.usefixtures("in_utc")
async def test_round(snapshot: SnapshotAssertion, tmp_path: Path, look: Look) -> None:
    app, clock = an_app(tmp_path)
    lived(app, clock)
    kept = snapshot.use_extension(SVGImageExtension)
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.pause()
        await look(pilot, app)
        for size in SIZES:
            await pilot.resize_terminal(*size)
            for theme in (DARK.name, LIGHT.name):
                app.theme = theme
                await until(pilot, lambda: app.screen.size == size, "the size")  # noqa: B023
                name = f"{look.__name__}-{size[0]}x{size[1]}-{theme}"
                assert kept(name=name) == app.export_screenshot(title=name)
    app.desk.journal.close()
