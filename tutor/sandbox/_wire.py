"""One connection's bytes, in their order, and no faster than the slower side takes them.

As asyncio's streams, but what arrives is put into one buffer that all connections of a thread share, and copied out in
its own size: asyncio's streams make room for 256 KiB for each small message, which costs more than to handle it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from contextvars import Context

CHUNK = 1 << 18
"""Bytes of one read; also the limit that lets a slow side slow down the fast one."""


class _Room(threading.local):
    def __init__(self) -> None:
        self.view = memoryview(bytearray(CHUNK))


_ROOM = _Room()


class _Turn:
    """What a reader waits for: its task goes on at once when something has come.

    With a future of asyncio's it would go on one turn of the event loop later. A task takes for a future what behaves
    as one (`asyncio.isfuture`).
    """

    _asyncio_future_blocking = False

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._wakeup: tuple[Callable[[_Turn], object], Context | None] | None = None
        self._done = self._cancelled = False

    def __await__(self) -> Generator[_Turn, None, None]:
        self._asyncio_future_blocking = True
        yield self
        self.result()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def add_done_callback(self, call: Callable[[_Turn], object], *, context: Context | None = None) -> None:
        self._wakeup = call, context
        if self._done:
            self._go_on(later=True)

    def result(self) -> None:
        if self._cancelled:
            raise asyncio.CancelledError

    def cancel(self, msg: object = None) -> bool:
        if self._done:
            return False
        self._cancelled = True
        self._end(later=True)
        return True

    def come(self) -> None:
        """There is something to read, or nothing any more."""
        if not self._done:
            self._end(later=asyncio.current_task(self._loop) is not None)

    def _end(self, *, later: bool) -> None:
        self._done = True
        self._go_on(later=later)

    def _go_on(self, *, later: bool) -> None:
        if self._wakeup is None:
            return
        (call, context), self._wakeup = self._wakeup, None
        if later or context is None:
            self._loop.call_soon(call, self, context=context)
        else:
            context.run(call, self)


class Wire(asyncio.BufferedProtocol):
    """One connection; belongs to one event loop, and has one reader at a time.

    Args:
        made: Called when the connection is there.

    Attributes:
        transport: The connection itself, once it is there.
        used: It has carried a call before.
    """

    transport: asyncio.Transport

    def __init__(self, made: Callable[[Wire], None] | None = None) -> None:
        self._made = made
        self._parts: list[bytes] = []
        self._held = 0
        self._paused = False  # reading
        self._full = False  # writing
        self._eof = False
        self._tls = False
        self._lost: BaseException | None = None
        self._reader: _Turn | None = None
        self._drains: list[asyncio.Future[None]] = []
        self.used = False

    # -- asyncio's side -------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.BaseProtocol."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=CHUNK)
        self._tls = transport.get_extra_info("ssl_object") is not None
        if self._made is not None:
            self._made(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """See asyncio.BufferedProtocol."""
        return _ROOM.view

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio.BufferedProtocol."""
        self._parts.append(bytes(_ROOM.view[:nbytes]))
        self._held += nbytes
        if self._held >= CHUNK and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The other side has ended its half; ours goes on (where TLS lets it)."""
        self._eof = True
        self._wake()
        return not self._tls

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.BaseProtocol."""
        self._lost = exc or ConnectionResetError("the connection has ended")
        self._eof = self._eof or exc is None
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        self._full = True

    def resume_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        self._full = False
        waiting, self._drains = self._drains, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _wake(self) -> None:
        if self._reader is not None:
            self._reader.come()

    # -- our side -------------------------------------------------------------------------------------------------
    async def read(self) -> bytes:
        """What has come, as soon as there is something; empty at the end.

        Raises:
            OSError: The connection broke.
        """
        while not self._parts:
            if self._eof:
                return b""
            if self._lost is not None:
                raise self._lost
            assert self._reader is None
            self._reader = _Turn(asyncio.get_running_loop())
            try:
                await self._reader
            finally:
                self._reader = None
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._held = 0
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        return data

    def write(self, data: bytes) -> None:
        """Send bytes, or keep them until they can be sent."""
        self.transport.write(data)

    async def drain(self) -> None:
        """Wait until what is kept is not too much.

        Raises:
            OSError: The connection has ended.
        """
        if self._lost is not None:
            raise ConnectionResetError("the connection has ended")
        if self._full:
            future = asyncio.get_running_loop().create_future()
            self._drains.append(future)
            await future

    def end(self) -> bool:
        """End our half, where that can be told; whether it could."""
        if not self.transport.can_write_eof():
            return False
        self.transport.write_eof()
        return True

    def close(self) -> None:
        """End it, after what is kept has been sent."""
        self.transport.close()

    @property
    def idle(self) -> bool:
        """Whether it is open and nothing has come that nobody asked for."""
        return not (self._parts or self._eof or self._lost or self.transport.is_closing())
