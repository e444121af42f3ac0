"""The lab's shell and the tutor talk: at every prompt, and when the learner types `hint`, `goal`, `next` …

The shell is a real bash on the learner's own terminal (or pipe). Two named pipes connect it to the tutor: a line
asks, a text that ends with a record separator answers. Both ends open the pipes for reading and writing, so that
nobody ever blocks on opening one, and the shell asks only while the tutor lives.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec

_END = "\x1e"
WORDS = ("hint", "goal", "solution", "next")
"""Words that the shell knows as commands of their own; all others are `tutor WORD`."""

_HOOKS = r"""
if [ -n "${DOCKER_TUTOR_STDERR-}" ]; then  # no terminal: no prompts, and stderr as it was
  PS1= PS2=
  eval "exec 2>&$DOCKER_TUTOR_STDERR"
fi
__tutor_ask() {
  local reply
  kill -0 "$DOCKER_TUTOR_PID" 2>/dev/null || { echo "The tutor has ended; type exit." >&2; return 1; }
  printf '%s\n' "$*" 1<>"$DOCKER_TUTOR_PIPES/ask"
  IFS= read -r -d $'\036' -t 120 reply <>"$DOCKER_TUTOR_PIPES/answer" || return 0
  printf '%s' "${reply:1}"
  [ "${reply:0:1}" = 1 ] && exit 0
  return 0
}
tutor() { __tutor_ask "${*:-help}"; }
hint() { __tutor_ask hint; }
goal() { __tutor_ask goal; }
solution() { __tutor_ask solution; }
next() { __tutor_ask next; }
PROMPT_COMMAND="__tutor_ask prompt${PROMPT_COMMAND:+; $PROMPT_COMMAND}"
"""


class Reply(msgspec.Struct, frozen=True):
    """What the tutor answers: text to show, and whether the shell shall end."""

    text: str = ""
    leave: bool = False


class Conversation:
    """Serve a shell's questions in a thread, until closed.

    Args:
        folder: Where the pipes and the hooks live; it must exist and be private.
        answer: Called with each request (`prompt`, `hint`, …), one at a time; must not raise.
    """

    def __init__(self, folder: Path, answer: Callable[[str], Reply]) -> None:
        self._folder = folder
        self._answer = answer
        self._wake, self._stop = os.pipe()
        self._pipes: list[int] = []
        for name in ("ask", "answer"):
            path = folder / name
            path.unlink(missing_ok=True)
            os.mkfifo(path, 0o600)
            self._pipes.append(os.open(path, os.O_RDWR | os.O_CLOEXEC))
        self.hooks = folder / "hooks.bash"
        """To be sourced by the shell's rc file."""
        self.hooks.write_text(_HOOKS, encoding="utf-8")
        self._thread = threading.Thread(target=self._serve, name="conversation", daemon=True)
        self._thread.start()

    def environment(self) -> dict[str, str]:
        """Variables that the hooks need."""
        return {"DOCKER_TUTOR_PIPES": str(self._folder), "DOCKER_TUTOR_PID": str(os.getpid())}

    def close(self) -> None:
        """Stop serving and take the pipes away."""
        os.write(self._stop, b"x")
        self._thread.join()
        for descriptor in (*self._pipes, self._wake, self._stop):
            os.close(descriptor)
        for name in ("ask", "answer", "hooks.bash"):
            (self._folder / name).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self) -> None:
        ask, reply = self._pipes
        pending = b""
        while True:
            ready, _, _ = select.select([ask, self._wake], [], [])
            if self._wake in ready:
                return
            pending += os.read(ask, 65536)
            *lines, pending = pending.split(b"\n")
            for line in lines:
                said = self._answer(line.decode("utf-8", "replace").strip())
                text = f"{int(said.leave)}{said.text.replace(_END, ' ')}{_END}".encode()
                self._write(reply, text)

    def _write(self, descriptor: int, data: bytes) -> None:
        """A pipe holds 64 KiB; a shell that does not read must not hold the tutor up."""
        os.set_blocking(descriptor, False)
        while data:
            _, ready, _ = select.select([self._wake], [descriptor], [])
            if not ready:
                return
            data = data[os.write(descriptor, data) :]
