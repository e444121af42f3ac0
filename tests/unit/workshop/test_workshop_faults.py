"""Whatever breaks, nothing that was acknowledged is lost and nothing is doubled."""

from __future__ import annotations

import asyncio
import contextlib
import socket as sockets
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.workshop.hub_process import HubProcess
from tests.unit.workshop.hubs import SECRET, instruct, open_socket, serving, until, wait_for
from tests.unit.workshop.redis_server import NEEDED, RedisServer
from tests.unit.workshop.rooms import QUESTION
from tests.unit.workshop.seats import Sitting, sit
from tutor.learner.events import ChapterOpened, StepBegun, StepTried, WorkshopLeft
from tutor.learner.journal import Journal
from tutor.problems import Problem
from tutor.workshop import cards, client
from tutor.workshop.client import Link, Status
from tutor.workshop.events import Did, PollOpened, Record, SeatAllowed
from tutor.workshop.log import LogDown
from tutor.workshop.log_redis import RedisLog
from tutor.workshop.log_sqlite import SqliteLog, read_file
from tutor.workshop.outbox import JournalOutbox

TRIED = StepTried(chapter="docker-run", item="first", findings=1, mistake="no-name")
SEATS = 12


def free_port() -> int:
    with sockets.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


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
            await asyncio.sleep(0.3)  # they go on working meanwhile
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


# -- one learner with a real journal ----------------------------------------------------------------------------------
async def stay(card: cards.Card, journal: Path, told: list[Status]) -> tuple[Link, asyncio.Task[None]]:
    link = Link(card, JournalOutbox(Journal(journal), card.room), told.append)
    return link, asyncio.create_task(link.run())


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_only_what_belongs_to_the_workshop_is_sent_from_joining_to_leaving(home: Path, tmp_path: Path) -> None:
    path = home / "data" / "journal.sqlite3"
    begun = StepBegun(chapter="docker-run", item="first")
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as hub:
        with Journal(path) as journal:
            journal.append(begun)  # before: nobody's business
            link = f"{hub.http}/{hub.hub.door.code.lower()}"
            card = await asyncio.to_thread(client.take_seat, link, "Ada", journal)
            told: list[Status] = []
            connection, task = await stay(card, path, told)
            journal.append(StepBegun(chapter="why-docker", item="first"))  # not a chapter of this workshop
            journal.append(TRIED)
            journal.append(client.hand(card, True))
            connection.poke()
            seat = hub.hub.room.seat(card.seat)
            await until(lambda: seat.hand.value)
            assert list(seat.steps) == [("docker-run", "first")]
            assert seat.steps["docker-run", "first"].tries == 1
            client.leave(card, journal)
            journal.append(TRIED)
            sent = sum(len(got) for got in seat.got.values())
            connection.poke()
            await until(lambda: connection._outbox.left)  # type: ignore[attr-defined]
            assert cards.current() is None
            await stop(task)
            # Coming back: the same seat, and nothing of the time between.
            again = await asyncio.to_thread(client.take_seat, link, "Somebody else", journal)
            assert (again.seat, again.name) == (card.seat, "Ada")
            _, task = await stay(again, path, told)
            journal.append(ChapterOpened(chapter="docker-run"))
            await until(lambda: sum(len(got) for got in seat.got.values()) == sent + 1)
            assert seat.steps["docker-run", "first"].tries == 1
            await stop(task)


async def test_two_hours_without_network_and_another_address_of_the_hub(home: Path, tmp_path: Path) -> None:
    path, log = home / "data" / "journal.sqlite3", tmp_path / "room.sqlite3"
    with Journal(path) as journal:
        async with serving(SqliteLog(log)) as hub:
            card = await asyncio.to_thread(client.take_seat, f"{hub.http}/{hub.hub.door.code}", "Ada", journal)
        # No hub at all now; the learner goes on, and the tutor is closed and opened meanwhile.
        told: list[Status] = []
        link, task = await stay(card, path, told)
        for _ in range(250):
            journal.append(TRIED)
        await until(lambda: bool(told) and "cannot be reached" in told[-1].trouble)
        assert not link.status.connected
        await stop(task)
        async with serving(SqliteLog(log)) as hub:  # on another port
            moved = await asyncio.to_thread(client.take_seat, hub.http, "Ada", journal)
            assert moved.seat == card.seat and moved.hub == hub.http
            _, task = await stay(moved, path, told)
            await until(lambda: _tries(hub.hub.room.seat(card.seat)) == 250)
            assert [seat.name.value for seat in hub.hub.room.members()] == ["Ada"]
            await stop(task)


def _tries(seat: object) -> int:
    return sum(work.tries for work in seat.steps.values())  # type: ignore[attr-defined]


async def test_late_joining_sees_what_is_open(home: Path, tmp_path: Path) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as hub:
        board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
        await instruct(board, PollOpened(poll="p1", round=1, question=QUESTION))
        with Journal(home / "data" / "journal.sqlite3") as journal:
            card = await asyncio.to_thread(client.take_seat, f"{hub.http}/{hub.hub.door.code}", "Late", journal)
            told: list[Status] = []
            link, task = await stay(card, journal.path, told)
            await until(lambda: link.status.common is not None)
            assert link.status.common is not None and link.status.common.poll is not None
            journal.append(client.answer(card, "p1", 1, ("left",)))
            link.poke()
            await until(lambda: link.status.you is not None and link.status.you.answers == {"1": ("left",)})
            await instruct(board, SeatAllowed(seat=card.seat, allowed=False))
            await until(lambda: "closed your seat" in link.status.trouble)
            assert link.status.ended == ""  # it asks again, should the instructor let it in
            await stop(task)
        await board.close()


async def test_the_seat_opened_elsewhere_ends_this_one_for_good(home: Path, tmp_path: Path) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as hub:
        with Journal(home / "data" / "journal.sqlite3") as journal:
            card = await asyncio.to_thread(client.take_seat, f"{hub.http}/{hub.hub.door.code}", "Ada", journal)
            first, task = await stay(card, journal.path, [])
            await until(lambda: first.status.connected)
            second, other = await stay(card, journal.path, [])
            await until(lambda: second.status.connected)
            await asyncio.wait_for(task, 30)
            assert "another place" in first.status.ended
            await stop(other)


def test_what_is_wrong_with_a_link_is_told(home: Path) -> None:
    with Journal(home / "data" / "journal.sqlite3") as journal:
        for link, code in (
            ("http://", "no-link"),
            ("ftp://x/AAAAAA", "no-link"),
            (f"127.0.0.1:{free_port()}/AAAAAA", "no-hub"),
        ):
            with pytest.raises(Problem) as told:
                client.take_seat(link, "Ada", journal)
            assert told.value.code == code, link


async def test_the_wrong_code_and_no_code_are_told(home: Path, tmp_path: Path) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as hub:
        with Journal(home / "data" / "journal.sqlite3") as journal:
            for link, code in ((hub.http, "no-code"), (f"{hub.http}/AAAAAA", "wrong-code")):
                with pytest.raises(Problem) as told:
                    await asyncio.to_thread(client.take_seat, link, "Ada", journal)
                assert told.value.code == code
            assert list(journal.entries()) == []


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


def test_leaving_is_an_event_of_the_journal(home: Path) -> None:
    card = cards.Card(hub="http://x", room="r1", title="", seat="s1", name="Ada", key="k")
    with Journal(home / "data" / "journal.sqlite3") as journal:
        client.leave(card, journal)
        assert list(journal.entries()) == []  # never joined: nothing to leave
        from tutor.learner.events import WorkshopJoined

        journal.append(WorkshopJoined(chapter="", item="r1", seat="s1"))
        client.leave(card, journal)
        assert isinstance(list(journal.entries())[-1].event, WorkshopLeft)
