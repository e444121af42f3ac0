"""A seat's connection to its hub: it comes back by itself after anything, and sends what the hub has not got."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import random
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidURI, WebSocketException

from tutor.learner.events import HandSet, PollAnswered, WorkshopJoined, WorkshopLeft
from tutor.learner.journal import Journal
from tutor.problems import Problem
from tutor.workshop import cards, names, outbox, protocol, trust
from tutor.workshop.cards import Card
from tutor.workshop.links import read_link
from tutor.workshop.outbox import Outbox
from tutor.workshop.seen import Common, You
from tutor.workshop.showing import Asked, Showing

M = TypeVar("M", bound=msgspec.Struct)
_TIMEOUT = 10.0  # seconds for one request or for the beginning of a connection
_FIRST, _MOST = 0.3, 10.0  # seconds to wait before the next try
_REMOVED = 5.0  # seconds between asking to be let in again
_FOR_GOOD = {
    "elsewhere": "Your seat was opened in another place.",
    "not-you": "The hub does not know your seat any more. Join again with the link on the projector.",
    "version": "Hub and tutor are of different versions: upgrade the older one.",
    "too-much": "Your seat has sent more than a workshop can hold.",
}


@dataclass(frozen=True)
class Status:
    """How things stand.

    Attributes:
        connected: Whether the hub is there.
        common, you: The latest that it told.
        waiting: Events that are not acknowledged yet.
        trouble: Why it is not connected, in words.
        ended: Why it will not connect any more; empty while it tries.
        ahead: Seconds by which the hub's clock is ahead of ours.
        look: An instructor asks to look at the shell, or looks; `look_over`: why the last one is over.
    """

    connected: bool = False
    common: Common | None = None
    you: You | None = None
    waiting: int = 0
    trouble: str = "Connecting …"
    ended: str = ""
    ahead: float = 0.0
    look: Asked | None = None
    look_over: str = ""


class Link:
    """Keeps a seat connected.

    Args:
        card: The seat.
        outbox: What it has to send.
        told: Called, on the event loop, whenever the status has changed.
        clock: Seconds since the epoch.
        alive: Seconds between pings; twice as long without an answer means that the network is gone.
        look: Seconds between looks into the outbox where nobody pokes: another tutor may write into the journal.
    """

    def __init__(
        self,
        card: Card,
        outbox: Outbox,
        told: Callable[[Status], None] = lambda _: None,
        *,
        clock: Callable[[], float] = time.time,
        alive: float = 15.0,
        look: float = 0.3,
    ) -> None:
        self.card = card
        self.status = Status()
        self.showing = Showing(lambda look, why: self._set(look=look, look_over=why))
        self._outbox = outbox
        self._told = told
        self._clock = clock
        self._alive = alive
        self._look = look
        self._poked = asyncio.Event()
        self._acked = asyncio.Event()
        self._upto = 0
        self._removed = False

    def poke(self) -> None:
        """Something was just written into the journal: send it now."""
        self._poked.set()

    async def run(self) -> None:
        """Stay connected until the seat is lost for good."""
        wait = _FIRST
        while not self.status.ended:
            began = time.monotonic()
            try:
                await self._once()
            except (OSError, TimeoutError, WebSocketException, InvalidHandshake, InvalidMessage, InvalidURI) as error:
                self._set(connected=False, trouble=_words(self.card.hub, error))
            except (msgspec.DecodeError, _Stranger):
                self._set(connected=False, trouble="What answers there is no hub of a workshop.")
            if self.status.ended:
                return
            wait = _FIRST if time.monotonic() - began > _MOST else min(wait * 2, _MOST)
            await asyncio.sleep(_REMOVED if self._removed else wait * random.uniform(0.5, 1.0))

    # -- one connection ------------------------------------------------------------------------------------------
    async def _once(self) -> None:
        url = f"ws{self.card.hub.removeprefix('http')}/ws"
        async with connect(
            url,
            ssl=trust.context(url),
            compression=None,
            proxy=None,
            open_timeout=_TIMEOUT,
            close_timeout=2.0,
            ping_interval=self._alive,
            ping_timeout=self._alive,
            max_size=2**20,
            max_queue=4,
        ) as socket:
            async with asyncio.timeout(_TIMEOUT):
                challenge = protocol.to_seat(await socket.recv())
                if not isinstance(challenge, protocol.Challenge):
                    raise _Stranger
                shown = names.proof(self.card.key, challenge.nonce, "seat", self.card.seat)
                hello = protocol.Hello(role="seat", id=self.card.seat, proof=shown, stream=self._outbox.stream)
                await socket.send(protocol.encode(hello).decode())
                welcome = protocol.to_seat(await socket.recv())
            if isinstance(welcome, protocol.Bye):
                self._goodbye(welcome)
                return
            if not isinstance(welcome, protocol.Welcome):
                raise _Stranger
            self._removed = False
            self._upto = welcome.have
            self._hear(welcome.common, welcome.you)
            self._set(connected=True, trouble="")
            pushing = asyncio.create_task(self._push(socket))
            speaking = asyncio.create_task(self.showing.speak(socket.send))
            try:
                await self._listen(socket)
            finally:
                pushing.cancel()
                speaking.cancel()
                self.showing.lost()
                await asyncio.gather(pushing, speaking, return_exceptions=True)
                if not self.status.ended and self.status.connected:
                    self._set(connected=False, trouble="The connection to the workshop is gone; trying again …")

    async def _listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            message = protocol.to_seat(text)
            match message:
                case protocol.Ack():
                    self._upto = max(self._upto, message.upto)
                    self._acked.set()
                case protocol.News():
                    self._hear(message.common, message.you)
                case protocol.LookAsked() | protocol.LookOver():
                    self.showing.hear(message)
                case protocol.Bye():
                    self._goodbye(message)
                    return
                case _:
                    raise _Stranger

    async def _push(self, socket: ClientConnection) -> None:
        """Send, wait for the acknowledgement, send on: nothing is skipped, whatever breaks in between."""
        looked = self._upto
        while True:
            self._poked.clear()
            items, place = self._outbox.after(looked)
            if items:
                self._set(waiting=len(items))
                self._acked.clear()
                message = protocol.Push(now=self._clock(), items=tuple(items))
                await socket.send(protocol.encode(message).decode())
                while self._upto < items[-1].n:
                    await self._acked.wait()
                    self._acked.clear()
                self._set(waiting=0)
                looked = place
                continue
            looked = place
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._poked.wait(), self._look)

    def _hear(self, common: Common | None, you: You | None) -> None:
        changes: dict[str, Any] = {}
        if common is not None:
            self._outbox.teach(frozenset(chapter.id for chapter in common.chapters))
            changes |= {"common": common, "ahead": common.now - self._clock()}
        if you is not None:
            changes["you"] = you
        self._set(**changes)

    def _goodbye(self, bye: protocol.Bye) -> None:
        self._removed = bye.code == "removed"
        why = names.clean(bye.why, 200)
        if bye.code in _FOR_GOOD:
            self._set(connected=False, trouble=_FOR_GOOD[bye.code], ended=_FOR_GOOD[bye.code])
        else:
            self._set(connected=False, trouble=why)

    def _set(self, **changes: Any) -> None:
        new = Status(**{**self.status.__dict__, **changes})
        if new != self.status:
            self.status = new
            self._told(new)


class _Stranger(Exception):
    """Who answers does not speak as a hub does."""


def _words(hub: str, error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "The workshop does not answer; trying again …"
    refused = trust.refusal(hub, error)
    if refused is not None:
        return str(refused)
    return "The workshop cannot be reached; trying again …"


# -- taking a seat ----------------------------------------------------------------------------------------------------
def room_at(hub: str) -> protocol.RoomInfo:
    """What a hub says of its room.

    Raises:
        Problem: `no-hub` when none answers, `not-trusted` when its certificate is not.
    """
    return _ask(f"{hub}/api/room", None, protocol.RoomInfo)


def images_at(hub: str) -> str:
    """What to do for the images of a workshop, where a mirror in the room has them; empty where none has."""
    with contextlib.suppress(Problem):
        if room_at(hub).offer:
            return f"Images that you lack: docker-tutor images pull --from {hub}"
    return ""


def take_seat(link: str, name: str, journal: Journal, *, code: str = "", engine: bool = False) -> Card:
    """Join a workshop, or come back to the seat one has in its room.

    Args:
        link: As on the projector, such as `http://192.0.2.7:7000/K7M4QX`.
        name: What the instructor sees.
        journal: Where the joining is kept.
        code: The join code where the link has none.
        engine: Work on the engine that the workshop's host lends.

    Raises:
        Problem: `no-link`, `no-code`, `no-hub`, `not-lent`, a refusal of the hub's own, or `journal-unwritten`.
    """
    hub, code = read_link(link, code)
    info = room_at(hub)
    if engine and not info.engine:
        raise Problem(
            "This workshop's host lends no engine.",
            "Join without --engine, or ask the instructor to host it with --engine.",
            code="not-lent",
        )
    card = cards.of_room(info.room)
    if card is not None:
        card = msgspec.structs.replace(card, hub=hub, engine=engine)
    else:
        if not code:
            raise Problem(
                "The join code is missing.",
                f"It is on the projector: docker-tutor join {hub}/CODE",
                code="no-code",
                status=2,
            )
        asked = protocol.Join(
            code=code, name=name[:100], ticket=cards.ticket(f"{info.room}/{code}", secrets.token_hex(16))
        )
        joined = _ask(f"{hub}/api/join", msgspec.json.encode(asked), protocol.Joined)
        card = Card(
            hub=hub,
            room=joined.room,
            title=names.clean(joined.title, 64),
            seat=joined.seat,
            name=names.clean(joined.name, 64),
            key=joined.key,
            engine=engine,
        )
    if not outbox.is_joined(journal, card.room):
        journal.append(WorkshopJoined(chapter="", item=card.room, seat=card.seat))
        if journal.trouble:
            raise Problem(journal.trouble, "A workshop needs a journal on disk.", code="journal-unwritten")
    cards.sit(card)
    return card


def leave(card: Card, journal: Journal) -> None:
    """Leave a workshop: nothing is sent any more. The seat is kept for coming back."""
    if outbox.is_joined(journal, card.room):
        journal.append(WorkshopLeft(chapter="", item=card.room))
    cards.stand_up()


def hand(card: Card, up: bool) -> HandSet:
    """The event of a hand that goes up or down."""
    return HandSet(chapter="", item=card.room, up=up)


def answer(card: Card, poll: str, number: int, options: tuple[str, ...]) -> PollAnswered:
    """The event of an answer to a poll's round."""
    return PollAnswered(chapter="", item=poll, room=card.room, round=number, answer=options)


def _ask(url: str, body: bytes | None, kind: type[M]) -> M:
    """One request to a hub, tried three times where the network fails; never through a proxy, as hubs are near."""
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    secure = urllib.request.HTTPSHandler(context=trust.context(url))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), secure)
    hub, why = url.partition("/api/")[0], ""
    for attempt in range(3):
        if attempt:
            time.sleep(0.5 * attempt)
        try:
            with opener.open(request, timeout=_TIMEOUT) as answer_:
                return msgspec.json.decode(answer_.read(100_000), type=kind)
        except urllib.error.HTTPError as error:
            refusal = _refusal(error.read(10_000))
            if refusal is None:
                break
            raise Problem(names.clean(refusal.why, 200), code=refusal.code) from error
        except msgspec.DecodeError:
            break
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            refused = trust.refusal(hub, reason if isinstance(reason, BaseException) else error)
            if refused is not None:
                raise refused from error
            why = f" ({reason})"
    raise Problem(
        f"No workshop answers at {hub}{why}.",
        "Compare the link with the projector, and look whether you are in the same network.",
        code="no-hub",
    )


def _refusal(text: bytes) -> protocol.Refusal | None:
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(text, type=protocol.Refusal)
    return None
