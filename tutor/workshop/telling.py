"""What the connected are told when the room changes: rows at once, summaries and the projector less often.

Who is connected gets the latest state and not every state between: a slow connection costs no memory and holds up
nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from tutor.learner.events import HandSet, PollAnswered
from tutor.workshop import protocol, views
from tutor.workshop.events import Did, DoorSet, PollClosed, PollOpened, Record, Said, SeatAllowed, SeatHere, SeatTaken
from tutor.workshop.following import Follower
from tutor.workshop.log import Log
from tutor.workshop.peers import BoardPeer, Peer, ScreenPeer, SeatPeer
from tutor.workshop.relay import Relay
from tutor.workshop.seen import Common, SeatRow

_FAST = 0.02  # seconds between changed rows
_SLOW = 0.25  # seconds between summaries
_STALE = 1.0  # seconds until rows are looked at because time has passed
_ANSWERED = (HandSet, PollAnswered)


class Teller:
    """Knows who is connected, and tells them.

    Args:
        log: The room's log; `follower` follows it.
        show: What the projector shows now.
        clock: Seconds since the epoch.
    """

    def __init__(self, log: Log, show: Callable[[], protocol.Show], clock: Callable[[], float]) -> None:
        self.follower = Follower(log, self._note, self.all_changed, clock)
        self.seats: dict[str, SeatPeer] = {}
        self.boards: set[BoardPeer] = set()
        self.screens: set[ScreenPeer] = set()
        self.relay = Relay(self.seats)
        self.removed: Callable[[str], None] = lambda _: None  # told of each seat that an instructor closes
        self._show = show
        self._rows: dict[str, SeatRow] = {}
        self._changed: set[str] = set()
        self._untold = True
        self._common: Common | None = None

    @property
    def everybody(self) -> list[Peer]:
        """Who is connected."""
        return [*self.seats.values(), *self.boards, *self.screens]

    def common(self) -> Common:
        """What all learners see, at the time when it changed last."""
        if self._common is None:
            self._common = views.common(self.follower.room, self.follower.clock())
        return self._common

    def all_changed(self) -> None:
        """Look at all rows anew."""
        self._changed.update(seat.id for seat in self.follower.room.members())

    def board_came(self, peer: BoardPeer, code: str) -> None:
        """An instructor is connected: the whole board first, then what changes."""
        if self._changed and self.boards:
            self._tell_rows()
        board = views.board(self.follower.room, self.follower.clock(), self.follower.alive)
        self._rows = {row.seat: row for row in board.seats}
        self._changed.clear()
        peer.say(protocol.Full(code=code, board=board))
        self.boards.add(peer)

    async def tell(self) -> None:
        """Tell what has changed, on and on."""
        summary = stale = time.monotonic()
        while True:
            # What came while the last changes were told is looked at now: nobody wakes us for it again.
            if not self._changed:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.follower.moved.wait(), _SLOW)
            now = time.monotonic()
            if now - stale >= _STALE:
                self.all_changed()
                stale, self._untold = now, True
                self.relay.late()
            if self._changed:
                self._tell_rows()
            if self._untold and now - summary >= _SLOW:
                summary, self._untold = now, False
                self._tell_summary()
            await asyncio.sleep(_FAST)

    def _note(self, record: Record) -> None:
        """Who must be told of a record."""
        self._untold = True
        body = record.body
        match body:
            case Did():
                self._changed.add(body.seat)
                if body.seat in self.seats and isinstance(body.event, _ANSWERED):
                    self.seats[body.seat].changed(you=True)
            case SeatTaken():
                self._changed.add(body.seat)
            case SeatHere():
                self._changed.add(body.seat)
                peer = self.seats.get(body.seat)
                if peer is not None and body.here and body.hub != self.follower.id and record.at > peer.since:
                    peer.bye("elsewhere", "Your seat was opened in another place.")
            case SeatAllowed():
                self._changed.add(body.seat)
                if not body.allowed:
                    self.removed(body.seat)
                if not body.allowed and body.seat in self.seats:
                    self.relay.gone(self.seats[body.seat])
                    self.seats[body.seat].bye("removed", "The instructor has closed your seat. Ask to be let in again.")
            case Said(to=to) if to:
                if to in self.seats:
                    self.seats[to].changed(you=True)
            case DoorSet():
                pass
            case _:
                # Chapters, pace, polls: all rows show them.
                self._common = None
                self.all_changed()
                for peer in self.seats.values():
                    peer.changed(common=True, you=isinstance(body, (PollOpened, PollClosed)))

    def _tell_rows(self) -> None:
        changed, self._changed = self._changed, set()
        self._untold = True
        if not self.boards:
            return
        room, alive = self.follower.room, self.follower.alive
        chapter, pace, now = views.focus(room), views.needed(room), self.follower.clock()
        rows = []
        for identity in changed:
            seat = room.seats.get(identity)
            if seat is None or not seat.known:
                continue
            row = views.row(room, seat, now, alive, chapter, pace)
            if row != self._rows.get(identity):
                self._rows[identity] = row
                rows.append(row)
        if rows:
            text = protocol.encode(protocol.Rows(rows=tuple(rows))).decode()
            for board in self.boards:
                board.text(text)

    def _tell_summary(self) -> None:
        if self.screens:
            text = protocol.encode(self._show()).decode()
            for screen in self.screens:
                screen.show(text)
        if self.boards:
            summary = views.summary(self.follower.room, self.follower.clock())
            text = protocol.encode(protocol.Changed(summary=summary)).decode()
            for board in self.boards:
                board.summary(text)
