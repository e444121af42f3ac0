"""The trace: every API call of a lab, in memory, on disk, and live.

On disk it is JSON Lines: a call is written when it begins (status null) and again, with the same id, when it ends.
The file is bounded: at 4 MiB it becomes `<name>.1`, replacing the one before.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

_KEEP = 4000
_ROTATE = 4 << 20


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One API call.

    Attributes:
        id: Ascending within a lab, also over restarts of the tutor.
        at: When it came, seconds since 1970.
        method: `POST`.
        path: Decoded path without the API version.
        template: The endpoint's name: `POST /containers/{id}/start`; empty for what is no endpoint.
        version: API version of the path, None when it names none.
        query: Parameters, first values.
        words: What it asks for, in plain words; names in backquotes.
        status: HTTP status; None while it runs.
        duration_ms: None while it runs.
        sent: Bytes of the request's body (or of the client's side of a stream).
        received: Bytes of the answer's body (or of the engine's side of a stream).
        command: The command that asked, when it can be told: `docker run -d nginx`.
        program: The client: `docker`, `docker-compose`, `curl`, `python3`.
        objects: Ids or names of the objects it is about.
        refusal: Why the sandbox refused it; None when it did not.
        body: The request's JSON without secrets, at most 64 KiB; None when there was none.
    """

    id: int
    at: float
    method: str
    path: str
    template: str = ""
    version: str | None = None
    query: dict[str, str] = {}
    words: str = ""
    status: int | None = None
    duration_ms: float | None = None
    sent: int = 0
    received: int = 0
    command: str | None = None
    program: str | None = None
    objects: tuple[str, ...] = ()
    refusal: str | None = None
    body: Any = None


class Trace:
    """The calls of one lab; may be read from any thread.

    Args:
        path: The JSON Lines file, continued when it exists; None keeps the trace in memory only.
        keep: Calls in memory.
    """

    def __init__(self, path: Path | None = None, keep: int = _KEEP) -> None:
        self._path = path
        self._most = keep
        self._lock = threading.Lock()
        self._calls: OrderedDict[int, Call] = OrderedDict()
        self._subscribers: list[Callable[[Call], None]] = []
        self._encoder = msgspec.json.Encoder()
        self._file: BinaryIO | None = None
        self._next = 1
        self._size = 0
        if path is not None:
            for call in read(path):
                self._keep(call)
            self._next = max(self._calls, default=0) + 1
            self._open(path)

    def new_id(self) -> int:
        """The id for a call that begins."""
        with self._lock:
            self._next += 1
            return self._next - 1

    def put(self, call: Call) -> None:
        """Record a call, or the later state of one."""
        with self._lock:
            self._keep(call)
            self._write(call)
            subscribers = tuple(self._subscribers)
        for callback in subscribers:
            callback(call)

    def subscribe(self, callback: Callable[[Call], None]) -> Callable[[], None]:
        """Hear of every call when it begins and when it ends, in the sandbox's thread; be quick.

        Returns:
            A function that ends the subscription.
        """
        with self._lock:
            self._subscribers.append(callback)

        def unsubscribe() -> None:
            with self._lock:
                if callback in self._subscribers:
                    self._subscribers.remove(callback)

        return unsubscribe

    def calls(self, since: int = 0) -> tuple[Call, ...]:
        """The calls with an id greater than `since`, in the order they came (the last `keep`, 4000 mostly)."""
        with self._lock:
            return tuple(call for call in self._calls.values() if call.id > since)

    @property
    def last(self) -> int:
        """Id of the newest call, 0 when there is none: what to give to `calls` later."""
        with self._lock:
            return self._next - 1

    def in_flight(self) -> tuple[Call, ...]:
        """The calls under way."""
        with self._lock:
            return tuple(call for call in self._calls.values() if call.status is None)

    def close(self) -> None:
        """Close the file; the calls stay readable."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _keep(self, call: Call) -> None:
        self._calls[call.id] = call
        while len(self._calls) > self._most:
            self._calls.popitem(last=False)

    def _open(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = path.open("ab", buffering=0)
        path.chmod(0o600)
        self._size = path.stat().st_size

    def _write(self, call: Call) -> None:
        if self._file is None or self._path is None:
            return
        line = self._encoder.encode(call) + b"\n"
        try:
            self._file.write(line)
            self._size += len(line)
            if self._size > _ROTATE:
                self._file.close()
                self._path.replace(self._path.with_name(self._path.name + ".1"))
                self._open(self._path)
        except OSError:
            # A full disk must not end the learner's session; the trace goes on in memory.
            self._file = None


def read(path: Path) -> tuple[Call, ...]:
    """The calls of a trace file and of the one before it, each in its latest state."""
    calls: dict[int, Call] = {}
    for part in (path.with_name(path.name + ".1"), path):
        try:
            data = part.read_bytes()
        except OSError:
            continue
        for line in data.splitlines():
            call = _parse(line)
            if call is not None:
                calls[call.id] = call
    return tuple(calls[key] for key in sorted(calls))


def follow(path: Path, stop: Callable[[], bool] = lambda: False, every: float = 0.1) -> Iterator[Call]:
    """Calls as another process writes them: first what is there, then what comes.

    Args:
        path: The trace file; it need not exist yet.
        stop: Asked whenever there is nothing new.
        every: Seconds between two looks at the file; no portable API tells of appended lines.

    Yields:
        Each call when it begins and again when it ends.
    """
    # Opened first: a call written between the two steps is told twice, and none is lost.
    stream, rest = _reopen(path, None)
    if stream is not None:
        stream.seek(0, 2)
    yield from read(path)
    waiting = threading.Event()
    while True:
        data = stream.read() if stream is not None else b""
        if data:
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                call = _parse(line)
                if call is not None:
                    yield call
            continue
        if stop():
            break
        waiting.wait(every)
        if stream is None or not _same(stream, path):
            stream, rest = _reopen(path, stream)
    if stream is not None:
        stream.close()


def _reopen(path: Path, old: BinaryIO | None) -> tuple[BinaryIO | None, bytes]:
    try:
        new = path.open("rb")
    except OSError:
        return old, b""
    if old is not None:
        old.close()
    return new, b""


def _same(stream: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except OSError:
        return True


def _parse(line: bytes) -> Call | None:
    try:
        return msgspec.json.decode(line, type=Call)
    except msgspec.DecodeError:
        return None


def now() -> float:
    """The wall clock, seconds since 1970."""
    return time.time()
