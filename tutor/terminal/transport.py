"""Where a terminal's bytes come from and go to.

`Transport` is what a terminal needs of it; `Shell` is a program of this machine on a pseudo-terminal.
Others (a container's attach, a copy of somebody else's screen) only need the same four methods.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import select
import shutil
import signal
import struct
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

_READ_AT_ONCE = 64 * 1024
_KERNEL_BLOCK = 4096
_WRITE_BLOCK = 1024
_GRACE = 0.5
_LAST_TURNS = 64

# Inherited, the slave is not the controlling terminal. A session leader without one gets it by opening
# the device, so a shell opens it and turns into the program. No Python code runs between fork and exec.
_ATTACH = 'exec "$@" <>"$0" >&0 2>&1'


class Receiver(Protocol):
    """Takes what a transport brings. Called in the event loop."""

    def received(self, data: bytes) -> None:
        """Output of the program."""

    def ended(self, status: int | None) -> None:
        """Nothing more will come.

        Args:
            status: Exit status of the program, negative for a signal, None when the transport knows none.
        """


class Transport(Protocol):
    """A program's terminal, seen from the person's side."""

    def write(self, data: bytes) -> None:
        """Send input; it is queued and never lost while the program lives. A read-only transport drops it."""

    def resize(self, cols: int, rows: int) -> None:
        """Tell the program the screen's size in cells."""

    def hold(self, on: bool) -> None:
        """Stop reading, or go on, when the receiver cannot follow; the program then waits."""

    async def close(self) -> None:
        """End the program and let go of everything. Twice is once."""


class Shell:
    """A program on a pseudo-terminal of its own, in a session of its own.

    Output arrives in pieces of up to 64 KiB, one a turn of the event loop, so that input goes through in the
    middle of a flood; the kernel makes a program wait whose output nobody takes. The session ends with the
    program: what it left in the background is killed.

    Use `await Shell.start(...)`.
    """

    def __init__(self, master: int, process: asyncio.subprocess.Process, receiver: Receiver) -> None:
        self._master = master
        self._process = process
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._queue = bytearray()
        self._writing = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open = True
        self._loop.add_reader(master, self._readable)
        self._watch = self._loop.create_task(self._wait())

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        receiver: Receiver,
        *,
        cols: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
        cwd: Path | str | None = None,
    ) -> Shell:
        """Start a program.

        Args:
            argv: The program and its arguments.
            receiver: Takes its output.
            cols: Width of its screen in cells.
            rows: Height of its screen in cells.
            env: Its whole environment; this process's where None.
            cwd: Where it starts.

        Raises:
            FileNotFoundError: No such program, or no such folder.
            OSError: There is no pseudo-terminal left, or the process could not be made.
        """
        environment = dict(os.environ if env is None else env)
        _check(argv[0], environment, cwd)
        if cwd is not None and not await asyncio.to_thread(Path(cwd).is_dir):
            raise FileNotFoundError(f"there is no folder {cwd}")
        master, slave = os.openpty()
        try:
            _set_size(master, cols, rows)
            os.set_blocking(master, False)
            process = await asyncio.create_subprocess_exec(
                "/bin/sh",
                "-c",
                _ATTACH,
                os.ttyname(slave),
                *argv,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=environment,
                cwd=cwd,
                start_new_session=True,
            )
        except BaseException:
            os.close(master)
            raise
        finally:
            os.close(slave)
        return cls(master, process, receiver)

    @property
    def pid(self) -> int:
        """The program's process id, which is its session's too."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the program lives."""
        return self._process.returncode is None

    @property
    def unsent(self) -> int:
        """Bytes of input the program has not taken yet."""
        return len(self._queue)

    def write(self, data: bytes) -> None:
        """Send input, in order, as fast as the program takes it."""
        if self._open:
            self._queue += data
            if not self._writing:
                self._writable()

    def resize(self, cols: int, rows: int) -> None:
        """Set the size; the kernel tells the program with SIGWINCH."""
        if self._open:
            _set_size(self._master, cols, rows)

    def hold(self, on: bool) -> None:
        """Stop or go on reading."""
        if not self._open:
            return
        if on:
            self._flowing.clear()
            self._loop.remove_reader(self._master)
        else:
            self._flowing.set()
            self._loop.add_reader(self._master, self._readable)

    def foreground(self) -> int | None:
        """The process group that reads the terminal now, or None; equal to `pid` while the shell itself waits."""
        with contextlib.suppress(OSError):
            if self._open:
                return os.tcgetpgrp(self._master)
        return None

    async def close(self) -> None:
        """Hang up, as closing a terminal's window does; kill what has not gone after half a second."""
        groups = {self.pid, self.foreground() or self.pid}
        self._hang_up()
        if self.running:
            for group in groups:
                _signal_group(group, signal.SIGHUP)
                _signal_group(group, signal.SIGCONT)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _GRACE)
        if self.running:
            await asyncio.to_thread(_kill_session, self.pid)
        await self._watch

    def _readable(self) -> None:
        pieces: list[bytes] = []
        size = 0
        over = False
        while size < _READ_AT_ONCE:  # Linux gives 4 KiB at most a read
            try:
                data = os.read(self._master, _KERNEL_BLOCK)
            except BlockingIOError:
                break
            except OSError:  # EIO on Linux: nobody has the other side open any more
                data = b""
            if not data:
                over = True
                break
            pieces.append(data)
            size += len(data)
        if over:
            self._hang_up()
        if pieces:
            self._receiver.received(b"".join(pieces))

    def _writable(self) -> None:
        try:
            while self._queue:
                # The kernel's input queue has 4 KiB: it takes a part, the rest waits until it has drained.
                sent = os.write(self._master, self._queue[:_WRITE_BLOCK])
                del self._queue[:sent]
        except BlockingIOError:
            if not self._writing:
                self._writing = True
                self._loop.add_writer(self._master, self._writable)
            return
        except OSError:
            self._queue.clear()
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._master)

    async def _wait(self) -> None:
        status = await self._process.wait()
        # At once: while one of its processes lives, the session's number cannot name anything else.
        await asyncio.to_thread(_kill_session, self.pid)
        # What was written before may still be on the way. The turns are counted for what left the session and goes on.
        for _ in range(_LAST_TURNS):
            await self._flowing.wait()
            if not (self._open and _has_input(self._master)):
                break
            self._readable()
            await asyncio.sleep(0)
        self._hang_up()
        self._receiver.ended(status)

    def _hang_up(self) -> None:
        if self._open:
            self._open = False
            self._flowing.set()
            self._queue.clear()
            self._loop.remove_reader(self._master)
            self._loop.remove_writer(self._master)
            os.close(self._master)


def _check(program: str, env: Mapping[str, str], cwd: Path | str | None) -> None:
    path = str(Path(cwd or ".") / program) if "/" in program else program
    if shutil.which(path, path=env.get("PATH", os.defpath)) is None:
        raise FileNotFoundError(f"there is no program {program}")


def _set_size(fd: int, cols: int, rows: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", max(rows, 1), max(cols, 1), 0, 0))


def _has_input(fd: int) -> bool:
    # FIONREAD does not count what the kernel has not handed over from the other side yet; poll waits for that.
    waiting = select.poll()
    waiting.register(fd, select.POLLIN)
    return bool(waiting.poll(0))


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _kill_session(session: int) -> None:
    """Kill every process of a session. Where there is no /proc, its leader's group only."""
    _signal_group(session, signal.SIGKILL)
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        with contextlib.suppress(OSError):
            if os.getsid(pid) == session:
                os.kill(pid, signal.SIGKILL)
