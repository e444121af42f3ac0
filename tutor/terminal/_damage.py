"""What must be drawn again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tutor.terminal._line import Line, Run

if TYPE_CHECKING:
    from tutor.terminal.emulator import Screen


class Damage:
    """Remembers what a view shows of a screen and tells which of its rows differ now.

    A row counts as different when its text or style is, not because it was written again: programs that
    redraw themselves every second then cost nothing over a slow line.
    """

    def __init__(self) -> None:
        self._shown: list[tuple[Line, int, tuple[Run, ...]] | None] = []
        self._cursor: tuple[int, int, int] | None = None

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
        dirty: set[int] = set()
        shown = self._shown
        if len(shown) != height:
            shown = self._shown = (shown + [None] * height)[:height]
        total = screen.total
        for row in range(height):
            address = top + row
            before = shown[row]
            if not 0 <= address < total:
                if before is not None:
                    dirty.add(row)
                    shown[row] = None
                continue
            line = screen.line_at(address)
            if before is not None and before[0] is line and before[1] == line.generation:
                continue
            runs = line.runs()
            if before is None or before[2] != runs:
                dirty.add(row)
            shown[row] = (line, line.generation, runs)
        cursor = None
        if screen.cursor_visible and 0 <= screen.cursor.row - top < height:
            cursor = (screen.cursor.row - top, screen.cursor.column, screen.cursor_style)
        if cursor != self._cursor:
            dirty |= {place[0] for place in (cursor, self._cursor) if place is not None and place[0] < height}
            self._cursor = cursor
        return dirty
