"""How a board is drawn: rows, the map of a big class, what stands beside. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from textual.content import Content

from tutor.workshop.names import shown_code
from tutor.workshop.seen import Board, PollView, SeatRow

_STEPS = {"p": ("●", "$success"), "t": ("◐", "$warning"), "b": ("○", "$primary"), "-": ("·", "$quiet")}
MAP_FROM = 41
"""So many seats are drawn as a map too, a character each."""
_ROOMY = 64  # columns that hold longer names
_HANDS, _MISTAKES = 8, 6  # so many are listed
_ASKED, _CHOSEN = 160, 60  # characters of a question, and of an option

Part = Content | str | tuple[str, str]


def by_need(rows: Iterable[SeatRow]) -> list[SeatRow]:
    """Who needs the instructor first: hands, then stuck, then the others by name; removed seats last."""
    return sorted(rows, key=lambda r: (not r.allowed, not r.hand, not r.stuck, not r.here, _counted(r.name), r.seat))


def _counted(name: str) -> list[str | int]:
    """What a name is sorted by: 2 comes before 10."""
    return [int(part) if place % 2 else part for place, part in enumerate(re.split(r"(\d+)", name.casefold()))]


def seat(row: SeatRow, now: float, width: int) -> Content:
    """A seat as a line of so many columns; what it is stuck on stands below where it does not fit."""
    mark, style = _mark(row)
    steps: list[Part] = [_STEPS[letter] for letter in row.steps]
    took = f"{max(0.0, now - row.since) // 60:.0f} min" if row.since is not None else ""
    tries = f"{row.tries}×" if row.tries else ""
    why = "removed" if not row.allowed else row.stuck or row.mistake
    if row.stuck and row.mistake:
        why = f"{row.stuck}: {row.mistake}"
    if not row.here and row.allowed:
        why = f"away  {why}".rstrip()
    wide = 18 if width >= _ROOMY else 14
    said = (why, "$warning" if row.stuck else "$quiet")
    line = Content.assemble(
        (f"{mark} ", style),
        (f"{row.name:<{wide}.{wide}} ", "" if row.here else "$quiet"),
        (f"{row.place:<6}", "$quiet"),
        *steps,
        f"  {took:>6} {tries:>4}  ",
    )
    if row.stuck and line.cell_length + len(why) > width:
        return Content("\n").join([line, Content.assemble("  ", said).truncate(width, ellipsis=True)])
    return (line + Content.assemble(said)).truncate(width, ellipsis=True)


def seats_map(rows: list[SeatRow], width: int) -> Content:
    """A big class at a glance: a character for each seat, in the order in which they came."""
    wide = max(10, width)
    lines: list[Content] = []
    for begin in range(0, len(rows), wide):
        lines.append(Content.assemble(*(_mark(row) for row in rows[begin : begin + wide])))
    return Content("\n").join(lines)


def head(board: Board, code: str, left: str) -> Content:
    """The bar: title, code, who is there, the time."""
    there = sum(row.here for row in board.seats)
    opened = [str(chapter.number) for chapter in board.common.chapters if chapter.open]
    door = "" if board.door else "   door closed"
    names = "   names on the projector" if board.names else ""
    return Content.assemble(
        (f"{board.common.title}   ", "bold $primary"),
        (f"{shown_code(code)}   ", "bold"),
        f"{there} of {len(board.seats)} there   open: {', '.join(opened) or 'nothing'}   {left}",
        (f"{door}{names}", "$warning"),
    )


def steps(board: Board, width: int) -> Content:
    """The chapter's steps in so many columns: of each, how many have passed it, and how many are at it."""
    chapter = next((c for c in board.common.chapters if c.id == board.chapter), None)
    if chapter is None or not chapter.steps:
        return Content("")
    lines = [Content.styled(f"{chapter.number} · {chapter.title}", "bold")]
    rows = [row for row in board.seats if row.allowed]
    many = len(str(len(rows)))
    wide = max(8, min(40, width - 27 - 2 * many))
    for place, title in enumerate(chapter.steps):
        letters = [row.steps[place] for row in rows if place < len(row.steps)]
        passed, at_it = letters.count("p"), letters.count("t") + letters.count("b")
        short = title if len(title) <= wide else f"{title[: wide - 1]}…"
        count = (f" {passed:>{many}}", "$success")
        at = f" · {at_it:>{many}} at it"
        lines.append(Content.assemble(f"{place + 1} {short:<{wide}} ", _bar(passed, len(rows)), count, at))
    return Content("\n").join(lines)


def side(board: Board) -> Content:
    """Hands, mistakes, the latest poll."""
    names = {row.seat: row.name for row in board.seats}
    parts: list[Content] = [Content.styled("Hands up, the first first", "bold")]
    hands = [Content(f"  {names.get(seat, '?')}") for seat in board.hands[:_HANDS]]
    parts += hands or [Content.styled("  none", "$quiet")]
    if len(board.hands) > _HANDS:
        parts.append(Content.styled(f"  and {len(board.hands) - _HANDS} more", "$quiet"))
    parts += [Content(""), Content.styled("Mistakes of the class", "bold")]
    places = {
        (chapter.id, step): f"{chapter.number}.{number}"
        for chapter in board.common.chapters
        for number, step in enumerate(chapter.ids, 1)
    }
    for mistake in board.mistakes[:_MISTAKES]:
        now = f", {mistake.now} now" if mistake.now else ""
        where = (f"{places.get((mistake.chapter, mistake.step), '')}  ", "$quiet")
        parts.append(Content.assemble("  ", where, mistake.words, (f"  {mistake.seats}{now}", "$warning")))
    if not board.mistakes:
        parts.append(Content.styled("  none yet", "$quiet"))
    if board.polls:
        parts += [Content(""), *poll(board.polls[0])]
    return Content("\n").join(parts)


def poll(view: PollView) -> list[Content]:
    """A poll with its rounds side by side."""
    state = "open" if view.open else "closed"
    answered = " → ".join(str(asked.answered) for asked in view.rounds)
    lines = [Content.assemble(("Poll ", "bold"), (f"({state}, {answered} answers)", "$quiet"))]
    ask = " ".join(view.question.ask.split())
    lines.append(Content.styled(f"  {ask if len(ask) <= _ASKED else ask[: _ASKED - 1] + '…'}", "italic"))
    for option in view.question.options:
        counts = [asked.counts.get(option.id, 0) for asked in view.rounds]
        mark = ("✓ ", "$success") if option.right else "  "
        text = " ".join(option.text.split())
        short = text if len(text) <= _CHOSEN else f"{text[: _CHOSEN - 1]}…"
        lines.append(Content.assemble(mark, f"{' → '.join(map(str, counts)):>7}  ", short))
    return lines


def _mark(row: SeatRow) -> tuple[str, str]:
    if not row.allowed:
        return "✘", "$quiet"
    if row.hand:
        return "!", "bold $accent"
    if row.stuck:
        return "▲", "bold $error"
    if not row.here:
        return "-", "$quiet"
    if row.steps and set(row.steps) == {"p"}:
        return "●", "$success"
    return ("◐", "$warning") if row.tries else ("○", "$primary")


def _bar(share: int, total: int, width: int = 14) -> tuple[str, str]:
    full = round(width * share / total) if total else 0
    return "▰" * full + "▱" * (width - full), "$success"
