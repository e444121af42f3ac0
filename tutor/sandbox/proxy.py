"""The sandbox: a socket that speaks Docker's API for one lab."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket as sockets
import stat
import threading
from pathlib import Path

from tutor.sandbox._clock import Clock
from tutor.sandbox._wire import Wire
from tutor.sandbox.connection import Connection
from tutor.sandbox.objects import Objects, Routes
from tutor.sandbox.policy import Scope
from tutor.sandbox.references import Record
from tutor.sandbox.trace import Trace
from tutor.sandbox.upstream import Api, Pool, Upstream

_MAX_CLIENTS = 1024
_MAX_PATH = 100


class Box:
    """What the connections of one sandbox share; lives in the sandbox's event loop.

    Attributes:
        changing: Calls under way that change something.
    """

    def __init__(
        self, engine: Upstream, scope: Scope, socket: Path, trace: Trace, record: Record, routes: Routes
    ) -> None:
        self.pool = Pool(engine)
        self.clock = Clock()
        self.trace = trace
        self.socket = socket
        self.changing = 0
        self.objects = Objects(Api(self.pool), record, scope, routes)

    @property
    def scope(self) -> Scope:
        """The lab as it is now."""
        return self.objects.scope


class Sandbox:
    """A Docker socket behind which there is only one lab.

    Args:
        engine: Where the engine listens.
        scope: Who the lab is and what it may touch.
        socket: Where to listen; its folder becomes private (mode 0700), the path is under 100 bytes.
        trace: Gets every call.
        record: File for what labels cannot tell (images, build cache); None keeps it in memory.
        routes: Tells which address ranges the engine's machine uses itself, where that is known.
    """

    def __init__(
        self, engine: Upstream, scope: Scope, socket: Path, trace: Trace, record: Path | None = None,
        routes: Routes = tuple,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._routes = routes
        self._scope = scope
        self._socket = socket
        self._trace = trace
        self._record = Record.load(record)
        self._box: Box | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None

    def start(self) -> None:
        """Listen, in a thread of its own; returns when clients may connect.

        Raises:
            OSError: The socket cannot be made there, or another sandbox listens on it.
            ValueError: The path is too long for a Unix socket.
        """
        if len(os.fsencode(self._socket)) >= _MAX_PATH:
            raise ValueError(f"{self._socket} is too long for a Unix socket")
        listener = _listen(self._socket)
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listener, ready)), name=f"sandbox {self._scope.lab}", daemon=True
        )
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """Close the socket and all connections; returns when the thread has ended."""
        if self._loop is not None and self._stop is not None and self._thread is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        self._thread = self._loop = self._stop = None
        self._socket.unlink(missing_ok=True)

    def set_scope(self, scope: Scope) -> None:
        """From the next request on, judge by this scope."""
        self._scope = scope
        box, loop = self._box, self._loop
        if box is not None and loop is not None:
            done = threading.Event()

            def change() -> None:
                box.objects.scope = scope
                done.set()

            loop.call_soon_threadsafe(change)
            done.wait(5)

    @property
    def in_flight(self) -> int:
        """Calls under way that change something."""
        return self._box.changing if self._box is not None else 0

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self._socket

    @property
    def trace(self) -> Trace:
        """The calls."""
        return self._trace

    @property
    def record(self) -> Record:
        """What the lab made of images."""
        return self._record

    async def _serve(self, listener: sockets.socket, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        box = self._box = Box(self._engine, self._scope, self._socket, self._trace, self._record, self._routes)
        clients: set[asyncio.Task[None]] = set()

        def client(wire: Wire) -> None:
            if len(clients) >= _MAX_CLIENTS:
                wire.close()
                return
            task = asyncio.create_task(Connection(box, wire).run())
            clients.add(task)
            task.add_done_callback(clients.discard)

        # asyncio listens again with a backlog of 100 of its own, and a client that finds it full is turned away.
        server = await asyncio.get_running_loop().create_unix_server(
            lambda: Wire(client), sock=listener, backlog=_MAX_CLIENTS
        )
        ready.set()
        await self._stop.wait()
        server.close()
        for task in tuple(clients):
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        box.pool.close()


def _listen(path: Path) -> sockets.socket:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.chmod(0o700)
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as probe:
            try:
                probe.connect(str(path))
            except OSError:
                path.unlink()  # left behind by a process that was killed
            else:
                raise FileExistsError(f"another sandbox listens on {path}")
    listener = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(_MAX_CLIENTS)
    except BaseException:
        listener.close()
        raise
    return listener
