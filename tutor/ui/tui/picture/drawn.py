"""A chapter's drawing that is alive: as high as what it shows, and painted anew when the engine has news."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Size

from tutor.engine.machine import Machine
from tutor.engine.world import World
from tutor.sandbox.trace import Call
from tutor.ui.tui.picture import chain_view, stack_view
from tutor.ui.tui.picture.kit import Drawing
from tutor.ui.tui.picture.views import Painted


class Drawn(Painted):
    """One of the drawings that chapters name: `stack` or `pipeline`.

    Args:
        what: Its name.
    """

    DEFAULT_CSS = "Drawn { height: auto; margin-bottom: 1; }"

    def __init__(self, what: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._what = what
        self._machine: Machine | None = None
        self._world = World()
        self._calls: Sequence[Call] = ()

    def show(self, machine: Machine | None, world: World, calls: Sequence[Call]) -> None:
        """Show what the engine tells.

        Args:
            machine: What it runs on; None while that is not known.
            world: What the lab holds.
            calls: The lab's calls, oldest first.
        """
        self._machine, self._world, self._calls = machine, world, calls
        self.redraw()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as it has at this width."""
        del container, viewport
        return len(self.paint(width, 0))

    def paint(self, cells: int, rows: int) -> Drawing:
        """The whole drawing: its height follows from its width."""
        del rows
        if self._what == "pipeline":
            return chain_view.draw(self._machine, self._calls, cells)
        return stack_view.draw(self._machine, self._world, cells)
