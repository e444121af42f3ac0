"""The four tabs as thin widgets: each holds values, and paints what its pure function draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tutor.engine.world import World
from tutor.sandbox.trace import Call
from tutor.ui.tui.picture import layers_view, timeline_view, trace_view, world_view
from tutor.ui.tui.picture.history import History
from tutor.ui.tui.picture.kit import ROLES, Drawing
from tutor.ui.tui.picture.look import Look


class Painted(Widget):
    """A widget whose lines are spans with roles; every role is a component class, `picture--ok`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"picture--{role}" for role in ROLES}
    DEFAULT_CSS = """
    Painted {
        width: 1fr; height: 1fr; padding: 0;
        & > .picture--quiet { color: $foreground 65%; }
        & > .picture--strong { text-style: bold; }
        & > .picture--line { color: $foreground 45%; }
        & > .picture--title { color: $foreground 80%; text-style: bold; }
        & > .picture--ok { color: $text-success; }
        & > .picture--warn { color: $text-warning; }
        & > .picture--bad { color: $text-error; text-style: bold; }
        & > .picture--image { color: $text-primary; }
        & > .picture--network { color: $text-secondary; }
        & > .picture--volume { color: $text-accent; }
        & > .picture--door { color: $text-success; text-style: bold; }
        & > .picture--mark { background: $error-muted; color: $text-error; text-style: bold; }
        & > .picture--mark-line { color: $text-error; text-style: bold; }
        & > .picture--fresh { background: $warning-muted; color: $text-warning; text-style: bold; }
        & > .picture--shared { color: $text-primary; }
        & > .picture--lit { color: $text-success; text-style: bold; }
        & > .picture--chosen { color: $text-primary; text-style: bold underline; }
        & > .picture--brick { background: $foreground 12%; }
        & > .picture--brick-edge { color: $foreground 12%; }
        & > .picture--brick-shared { background: $primary-muted; color: $text-primary; }
        & > .picture--brick-shared-edge { color: $primary-muted; }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._drawing: Drawing | None = None
        self._drawn_for = (0, 0)
        self._styles: dict[str, Style] = {}

    def paint(self, cells: int, rows: int) -> Drawing:
        """The picture in so many cells and lines."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Something is different: draw again, when it is seen."""
        self._drawing = None
        if self.is_mounted and self.display:
            self.refresh()

    def notify_style_update(self) -> None:
        """Colours are looked up again after a change of theme."""
        self._styles.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """One line, in the theme's colours."""
        cells, rows = self.size
        if self._drawing is None or self._drawn_for != (cells, rows):
            self._drawing = self.paint(cells, rows)
            self._drawn_for = (cells, rows)
        base = self.rich_style
        if y >= len(self._drawing):
            return Strip.blank(cells, base)
        segments = [Segment(span.text, self._style(span.role)) for span in self._drawing[y]]
        return Strip(segments).adjust_cell_length(cells, base)

    def _style(self, role: str) -> Style:
        style = self._styles.get(role)
        if style is None:
            style = self.rich_style if role == "plain" else self.get_component_rich_style(f"picture--{role}")
            self._styles[role] = style
        return style


class Tab(Painted):
    """One of the four pictures."""

    def words(self) -> str:
        """The same in sentences, for screen readers and plain text."""
        raise NotImplementedError


class WorldTab(Tab):
    """What the sandbox holds, and how it hangs together."""

    world: World = World()
    look: Look = Look()

    def paint(self, cells: int, rows: int) -> Drawing:
        """The picture of the World."""
        return world_view.draw(self.world, self.look, cells, rows)

    def words(self) -> str:
        """The World in sentences."""
        return world_view.words(self.world, self.look)


class TraceTab(Tab):
    """What the learner's commands asked for, and how far it went."""

    calls: Sequence[Call] = ()
    names: Mapping[str, str] = {}

    def paint(self, cells: int, rows: int) -> Drawing:
        """The picture of the trace."""
        return trace_view.draw(self.calls, cells, rows, self.names)

    def words(self) -> str:
        """The trace in sentences."""
        return trace_view.words(self.calls, self.names)


class LayersTab(Tab):
    """What images are made of, and what they share."""

    world: World = World()
    look: Look = Look()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.histories: dict[str, Sequence[tuple[int, str]]] = {}

    def paint(self, cells: int, rows: int) -> Drawing:
        """The picture of the layers."""
        return layers_view.draw(self.world, self.histories, self.look, cells, rows)

    def words(self) -> str:
        """The layers in sentences."""
        return layers_view.words(self.world, self.histories, self.look)


class TimelineTab(Tab):
    """The life of every container."""

    history: History = History()
    look: Look = Look()

    @property
    def goes_on(self) -> bool:
        """Whether time changes the picture: something runs."""
        return any(lane.place in {"running", "paused"} for lane in self.history.lanes)

    def paint(self, cells: int, rows: int) -> Drawing:
        """The picture of the lives."""
        return timeline_view.draw(self.history, self.look, cells, rows)

    def words(self) -> str:
        """The lives in sentences."""
        return timeline_view.words(self.history, self.look)
