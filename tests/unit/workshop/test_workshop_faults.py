"""Whatever breaks, nothing that was acknowledged is lost and nothing is doubled."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.workshop.hub_process import HubProcess
from tests.unit.workshop.hubs import SECRET, free_port, open_socket, serving, wait_for
from tests.unit.workshop.redis_server import NEEDED, RedisServer
from tests.unit.workshop.seats import Sitting, sit
from tests.unit.workshop.waiting import until
from tutor.learner.events import StepTried
from tutor.workshop import cards
from tutor.workshop.events import Did, Record
from tutor.workshop.log import LogDown
from tutor.workshop.log_redis import RedisLog
from tutor.workshop.log_sqlite import SqliteLog, read_file

TRIED = StepTried(chapter="docker-run", item="first", findings=1, mistake="no-name")
SEATS = 12


def kept(records: list[Record], seat: str) -> list[int]:
    return [r.body.n for r in records if isinstance(r.body, Did) and r.body.seat == seat]


@contextlib.asynccontextmanager
async def busy(seats: list[Sitting]) -> AsyncIterator[None]:
    """All seats do something all the time."""

    async def work(seat: Sitting, number: int) -> None:
        while True:
            seat.do(TRIED, time.time())
            await asyncio.sleep(0.01 + 0.002 * number)

    tasks = [asyncio.create_task(work(seat, number)) for number, seat in enumerate(seats)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def seated(http: str, code: str, **options: float) -> list[Sitting]:
    seats = [await sit(http, code, f"Seat {number}", **options) for number in range(SEATS)]
    await until(lambda: all(seat.link.status.connected for seat in seats))
    return seats


async def settled(seats: list[Sitting], seconds: float = 60) -> None:
    await until(lambda: all(seat.acknowledged >= len(seat.outbox.events) for seat in seats), seconds)


async def code_of(port: int) -> str:
    board = await open_socket(f"ws://127.0.0.1:{port}/ws", "instructor", "Kim", SECRET)
    code: str = (await wait_for(board, "full"))["code"]
    await board.close()
    return code


async def test_a_hub_killed_under_load_loses_nothing_acknowledged_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "room.sqlite3"
    hub = HubProcess(free_port(), str(path))
    await asyncio.to_thread(hub.start)
    try:
        seats = await seated(f"http://127.0.0.1:{hub.port}", await code_of(hub.port))
        async with busy(seats):
            for _ in range(3):
                enough = [seat.acknowledged + 15 for seat in seats]
                await until(lambda e=enough: all(s.acknowledged >= n for s, n in zip(seats, e, strict=True)))  # type: ignore[misc]
                hub.kill()
                acknowledged = [seat.acknowledged for seat in seats]
                records = await asyncio.to_thread(read_file, path)
                for seat, upto in zip(seats, acknowledged, strict=True):
                    assert set(kept(records, seat.card.seat)) >= set(range(1, upto + 1))
                await asyncio.to_thread(hub.start)
        await settled(seats)
        records = await asyncio.to_thread(read_file, path)
        for seat in seats:
            assert kept(records, seat.card.seat) == list(range(1, len(seat.outbox.events) + 1))
            await seat.stand_up()
    finally:
        hub.kill()


@NEEDED
async def test_two_hubs_one_killed_and_redis_restarted_lose_nothing(tmp_path: Path) -> None:
    redis = RedisServer()
    first, second = HubProcess(free_port(), redis.url), HubProcess(free_port(), redis.url)
    try:
        redis.start()
        await asyncio.to_thread(first.start)
        await asyncio.to_thread(second.start)
        code = await code_of(first.port)
        assert await code_of(second.port) == code
        seats = await seated(f"http://127.0.0.1:{first.port}", code)
        for seat in seats[::2]:
            await seat.stand_up()
        moved = [
            Sitting(cards.Card(**{**card_fields(seat), "hub": f"http://127.0.0.1:{second.port}"}), seat.outbox)
            for seat in seats[::2]
        ]
        everybody = [*seats[1::2], *moved]
        async with busy(everybody):
            await until(lambda: all(seat.acknowledged >= 10 for seat in everybody))
            redis.kill()
            acknowledged = {seat.card.seat: seat.acknowledged for seat in everybody}
            done = {seat.card.seat: len(seat.outbox.events) for seat in everybody}
            await until(lambda: all(len(s.outbox.events) > done[s.card.seat] + 5 for s in everybody))  # all work on
            redis.start()
            await until(lambda: all(s.acknowledged > acknowledged[s.card.seat] for s in everybody), 60)
            first.kill()
            stays = [seat for seat in everybody if seat in moved]
            now = {seat.card.seat: seat.acknowledged for seat in stays}
            await until(lambda: all(seat.acknowledged > now[seat.card.seat] + 5 for seat in stays))
            await asyncio.to_thread(first.start)
        await settled(everybody)
        log = RedisLog(redis.url, "r1")
        records, cursor = await log.read()
        while more := (await log.read(cursor))[0]:
            records += more
            cursor = (await log.read(cursor))[1]
        for seat in everybody:
            assert sorted(kept(records, seat.card.seat)) == list(range(1, len(seat.outbox.events) + 1))
            assert acknowledged[seat.card.seat] <= len(seat.outbox.events)
            await seat.stand_up()
        await log.close()
        # Both hubs show the same room, whichever the instructor is connected to.
        rows = []
        for hub in (first, second):
            board = await open_socket(f"ws://127.0.0.1:{hub.port}/ws", "instructor", "Kim", SECRET)
            full = await wait_for(board, "full")
            rows.append([(row["name"], row["tries"], row["steps"]) for row in full["board"]["seats"]])
            await board.close()
        assert rows[0] == rows[1]
    finally:
        first.kill()
        second.kill()
        redis.remove()


def card_fields(seat: Sitting) -> dict[str, str]:
    return {name: getattr(seat.card, name) for name in seat.card.__struct_fields__}


class Wire:
    """A network between seats and hub that can be cut: nothing passes, and nobody is told."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.up = asyncio.Event()
        self.up.set()
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.up.wait()
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers += [writer, far_writer]
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                await self.up.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


async def test_a_network_cut_and_healed_under_load(tmp_path: Path) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as hub, Wire(hub.port) as wire:
        seats = await seated(f"http://127.0.0.1:{wire.port}", hub.hub.door.code, alive=0.4)
        async with busy(seats):
            await until(lambda: all(seat.acknowledged > 5 for seat in seats))
            wire.up.clear()
            await until(lambda: not any(seat.link.status.connected for seat in seats))
            assert all(seat.link.status.trouble for seat in seats)
            before = [len(seat.outbox.events) for seat in seats]
            await until(lambda: all(len(s.outbox.events) > n + 20 for s, n in zip(seats, before, strict=True)))
            wire.up.set()
        await settled(seats)
        for seat in seats:
            await until(lambda s=seat: hub.hub.room.seat(s.card.seat).have(s.outbox.stream) == len(s.outbox.events))  # type: ignore[misc]
            steps = hub.hub.room.seat(seat.card.seat).steps["docker-run", "first"]
            assert steps.tries == len(seat.outbox.events)
            await seat.stand_up()


async def test_a_full_disk_at_the_hub_is_no_acknowledgement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as hub:
        seats = [await sit(hub.http, hub.hub.door.code, "Ada")]
        await until(lambda: seats[0].link.status.connected)
        whole = hub.hub.log.append

        async def full(_: object) -> None:
            raise LogDown("database or disk is full")

        monkeypatch.setattr(hub.hub.log, "append", full)
        seats[0].do(TRIED, time.time())
        await until(lambda: not seats[0].link.status.connected)
        assert seats[0].acknowledged == 0
        monkeypatch.setattr(hub.hub.log, "append", whole)
        await settled(seats)
        await seats[0].stand_up()
