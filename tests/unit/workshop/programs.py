"""The tutor as a program of its own: run to its end, or running while a test talks with it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.unit.workshop.waiting import waited


def tutor(home: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tutor", *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        env={**os.environ, "DOCKER_TUTOR_HOME": str(home)},
        timeout=120,
        check=False,
    )


class Program:
    """A tutor that runs, whose lines are collected."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.out = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by the fixture
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tutor", *arguments],
            stdin=subprocess.PIPE,
            stdout=self.out,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "DOCKER_TUTOR_HOME": str(home)},
        )

    @property
    def text(self) -> str:
        return os.pread(self.out.fileno(), 1_000_000, 0).decode()

    def wait_for(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        def found() -> re.Match[str] | None:
            match = re.search(pattern, self.text, re.M)
            assert match or self.process.poll() is None, self.text
            return match

        match = waited(found, seconds, lambda: f"{pattern} in:\n{self.text}")
        assert match is not None
        return match

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(30)
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        return status


@contextlib.contextmanager
def programs(home: Path) -> Iterator[Callable[..., Program]]:
    """Starts tutors, and ends them all in the end."""
    running: list[Program] = []

    def start(*arguments: str, where: Path = home) -> Program:
        running.append(Program(where, *arguments))
        return running[-1]

    try:
        yield start
    finally:
        for one in running:
            one.end(signal.SIGKILL)
            one.out.close()
