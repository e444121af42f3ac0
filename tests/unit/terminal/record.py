"""Records what real programs write to a terminal, for test_recordings.py.

    python tests/unit/terminal/record.py FOLDER [NAME ...]

Runs as root on Linux (for namespaces of its own: no process, host name or path of the machine gets into a
recording). The docker sessions need an engine in DOCKER_HOST with `busybox:1.37`, and `docker-registry`.
Recordings are replayed without any of this.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tutor.terminal.emulator import Host, Screen
from tutor.terminal.transport import Shell

LAB = Path("/tmp/lab")
QUIET = 0.4
ALONE = [
    "unshare",
    "--pid",
    "--fork",
    "--uts",
    "--mount-proc",
    "--kill-child",
    "/bin/sh",
    "-c",
    'hostname lab; exec "$@"',
    "sh",
]
BASH = ["bash", "--rcfile", str(LAB / "rc"), "-i"]
VIM = ["vim", "-u", "/usr/share/vim/vim90/defaults.vim", "-i", "NONE", "-n"]


class Session(NamedTuple):
    argv: list[str]
    steps: list[str]
    cols: int = 80
    rows: int = 24


SESSIONS = {
    "vim": Session(
        [*ALONE, *VIM, "app.py"],
        [
            "",
            "/def\r",
            "n",
            "jjVjj",
            "\x1b",
            "oprint('größer 你好 👍')\x1b",
            ":set number\r",
            ":split\r",
            "\x04",
            "\x15",
            "\x17w",
            "G",
            "gg",
            ":set hlsearch\r/self\r",
            "dd",
            "p",
            "u",
            "iabc\x7f\x7f\x1b",
            ":vsplit\r",
            "\x17\x17",
            "zz",
            "\x05\x05\x05",
            "\x19\x19",
            ":help\r",
            ":qa!\r",
        ],
    ),
    "vim-truecolour": Session(
        [*ALONE, *VIM, "+set termguicolors", "+colorscheme desert", "app.py"],
        ["", "\x06", ":set list\r", "vjjj", "\x1b", ":terminal\r", "ls\r", "exit\r", ":qa!\r"],
        100,
        30,
    ),
    "nano": Session(
        [*ALONE, "nano", "-I", "-Y", "python", "app.py"],
        [
            "",
            "hello wörld 你\r",
            "\x16",
            "\x16",
            "\x19",
            "\x0b\x0b",
            "\x15",
            "\x17self\r",
            "\x07",
            "\x18",
            "\x1b[B\x1b[B\x1b[C",
            "\x18n",
        ],
    ),
    "less": Session(
        [*ALONE, "less", "-R", "colours.txt"],
        ["", " ", " ", "b", "/number 5\r", "n", "N", "G", "g", "jjjj", "kk", "-S\r", "\x1b[C", "h", "q", "q"],
    ),
    "htop": Session(
        [*ALONE, "htop", "-d", "5"], ["", "\x1b[B\x1b[B", "t", "", "\x1bOQ", "\x1b[C", "\x1b", "q"], 100, 30
    ),
    "top": Session([*ALONE, "top", "-d", "1"], ["", "1", "z", "x", "", "c", "V", "q"]),
    "tmux": Session(
        [*ALONE, "tmux", "-L", "lab", "-f", "/dev/null", "new-session", *BASH],
        [
            "",
            "ls --color\r",
            "\x02%",
            "echo right; seq 40\r",
            '\x02"',
            "vim -u NONE app.py\r",
            "\x1b[6~",
            "\x02o",
            "\x02[",
            "\x1b[5~",
            "q",
            "\x02z",
            "\x02z",
            "\x02c",
            "echo 你好 👍 é\r",
            "\x02n",
            "\x02&y",
            "exit\r",
            "exit\r",
            ":q!\rexit\r",
        ],
        100,
        30,
    ),
    "readline": Session(
        [*ALONE, *BASH],
        [
            "",
            "echo one two three",
            "\x01",
            "\x1bf\x1bf",
            "X",
            "\x0b",
            "\x19",
            "\x05",
            "\x17",
            "\x1f",
            "\r",
            "echo " + "a long command that wraps over the last column of the screen " * 3,
            "\x01",
            "\x1bd",
            "\x05",
            "\x7f\x7f",
            "\r",
            "\x12two",
            "\x1b[A",
            "\x1b[A\x1b[B",
            "\x03",
            "ls a\t\t",
            "\x15",
            "printf '\\e[31mred\\e[0m é 你好\\n'\r",
            "for i in 1 2; do\recho $i\rdone\r",
            "\x1b[200~pasted one\npasted two\x1b[201~",
            "\x03",
            "\x0c",
            "exit\r",
        ],
        60,
        15,
    ),
    "git-log": Session(
        [*ALONE, "git", "log", "--graph", "--color", "--stat", "-p"], ["", " ", " ", "b", "/line\r", "q"]
    ),
    "ls-colours": Session(
        [*ALONE, *BASH],
        [
            "",
            "ls -la --color=always\r",
            "grep --color=always -n def app.py\r",
            "seq 1 60\r",
            "printf '%s\\t' a b c d e f\r",
            "clear\r",
            "exit\r",
        ],
    ),
    "docker-build": Session(["docker", "build", "--progress=tty", "--no-cache", "-t", "terminal-rec:1", "build"], []),
    "docker-build-fails": Session(
        ["docker", "build", "--progress=tty", "--no-cache", "-f", "build/Fails", "build"], [], 100, 20
    ),
    "docker-pull": Session(["docker", "pull", "localhost:5999/terminal-rec:1"], []),
    "compose-up": Session(
        [*BASH],
        [
            "",
            "docker compose -p terminalrec up -d\r@",
            "docker compose -p terminalrec ps\r@",
            "docker compose -p terminalrec down -t 0\r@",
            "exit\r",
        ],
        90,
        24,
    ),
    "compose-build": Session(["docker", "compose", "-p", "terminalrec", "build", "--no-cache"], []),
    "docker-run": Session(
        ["docker", "run", "--rm", "-it", "--hostname", "lab", "busybox:1.37", "sh"],
        ["", "ls /\r@", "vi /etc/passwd\r", "jjx", ":q!\r", "top\r", "q", "exit\r"],
    ),
}


class Recorder(Host):
    def __init__(self, session: Session) -> None:
        self.data = bytearray()
        self.over = False
        self.changed = asyncio.Event()
        self.screen = Screen(session.cols, session.rows, host=self)
        self.shell: Shell | None = None

    def reply(self, data: bytes) -> None:
        if self.shell is not None:
            self.shell.write(data)

    def received(self, data: bytes) -> None:
        self.data += data
        self.screen.feed(data)
        self.changed.set()

    def ended(self, status: int | None) -> None:
        self.over = True
        self.changed.set()

    async def quiet(self, seconds: float) -> None:
        """Until nothing came for so long, or for eight seconds."""
        async with asyncio.timeout(8):
            while not self.over:
                self.changed.clear()
                try:
                    await asyncio.wait_for(self.changed.wait(), seconds)
                except TimeoutError:
                    return


async def record(session: Session) -> bytes:
    recorder = Recorder(session)
    names = ("PATH", "DOCKER_HOST")
    env = {name: os.environ[name] for name in names if name in os.environ} | {
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "HOME": str(LAB),
        "LESSHISTFILE": "-",
        "COLORTERM": "truecolor",
        "SHELL": "/bin/bash",
        "BUILDKIT_HOST": "",
        "TMUX_TMPDIR": str(LAB),
    }
    shell = await Shell.start(session.argv, recorder, cols=session.cols, rows=session.rows, env=env, cwd=LAB)
    recorder.shell = shell
    for step in session.steps:
        long = step.endswith("@")
        shell.write(step.removesuffix("@").encode())
        try:
            await recorder.quiet(3 if long else QUIET)
        except TimeoutError:
            continue  # a program that never rests, such as top
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5 if session.steps else 120):
            while not recorder.over:
                recorder.changed.clear()
                await recorder.changed.wait()
    await shell.close()
    return bytes(recorder.data)


PART = '''class Part{n}:
    """Part {n}."""

    def __init__(self, size: int = {n}) -> None:
        self.size = size  # ─ größe

'''

DOCKERFILE = """FROM busybox:1.37 AS first
RUN for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; sleep 0.1; done
COPY Dockerfile /a
FROM busybox:1.37 AS second
RUN dd if=/dev/urandom of=/big bs=1M count=20 && sleep 1
FROM busybox:1.37
COPY --from=first /a /a
COPY --from=second /big /big
RUN echo done 你好
"""

FAILS = """FROM busybox:1.37
RUN echo before; echo 'no such thing' >&2; exit 3
"""

COMPOSE = """services:
  web:
    image: terminal-rec:2
    build: {context: build}
    command: sleep 100
    healthcheck: {test: 'true', interval: 1s}
  db: {image: 'busybox:1.37', command: sleep 100}
  late:
    image: busybox:1.37
    command: sleep 100
    depends_on: {web: {condition: service_healthy}}
"""


def colours(number: int) -> str:
    words = "long " * (number % 30)
    return f"\x1b[{31 + number % 7}mnumber {number}\x1b[0m \x1b[1;38;5;{number % 256}mtext\x1b[0m {words}\n"


def prepare() -> None:
    shutil.rmtree(LAB, ignore_errors=True)
    (LAB / "build").mkdir(parents=True)
    files = {
        "rc": "PS1='\\[\\e[1;32m\\]lab\\[\\e[0m\\]:\\w\\$ '\nHISTFILE=\n",
        "app.py": "".join(PART.format(n=number) for number in range(30)),
        "colours.txt": "".join(map(colours, range(300))),
        "another.txt": "another",
        "build/Dockerfile": DOCKERFILE,
        "build/Fails": FAILS,
        "compose.yaml": COMPOSE,
    }
    for name, text in files.items():
        (LAB / name).write_text(text)
    git = ["git", "-C", str(LAB), "-c", "user.name=Learner", "-c", "user.email=learner@example.com"]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    for number in range(8):
        (LAB / "alpha.txt").write_text("".join(f"line {line} {line * number}\n" for line in range(12)))
        date = f"2024-01-0{number + 1}T12:00:00Z"
        env = {**os.environ, "GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date}
        subprocess.run([*git, "add", "alpha.txt", "app.py"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", f"Change number {number}"], check=True, env=env)


async def main(folder: Path, names: list[str]) -> None:
    prepare()
    for name in names or SESSIONS:
        session = SESSIONS[name]
        data = await record(session)
        target = folder / f"{name}.{session.cols}x{session.rows}.gz"
        target.write_bytes(gzip.compress(data, 9, mtime=0))
        print(f"{name:20} {len(data):8} bytes, {target.stat().st_size} packed")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
