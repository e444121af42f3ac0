"""One client's connection: requests in, judged, forwarded, answers back."""

from __future__ import annotations

import asyncio
import contextlib
import http
import logging
from typing import TYPE_CHECKING, Any

from tutor.sandbox import _strict
from tutor.sandbox._entry import Entry
from tutor.sandbox._exchange import Exchange, Gone
from tutor.sandbox._framing import Chunks, Counted, FramingError
from tutor.sandbox._head import Head, judge
from tutor.sandbox._peer import Peer, who
from tutor.sandbox._request import NoRequest, Request, cut
from tutor.sandbox._wire import Wire
from tutor.sandbox.ask import Ask, Plan
from tutor.sandbox.endpoints import find
from tutor.sandbox.policy import MAX_JSON, Refused
from tutor.sandbox.rules import RULES
from tutor.sandbox.upstream import EngineError

if TYPE_CHECKING:
    from tutor.sandbox.proxy import Box

_log = logging.getLogger(__name__)
_LINGER = 5.0


class Connection:
    """Serves one client.

    Args:
        box: The sandbox.
        wire: The client's connection.
    """

    def __init__(self, box: Box, wire: Wire) -> None:
        self._box = box
        self.wire = wire
        self._peer: Peer | None = None
        self.pending = b""  # read, and not yet understood
        self._framing: Chunks | Counted | None = None
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
            self.wire.close()

    # -- one request ----------------------------------------------------------------------------------------------
    async def _one(self) -> bool:
        self._started = self.body_read = False
        self._framing = None
        try:
            request = await self._request()
        except NoRequest as error:
            self.closing = True
            entry = self._entry(None)
            await self._refuse(Refused(f"This is no HTTP request the sandbox understands: {error}.", 400), entry)
            return False
        if request is None:
            return False
        entry = self._entry(request)
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
        if not self.body_read:
            self._framing = Chunks(keep=True) if head.length is None else Counted(head.length)
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
        return not self.closing

    def _entry(self, request: Request | None) -> Entry:
        if self._peer is None:
            self._peer = who(self.wire.transport)
        return Entry.begin(self._box, self._peer, request)

    def take_rest(self) -> bytes:
        """Bytes that came behind the request."""
        rest, self.pending = self.pending, b""
        return rest

    async def _request(self) -> Request | None:
        while True:
            if self.pending:
                found = cut(self.pending)
                if found is not None:
                    request, self.pending = found
                    return request
            data = await self.wire.read()
            if not data:
                if self.pending:
                    raise NoRequest("it ends in the middle of its head")
                return None
            self.pending += data

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
            self.wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert self._framing is not None
        while not self._framing.done:
            data = self.take_rest() or await self.wire.read()
            if not data:
                raise Gone
            if part := self._body_of(self._framing, data):
                return part
        self.body_read = True
        return None

    def _body_of(self, framing: Chunks | Counted, data: bytes) -> bytes:
        """What these bytes bring of the request's body; what follows it stays."""
        try:
            used = framing.feed(data)
        except FramingError as error:
            self.closing = True
            raise Refused(f"The request's body is broken: {error}.", 400, "malformed") from None
        self.pending = data[used:]
        self.body_read = framing.done
        return framing.take() if isinstance(framing, Chunks) else data[:used]

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
        if self._framing is not None and self.pending and not self.body_read:
            # Where the rest of the body is here already, the connection is good for another request.
            with contextlib.suppress(Refused):
                self._body_of(self._framing, self.take_rest())
        unread = self._framing is not None and not self.body_read and not self._expects
        self.closing = self.closing or unread or self._expects
        await self._send_json(refused.status, {"message": refused.message}, method)
        if unread or self.closing:
            await self._linger()

    async def _linger(self) -> None:
        """Let a client that still sends read the answer first: take and drop what comes, for some seconds."""
        with contextlib.suppress(TimeoutError, OSError):
            self.wire.end()
            async with asyncio.timeout(_LINGER):
                while await self.wire.read():
                    pass

    async def _send_json(self, status: int, value: Any, method: str) -> None:
        data = b"" if value is None else value if isinstance(value, bytes) else _strict.dumps(value)
        headers = [(b"Content-Type", b"application/json")] if data else []
        body = b"" if method == "HEAD" else data
        self.wire.write(self.head(status, b"", headers, len(data) if status != 204 else None) + body)
        await self.wire.drain()

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
