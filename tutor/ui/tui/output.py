"""Where the app draws: the terminal, as long as it is there."""

from __future__ import annotations

import contextlib
from typing import Any, TextIO


class UntilGone:
    """A terminal's output that takes no notice when the terminal has gone.

    Textual writes in a thread, which an error would end; whoever draws then waits for that thread for ever, and a
    tutor whose window was closed would never come to its end.

    Args:
        terminal: The output.
    """

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal

    def write(self, text: str) -> int:
        """Write; into nothing where the terminal has gone."""
        try:
            return self._terminal.write(text)
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        """Send what was written."""
        with contextlib.suppress(OSError, ValueError):
            self._terminal.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._terminal, name)
