"""The way to the engine: where it is, connections kept for the next call, and the sandbox's own questions."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from tutor.sandbox._framing import Chunks, Counted, FramingError, Reply, parse_reply
from tutor.sandbox._wire import Wire

_MAX_ANSWER = 64 << 20
_MAX_HEAD = 1 << 20
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

    async def open(self) -> Wire:
        """A new connection.

        Raises:
            OSError: The engine is not reachable within ten seconds.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(10):
            if self.unix:
                _, wire = await loop.create_unix_connection(Wire, self.unix)
            elif self.command:
                _, wire = await loop.create_connection(Wire, sock=self.socket())
            else:
                _, wire = await loop.create_connection(Wire, self.host, self.port, ssl=self.tls)
        return wire


class Pool:
    """Connections to one engine, kept for the next call; belongs to one event loop."""

    def __init__(self, upstream: Upstream, keep: int = 16) -> None:
        self.upstream = upstream
        self._keep = keep
        self._idle: list[Wire] = []

    async def take(self) -> Wire:
        """An idle connection that is still good, or a new one."""
        while self._idle:
            link = self._idle.pop()
            if link.idle:
                link.used = True
                return link
            link.close()
        return await self.upstream.open()

    def give(self, link: Wire) -> None:
        """Return a connection whose last answer was read to its end."""
        if link.idle and len(self._idle) < self._keep:
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
        kind = "Content-Type: application/json\r\n" if data else ""
        head = f"{method} {target} HTTP/1.1\r\nHost: docker\r\n{kind}Content-Length: {len(data)}\r\n\r\n"
        request = head.encode("ascii") + data
        for attempt in (0, 1):
            link: Wire | None = None
            try:
                link = await self._pool.take()
                async with asyncio.timeout(_PATIENCE):
                    return await self._exchange(link, request, method)
            except (OSError, TimeoutError, EOFError, FramingError) as error:
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

    async def _exchange(self, link: Wire, request: bytes, method: str) -> tuple[int, bytes]:
        link.write(request)
        reply = await read_reply(link)
        framing = reply.framing(keep=True)
        if method == "HEAD" or reply.status in {204, 304}:
            framing = Counted(0)
        parts, size, data = [], 0, reply.rest
        while True:
            used = framing.feed(data)
            part = framing.take() if isinstance(framing, Chunks) else data[:used]
            parts.append(part)
            size += len(part)
            if size > _MAX_ANSWER:
                raise EOFError("answer too large")
            if framing.done:
                break
            data = await link.read()
            if not data:
                if reply.bounded:
                    raise EOFError("connection closed")
                break
        if framing.done and used == len(data) and not reply.close:
            self._pool.give(link)
        else:
            link.close()
        return reply.status, b"".join(parts)


async def read_reply(link: Wire) -> Reply:
    """The head of the next answer that is final, or that takes the connection over.

    Raises:
        EOFError: The connection ended before the answer began.
        FramingError: It is no answer, or ends in the middle of its head.
    """
    data = b""
    while True:
        end = data.find(b"\r\n\r\n") + 4
        if end > 3:
            reply = parse_reply(data, end)
            if reply.status >= 200 or reply.status == 101:
                return reply
            data = reply.rest
            continue
        if len(data) > _MAX_HEAD:
            raise FramingError("head too large")
        part = await link.read()
        if not part:
            raise FramingError("closed") if data else EOFError("closed")
        data += part
