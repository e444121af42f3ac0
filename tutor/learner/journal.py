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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import msgspec

from tutor import places
from tutor.learner.events import AnyEvent, Entry
from tutor.problems import Problem

VERSION = 1
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
)
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

    def append(self, event: AnyEvent) -> None:
        """Keep an event; never raises for a full or read-only disk (see `trouble`)."""
        with self._lock:
            self._waiting.append((uuid.uuid4().hex, self._clock(), event))
            self._write()

    def entries(self, chapter: str | None = None, after: int = 0) -> Iterator[Entry]:
        """Events in order, of one chapter or of all, with `seq` above `after`; unwritten ones come last."""
        with self._lock:
            query = "SELECT seq, id, at, data FROM event WHERE seq > ?"
            values: tuple[object, ...] = (after,)
            if chapter is not None:
                query, values = f"{query} AND chapter = ?", (after, chapter)
            try:
                rows = self._database.execute(f"{query} ORDER BY seq", values).fetchall() if self._database else []
            except sqlite3.DatabaseError as error:
                raise _damaged(self.path) from error
            waiting = [w for w in self._waiting if chapter in (None, w[2].chapter)]
        last = after
        for seq, identity, at, data in rows:
            last = seq
            yield Entry(seq=seq, id=identity, at=at, event=_decode(data))
        for offset, (identity, at, event) in enumerate(waiting, 1):
            yield Entry(seq=last + offset, id=identity, at=at, event=event)

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
                self._database.executemany(
                    "INSERT INTO event (id, at, kind, chapter, item, data) VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        (identity, at, type(e).__struct_config__.tag, e.chapter, e.item, _encode(e))
                        for identity, at, e in self._waiting
                    ],
                )
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
