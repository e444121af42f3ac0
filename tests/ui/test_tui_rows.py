"""Drawing only the rows that changed gives the same picture as Textual's own way."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from textual._compositor import Compositor
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip

from tests.ui.tui_app import make_app, running
from tests.ui.tui_rooms import NoEngine, course, lesson_chapter, place_of, show_lab
from tutor.ui.tui.lesson.screen import LessonScreen
from tutor.ui.tui.row_compositor import RowCompositor, fits
from tutor.ui.tui.rows import draw_rows
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


def test_textual_is_as_it_was_when_its_method_was_overridden() -> None:
    assert fits(Compositor), (
        "This Textual has another Compositor._get_renders: the lesson draws Textual's own way with it, which is slow. "
        "See whether RowCompositor is still needed; if so make it right for both, and add the signature to _KNOWN."
    )


class OtherArguments(Compositor):
    """As a later Textual may have it."""

    def _get_renders(self, rows: range) -> Iterable[tuple[Region, Region, list[Strip]]]:  # type: ignore[override]
        raise NotImplementedError


class OtherAnswer(Compositor):
    """The same arguments, and something else comes back."""

    def _get_renders(self, crop: Region | None = None) -> Iterable[Strip]:  # type: ignore[override]
        raise NotImplementedError


@pytest.mark.parametrize("other", [OtherArguments, OtherAnswer])
async def test_another_textual_draws_its_own_way(other: type[Compositor], monkeypatch: pytest.MonkeyPatch) -> None:
    assert not fits(other)
    screen: Screen[object] = Screen()
    before = screen._compositor = other()
    draw_rows(screen)
    assert screen._compositor is before
    monkeypatch.setattr(Compositor, "_get_renders", other._get_renders)
    kept: Screen[object] = Screen()
    draw_rows(kept)
    assert type(kept._compositor) is Compositor
