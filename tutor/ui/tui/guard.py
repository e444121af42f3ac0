"""Gives the terminal back when the tutor dies without doing so itself (SIGKILL, a crash of the interpreter).

A tiny `sh` waits at a pipe. When the tutor ends well it writes a line into the pipe; when the pipe ends without one,
the `sh` leaves the alternate screen, switches mouse, paste and keyboard modes off, and sets the line as it was.
"""

from __future__ import annotations

import contextlib
import os
import subprocess

# Show the cursor; no mouse, focus news or bracketed paste; keyboard protocol off; colours off; main screen.
# https://invisible-island.net/xterm/ctlseqs/ctlseqs.html, https://sw.kovidgoyal.net/kitty/keyboard-protocol/
_RESET = (
    r"\033[?25h\033[?1000l\033[?1002l\033[?1003l\033[?1006l\033[?1015l\033[?1004l\033[?2004l\033[<u\033[0m\033[?1049l"
)
_WATCH = f"""\
trap '' INT HUP TERM QUIT TTOU
saved=$(stty -g < /dev/tty 2> /dev/null)
echo ready
if read -r word; then exit 0; fi
stty "$saved" < /dev/tty 2> /dev/null
printf '{_RESET}' > /dev/tty 2> /dev/null
"""


class Guard:
    """Watches over the terminal from `start` to `done`."""

    def __init__(self) -> None:
        self._watcher: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to watch; nothing where there is no sh. It goes on while the caller does other things."""
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            self._watcher = subprocess.Popen(
                ["/bin/sh", "-c", _WATCH],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # A group of its own: what ends the tutor's group does not end it.
                process_group=0,
                env={"PATH": os.environ.get("PATH", os.defpath)},
            )

    def ready(self) -> None:
        """Wait until it has seen the terminal as it is; to be called before anything changes that."""
        if self._watcher is not None and self._watcher.stdout is not None:
            self._watcher.stdout.readline()

    def done(self) -> None:
        """The terminal is as it was."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            with contextlib.suppress(OSError):
                watcher.communicate(b"done\n")
