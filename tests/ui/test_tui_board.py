"""The board of a class in the middle of a chapter, on a real hub: read at any size of class and terminal."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.widgets import OptionList, Static

from tests.ui.class_of import COURSE, SYLLABUS, happen, records
from tests.ui.tui_app import until
from tests.unit.workshop.hubs import SECRET, Running, serving
from tutor.ui.tui.workshop.board import BoardApp, BoardScreen
from tutor.workshop.log_sqlite import SqliteLog
from tutor.workshop.rooms import Keys


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(SqliteLog(tmp_path / "room.sqlite3"), syllabus=SYLLABUS) as started:
        yield started


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
@pytest.mark.parametrize("count", [5, 30, 200])
async def test_no_line_of_the_board_breaks(home: Path, hub: Running, count: int, size: tuple[int, int]) -> None:
    await happen(hub, records(count, hub.hub.follower.id, time.time()))
    app = BoardApp(Keys(room="r1", title="Docker", link=hub.http, secret=SECRET), "Kim", COURSE)
    async with app.run_test(size=size) as pilot:
        screen = app.screen
        assert isinstance(screen, BoardScreen)
        listed, steps, side = (
            screen.query_one("#seats", OptionList),
            screen.query_one("#board-steps", Static),
            screen.query_one("#side"),
        )
        await until(pilot, lambda: listed.option_count == count, "all seats")
        await until(pilot, lambda: steps.size.height > 1, "the steps")
        lines = [str(option.prompt).splitlines() for option in listed.options]
        board = screen.board
        assert board is not None
        stuck = {row.name for row in board.seats if row.stuck}
        assert stuck or count == 5
        for line in lines:
            # Only who is stuck has a second line, and it says on what.
            assert len(line) == 1 or (len(line) == 2 and line[0].startswith(("▲", "!")) and "on this step" in line[1])
            assert max(map(len, line)) <= listed.scrollable_content_region.width
        await until(pilot, lambda: listed.virtual_size.height == sum(map(len, lines)), "nothing wrapped")
        told = str(steps.render())
        assert steps.size.height == len(told.splitlines()) == 1 + len(SYLLABUS.chapters[1].steps)
        # Those with a hand up come first, by name as people count.
        hands = [row.name for row in board.seats if row.hand]
        shown = [line[0][2:20].strip() for line in lines]
        assert shown[: len(hands)] == sorted(hands, key=lambda name: int(name.split()[1]))

        # Hands, mistakes and poll stand beside the seats, or are a key away.
        wide = size[0] >= 100
        assert side.display is wide and listed.region.width > 0
        await pilot.press("v")
        assert side.display and (screen.query_one("#seats-pane").display is wide)
        text = str(screen.query_one("#side-text", Static).render())
        assert "Mistakes of the class" in text and "→" in text and "✓" in text
        assert text.count("Learner") == min(8, len(hands)) and ("more" in text) == (len(hands) > 8)
        await pilot.press("v")
        assert side.display is wide and screen.query_one("#seats-pane").display and app.focused is listed
