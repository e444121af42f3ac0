"""A room's log in SQLite: one hub, one file of mode 0600.

Appends that wait at the same time share a transaction (and its fsync), so a class that answers at once costs a few
writes. `synchronous = FULL`: what was acknowledged survives a power cut too (https://www.sqlite.org/pragma.html).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from tutor.problems import Problem
from tutor.workshop._together import Line, Together
from tutor.workshop.events import Record, decode
from tutor.workshop.log import LogDown

P = ParamSpec("P")
T = TypeVar("T")
VERSION = 1
"""The schema's version, kept in `user_version`."""

_SCHEMA = """
BEGIN;
CREATE TABLE record (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, data BLOB NOT NULL) STRICT;
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
PRAGMA user_version = 1;
COMMIT;
"""
_PAGE = 2000  # records of one read


class SqliteLog:
    """A log in a file.

    Args:
        path: The file; made, with mode 0600, when it is missing.

    Raises:
        Problem: `room-served` when another hub has it open, `room-damaged` when it is none, `room-newer` when a newer
            tutor wrote it, `no-folder` when it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held = _hold(path)
        try:
            self._database = _open(path)
        except BaseException:
            os.close(self._held)
            raise
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="room-log")
        self._together = Together(self._write)
        self._news = asyncio.Event()
        self._beats: dict[str, float] = {}

    async def append(self, records: Sequence[Record]) -> None:
        """See `Log.append`."""
        await self._together.append(records)

    async def read(self, after: str = "", *, wait: float = 0.0) -> tuple[list[Record], str]:
        """See `Log.read`."""
        news = self._news
        rows = await self._run(self._select, int(after or 0))
        if not rows and wait > 0:
            try:
                await asyncio.wait_for(news.wait(), wait)
            except TimeoutError:
                return [], after
            rows = await self._run(self._select, int(after or 0))
        return [decode(data) for _, data in rows], str(rows[-1][0]) if rows else after

    async def settle(self, name: str, value: str) -> str:
        """See `Log.settle`."""
        return await self._run(self._settle, name, value)

    async def beat(self, hub: str, seconds: float) -> None:
        """See `Log.beat`; with one hub there is nobody else to tell."""
        self._beats[hub] = time.monotonic() + seconds

    async def hubs(self) -> set[str]:
        """See `Log.hubs`."""
        now = time.monotonic()
        return {hub for hub, until in self._beats.items() if until > now}

    async def erase(self) -> None:
        """See `Log.erase`; the log is closed by it."""
        await self.close()
        for end in ("", "-wal", "-shm", ".lock"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)

    async def close(self) -> None:
        """See `Log.close`."""
        await self._together.settled()
        if self._held >= 0:
            self._thread.shutdown(wait=True)
            self._database.close()
            os.close(self._held)
            self._held = -1

    async def _write(self, lines: list[Line]) -> None:
        await self._run(self._insert, lines)
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _run(self, work: Callable[P, T], *values: P.args, **_: P.kwargs) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *values)
        except (sqlite3.Error, OSError, RuntimeError) as error:
            raise LogDown(f"{self.path} cannot be used ({error}).") from error

    def _insert(self, lines: list[Line]) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany("INSERT OR IGNORE INTO record (id, data) VALUES (?, ?)", lines)
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def _select(self, after: int) -> list[tuple[int, bytes]]:
        query = "SELECT seq, data FROM record WHERE seq > ? ORDER BY seq LIMIT ?"
        return self._database.execute(query, (after, _PAGE)).fetchall()

    def _settle(self, name: str, value: str) -> str:
        self._database.execute("INSERT OR IGNORE INTO setting VALUES (?, ?)", (name, value))
        return str(self._database.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()[0])


def read_file(path: Path) -> list[Record]:
    """All records of a file, whether a hub has it open or not.

    Raises:
        Problem: `no-room` when there is none, `room-damaged`, `room-newer`.
    """
    if not path.is_file():
        raise Problem(f"There is no room in {path}.", "See the rooms: docker-tutor workshop rooms", code="no-room")
    database = _open(path)
    try:
        return [decode(data) for (data,) in database.execute("SELECT data FROM record ORDER BY seq")]
    finally:
        database.close()


def _hold(path: Path) -> int:
    """Take the room for this process; the kernel gives it back when the process dies, however it does."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Problem(f"{path} cannot be made ({error.strerror}).", code="no-folder") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(held)
        raise Problem(
            "Another process hosts this room already.", "End that one first, or start another room.", code="room-served"
        ) from error
    return held


def _open(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    database = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        version = int(database.execute("PRAGMA user_version").fetchone()[0])
        if version == 0:
            database.executescript(_SCHEMA)
    except sqlite3.Error as error:
        database.close()
        raise Problem(f"{path} is not the log of a room, or it is damaged ({error}).", code="room-damaged") from error
    if version > VERSION:
        database.close()
        raise Problem(f"{path} was written by a newer docker-tutor.", "Upgrade docker-tutor.", code="room-newer")
    return database
