"""The hub: takes what seats and instructors send, keeps it in the log, and tells everybody what changes.

A hub has no state of its own that matters: its room is what the log says, and it follows the log even for what it
wrote itself. So several hubs on one log serve one room, and one that is killed and started again goes on.

Who is connected gets the latest state and not every state between: a slow connection costs no memory and holds up
nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterable

import msgspec

from tutor.learner.events import HandSet, PollAnswered
from tutor.workshop import names, protocol, told, views
from tutor.workshop.events import (
    AgendaItem,
    AnyBody,
    Did,
    DoorSet,
    Instruction,
    PollClosed,
    PollOpened,
    Record,
    RoomOpened,
    Said,
    SeatAllowed,
    SeatHere,
    SeatTaken,
)
from tutor.workshop.limits import Gate, Wrong
from tutor.workshop.log import Log, LogDown
from tutor.workshop.peers import BoardPeer, Peer, ScreenPeer, SeatPeer
from tutor.workshop.relay import Relay
from tutor.workshop.room import Room
from tutor.workshop.syllabus import Syllabus

MOST_SEATS = 2000
MOST_RECORDS = 20_000  # of one seat
_PATIENCE = 10.0  # seconds until what was written must be read back
_BEAT = 10.0  # seconds that a hub counts as alive without a word
_FAST = 0.02  # seconds between changed rows
_SLOW = 0.25  # seconds between summaries
_STALE = 1.0  # seconds until rows are looked at because time has passed


class Refused(Exception):
    """What somebody asked for is not done; a stable code and words."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


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
        self.room = Room()
        self.code = ""
        self.link = link
        self.id = f"h{secrets.token_hex(4)}"
        self.gate = gate or Gate()
        self.wrong = Wrong()
        self.alive: set[str] = {self.id}
        self.seats: dict[str, SeatPeer] = {}
        self.boards: set[BoardPeer] = set()
        self.screens: set[ScreenPeer] = set()
        self.relay = Relay(self.seats)
        self._opening = RoomOpened(room=room, title=title, syllabus=syllabus, agenda=agenda)
        self._secret = secret
        self._clock = clock
        self._latest = 0.0
        self._number = 0
        self._cursor = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._rows: dict[str, views.SeatRow] = {}
        self._changed: set[str] = set()
        self._moved = asyncio.Event()
        self._untold = True
        self._common: views.Common | None = None
        self._joining = 0

    # -- life ----------------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Read the log, open the room when it is new, and begin to follow; once.

        Raises:
            LogDown: The log cannot be reached.
        """
        if self._tasks:
            return
        self.code = await self.log.settle("code", names.new_code())
        await self.log.append([Record(id="open", at=self.now(), by="hub", body=self._opening)])
        await self.log.beat(self.id, _BEAT)
        while True:
            records, self._cursor = await self.log.read(self._cursor)
            if not records:
                break
            for record in records:
                self.room.apply(record)
        self._changed.update(seat.id for seat in self.room.members())
        self._tasks = [asyncio.create_task(work()) for work in (self._follow, self._tick, self._beats)]

    async def stop(self) -> None:
        """Say goodbye and let go of the log."""
        for peer in [*self.seats.values(), *self.boards, *self.screens]:
            peer.bye("restart", "The hub ends; it may come back.")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(LogDown):
            await self.log.beat(self.id, 0)
        await self.log.close()

    def now(self) -> float:
        """The hub's time for the next record: its clock, but never before what the log has."""
        self._latest = max(self._clock(), self._latest + 1e-6, self.room.clock + 1e-6)
        return self._latest

    @property
    def info(self) -> tuple[str, str]:
        """The room's id and title."""
        opened = self.room.opened.value
        return (opened.room, opened.title) if opened else ("", "")

    @property
    def screen_key(self) -> str:
        """What opens the projector's page; it cannot do more than read that page."""
        return names.derived(self._secret, "screen")

    # -- who is it -----------------------------------------------------------------------------------------------
    async def join(self, asked: protocol.Join, address: str) -> protocol.Joined:
        """A new seat, or the one that was given for this ticket.

        Raises:
            Refused: `too-many-tries`, `wrong-code`, `removed`, `closed`, `full`.
            LogDown: It may not be kept.
        """
        if not self.wrong.allows(address):
            raise Refused("too-many-tries", "There were too many wrong codes from your address. Wait a minute.")
        if not hmac.compare_digest(names.read_code(asked.code).encode(), self.code.encode()):
            self.wrong.note(address)
            raise Refused("wrong-code", "That is not the join code. It is on the projector.")
        key = names.derived(self._secret, f"seat {asked.ticket}")
        seat = f"s{names.derived(key, 'id')[:10]}"
        known = self.room.seats.get(seat)
        if known is None or not known.known:
            if not self.room.door.value:
                raise Refused("closed", "The instructor lets nobody new in at the moment.")
            if len(self.room.seats) + self._joining >= MOST_SEATS:
                raise Refused("full", "The room is full.")
            self._joining += 1
            try:
                name = names.free_name(asked.name, [one.name.value for one in self.room.members()])
                body = SeatTaken(seat=seat, name=name, key=key)
                await self.log.append([Record(id=f"join-{seat}", at=self.now(), by="hub", body=body)])
                await self._until(lambda: self.room.seat(seat).known)
            finally:
                self._joining -= 1
        taken = self.room.seat(seat)
        if not taken.allowed.value:
            raise Refused("removed", "The instructor has closed this seat.")
        room, title = self.info
        return protocol.Joined(room=room, title=title, seat=seat, name=taken.name.value, key=key)

    def check(self, hello: protocol.Hello, nonce: str, address: str) -> None:
        """Whether somebody is who they say.

        Raises:
            Refused: `version`, `too-many-tries`, `not-you`, `removed`.
        """
        if hello.version != protocol.VERSION:
            raise Refused("version", "Hub and tutor are of different versions: upgrade the older one.")
        if not self.wrong.allows(address):
            raise Refused("too-many-tries", "There were too many wrong keys from your address. Wait a minute.")
        seat = self.room.seats.get(hello.id) if hello.role == "seat" else None
        if hello.role == "screen":
            wanted = self.screen_key
        elif hello.role == "instructor":
            wanted = names.proof(self._secret, nonce, "instructor", hello.id)
        else:
            wanted = names.proof(seat.key, nonce, "seat", hello.id) if seat and seat.key else ""
        if not wanted or not hmac.compare_digest(hello.proof.encode(), wanted.encode()):
            self.wrong.note(address)
            raise Refused("not-you", "The key does not fit.")
        if seat is not None and not seat.allowed.value:
            raise Refused("removed", "The instructor has closed your seat. Ask to be let in again.")

    # -- seats ---------------------------------------------------------------------------------------------------
    async def seat_came(self, peer: SeatPeer) -> None:
        """A seat is connected: whoever else holds it here is sent away."""
        other = self.seats.get(peer.seat)
        if other is not None:
            other.bye("elsewhere", "Your seat was opened in another place.")
            self.relay.gone(other)
        self.seats[peer.seat] = peer
        peer.say(
            protocol.Welcome(
                have=self.room.seat(peer.seat).have(peer.stream), common=self.common(), you=self.you(peer.seat)
            )
        )
        await self._keep("hub", SeatHere(seat=peer.seat, hub=self.id, here=True))

    async def seat_went(self, peer: SeatPeer) -> None:
        """A seat's connection has ended."""
        if self.seats.get(peer.seat) is peer:
            del self.seats[peer.seat]
            with contextlib.suppress(LogDown):
                await self._keep("hub", SeatHere(seat=peer.seat, hub=self.id, here=False))

    async def pushed(self, peer: SeatPeer, push: protocol.Push) -> None:
        """Keep what a seat's journal has, then acknowledge it.

        Raises:
            Refused: `too-much`.
            LogDown: It may not be kept; the seat sends it again.
        """
        seat = self.room.seat(peer.seat)
        if sum(len(got) for got in seat.got.values()) + len(push.items) > MOST_RECORDS:
            raise Refused("too-much", "Your seat has sent too much.")
        at = self.now()
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

    def common(self) -> views.Common:
        """What all learners see, at the time when it changed last."""
        if self._common is None:
            self._common = views.common(self.room, self._clock())
        return self._common

    def you(self, seat: str) -> views.You:
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
                record = Record(id=f"i-{do.id}", at=self.now(), by=f"i:{peer.name}", body=body)
                await self.log.append([record])
                # Done means that it holds: an answer to a poll that was just opened counts.
                await self._until(lambda: self.room.knows(record.id))
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

    def board_came(self, peer: BoardPeer) -> None:
        """An instructor is connected: the whole board first, then what changes."""
        if self._changed and self.boards:
            self._tell_rows()
        board = views.board(self.room, self._clock(), self.alive)
        self._rows = {row.seat: row for row in board.seats}
        self._changed.clear()
        peer.say(protocol.Full(code=self.code, board=board))
        self.boards.add(peer)

    def show(self) -> protocol.Show:
        """What the projector shows."""
        from tutor.workshop.links import join_link, qr_rows

        link = join_link(self.link, self.code)
        shown = views.screen(self.room, self._clock(), self.alive)
        return protocol.Show(code=self.code, link=self.link, qr=qr_rows(link), screen=shown)

    # -- following the log ---------------------------------------------------------------------------------------
    async def _keep(self, by: str, body: AnyBody) -> None:
        self._number += 1
        await self.log.append([Record(id=f"{self.id}-{self._number}", at=self.now(), by=by, body=body)])

    async def _until(self, true: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                while not true():
                    await self._moved.wait()
        except TimeoutError as error:
            raise LogDown("The log is written, but cannot be read now.") from error

    async def _follow(self) -> None:
        while True:
            try:
                records, self._cursor = await self.log.read(self._cursor, wait=15.0)
            except LogDown:
                await asyncio.sleep(0.5)
                continue
            self._apply(records)

    def _apply(self, records: Iterable[Record]) -> None:
        for record in records:
            if self.room.apply(record):
                self._untold = True
                self._note(record)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def _note(self, record: Record) -> None:
        """Who must be told of a record."""
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
                if peer is not None and body.here and body.hub != self.id and record.at > peer.since:
                    peer.bye("elsewhere", "Your seat was opened in another place.")
            case SeatAllowed():
                self._changed.add(body.seat)
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
                self._changed.update(seat.id for seat in self.room.members())
                for peer in self.seats.values():
                    peer.changed(common=True, you=isinstance(body, (PollOpened, PollClosed)))

    # -- telling -------------------------------------------------------------------------------------------------
    async def _tick(self) -> None:
        """Rows at once, summaries and the projector less often."""
        summary = stale = time.monotonic()
        while True:
            # What came while the last changes were told is looked at now: nobody wakes us for it again.
            if not self._changed:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._moved.wait(), _SLOW)
            now = time.monotonic()
            if now - stale >= _STALE:
                self._changed.update(seat.id for seat in self.room.members())
                stale, self._untold = now, True
                self.relay.late()
            if self._changed:
                self._tell_rows()
            if self._untold and now - summary >= _SLOW:
                summary, self._untold = now, False
                self._tell_summary()
            await asyncio.sleep(_FAST)

    def _tell_rows(self) -> None:
        changed, self._changed = self._changed, set()
        self._untold = True
        if not self.boards:
            return
        chapter, pace, now = views.focus(self.room), views.needed(self.room), self._clock()
        rows = []
        for identity in changed:
            seat = self.room.seats.get(identity)
            if seat is None or not seat.known:
                continue
            row = views.row(self.room, seat, now, self.alive, chapter, pace)
            if row != self._rows.get(identity):
                self._rows[identity] = row
                rows.append(row)
        if rows:
            text = protocol.encode(protocol.Rows(rows=tuple(rows))).decode()
            for board in self.boards:
                board.text(text)

    def _tell_summary(self) -> None:
        if self.screens:
            text = protocol.encode(self.show()).decode()
            for screen in self.screens:
                screen.show(text)
        if not self.boards:
            return
        members = self.room.members()
        up = sorted((s for s in members if s.hand.value and s.allowed.value), key=lambda seat: seat.hand.stamp)
        chapter = views.focus(self.room)
        summary = protocol.Summary(
            common=views.common(self.room, self._clock()),
            chapter=chapter.id if chapter else "",
            names=self.room.names.value,
            door=self.room.door.value,
            hands=tuple(seat.id for seat in up),
            mistakes=views.mistakes(self.room),
            polls=views.polls(self.room),
        )
        text = protocol.encode(summary).decode()
        for board in self.boards:
            board.summary(text)

    async def _beats(self) -> None:
        while True:
            with contextlib.suppress(LogDown):
                await self.log.beat(self.id, _BEAT)
                alive = await self.log.hubs() | {self.id}
                if alive != self.alive:
                    self.alive = alive
                    self._changed.update(seat.id for seat in self.room.members())
            await asyncio.sleep(_BEAT / 4)

    async def part(self, peer: Peer) -> None:
        """A connection has ended."""
        self.relay.gone(peer)
        match peer:
            case SeatPeer():
                await self.seat_went(peer)
            case BoardPeer():
                self.boards.discard(peer)
            case ScreenPeer():
                self.screens.discard(peer)
            case _:
                pass


_ANSWERED = (HandSet, PollAnswered)
