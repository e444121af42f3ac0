"""Printable characters onto the grid."""

from __future__ import annotations

from tutor.terminal._grid import Grid
from tutor.terminal._line import PADDED
from tutor.terminal._style import DEFAULT, Style, blank_style
from tutor.terminal._width import cluster_width, joins, pieces, plain, width

_LINE_DRAWING = str.maketrans("`abcdefghijklmnopqrstuvwxyz{|}~", "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·")


_NOTHING = ("", 0, 0)


class Writer(Grid):
    """A grid that can be written on."""

    # A wide character that found no room without DECAWM, and where that was.
    _lost: tuple[str, int, int] = _NOTHING

    def print(self, text: str) -> None:
        """Write printable characters at the cursor, wrapping at the last column when DECAWM is set."""
        if self.single_shift or self.charsets[self.shift]:
            text = self._translate(text)
        if text.isascii() or plain(text):
            self._print_plain(text)
            return
        for piece in pieces(text):
            if piece.lastindex == 1:
                self._print_plain(piece[1])
            elif not self._is_lost(char := piece[2]) and not self._join(char) and (cells := width(char)):
                self._last_char = char
                self._put(char, cells)

    def _print_plain(self, text: str) -> None:
        self._last_char = text[-1]
        self._lost = _NOTHING
        cols, x, style = self.cols, self.x, self.style
        if self.insert_mode:
            for char in text:
                self._put(char, 1)
            return
        length = len(text)
        if not self.autowrap and x + length > cols:
            # What does not fit overwrites the last column, one after the other.
            x = min(x, cols - 1)
            text = text[: cols - 1 - x] + text[-1]
            length = cols - x
        start = 0
        while start < length:
            if x >= cols:
                self._wrap(1)
                x = 0
            line = self.lines[self.y]
            line.generation = self.generation
            end = min(length, start + cols - x)
            line.put(x, text if start == 0 and end == length else text[start:end], style)
            x += end - start
            start = end
            if x == cols and line.wrapped:
                line.wrapped = 1
        self.x = x

    def repeat(self, count: int) -> None:
        """REP: the last printed character again."""
        if self._last_char:
            charset, self.charsets = self.charsets, [False] * 4
            self.print(self._last_char * count)
            self.charsets = charset

    def align(self) -> None:
        """DECALN: the screen full of E, in the colours in force."""
        self.style = Style(self.style.fg, self.style.bg)
        self.top, self.bottom = 0, self.rows - 1
        self.set_origin(False)
        self.x = self.y = 0
        for line in self.lines:
            line.generation = self.generation
            line.erase(0, self.cols, DEFAULT)
            line.put(0, "E" * self.cols, self.style)

    def _translate(self, text: str) -> str:
        shifted, self.single_shift = self.single_shift, 0
        first, rest = (text[0], text[1:]) if shifted else ("", text)
        if shifted and self.charsets[shifted]:
            first = first.translate(_LINE_DRAWING)
        return first + (rest.translate(_LINE_DRAWING) if self.charsets[self.shift] else rest)

    def _put(self, char: str, cells: int) -> None:
        cols = self.cols
        if cells > cols:
            return
        if self.x + cells > cols:
            if self.autowrap:
                if self.x < cols:
                    self._pad(self.x)
                else:
                    self._wrap(1)
            elif cells == 1:
                self.x = cols - 1
            else:
                self._lost = (char, self.x, self.y)
                return
        line, x = self.lines[self.y], self.x
        line.generation = self.generation
        if self.insert_mode:
            line.insert(x, cells, blank_style(self.style))
        line.put_cluster(x, char, cells, self.style)
        self.x = x + cells
        if self.x == cols and line.wrapped:
            line.wrapped = 1

    def _is_lost(self, char: str) -> bool:
        """Whether a wide character, such as a skin tone, belongs to one that found no room, and is lost with it.

        Marks without a width go to the cell before the cursor all the same, as libghostty has it.
        """
        cluster, x, y = self._lost
        if not cluster or not width(char):
            return False
        if (x, y) == (self.x, self.y) and joins(cluster, char):
            self._lost = (cluster + char, x, y)
            return True
        self._lost = _NOTHING
        return False

    def _join(self, char: str) -> bool:
        """Add the character to the cell group before the cursor when it belongs there."""
        x = self.x - 1
        if x < 0:
            return False
        line = self.lines[self.y]
        if x and line.cell(x) == "":
            x -= 1
        cluster = line.cell(x)
        if not joins(cluster, char) or len(cluster) > 31:
            return False
        before = self.x - x
        cluster += char
        cells = cluster_width(cluster)
        style = line.style(x)
        line.generation = self.generation
        if cells > before and x + cells > self.cols:
            if not self.autowrap:
                return True
            # A selector that widens the character in the last column takes it along to the next row.
            self._pad(x)
            x, line = 0, self.lines[self.y]
            line.generation = self.generation
        if cells < before:
            line.put_cluster(x + cells, " ", 1, style)
        line.put_cluster(x, cluster, cells, style)
        self.x = x + cells
        return True

    def _pad(self, x: int) -> None:
        """Leave the last column, x, empty, because what comes is wide."""
        self.lines[self.y].put_cluster(x, " ", 1, self.style)
        self._wrap(PADDED)

    def _wrap(self, how: int) -> None:
        line = self.lines[self.y]
        line.wrapped = how
        line.generation = self.generation
        self.x = 0
        self.index()
