"""The way to the engine: where it is, connections kept for the next call, and the sandbox's own questions."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import h11
import msgspec

CHUNK = 1 << 18
"""Bytes of one read; also the limit that lets a slow side slow down the fast one."""

_MAX_ANSWER = 64 << 20
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where the engine listens; exactly one of `unix`, `host` and `command`.

    Args:
        unix: Path of its socket.
        host: Host name or address, with `port`, and `tls` for a context that verifies the engine and shows our key.
        command: A program whose standard streams are the connection, such as
            `ssh user@host docker system dial-stdio`.
    """

    unix: str = ""
    host: str = ""
    port: int = 2375
    tls: ssl.SSLContext | None = None
    command: tuple[str, ...] = ()

    def socket(self, timeout: float | None = 10.0) -> socket.socket:
        """A connected socket, blocking (TLS is spoken on it where the engine wants that).

        Raises:
            OSError: The engine is not reachable.
        """
        if self.command:
            ours, theirs = socket.socketpair()
            with theirs:
                subprocess.Popen(self.command, stdin=theirs.fileno(), stdout=theirs.fileno(), start_new_session=True)
            return ours
        if self.unix:
            plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            plain.settimeout(timeout)
            try:
                plain.connect(self.unix)
            except BaseException:
                plain.close()
                raise
            return plain
        plain = socket.create_connection((self.host, self.port), timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.tls.wrap_socket(plain, server_hostname=self.host) if self.tls else plain

    async def open(self) -> Link:
        """A new connection.

        Raises:
            OSError: The engine is not reachable within ten seconds.
        """
        async with asyncio.timeout(10):
            if self.unix:
                pair = await asyncio.open_unix_connection(self.unix, limit=CHUNK)
            elif self.command:
                pair = await asyncio.open_connection(sock=self.socket(), limit=CHUNK)
            else:
                pair = await asyncio.open_connection(self.host, self.port, ssl=self.tls, limit=CHUNK)
        return Link(*pair)


@dataclass(slots=True, eq=False)
class Link:
    """One connection to the engine."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used: bool = field(default=False)

    @property
    def usable(self) -> bool:
        """Whether it can carry another call."""
        return not (self.writer.is_closing() or self.reader.at_eof() or self.reader.exception())

    def close(self) -> None:
        """End it now."""
        self.writer.close()


class Pool:
    """Connections to one engine, kept for the next call; belongs to one event loop."""

    def __init__(self, upstream: Upstream, keep: int = 16) -> None:
        self.upstream = upstream
        self._keep = keep
        self._idle: list[Link] = []

    async def take(self) -> Link:
        """An idle connection that is still good, or a new one."""
        while self._idle:
            link = self._idle.pop()
            if link.usable:
                link.used = True
                return link
            link.close()
        return await self.upstream.open()

    def give(self, link: Link) -> None:
        """Return a connection whose last answer was read to its end."""
        if link.usable and len(self._idle) < self._keep:
            self._idle.append(link)
        else:
            link.close()

    def close(self) -> None:
        """End all idle connections."""
        while self._idle:
            self._idle.pop().close()


def segment(text: str) -> str:
    """One part of a path, percent-encoded; dots are encoded too where they would climb."""
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")


class EngineError(Exception):
    """The engine answered the sandbox's own question with an error, or not at all.

    Args:
        status: HTTP status, 502 when there was no answer.
        message: The engine's words.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Api:
    """The sandbox's own questions to the engine, with JSON answers."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def get(self, path: str, **query: str) -> Any:
        """GET a path; see `call`."""
        return await self.call("GET", path, query)

    async def call(self, method: str, path: str, query: dict[str, str] | None = None, body: Any = None) -> Any:
        """One call; the parsed answer, None when it is empty.

        Args:
            method: HTTP method.
            path: Path without version, percent-encoded (`segment`).
            query: Parameters.
            body: Sent as JSON when not None.

        Raises:
            EngineError: The answer's status is 400 or more, or there is no answer.
        """
        status, data = await self.raw(method, path, query, body)
        try:
            value = msgspec.json.decode(data) if data.strip() else None
        except msgspec.DecodeError:
            value = {"message": data[:200].decode("utf-8", "replace")}
        if status >= 400:
            message = value.get("message", "") if isinstance(value, dict) else ""
            raise EngineError(status, str(message))
        return value

    async def raw(
        self, method: str, path: str, query: dict[str, str] | None = None, body: Any = None
    ) -> tuple[int, bytes]:
        """One call; status and body as they are (at most 64 MiB)."""
        target = path + (f"?{urlencode(query)}" if query else "")
        data = b"" if body is None else json.dumps(body).encode()
        headers = [("Host", "docker"), ("Content-Length", str(len(data)))]
        if data:
            headers.append(("Content-Type", "application/json"))
        request = h11.Request(method=method, target=target, headers=headers)
        for attempt in (0, 1):
            link: Link | None = None
            try:
                link = await self._pool.take()
                async with asyncio.timeout(_PATIENCE):
                    return await self._exchange(link, request, data)
            except (OSError, TimeoutError, EOFError, h11.ProtocolError) as error:
                if link is not None:
                    link.close()
                # An idle connection may have been closed by the engine at the moment it was taken.
                if link is None or not link.used or attempt:
                    raise EngineError(502, f"The engine does not answer: {error}") from None
            except BaseException:
                if link is not None:
                    link.close()
                raise
        raise AssertionError("unreachable")

    async def _exchange(self, link: Link, request: h11.Request, data: bytes) -> tuple[int, bytes]:
        wire = h11.Connection(h11.CLIENT)
        head = wire.send(request) or b""
        body = wire.send(h11.Data(data=data)) or b"" if data else b""
        link.writer.write(head + body + (wire.send(h11.EndOfMessage()) or b""))
        status, parts, size = 0, [], 0
        while True:
            event = wire.next_event()
            if event is h11.NEED_DATA:
                received = await link.reader.read(CHUNK)
                if not received and status == 0:
                    raise EOFError("connection closed")
                wire.receive_data(received)
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
                size += len(event.data)
                if size > _MAX_ANSWER:
                    raise EOFError("answer too large")
            elif isinstance(event, h11.EndOfMessage):
                break
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError("connection closed")
        if wire.their_state is h11.DONE and wire.our_state is h11.DONE:
            self._pool.give(link)
        else:
            link.close()
        return status, b"".join(parts)
