"""A lent engine's connections through a real hub: who gets one, and that bytes and endings pass as on a socket.

Behind the hub stands a small server of the test's own, as here it is the way that is looked at; what keeps seats apart
on an engine is tried on one in tests/engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.unit.workshop.hubs import SECRET, Running, instruct, open_socket, serving, until, wait_for
from tutor.lent.tunnel import Tunnel
from tutor.workshop import lending, names, protocol
from tutor.workshop.cards import Card
from tutor.workshop.door import Refused
from tutor.workshop.events import SeatAllowed
from tutor.workshop.log_sqlite import SqliteLog
from tutor.workshop.protocol import Joined


class Behind:
    """Lends a server that hears a request to its end and answers with its length and digest; port 7 only listens."""

    def __init__(self) -> None:
        self.removed: list[str] = []
        self.heard: list[bytes] = []
        self.connections = 0
        self.port = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Behind]:
        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            try:
                data = await reader.read()
                self.heard.append(data)
                if data == b"say much":
                    for _ in range(64):
                        writer.write(bytes(65_536))
                        await writer.drain()
                else:
                    writer.write(f"{len(data)} {hashlib.sha256(data).hexdigest()}".encode())
                writer.close()
            except ConnectionError:
                pass
            finally:
                self.connections -= 1

        server = await asyncio.start_server(client, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def open(self, seat: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if port:
            raise Refused("no-port", f"None of your containers publishes port {port}.")
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def remove(self, seat: str) -> None:
        self.removed.append(seat)

    async def close(self) -> None:
        pass


@pytest.fixture
async def behind() -> AsyncIterator[Behind]:
    async with Behind().running() as made:
        yield made


@pytest.fixture
async def hub(tmp_path: Path, behind: Behind) -> AsyncIterator[Running]:
    async with serving(SqliteLog(tmp_path / "room.sqlite3"), lender=behind) as running:
        yield running


async def ask(hub: Running, seat: str, key: str, **changed: Any) -> tuple[ClientConnection, dict[str, Any]]:
    """Ask for a connection; the socket and the hub's answer."""
    socket = await connect(hub.ws.removesuffix("/ws") + "/engine", max_size=None)
    challenge = json.loads(await socket.recv())
    proves = changed.pop("proves", protocol.through(changed.get("port", 0)))
    asked = {"type": "through", "id": seat, "proof": names.proof(key, challenge["nonce"], proves, seat)} | changed
    await socket.send(json.dumps(asked))
    return socket, json.loads(await socket.recv())


@contextlib.asynccontextmanager
async def tunnel(hub: Running, seat: Joined, home: Path) -> AsyncIterator[Path]:
    card = Card(hub=hub.http, room="r1", title="", seat=seat.seat, name=seat.name, key=seat.key, engine=True)
    made = Tunnel(home / "t.sock", lambda: card)
    made.start()
    try:
        yield made.path
    finally:
        await asyncio.to_thread(made.stop)


async def test_bytes_and_their_end_pass_both_ways(hub: Running, behind: Behind, home: Path) -> None:
    sent = secrets.token_bytes(5_000_001)
    async with tunnel(hub, await hub.join("Ada"), home) as path:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(sent)
        await writer.drain()
        writer.write_eof()  # the answer comes after the request's end, as with an attached container's input
        assert await reader.read() == f"{len(sent)} {hashlib.sha256(sent).hexdigest()}".encode()
        writer.close()
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"say much")
        writer.write_eof()
        assert len(await reader.read()) == 64 * 65_536
        writer.close()


async def test_who_goes_away_leaves_no_connection_behind(hub: Running, behind: Behind, home: Path) -> None:
    async with tunnel(hub, await hub.join("Ada"), home) as path:
        before = behind.connections
        _, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"wait")
        await until(lambda: behind.connections > before)
        writer.close()
        await until(lambda: b"wait" in behind.heard)


async def test_only_a_seats_own_key_opens_it(hub: Running, behind: Behind) -> None:
    ada, bob = await hub.join("Ada"), await hub.join("Bob")
    tried = [
        (ada.seat, bob.key, {}),
        (ada.seat, SECRET, {}),
        (ada.seat, "", {}),
        ("nobody", ada.key, {}),
        ("", ada.key, {}),
        (ada.seat, ada.key, {"proves": "seat"}),  # what `/ws` takes
        (ada.seat, ada.key, {"proves": protocol.through(80)}),  # what a port takes
    ]
    for seat, key, changed in tried:
        socket, answer = await ask(hub, seat, key, **changed)
        assert (answer["type"], answer["code"]) == ("bye", "not-you"), (seat, changed)
        await socket.close()
    for changed in ({"port": 70_000}, {"port": -1}, {"role": "seat"}, {"id": None}):
        socket, answer = await ask(hub, ada.seat, ada.key, **changed)
        assert answer["code"] == "not-understood", changed
        await socket.close()
    assert behind.heard == []
    assert behind.connections == 0
    socket, answer = await ask(hub, ada.seat, ada.key)
    assert answer == {"type": "opened"}
    await socket.close()


async def test_an_answer_to_one_challenge_is_none_to_another(hub: Running) -> None:
    ada = await hub.join("Ada")
    first = await connect(hub.ws.removesuffix("/ws") + "/engine")
    nonce = json.loads(await first.recv())["nonce"]
    replayed = names.proof(ada.key, nonce, protocol.through(0), ada.seat)
    second, answer = await ask(hub, ada.seat, ada.key, proof=replayed)
    assert answer["code"] == "not-you"
    await first.close()
    await second.close()


async def test_what_opens_the_engine_opens_no_seat_and_no_board(hub: Running) -> None:
    ada = await hub.join("Ada")
    async with connect(hub.ws) as socket:
        nonce = json.loads(await socket.recv())["nonce"]
        proof = names.proof(ada.key, nonce, protocol.through(0), ada.seat)
        await socket.send(
            json.dumps({"type": "hello", "role": "engine", "id": ada.seat, "proof": proof, "stream": "j"})
        )
        assert json.loads(await socket.recv())["code"] == "not-understood"


async def test_another_sites_page_and_a_hub_without_an_engine_refuse(hub: Running, tmp_path: Path) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(hub.ws.removesuffix("/ws") + "/engine", origin="http://elsewhere.example")  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403
    async with serving(SqliteLog(tmp_path / "other.sqlite3")) as other:
        with pytest.raises(InvalidStatus):
            await connect(other.ws.removesuffix("/ws") + "/engine")


async def test_a_seat_has_so_many_connections_and_no_more(hub: Running) -> None:
    ada, bob = await hub.join("Ada"), await hub.join("Bob")
    mine = [await ask(hub, ada.seat, ada.key) for _ in range(lending.MOST)]
    assert {answer["type"] for _, answer in mine} == {"opened"}
    socket, answer = await ask(hub, ada.seat, ada.key)
    assert answer["code"] == "busy"
    other, answer = await ask(hub, bob.seat, bob.key)
    assert answer["type"] == "opened"
    for one in (socket, other, *(socket for socket, _ in mine)):
        await one.close()

    async def again() -> bool:
        socket, answer = await ask(hub, ada.seat, ada.key)
        await socket.close()
        return bool(answer["type"] == "opened")

    async with asyncio.timeout(30):
        while not await again():
            pass


async def test_a_message_that_is_too_large_ends_its_connection_only(hub: Running) -> None:
    ada = await hub.join("Ada")
    socket, _ = await ask(hub, ada.seat, ada.key)
    await socket.send(bytes(protocol.MAX_MESSAGE + 1))
    with pytest.raises(ConnectionClosed):
        await socket.recv()
    socket, answer = await ask(hub, ada.seat, ada.key)
    assert answer["type"] == "opened"
    await socket.close()


async def test_a_closed_seat_is_cut_off_at_once_and_what_it_made_goes(hub: Running, behind: Behind, home: Path) -> None:
    ada, bob = await hub.join("Ada"), await hub.join("Bob")
    socket, _ = await ask(hub, ada.seat, ada.key)
    others, _ = await ask(hub, bob.seat, bob.key)
    board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
    await wait_for(board, "full")
    await instruct(board, SeatAllowed(seat=ada.seat, allowed=False))
    assert (await wait_for(socket, "bye"))["code"] == "closed"
    await until(lambda: behind.removed == [ada.seat])
    refused, answer = await ask(hub, ada.seat, ada.key)
    assert answer["code"] == "removed"
    async with tunnel(hub, ada, home) as path:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"GET /version HTTP/1.1\r\nHost: docker\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert json.loads(body) == {"message": "The instructor has closed your seat. Ask to be let in again."}
        writer.close()
    await others.send(b"still here")
    await others.send(protocol.END)
    assert str(await others.recv(), "ascii").startswith("10 ")  # type: ignore[arg-type]
    await instruct(board, SeatAllowed(seat=ada.seat, allowed=True))
    again, answer = await ask(hub, ada.seat, ada.key)
    assert answer["type"] == "opened"
    for one in (refused, others, again, board):
        await one.close()


async def test_seats_closed_while_no_hub_was_here_lose_what_they_made(tmp_path: Path, behind: Behind) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as running:  # a hub that lends nothing
        ada = await running.join("Ada")
        board = await open_socket(running.ws, "instructor", "Kim", SECRET)
        await wait_for(board, "full")
        await instruct(board, SeatAllowed(seat=ada.seat, allowed=False))
        await board.close()
    async with serving(SqliteLog(tmp_path / "room.sqlite3"), lender=behind):
        await until(lambda: behind.removed == [ada.seat])


async def test_the_hub_is_away_and_comes_back(tmp_path: Path, behind: Behind, home: Path) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3"), lender=behind) as running:
        ada, port = await running.join("Ada"), running.port
        first = running
    async with tunnel(first, ada, home) as path:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"x")
        assert await reader.read() == b""  # as from an engine that ends
        writer.close()
        async with serving(SqliteLog(tmp_path / "room.sqlite3"), lender=behind, port=port):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(b"x")
            writer.write_eof()
            assert (await reader.read()).startswith(b"1 ")
            writer.close()
