"""The journal: append-only events in SQLite.

One file, safe for several tutors at once and for a process that is killed at any moment (WAL; every append is one
transaction). When the disk is full or the file cannot be written, events are kept in memory, the learner is told,
and they are written as soon as that works again. A file of a newer tutor is refused and left untouched.

Sources: https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_user_version.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import msgspec

from tutor import places
from tutor.learner.events import AnyEvent, Entry
from tutor.problems import Problem

VERSION = 2
"""The schema's version, kept in `user_version`."""

_MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        at REAL NOT NULL,
        kind TEXT NOT NULL,
        chapter TEXT NOT NULL,
        item TEXT NOT NULL,
        data BLOB NOT NULL
    ) STRICT;
    CREATE INDEX event_by_chapter ON event (chapter, seq);
    CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
        BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;
    CREATE TRIGGER event_is_never_removed BEFORE DELETE ON event
        BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;
    """,
    # What is worked out of the events, so that a long journal opens fast. It may be emptied at any time.
    """
    CREATE TABLE derived (name TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;
    CREATE TABLE derived_item (
        chapter TEXT NOT NULL,
        item TEXT NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (chapter, item)
    ) STRICT, WITHOUT ROWID;
    """,
)
_INSERT = "INSERT INTO event (id, at, kind, chapter, item, data) VALUES (?, ?, ?, ?, ?, ?)"
_WAIT = 5.0  # seconds to wait for another tutor's transaction

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AnyEvent).decode


class Journal:
    """Append events, read them back.

    Args:
        path: The file; made when it is missing. Default: `journal.sqlite3` in the data folder.
        clock: Seconds since the epoch.

    Raises:
        Problem: `journal-newer` when a newer tutor wrote the file, `journal-damaged` when it is no journal.
    """

    def __init__(self, path: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.path = path or places.data() / "journal.sqlite3"
        self.trouble = ""
        """Why events are not on disk now, in words; empty when they are."""
        self._clock = clock
        self._lock = threading.RLock()
        self._waiting: list[tuple[str, float, AnyEvent]] = []
        self._database: sqlite3.Connection | None = None
        self._open()

    def append(self, event: AnyEvent) -> str:
        """Keep an event; its id. Never raises for a full or read-only disk (see `trouble`)."""
        identity = uuid.uuid4().hex
        with self._lock:
            self._waiting.append((identity, self._clock(), event))
            self._write()
        return identity

    def now(self) -> float:
        """The journal's clock: seconds since the epoch."""
        return self._clock()

    def entries(self, chapter: str | None = None, after: int = 0) -> Iterator[Entry]:
        """Events in order, of one chapter or of all, with `seq` above `after`; unwritten ones come last."""
        written, waiting = self.since(after, chapter)
        yield from written
        yield from waiting

    def since(self, after: int = 0, chapter: str | None = None) -> tuple[list[Entry], list[Entry]]:
        """Events with `seq` above `after`: those on disk, and those that wait for it (their `seq` may change)."""
        with self._lock:
            query = "SELECT seq, id, at, data FROM event WHERE seq > ?"
            values: tuple[object, ...] = (after,)
            if chapter is not None:
                query, values = f"{query} AND chapter = ?", (after, chapter)
            rows = self._select(f"{query} ORDER BY seq", values)
            waiting = [w for w in self._waiting if chapter in (None, w[2].chapter)]
        written = [Entry(seq=seq, id=identity, at=at, event=_decode(data)) for seq, identity, at, data in rows]
        last = written[-1].seq if written else after
        return written, [
            Entry(seq=last + offset, id=identity, at=at, event=event)
            for offset, (identity, at, event) in enumerate(waiting, 1)
        ]

    def take_in(self, entries: Iterable[Entry]) -> int:
        """Merge entries of another journal, all or none; those that are here already are passed over.

        Returns:
            How many were new.

        Raises:
            Problem: `cannot-write`.
        """
        rows = [_row(entry.id, entry.at, entry.event) for entry in entries]
        with self._lock:
            try:
                if self._database is None:
                    self._database = self._connect()
                with _transaction(self._database):
                    before = self._database.total_changes
                    self._database.executemany(_INSERT.replace("INSERT", "INSERT OR IGNORE", 1), rows)
                    new = self._database.total_changes - before
                    # What was worked out does not hold any more: these events may be older than all others.
                    self._database.execute("DELETE FROM derived")
            except (sqlite3.Error, OSError) as error:
                raise Problem(
                    f"{self.path} cannot be written ({error}).", "Nothing was changed. Try again.", code="cannot-write"
                ) from error
        return new

    def derived(self) -> tuple[bytes, list[bytes]] | None:
        """What was worked out of the events and kept: the head, and the records; None where nothing is."""
        with self._lock:
            head = self._select("SELECT data FROM derived WHERE name = 'memory'", ())
            return (head[0][0], [row[0] for row in self._select("SELECT data FROM derived_item", ())]) if head else None

    def keep_derived(self, head: bytes, items: Mapping[tuple[str, str], bytes | None], *, all_of_them: bool) -> None:
        """Keep what was worked out; where that cannot be written, it is worked out again the next time.

        Args:
            items: By chapter and item; None removes.
            all_of_them: Whether these are all there are; else the others stay.
        """
        gone = [key for key, data in items.items() if data is None]
        kept = [(*key, data) for key, data in items.items() if data is not None]
        with self._lock, suppress(sqlite3.Error):
            if self._database is None:
                return
            with _transaction(self._database):
                if all_of_them:
                    self._database.execute("DELETE FROM derived_item")
                self._database.executemany("DELETE FROM derived_item WHERE chapter = ? AND item = ?", gone)
                self._database.executemany("INSERT OR REPLACE INTO derived_item VALUES (?, ?, ?)", kept)
                self._database.execute("INSERT OR REPLACE INTO derived VALUES ('memory', ?)", (head,))

    def _select(self, query: str, values: tuple[object, ...]) -> list[Any]:
        try:
            return self._database.execute(query, values).fetchall() if self._database else []
        except sqlite3.DatabaseError as error:
            raise _damaged(self.path) from error

    def close(self) -> None:
        """Write what waits, if it can be written, and let go of the file."""
        with self._lock:
            if self._waiting:
                self._write()
            if self._database is not None:
                self._database.close()
                self._database = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        if self.path.exists() and self.path.stat().st_size:
            self._refuse_foreign()
        try:
            self._database = self._connect()
        except sqlite3.OperationalError as error:
            self._database = None
            self._tell(error)
        except sqlite3.DatabaseError as error:
            raise _damaged(self.path) from error

    def _refuse_foreign(self) -> None:
        """Look at the version before anything could be written."""
        try:
            with sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAIT) as peek:
                version = int(peek.execute("PRAGMA user_version").fetchone()[0])
            peek.close()
        except sqlite3.OperationalError:
            return  # cannot be opened for now (locked, no permission): `_connect` tells why
        except sqlite3.DatabaseError as error:
            raise _damaged(self.path) from error
        if version > VERSION:
            raise Problem(
                f"Your journal was written by a newer docker-tutor (format {version}; this one knows {VERSION}).",
                f"Upgrade docker-tutor, or set DOCKER_TUTOR_HOME to start another journal; {self.path} is untouched.",
                code="journal-newer",
            )

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("BEGIN IMMEDIATE")
            version = int(database.execute("PRAGMA user_version").fetchone()[0])
            for number, script in enumerate(_MIGRATIONS[version:], version + 1):
                for statement in _statements(script):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {number}")
            database.execute("COMMIT")
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _write(self) -> None:
        try:
            if self._database is None:
                self._database = self._connect()
            with _transaction(self._database):
                self._database.executemany(_INSERT, [_row(*waiting) for waiting in self._waiting])
        except (sqlite3.Error, OSError) as error:
            self._tell(error)
        else:
            self._waiting.clear()
            self.trouble = ""

    def _tell(self, error: Exception) -> None:
        text = str(error)
        if "full" in text or "No space" in text:
            why = f"The disk that holds {self.path} is full."
        elif "locked" in text or "busy" in text:
            why = f"Another program holds {self.path}."
        else:
            why = f"{self.path} cannot be written ({text})."
        self.trouble = f"{why} What you do now is kept in memory and written as soon as that works."


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK; sqlite3's own context manager does not begin."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _row(identity: str, at: float, event: AnyEvent) -> tuple[object, ...]:
    return identity, at, type(event).__struct_config__.tag, event.chapter, event.item, _encode(event)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one (`executescript` would commit before each script)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _damaged(path: Path) -> Problem:
    return Problem(
        f"{path} is not a journal, or it is damaged.",
        f"Move it away (mv {path} {path}.damaged) and start again; nothing was changed in it.",
        code="journal-damaged",
    )
