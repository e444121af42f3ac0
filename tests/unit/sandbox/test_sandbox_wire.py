"""A connection's bytes: all of them, in order, no more kept than is taken, and the end of each half by itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tutor.sandbox._clock import Clock
from tutor.sandbox._wire import CHUNK, Wire
from tutor.sandbox.upstream import Pool, Upstream

_Ends = tuple[Wire, socket.socket]


@pytest_asyncio.fixture
async def ends() -> AsyncIterator[_Ends]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    _, wire = await asyncio.get_running_loop().create_connection(Wire, sock=ours)
    yield wire, theirs
    wire.close()
    theirs.close()


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - one turn of the loop after the other
            await asyncio.sleep(0)


async def test_what_nobody_reads_is_not_taken(ends: _Ends) -> None:
    wire, theirs = ends
    loop = asyncio.get_running_loop()
    data = bytes(range(256)) * (1 << 16)
    sending = asyncio.create_task(loop.sock_sendall(theirs, data))
    await _until(lambda: wire._paused)
    held = wire._held
    for _ in range(100):
        await asyncio.sleep(0)
    assert held == wire._held <= 2 * CHUNK
    assert not sending.done()
    got = b""
    while len(got) < len(data):
        got += await wire.read()
    await sending
    assert got == data


async def test_a_slow_taker_is_waited_for(ends: _Ends) -> None:
    wire, theirs = ends
    data = b"x" * (8 * CHUNK)
    wire.write(data)
    waiting = [asyncio.create_task(wire.drain()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    assert not waiting[1].done()
    size = 0
    while size < len(data):
        size += len(await asyncio.get_running_loop().sock_recv(theirs, CHUNK))
    await waiting[1]
    wire.transport.abort()
    await _until(lambda: wire._lost is not None)
    with pytest.raises(ConnectionResetError):
        await wire.drain()


async def test_each_half_ends_by_itself(ends: _Ends) -> None:
    wire, theirs = ends
    theirs.send(b"last words")
    theirs.shutdown(socket.SHUT_WR)
    assert await wire.read() == b"last words"
    assert await wire.read() == b""
    wire.write(b"answer")
    assert await asyncio.get_running_loop().sock_recv(theirs, 100) == b"answer"
    assert wire.end()
    assert await asyncio.get_running_loop().sock_recv(theirs, 100) == b""


async def test_a_kept_connection_on_which_something_came_carries_no_call(ends: _Ends) -> None:
    wire, theirs = ends
    pool = Pool(Upstream(unix="/nowhere"))
    pool.give(wire)
    assert await pool.take() is wire
    pool.give(wire)
    theirs.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    await _until(lambda: not wire.idle)
    with pytest.raises(OSError):
        await pool.take()


async def test_a_reader_that_is_cancelled_takes_nothing(ends: _Ends) -> None:
    wire, theirs = ends
    for _ in range(3):
        reading = asyncio.create_task(wire.read())
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await wire.read()
    reading = asyncio.create_task(wire.read())
    await asyncio.sleep(0)
    theirs.send(b"here")
    assert await reading == b"here"


async def test_who_waits_goes_on_when_the_connection_breaks(ends: _Ends) -> None:
    wire, _ = ends
    reading = asyncio.create_task(wire.read())
    await asyncio.sleep(0)
    wire.connection_lost(OSError("cut"))  # called here from inside of a task, and not by the event loop
    with pytest.raises(OSError, match="cut"):
        await reading


async def test_things_that_are_due_later_and_things_that_are_not() -> None:
    clock, seen = Clock(), asyncio.Queue[str]()
    gone = clock.after(0, lambda: seen.put_nowait("gone"))
    clock.after(0.03, lambda: seen.put_nowait("late"))
    clock.after(0.01, lambda: seen.put_nowait("early"))
    clock.forget(gone)
    clock.forget(gone)
    async with asyncio.timeout(20):
        assert [await seen.get(), await seen.get()] == ["early", "late"]
        clock.after(0, lambda: seen.put_nowait("again"))
        assert await seen.get() == "again"
    assert seen.empty()
