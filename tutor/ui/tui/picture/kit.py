"""Lines of marked text that fit a width: what all pictures are made of. Pure.

A picture is a tuple of lines, a line a tuple of spans, and a span a text with a role (`ok`, `quiet`, …). Roles become
colours in the widget. Nothing is cut without a mark: a clipped text ends in `…`, and a list ends in `+3 more`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from rich.cells import cell_len

ROLES = (
    *("plain", "quiet", "strong", "line", "title", "ok", "warn", "bad", "image", "network", "volume", "door"),
    *("mark", "mark-line", "fresh", "shared", "lit", "chosen"),
    *("brick", "brick-edge", "brick-shared", "brick-shared-edge"),
)
"""All roles; the widget has a style for each."""


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    role: str = "plain"


Line = tuple[Span, ...]
Drawing = tuple[Line, ...]
BLANK: Line = ()


def clean(text: str) -> str:
    """A text that is safe in one line: no control, format or joining characters."""
    return "".join(map(_safe, text))


def _safe(char: str) -> str:
    kind = unicodedata.category(char)
    if kind == "Cf" or "\ufe00" <= char <= "\ufe0f":
        return ""
    return "·" if kind in {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"} else char


def plain(line: Line) -> str:
    """A line's text."""
    return "".join(span.text for span in line)


def width_of(line: Line) -> int:
    """A line's width in cells."""
    return cell_len(plain(line))


def say(text: str, role: str = "plain") -> Line:
    """A line of one span."""
    return (Span(clean(text), role),) if text else ()


def spans(*parts: str | Span | Line) -> Line:
    """One line of texts, spans and lines, in a row."""
    out: list[Span] = []
    for part in parts:
        if isinstance(part, Span):
            out.append(part)
        elif isinstance(part, str):
            out.append(Span(part))
        else:
            out.extend(part)
    return tuple(span for span in out if span.text)


_CODE = re.compile(r"`([^`]*)`")


def marked_up(text: str, role: str = "plain", code: str = "strong") -> Line:
    """A sentence with `names` in backquotes, the names strong."""
    out: list[Span] = []
    for number, part in enumerate(_CODE.split(clean(text))):
        if part:
            out.append(Span(part, code if number % 2 else role))
    return tuple(out)


def shorten(text: str, cells: int) -> str:
    """At most so many cells of a text; what was cut ends in `…`."""
    if cell_len(text) <= cells:
        return text
    if cells <= 0:
        return ""
    kept = text[:cells]
    while kept and cell_len(kept) > cells - 1:
        kept = kept[:-1]
    return kept + "…"


def clip(line: Line, cells: int) -> Line:
    """At most so many cells of a line; what was cut ends in `…`."""
    if width_of(line) <= cells:
        return line
    out: list[Span] = []
    room = cells - 1
    for span in line:
        size = cell_len(span.text)
        if size <= room:
            out.append(span)
            room -= size
            continue
        kept = span.text[: max(room, 0)]
        while kept and cell_len(kept) > room:
            kept = kept[:-1]
        out.append(Span(kept + "…", span.role))
        break
    while out and width_of(tuple(out)) > cells:
        last = out.pop()
        if len(last.text) > 1:
            out.append(Span(last.text[:-2] + "…", last.role))
    return tuple(out) if cells > 0 else ()


def pad(line: Line, cells: int, role: str = "plain", fill: str = " ") -> Line:
    """A line of exactly so many cells."""
    short = clip(line, cells)
    missing = cells - width_of(short)
    return (*short, Span(fill * missing, role)) if missing > 0 else short


def ends(left: Line, right: Line, cells: int, fill: str = " ", role: str = "plain") -> Line:
    """One thing at the left, another at the right; the right one goes first when there is no room."""
    if not right:
        return clip(left, cells)
    room = cells - width_of(right) - 1
    if room < min(width_of(left), max(8, cells // 2)):
        return clip(left, cells)
    return clip(spans(pad(left, room, role, fill), Span(fill if fill != " " else " ", role), right), cells)


def joined(parts: Sequence[Line], cells: int, between: str = "  ", noun: str = "") -> Line:
    """As many parts as fit, and how many more there are."""
    full: Line = ()
    for count, part in enumerate(parts):
        longer = spans(full, Span(between, "quiet") if full else "", part)
        rest = len(parts) - count - 1
        tail = cell_len(more(rest, noun)) + cell_len(between) if rest else 0
        if width_of(longer) + tail > cells:
            if not full:
                ending = Span(f"{between}{more(rest)}", "quiet") if rest else Span("")
                return clip(spans(clip(part, max(cells - cell_len(ending.text), 2)), ending), cells)
            return clip(spans(full, Span(f"{between}{more(rest + 1, noun)}", "quiet")), cells)
        full = longer
    return full


def more(count: int, noun: str = "") -> str:
    """`+3 more`, `+3 more images`."""
    noun = noun.removesuffix("s") if count == 1 else noun
    return f"+{count} more{f' {noun}' if noun else ''}"


def wrapped(line: Line, cells: int, most: int = 3) -> tuple[Line, ...]:
    """A sentence over several lines, broken at spaces; the last one is clipped with a mark."""
    words = [Span(word, span.role) for span in line for word in re.findall(r"\S+\s*|\s+", span.text)]
    lines: list[Line] = []
    row: Line = ()
    for number, word in enumerate(words):
        if row and width_of((*row, Span(word.text.rstrip(), word.role))) > cells:
            if len(lines) == most - 1:
                return (*lines, clip(spans(row, *words[number:]), cells))
            lines.append(_stripped(row))
            row = ()
        row = (*row, word)
    return tuple(clip(each, cells) for each in (*lines, _stripped(row)) if each)


def _stripped(row: Line) -> Line:
    return (*row[:-1], Span(row[-1].text.rstrip(), row[-1].role)) if row else row


def bar(share: float, cells: int) -> str:
    """A bar of a share between 0 and 1; anything above nothing shows."""
    filled = round(min(max(share, 0.0), 1.0) * cells)
    filled = max(filled, 1) if share > 0 and cells else filled
    return "▰" * filled + "▱" * (cells - filled)


def stacked(blocks: Sequence[Sequence[Line]], rows: int, cells: int, noun: str, keep: Iterable[int] = ()) -> Drawing:
    """As many blocks as have room, in their order, and how many more there are.

    Args:
        blocks: Lines that belong together.
        rows: How many lines there may be.
        cells: The width, for the line that counts what has no room.
        noun: What a block is: `containers`.
        keep: Numbers of the blocks that matter most.
    """
    if sum(map(len, blocks)) <= rows:
        return tuple(line for block in blocks for line in block)
    if rows <= 0:
        return ()
    wanted = list(dict.fromkeys([*(n for n in keep if n < len(blocks)), *range(len(blocks))]))
    chosen: set[int] = set()
    room = rows - 1
    for number in wanted:
        if len(blocks[number]) > room:
            break
        chosen.add(number)
        room -= len(blocks[number])
    rest = say(more(len(blocks) - len(chosen), noun), "quiet")
    return (*(line for n in sorted(chosen) for line in blocks[n]), clip(rest, cells))


def columns(gaps: Sequence[float], room: int, least: int = 2) -> tuple[int, ...]:
    """Where events stand on a line of so many cells: gaps grow with their length, and each keeps a least width.

    Args:
        gaps: Weights of the distances between events, in order.
        room: Cells; the last event stands at `room - 1` where the least widths allow.
    """
    spare = max(0, room - 1 - least * len(gaps))
    total = sum(gaps) or 1.0
    places, reached = [0], 0.0
    for number, gap in enumerate(gaps, 1):
        reached += gap
        places.append(least * number + int(spare * reached / total))
    return tuple(places) if all(a < b for a, b in pairwise(places)) else tuple(range(len(places)))


def fitted(drawing: Iterable[Line], cells: int, rows: int) -> Drawing:
    """The picture inside its bounds: every line clipped, and a count of the lines that have no room."""
    # Nothing that a name or an address holds may reach the terminal as a control character.
    lines = [
        clip(tuple(s if s.text.isprintable() else Span(clean(s.text), s.role) for s in line), cells) for line in drawing
    ]
    if cells <= 0 or rows <= 0:
        return ()
    if len(lines) <= rows:
        return tuple(lines)
    rest = len(lines) - rows + 1
    return (*lines[: rows - 1], clip(say(more(rest, "lines" if rest > 1 else "line"), "quiet"), cells))
