"""The state of a screen and the edits that sequences are made of."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from tutor.terminal._host import Host
from tutor.terminal._line import Line
from tutor.terminal._style import DEFAULT, Style, blank_style

_MODES_AT_START = frozenset({7, 25, 1007})


class Saved(NamedTuple):
    """What DECSC keeps."""

    x: int = 0
    y: int = 0
    style: Style = DEFAULT
    charsets: tuple[bool, ...] = (False, False, False, False)
    shift: int = 0
    origin: bool = False


class Grid:
    """Rows, cursor, margins, modes.

    Attributes:
        cols, rows: Size in cells.
        lines: The rows on the screen, top first.
        history: Rows that left the main screen at its top, oldest first.
        dropped: How many rows ever fell out of the history.
        x, y: Where the next character goes. `x == cols` means: at the last column, and the next character wraps.
        top, bottom: The scrolling region, both rows included.
        modes: DEC private modes that are set.
        alternate: Whether the alternate screen is shown.
        generation: Goes up with every change; see `Line.generation`.
    """

    def __init__(self, cols: int = 80, rows: int = 24, scrollback: int = 5000, host: Host | None = None) -> None:
        self.cols, self.rows = max(cols, 1), max(rows, 1)
        self.host = host or Host()
        self.scrollback = max(scrollback, 0)
        self.history: deque[Line] = deque()
        self.dropped = 0
        self.generation = 1
        self.reset()

    def reset(self) -> None:
        """RIS: everything as at the start; the scrollback is forgotten too."""
        self.forget_history()
        self.lines = [Line(self.cols, self.generation) for _ in range(self.rows)]
        self.hidden_lines = [Line(self.cols, self.generation) for _ in range(self.rows)]
        self.alternate = False
        self.title = ""
        self.title_stack: list[str] = []
        self._saved: dict[bool, Saved] = {}
        self._last_char = ""
        self.x = self.y = 0
        self.cursor_style = 0
        self._restart()
        self.reset_tabs()

    def soft_reset(self) -> None:
        """DECSTR: modes, margins and styles as at the start; text and cursor stay."""
        mouse_and_paste = self.modes & {1004, 2004, 47, 1047, 1049}
        self._restart()
        self.modes |= mouse_and_paste
        self._saved.pop(self.alternate, None)

    def _restart(self) -> None:
        self.style = DEFAULT
        self.top, self.bottom = 0, self.rows - 1
        self.modes: set[int] = set(_MODES_AT_START)
        self.autowrap = True
        self.origin = False
        self.insert_mode = False
        self.newline_mode = False
        self.app_keypad = False
        self.charsets = [False, False, False, False]  # True: DEC line drawing
        self.shift = 0
        self.single_shift = 0

    def reset_tabs(self) -> None:
        """A stop every eight columns."""
        self.tabs = set(range(8, self.cols, 8))

    def forget_history(self) -> None:
        """Drop the scrollback (ED 3)."""
        self.dropped += len(self.history)
        self.history.clear()

    # -- cursor --------------------------------------------------------------------------------

    @property
    def column(self) -> int:
        """The column the cursor is drawn in."""
        return self.x if self.x < self.cols else self.cols - 1

    def go(self, x: int, y: int) -> None:
        """Move the cursor; with origin mode rows count from the region's top."""
        if self.origin:
            y = max(self.top, min(self.bottom, y + self.top))
        self.x = max(0, min(self.cols - 1, x))
        self.y = max(0, min(self.rows - 1, y))

    def up(self, count: int) -> None:
        """Move up; the region's top stops a cursor that is inside."""
        self.x = self.column
        self.y = max(self.top if self.y >= self.top else 0, self.y - count)

    def down(self, count: int) -> None:
        """Move down; the region's bottom stops a cursor that is inside."""
        self.x = self.column
        self.y = min(self.bottom if self.y <= self.bottom else self.rows - 1, self.y + count)

    def index(self) -> None:
        """One row down; at the region's bottom the region scrolls."""
        if self.y == self.bottom:
            self.scroll_up(1)
        elif self.y < self.rows - 1:
            self.y += 1

    def reverse_index(self) -> None:
        """One row up; at the region's top the region scrolls down."""
        if self.y == self.top:
            self.scroll_down(1)
        elif self.y > 0:
            self.x = self.column
            self.y -= 1

    def tab(self, count: int = 1) -> None:
        """To the next tab stops, or the last column."""
        for _ in range(min(count, self.cols)):
            if self.x >= self.cols - 1:
                return
            self.x = min((stop for stop in self.tabs if stop > self.x), default=self.cols - 1)

    def back_tab(self, count: int = 1) -> None:
        """To the tab stops before, or the first column."""
        self.x = self.column
        for _ in range(min(count, self.cols)):
            self.x = max((stop for stop in self.tabs if stop < self.x), default=0)

    def save_cursor(self) -> None:
        """DECSC; each of the two screens has its own."""
        self._saved[self.alternate] = Saved(self.x, self.y, self.style, tuple(self.charsets), self.shift, self.origin)

    def restore_cursor(self) -> None:
        """DECRC; without a saved one, the state at the start."""
        saved = self._saved.get(self.alternate, Saved())
        self.x, self.y = min(saved.x, self.cols), min(saved.y, self.rows - 1)
        self.style, self.charsets, self.shift = saved.style, list(saved.charsets), saved.shift
        self.set_origin(saved.origin)

    def set_origin(self, on: bool) -> None:
        """DECOM, without moving the cursor."""
        self.origin = on
        (self.modes.add if on else self.modes.discard)(6)

    # -- scrolling -----------------------------------------------------------------------------

    def blank_line(self) -> Line:
        """A new row in the background colour in force."""
        return Line(self.cols, self.generation, blank_style(self.style))

    def scroll_up(self, count: int) -> None:
        """Move the region up; from the main screen's first row, rows go to the scrollback."""
        top, bottom, lines = self.top, self.bottom, self.lines
        for _ in range(min(count, bottom - top + 1)):
            line = lines.pop(top)
            if top == 0 and not self.alternate:
                self.keep(line)
            lines.insert(bottom, self.blank_line())

    def keep(self, line: Line) -> None:
        """Append a row to the scrollback, within its limit."""
        history = self.history
        line.pack()
        history.append(line)
        if len(history) > self.scrollback:
            history.popleft()
            self.dropped += 1

    def scroll_down(self, count: int) -> None:
        """Move the region down; blank rows come in at its top."""
        self._move_down(self.top, count)

    def insert_lines(self, count: int) -> None:
        """IL at the cursor's row, inside the region only."""
        if self.top <= self.y <= self.bottom:
            self._move_down(self.y, count)
            self.x = 0

    def delete_lines(self, count: int) -> None:
        """DL at the cursor's row, inside the region only."""
        if self.top <= self.y <= self.bottom:
            for _ in range(min(count, self.bottom - self.y + 1)):
                del self.lines[self.y]
                self.lines.insert(self.bottom, self.blank_line())
            self.x = 0

    def _move_down(self, top: int, count: int) -> None:
        for _ in range(min(count, self.bottom - top + 1)):
            del self.lines[self.bottom]
            self.lines.insert(top, self.blank_line())

    # -- erasing and shifting ------------------------------------------------------------------

    def erase(self, y: int, start: int, end: int) -> None:
        """Blank part of a row."""
        line = self.lines[y]
        line.generation = self.generation
        line.erase(start, min(end, self.cols), blank_style(self.style))

    def erase_rows(self, start: int, end: int) -> None:
        """Blank whole rows."""
        for y in range(start, end):
            self.erase(y, 0, self.cols)

    def insert_cells(self, count: int) -> None:
        """ICH: blanks at the cursor, the rest of the row moves right."""
        line = self._line_at_cursor()
        line.insert(self.x, min(count, self.cols - self.x), blank_style(self.style))

    def delete_cells(self, count: int) -> None:
        """DCH: cells at the cursor go, the rest of the row moves left."""
        line = self._line_at_cursor()
        line.delete(self.x, min(count, self.cols - self.x), blank_style(self.style))

    def erase_cells(self, count: int) -> None:
        """ECH: blanks from the cursor on."""
        self._line_at_cursor()
        self.erase(self.y, self.x, self.x + count)

    def _line_at_cursor(self) -> Line:
        self.x = self.column
        line = self.lines[self.y]
        line.generation = self.generation
        return line

    # -- two screens ---------------------------------------------------------------------------

    def show_alternate(self, on: bool) -> None:
        """Swap main and alternate screen; the cursor stays where it is."""
        if on != self.alternate:
            if not on:
                self.x = self.column
            self.alternate = on
            self.lines, self.hidden_lines = self.hidden_lines, self.lines
