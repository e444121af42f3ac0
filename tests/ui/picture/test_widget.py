"""The widget: tabs by key and click, what it shows of what it is given, and both themes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Size

from tests.ui.picture import situations
from tests.unit.world.worlds import world
from tutor.engine.world import World, diff
from tutor.ui.tui.picture import Picture
from tutor.ui.tui.picture.speech import moment
from tutor.ui.tui.picture.views import Tab

NOW = moment("2026-11-23T20:34:00Z")


class Alone(App[None]):
    """The picture and nothing else."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, tab: str = "world", theme: str = "textual-dark") -> None:
        super().__init__()
        self.picture = Picture(tab, clock=lambda: NOW)
        self._wanted = theme

    def compose(self) -> ComposeResult:
        yield self.picture

    def on_mount(self) -> None:
        self.theme = self._wanted
        self.picture.focus()


def _seen(app: Alone) -> str:
    tab = next(tab for tab in app.query(Tab) if tab.display)
    return "\n".join(tab.render_line(y).text for y in range(tab.size.height))


async def test_keys_and_clicks_choose_the_tab() -> None:
    app = Alone("layers")
    async with app.run_test(size=(60, 20)) as pilot:
        assert app.picture.tab == "layers"
        await pilot.press("4")
        assert app.picture.tab == "timeline"
        await pilot.press("right")
        assert app.picture.tab == "world"
        await pilot.press("left", "left")
        assert app.picture.tab == "layers"
        await pilot.click("_Bar", offset=(12, 0))
        assert app.picture.tab == "trace"
        assert "dockerd" in _seen(app)


async def test_what_is_shown_is_seen_and_marked() -> None:
    app = Alone()
    async with app.run_test(size=(100, 30)) as pilot:
        app.picture.show(world("swapped"), diff(World(), world("swapped")))
        app.picture.show_reading({}, {"80": "nobody listens"}, {})
        app.picture.mark("container web")
        await pilot.pause()
        assert "web ◀ look here" in _seen(app)
        assert "✗ ╌▷" in _seen(app)
        app.picture.mark(None)
        await pilot.pause()
        assert "look here" not in _seen(app)
        assert "Container web" in app.picture.words()


async def test_a_change_flashes_and_calms_down() -> None:
    app = Alone()
    async with app.run_test(size=(100, 30)) as pilot:
        app.animation_level = "full"
        app.picture.show(world("nothing"), diff(World(), world("nothing")))
        assert "✦" not in _seen(app)
        app.picture.show(world("web"), diff(world("nothing"), world("web")))
        await pilot.pause()
        assert "✦" in _seen(app)
        app.picture._calm()
        assert "✦" not in _seen(app)


async def test_nothing_flashes_with_reduced_motion() -> None:
    app = Alone()
    async with app.run_test(size=(100, 30)) as pilot:
        app.animation_level = "none"
        app.picture.show(world("nothing"), diff(World(), world("nothing")))
        assert "✦" not in _seen(app)
        app.picture.show(world("web"), diff(world("nothing"), world("web")))
        await pilot.pause()
        assert "web" in _seen(app)
        assert "✦" not in _seen(app)


async def test_what_comes_before_it_is_mounted_is_not_lost() -> None:
    app = Alone()
    app.picture.show(world("web"), ())
    app.picture.show_calls(situations.CALLS)
    async with app.run_test(size=(100, 30)) as pilot:
        assert "● running" in _seen(app)
        await pilot.press("2")
        await pilot.pause()
        assert "docker run" in _seen(app)


async def test_every_line_fills_its_widget_at_every_size() -> None:
    app = Alone()
    app.picture.show(situations.busy())
    app.picture.show_calls(situations.CALLS + situations.REFUSED)
    async with app.run_test(size=(100, 40)) as pilot:
        for size in ((40, 12), (24, 6), (130, 45)):
            await pilot.resize_terminal(*size)
            for key in "1234":
                await pilot.press(key)
                await pilot.pause()
                tab = next(tab for tab in app.query(Tab) if tab.display)
                assert tab.size == Size(size[0], size[1] - 1)
                assert {tab.render_line(y).cell_length for y in range(tab.size.height)} == {size[0]}


def _world(picture: Picture) -> None:
    picture.show(situations.busy())
    picture.show_reading(situations.USAGE, {"8443": "nobody listens"}, {})
    picture.mark("container web")


def _trace(picture: Picture) -> None:
    picture.show_calls(situations.CALLS + situations.REFUSED)


def _layers(picture: Picture) -> None:
    held, made = situations.builds()
    picture.show(held)
    for image, steps in made.items():
        picture.show_history(image, steps)


def _timeline(picture: Picture) -> None:
    picture.show(situations.busy())


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
@pytest.mark.parametrize("tab", ["world", "trace", "layers", "timeline"])
def test_looks_as_it_did(snap_compare: Callable[..., bool], tab: str, theme: str) -> None:
    fill = {"world": _world, "trace": _trace, "layers": _layers, "timeline": _timeline}[tab]

    async def before(pilot: object) -> None:
        fill(app.picture)

    app = Alone(tab, theme)
    assert snap_compare(app, terminal_size=(100, 36), run_before=before)
