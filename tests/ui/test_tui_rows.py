"""Drawing only the rows that changed gives the same picture as Textual's own way."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip

from tests.ui.tui_app import make_app, running
from tests.ui.tui_rooms import NoEngine, course, lesson_chapter, place_of, show_lab
from tutor.ui.tui.lesson.screen import LessonScreen
from tutor.ui.tui.rows import RowCompositor
from tutor.ui.tui.shell.view import ShellView


def drawn(compositor: Compositor, crop: Region) -> list[list[tuple[int, Strip]]]:
    """What an update of a region would write: its pieces by row, with their columns."""
    chops = compositor._render_chops(crop, lambda y: crop.y <= y < crop.bottom)
    rows = []
    for y in range(crop.y, crop.bottom):
        ends = dict(zip(compositor.cuts[y], compositor.cuts[y][1:], strict=False))
        rows.append([(x, s) for x, s in chops[y].items() if s is not None and x < crop.right and ends[x] > crop.x])
    return rows


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_the_same_picture(tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(tmp_path, course=course())
    async with running(app, size) as pilot:
        screen = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
        await app.push_screen(screen)
        await screen.show(place_of("lab"))
        show_lab(screen)
        app.notify("A message that lies above the lesson.")
        await pilot.pause()
        assert isinstance(screen._compositor, RowCompositor)
        chance = random.Random(3)
        crops = [screen.size.region]
        for _ in range(60):
            x, y = chance.randrange(size[0]), chance.randrange(size[1])
            crops.append(Region(x, y, chance.randint(1, size[0] - x), chance.randint(1, size[1] - y)))
        ours = [drawn(screen._compositor, crop) for crop in crops]
        monkeypatch.setattr(RowCompositor, "_get_renders", Compositor._get_renders)
        assert [drawn(screen._compositor, crop) for crop in crops] == ours


async def test_one_key_asks_for_one_row(tmp_path: Path) -> None:
    app = make_app(tmp_path, course=course())
    async with running(app, (120, 36)) as pilot:
        screen = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
        await app.push_screen(screen)
        await screen.show(place_of("lab"))
        show_lab(screen)
        await pilot.pause()
        row = screen.query_one(ShellView).region
        renders = list(screen._compositor._get_renders(Region(row.x, row.y, row.width, 1)))
        assert 0 < len(renders) < 12
        assert all(len(strips) == 1 for _, _, strips in renders)
