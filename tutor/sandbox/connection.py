"""One client's connection: requests in, judged, forwarded, answers back."""

from __future__ import annotations

import asyncio
import contextlib
import http
import logging
from typing import TYPE_CHECKING, Any

import h11

from tutor.sandbox import _strict
from tutor.sandbox._entry import Entry
from tutor.sandbox._exchange import Exchange, Gone
from tutor.sandbox._framing import FramingError
from tutor.sandbox._head import Head, judge
from tutor.sandbox.ask import Ask, Plan
from tutor.sandbox.endpoints import find
from tutor.sandbox.policy import MAX_JSON, Refused
from tutor.sandbox.rules import RULES
from tutor.sandbox.upstream import CHUNK, EngineError

if TYPE_CHECKING:
    from tutor.sandbox.proxy import Box

_log = logging.getLogger(__name__)
_MAX_HEAD = 1 << 16
_LINGER = 5.0
_SPENT = h11.Connection(h11.SERVER)  # stands where a request has been taken out; never fed


class Connection:
    """Serves one client.

    Args:
        box: The sandbox.
        reader, writer: The client's connection.
    """

    def __init__(self, box: Box, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._box = box
        self.reader = reader
        self.writer = writer
        self.pending = b""
        self._wire = _SPENT
        self.closing = False
        self._started = False  # an answer's head has been sent
        self._expects = False
        self.body_read = False

    async def run(self) -> None:
        """Serve until the client leaves."""
        try:
            while not self.closing and await self._one():
                pass
        except (OSError, Gone, EOFError, FramingError):
            pass
        finally:
            self.writer.close()

    # -- one request ----------------------------------------------------------------------------------------------
    async def _one(self) -> bool:
        self._wire = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
        if self.pending:
            self._wire.receive_data(self.pending)
            self.pending = b""
        self._started = self.body_read = False
        try:
            request = await self._request()
        except h11.RemoteProtocolError as error:
            entry = Entry.begin(self._box, self.writer, None)
            await self._refuse(Refused(f"This is no HTTP request the sandbox understands: {error}", 400), entry)
            return False
        if request is None:
            return False
        entry = Entry.begin(self._box, self.writer, request)
        try:
            head = judge(request)
        except Refused as refused:
            self.closing = True
            entry.misread(request)
            await self._refuse(refused, entry)
            return False
        self.closing = head.close
        self._expects = head.expects
        self.body_read = head.length == 0  # and what follows is the next request
        status = 0
        plan: Plan | None = None
        try:
            plan, ask = await self._decide(head, entry)
            if plan.reply is not None:
                await self._finish_request()
                status = plan.reply[0]
                await self._send_json(status, plan.reply[1], head.method)
            else:
                if plan.body is not None:
                    await self._finish_request()
                status = await Exchange(self._box, self, ask, plan, entry).run()
            await plan.finish(status)
        except Refused as refused:
            status = refused.status
            await self._refuse(refused, entry, head.method)
        except EngineError as error:
            status = error.status
            await self._refuse(Refused(error.message, error.status, "engine"), entry, head.method)
        except (TypeError, ValueError, AttributeError, KeyError, LookupError) as error:
            # A body or an answer of a shape that no rule expects: never passed on, and told as such.
            self.closing = True
            status = 400
            _log.warning("%s %s: %r", head.method, head.path, error, exc_info=True)
            await self._refuse(Refused("The sandbox does not understand this request.", 400, "malformed"), entry)
        finally:
            if plan is not None:
                with contextlib.suppress(EngineError, Refused):
                    await plan.finish(0)
            entry.end(status)
        self.pending = self.take_rest()
        return not self.closing

    def take_rest(self) -> bytes:
        """Bytes that came behind the request."""
        rest = self._wire.trailing_data[0] + self.pending
        self._wire = _SPENT
        self.pending = b""
        return rest

    async def _request(self) -> h11.Request | None:
        while True:
            event = self._wire.next_event()
            if isinstance(event, h11.Request):
                return event
            if event is h11.NEED_DATA:
                data = await self.reader.read(CHUNK)
                if not data and not self._wire.trailing_data[0]:
                    return None
                self._wire.receive_data(data)
            else:
                return None

    async def _decide(self, head: Head, entry: Entry) -> tuple[Plan, Ask]:
        found = find(head.method, head.path)
        if found is None:
            self.closing = True
            raise Refused(
                f"{head.method} {head.path} is not an endpoint that the sandbox knows, so it does not pass it on.",
                403,
                "unknown-endpoint",
            )
        endpoint, ref = found
        box = self._box
        ask = Ask(head, endpoint, ref, box.objects, box.scope, str(box.socket), self._read_body, self.chunk)
        entry.route(ask)
        try:
            plan = await RULES[endpoint.rule](ask)
            if head.upgrade and not plan.stream and plan.reply is None:
                raise Refused("This endpoint has no protocol upgrade.", 400, "malformed")
        finally:
            entry.know()
        return plan, ask

    # -- the request's body ---------------------------------------------------------------------------------------
    async def chunk(self) -> bytes | None:
        """The next part of the request's body; None at its end."""
        if self.body_read:
            return None
        if self._expects:
            self._expects = False
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while True:
            try:
                event = self._wire.next_event()
            except h11.RemoteProtocolError as error:
                self.closing = True
                raise Refused(f"The request's body is broken: {error}", 400, "malformed") from None
            if event is h11.NEED_DATA:
                data = await self.reader.read(CHUNK)
                if not data:
                    raise Gone
                self._wire.receive_data(data)
            elif isinstance(event, h11.Data):
                return bytes(event.data)
            else:
                self.body_read = True
                return None

    async def _read_body(self) -> bytes:
        parts, size = [], 0
        while (part := await self.chunk()) is not None:
            parts.append(part)
            size += len(part)
            if size > MAX_JSON:
                self.closing = True
                raise Refused("This request's JSON is larger than 1 MiB; the sandbox does not read more.", 413)
        return b"".join(parts)

    async def _finish_request(self) -> None:
        if not self.body_read:
            await self._read_body()

    # -- answers of the sandbox -----------------------------------------------------------------------------------
    async def _refuse(self, refused: Refused, entry: Entry, method: str = "GET") -> None:
        entry.refused(refused)
        if self._started:
            raise Gone
        entry.end(refused.status)  # who reads the answer finds it in the trace
        unread = not self.body_read and self._wire.their_state is h11.SEND_BODY and not self._expects
        if unread:
            with contextlib.suppress(h11.RemoteProtocolError, Refused):
                unread = await self._discard_small()
        self.closing = self.closing or unread or self._expects
        await self._send_json(refused.status, {"message": refused.message}, method)
        if unread or self.closing:
            await self._linger()

    async def _discard_small(self) -> bool:
        """Read on when the body's rest is here already; returns whether there is more."""
        while True:
            event = self._wire.next_event()
            if isinstance(event, h11.EndOfMessage):
                self.body_read = True
                return False
            if not isinstance(event, h11.Data):
                return True

    async def _linger(self) -> None:
        """Let a client that still sends read the answer first: take and drop what comes, for some seconds."""
        with contextlib.suppress(TimeoutError, OSError):
            self.writer.write_eof()
            async with asyncio.timeout(_LINGER):
                while await self.reader.read(CHUNK):
                    pass

    async def _send_json(self, status: int, value: Any, method: str) -> None:
        data = b"" if value is None else value if isinstance(value, bytes) else _strict.dumps(value)
        headers = [(b"Content-Type", b"application/json")] if data else []
        body = b"" if method == "HEAD" else data
        self.writer.write(self.head(status, b"", headers, len(data) if status != 204 else None) + body)
        await self.writer.drain()

    def head(
        self, status: int, reason: bytes, headers: list[tuple[bytes, bytes]], length: int | None, *extra: bytes
    ) -> bytes:
        """The bytes of an answer's head; with them the answer has begun."""
        self._started = True
        lines = [b"HTTP/1.1 %d %s" % (status, reason or _reason(status))]
        lines += [name + b": " + value for name, value in headers]
        lines += extra
        if length is not None:
            lines.append(b"Content-Length: %d" % length)
        if self.closing:
            lines.append(b"Connection: close")
        return b"\r\n".join(lines) + b"\r\n\r\n"


def _reason(status: int) -> bytes:
    try:
        return http.HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""
