"""Looking over a shoulder: what a copy of a seat's shell is, and who may see it when. Pure but for the clock.

The learner agrees before anything is sent, and either side ends it at once. A copy lives in memory only: it goes from
one seat to the one instructor who asked, and never into the room's log.
"""

from __future__ import annotations

import secrets
import time
import unicodedata
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Annotated, Generic, TypeVar

import msgspec

from tutor.workshop.limits import Bucket

MAX_ROWS, MAX_COLS = 60, 200  # cells of a copy; of a bigger screen its last rows and first columns are sent
MAX_BYTES = 40_000  # of a copy as it is sent; a bigger one loses its colours first, then its first rows
ASKED_FOR = 60.0  # seconds in which a learner may agree; then it is refused
AGAIN_AFTER = 120.0  # seconds until a learner who refused, or ended it, may be asked again
SOON_AFTER = 15.0  # the same where it was not the learner's wish: an instructor gave up, or no shell was open
MOST_REFUSALS = 3  # after so many a seat is not asked any more
_MARKS = 2  # combining marks that stay on a character
_FLAGS = 0b1101_1111  # the terminal's, but for text that it does not show

Colour = Annotated[int, msgspec.Meta(ge=0, le=0x1FFFFFF)]


class Bit(msgspec.Struct, frozen=True, array_like=True):
    """Text of one look; colours and flags are those of `tutor.terminal`."""

    text: Annotated[str, msgspec.Meta(max_length=MAX_COLS * 4)]
    fg: Colour | None = None
    bg: Colour | None = None
    flags: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0
    underline: Annotated[int, msgspec.Meta(ge=0, le=5)] = 0


Row = Annotated[tuple[Bit, ...], msgspec.Meta(max_length=MAX_COLS)]


class Copy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A shell's screen as it is seen: rows from its top, and the cursor's place in them (-1 where there is none)."""

    rows: Annotated[tuple[Row, ...], msgspec.Meta(max_length=MAX_ROWS)]
    cursor: tuple[Annotated[int, msgspec.Meta(ge=-1, le=MAX_ROWS)], Annotated[int, msgspec.Meta(ge=-1, le=MAX_COLS)]]


def cleaned(copy: Copy) -> Copy:
    """A copy that can be drawn whoever made it: no control, format or private characters, no stacked marks."""
    return Copy(rows=tuple(_row(row) for row in copy.rows), cursor=copy.cursor)


def fitted(copy: Copy) -> Copy:
    """A copy that is small enough to be sent."""
    if _size(copy) <= MAX_BYTES:
        return copy
    plain = tuple((Bit("".join(bit.text for bit in row)[: MAX_COLS * 2]),) for row in copy.rows)
    copy = Copy(rows=plain, cursor=copy.cursor)
    while copy.rows and _size(copy) > MAX_BYTES:
        copy = Copy(rows=copy.rows[1:], cursor=(max(copy.cursor[0] - 1, -1), copy.cursor[1]))
    return copy


def _size(copy: Copy) -> int:
    return len(msgspec.json.encode(copy))


def _row(row: tuple[Bit, ...]) -> tuple[Bit, ...]:
    bits: list[Bit] = []
    room = MAX_COLS * 2
    for bit in row:
        text = visible(bit.text)[:room]
        room -= len(text)
        if text:
            bits.append(Bit(text, bit.fg, bit.bg, bit.flags & _FLAGS, bit.underline))
    return tuple(bits)


def visible(text: str) -> str:
    """The text without what moves a cursor, turns the direction, or cannot be seen; spaces stay, as they are places."""
    kept: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        if char in "\t\n\r" or category[0] == "Z":
            char = " "
        elif category[0] == "C":
            continue
        marks = marks + 1 if category[0] == "M" else 0
        if marks <= _MARKS:
            kept.append(char)
    return "".join(kept)


# -- at the hub -------------------------------------------------------------------------------------------------------
class NotNow(Exception):
    """A learner cannot be asked now; words for the instructor."""


P = TypeVar("P", bound=Hashable)
"""A connection."""


@dataclass(eq=False)
class Look(Generic[P]):
    """One instructor's look at one seat: asked for, then (`agreed`) allowed.

    Attributes:
        id: What the seat must name when it agrees and with each copy; told to its connection alone.
        shower, viewer: The only connections that count.
        since: When it was asked for.
    """

    id: str
    seat: str
    shower: P
    viewer: P
    since: float
    agreed: bool = False
    limit: Bucket = field(default_factory=lambda: Bucket(size=6, rate=5))


class Looks(Generic[P]):
    """All looks of a hub: at most one at a seat, and one of an instructor.

    Args:
        clock: Seconds, from anywhere.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looks: dict[str, Look[P]] = {}
        self._refused: dict[str, tuple[int, float]] = {}

    def ask(self, seat: str, shower: P | None, viewer: P) -> Look[P]:
        """An instructor wants to look at a seat.

        Raises:
            NotNow: The learner is not to be asked.
        """
        times, until = self._refused.get(seat, (0, 0.0))
        if shower is None:
            raise NotNow("The seat is not connected to this hub. With several hubs, open the board at theirs.")
        if seat in self._looks:
            mine = self._looks[seat].viewer is viewer
            raise NotNow("They are asked already." if mine else "Another instructor looks there, or has asked.")
        if any(look.viewer is viewer for look in self._looks.values()):
            raise NotNow("End your other look first.")
        if times >= MOST_REFUSALS:
            raise NotNow(f"They refused {times} times, and are not asked any more.")
        if self._clock() < until:
            raise NotNow(f"They were asked just now. Ask again in {until - self._clock():.0f} seconds.")
        look = Look(secrets.token_hex(8), seat, shower, viewer, self._clock())
        self._looks[seat] = look
        return look

    def agree(self, shower: P, identity: str) -> Look[P] | None:
        """A connection agrees; None where it was not asked this, or is too late."""
        look = self._of(shower, identity)
        if look is None or look.agreed or self._clock() - look.since > ASKED_FOR:
            return None
        look.agreed = True
        return look

    def refuse(self, shower: P, identity: str, *, wish: bool = True) -> Look[P] | None:
        """A connection refuses, or ends what it agreed to; None where there is nothing to refuse.

        Args:
            wish: Whether the learner wanted it so; otherwise nothing could be shown.
        """
        look = self._of(shower, identity)
        if look is not None:
            self._over(look, refused=wish and not look.agreed, wait=AGAIN_AFTER if wish else SOON_AFTER)
        return look

    def copy(self, shower: P, identity: str) -> Look[P] | None:
        """Where a copy goes; None where nobody may see it, or when they come too fast."""
        look = self._of(shower, identity)
        return look if look is not None and look.agreed and look.limit.take() else None

    def leave(self, viewer: P, seat: str) -> Look[P] | None:
        """An instructor ends their look at a seat."""
        look = self._looks.get(seat)
        if look is None or look.viewer is not viewer:
            return None
        self._over(look, refused=False, wait=SOON_AFTER)
        return look

    def gone(self, connection: P) -> list[Look[P]]:
        """A connection has ended: what it showed or saw ends with it."""
        over = [look for look in self._looks.values() if connection in (look.shower, look.viewer)]
        for look in over:
            # An instructor who connects anew asks no sooner for it.
            self._over(look, refused=False, wait=SOON_AFTER)
        return over

    def late(self) -> list[Look[P]]:
        """Those that nobody answered in time, which is a refusal."""
        now = self._clock()
        over = [look for look in self._looks.values() if not look.agreed and now - look.since > ASKED_FOR]
        for look in over:
            self._over(look, refused=True, wait=AGAIN_AFTER)
        return over

    def _of(self, shower: P, identity: str) -> Look[P] | None:
        return next((one for one in self._looks.values() if one.shower is shower and one.id == identity), None)

    def _over(self, look: Look[P], *, refused: bool, wait: float) -> None:
        del self._looks[look.seat]
        times, _ = self._refused.get(look.seat, (0, 0.0))
        self._refused[look.seat] = (times + refused, self._clock() + wait)
