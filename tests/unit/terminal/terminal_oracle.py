"""libghostty as the judge of our screen: the same bytes into both, the same picture out."""

from __future__ import annotations

from typing import Any, NamedTuple

from pyghostty import Terminal
from pyghostty._ffi import ffi, lib

from tutor.terminal._line import PADDED
from tutor.terminal.emulator import (
    BLINK,
    BOLD,
    DIM,
    HIDDEN,
    ITALIC,
    OVERLINE,
    REVERSE,
    STRIKE,
    TRUE_COLOUR,
    Host,
    Screen,
    rgb,
)

_FLAGS = {
    "bold": BOLD,
    "italic": ITALIC,
    "faint": DIM,
    "blink": BLINK,
    "inverse": REVERSE,
    "invisible": HIDDEN,
    "strikethrough": STRIKE,
    "overline": OVERLINE,
}
# Ours always keeps grapheme clusters together; libghostty does after this.
_CLUSTERS = b"\x1b[?2027h"


class Picture(NamedTuple):
    text: list[str]
    cursor: tuple[int, int]
    looks: list[tuple[int, int, dict[str, Any]]]


class Replies(Host):
    def __init__(self) -> None:
        self.data = b""

    def reply(self, data: bytes) -> None:
        self.data += data


def both(cols: int, rows: int, scrollback: int = 1000) -> tuple[Screen, Terminal]:
    theirs = Terminal(cols, rows, scrollback)
    theirs.feed(_CLUSTERS)
    return Screen(cols, rows, scrollback), theirs


def feed_both(data: bytes, cols: int, rows: int) -> tuple[Screen, Terminal]:
    ours, theirs = both(cols, rows)
    ours.feed(data)
    theirs.feed(data)
    return ours, theirs


def our_picture(screen: Screen, *, looks: bool = True) -> Picture:
    found = []
    for y, line in enumerate(screen.lines if looks else []):
        for x, (cell, style) in enumerate(zip(line.cells(), line.styles(), strict=True)):
            if cell == "" or (line.wrapped == PADDED and x == line.cols - 1):
                continue
            look: dict[str, Any] = {name: bool(style.flags & flag) for name, flag in _FLAGS.items()}
            look |= {"underline": style.underline, "fg": _colour(style.fg), "bg": _colour(style.bg)}
            if plain := {key: value for key, value in look.items() if value or isinstance(value, tuple)}:
                found.append((y, x, plain))
    return Picture(_rows(screen.text()), (screen.column, screen.y), found)


def their_picture(terminal: Terminal, *, looks: bool = True) -> Picture:
    cols, rows = terminal.size
    found = []
    for y in range(rows if looks else 0):
        for x in range(cols):
            wide, background = _cell(terminal, x, y)
            if wide in (lib.GHOSTTY_CELL_WIDE_SPACER_TAIL, lib.GHOSTTY_CELL_WIDE_SPACER_HEAD):
                continue
            look = terminal.style(x, y)
            del look["underline_color"]
            look["bg"] = look["bg"] or background
            if plain := {key: value for key, value in look.items() if value or isinstance(value, tuple)}:
                found.append((y, x, plain))
    return Picture(_rows(terminal.text()), terminal.cursor, found)


def assert_same(ours: Screen, theirs: Terminal, *, looks: bool = True) -> None:
    """Text, cursor, colours and attributes are equal.

    Left out: the look of a last column that is empty only because a wide character did not fit there.
    Ours keeps it as padding; libghostty makes it an ordinary blank once that character has gone.
    """
    mine, judge = our_picture(ours, looks=looks), their_picture(theirs, looks=looks)
    padding = {(y, line.cols - 1) for y, line in enumerate(ours.lines) if line.wrapped == PADDED}
    assert mine.text == judge.text
    assert mine.cursor == judge.cursor
    assert mine.looks == [look for look in judge.looks if look[:2] not in padding]


def _cell(terminal: Terminal, x: int, y: int) -> tuple[int, Any]:
    """Which half of a wide character a cell is, and the background of an erased cell."""
    cell = ffi.new("GhosttyCell*")
    lib.ghostty_grid_ref_cell(terminal.ref(x, y), cell)

    def get(key: int, ctype: str) -> Any:
        out = ffi.new(ctype + "*")
        lib.ghostty_cell_get(cell[0], key, out)
        return out[0]

    tag = get(lib.GHOSTTY_CELL_DATA_CONTENT_TAG, "int")
    background = None
    if tag == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_PALETTE:
        background = ("palette", get(lib.GHOSTTY_CELL_DATA_COLOR_PALETTE, "uint8_t"))
    elif tag == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_RGB:
        colour = get(lib.GHOSTTY_CELL_DATA_COLOR_RGB, "GhosttyColorRgb")
        background = ("rgb", (colour.r, colour.g, colour.b))
    return get(lib.GHOSTTY_CELL_DATA_WIDE, "int"), background


def _rows(text: str) -> list[str]:
    return [row.rstrip() for row in text.rstrip().split("\n")]


def _colour(value: int | None) -> Any:
    if value is None:
        return None
    return ("rgb", rgb(value)) if value & TRUE_COLOUR else ("palette", value)
