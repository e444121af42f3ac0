"""Scripts of a lesson, run in the lab's environment as a learner would type them."""

from __future__ import annotations

import codecs
import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tutor.lab import shell
from tutor.problems import Problem

KEPT = 256 * 1024
"""Bytes of output that are kept: the first and the last half of it."""

_GRACE = 2.0
"""Seconds between asking a group of processes to end and ending it."""

_DRAIN = 0.25
"""Seconds to wait for output of what a script left running in the background."""


@dataclass(frozen=True)
class Completed:
    """How a script ended.

    Attributes:
        exit_code: Its exit status; -N when signal N ended it.
        output: What it printed, stdout and stderr together as a terminal shows them; the middle of very much is cut.
        timed_out: It was ended at its time limit.
        seconds: How long it took.
        left_running: Something that it started runs on in the background.
    """

    exit_code: int
    output: str
    timed_out: bool
    seconds: float
    left_running: bool = False


class Runner:
    """Runs scripts in one lab, and knows what they left running, so that closing can end it."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._busy: set[int] = set()
        self._lock = threading.Lock()

    def run(
        self,
        script: str,
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout: float,
        input: str | None = None,
        on_output: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run a script with plain bash, without a terminal.

        Args:
            script: What a learner would type.
            cwd: The lab's workspace.
            env: The lab's environment.
            timeout: Seconds until the script and all it started is ended.
            input: What the script reads; nothing when left out.
            on_output: Called with each piece of output as it comes.

        Raises:
            Problem: `no-bash`; `cannot-run`, when bash cannot be started.
        """
        start = time.monotonic()
        try:
            process = subprocess.Popen(
                [shell.bash(), "--noprofile", "--norc", "-c", script],
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # A session of its own: a Ctrl-C at the tutor is the tutor's, and the limit ends everything at once.
                start_new_session=True,
            )
        except OSError as error:
            raise Problem(
                f"The lab's shell cannot be started: {error.strerror or error}.",
                "See whether bash runs and the lab's folder is there.",
                code="cannot-run",
            ) from error
        with self._lock:
            self._groups.add(process.pid)
            self._busy.add(process.pid)
        kept = _Kept(on_output)
        try:
            timed_out = _attend(process, kept, input, start + timeout)
            if timed_out:
                end_group(process.pid, process)
            code = process.wait()
        except BaseException:
            end_group(process.pid, process)
            process.wait()
            raise
        finally:
            if process.stdout:
                process.stdout.close()
            lives = _group_lives(process.pid)
            with self._lock:
                self._busy.discard(process.pid)
                if not lives:
                    self._groups.discard(process.pid)
        return Completed(code, kept.text(), timed_out, time.monotonic() - start, lives)

    def end_all(self, running: bool = False) -> None:
        """End what scripts have left running in the background.

        Args:
            running: End scripts that run right now too.
        """
        with self._lock:
            busy = set(self._busy)
            groups = self._groups if running else self._groups - busy
            self._groups = self._groups - groups
        for group in groups:
            if group in busy or not _process_lives(group):
                end_group(group)


def end_group(group: int, leader: subprocess.Popen[bytes] | None = None) -> None:
    """Ask a group of processes to end, and end it after a short while.

    Args:
        group: The group's number.
        leader: Its first process, when it is a child that was not waited for yet.
    """
    if not _signal(group, signal.SIGTERM):
        return
    deadline = time.monotonic() + _GRACE
    while time.monotonic() < deadline:
        if leader is not None:
            leader.poll()
        if not _group_lives(group):
            return
        # There is nothing to wait on for processes that are not our children.
        time.sleep(0.02)
    _signal(group, signal.SIGKILL)


def _attend(process: subprocess.Popen[bytes], kept: _Kept, input: str | None, deadline: float) -> bool:
    """Read output and feed input until the script has ended; whether the deadline came first."""
    assert process.stdout is not None
    out = process.stdout.fileno()
    os.set_blocking(out, False)
    pending = memoryview((input or "").encode())
    with selectors.DefaultSelector() as selector:
        selector.register(out, selectors.EVENT_READ)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin.fileno(), selectors.EVENT_WRITE)
        ended_at: float | None = None
        while selector.get_map().get(out) is not None:
            now = time.monotonic()
            if ended_at is None and process.poll() is not None:
                ended_at = now
            if ended_at is not None and now >= ended_at + _DRAIN:
                break
            if ended_at is None and now >= deadline:
                return True
            for key, _ in selector.select(0.05 if ended_at is None else _DRAIN / 5):
                if key.fd == out:
                    if not _read(out, kept):
                        selector.unregister(out)
                else:
                    pending = _feed(process, pending, selector)
    while process.poll() is None:
        # It has closed its output and works on.
        if time.monotonic() >= deadline:
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.01, deadline - time.monotonic()))
    return False


def _read(out: int, kept: _Kept) -> bool:
    try:
        piece = os.read(out, 65536)
    except BlockingIOError:
        return True
    if piece:
        kept.add(piece)
    return bool(piece)


def _feed(
    process: subprocess.Popen[bytes], pending: memoryview[int], selector: selectors.BaseSelector
) -> memoryview[int]:
    assert process.stdin is not None
    handle = process.stdin.fileno()
    try:
        pending = pending[os.write(handle, pending[:4096]) :] if len(pending) else pending
    except BlockingIOError:
        return pending
    except OSError:
        pending = pending[:0]  # Nobody reads any more.
    if not len(pending):
        selector.unregister(handle)
        with contextlib.suppress(OSError):
            process.stdin.close()
    return pending


class _Kept:
    """The first and the last part of the output, so that a flood takes no memory."""

    def __init__(self, on_output: Callable[[str], None] | None) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._cut = 0
        self._on_output = on_output
        # A character may be split between two pieces.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, piece: bytes) -> None:
        if self._on_output and (text := self._decoder.decode(piece)):
            self._on_output(text)
        room = KEPT // 2 - len(self._head)
        if room > 0:
            self._head += piece[:room]
            piece = piece[room:]
        self._tail += piece
        over = len(self._tail) - KEPT // 2
        if over > 0:
            self._cut += over
            del self._tail[:over]

    def text(self) -> str:
        middle = f"\n… {self._cut} bytes left out …\n".encode() if self._cut else b""
        return bytes(self._head + middle + self._tail).decode("utf-8", "replace")


def _signal(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _group_lives(group: int) -> bool:
    return _signal(group, 0)


def _process_lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
