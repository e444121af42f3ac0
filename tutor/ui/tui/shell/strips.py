"""Rows of the emulator as Textual strips, made once for each change of a row."""

from __future__ import annotations

from functools import lru_cache

from rich.color import Color
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.strip import Strip

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
    Line,
    Style,
    rgb,
)

_DOUBLE = 2  # `Style.underline` of a double underline


def strip_of(line: Line, base: RichStyle) -> Strip:
    """A row as a strip of exactly `line.cols` cells.

    Args:
        line: The row; what is made of it is kept in its `cache` slot.
        base: Colours of text that has none of its own.
    """
    kept = line.cache
    if isinstance(kept, tuple) and kept[0] == line.generation and kept[1] is base:
        made: Strip = kept[2]
        return made
    segments: list[Segment] = []
    width = 0
    for text, style, cells in line.runs():
        segments.append(Segment(text, rich_style(style, base)))
        width += cells
    # The run's own width: wide characters are measured once, by the emulator.
    made = Strip(segments, width)
    line.cache = (line.generation, base, made)
    return made


@lru_cache(4096)
def rich_style(style: Style, base: RichStyle) -> RichStyle:
    """A cell's look for Rich."""
    flags = style.flags
    return base + RichStyle(
        color=_colour(style.fg),
        bgcolor=_colour(style.bg),
        bold=bool(flags & BOLD) or None,
        dim=bool(flags & DIM) or None,
        italic=bool(flags & ITALIC) or None,
        underline=bool(style.underline) or None,
        underline2=(style.underline == _DOUBLE) or None,
        blink=bool(flags & BLINK) or None,
        reverse=bool(flags & REVERSE) or None,
        conceal=bool(flags & HIDDEN) or None,
        strike=bool(flags & STRIKE) or None,
        overline=bool(flags & OVERLINE) or None,
        link=style.link,
    )


def _colour(value: int | None) -> Color | None:
    if value is None:
        return None
    return Color.from_rgb(*rgb(value)) if value & TRUE_COLOUR else Color.from_ansi(value)
