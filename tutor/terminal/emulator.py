"""The shell's screen: bytes of a program in, rows of styled text out.

Pure: no clock, no files, no processes, and nothing of a user interface. It speaks what TERM=xterm-256color
promises. Drawing goes by `Screen.line_at`, `Line.runs` and `Damage`; what the program asks of the world
goes to a `Host`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from tutor.terminal._damage import Damage
from tutor.terminal._host import Host
from tutor.terminal._line import Line, Run
from tutor.terminal._parser import Parser
from tutor.terminal._reflow import reflow
from tutor.terminal._strings import standard_palette
from tutor.terminal._style import (
    BLINK,
    BOLD,
    DEFAULT,
    DIM,
    HIDDEN,
    ITALIC,
    OVERLINE,
    REVERSE,
    STRIKE,
    TRUE_COLOUR,
    Style,
    rgb,
)
from tutor.terminal._text import Match, Position, logical_line_at, search, text_between, word_at

__all__ = [
    "BLINK",
    "BOLD",
    "DEFAULT",
    "DIM",
    "HIDDEN",
    "ITALIC",
    "OVERLINE",
    "REVERSE",
    "STRIKE",
    "TRUE_COLOUR",
    "Damage",
    "Host",
    "Line",
    "Match",
    "Position",
    "Run",
    "Screen",
    "Style",
    "rgb",
    "standard_palette",
]


class Screen(Parser):
    """A terminal's screen with scrollback.

    Args:
        cols: Width in cells.
        rows: Height in cells.
        scrollback: Rows kept after they left the screen.
        host: What answers the program and hears its news.

    Rows are addressed from 0, the oldest that is kept, to `total - 1`, the last on the screen; the screen
    itself begins at `first_on_screen`. An address names the same text as long as `dropped` does not grow
    and the size stays.
    """

    @property
    def total(self) -> int:
        """Rows there are to see: scrollback and screen, or the alternate screen alone."""
        return self.first_on_screen + self.rows

    @property
    def first_on_screen(self) -> int:
        """The address of the screen's first row."""
        return 0 if self.alternate else len(self.history)

    @property
    def cursor(self) -> Position:
        """The cursor by address."""
        return Position(self.first_on_screen + self.y, self.column)

    def line_at(self, address: int) -> Line:
        """A row by its address.

        Raises:
            IndexError: No such row.
        """
        first = self.first_on_screen
        if 0 <= address < first:
            return self.history[address]
        if address < 0:
            raise IndexError(address)
        return self.lines[address - first]

    def text(self) -> str:
        """The screen as text: a line a row, without blanks at line ends and without empty rows at its end."""
        return "\n".join(line.text for line in self.lines).rstrip("\n")

    def text_between(self, start: Position, end: Position) -> str:
        """Text from one cell up to (not including) another, as it goes to a clipboard."""
        return text_between(_Rows(self), start, end)

    def word_at(self, position: Position) -> Match:
        """The word, path or URL at a cell, for a double click."""
        return word_at(_Rows(self), position)

    def line_around(self, row: int) -> Match:
        """The line of text over all its wrapped rows, for a triple click."""
        return logical_line_at(_Rows(self), row)

    def search(self, wanted: str, *, match_case: bool = False, limit: int = 10_000) -> list[Match]:
        """The places where a plain text stands, oldest first."""
        rows = self.lines if self.alternate else [*self.history, *self.lines]
        return search(rows, wanted, match_case=match_case, limit=limit)

    def prompts(self) -> list[int]:
        """Addresses of the rows where a shell's prompt begins, oldest first; needs the shell's prompt marks."""
        rows = self.lines if self.alternate else [*self.history, *self.lines]
        return [row for row, line in enumerate(rows) if line.prompt]

    def resize(self, cols: int, rows: int) -> None:
        """Change the size. The main screen's wrapped lines are wrapped anew; the alternate screen is cut."""
        cols, rows = max(cols, 1), max(rows, 1)
        if (cols, rows) == (self.cols, self.rows):
            return
        self.generation += 1
        if self.alternate:
            saved = self._saved.get(False)
            x, y = self._fit_main(self.hidden_lines, cols, rows, saved.x if saved else 0, saved.y if saved else 0)
            if saved:
                self._saved[False] = saved._replace(x=x, y=y)
            self.y = self._fit_alternate(self.lines, cols, rows, self.y)
        else:
            self.x, self.y = self._fit_main(self.lines, cols, rows, self.x, self.y)
            self._fit_alternate(self.hidden_lines, cols, rows, 0)
        self.x = min(self.x, cols if not self.alternate else cols - 1)
        self.tabs = {stop for stop in self.tabs if stop < cols} | {
            stop for stop in range(8, cols, 8) if stop >= self.cols
        }
        self.cols, self.rows = cols, rows
        self.top, self.bottom = 0, rows - 1

    def _fit_main(self, lines: list[Line], cols: int, rows: int, x: int, y: int) -> tuple[int, int]:
        """Fit the main screen and the scrollback; returns where the cursor is then."""
        top = len(self.history)
        y = min(y, len(lines) - 1)
        cursor_was_last = y == len(lines) - 1
        everything = [*self.history, *lines]
        cursor = top + y
        if cols != self.cols:
            everything, points = reflow(everything, cols, self.generation, [(cursor, x), (top, 0)])
            (cursor, x), (top, _) = points
        end = len(everything)
        while end > cursor + 1 and everything[end - 1].used == 0 and not everything[end - 1].wrapped:
            end -= 1
        new_top = max(0, end - rows)
        if not cursor_was_last:
            # There was room below the cursor: text stays where it is, and the scrollback stays away.
            new_top = max(top, new_top)
        lines[:] = everything[new_top : new_top + rows]
        lines += [Line(cols, self.generation) for _ in range(rows - len(lines))]
        self.history.clear()
        for line in everything[:new_top]:
            self.keep(line)
        return x, max(0, cursor - new_top)

    def _fit_alternate(self, lines: list[Line], cols: int, rows: int, y: int) -> int:
        """Cut or lengthen the alternate screen; returns the cursor's row."""
        for line in lines:
            line.set_cols(cols)
            line.generation = self.generation
        surplus = max(0, y - rows + 1)
        del lines[:surplus]
        del lines[rows:]
        lines += [Line(cols, self.generation) for _ in range(rows - len(lines))]
        return y - surplus


class _Rows(Sequence[Line]):
    """The rows of a screen by address, without copying the scrollback."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def __len__(self) -> int:
        return self._screen.total

    @overload
    def __getitem__(self, index: int) -> Line: ...

    @overload
    def __getitem__(self, index: slice) -> list[Line]: ...

    def __getitem__(self, index: int | slice) -> Line | list[Line]:
        if isinstance(index, slice):
            return [self._screen.line_at(row) for row in range(*index.indices(len(self)))]
        return self._screen.line_at(index)
