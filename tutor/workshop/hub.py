"""The hub: takes what seats and instructors send, keeps it in the log, and tells everybody what changes.

A hub has no state of its own that matters: its room is what the log says (`tutor.workshop.following`). So several
hubs on one log serve one room, and one that is killed and started again goes on. Who comes in is settled at the door
(`tutor.workshop.door`), who is told what by `tutor.workshop.telling`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

import msgspec

from tutor.workshop import names, protocol, told, views
from tutor.workshop.door import Door, Refused
from tutor.workshop.events import (
    AgendaItem,
    Did,
    Instruction,
    PollClosed,
    PollOpened,
    Record,
    RoomOpened,
    Said,
    SeatAllowed,
    SeatHere,
)
from tutor.workshop.limits import Gate
from tutor.workshop.log import Log, LogDown
from tutor.workshop.peers import BoardPeer, Peer, ScreenPeer, SeatPeer
from tutor.workshop.room import Room
from tutor.workshop.seen import You
from tutor.workshop.syllabus import Syllabus
from tutor.workshop.telling import Teller

MOST_RECORDS = 20_000  # of one seat


class Hub:
    """One hub of a room.

    Args:
        log: The room's log.
        room: The room's id.
        title: What the projector shows; kept from the first start on.
        syllabus: What is taught; kept from the first start on.
        agenda: The plan; kept from the first start on.
        secret: The instructor's secret.
        link: Where learners reach the hub, such as `http://192.0.2.7:7000`.
        clock: Seconds since the epoch.
        gate: Counts connections.
    """

    def __init__(
        self,
        log: Log,
        *,
        room: str,
        title: str,
        syllabus: Syllabus,
        secret: str,
        agenda: tuple[AgendaItem, ...] = (),
        link: str = "",
        clock: Callable[[], float] = time.time,
        gate: Gate | None = None,
    ) -> None:
        self.log = log
        self.link = link
        self.gate = gate or Gate()
        self.teller = Teller(log, self.show, clock)
        self.follower = self.teller.follower
        self.door = Door(self.follower, secret)
        self.relay = self.teller.relay
        self._opening = RoomOpened(room=room, title=title, syllabus=syllabus, agenda=agenda)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def room(self) -> Room:
        """The room as it is now."""
        return self.follower.room

    @property
    def info(self) -> tuple[str, str]:
        """The room's id and title."""
        opened = self.room.opened.value
        return (opened.room, opened.title) if opened else ("", "")

    async def start(self) -> None:
        """Read the log, open the room when it is new, and begin to follow; once.

        Raises:
            LogDown: The log cannot be reached.
        """
        if self._tasks:
            return
        await self.door.open()
        await self.follower.open(self._opening)
        self.teller.all_changed()
        works = (self.follower.follow, self.follower.beats, self.teller.tell)
        self._tasks = [asyncio.create_task(work()) for work in works]

    async def stop(self) -> None:
        """Say goodbye and let go of the log."""
        for peer in self.teller.everybody:
            peer.bye("restart", "The hub ends; it may come back.")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.follower.close()

    # -- seats ---------------------------------------------------------------------------------------------------
    async def seat_came(self, peer: SeatPeer) -> None:
        """A seat is connected: whoever else holds it here is sent away."""
        other = self.teller.seats.get(peer.seat)
        if other is not None:
            other.bye("elsewhere", "Your seat was opened in another place.")
            self.relay.gone(other)
        self.teller.seats[peer.seat] = peer
        peer.say(
            protocol.Welcome(
                have=self.room.seat(peer.seat).have(peer.stream), common=self.teller.common(), you=self.you(peer.seat)
            )
        )
        await self.follower.keep("hub", SeatHere(seat=peer.seat, hub=self.follower.id, here=True))

    async def seat_went(self, peer: SeatPeer) -> None:
        """A seat's connection has ended."""
        if self.teller.seats.get(peer.seat) is peer:
            del self.teller.seats[peer.seat]
            with contextlib.suppress(LogDown):
                await self.follower.keep("hub", SeatHere(seat=peer.seat, hub=self.follower.id, here=False))

    async def pushed(self, peer: SeatPeer, push: protocol.Push) -> None:
        """Keep what a seat's journal has, then acknowledge it.

        Raises:
            Refused: `too-much`.
            LogDown: It may not be kept; the seat sends it again.
        """
        seat = self.room.seat(peer.seat)
        if sum(len(got) for got in seat.got.values()) + len(push.items) > MOST_RECORDS:
            raise Refused("too-much", "Your seat has sent too much.")
        at = self.follower.now()
        ahead = at - push.now
        first = seat.joined or at
        records = []
        for item in push.items:
            event = told.admitted(item.event, peer.seat, self.room)
            if event is None:
                continue
            when = min(max(item.at + ahead, first), at)
            body = Did(seat=peer.seat, stream=peer.stream, n=item.n, when=when, event=event)
            records.append(Record(id=f"{peer.seat}-{peer.stream}-{item.n}", at=at, by=peer.seat, body=body))
        if records:
            await self.log.append(records)
        peer.ack(max(item.n for item in push.items))

    def you(self, seat: str) -> You:
        """What one learner sees."""
        return views.you(self.room, seat)

    # -- instructors ---------------------------------------------------------------------------------------------
    async def instructed(self, peer: BoardPeer, do: protocol.Do) -> None:
        """Keep an instruction, then say so."""
        why = self._cannot(do.what)
        if not why:
            body = do.what
            if isinstance(body, Said):
                text = "\n".join(names.clean(line, 1000) for line in body.text.splitlines()).strip()
                body = msgspec.structs.replace(body, text=text) if text else body
            try:
                record = Record(id=f"i-{do.id}", at=self.follower.now(), by=f"i:{peer.name}", body=body)
                await self.log.append([record])
                # Done means that it holds: an answer to a poll that was just opened counts.
                await self.follower.until(lambda: self.room.knows(record.id))
            except LogDown:
                why = "The log cannot be written now. Try again."
        peer.say(protocol.Done(id=do.id, refused=why))

    def _cannot(self, what: Instruction) -> str:
        if isinstance(what, SeatAllowed) and what.seat not in self.room.seats:
            return "There is no such seat."
        if isinstance(what, Said) and what.to and what.to not in self.room.seats:
            return "There is no such seat."
        if isinstance(what, PollClosed):
            poll = self.room.polls.get(what.poll)
            if poll is None or what.round not in poll.rounds:
                return "There is no such poll."
        if isinstance(what, PollOpened) and len({option.id for option in what.question.options}) < 2:
            return "A poll needs two different options."
        return ""

    def show(self) -> protocol.Show:
        """What the projector shows."""
        from tutor.workshop.links import join_link, qr_rows

        code = self.door.code
        shown = views.screen(self.room, self.follower.clock(), self.follower.alive)
        return protocol.Show(code=code, link=self.link, qr=qr_rows(join_link(self.link, code)), screen=shown)

    # -- who goes -------------------------------------------------------------------------------------------------
    async def part(self, peer: Peer) -> None:
        """A connection has ended."""
        self.relay.gone(peer)
        match peer:
            case SeatPeer():
                await self.seat_went(peer)
            case BoardPeer():
                self.teller.boards.discard(peer)
            case ScreenPeer():
                self.teller.screens.discard(peer)
            case _:
                pass
