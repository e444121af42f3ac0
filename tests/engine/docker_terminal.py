"""The docker command as somebody uses it who sits before a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time


class Terminal:
    """A docker command in a terminal of its own."""

    def __init__(self, env: dict[str, str], *words: str) -> None:
        self.main, child = pty.openpty()
        self.size(24, 80)
        self.process = subprocess.Popen(
            ("docker", *words), stdin=child, stdout=child, stderr=child, env=env, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(child)
        self.text = ""

    def size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.main, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.main, text.encode())

    def until(self, text: str, seconds: float = 20) -> str:
        """Read until this text has come."""
        end = time.monotonic() + seconds
        while text not in self.text:
            ready, _, _ = select.select([self.main], [], [], max(end - time.monotonic(), 0))
            assert ready, f"no {text!r} in {self.text!r}"
            try:
                self.text += os.read(self.main, 65536).decode("utf-8", "replace")
            except OSError:
                break
        assert text in self.text, self.text
        before, _, self.text = self.text.partition(text)
        return before

    def end(self) -> int:
        try:
            return self.process.wait(20)
        finally:
            os.close(self.main)
