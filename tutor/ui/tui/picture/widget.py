"""The live picture as one widget: four tabs, by key and by click."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widgets import ContentSwitcher

from tutor.engine.gauge import Usage
from tutor.engine.world import Change, World
from tutor.sandbox.trace import Call
from tutor.ui.tui.picture.kit import Drawing, Line, Span, clip, spans
from tutor.ui.tui.picture.look import Look
from tutor.ui.tui.picture.views import LayersTab, Painted, Tab, TimelineTab, TraceTab, WorldTab

TABS = {"world": "World", "trace": "API trace", "layers": "Layers", "timeline": "Timeline"}
"""The tabs by the names that chapters use, with their titles."""

_T = TypeVar("_T", bound=Tab)
_FLASH = 1.2
_TICK = 1.0


class _Bar(Painted):
    """`▸World ┊ API trace ┊ Layers ┊ Timeline`."""

    DEFAULT_CSS = "_Bar { height: 1; }"
    tab = reactive("world")

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def watch_tab(self) -> None:
        self.redraw()

    def _titles(self) -> list[tuple[str, Line]]:
        titles: list[tuple[str, Line]] = []
        for name, title in TABS.items():
            chosen = name == self.tab
            titles.append((name, (Span(f"▸{title}" if chosen else f" {title}", "chosen" if chosen else "quiet"),)))
        return titles

    def paint(self, cells: int, rows: int) -> Drawing:
        """The titles, the chosen one with a sign."""
        line: Line = ()
        for _, title in self._titles():
            line = spans(line, Span(" ┊", "line") if line else "", title)
        return (clip(line, cells),)

    def on_click(self, event: events.Click) -> None:
        """Choose the tab under the pointer."""
        reached = 0
        for name, title in self._titles():
            reached += len(title[0].text) + 2
            if event.x < reached:
                self.post_message(self.Chosen(name))
                return


class Picture(Vertical, can_focus=True):
    """World, API trace, Layers and Timeline, live. Its methods belong to the app's thread.

    Args:
        initial_tab: `world`, `trace`, `layers` or `timeline`: the one that tells the chapter's story.
        clock: Seconds since 1970; tests give one that stands still.
    """

    DEFAULT_CSS = "Picture { width: 1fr; height: 1fr; } Picture > ContentSwitcher { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "next(-1)", "Tab before", show=False, id="picture.before", tooltip="The picture's tab before"),
        Binding("right", "next(1)", "Next tab", show=False, id="picture.next", tooltip="The picture's next tab"),
        Binding("1", "tab('world')", "World", show=False, id="picture.world", tooltip="What the sandbox holds"),
        Binding("2", "tab('trace')", "Trace", show=False, id="picture.trace", tooltip="What your commands asked for"),
        Binding("3", "tab('layers')", "Layers", show=False, id="picture.layers", tooltip="What images are made of"),
        Binding("4", "tab('timeline')", "Timeline", show=False, id="picture.timeline", tooltip="Containers' lives"),
    ]

    class Turned(Message):
        """Another tab is shown."""

    tab = reactive("world", init=False)

    def __init__(
        self,
        initial_tab: str = "world",
        *,
        clock: Callable[[], float] = time.time,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._clock = clock
        self._world = World()
        self._look = Look()
        self._flash: Timer | None = None
        self._begun = False
        self._tabs: dict[str, Tab] = {
            "world": WorldTab(id="picture-world"),
            "trace": TraceTab(id="picture-trace"),
            "layers": LayersTab(id="picture-layers"),
            "timeline": TimelineTab(id="picture-timeline"),
        }
        self.set_reactive(Picture.tab, initial_tab if initial_tab in TABS else "world")

    def compose(self) -> ComposeResult:
        """The bar of tabs above the tab that is shown."""
        bar = _Bar()
        bar.tab = self.tab
        yield bar
        with ContentSwitcher(initial=f"picture-{self.tab}"):
            yield from self._tabs.values()

    def on_mount(self) -> None:
        """Time passes in the timeline."""
        self.set_interval(_TICK, self._tick)

    def watch_tab(self, tab: str) -> None:
        """Show another tab."""
        if self.is_mounted:
            self.query_one(_Bar).tab = tab
            self.query_one(ContentSwitcher).current = f"picture-{tab}"
            self._tell()
            self.post_message(self.Turned())

    def show(self, world: World, changes: Iterable[Change] = ()) -> None:
        """Show a World, and let what changed flash."""
        changes = tuple(changes)
        self._world = world
        timeline = self._tab(TimelineTab)
        timeline.history = timeline.history.fold(self._clock(), changes, world)
        self._tab(TraceTab).names = {c.id[:12]: c.name for c in world.containers.values()}
        fresh = frozenset((c.object, c.key) for c in changes if c.what != "removed")
        first, self._begun = not self._begun, True
        # What is there at the beginning has not just changed.
        if fresh and not first and self._moves():
            self._look = replace(self._look, fresh=fresh)
            if self._flash is not None:
                self._flash.stop()
            self._flash = self.set_timer(_FLASH, self._calm)
        self._tell()

    def show_calls(self, calls: Sequence[Call]) -> None:
        """Show the calls of the lab, oldest first, each in its latest state."""
        trace = self._tab(TraceTab)
        trace.calls = tuple(calls)
        trace.redraw()

    def show_reading(self, usage: Mapping[str, Usage], closed: Mapping[str, str], written: Mapping[str, int]) -> None:
        """Show what was read beside the World.

        Args:
            usage: What containers use now, by name or id.
            closed: Host ports behind which nobody answers, and why: their doors are drawn broken.
            written: Bytes in containers' writable layers, by id.
        """
        look = replace(self._look, usage=dict(usage), closed=dict(closed), written=dict(written))
        if look != self._look:
            self._look = look
            self._tell()

    def show_history(self, image: str, entries: Sequence[tuple[int, str]]) -> None:
        """Show how an image (by its id) was made: bytes and `created by`, newest first as `docker history` does."""
        layers = self._tab(LayersTab)
        if layers.histories.get(image) != tuple(entries):
            layers.histories[image] = tuple(entries)
            layers.redraw()

    def mark(self, where: str | None) -> None:
        """Mark what a finding is about, until the next mark; None takes the mark away.

        Args:
            where: Kind and name, `container web`; `port 8080` marks a host port behind which nobody listens.
        """
        self._look = replace(self._look, where=where or "")
        self._tell()

    def words(self) -> str:
        """What the shown tab says, in sentences."""
        return self._tabs[self.tab].words()

    def action_tab(self, tab: str) -> None:
        """Show a tab by its name."""
        if tab in TABS:
            self.tab = tab

    def action_next(self, step: int) -> None:
        """Show the next tab, or the one before."""
        names = list(TABS)
        self.tab = names[(names.index(self.tab) + step) % len(names)]

    def on__bar_chosen(self, message: _Bar.Chosen) -> None:
        """A click on a title."""
        message.stop()
        self.tab = message.tab

    def _tab(self, kind: type[_T]) -> _T:
        return next(tab for tab in self._tabs.values() if isinstance(tab, kind))

    def _moves(self) -> bool:
        return self.is_mounted and self.app.animation_level != "none"

    def _calm(self) -> None:
        self._flash = None
        self._look = replace(self._look, fresh=frozenset())
        self._tell()

    def _tick(self) -> None:
        timeline = self._tab(TimelineTab)
        if self.tab == "timeline" and timeline.goes_on:
            timeline.look = replace(self._look, now=self._clock())
            timeline.redraw()

    def _tell(self) -> None:
        for tab in self._tabs.values():
            if isinstance(tab, WorldTab | LayersTab):
                tab.world, tab.look = self._world, self._look
            elif isinstance(tab, TimelineTab):
                tab.look = replace(self._look, now=self._clock())
            tab.redraw()
