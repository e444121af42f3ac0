"""What a screen tells the world around it."""

from __future__ import annotations


class Host:
    """Answers a screen that meets requests it cannot serve alone. Override what is of interest.

    The methods are called in the middle of `Screen.feed`: they must not raise and must not feed the screen.
    """

    def reply(self, data: bytes) -> None:
        """Send bytes to the program, as if they had been typed."""

    def bell(self) -> None:
        """The program rang."""

    def title(self, text: str) -> None:
        """The program named the window (OSC 0 and 2)."""

    def copy(self, text: str) -> None:
        """The program put text on the clipboard (OSC 52). Reading it is never granted."""

    def directory(self, url: str) -> None:
        """The shell is in another directory, given as a `file:` URL (OSC 7)."""

    def command_started(self, text: str) -> None:
        """The shell runs a command (OSC 133 C); `text` is what stood behind the prompt."""

    def command_ended(self, status: int | None) -> None:
        """The command is over (OSC 133 D), with its exit status where the shell told it."""
