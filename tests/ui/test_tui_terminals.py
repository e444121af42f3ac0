"""The tutor in real terminals: a whole chapter in tmux; and 16 colours, 256 colours, none, GNU screen, SSH.

`KEEP_CAST=FILE` keeps the recording of the chapter, to be played with asciinema.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.terminals import F6, Terminal
from tests.ui.tui_app import chapter_of
from tutor import places
from tutor.course import variables
from tutor.course.loader import load_course
from tutor.course.models import ChooseAll, Lab, Order, Predict, Quiz, Step, TypeCommand
from tutor.lab import open_labs
from tutor.lab.session import setup
from tutor.learner.events import PredictionMade, QuestionAnswered, StepBegun, StepPassed, StepTried
from tutor.learner.journal import Journal

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("labs_closed")]
COURSE = load_course()
TUTOR = (sys.executable, "-m", "tutor")
WRONG_TURNS = {
    "interactive-shell": ("flags-after-image", "box"),
    "through-a-pipe": ("input-closed", "piped"),
}
PLAIN: dict[str, str | None] = dict.fromkeys(
    ("NO_COLOR", "COLORTERM", "TMUX", "STY", "TEXTUAL_THEME", "COLUMNS", "LINES")
)
# Colours that a program sets: one of the palette of 16, one of 256, a true one.
SIXTEEN, INDEXED, TRUE = rb"\x1b\[[0-9;]*\b(3[0-7]|9[0-7])\b", rb"[34]8;5;\d", rb"[34]8;2;\d"


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for one in opened:
        one.close()


class Learner:
    """Somebody who goes through a chapter at the keyboard, told by the journal how far they are."""

    def __init__(self, terminal: Terminal, number: int) -> None:
        self.terminal = terminal
        self.chapter = chapter_of(COURSE, number)

    def told(self, kind: type[Any]) -> list[Any]:
        """The events of a kind so far."""
        with Journal() as journal:
            return [e.event for e in journal.entries(self.chapter.id) if isinstance(e.event, kind)]

    def until_told(self, kind: type[Any], count: int, seconds: float = 90.0) -> None:
        self.terminal.until(lambda: len(self.told(kind)) >= count, seconds)

    def command(self, text: str) -> None:
        self.terminal.paste(text.strip())
        self.terminal.type("\r")

    def steps(self, lab: Lab, mistakes: dict[str, tuple[str, str]]) -> None:
        """Every step by its first solution; by a mistake first where one is given, with the container it leaves."""
        for number, step in enumerate(lab.steps):
            self.until_told(StepBegun, number + 1)
            record = open_labs.find(self.chapter.chapter, lab.id)
            assert record is not None
            bound: Step = variables.bind(step, setup.bindings(record))
            self.terminal.type(F6)
            self.terminal.until("F6 or ctrl+] leaves")
            if step.id in mistakes:
                name, container = mistakes[step.id]
                made = next(m for m in bound.mistakes if name in (getattr(m, "id", ""), getattr(m, "use", "")))
                self.command(made.made_by)
                self.terminal.until(lambda n=name: n in {t.mistake for t in self.told(StepTried)})  # type: ignore[misc]
                self.command(f"docker rm -f {setup.bindings(record).names[container]}")
            self.command(bound.solutions[0])
            self.until_told(StepPassed, number + 1)
            self.terminal.until("● Passed")
            self.terminal.type(F6)
            self.terminal.until("F6 enters")
            self.terminal.type("n")

    def answers(self, quiz: Quiz) -> None:
        for number, question in enumerate(quiz.questions, 1):
            self.terminal.until(f"question {number} of {len(quiz.questions)}")
            match question:
                case TypeCommand():
                    self.terminal.until("situation is real")
                    self.terminal.type("docker ps\r")
                case Order(items=items):
                    self.terminal.type("".join(str(n + 1) for n in range(len(items))))
                    self.terminal.until("That is my answer")
                    self.terminal.type("\r")
                case ChooseAll():
                    self.terminal.type("1")
                    self.terminal.until("That is my answer")
                    self.terminal.type("\x1b[F\r")
                case _:
                    self.terminal.type("1")
            self.until_told(QuestionAnswered, number)
            self.terminal.until(lambda: re.search("✔ Right|✘ Not right|◐ Partly", self.terminal.screen.text()))
            self.terminal.type("n")


@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux")
def test_chapter_17_from_start_to_end_in_tmux(home: Path, terminals: list[Terminal]) -> None:
    server = f"dt-{os.getpid()}"
    tmux = ["tmux", "-u", "-L", server, "-f", "/dev/null", "new-session", *TUTOR, "learn", "17"]
    terminal = Terminal(tmux, {**PLAIN, "TERM": "xterm-256color"})
    terminals.append(terminal)
    try:
        one = Learner(terminal, 17)
        terminal.until("docker-run-17 $")
        guesses = 0
        for place, section in enumerate(one.chapter.sections, 1):
            terminal.until(f"part {place} of {len(one.chapter.sections)}")
            match section:
                case Predict():
                    guesses += 1
                    terminal.type("1")
                    one.until_told(PredictionMade, guesses)
                    terminal.type("n")
                case Lab():
                    one.steps(section, WRONG_TURNS)
                case Quiz():
                    one.answers(section)
                case _:
                    terminal.type("n")
        terminal.until("Chapter 17 is done")
        terminal.until("yours")
        terminal.type("q")
        terminal.until("Chapters")
        terminal.type("q")
        assert terminal.ended() == 0
        assert open_labs.find(17) is None
    finally:
        subprocess.run(["tmux", "-L", server, "kill-server"], capture_output=True, check=False)
        if path := os.environ.get("KEEP_CAST"):
            terminal.keep(Path(path), "docker tutor, chapter 17")


def through_the_shell(terminal: Terminal, home: Path) -> None:
    """Open a lesson, type into its shell, see the answer, leave; what is on the way must not get lost."""
    terminal.until("docker-run-17 $")
    terminal.type(F6)
    terminal.until("F6 or ctrl+] leaves")
    terminal.type("echo $((6*7)) größer\r")
    terminal.until("42 größer")
    terminal.type("\x1d")  # ctrl+]
    terminal.until("F6 enters")
    terminal.type("q")
    terminal.until("Chapters")
    terminal.type("q")


@pytest.mark.parametrize(
    ("env", "has", "lacks"),
    [
        ({"TERM": "xterm"}, (SIXTEEN,), (INDEXED, TRUE)),
        ({"TERM": "linux"}, (SIXTEEN,), (INDEXED, TRUE)),
        ({"TERM": "xterm-256color"}, (INDEXED,), (TRUE,)),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, (TRUE,), ()),
    ],
    ids=["16-colours", "the-console", "256-colours", "true-colours"],
)
def test_colours_that_the_terminal_has(
    home: Path, terminals: list[Terminal], env: dict[str, str], has: tuple[bytes, ...], lacks: tuple[bytes, ...]
) -> None:
    terminal = Terminal([*TUTOR, "learn", "17"], {**PLAIN, **env})
    terminals.append(terminal)
    through_the_shell(terminal, home)
    assert terminal.ended() == 0
    assert all(re.search(pattern, terminal.bytes) for pattern in has)
    assert not any(re.search(pattern, terminal.bytes) for pattern in lacks)


@pytest.mark.skipif(shutil.which("screen") is None, reason="there is no GNU screen")
def test_in_gnu_screen(home: Path, terminals: list[Terminal]) -> None:
    folder = home / "screen"
    folder.mkdir(mode=0o700)
    command = ["screen", "-U", "-c", "/dev/null", *TUTOR, "learn", "17"]
    terminal = Terminal(command, {**PLAIN, "TERM": "xterm-256color", "SCREENDIR": str(folder)})
    terminals.append(terminal)
    through_the_shell(terminal, home)
    assert terminal.ended() == 0


SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")


@pytest.mark.skipif(SSHD is None or os.geteuid() != 0, reason="there is no SSH server that may be started")
def test_over_ssh(home: Path, terminals: list[Terminal]) -> None:
    """With a server of the test's own, on loopback, with a key of its own."""
    assert SSHD is not None
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / name)], check=True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    Path("/run/sshd").mkdir(exist_ok=True)
    options = {
        "AuthorizedKeysFile": home / "user.pub", "ListenAddress": "127.0.0.1", "StrictModes": "no", "UsePAM": "no",
        "PidFile": "none",
    }  # fmt: skip
    words = [f"-o{key}={value}" for key, value in options.items()]
    server = subprocess.Popen(
        [SSHD, "-D", "-e", "-f", "/dev/null", "-p", str(port), "-h", str(home / "host"), *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stderr is not None
        assert "listening" in server.stderr.readline()
        kept = ("DOCKER_HOST", "PYTHONPATH", "PATH", "DOCKER_TUTOR_HOME")
        env = " ".join(f"{name}='{os.environ[name]}'" for name in kept if name in os.environ)
        terminal = Terminal(
            ["ssh", "-tt", "-p", str(port), "-i", str(home / "user"), "-oStrictHostKeyChecking=no",
             "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR", "127.0.0.1",
             f"cd {Path.cwd()} && {env} exec {' '.join(TUTOR)} learn 17"],
            {**PLAIN, "TERM": "xterm-256color"},
        )  # fmt: skip
        terminals.append(terminal)
        through_the_shell(terminal, home)
        assert terminal.ended() == 0
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)
    assert (places.data() / "journal.sqlite3").exists()
