"""One request on its way to the engine, and the answer back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tutor.sandbox import _strict
from tutor.sandbox._entry import Entry
from tutor.sandbox._framing import Chunks, Counted, FramingError, Reply
from tutor.sandbox._head import Head
from tutor.sandbox._tunnel import tunnel
from tutor.sandbox._wire import CHUNK, Wire
from tutor.sandbox.ask import Ask, Plan
from tutor.sandbox.policy import MAX_JSON, Refused
from tutor.sandbox.upstream import read_reply

if TYPE_CHECKING:
    from tutor.sandbox.proxy import Box

_MAX_BUFFERED = 64 << 20
_PATIENCE = 0.05
_PATIENCE_AT_END = 20.0


class Gone(Exception):
    """The client or the engine went away in the middle."""


class _Stale(Exception):
    """A kept connection was closed before it carried this call."""


class Client(Protocol):
    """The client's side of an exchange."""

    wire: Wire
    closing: bool
    pending: bytes

    def head(
        self, status: int, reason: bytes, headers: list[tuple[bytes, bytes]], length: int | None, *extra: bytes
    ) -> bytes:
        """The bytes of an answer's head."""
        ...

    async def chunk(self) -> bytes | None:
        """The next part of the request's body; None at its end."""
        ...

    def take_rest(self) -> bytes:
        """Bytes that came behind the request."""
        ...

    @property
    def body_read(self) -> bool:
        """Whether the request's body was read to its end."""
        ...


class Exchange:
    """Sends one request and passes the answer on.

    Args:
        box: The sandbox.
        client: The client's side.
        ask, plan: The request and what its rule decided.
        entry: Its entry in the trace.
    """

    def __init__(self, box: Box, client: Client, ask: Ask, plan: Plan, entry: Entry) -> None:
        self._box = box
        self._client = client
        self._ask = ask
        self._plan = plan
        self._entry = entry
        self._link: Wire
        self._upload: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._timer = 0
        self._left = False  # the engine has been told that the client says no more

    async def run(self) -> int:
        """Returns the answer's status.

        Raises:
            Refused: The engine is not reachable, or answers nothing that is HTTP.
        """
        while True:
            try:
                self._link = await self._box.pool.take()
            except (OSError, TimeoutError) as error:
                raise Refused(f"The sandbox cannot reach the engine: {error}", 502, "engine") from None
            try:
                return await self._once()
            except _Stale:
                continue  # only a connection that was used before is stale, so this ends

    async def _once(self) -> int:
        clean = False
        self._timer = self._box.clock.after(_PATIENCE, self._begin_watch)
        try:
            out = _request(self._ask.head, self._plan)
            if self._plan.body is None:
                self._link.write(out)
                self._upload = asyncio.create_task(self._send_body())
            else:
                self._link.write(out + self._plan.body)
            reply = await self._reply()
            self._entry.sent += len(self._plan.body or b"")
            self._entry.status = reply.status
            if self._plan.retell is not None:
                reply.headers = self._plan.retell(reply.headers)
            if reply.status == 101 or (self._plan.stream and reply.status == 200 and not reply.bounded):
                await self._take_over(reply)
                return reply.status
            clean = await self._relay(reply)
            if self._upload is not None and not self._upload.done():
                # The engine answered before it took the whole body; the client's rest of it goes nowhere.
                self._client.closing = True
                clean = False
            return reply.status
        finally:
            self._box.clock.forget(self._timer)
            for task in (self._upload, self._watch):
                if task is not None:
                    await cancel(task)
            if self._plan.spool is not None:
                self._plan.spool.close()
            if clean and self._client.body_read and not self._left:
                self._box.pool.give(self._link)
            else:
                self._link.close()

    async def _read(self) -> bytes:
        """More of the answer."""
        return await self._link.read()

    def _begin_watch(self) -> None:
        """The answer takes long: watch the client meanwhile."""
        if self._upload is None or self._plan.spool is not None:
            self._watch = asyncio.create_task(self._watch_client())

    async def _watch_client(self) -> None:
        """Keep what the client pipelines, and tell the engine when it leaves."""
        client = self._client
        while len(client.pending) < CHUNK:
            data = await client.wire.read()
            if not data:
                self._left = True
                if not self._link.end():
                    self._link.close()
                return
            client.pending += data

    async def _part(self) -> bytes | None:
        spool = self._plan.spool
        return await self._client.chunk() if spool is None else spool.read(CHUNK) or None

    async def _send_body(self) -> None:
        chunked = self._ask.head.length is None
        link = self._link
        try:
            while (part := await self._part()) is not None:
                self._entry.sent += len(part)
                link.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
                await link.drain()
            if chunked:
                link.write(b"0\r\n\r\n")
        except (Gone, Refused):
            self._link.close()
        except OSError:
            pass  # the engine does not want it; its answer says why

    async def _reply(self) -> Reply:
        try:
            return await read_reply(self._link)
        except (EOFError, FramingError, ConnectionError) as error:
            # The engine may have ended a kept connection just now (it was restarted); a question can be asked again.
            unheard = not isinstance(error, FramingError) and self._link.used and self._watch is None
            if unheard and self._ask.head.method in {"GET", "HEAD"}:
                raise _Stale from None
            raise Refused(f"The engine gave no answer that can be read ({error}).", 502, "engine") from None

    # -- the answer -----------------------------------------------------------------------------------------------
    async def _relay(self, reply: Reply) -> bool:
        """Send the answer on; returns whether the engine's connection is good for another call."""
        client, plan, status = self._client, self._plan, reply.status
        if self._ask.head.method == "HEAD" or status in {204, 304}:
            await plan.finish(status)
            client.wire.write(client.head(status, reply.reason, reply.headers, reply.length))
            await client.wire.drain()
            return not reply.close and not reply.rest
        good = 200 <= status < 300
        if (plan.answer is not None and good) or (plan.failed is not None and status >= 400):
            await self._relay_changed(reply, good=good)
            return not reply.close and reply.bounded
        if plan.rewrite is not None and good:
            await self._relay_rewritten(reply)
            return False
        if plan.line is not None and good:
            await self._relay_lines(reply)
            return False
        return await self._relay_as_it_is(reply)

    async def _relay_changed(self, reply: Reply, *, good: bool) -> None:
        body = await self._collect(reply)
        plan, client = self._plan, self._client
        if good and plan.answer is not None:
            if plan.fits is None or not plan.fits(body):
                try:
                    value = msgspec.json.decode(body) if body.strip() else None
                except msgspec.DecodeError:
                    raise Refused("The engine's answer is no JSON.", 502, "engine") from None
                body = msgspec.json.encode(await plan.answer(value)) + b"\n"
        elif plan.failed is not None:
            with contextlib.suppress(ValueError, AttributeError):
                message = await plan.failed(reply.status, str(json.loads(body).get("message", "")))
                body = _strict.dumps({"message": message}) + b"\n"
        await plan.finish(reply.status)
        self._entry.received += len(body)
        client.wire.write(client.head(reply.status, reply.reason, reply.headers, len(body)) + body)
        await client.wire.drain()

    async def _relay_as_it_is(self, reply: Reply) -> bool:
        client, plan, entry, wire = self._client, self._plan, self._entry, self._client.wire
        if not reply.bounded:
            client.closing = True
        framing = reply.framing()
        extra = (b"Transfer-Encoding: chunked",) if reply.chunked else ()
        out = client.head(reply.status, reply.reason, reply.headers, reply.length, *extra)
        data = reply.rest
        while True:
            used = framing.feed(data)
            part = data if used == len(data) else data[:used]
            entry.received += used
            if plan.watch is not None:
                plan.watch(part)
            if framing.done:
                await plan.finish(reply.status)
            if out or part:
                wire.write(out + part if out else part)
                await wire.drain()
                out = b""
            if framing.done:
                return not reply.close and used == len(data)
            data = await self._read()
            if not data:
                if reply.bounded:
                    raise Gone
                return False

    async def _relay_rewritten(self, reply: Reply) -> None:
        assert self._plan.rewrite is not None
        rest = b""
        await self._begin_stream(reply)
        try:
            async for part in _Decoded(self, reply):
                *lines, rest = (rest + part).split(b"\n")
                if len(rest) > MAX_JSON:
                    raise Gone
                await self._send_chunk(b"".join(self._plan.rewrite(line + b"\n") for line in lines))
            last = (self._plan.rewrite(rest) if rest else b"") + self._plan.rewrite(b"")
        except Refused as refused:
            self._entry.note(refused)
            await self._stop()
            last = _strict.dumps({"errorDetail": {"message": refused.message}, "error": refused.message}) + b"\r\n"
        await self._plan.finish(reply.status)
        await self._send_chunk(last, last=True)

    async def _stop(self) -> None:
        """Let the engine end what it does, as for a client that has gone, and hear it out: then it is over."""
        if self._link.end():
            with contextlib.suppress(OSError):
                async with asyncio.timeout(_PATIENCE_AT_END):
                    while data := await self._link.read():
                        if self._plan.watch is not None:
                            self._plan.watch(data)
        self._link.close()

    async def _begin_stream(self, reply: Reply) -> None:
        client = self._client
        client.wire.write(client.head(reply.status, reply.reason, reply.headers, None, b"Transfer-Encoding: chunked"))
        await client.wire.drain()

    async def _send_chunk(self, data: bytes, *, last: bool = False) -> None:
        self._entry.received += len(data)
        end = b"0\r\n\r\n" if last else b""
        if data or end:
            self._client.wire.write((b"%x\r\n%s\r\n" % (len(data), data) if data else b"") + end)
            await self._client.wire.drain()

    async def _relay_lines(self, reply: Reply) -> None:
        assert self._plan.line is not None
        await self._begin_stream(reply)
        rest = b""
        async for part in _Decoded(self, reply):
            *lines, rest = (rest + part).split(b"\n")
            if len(rest) > MAX_JSON:
                raise Gone
            kept = b""
            for line in lines:
                with contextlib.suppress(ValueError):
                    value = json.loads(line)
                    if isinstance(value, dict) and await self._plan.line(value):
                        kept += line + b"\n"
            await self._send_chunk(kept)
        await self._send_chunk(b"", last=True)

    async def _collect(self, reply: Reply) -> bytes:
        parts, size = [], 0
        async for part in _Decoded(self, reply):
            parts.append(part)
            size += len(part)
            if size > _MAX_BUFFERED:
                raise Refused("The engine's answer is larger than the sandbox reads.", 502, "engine")
        return b"".join(parts)

    # -- connections taken over -----------------------------------------------------------------------------------
    async def _take_over(self, reply: Reply) -> None:
        self._box.clock.forget(self._timer)
        if self._watch is not None:
            await cancel(self._watch)
            self._watch = None
        client = self._client
        client.closing = False
        client.wire.write(client.head(reply.status, reply.reason, reply.headers, None))
        client.closing = True
        early = client.take_rest()
        # An exec does not say here whether its program reads: its output goes before the end of its input.
        feeds = self._ask.head.first("stdin") in {"1", "true", "True"} or self._plan.tunnel is not None
        await tunnel(self._link, client.wire, self._plan.tunnel, self._entry, early, reply.rest, feeds=feeds)


class _Decoded:
    """The parts of an answer's body, without the transfer coding."""

    def __init__(self, exchange: Exchange, reply: Reply) -> None:
        self._exchange = exchange
        self._framing: Any = reply.framing(keep=True)
        self._data: bytes | None = reply.rest

    def __aiter__(self) -> _Decoded:
        return self

    async def __anext__(self) -> bytes:
        while not self._framing.done:
            data = self._data if self._data is not None else await self._exchange._read()
            if not data and self._data is None:
                if isinstance(self._framing, Chunks | Counted):
                    raise Gone
                break
            self._data = None
            used = self._framing.feed(data)
            part = self._framing.take() if isinstance(self._framing, Chunks) else data[:used]
            if part:
                return bytes(part)
        raise StopAsyncIteration


def _request(head: Head, plan: Plan) -> bytes:
    lines = [f"{head.method} {head.target(plan.path or head.path)} HTTP/1.1\r\nHost: docker".encode()]
    lines += [name + b": " + value for name, value in head.headers]
    if head.upgrade and plan.stream:
        lines.append(b"Connection: Upgrade\r\nUpgrade: " + head.upgrade.encode())
    if plan.body is None:
        coding = b"Transfer-Encoding: chunked" if head.length is None else b"Content-Length: %d" % head.length
        lines.append(coding)
    elif plan.body or head.method in {"POST", "PUT"}:
        lines.append(b"Content-Length: %d" % len(plan.body))
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def cancel(task: asyncio.Task[None]) -> None:
    """End a task and wait until it has ended."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, OSError, FramingError, Gone):
        await task
