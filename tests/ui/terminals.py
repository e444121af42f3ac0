"""A terminal with programs in it, seen through our own emulator, and recorded if wanted: what a person would see."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tutor.terminal.emulator import Host, Screen

F6 = "\x1b[17~"


class _Answers(Host):
    """A terminal answers what programs ask of it; tmux and screen do."""

    def __init__(self) -> None:
        self.data = bytearray()

    def reply(self, data: bytes) -> None:
        self.data += data


class Terminal:
    """A program on a pseudo-terminal.

    Args:
        argv: The program.
        env: What its environment has beside this process's; None takes a name out.
        size: Columns and rows.
    """

    def __init__(
        self, argv: Sequence[str], env: dict[str, str | None] | None = None, size: tuple[int, int] = (120, 36)
    ) -> None:
        self._answers = _Answers()
        self.screen = Screen(*size, host=self._answers)
        self.size = size
        self._began = time.monotonic()
        self._written: list[tuple[float, str]] = []
        self.bytes = bytearray()
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            # Only what Python knows of: readline sets COLUMNS and LINES behind its back.
            whole = {**os.environ, **(env or {})}
            known = {name: value for name, value in whole.items() if value is not None}
            # The size is there before the program looks at it.
            size_and_run = f'stty cols {size[0]} rows {size[1]}; exec "$@"'
            os.execvpe("sh", ["sh", "-c", size_and_run, "sh", *argv], known)

    def look(self, seconds: float = 0.0) -> bool:
        """Take in what was written; False when the program has ended."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self._written.append((time.monotonic() - self._began, data.decode("utf-8", "replace")))
        self.bytes += data
        self.screen.feed(data)
        if self._answers.data:
            os.write(self.master, bytes(self._answers.data))
            self._answers.data.clear()
        return bool(data)

    def until(self, wanted: str | Callable[[], object], seconds: float = 60.0) -> None:
        """Wait for a text on the screen, or for something to hold."""
        end = time.monotonic() + seconds
        while not (wanted in self.screen.text() if isinstance(wanted, str) else wanted()):
            assert time.monotonic() < end, f"{wanted!r} never came:\n{self.screen.text()}"
            assert self.look(0.1), f"{wanted!r} never came before the end:\n{self.screen.text()}"

    def type(self, text: str) -> None:
        """Keys, one after the other, at a pace a terminal tells from a paste."""
        os.write(self.master, text.encode())
        self.look(0.05)

    def paste(self, text: str) -> None:
        """A paste, as a terminal sends it to those who asked for brackets."""
        self.type(f"\x1b[200~{text}\x1b[201~")

    def ended(self, seconds: float = 30.0) -> int:
        """Wait for the program's end; its exit status."""
        end = time.monotonic() + seconds
        while self.look(0.1):
            assert time.monotonic() < end, self.screen.text()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def close(self) -> None:
        """End whatever still runs."""
        with suppress(ProcessLookupError, ChildProcessError):
            if os.waitpid(self.pid, os.WNOHANG)[0] == 0:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        os.close(self.master)

    def keep(self, path: Path, title: str) -> None:
        """Write the recording, for asciinema (https://docs.asciinema.org/manual/asciicast/v2/)."""
        head = {"version": 2, "width": self.size[0], "height": self.size[1], "title": title}
        lines = [json.dumps(head), *(json.dumps([round(at, 3), "o", text]) for at, text in self._written)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
