"""`workshop board --plain` and `--json`: the board as it is now."""

from __future__ import annotations

import asyncio
from typing import TextIO

import msgspec

from tutor.ui.plain.page import columns
from tutor.workshop import instructor
from tutor.workshop.names import shown_code
from tutor.workshop.rooms import Keys
from tutor.workshop.seen import Board, SeatRow

_LETTERS = {"p": "●", "t": "◐", "b": "○", "-": "·"}


def show(keys: Keys, out: TextIO, *, as_json: bool) -> int:
    """Print it.

    Raises:
        Problem: No hub answers, or the keys do not fit.
    """
    status = asyncio.run(instructor.once(keys))
    assert status.board is not None
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(status.board)).decode(), file=out)
        return 0
    for line in lines(status.board, status.code):
        print(line, file=out)
    return 0


def lines(board: Board, code: str) -> list[str]:
    """The board as text: the seats, then who waits for help, then what the class gets wrong."""
    common = board.common
    there = sum(row.here for row in board.seats)
    opened = [f"{chapter.number} {chapter.title}" for chapter in common.chapters if chapter.open]
    told = [f"{common.title} · join code {shown_code(code)} · {there} of {len(board.seats)} there"]
    told.append(f"Open: {', '.join(opened) or 'no chapter yet'}")
    if board.seats:
        told += ["", *columns([("SEAT", "AT", "STEPS", "TRIES", ""), *(_row(row) for row in board.seats)])]
    names = {row.seat: row.name for row in board.seats}
    if board.hands:
        told += ["", f"Hands up, the first first: {', '.join(names[seat] for seat in board.hands)}"]
    if board.mistakes:
        told += ["", "Mistakes of the class:"]
        told += [f"  {m.seats} seats, {m.now} now: {m.words} ({m.chapter}, {m.step})" for m in board.mistakes[:5]]
    return told


def _row(row: SeatRow) -> tuple[str, ...]:
    notes = []
    if not row.allowed:
        notes.append("removed")
    elif not row.here:
        notes.append("away")
    if row.hand:
        notes.append("hand up")
    if row.stuck:
        notes.append(f"stuck: {row.stuck}")
    if row.mistake:
        notes.append(row.mistake)
    steps = "".join(_LETTERS[letter] for letter in row.steps)
    return (row.name, row.place, steps, str(row.tries or ""), "; ".join(notes))
