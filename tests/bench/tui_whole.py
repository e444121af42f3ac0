"""The whole app on a real engine, beside a bare Textual app and plain tmux in the same run.

Run: `DOCKER_HOST=… python -m tests.bench.tui_whole`. Chapter 17's lesson is open on a pseudo-terminal of 120×36, its
lab's shell runs, and a container with limits is in the picture. Measured: the echo of a key in that shell, log lines
through it, its memory, and the processor time it takes while nobody does anything; the same of bash in tmux, and
memory and idle time of a bare Textual app. The idle time counts the process's own seconds, so that other work on the
machine counts little. Prints one line of JSON; ends with 1 when a budget is not kept: idle 1 % of one processor,
lesson screen 100 MB, 6 MB/s of log lines, echo 4 ms (median) above what tmux takes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.tui_frames import BARE, Program, echo, flood

IDLE = 20.0
LESSON = "from tutor.ui.tui.run import run; run('lesson', chapters=[17])"
_F6 = b"\x1b[17~"
_TICKS = os.sysconf("SC_CLK_TCK")


def idle(program: Program, seconds: float = IDLE) -> float:
    """Per cent of one processor that a program takes while nobody does anything."""
    program.quiet(1.5)
    before, began = spent(program.pid), time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0:
        program.quiet(min(left, 1.0))
    return 100 * (spent(program.pid) - before) / (time.monotonic() - began)


def spent(pid: int) -> float:
    """Seconds of processor time a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def command(program: Program, words: str, answer: bytes) -> None:
    """Type a command, and wait for its answer."""
    program.seen = b""
    os.write(program.master, words.encode() + b"\r")
    program.until(answer, 60)


def tutor(*words: str) -> str:
    """A command of the tutor's."""
    return subprocess.run([sys.executable, "-m", "tutor", *words], capture_output=True, text=True, check=False).stdout


def main() -> int:
    """Measure and print."""
    home = tempfile.mkdtemp(prefix="dtb", dir="/tmp")
    os.environ["DOCKER_TUTOR_HOME"] = home
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TMUX"):
        os.environ.pop(name, None)
    socket = f"dtb{os.getpid()}"
    result: dict[str, float] = {}
    try:
        bare = Program(sys.executable, "-c", BARE)
        bare.until(b"number 26")
        result["bare_textual_mb"] = round(bare.rss_mb())
        result["bare_textual_idle_percent"] = round(idle(bare), 2)
        bare.end()
        if shutil.which("tmux"):
            tmux = Program("tmux", "-L", socket, "-f", "/dev/null", "new-session", "bash --norc --noprofile -i")
            tmux.until(b"\x1b[?2004h")  # bash asks for bracketed pastes at its prompt
            result["tmux_echo_ms"] = round(echo(tmux), 2)
            result["tmux_flood_mb_s"] = round(flood(tmux), 1)
            subprocess.run(["tmux", "-L", socket, "kill-server"], check=False)
            tmux.end()
        lesson = Program(sys.executable, "-c", LESSON)
        lesson.until(b"17 $", 120)
        lesson.quiet(1.0)
        os.write(lesson.master, _F6)
        lesson.quiet(1.0)
        command(lesson, "docker run -d --name box -m 64m --cpus 1 ubuntu:24.04 sleep 600 && echo rea''dy", b"ready")
        result["lesson_echo_ms"] = round(echo(lesson), 2)
        result["lesson_idle_percent"] = round(idle(lesson), 2)
        result["lesson_mb"] = round(lesson.rss_mb())
        result["lesson_flood_mb_s"] = round(flood(lesson), 1)
        result["lesson_after_flood_mb"] = round(lesson.rss_mb())
        os.write(lesson.master, _F6)
        lesson.quiet(0.5)
        lesson.end()
    finally:
        tutor("close", "17")
        shutil.rmtree(home, ignore_errors=True)
    sys.stdout.write(json.dumps(result) + "\n")
    kept = (
        result["lesson_idle_percent"] <= 1.0
        and result["lesson_mb"] <= 100
        and result["lesson_flood_mb_s"] >= 6
        and result["lesson_echo_ms"] <= result.get("tmux_echo_ms", 0.0) + 4
    )
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
