"""A hostile room: too big, too fast, too many; who is in stays in."""

from __future__ import annotations

import asyncio
import contextlib
import socket as sockets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.unit.workshop.hostile import STEP, besieged, goes_on
from tests.unit.workshop.hubs import Running, open_socket, push, serving, wait_for
from tests.unit.workshop.waiting import until
from tutor.workshop.limits import Gate, network
from tutor.workshop.log_sqlite import SqliteLog


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with besieged(tmp_path) as running:
        yield running


async def test_ten_megabytes_are_not_taken(hub: Running) -> None:
    joined = await hub.join("Eve")
    socket = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    await wait_for(socket, "welcome")
    with contextlib.suppress(ConnectionClosed):
        await socket.send("x" * 10_000_000)
    with pytest.raises(ConnectionClosed) as ended:
        while True:
            await asyncio.wait_for(socket.recv(), 30)
    assert ended.value.rcvd is None or ended.value.rcvd.code == 1009
    with contextlib.suppress(OSError):  # it may end the connection while we still send
        status, _ = await hub.post("/api/join", b"{" + b" " * 10_000_000 + b"}")
        assert status == 413


async def test_a_flood_of_messages_ends_the_connection(hub: Running) -> None:
    joined = await hub.join("Eve")
    socket = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    await wait_for(socket, "welcome")
    with contextlib.suppress(ConnectionClosed):
        for number in range(1, 2000):
            await socket.send(push((number, STEP)))
    assert (await wait_for(socket, "bye"))["code"] == "too-fast"


async def test_ten_thousand_connections_from_one_address(tmp_path: Path) -> None:
    gate = Gate(strangers=100, everybody=600)
    async with serving(SqliteLog(tmp_path / "room.sqlite3"), gate=gate) as hub:
        joined = await hub.join("Ada")
        seat = await open_socket(hub.ws, "seat", joined.seat, joined.key)
        await wait_for(seat, "welcome")

        async def knock() -> sockets.socket | None:
            one = sockets.socket()
            one.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", hub.port))
            except OSError:
                one.close()
                return None
            return one

        def let_in(one: sockets.socket) -> bool:
            try:
                one.recv(1)
            except BlockingIOError:
                return True
            except OSError:
                pass
            return False  # it was ended

        held: list[sockets.socket] = []
        for _ in range(100):
            held += [one for one in await asyncio.gather(*(knock() for _ in range(100))) if one]
            kept = [one for one in held if let_in(one)]
            for one in set(held) - set(kept):
                one.close()
            held = kept
        await until(lambda: sum(map(let_in, held)) <= 100)
        assert any(map(let_in, held))
        await seat.send(push((1, STEP)))  # who is in stays in
        await wait_for(seat, "ack")
        await goes_on(hub)  # and another address still gets in
        for one in held:
            one.close()
        await seat.close()


async def test_who_connects_and_says_nothing_is_sent_away(tmp_path: Path) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3"), gate=Gate(patience=0.3)) as hub:
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")  # and never ends
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 30) == b""
        writer.close()
        async with connect(hub.ws) as silent:
            assert (await wait_for(silent, "bye"))["code"] == "too-late"


def test_a_late_look_at_a_connection_leaves_the_next_one_on_its_port_alone() -> None:
    class Connection:
        aborted = False

        def is_closing(self) -> bool:
            return self.aborted

        def abort(self) -> None:
            self.aborted = True

    gate, first, second = Gate(), Connection(), Connection()
    assert gate.enter("192.0.2.7", 40_000, first)
    gate.leave("192.0.2.7", 40_000)
    assert gate.enter("192.0.2.7", 40_000, second)
    gate.overdue("192.0.2.7", 40_000, first)
    assert not second.aborted
    gate.overdue("192.0.2.7", 40_000, second)
    assert second.aborted


def test_an_ipv6_network_counts_as_one_address() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff:2") != network("2001:db8:0:1::1")
    assert network("::ffff:192.0.2.7") == network("192.0.2.7")
