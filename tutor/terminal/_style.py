"""How a cell looks: colours, attributes, link; and the SGR sequences that change it.

SGR is `CSI … m` (ECMA-48 §8.3.117); 256 colours and true colour in both forms, `38;5;n` and
`38:2::r:g:b`, as https://invisible-island.net/xterm/ctlseqs/ctlseqs.html lists them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

BOLD, DIM, ITALIC, BLINK, REVERSE, HIDDEN, STRIKE, OVERLINE = (1 << bit for bit in range(8))

TRUE_COLOUR = 1 << 24
"""Added to a 24-bit colour, so that one integer tells a palette index (0-255) from an RGB value."""


class Style(NamedTuple):
    """The look of a cell.

    Args:
        fg: Text colour: None for the terminal's own, 0-255 for the palette, else `TRUE_COLOUR | 0xRRGGBB`.
        bg: Background, in the same form.
        flags: Sum of BOLD, DIM, ITALIC, BLINK, REVERSE, HIDDEN, STRIKE, OVERLINE.
        underline: 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed.
        link: Where the text leads to (OSC 8), or None.
    """

    fg: int | None = None
    bg: int | None = None
    flags: int = 0
    underline: int = 0
    link: str | None = None


DEFAULT = Style()

_ON = {1: BOLD, 2: DIM, 3: ITALIC, 5: BLINK, 6: BLINK, 7: REVERSE, 8: HIDDEN, 9: STRIKE, 53: OVERLINE}
_OFF = {22: BOLD | DIM, 23: ITALIC, 25: BLINK, 27: REVERSE, 28: HIDDEN, 29: STRIKE, 55: OVERLINE}


def rgb(colour: int) -> tuple[int, int, int]:
    """Red, green and blue (0-255 each) of a true colour."""
    return colour >> 16 & 255, colour >> 8 & 255, colour & 255


@lru_cache(1024)
def blank_style(style: Style) -> Style:
    """What erasing leaves behind: only the background (xterm's `bce`)."""
    return DEFAULT if style.bg is None else Style(bg=style.bg)


@lru_cache(4096)
def apply_sgr(style: Style, params: str) -> Style:
    """The style after `CSI params m`.

    Args:
        style: The style before.
        params: Digits, `;` and `:` as they came.
    """
    fg, bg, flags, underline, link = style
    groups = params.split(";")
    index = 0
    while index < len(groups):
        group = groups[index]
        index += 1
        if ":" in group:
            head, *rest = (_number(part) for part in group.split(":"))
            if head == 4:
                underline = rest[0] if rest[0] <= 5 else 1
            elif head in (38, 48):
                fg, bg = _place(head, _colon_colour(rest), fg, bg)
            continue
        code = _number(group)
        if code == 0:
            fg = bg = None
            flags = underline = 0
        elif code in _ON:
            flags |= _ON[code]
        elif code in _OFF:
            flags &= ~_OFF[code]
        elif code == 4:
            underline = 1
        elif code == 21:
            underline = 2
        elif code == 24:
            underline = 0
        elif 30 <= code <= 37:
            fg = code - 30
        elif 40 <= code <= 47:
            bg = code - 40
        elif 90 <= code <= 97:
            fg = code - 82
        elif 100 <= code <= 107:
            bg = code - 92
        elif code == 39:
            fg = None
        elif code == 49:
            bg = None
        elif code in (38, 48, 58):
            # 58 colours the underline: read so that its numbers are not taken for attributes.
            values = [_number(part) for part in groups[index : index + 4]]
            used = {5: 2, 2: 4}.get(values[0] if values else 0, 1)
            index += used
            if len(values) >= used:
                fg, bg = _place(code, _colour(values), fg, bg)
    return Style(fg, bg, flags, underline, link)


def sgr_of(style: Style) -> str:
    """The parameters that lead from the default to this style, for DECRQSS."""
    codes = ["0"]
    codes += [str(code) for code, flag in _ON.items() if style.flags & flag and code != 6]
    if style.underline:
        codes.append("4" if style.underline == 1 else f"4:{style.underline}")
    for base, colour in ((30, style.fg), (40, style.bg)):
        if colour is None:
            continue
        if colour & TRUE_COLOUR:
            codes.append(f"{base + 8}:2::" + ":".join(map(str, rgb(colour))))
        elif colour < 8:
            codes.append(str(base + colour))
        elif colour < 16:
            codes.append(str(base + 52 + colour))
        else:
            codes.append(f"{base + 8}:5:{colour}")
    return ";".join(codes)


def _number(part: str) -> int:
    digits = part.partition(":")[0]
    return min(int(digits), 65535) if digits else 0


def _colour(values: list[int]) -> int | None:
    if values[0] == 5 and len(values) > 1:
        return values[1] & 255
    if values[0] == 2 and len(values) > 3:
        red, green, blue = (value & 255 for value in values[1:4])
        return TRUE_COLOUR | red << 16 | green << 8 | blue
    return None


def _colon_colour(values: list[int]) -> int | None:
    if values[0] == 2 and len(values) > 4:
        values = [2, *values[2:5]]  # the standard's form has a colour space id before red
    return _colour(values)


def _place(code: int, colour: int | None, fg: int | None, bg: int | None) -> tuple[int | None, int | None]:
    if colour is None or code == 58:
        return fg, bg
    return (colour, bg) if code == 38 else (fg, colour)
