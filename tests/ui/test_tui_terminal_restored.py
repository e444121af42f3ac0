"""However the tutor ends, the terminal is as it was: its modes, its screen, its mouse."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tutor.terminal.emulator import Screen

START = "from tutor.ui.tui.run import run; import sys; sys.exit(run())"
CRASH = "from tutor.ui.tui.app import TutorApp; TutorApp.action_doctor = lambda self: 1 / 0; " + START
WAIT = 20.0


class Terminal:
    """A terminal with the tutor in it, seen through our own emulator."""

    def __init__(self, home: Path, code: str) -> None:
        self.screen = Screen(100, 30)
        self.printed = b""
        self.master, self.slave = pty.openpty()
        termios.tcsetwinsize(self.slave, (30, 100))
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            # A session of its own with the pty as its controlling terminal, as a login has it.
            ["/bin/sh", "-c", 'exec <>"$0" >&0 2>&1; "$@"; echo "left with $?"; sleep 60', os.ttyname(self.slave),
             sys.executable, "-c", code],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, env={**os.environ, "TERM": "xterm-256color", "DOCKER_TUTOR_HOME": str(home)},
        )  # fmt: skip

    def until(self, wanted: str) -> None:
        self._until(self.screen.text, wanted)

    def until_printed(self, wanted: str) -> None:
        """Where two programs write at once, what one wrote may be gone from the screen: it was printed."""
        self._until(lambda: self.printed.decode("utf-8", "replace"), wanted)

    def _until(self, shown: Callable[[], str], wanted: str) -> None:
        end = time.monotonic() + WAIT
        while wanted not in shown():
            left = end - time.monotonic()
            assert left > 0, f"{wanted!r} never came:\n{shown()[-4000:]}"
            if select.select([self.master], [], [], min(left, 0.2))[0]:
                self.read()

    def read(self) -> None:
        new = os.read(self.master, 65536)
        self.printed += new
        self.screen.feed(new)

    def tutor(self) -> int:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0])

    def is_as_before(self) -> None:
        # The guard may still be at work.
        end = time.monotonic() + WAIT
        while time.monotonic() < end and (self.modes() or termios.tcgetattr(self.slave) != self.before):
            if select.select([self.master], [], [], 0.05)[0]:
                self.read()
        assert self.modes() == set()
        assert termios.tcgetattr(self.slave) == self.before

    def modes(self) -> set[int]:
        now = self.screen.modes & {47, 1047, 1049, 9, 1000, 1002, 1003, 1004, 1006, 2004}
        return now | (set() if self.screen.cursor_visible else {25})

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal(request: pytest.FixtureRequest, home: Path) -> Iterator[Terminal]:
    one = Terminal(home, getattr(request, "param", START))
    yield one
    one.close()


def test_leaving(terminal: Terminal) -> None:
    terminal.until("Continue")
    assert terminal.modes() > {1049, 1006}
    os.write(terminal.master, b"q")
    terminal.until("left with 0")
    terminal.is_as_before()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, 137)])
def test_being_ended(terminal: Terminal, number: signal.Signals, status: int) -> None:
    terminal.until("Continue")
    os.kill(terminal.tutor(), number)
    # After SIGKILL the shell goes on at once, while the guard leaves the app's screen: no order is promised.
    terminal.until_printed(f"left with {status}")
    terminal.is_as_before()


@pytest.mark.parametrize("terminal", [CRASH], indirect=True)
def test_an_error_of_its_own(terminal: Terminal, home: Path) -> None:
    terminal.until("Continue")
    os.write(terminal.master, b"d")
    terminal.until("left with 1")
    terminal.is_as_before()
    shown = terminal.screen.text()
    assert "an error of its own" in shown
    assert "Traceback" not in shown
    assert "ZeroDivisionError" in (home / "data" / "crash.txt").read_text()
