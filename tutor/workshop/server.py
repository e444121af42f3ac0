"""The hub's routes: HTTP and WebSocket, and what they refuse.

Nothing that is sent decides which file is read or whose seat is written: pages are a fixed few, and a connection's
role and seat are those it has proved.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tutor import __version__
from tutor.workshop import names, protocol, views
from tutor.workshop.door import Refused
from tutor.workshop.hub import Hub
from tutor.workshop.lending import Lending
from tutor.workshop.log import LogDown
from tutor.workshop.peers import BoardPeer, Peer, ScreenPeer, SeatPeer
from tutor.workshop.sockets import end, receive, same_origin

_MAX_BODY = 4096  # bytes of a request
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_WEB = Path(__file__).parent / "web"
_PAGES = {
    "/": ("join.html", "text/html; charset=utf-8"),
    "/join.js": ("join.js", "text/javascript; charset=utf-8"),
    "/screen": ("screen.html", "text/html; charset=utf-8"),
    "/screen.js": ("screen.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
}
_STATUS = {"too-many-tries": 429, "wrong-code": 403, "removed": 403, "closed": 403, "full": 503}


class App:
    """The hub's routes.

    Args:
        hub: What they lead to.
        behind_proxy: Whether a reverse proxy stands before it and says who connects (`X-Forwarded-For`).
        offer: A mirror that has the room's images.
        lending: The engine that seats may use; None where there is none.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        behind_proxy: bool = False,
        offer: protocol.Offer | None = None,
        lending: Lending | None = None,
    ) -> None:
        self.hub = hub
        self._behind_proxy, self._offer, self._lending = behind_proxy, offer, lending
        self._pages = {path: ((_WEB / name).read_bytes(), kind) for path, (name, kind) in _PAGES.items()}

    def starlette(self) -> Starlette:
        """The application; the hub starts and ends with it."""

        @contextlib.asynccontextmanager
        async def life(_: Starlette) -> AsyncIterator[None]:
            await self.hub.start()
            if self._lending:
                self._lending.start()
            yield
            if self._lending:
                await self._lending.stop()
            await self.hub.stop()

        return Starlette(
            routes=[
                Route("/api/join", self.join, methods=["POST"]),
                Route("/api/room", self.room, methods=["GET"]),
                Route("/health", self.health, methods=["GET"]),
                WebSocketRoute("/ws", self.socket),
                *([WebSocketRoute("/engine", self.engine)] if self._lending else []),
                Route("/{path:path}", self.page, methods=["GET"]),
            ],
            lifespan=life,
        )

    # -- HTTP ----------------------------------------------------------------------------------------------------
    async def page(self, request: Request) -> Response:
        """One of the few pages; a join code leads to the page that says how to join."""
        path = request.scope["path"]
        code = path.removeprefix("/")
        if path not in self._pages and len(code) == names.CODE_LENGTH and code.isascii() and code.isalnum():
            path = "/"
        if path not in self._pages:
            return _answer(protocol.Refusal(code="no-page", why="There is no such page."), 404)
        body, kind = self._pages[path]
        return Response(body, media_type=None, headers={**_HEADERS, "content-type": kind})

    async def room(self, _: Request) -> Response:
        """What one may know before joining."""
        room, title = self.hub.info
        numbers = tuple(chapter.number for chapter in views.syllabus(self.hub.room).chapters)
        info = protocol.RoomInfo(
            room=room,
            title=title,
            version=__version__,
            chapters=numbers,
            offer=self._offer,
            engine=self._lending is not None,
        )
        return _answer(info)

    async def health(self, _: Request) -> Response:
        """Whether the hub can keep anything: its log answers."""
        try:
            await self.hub.log.hubs()
        except LogDown:
            return _answer(protocol.Refusal(code="log-down", why="The log cannot be reached."), 503)
        return Response(b"ok\n", headers={**_HEADERS, "content-type": "text/plain"})

    async def join(self, request: Request) -> Response:
        """Take a seat."""
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return _answer(protocol.Refusal(code="no-json", why="JSON is expected."), 415)
        if not same_origin(request.headers.get("origin"), request.headers.get("host")):
            return _answer(protocol.Refusal(code="other-site", why="Another site's page may not join."), 403)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_BODY:
                return _answer(protocol.Refusal(code="too-long", why="The request is too long."), 413, close=True)
        try:
            asked = msgspec.json.decode(body, type=protocol.Join)
        except (msgspec.DecodeError, RecursionError):
            return _answer(protocol.Refusal(code="not-understood", why="The request is not understood."), 400)
        try:
            return _answer(await self.hub.door.join(asked, self._address(request.scope, request.headers)))
        except Refused as refused:
            return _answer(protocol.Refusal(code=refused.code, why=refused.why), _STATUS[refused.code])
        except LogDown:
            return _answer(protocol.Refusal(code="log-down", why="The room cannot be written now. Try again."), 503)

    # -- WebSocket -----------------------------------------------------------------------------------------------
    async def socket(self, socket: WebSocket) -> None:
        """One connection from its challenge to its end."""
        if not same_origin(socket.headers.get("origin"), socket.headers.get("host")):
            await socket.close(4403)  # before it is accepted: 403
            return
        await socket.accept()
        peer: Peer | None = None
        try:
            peer = await self._greet(socket)
            if peer is not None:
                await self._serve(peer)
        except (WebSocketDisconnect, RuntimeError, OSError):
            pass  # it has gone
        finally:
            if socket.scope.get("client"):
                self.hub.gate.leave(*socket.scope["client"])
            if peer is not None:
                await self.hub.part(peer)

    async def engine(self, socket: WebSocket) -> None:
        """One connection of a seat to the engine that the host lends."""
        assert self._lending is not None
        try:
            await self._lending.serve(socket, self._address(socket.scope, socket.headers))
        finally:
            if socket.scope.get("client"):
                self.hub.gate.leave(*socket.scope["client"])

    async def _greet(self, socket: WebSocket) -> Peer | None:
        nonce = secrets.token_hex(16)
        await socket.send_text(protocol.encode(protocol.Challenge(nonce=nonce)).decode())
        try:
            async with asyncio.timeout(self.hub.gate.patience):
                hello = protocol.hello(await receive(socket))
            self.hub.door.check(hello, nonce, self._address(socket.scope, socket.headers))
        except (msgspec.DecodeError, RecursionError):
            await end(socket, "not-understood", "The message is not understood.")
            return None
        except TimeoutError:
            await end(socket, "too-late", "Nobody said who is there.")
            return None
        except Refused as refused:
            await end(socket, refused.code, refused.why)
            return None
        client = socket.scope.get("client")
        if client:
            self.hub.gate.settle(*client)
        if hello.role == "seat":
            if not hello.stream or len(hello.stream) > 80:
                await end(socket, "not-understood", "A seat needs a journal.")
                return None
            seat = SeatPeer(
                socket, hello.id, hello.stream, self.hub.follower.now(), self.hub.teller.common, self.hub.you
            )
            try:
                await self.hub.seat_came(seat)
            except LogDown:
                await self.hub.part(seat)
                await end(socket, "log-down", "The room cannot be written now.")
                return None
            return seat
        if hello.role == "instructor":
            board = BoardPeer(socket, names.clean(hello.id, names.NAME_LENGTH) or "Instructor")
            self.hub.teller.board_came(board, self.hub.door.code)
            return board
        screen = ScreenPeer(socket)
        screen.say(self.hub.show())
        self.hub.teller.screens.add(screen)
        return screen

    async def _serve(self, peer: Peer) -> None:
        telling = asyncio.create_task(peer.tell())
        reading = asyncio.create_task(self._read(peer))
        try:
            await asyncio.wait((telling, reading), return_when=asyncio.FIRST_COMPLETED)
            if reading.done() and not reading.cancelled() and reading.exception() is None:
                await asyncio.wait((telling,), timeout=5)  # its goodbye is still sent
        finally:
            for task in (telling, reading):
                task.cancel()
            await asyncio.gather(telling, reading, return_exceptions=True)

    async def _read(self, peer: Peer) -> None:
        """Take messages until one must not be taken; then say goodbye."""
        while True:
            text = await receive(peer.socket)
            if not peer.limit.take():
                peer.bye("too-fast", "Too many messages.")
                return
            try:
                match peer:
                    case SeatPeer():
                        await self._from_seat(peer, protocol.from_seat(text))
                    case BoardPeer():
                        await self._from_instructor(peer, protocol.from_instructor(text))
                    case _:
                        raise Refused("not-understood", "A projector only listens.")
            except (msgspec.DecodeError, RecursionError):
                peer.bye("not-understood", "The message is not understood.")
                return
            except Refused as refused:
                peer.bye(refused.code, refused.why)
                return
            except LogDown:
                peer.bye("log-down", "The room cannot be written now. What was not acknowledged is to be sent again.")
                return

    async def _from_seat(self, peer: SeatPeer, message: protocol.FromSeat) -> None:
        match message:
            case protocol.Push():
                await self.hub.pushed(peer, message)
            case protocol.LookAnswer():
                self.hub.relay.answered(peer, message)
            case protocol.Shown():
                self.hub.relay.shown(peer, message)

    async def _from_instructor(self, peer: BoardPeer, message: protocol.FromInstructor) -> None:
        match message:
            case protocol.Do():
                await self.hub.instructed(peer, message)
            case protocol.LookAt():
                self.hub.relay.asked(peer, message)

    def _address(self, scope: Any, headers: Any) -> str:
        if self._behind_proxy:
            # The last one is the proxy's own word; those before it are the client's.
            forwarded = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
            if forwarded:
                return str(forwarded)
        client = scope.get("client")
        return str(client[0]) if client else ""


def _answer(value: msgspec.Struct, status: int = 200, *, close: bool = False) -> Response:
    headers = {**_HEADERS, "content-type": "application/json"} | ({"connection": "close"} if close else {})
    return Response(msgspec.json.encode(value), status, headers=headers)
