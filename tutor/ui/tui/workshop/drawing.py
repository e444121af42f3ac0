"""How a board is drawn: rows, the map of a big class, what stands beside. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from tutor.workshop.names import shown_code
from tutor.workshop.seen import Board, PollView, SeatRow

_STEPS = {"p": ("●", "$success"), "t": ("◐", "$warning"), "b": ("○", "$primary"), "-": ("·", "$quiet")}
MAP_FROM = 41
"""So many seats are drawn as a map too, a character each."""

Part = Content | str | tuple[str, str]


def by_need(rows: Iterable[SeatRow]) -> list[SeatRow]:
    """Who needs the instructor first: hands, then stuck, then the others by name; removed seats last."""
    return sorted(rows, key=lambda r: (not r.allowed, not r.hand, not r.stuck, not r.here, r.name.casefold(), r.seat))


def seat(row: SeatRow, now: float) -> Content:
    """A seat as a line."""
    mark, style = _mark(row)
    steps: list[Part] = [_STEPS[letter] for letter in row.steps]
    took = f"{max(0.0, now - row.since) // 60:.0f} min" if row.since is not None else ""
    tries = f"{row.tries}×" if row.tries else ""
    why = "removed" if not row.allowed else row.stuck or row.mistake
    if row.stuck and row.mistake:
        why = f"{row.stuck}: {row.mistake}"
    if not row.here and row.allowed:
        why = f"away  {why}".rstrip()
    return Content.assemble(
        (f"{mark} ", style),
        (f"{row.name:<18.18} ", "" if row.here else "$quiet"),
        (f"{row.place:<6}", "$quiet"),
        *steps,
        f"  {took:>6} {tries:>4}  ",
        (why, "$warning" if row.stuck else "$quiet"),
    )


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


def steps(board: Board) -> Content:
    """The chapter's steps: of each, how many have passed it, and how many are at it."""
    chapter = next((c for c in board.common.chapters if c.id == board.chapter), None)
    if chapter is None or not chapter.steps:
        return Content("")
    lines = [Content.styled(f"{chapter.number} · {chapter.title}", "bold")]
    rows = [row for row in board.seats if row.allowed]
    for place, title in enumerate(chapter.steps):
        letters = [row.steps[place] for row in rows if place < len(row.steps)]
        passed, at_it = letters.count("p"), letters.count("t") + letters.count("b")
        lines.append(
            Content.assemble(
                f"{place + 1} {title:<32.32} ", _bar(passed, len(rows)), (f" {passed}", "$success"), f" · {at_it} at it"
            )
        )
    return Content("\n").join(lines)


def side(board: Board) -> Content:
    """Hands, mistakes, the latest poll."""
    names = {row.seat: row.name for row in board.seats}
    parts: list[Content] = [Content.styled("Hands up, the first first", "bold")]
    parts += [Content(f"  {names.get(seat, '?')}") for seat in board.hands] or [Content.styled("  none", "$quiet")]
    parts += [Content(""), Content.styled("Mistakes of the class", "bold")]
    for mistake in board.mistakes[:6]:
        now = f", {mistake.now} now" if mistake.now else ""
        parts.append(Content.assemble((f"  {mistake.seats}{now}  ", "$warning"), mistake.words))
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
    lines.append(Content.styled(f"  {view.question.ask.splitlines()[0][:80]}", "italic"))
    for option in view.question.options:
        counts = [asked.counts.get(option.id, 0) for asked in view.rounds]
        mark = ("✓ ", "$success") if option.right else "  "
        text = " ".join(option.text.split())
        lines.append(Content.assemble(mark, f"{' → '.join(map(str, counts)):>7}  ", f"{text[:60]}"))
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
