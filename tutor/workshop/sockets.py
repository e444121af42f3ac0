"""One WebSocket: a message of it, its end with a reason, and whose page opens it."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.websockets import WebSocket, WebSocketDisconnect

from tutor.workshop import protocol


async def receive(socket: WebSocket) -> bytes:
    """The next message.

    Raises:
        WebSocketDisconnect: It has ended.
    """
    message = await socket.receive()
    if message["type"] != "websocket.receive":
        raise WebSocketDisconnect(message.get("code", 1005))
    text = message.get("text")
    return text.encode() if text is not None else message.get("bytes") or b""


async def end(socket: WebSocket, code: str, why: str) -> None:
    """End it, with a reason."""
    await socket.send_text(protocol.encode(protocol.Bye(code=code, why=why)).decode())
    await socket.close(1008)


def same_origin(origin: str | None, host: str | None) -> bool:
    """A browser says which page asks; programs that are no browser say nothing."""
    return origin is None or (bool(host) and urlsplit(origin).netloc.lower() == str(host).lower())
