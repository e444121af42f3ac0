"""What must be drawn again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tutor.terminal._line import Line, Run

if TYPE_CHECKING:
    from tutor.terminal.emulator import Screen

Cursor = tuple[int, int] | None
"""Column and style of the cursor in a row."""


class Damage:
    """Remembers what a view shows of a screen and tells which of its rows differ now.

    A row counts as different when its text or style is, or the cursor in it, not because it was written again: programs
    that redraw themselves every second then cost nothing over a slow line.
    """

    def __init__(self) -> None:
        self._shown: list[tuple[Line, int, tuple[Run, ...], Cursor] | None] = []

    def forget(self) -> None:
        """Everything must be drawn, for instance in other colours."""
        self._shown = []

    def update(self, screen: Screen, top: int, height: int) -> set[int]:
        """The rows to draw, counted from the view's top, and from now on taken for drawn.

        Args:
            screen: What is viewed.
            top: Address of the row at the view's top.
            height: Rows in the view.
        """
        if len(self._shown) != height:
            self._shown = (self._shown + [None] * height)[:height]
        return {row for row in range(height) if self.drawn(screen, top, row)}

    def drawn(self, screen: Screen, top: int, row: int) -> bool:
        """Take a row for drawn as it is now; whether it was another one before.

        A view that draws later than it asked draws what is there by then, and must tell: else a row that has come and
        gone in between would be taken for one that was never drawn.

        Args:
            screen: What is viewed.
            top: Address of the row at the view's top.
            row: The row, counted from there.
        """
        shown = self._shown
        if not 0 <= row < len(shown):
            return False
        before = shown[row]
        address = top + row
        if not 0 <= address < screen.total:
            shown[row] = None
            return before is not None
        line = screen.line_at(address)
        place = screen.cursor
        cursor = (place.column, screen.cursor_style) if screen.cursor_visible and place.row == address else None
        if before is not None and before[0] is line and before[1] == line.generation and before[3] == cursor:
            return False
        runs = line.runs()
        shown[row] = (line, line.generation, runs, cursor)
        return before is None or before[2] != runs or before[3] != cursor
