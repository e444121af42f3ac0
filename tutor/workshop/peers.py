"""Connections of a hub: what each is still to be told, and one task that tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import msgspec
from starlette.websockets import WebSocket

from tutor.workshop import protocol
from tutor.workshop.limits import Bucket
from tutor.workshop.seen import Common, You

_MOST_WAITING = 2000  # messages that wait for a slow board before it must come again


class Peer:
    """A connection that has shown who it is.

    Args:
        socket: Its WebSocket, accepted.
    """

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.limit = Bucket(size=120, rate=30)
        self._wake = asyncio.Event()
        self._texts: list[str] = []
        self._bye: protocol.Bye | None = None

    def say(self, message: msgspec.Struct) -> None:
        """Send a message."""
        self.text(protocol.encode(message).decode())

    def text(self, text: str) -> None:
        """Send a message that is encoded already."""
        if len(self._texts) >= _MOST_WAITING:
            self.bye("slow", "The connection is too slow for what happens. Connect again.")
        else:
            self._texts.append(text)
            self._wake.set()

    def bye(self, code: str, why: str) -> None:
        """End the connection, with a reason."""
        self._bye = self._bye or protocol.Bye(code=code, why=why)
        self._wake.set()

    async def tell(self) -> None:
        """Send what is to be sent, until the connection ends."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            for text in self._take():
                await self.socket.send_text(text)
            if self._bye is not None:
                await self.socket.send_text(protocol.encode(self._bye).decode())
                await self.socket.close(1000)
                return

    def _take(self) -> Iterator[str]:
        texts, self._texts = self._texts, []
        yield from texts


class SeatPeer(Peer):
    """A learner.

    Args:
        socket: Its WebSocket.
        seat: The seat's id.
        stream: The journal it pushes.
        since: Hub's time when it came.
        common, you: What to tell of the room, asked for when it is told.
    """

    def __init__(
        self,
        socket: WebSocket,
        seat: str,
        stream: str,
        since: float,
        common: Callable[[], Common],
        you: Callable[[str], You],
    ) -> None:
        super().__init__(socket)
        self.seat, self.stream, self.since = seat, stream, since
        self._common, self._you = common, you
        self._acked = 0
        self._tell_common = self._tell_you = False

    def ack(self, upto: int) -> None:
        """The journal is kept up to here."""
        self._acked = max(self._acked, upto)
        self._wake.set()

    def changed(self, *, common: bool = False, you: bool = False) -> None:
        """Something it sees has changed."""
        self._tell_common |= common
        self._tell_you |= you
        self._wake.set()

    def _take(self) -> Iterator[str]:
        yield from super()._take()
        if self._acked:
            upto, self._acked = self._acked, 0
            yield protocol.encode(protocol.Ack(upto=upto)).decode()
        if self._tell_common or self._tell_you:
            common = self._common() if self._tell_common else None
            you = self._you(self.seat) if self._tell_you else None
            self._tell_common = self._tell_you = False
            yield protocol.encode(protocol.News(common=common, you=you)).decode()


class BoardPeer(Peer):
    """An instructor, by name."""

    def __init__(self, socket: WebSocket, name: str) -> None:
        super().__init__(socket)
        self.name = name
        self._summary = ""
        self._copy = ""

    def summary(self, text: str) -> None:
        """The latest summary; one that was not sent yet is not sent any more."""
        self._summary = text
        self._wake.set()

    def copy(self, text: str) -> None:
        """The latest copy of a shell that it looks at; only the latest is sent. Empty: none is sent any more."""
        self._copy = text
        self._wake.set()

    def _take(self) -> Iterator[str]:
        yield from super()._take()
        if self._summary:
            text, self._summary = self._summary, ""
            yield text
        if self._copy:
            text, self._copy = self._copy, ""
            yield text


class ScreenPeer(Peer):
    """A projector."""

    def __init__(self, socket: WebSocket) -> None:
        super().__init__(socket)
        self._show = ""

    def show(self, text: str) -> None:
        """What to show now."""
        self._show = text
        self._wake.set()

    def _take(self) -> Iterator[str]:
        yield from super()._take()
        if self._show:
            text, self._show = self._show, ""
            yield text
