"""The hub's server on the network: a socket, connections that are counted, TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket as sockets
from collections.abc import Iterator

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tutor.workshop import protocol
from tutor.workshop.limits import Gate
from tutor.workshop.server import App


class GuardedProtocol(H11Protocol):
    """HTTP connections that are counted, and ended when they do not show who they are in time."""

    gate: Gate

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count it; too many of one address are ended before they cost anything."""
        peer = transport.get_extra_info("peername")
        self._peer = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else None
        if self._peer is not None:
            if not self.gate.enter(*self._peer, transport):
                self._peer = None
                transport.abort()
                return
            self.loop.call_later(self.gate.patience * 1.5, self.gate.overdue, *self._peer, transport)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        if self.transport is None:
            return  # refused at the door
        if self._peer is not None:
            self.gate.leave(*self._peer)
        super().connection_lost(exc)


class Server(uvicorn.Server):
    """A server whose owner decides what signals do."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn would raise them again when it has ended."""
        yield


def server(app: App, *, tls: tuple[str, str] | None = None) -> Server:
    """A server for a hub, ready for `serve(sockets=[…])`.

    Args:
        app: The hub's routes.
        tls: Files of a certificate and its key.
    """
    protocol_class = type("Guarded", (GuardedProtocol,), {"gate": app.hub.gate})
    config = uvicorn.Config(
        app.starlette(),
        http=protocol_class,
        ws="websockets-sansio",
        ws_max_size=protocol.MAX_MESSAGE,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        ws_per_message_deflate=False,  # 64 KB a connection, for messages of some hundred bytes
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=16_384,
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )
    return Server(config)


def listen(host: str, port: int) -> sockets.socket:
    """A socket to serve on; port 0 takes a free one.

    Raises:
        OSError: The port is taken, or the address is not this machine's.
    """
    family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
    listening = sockets.socket(family, sockets.SOCK_STREAM)
    listening.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    listening.listen(2048)
    return listening
