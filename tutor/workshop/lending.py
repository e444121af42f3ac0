"""Connections of seats to an engine that the host lends: who may have one, and the bytes that pass.

What keeps the seats apart on the engine is the lender's affair; here is no engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import defaultdict
from typing import Protocol

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from tutor.workshop import protocol
from tutor.workshop.door import Refused
from tutor.workshop.hub import Hub
from tutor.workshop.sockets import end, receive, same_origin

CHUNK = 32_768
"""Bytes of one message; the hub takes none that is larger than 64 KiB."""

MOST = 64
"""Connections of one seat at a time."""

_LINGER = 5.0  # seconds that a seat has for leaving after the engine has said all


class Lender(Protocol):
    """Lends an engine to seats, each of which sees what it made itself."""

    async def open(self, seat: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the seat's part of the engine, or to a port that one of its containers publishes.

        Raises:
            Refused: It gets none, with the reason.
            OSError: Nobody answers there.
        """

    async def remove(self, seat: str) -> None:
        """Remove all that a seat has made; a seat that is let in again begins anew."""

    async def close(self) -> None:
        """Let nobody in any more; what seats have made stays."""


class Lending:
    """The hub's side of it.

    Args:
        hub: Knows the seats.
        lender: Has the engine.
    """

    def __init__(self, hub: Hub, lender: Lender) -> None:
        self._hub = hub
        self._lender = lender
        self._open: defaultdict[str, set[asyncio.Task[None]]] = defaultdict(set)
        self._removing: dict[str, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin: seats that were closed while no hub was here lose what they made now."""
        self._hub.teller.removed = self._removed
        for seat in self._hub.room.members():
            if not seat.allowed.value:
                self._removed(seat.id)

    async def stop(self) -> None:
        """End all connections; a removal that has begun is finished."""
        for tasks in self._open.values():
            for task in tasks:
                task.cancel()
        await asyncio.gather(*self._removing.values(), return_exceptions=True)
        await self._lender.close()

    async def serve(self, socket: WebSocket, address: str) -> None:
        """One WebSocket from its challenge to its end.

        Args:
            socket: Not accepted yet.
            address: Whose wrong proofs these would be.
        """
        if not same_origin(socket.headers.get("origin"), socket.headers.get("host")):
            await socket.close(4403)  # before it is accepted: 403
            return
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):  # it has gone
            asked = await self._greet(socket, address)
            if asked is not None:
                await self._carry(socket, asked)

    async def _greet(self, socket: WebSocket, address: str) -> protocol.Through | None:
        nonce = secrets.token_hex(16)
        await socket.send_text(protocol.encode(protocol.Challenge(nonce=nonce)).decode())
        try:
            async with asyncio.timeout(self._hub.gate.patience):
                asked = protocol.through_asked(await receive(socket))
            self._hub.door.check(asked, nonce, address)
            if len(self._open[asked.id]) >= MOST:
                raise Refused("busy", f"Your seat has {MOST} connections to the engine, which is all it gets.")
        except (msgspec.DecodeError, RecursionError):
            await end(socket, "not-understood", "The message is not understood.")
        except TimeoutError:
            await end(socket, "too-late", "Nobody said who is there.")
        except Refused as refused:
            await end(socket, refused.code, refused.why)
        else:
            client = socket.scope.get("client")
            if client:
                self._hub.gate.settle(*client)
            return asked
        return None

    async def _carry(self, socket: WebSocket, asked: protocol.Through) -> None:
        carrying = asyncio.create_task(self._between(socket, asked))
        tasks = self._open[asked.id]
        tasks.add(carrying)
        try:
            await asyncio.wait((carrying,))
            if carrying.cancelled():
                await end(socket, "closed", "The workshop's host has closed the connection to its engine.")
            elif error := carrying.exception():
                raise error
        finally:
            carrying.cancel()
            tasks.discard(carrying)
            if not tasks and self._open.get(asked.id) is tasks:
                del self._open[asked.id]

    async def _between(self, socket: WebSocket, asked: protocol.Through) -> None:
        try:
            if asked.id in self._removing:
                await asyncio.wait((self._removing[asked.id],))
                if not self._hub.room.seat(asked.id).allowed.value:
                    raise Refused("removed", "The instructor has closed your seat. Ask to be let in again.")
            reader, writer = await self._lender.open(asked.id, asked.port)
        except Refused as refused:
            await end(socket, refused.code, refused.why)
            return
        except OSError:
            await end(socket, "no-answer", "The engine of the workshop's host does not answer.")
            return
        try:
            await socket.send_text(protocol.encode(protocol.Opened()).decode())
            there = asyncio.create_task(_there(socket, writer))
            back = asyncio.create_task(_back(reader, socket))
            try:
                await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
                if back.done() and back.exception() is None:
                    await asyncio.wait((there,), timeout=_LINGER)
            finally:
                there.cancel()
                back.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
        finally:
            writer.close()
        with contextlib.suppress(RuntimeError, OSError):
            await socket.close(1000)

    def _removed(self, seat: str) -> None:
        for task in self._open.get(seat, ()):
            task.cancel()
        if seat not in self._removing:
            task = self._removing[seat] = asyncio.create_task(self._lender.remove(seat))
            task.add_done_callback(lambda _: self._removing.pop(seat, None))


async def _there(socket: WebSocket, writer: asyncio.StreamWriter) -> None:
    """From the seat to the engine, until the seat has gone."""
    while True:
        message = await socket.receive()
        if message["type"] != "websocket.receive":
            raise WebSocketDisconnect(message.get("code", 1005))
        if data := message.get("bytes"):
            writer.write(data)
            await writer.drain()
        elif message.get("text") == protocol.END and writer.can_write_eof():
            writer.write_eof()


async def _back(reader: asyncio.StreamReader, socket: WebSocket) -> None:
    """From the engine to the seat, until it has said all."""
    while data := await reader.read(CHUNK):
        await socket.send_bytes(data)
    await socket.send_text(protocol.END)
