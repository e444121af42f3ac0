"""One client's connection: requests in, judged, forwarded, answers back."""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
import logging
from typing import TYPE_CHECKING, Any

import h11

from tutor.sandbox import _strict
from tutor.sandbox._entry import Entry
from tutor.sandbox._framing import Chunks, Counted, FramingError, UntilClosed
from tutor.sandbox._head import Head, judge
from tutor.sandbox._http2 import BrokenConnection
from tutor.sandbox.ask import Ask, Plan
from tutor.sandbox.endpoints import find
from tutor.sandbox.policy import MAX_JSON, Refused
from tutor.sandbox.rules import RULES
from tutor.sandbox.upstream import CHUNK, EngineError, Link

if TYPE_CHECKING:
    from tutor.sandbox.proxy import Box

_log = logging.getLogger(__name__)
_MAX_HEAD = 1 << 16
_MAX_BUFFERED = 64 << 20
_PATIENCE = 0.05
_LINGER = 5.0
_DROPPED = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"content-length"})


class _Gone(Exception):
    """The client or the engine went away in the middle."""


class Connection:
    """Serves one client.

    Args:
        box: The sandbox.
        reader, writer: The client's connection.
    """

    def __init__(self, box: Box, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._box = box
        self._reader = reader
        self._writer = writer
        self._pending = b""
        self._wire = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
        self._closing = False
        self._started = False  # an answer's head has been sent
        self._expects = False
        self._body_read = False

    async def run(self) -> None:
        """Serve until the client leaves."""
        try:
            while not self._closing and await self._one():
                pass
        except (OSError, _Gone, EOFError, FramingError):
            pass
        finally:
            self._writer.close()

    # -- one request ----------------------------------------------------------------------------------------------
    async def _one(self) -> bool:
        self._wire = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
        if self._pending:
            self._wire.receive_data(self._pending)
            self._pending = b""
        self._started = self._body_read = False
        try:
            request = await self._request()
        except h11.RemoteProtocolError as error:
            entry = Entry.begin(self._box, self._writer, None)
            await self._refuse(Refused(f"This is no HTTP request the sandbox understands: {error}", 400), entry)
            return False
        if request is None:
            return False
        entry = Entry.begin(self._box, self._writer, request)
        try:
            head = judge(request)
        except Refused as refused:
            self._closing = True
            await self._refuse(refused, entry)
            return False
        self._closing = head.close
        self._expects = head.expects
        status = 0
        plan: Plan | None = None
        try:
            plan, ask = await self._decide(head, entry)
            if plan.reply is not None:
                await self._finish_request()
                status = plan.reply[0]
                await self._send_json(status, plan.reply[1], head.method)
            else:
                status = await self._forward(ask, plan, entry)
            await self._done(plan, status)
        except Refused as refused:
            status = refused.status
            await self._refuse(refused, entry, head.method)
        except EngineError as error:
            status = error.status
            await self._refuse(Refused(error.message, error.status, "engine"), entry, head.method)
        except (TypeError, ValueError, AttributeError, KeyError, LookupError) as error:
            # A body or an answer of a shape that no rule expects: never passed on, and told as such.
            self._closing = True
            status = 400
            _log.warning("%s %s: %r", head.method, head.path, error, exc_info=True)
            await self._refuse(Refused("The sandbox does not understand this request.", 400, "malformed"), entry)
        finally:
            if plan is not None and plan.done is not None:
                with contextlib.suppress(EngineError, Refused):
                    await self._done(plan, 0)
            entry.end(status)
        self._pending = self._wire.trailing_data[0] + self._pending
        return not self._closing

    @staticmethod
    async def _done(plan: Plan, status: int) -> None:
        """Let the rule do what follows the answer; before its last byte is sent, where that can be."""
        done, plan.done = plan.done, None
        if done is not None:
            await done(status)

    async def _request(self) -> h11.Request | None:
        while True:
            event = self._wire.next_event()
            if isinstance(event, h11.Request):
                return event
            if event is h11.NEED_DATA:
                data = await self._reader.read(CHUNK)
                if not data and not self._wire.trailing_data[0]:
                    return None
                self._wire.receive_data(data)
            else:
                return None

    async def _decide(self, head: Head, entry: Entry) -> tuple[Plan, Ask]:
        found = find(head.method, head.path)
        if found is None:
            self._closing = True
            raise Refused(
                f"{head.method} {head.path} is not an endpoint that the sandbox knows, so it does not pass it on.",
                403,
                "unknown-endpoint",
            )
        endpoint, ref = found
        ask = Ask(head, endpoint, ref, self._box.objects, self._box.scope, str(self._box.socket), self._read_body)
        entry.route(ask)
        try:
            plan = await RULES[endpoint.rule](ask)
            if head.upgrade and not plan.stream and plan.reply is None:
                raise Refused("This endpoint has no protocol upgrade.", 400, "malformed")
        finally:
            entry.know(ask)
        return plan, ask

    # -- the request's body ---------------------------------------------------------------------------------------
    async def _chunk(self) -> bytes | None:
        """The next part of the body; None at its end."""
        if self._body_read:
            return None
        if self._expects:
            self._expects = False
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while True:
            try:
                event = self._wire.next_event()
            except h11.RemoteProtocolError as error:
                self._closing = True
                raise Refused(f"The request's body is broken: {error}", 400, "malformed") from None
            if event is h11.NEED_DATA:
                data = await self._reader.read(CHUNK)
                if not data:
                    raise _Gone
                self._wire.receive_data(data)
            elif isinstance(event, h11.Data):
                return bytes(event.data)
            else:
                self._body_read = True
                return None

    async def _read_body(self) -> bytes:
        parts, size = [], 0
        while (part := await self._chunk()) is not None:
            parts.append(part)
            size += len(part)
            if size > MAX_JSON:
                self._closing = True
                raise Refused("This request's JSON is larger than 1 MiB; the sandbox does not read more.", 413)
        return b"".join(parts)

    async def _finish_request(self) -> None:
        if not self._body_read:
            await self._read_body()

    # -- answers of the sandbox -----------------------------------------------------------------------------------
    async def _refuse(self, refused: Refused, entry: Entry, method: str = "GET") -> None:
        entry.refused(refused)
        if self._started:
            raise _Gone
        unread = not self._body_read and self._wire.their_state is h11.SEND_BODY and not self._expects
        if unread:
            with contextlib.suppress(h11.RemoteProtocolError, Refused):
                unread = await self._discard_small()
        self._closing = self._closing or unread or self._expects
        await self._send_json(refused.status, {"message": refused.message}, method)
        if unread or self._closing:
            await self._linger()

    async def _discard_small(self) -> bool:
        """Read on when the body's rest is here already; returns whether there is more."""
        while True:
            event = self._wire.next_event()
            if isinstance(event, h11.EndOfMessage):
                self._body_read = True
                return False
            if not isinstance(event, h11.Data):
                return True

    async def _linger(self) -> None:
        """Let a client that still sends read the answer first: take and drop what comes, for some seconds."""
        with contextlib.suppress(TimeoutError, OSError):
            self._writer.write_eof()
            async with asyncio.timeout(_LINGER):
                while await self._reader.read(CHUNK):
                    pass

    async def _send_json(self, status: int, value: Any, method: str) -> None:
        data = b"" if value is None else value if isinstance(value, bytes) else _strict.dumps(value)
        headers = [(b"Content-Type", b"application/json")] if data else []
        body = b"" if method == "HEAD" else data
        self._writer.write(self._head_bytes(status, b"", headers, len(data) if status != 204 else None) + body)
        await self._writer.drain()

    def _head_bytes(
        self, status: int, reason: bytes, headers: list[tuple[bytes, bytes]], length: int | None, *extra: bytes
    ) -> bytes:
        self._started = True
        lines = [b"HTTP/1.1 %d %s" % (status, reason or _reason(status))]
        lines += [name + b": " + value for name, value in headers]
        lines += extra
        if length is not None:
            lines.append(b"Content-Length: %d" % length)
        if self._closing:
            lines.append(b"Connection: close")
        return b"\r\n".join(lines) + b"\r\n\r\n"

    # -- forwarding -----------------------------------------------------------------------------------------------
    async def _forward(self, ask: Ask, plan: Plan, entry: Entry) -> int:
        if plan.body is not None:
            await self._finish_request()
        try:
            link = await self._box.pool.take()
        except (OSError, TimeoutError) as error:
            raise Refused(f"The sandbox cannot reach the engine: {error}", 502, "engine") from None
        upload: asyncio.Task[None] | None = None
        watch: asyncio.Task[None] | None = None
        clean = False
        try:
            wire = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
            out = wire.send(self._request_event(ask.head, plan)) or b""
            if plan.body is None:
                link.writer.write(out)
                upload = asyncio.create_task(self._upload(wire, link, entry))
            else:
                out += (wire.send(h11.Data(data=plan.body)) or b"") if plan.body else b""
                entry.sent += len(plan.body)
                link.writer.write(out + (wire.send(h11.EndOfMessage()) or b""))

            async def read() -> bytes:
                nonlocal watch
                if watch is None and upload is None:
                    try:
                        async with asyncio.timeout(_PATIENCE):
                            return await link.reader.read(CHUNK)
                    except TimeoutError:
                        watch = asyncio.create_task(self._watch(link))
                return await link.reader.read(CHUNK)

            answer = await self._answer_head(wire, read)
            entry.status = answer.status_code
            if answer.status_code == 101 or self._taken_over(plan, answer):
                if watch is not None:
                    await _cancel(watch)
                    watch = None
                await self._take_over(answer, wire, link, plan, entry)
                return answer.status_code
            clean = await self._relay(ask, plan, answer, wire, read, entry)
            if upload is not None and not upload.done():
                # The engine answered before it took the whole body; this connection is of no more use.
                self._closing = True
                clean = False
            return answer.status_code
        finally:
            for task in (upload, watch):
                if task is not None:
                    await _cancel(task)
            if clean and self._body_read:
                self._box.pool.give(link)
            else:
                link.close()

    def _request_event(self, head: Head, plan: Plan) -> h11.Request:
        headers = [(b"Host", b"docker"), *head.headers]
        if head.upgrade and plan.stream:
            headers += [(b"Connection", b"Upgrade"), (b"Upgrade", head.upgrade.encode())]
        if plan.body is None:
            if head.length is None:
                headers.append((b"Transfer-Encoding", b"chunked"))
            else:
                headers.append((b"Content-Length", str(head.length).encode()))
        elif plan.body or head.method in {"POST", "PUT"}:
            headers.append((b"Content-Length", str(len(plan.body)).encode()))
        return h11.Request(method=head.method, target=head.target(plan.path or head.path), headers=headers)

    async def _upload(self, wire: h11.Connection, link: Link, entry: Entry) -> None:
        try:
            while (part := await self._chunk()) is not None:
                entry.sent += len(part)
                link.writer.write(wire.send(h11.Data(data=part)) or b"")
                await link.writer.drain()
            link.writer.write(wire.send(h11.EndOfMessage()) or b"")
        except (_Gone, Refused):
            link.close()
        except (OSError, h11.LocalProtocolError):
            pass

    async def _watch(self, link: Link) -> None:
        """While an answer is awaited: keep what the client pipelines, and tell the engine when it leaves."""
        while len(self._pending) < CHUNK:
            data = await self._reader.read(CHUNK)
            if not data:
                link.writer.write_eof() if link.writer.can_write_eof() else link.close()
                return
            self._pending += data

    async def _answer_head(self, wire: h11.Connection, read: Any) -> h11.Response | h11.InformationalResponse:
        while True:
            try:
                event = wire.next_event()
            except h11.RemoteProtocolError as error:
                raise Refused(f"The engine's answer is no HTTP: {error}", 502, "engine") from None
            if event is h11.NEED_DATA:
                data = await read()
                if not data:
                    raise Refused("The engine closed the connection without an answer.", 502, "engine")
                wire.receive_data(data)
            elif isinstance(event, h11.Response) or (
                isinstance(event, h11.InformationalResponse) and event.status_code == 101
            ):
                return event
            elif not isinstance(event, h11.InformationalResponse):
                raise Refused("The engine's answer is no HTTP.", 502, "engine")

    @staticmethod
    def _taken_over(plan: Plan, answer: h11.Response | h11.InformationalResponse) -> bool:
        if not plan.stream or answer.status_code != 200:
            return False
        return not any(name in {b"content-length", b"transfer-encoding"} for name, _ in answer.headers)

    async def _relay(
        self, ask: Ask, plan: Plan, answer: Any, wire: h11.Connection, read: Any, entry: Entry
    ) -> bool:
        """Send the answer on; returns whether the engine's connection is good for another call."""
        status = answer.status_code
        headers = [item for item in answer.headers.raw_items() if item[0].lower() not in _DROPPED]
        framing: Chunks | Counted | UntilClosed = UntilClosed()
        length: int | None = None
        for name, value in answer.headers:
            if name == b"content-length":
                length = int(value)
                framing = Counted(length)
            elif name == b"transfer-encoding":
                framing = Chunks()
        close = any(name == b"connection" and b"close" in value.lower() for name, value in answer.headers)
        if ask.head.method == "HEAD" or status in {204, 304}:
            await self._done(plan, status)
            self._writer.write(self._head_bytes(status, answer.reason, headers, length))
            await self._writer.drain()
            return not close
        if plan.answer is not None and 200 <= status < 300:
            body = await self._collect(wire, read)
            try:
                value = await plan.answer(json.loads(body) if body.strip() else None)
            except ValueError:
                raise Refused("The engine's answer is no JSON.", 502, "engine") from None
            data = _strict.dumps(value) + b"\n"
            await self._done(plan, status)
            entry.received += len(data)
            self._writer.write(self._head_bytes(status, answer.reason, headers, len(data)) + data)
            await self._writer.drain()
            return not close
        if plan.failed is not None and status >= 400:
            body = await self._collect(wire, read)
            with contextlib.suppress(ValueError, AttributeError):
                message = await plan.failed(status, str(json.loads(body).get("message", "")))
                body = _strict.dumps({"message": message})
            await self._done(plan, status)
            self._writer.write(self._head_bytes(status, answer.reason, headers, len(body)) + body)
            await self._writer.drain()
            return not close
        if plan.line is not None and 200 <= status < 300:
            await self._relay_lines(plan, answer, headers, wire, read, entry)
            return False
        if isinstance(framing, UntilClosed):
            self._closing = True
        extra = (b"Transfer-Encoding: chunked",) if isinstance(framing, Chunks) else ()
        out = self._head_bytes(status, answer.reason, headers, length, *extra)
        data = wire.trailing_data[0]
        while True:
            used = framing.feed(data)
            part = data if used == len(data) else data[:used]
            entry.received += used
            if plan.watch is not None:
                plan.watch(part)
            if framing.done:
                await self._done(plan, status)
            self._writer.write(out + part if out else part)
            out = b""
            await self._writer.drain()
            if framing.done:
                return not close and used == len(data)
            data = await read()
            if not data:
                if not isinstance(framing, UntilClosed):
                    raise _Gone
                return False

    async def _relay_lines(
        self, plan: Plan, answer: Any, headers: Any, wire: h11.Connection, read: Any, entry: Entry
    ) -> None:
        assert plan.line is not None
        self._writer.write(
            self._head_bytes(answer.status_code, answer.reason, headers, None, b"Transfer-Encoding: chunked")
        )
        await self._writer.drain()
        rest = b""
        while (part := await self._decoded(wire, read)) is not None:
            *lines, rest = (rest + part).split(b"\n")
            if len(rest) > MAX_JSON:
                raise _Gone
            kept = b""
            for line in lines:
                with contextlib.suppress(ValueError):
                    value = json.loads(line)
                    if isinstance(value, dict) and await plan.line(value):
                        kept += line + b"\n"
            if kept:
                entry.received += len(kept)
                self._writer.write(b"%x\r\n%s\r\n" % (len(kept), kept))
                await self._writer.drain()
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def _decoded(self, wire: h11.Connection, read: Any) -> bytes | None:
        while True:
            try:
                event = wire.next_event()
            except h11.RemoteProtocolError:
                raise _Gone from None
            if event is h11.NEED_DATA:
                wire.receive_data(await read())
            elif isinstance(event, h11.Data):
                return bytes(event.data)
            else:
                return None

    async def _collect(self, wire: h11.Connection, read: Any) -> bytes:
        parts, size = [], 0
        while (part := await self._decoded(wire, read)) is not None:
            parts.append(part)
            size += len(part)
            if size > _MAX_BUFFERED:
                raise Refused("The engine's answer is larger than the sandbox reads.", 502, "engine")
        return b"".join(parts)

    # -- connections taken over -----------------------------------------------------------------------------------
    async def _take_over(self, answer: Any, wire: h11.Connection, link: Link, plan: Plan, entry: Entry) -> None:
        """Hand both connections to each other until one side is done."""
        self._closing = False
        headers = list(answer.headers.raw_items())
        self._writer.write(self._head_bytes(answer.status_code, answer.reason, headers, None))
        self._closing = True
        early = self._wire.trailing_data[0] + self._pending
        first = wire.trailing_data[0]
        self._wire = h11.Connection(h11.SERVER)
        self._pending = b""
        tunnel = plan.tunnel

        async def up() -> None:
            data = early
            with contextlib.suppress(OSError, BrokenConnection):
                while True:
                    if data:
                        entry.sent += len(data)
                        out, back = (await tunnel.from_client(data)) if tunnel else (data, b"")
                        if out:
                            link.writer.write(out)
                            await link.writer.drain()
                        if back:
                            self._writer.write(back)
                            await self._writer.drain()
                    data = await self._reader.read(CHUNK)
                    if not data:
                        if link.writer.can_write_eof():
                            link.writer.write_eof()
                        else:
                            link.close()
                        return
            link.close()

        async def down() -> None:
            data = first
            while True:
                if data:
                    entry.received += len(data)
                    out, back = (await tunnel.from_engine(data)) if tunnel else (data, b"")
                    if out:
                        self._writer.write(out)
                        await self._writer.drain()
                    if back:
                        link.writer.write(back)
                        await link.writer.drain()
                data = await link.reader.read(CHUNK)
                if not data:
                    return

        upward = asyncio.create_task(up())
        try:
            await down()
        finally:
            await _cancel(upward)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, OSError, FramingError, _Gone):
        await task


def _reason(status: int) -> bytes:
    try:
        return http.HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""
