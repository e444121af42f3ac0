"""Repairs that take minutes, in a process of their own: leaving ends them, and they tidy up after themselves."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from tutor.problems import Problem

_TELLS = "docker-tutor: "
_GRACE = 10.0  # seconds to tidy up in, before it is killed


class Repair:
    """One command of the tutor's own, `docker-tutor images build`, with what it says.

    Args:
        words: The command's words.
        program: What runs them; tests give another one.
    """

    def __init__(self, *words: str, program: Sequence[str] = (sys.executable, "-m", "tutor")) -> None:
        self._command = [*program, *words]
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False
        self._lock = threading.Lock()

    def run(self, say: Callable[[str], None]) -> None:
        """Run it to its end, in the caller's thread.

        Args:
            say: Told each line it prints.

        Raises:
            Problem: `repair-failed`, with the last it said; nothing when it was stopped.
        """
        with self._lock:
            if self._stopped:
                return
            # A group of its own, so that it ends with all that it started.
            self._process = process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                start_new_session=True,
            )  # fmt: skip
        said = ""
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                if line.strip():
                    said = line.strip()
                    say(said)
        if process.wait() and not self._stopped:
            # What it tells as a problem has its own next step.
            told = said.startswith(_TELLS)
            outside = "" if told else "Try it outside: docker tutor images ready"
            raise Problem(said.removeprefix(_TELLS) or "It did not work.", outside, code="repair-failed")

    def stop(self) -> None:
        """End it as ctrl-c would; kill what has not ended after ten seconds."""
        with self._lock:
            self._stopped = True
            process = self._process
        if process is None or process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
