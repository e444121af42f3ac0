"""The learner's end: a socket on this machine whose every connection goes to the seat's part of the host's engine.

Each goes over a WebSocket of its own to the hub, so whatever lets the workshop through lets the engine through:
poor Wi-Fi, NAT, reverse proxies. When the hub is away, connections fail; when it is back, new ones work.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import select
import socket as sockets
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidURI, WebSocketException

from tutor.lent.doors import Doors
from tutor.workshop import names, protocol
from tutor.workshop.cards import Card
from tutor.workshop.lending import CHUNK

_TIMEOUT = 10.0  # seconds for the beginning of a connection
_ALIVE = 15.0  # seconds between pings
_LOOK = 0.5  # seconds between looks whether who has said all has gone
_STARTS = re.compile(rb"POST (?:/v[\d.]+)?/containers/[^/ ]+/(?:start|restart)[ ?]")
_DOORS = 2.0  # seconds that the answer to a start may wait for its ports
_LOST = (OSError, TimeoutError, WebSocketException, InvalidHandshake, InvalidMessage, InvalidURI, msgspec.DecodeError)


class NotLent(Exception):
    """The hub gives no connection; its reason, cleaned."""


class Tunnel:
    """Listens as long as the process lives.

    Args:
        path: Where; in a folder of mode 0700.
        card: The seat as it is now; None when it is left.
    """

    def __init__(self, path: Path, card: Callable[[], Card | None]) -> None:
        self.path = path
        self._card = card
        self._doors = Doors(path, self._carry_port)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen; returns when clients may connect."""
        listening = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
        listening.bind(str(self.path))
        self.path.chmod(0o600)
        listening.listen(128)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listening)), name="engine of the workshop", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End all connections."""
        loop, ending = self._loop, self._ending
        if loop is not None and ending is not None and self._thread is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(ending.set)
            self._thread.join(5)

    async def _serve(self, listening: sockets.socket) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        clients: set[asyncio.Task[None]] = set()

        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            clients.add(task)
            try:
                await self._carry_engine(reader, writer)
            except asyncio.CancelledError:
                pass  # the tunnel ends; asyncio would report a cancelled client as an error
            finally:
                clients.discard(task)
                writer.close()

        server = await asyncio.start_unix_server(client, sock=listening, limit=CHUNK, backlog=128)
        following = asyncio.create_task(self._doors.follow())
        await self._ending.wait()
        server.close()
        for task in (*clients, following):
            task.cancel()
        await asyncio.gather(*clients, following, return_exceptions=True)
        self._doors.close()

    async def _carry_engine(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with self._dial(0) as socket:
                await _Carrying(reader, writer, socket, self._doors.refresh).run()
        except NotLent as error:
            with contextlib.suppress(OSError):
                await reader.read(CHUNK)  # who asks hears an answer to the question, not before
                writer.write(_answer(str(error)))
                await writer.drain()
        except _LOST:
            return  # as from an engine that ends

    async def _carry_port(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(NotLent, *_LOST):
            async with self._dial(port) as socket:
                await _Carrying(reader, writer, socket).run()

    @contextlib.asynccontextmanager
    async def _dial(self, port: int) -> AsyncIterator[ClientConnection]:
        card = self._card()
        if card is None:
            raise NotLent("You have left the workshop whose engine this is.")
        async with connect(
            f"ws{card.hub.removeprefix('http')}/engine",
            compression=None,
            proxy=None,
            open_timeout=_TIMEOUT,
            close_timeout=1.0,
            ping_interval=_ALIVE,
            ping_timeout=_ALIVE,
            max_size=2**20,
            max_queue=4,
        ) as socket:
            async with asyncio.timeout(_TIMEOUT):
                challenge = protocol.to_through(await socket.recv())
                if not isinstance(challenge, protocol.Challenge):
                    raise _said(challenge)
                proof = names.proof(card.key, challenge.nonce, protocol.through(port), card.seat)
                asked = protocol.Through(id=card.seat, proof=proof, port=port)
                await socket.send(protocol.encode(asked).decode())
                opened = protocol.to_through(await socket.recv())
            if not isinstance(opened, protocol.Opened):
                raise _said(opened)
            yield socket


class _Carrying:
    """The bytes of one connection, both ways.

    Args:
        reader, writer: On this machine.
        socket: To the hub; it has said `Opened`.
        started: Waits until the ports of a container that was just started are open here; only then is its start
            answered, as whoever started it may ask there next.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        socket: ClientConnection,
        started: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._reader, self._writer, self._socket = reader, writer, socket
        self._refresh = started
        self._starts = False

    async def run(self) -> None:
        """Until one of them has gone, or both have said all."""
        there = asyncio.create_task(self._there())
        back = asyncio.create_task(self._back())
        try:
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        finally:
            there.cancel()
            back.cancel()
            await asyncio.gather(there, back, return_exceptions=True)

    async def _there(self) -> None:
        while data := await self._reader.read(CHUNK):
            if self._refresh and _STARTS.match(data):
                self._starts = True
            await self._socket.send(data)
        await self._socket.send(protocol.END)
        while not _gone(self._writer):  # noqa: ASYNC110 - the loop does not tell of it while nothing is written
            await asyncio.sleep(_LOOK)

    async def _back(self) -> None:
        async for data in self._socket:
            if isinstance(data, str):
                if data != protocol.END:
                    return  # goodbye
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                continue
            if self._starts and self._refresh:
                self._starts = False
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._refresh(), _DOORS)
            self._writer.write(data)
            await self._writer.drain()


def _gone(writer: asyncio.StreamWriter) -> bool:
    """Whether the other end has closed altogether, and not only said all."""
    if writer.is_closing():
        return True
    poll = select.poll()
    poll.register(writer.get_extra_info("socket").fileno(), 0)
    return any(what & (select.POLLHUP | select.POLLERR) for _, what in poll.poll(0))


def _said(message: object) -> NotLent:
    why = message.why if isinstance(message, protocol.Bye) else "What answers there is no hub of a workshop."
    return NotLent(names.clean(why, 200))


def _answer(words: str) -> bytes:
    body = json.dumps({"message": words}).encode()
    head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body
