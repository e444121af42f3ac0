"""Processes by identity: a pid alone may since have been given to somebody else. Linux only."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
# dockerd, iptables and runc live in folders that a plain user's PATH may lack (`su` keeps it).
_SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


@dataclass(frozen=True)
class Process:
    """One process for as long as it lives.

    Attributes:
        pid: Its number.
        started: When it started, in clock ticks since boot; with the pid this names exactly one process.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has this pid now; None when there is none or it has ended (a zombie has)."""
        stat = _stat(pid)
        # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: field 3 is the state, field 22 the start time.
        return cls(pid, int(stat[19])) if stat and stat[0] not in "ZX" else None

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return Process.of(self.pid) == self

    def wait(self, seconds: float) -> bool:
        """Wait for its end.

        Returns:
            Whether it has ended.
        """
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            stat = _stat(self.pid)
            if stat is None or int(stat[19]) != self.started:
                return True
            # A first thread that has ended is no end: the others still hold ports and files.
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            return bool(poll.poll(seconds * 1000))
        finally:
            os.close(handle)

    def end(self, grace: float) -> None:
        """Ask it to end, and kill it when it has not after `grace` seconds."""
        for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
            if not self.alive:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
            if self.wait(seconds):
                break
        # When we started it ourselves it stays a zombie until it is asked for.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)


def command(pid: int) -> list[str]:
    """The command line; empty when there is none to see."""
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def running(test: Callable[[list[str]], bool]) -> Iterator[Process]:
    """Every living process whose command line passes a test."""
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and test(command(int(entry.name))):
            process = Process.of(int(entry.name))
            if process:
                yield process


def commands() -> Iterator[list[str]]:
    """The command line of every process that has one."""
    for entry in _PROC.iterdir():
        argv = command(int(entry.name)) if entry.name.isdigit() else []
        if argv:
            yield argv


def children(parent: Process) -> list[Process]:
    """The living processes that a process started."""
    found = []
    for entry in _PROC.iterdir():
        stat = _stat(int(entry.name)) if entry.name.isdigit() else None
        if stat and int(stat[1]) == parent.pid:
            process = Process.of(int(entry.name))
            if process:
                found.append(process)
    return found


def start_detached(argv: Sequence[str], log: Path, environ: Mapping[str, str]) -> Process:
    """Start a program in a session of its own, so that it survives the terminal; what it says goes to `log`.

    Raises:
        OSError: The program cannot be started.
    """
    output = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        argv[0],
        list(argv),
        dict(environ),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), output, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGINT, signal.SIGPIPE, signal.SIGHUP],
    )
    # Gone already: a start time that belongs to nobody.
    return Process.of(pid) or Process(pid, -1)


def wait_until(ready: Callable[[], bool], process: Process, seconds: float) -> bool:
    """Wait until a program that was started is ready.

    Args:
        ready: The condition; asked about 20 times a second.
        process: The program; when it ends, the wait ends.
        seconds: The longest wait.

    Returns:
        Whether the condition came true.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline or process.wait(0.05):
            return ready()
    return True


def system_environment() -> dict[str, str]:
    """The process's own variables, with the system's folders at the end of PATH."""
    path = [part for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    return {**os.environ, "PATH": os.pathsep.join([*path, *(part for part in _SYSTEM_PATH if part not in path)])}


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold anything, also spaces and parentheses.
    return text.rpartition(")")[2].split()
