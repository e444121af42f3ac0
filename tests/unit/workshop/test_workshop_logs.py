"""Both log stores keep the same promises."""

from __future__ import annotations

import asyncio
import contextlib
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.workshop.redis_server import NEEDED, RedisServer
from tests.unit.workshop.rooms import record
from tutor.problems import Problem
from tutor.workshop.events import NamesShown, Record, Said
from tutor.workshop.log import Log, LogDown
from tutor.workshop.log_redis import RedisLog
from tutor.workshop.log_sqlite import SqliteLog, read_file

Open = Callable[[], Log]


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=NEEDED)])
async def open_log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the same log again and again, as hubs that follow each other do."""
    if request.param == "sqlite":
        yield lambda: SqliteLog(tmp_path / "room.sqlite3")
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        room = uuid.uuid4().hex
        yield lambda: RedisLog(server.url, room)
        log = RedisLog(server.url, room)
        await log.erase()
        await log.close()


def said(number: int, text: str = "hello") -> Record:
    return record(number, Said(text=text), by="i:Kim")


async def everything(log: Log) -> list[Record]:
    found, cursor = await log.read()
    while True:
        more, cursor = await log.read(cursor)
        if not more:
            return found
        found += more


async def test_keeps_order_and_goes_on_from_a_cursor(open_log: Open) -> None:
    log = open_log()
    await log.append([said(1), said(2)])
    first, cursor = await log.read()
    await log.append([said(3)])
    assert [r.id for r in first] == ["r1", "r2"]
    assert [r.id for r in (await log.read(cursor))[0]] == ["r3"]
    await log.close()
    again = open_log()
    assert await everything(again) == [said(1), said(2), said(3)]
    await again.close()


async def test_the_same_id_is_kept_once(open_log: Open) -> None:
    log = open_log()
    await log.append([said(1), said(1, "other")])
    await log.append([said(1, "third"), said(2)])
    assert [(r.id, r.body) for r in await everything(log)] == [("r1", Said(text="hello")), ("r2", Said(text="hello"))]
    await log.close()


async def test_a_reader_that_waits_is_woken(open_log: Open) -> None:
    log = open_log()
    assert await log.read(wait=0.05) == ([], "")
    waiting = asyncio.create_task(log.read(wait=20))
    await asyncio.sleep(0)
    await log.append([said(1)])
    assert [r.id for r in (await waiting)[0]] == ["r1"]
    await log.close()


async def test_hundreds_at_once_are_all_kept(open_log: Open) -> None:
    log = open_log()
    await asyncio.gather(*(log.append([said(2 * n), said(2 * n + 1)]) for n in range(300)))
    found = await everything(log)
    assert {r.id for r in found} == {f"r{n}" for n in range(600)}
    assert len(found) == 600
    await log.close()


async def test_long_logs_are_read_in_pages(open_log: Open) -> None:
    log = open_log()
    await log.append([said(n) for n in range(4100)])
    assert len((await log.read())[0]) < 4100
    assert len(await everything(log)) == 4100
    await log.close()


async def test_the_first_offer_is_settled(open_log: Open) -> None:
    log = open_log()
    assert await log.settle("code", "ABC") == "ABC"
    assert await log.settle("code", "XYZ") == "ABC"
    await log.close()
    again = open_log()
    assert await again.settle("code", "QQQ") == "ABC"
    await again.close()


async def test_hubs_that_live_are_known(open_log: Open) -> None:
    log = open_log()
    await log.beat("h1", 60)
    await log.beat("h2", 60)
    assert await log.hubs() == {"h1", "h2"}
    await log.beat("h2", 0)
    assert await log.hubs() == {"h1"}
    await log.close()


async def test_erased_means_nothing_is_left(open_log: Open) -> None:
    log = open_log()
    await log.append([said(1)])
    await log.settle("code", "ABC")
    await log.erase()
    await log.close()
    again = open_log()
    assert await everything(again) == []
    assert await again.settle("code", "NEW") == "NEW"
    await again.close()


_WRITER = """
import asyncio, sys
from pathlib import Path
from tutor.workshop.events import Record, NamesShown
from tutor.workshop.log_sqlite import SqliteLog
from tutor.workshop.log_redis import RedisLog
async def main():
    log = SqliteLog(Path(sys.argv[2])) if sys.argv[1] == "sqlite" else RedisLog(sys.argv[2], "killed")
    n = 0
    while True:
        batch = [Record(id=f"{n + i}", at=1.0, by="hub", body=NamesShown(on=True)) for i in range(3)]
        await log.append(batch)
        n += 3
        print(n, flush=True)
asyncio.run(main())
"""


def _killed_writer(kind: str, place: str, enough: int) -> int:
    """Let another process append until it is killed with SIGKILL; how many it had been told are kept."""
    with subprocess.Popen([sys.executable, "-c", _WRITER, kind, place], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = 0
        while acknowledged < enough:
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        for line in writer.stdout:
            if line.endswith("\n"):
                acknowledged = int(line)
        return acknowledged


async def test_sqlite_loses_nothing_acknowledged_when_killed(tmp_path: Path) -> None:
    path = tmp_path / "room.sqlite3"
    acknowledged = _killed_writer("sqlite", str(path), 60)
    log = SqliteLog(path)  # the dead process's hold on it is gone
    ids = {r.id for r in await everything(log)}
    await log.close()
    assert ids >= {str(n) for n in range(acknowledged)}
    assert len(ids) % 3 == 0


@NEEDED
async def test_redis_killed_and_started_again_loses_nothing_acknowledged() -> None:
    server = RedisServer()
    try:
        server.start()
        log = RedisLog(server.url, "killed")
        acknowledged = 0
        enough = asyncio.Event()

        async def write() -> None:
            nonlocal acknowledged
            while True:
                await log.append([said(acknowledged), said(acknowledged + 1)])
                acknowledged += 2
                if acknowledged >= 100:
                    enough.set()

        writer = asyncio.create_task(write())
        await enough.wait()
        server.kill()
        with pytest.raises(LogDown):
            await writer
        with pytest.raises(LogDown):
            await log.read(wait=0.1)
        server.start()
        deadline = time.monotonic() + 20
        ids: set[str] = set()
        while not ids:
            with contextlib.suppress(LogDown):
                ids = {r.id for r in await everything(log)}
            assert time.monotonic() < deadline
        assert ids >= {f"r{n}" for n in range(acknowledged)}
        assert len(ids) % 2 == 0  # a batch whole, or not at all
        await log.close()
    finally:
        server.remove()


async def test_sqlite_file_is_private_and_has_one_hub(tmp_path: Path) -> None:
    path = tmp_path / "rooms" / "room.sqlite3"
    log = SqliteLog(path)
    await log.append([record(1, NamesShown(on=True))])
    for one in path.parent.iterdir():
        assert stat.S_IMODE(one.stat().st_mode) == 0o600, one
    with pytest.raises(Problem) as refused:
        SqliteLog(path)
    assert refused.value.code == "room-served"
    assert [r.id for r in read_file(path)] == ["r1"]
    await log.close()


def test_sqlite_refuses_what_is_no_log(tmp_path: Path) -> None:
    path = tmp_path / "room.sqlite3"
    path.write_text("this is a text and no database at all, and long enough to be looked at as one" * 20)
    with pytest.raises(Problem) as refused:
        SqliteLog(path)
    assert refused.value.code == "room-damaged"
    with pytest.raises(Problem) as missing:
        read_file(tmp_path / "none.sqlite3")
    assert missing.value.code == "no-room"
