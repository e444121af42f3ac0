"""A workshop as people have it: a hub, and learners' seats, each a program of its own in a home of its own."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from plain_learner import Learner

from tests.unit.workshop.waiting import waited
from tutor.workshop import instructor, rooms
from tutor.workshop.events import SeatAllowed
from tutor.workshop.rooms import Keys
from tutor.workshop.views import Board, SeatRow


def until(true: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait until something holds that is in other processes."""
    waited(true, seconds, lambda: what)


class Host:
    """`workshop host` as a process, on a port that stays the same when it is started again."""

    def __init__(self, home: Path, host: str, *arguments: str) -> None:
        self.home, self.arguments = home, arguments
        self.tutor = Learner(home, host)
        self.process: subprocess.Popen[str] | None = None
        self.link = ""
        self.said: list[str] = []

    def start(self) -> None:
        again = ["--room", self.room] if self.link else []
        command = [sys.executable, "-m", "tutor", "workshop", "host", "--bind", "127.0.0.1", *self.arguments, *again]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self.tutor.env)
        assert self.process.stdout is not None
        self.said = []
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            if line.startswith("ctrl+c ends"):
                break
        found = re.search(r"tutor join (http\S+/[A-Z0-9]{6}) ", "\n".join(self.said))
        assert found, self.said
        self.link = found[1]

    def end(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(30)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    @property
    def room(self) -> str:
        return next((self.home / "data" / "rooms").iterdir()).name

    @property
    def keys(self) -> Keys:
        return rooms.read_keys(self.home / "data" / "rooms" / self.room / "instructor.json")

    def board(self) -> Board:
        """The board as an instructor's tutor has it now."""
        board = asyncio.run(instructor.once(self.keys)).board
        assert board is not None
        return board

    def row(self, name: str) -> SeatRow:
        return next(row for row in self.board().seats if row.name == name)


class Seat(Learner):
    """A learner with a seat: `join --plain` runs beside whatever they do."""

    def __init__(self, name: str, home: Path, host: str) -> None:
        super().__init__(home, host)
        self.name = name
        self.beside: subprocess.Popen[str] | None = None

    def join(self, link: str, *more: str) -> None:
        command = [sys.executable, "-m", "tutor", "join", link, "--as", self.name, "--plain", *more]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.beside = subprocess.Popen(command, env=self.env, **pipes)  # type: ignore[call-overload]
        assert self.beside is not None and self.beside.stdout is not None
        line = self.beside.stdout.readline()
        assert line.startswith("You sit in"), line
        os.set_blocking(self.beside.stdout.fileno(), False)  # what it says later may wait in the pipe

    def say(self, line: str) -> None:
        """Type a line in the seat's own terminal."""
        assert self.beside is not None and self.beside.stdin is not None
        self.beside.stdin.write(f"{line}\n")
        self.beside.stdin.flush()

    def stand_up(self) -> None:
        if self.beside is not None:
            self.say("quit")
            self.beside.wait(30)
            for pipe in (self.beside.stdin, self.beside.stdout):
                assert pipe is not None
                pipe.close()
            self.beside = None


def instruct(keys: Keys, seat: str, *, allowed: bool) -> None:
    """Close a seat as an instructor does, or let it in again."""

    async def give() -> None:
        link = instructor.BoardLink(keys, "Kim")
        task = asyncio.create_task(link.run())
        try:
            async with asyncio.timeout(20):
                while not link.status.connected:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.02)
            assert await link.do(SeatAllowed(seat=seat, allowed=allowed)) == ""
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(give())
