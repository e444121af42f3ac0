"""One row of the screen or of the scrollback."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from tutor.terminal._style import DEFAULT, Style, blank_style

PADDED = 2
"""`Line.wrapped` of a row whose last cell is only there because a wide character did not fit."""


class Run(NamedTuple):
    """Cells of one style, ready to be drawn.

    Args:
        text: What to write; a wide character stands once.
        style: How it looks.
        width: Cells it takes.
    """

    text: str
    style: Style
    width: int


class Line:
    """A row of exactly `cols` cells.

    Most rows are written from left to right and never touched again, so a row is kept as a string
    with style spans as long as that is enough, and as two lists of cells from the first edit that
    needs them. In the cell form a wide character is followed by an empty cell.

    Attributes:
        cols: Cells in the row.
        wrapped: 0; 1 when the text goes on in the next row; `PADDED` when its last cell is only padding.
        prompt: Whether a shell's prompt begins in this row (OSC 133 A).
        entry: Column where the typed command begins (OSC 133 B), or -1.
        generation: The screen's generation at the last change.
        cache: For whoever draws: what was made of this row, to be kept with the generation it was made from.
    """

    __slots__ = (
        "_chars",
        "_runs",
        "_spans",
        "_styles",
        "_text",
        "cache",
        "cols",
        "entry",
        "generation",
        "prompt",
        "wrapped",
    )

    def __init__(self, cols: int, generation: int, style: Style = DEFAULT) -> None:
        self.cols = cols
        self.generation = generation
        self.wrapped = 0
        self.prompt = False
        self.entry = -1
        self.cache: object = None
        self._runs: tuple[int, tuple[Run, ...]] | None = None
        self._chars: list[str] | None = None
        self._styles: list[Style] = []
        if style is DEFAULT:
            self._text = ""
            self._spans: list[tuple[int, Style]] = []
        else:
            self._text = " " * cols
            self._spans = [(cols, style)]

    # -- reading -------------------------------------------------------------------------------

    def cells(self) -> list[str]:
        """Each cell's text; "" in the second half of a wide character."""
        if self._chars is not None:
            return list(self._chars)
        return list(self._text.ljust(self.cols))

    def styles(self) -> list[Style]:
        """Each cell's style."""
        if self._chars is not None:
            return list(self._styles)
        styles: list[Style] = []
        for end, style in self._spans:
            styles += [style] * (end - len(styles))
        return styles + [DEFAULT] * (self.cols - len(styles))

    def cell(self, x: int) -> str:
        """The text of one cell."""
        if self._chars is not None:
            return self._chars[x]
        return self._text[x] if x < len(self._text) else " "

    def style(self, x: int) -> Style:
        """The style of one cell."""
        if self._chars is not None:
            return self._styles[x]
        return next((style for end, style in self._spans if x < end), DEFAULT)

    @property
    def text(self) -> str:
        """The row as written, without the blanks at its end."""
        return (self._text if self._chars is None else "".join(self._chars)).rstrip(" ")

    @property
    def simple(self) -> bool:
        """Whether cell N is character N of `text`."""
        return self._chars is None

    @property
    def used(self) -> int:
        """Cells up to the last one that is not an untouched blank."""
        if self._chars is None:
            end = len(self._text)
            for index in reversed(range(len(self._spans))):
                if self._spans[index][1] != DEFAULT:
                    return end
                start = self._spans[index - 1][0] if index else 0
                written = len(self._text[:end].rstrip(" "))
                if written > start:
                    return written
                end = start
            return end
        end = self.cols
        while end and self._chars[end - 1] == " " and self._styles[end - 1] == DEFAULT:
            end -= 1
        return end

    def runs(self) -> tuple[Run, ...]:
        """The whole row as runs of equal style; their widths add up to `cols`."""
        if self._runs is not None and self._runs[0] == self.generation:
            return self._runs[1]
        made: list[Run] = []
        if self._chars is None:
            start = 0
            for end, style in self._spans:
                made.append(Run(self._text[start:end], style, end - start))
                start = end
            if start < self.cols:
                blank = self.cols - start
                if made and made[-1].style == DEFAULT:
                    last = made.pop()
                    made.append(Run(last.text + " " * blank, DEFAULT, last.width + blank))
                else:
                    made.append(Run(" " * blank, DEFAULT, blank))
        else:
            start = 0
            for style, group in groupby(self._styles):
                end = start + sum(1 for _ in group)
                made.append(Run("".join(self._chars[start:end]), style, end - start))
                start = end
        runs = tuple(made)
        self._runs = (self.generation, runs)
        return runs

    # -- writing; the caller sets `generation` ---------------------------------------------------

    def put(self, x: int, text: str, style: Style) -> None:
        """Write text of one cell a character from column x; it fits."""
        end = x + len(text)
        if self._chars is None:
            old = self._text
            have = len(old)
            spans = self._spans
            if x == have:
                if spans and (spans[-1][1] is style or spans[-1][1] == style):
                    spans[-1] = (end, style)
                else:
                    spans.append((end, style))
                self._text = old + text
                return
            if x == 0 and end >= have:
                self._text = text
                self._spans = [(end, style)]
                return
            if x > have:
                self.put(have, " " * (x - have), DEFAULT)
                self.put(x, text, style)
                return
            if len(spans) == 1 and spans[0][1] == style:
                self._text = old[:x] + text + old[end:]
                spans[0] = (len(self._text), style)
                return
        chars, styles = self._edit(x, end, style)
        chars[x:end] = text
        styles[x:end] = [style] * (end - x)

    def put_cluster(self, x: int, cluster: str, cells: int, style: Style) -> None:
        """Write one cell group of 1 or 2 cells at column x; it fits."""
        if cells == 1 and len(cluster) == 1:
            self.put(x, cluster, style)
            return
        chars, styles = self._edit(x, x + cells, style)
        chars[x] = cluster
        styles[x] = style
        if cells == 2:
            chars[x + 1] = ""
            styles[x + 1] = style

    def erase(self, start: int, end: int, style: Style) -> None:
        """Blank the cells from start up to end."""
        if end >= self.cols:
            end = self.cols
            self.wrapped = 0
            if start == 0:
                self._chars = None
                self._text = "" if style == DEFAULT else " " * end
                self._spans = [] if style == DEFAULT else [(end, style)]
                self.prompt, self.entry = False, -1
                return
            if self._chars is None and style == DEFAULT:
                self._cut(start)
                return
        if start >= end:
            return
        chars, styles = self._edit(start, end, style)
        chars[start:end] = " " * (end - start)
        styles[start:end] = [style] * (end - start)

    def insert(self, x: int, count: int, style: Style) -> None:
        """Move the cells from column x to the right by count; those that do not fit are lost."""
        chars, styles = self._edit(x, x, style)
        chars[x:x] = " " * count
        styles[x:x] = [style] * count
        if len(chars) > self.cols and chars[self.cols] == "":
            chars[self.cols - 1] = " "
            styles[self.cols - 1] = style
        del chars[self.cols :], styles[self.cols :]

    def delete(self, x: int, count: int, style: Style) -> None:
        """Take count cells out at column x; blanks come in at the end."""
        chars, styles = self._edit(x, x + count, style)
        del chars[x : x + count], styles[x : x + count]
        chars.extend(" " * count)
        styles.extend([style] * count)

    def set_cols(self, cols: int) -> None:
        """Cut or lengthen the row without moving text to another one."""
        if self._chars is None:
            if len(self._text) > cols:
                self._cut(cols)
        elif cols < self.cols:
            self._edit(cols, cols, DEFAULT)
            del self._chars[cols:], self._styles[cols:]
        else:
            self._chars.extend(" " * (cols - self.cols))
            self._styles.extend([DEFAULT] * (cols - self.cols))
        if self.entry >= cols:
            self.entry = -1
        self.cols = cols

    def fill(self, cells: list[str] | str, styles: list[Style]) -> None:
        """Take these cells (at most `cols`; a string when each has one character), then blanks."""
        if isinstance(cells, str):
            self._text, self._spans, self._chars, self._styles = cells, _spans(styles), None, []
            return
        blank = self.cols - len(cells)
        self._chars = cells + [" "] * blank
        self._styles = styles + [DEFAULT] * blank
        self.pack()

    def pack(self) -> None:
        """Go back to the short form, where every cell holds exactly one character."""
        if self._chars is None:
            return
        text = "".join(self._chars)
        if len(text) != self.cols or "" in self._chars:
            return
        end = self.used
        self._text, self._spans, self._chars, self._styles = text[:end], _spans(self._styles[:end]), None, []

    def _cut(self, end: int) -> None:
        """Short form only: forget what is at and after column end."""
        if end >= len(self._text):
            return
        self._text = self._text[:end]
        kept = [span for span in self._spans if span[0] < end]
        if len(kept) < len(self._spans):
            kept.append((end, self._spans[len(kept)][1]))
        self._spans = kept if end else []

    def _edit(self, start: int, end: int, style: Style) -> tuple[list[str], list[Style]]:
        """The cells as lists, with wide characters that lie across start or end taken apart."""
        chars = self._chars
        if chars is None:
            self._styles = self.styles()
            chars = self._chars = self.cells()
            return chars, self._styles
        if 0 < start < self.cols and chars[start] == "":
            chars[start - 1] = chars[start] = " "
            self._styles[start - 1] = self._styles[start] = blank_style(style)
        if 0 < end < self.cols and chars[end] == "":
            chars[end - 1] = chars[end] = " "
            self._styles[end - 1] = self._styles[end] = blank_style(style)
        return chars, self._styles


def _spans(styles: list[Style]) -> list[tuple[int, Style]]:
    if not styles:
        return []
    if styles.count(styles[0]) == len(styles):
        return [(len(styles), styles[0])]
    spans: list[tuple[int, Style]] = []
    end = 0
    for style, group in groupby(styles):
        end += sum(1 for _ in group)
        spans.append((end, style))
    return spans
