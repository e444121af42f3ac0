"""First frame, echo of a key, a flood of log lines, and memory, as a terminal sees them.

Run: `python -m tests.bench.tui_frames`. Programs run on a pseudo-terminal of 120×36. The first frame is measured from
the program's start until the last row has been written, in turns with a bare Textual app that shows a list of 26; the
echo from writing a letter until it comes back, in turns with bash alone. Prints one line of JSON; ends with 1 when a
budget is not kept: first frame 1.2 times the bare app's, echo 4 ms (median), 6 MB/s of log lines.
"""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import statistics
import sys
import tempfile
import termios
import time
from pathlib import Path

from tutor.course.loader import load_course

ROUNDS = 7
KEYS = 60
FLOOD_MB = 12

BARE = """
from textual.app import App
from textual.widgets import Footer, OptionList
class Bare(App):
    def compose(self):
        yield OptionList(*(f"{n}  Row number {n}" for n in range(1, 27)))
        yield Footer()
Bare().run()
"""
TUTOR = "from tutor.ui.tui.run import run; run()"
SHELL = """
from textual.app import App
from tutor.ui.tui.shell.view import ShellView
from tutor.ui.tui.theme import DARK
class Box(App, inherit_bindings=False):
    ENABLE_COMMAND_PALETTE = False
    def __init__(self):
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name
    def compose(self):
        yield ShellView()
    async def on_mount(self):
        view = self.query_one(ShellView)
        view.focus()
        self.call_after_refresh(view.start, ["bash", "--norc", "--noprofile", "-i"])
    def on_shell_view_ended(self):
        self.exit()
Box().run()
"""


class Program:
    """A program on a pseudo-terminal."""

    def __init__(self, *argv: str) -> None:
        self.began = time.monotonic()
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", PS1="$ ")
            os.execvp(argv[0], argv)
        termios.tcsetwinsize(self.master, (36, 120))
        self.seen = b""

    def until(self, wanted: bytes, seconds: float = 20.0) -> float:
        """When what was wanted had come, in seconds since the start."""
        end = time.monotonic() + seconds
        while wanted not in self.seen:
            assert time.monotonic() < end, self.seen[-2000:]
            if select.select([self.master], [], [], 0.5)[0]:
                self.seen += os.read(self.master, 65536)
        return time.monotonic() - self.began

    def quiet(self, seconds: float = 0.15) -> None:
        """Read until nothing comes."""
        while select.select([self.master], [], [], seconds)[0]:
            self.seen += os.read(self.master, 65536)
        self.seen = b""

    def rss_mb(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.master)


def first_frame(code: str, last: bytes) -> tuple[float, float]:
    program = Program(sys.executable, "-c", code)
    took = program.until(last)
    program.quiet()
    memory = program.rss_mb()
    program.end()
    return took, memory


def echo(program: Program) -> float:
    """Milliseconds, median."""
    program.quiet(0.5)
    took = []
    for number in range(KEYS):
        letter = b"abcdefghijklmnopqrstuvwxyz"[number % 26 : number % 26 + 1]
        began = time.monotonic()
        os.write(program.master, letter)
        program.until(letter)
        took.append(time.monotonic() - began)
        program.quiet(0.05)
    return statistics.median(took) * 1000


def flood(program: Program) -> float:
    """Megabytes of log lines a second, from Enter until the marker that follows them is shown."""
    line = "2026-11-23T20:33:05Z web-1 GET /index.html 200 612 0.004 127.0.0.1 curl"
    os.write(program.master, f"\x15yes '{line}' | head -c {FLOOD_MB}000000; echo; echo e''nd\r".encode())
    began = time.monotonic()
    program.seen = b""
    program.until(b"end", 60)
    return FLOOD_MB / (time.monotonic() - began)


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="dtb", dir="/tmp") as home:
        os.environ["DOCKER_TUTOR_HOME"] = home
        for name in ("NO_COLOR", "TEXTUAL_THEME"):
            os.environ.pop(name, None)
        last = load_course().chapters[-1].title.encode()
        bare, ours, memory = [], [], 0.0
        for _ in range(ROUNDS):
            bare.append(first_frame(BARE, b"number 26")[0])
            took, memory = first_frame(TUTOR, last)
            ours.append(took)
        alone = Program("bash", "--norc", "--noprofile", "-i")
        inside = Program(sys.executable, "-c", SHELL)
        inside.until(b"$")
        result = {
            "first_frame_ms": round(statistics.median(ours) * 1000),
            "bare_first_frame_ms": round(statistics.median(bare) * 1000),
            "ratio": round(statistics.median(ours) / statistics.median(bare), 3),
            "home_mb": round(memory),
            "echo_ms": round(echo(inside), 2),
            "bash_alone_echo_ms": round(echo(alone), 2),
            "flood_mb_s": round(flood(inside), 1),
            "shell_mb": round(inside.rss_mb()),
        }
        inside.end()
        alone.end()
    sys.stdout.write(json.dumps(result) + "\n")
    return int(float(result["ratio"]) > 1.2 or float(result["echo_ms"]) > 4 or float(result["flood_mb_s"]) < 6)


if __name__ == "__main__":
    sys.exit(main())
