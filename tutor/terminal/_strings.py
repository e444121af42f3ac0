"""Sequences that carry a string: OSC and DCS. The others (SOS, PM, APC) are swallowed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import unquote

from tutor.terminal._controls import Controls
from tutor.terminal._style import sgr_of

LIMIT = 256 * 1024
"""Characters of one string that are kept; a clipboard of 100 KB needs 134 KB. A longer one is swallowed whole."""

_LINK_LIMIT = 4096
_TITLE_LIMIT = 1024
_CAPABILITIES = {"TN": "xterm-256color", "Co": "256", "colors": "256", "RGB": "8/8/8"}
_BASIC = (
    "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff"
)


def standard_palette() -> dict[int, int]:
    """xterm's 256 colours as 0xRRGGBB: 16 named, a cube of 6×6×6, 24 greys."""
    levels = (0, 95, 135, 175, 215, 255)
    cube = [red << 16 | green << 8 | blue for red in levels for green in levels for blue in levels]
    greys = [(8 + 10 * step) * 0x010101 for step in range(24)]
    return dict(enumerate([int(colour, 16) for colour in _BASIC.split()] + cube + greys))


class Strings(Controls):
    """A screen that obeys string sequences.

    Attributes:
        foreground, background, cursor_colour: 0xRRGGBB answered to programs that ask (OSC 10, 11, 12).
        palette: The same for OSC 4.
        directory: The shell's last OSC 7, or "".
        running: The command that runs by the shell's prompt marks (OSC 133), or None at the prompt.
        last_status: The exit status of the last command by the same marks.
    """

    foreground = 0xD8DEE9
    background = 0x101418
    cursor_colour = 0xD8DEE9
    palette: Mapping[int, int] = standard_palette()

    def reset(self) -> None:
        """RIS."""
        super().reset()
        self.directory = ""
        self.running: str | None = None
        self.last_status: int | None = None

    def string(self, kind: str, body: str, end: str) -> None:
        """A complete string sequence.

        Args:
            kind: The character after ESC: `]` OSC, `P` DCS, `X` SOS, `^` PM, `_` APC.
            body: What stood inside.
            end: How it ended, to end answers alike.
        """
        if kind == "P":
            self._device(body)
        elif kind == "]":
            number, _, rest = body.partition(";")
            match number:
                case "0" | "2":
                    self.title = _printable(rest[:_TITLE_LIMIT])
                    self.host.title(self.title)
                case "4":
                    self._asked_palette(rest, end)
                case "7":
                    self.directory = _printable(rest[:_LINK_LIMIT])
                    self.host.directory(self.directory)
                case "8":
                    self._link(rest)
                case "10" | "11" | "12":
                    self._asked_colours(int(number), rest, end)
                case "52":
                    self._clipboard(rest)
                case "133":
                    self._prompt_mark(rest)
                case _:
                    pass

    def _link(self, rest: str) -> None:
        target = rest.partition(";")[2]
        safe = 0 < len(target) <= _LINK_LIMIT and target == _printable(target)
        self.style = self.style._replace(link=target if safe else None)

    def _clipboard(self, rest: str) -> None:
        data = rest.partition(";")[2]
        if data == "?":
            return  # what a person copied elsewhere is not a program's to read
        try:
            text = base64.b64decode(data, validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return
        self.host.copy(text)

    def _asked_palette(self, rest: str, end: str) -> None:
        parts = rest.split(";")[:32]
        for index, value in zip(parts[::2], parts[1::2], strict=False):
            if value == "?" and index.isascii() and index.isdigit() and len(index) < 4 and int(index) in self.palette:
                self._colour(f"4;{int(index)}", self.palette[int(index)], end)

    def _asked_colours(self, number: int, rest: str, end: str) -> None:
        colours = {10: self.foreground, 11: self.background, 12: self.cursor_colour}
        for offset, value in enumerate(rest.split(";")[:3]):
            if value == "?" and number + offset in colours:
                self._colour(str(number + offset), colours[number + offset], end)

    def _colour(self, what: str, colour: int, end: str) -> None:
        red, green, blue = colour >> 16 & 255, colour >> 8 & 255, colour & 255
        self._reply(f"\x1b]{what};rgb:{red:02x}{red:02x}/{green:02x}{green:02x}/{blue:02x}{blue:02x}{end}")

    def _device(self, body: str) -> None:
        if body.startswith("$q"):
            answers = {
                "m": f"{sgr_of(self.style)}m",
                "r": f"{self.top + 1};{self.bottom + 1}r",
                " q": f"{self.cursor_style} q",
            }
            answer = answers.get(body[2:])
            self._reply(f"\x1bP{'0$r' if answer is None else '1$r' + answer}\x1b\\")
        elif body.startswith("+q"):
            for name in body[2:].split(";")[:32]:
                try:
                    value = _CAPABILITIES.get(bytes.fromhex(name).decode("ascii"))
                except ValueError:
                    value = None
                known = "" if value is None else f"{name}={value.encode().hex().upper()}"
                self._reply(f"\x1bP{1 if known else 0}+r{known}\x1b\\")

    def _prompt_mark(self, rest: str) -> None:
        kind, *parameters = rest[:_LINK_LIMIT].split(";")
        line = self.lines[self.y]
        if kind == "A":
            line.prompt = True
            self.running = None
        elif kind == "B":
            line.entry = self.x if self.x < self.cols else -1
            self.running = None
        elif kind == "C":
            named = next((p for p in parameters if p.startswith("cmdline_url=")), "")
            self.running = unquote(named.partition("=")[2]) if named else self._entered()
            self.host.command_started(self.running)
        elif kind == "D":
            status = parameters[0] if parameters else ""
            self.last_status = int(status) if status.isascii() and status.isdigit() and len(status) < 6 else None
            if self.running is not None:
                self.host.command_ended(self.last_status)
            self.running = None

    def _entered(self) -> str:
        """What was typed behind the last prompt that is still on the screen."""
        last = self.y if self.x else self.y - 1
        text = ""
        for y in range(last, -1, -1):
            line = self.lines[y]
            start = max(line.entry, 0)
            row = "".join(line.cells()[start:])
            ends = not line.wrapped
            text = (row.rstrip(" ") + "\n" if ends else row) + text
            if line.entry >= 0:
                return text.strip()
        return ""


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())
