"""Bytes to actions.

Complete sequences are recognised by one regular expression. What it does not match, because it is
cut by the end of a chunk or has controls inside, goes character by character through a small state
machine with the same meaning, so that the picture never depends on how the bytes were cut.
"""

from __future__ import annotations

import codecs
import re

from tutor.terminal._host import Host
from tutor.terminal._strings import LIMIT, Strings
from tutor.terminal._style import apply_sgr

_TOKEN = re.compile(
    r"([^\x00-\x1f\x7f-\x9f]+)"  # 1: text
    r"|(\r?\n)"  # 2: new line
    r"|\x1b\[([0-9;:]{0,255})m"  # 3: SGR
    r"|\x1b\[([<=>?]?)([0-9;:]{0,255})([ -/]?)([@-~])"  # 4-7: CSI
    r"|([\x00-\x1a\x1c-\x1f\x7f-\x9f])"  # 8: controls
    r"|\x1b([ #%()*+./-]?)([0-OQ-WYZ\\`-~])"  # 9-10: ESC
)
_CSI = re.compile(r"([<=>?]?)([0-9;:]{0,255})([ -/]?)([@-~])").fullmatch
_STRING_END = re.compile("[\x07\x18\x1a\x1b\x9c]")
_SEQUENCE_LIMIT = 512
_GROUND, _ESCAPE, _CONTROL_SEQUENCE, _STRING = range(4)


class Parser(Strings):
    """A screen that is fed with bytes."""

    def __init__(self, cols: int = 80, rows: int = 24, scrollback: int = 5000, host: Host | None = None) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._state = _GROUND
        self._pending = ""
        self._kind = ""
        self._parts: list[str] = []
        self._length = 0
        super().__init__(cols, rows, scrollback, host)

    def feed(self, data: bytes) -> None:
        """Take output of the program, cut anywhere. Nothing in it raises."""
        self.generation += 1
        text = self._decoder.decode(data)
        position, end = 0, len(text)
        match, print_ = _TOKEN.match, self.print
        while position < end:
            if self._state:
                position = self._continue(text, position)
                continue
            token = match(text, position)
            if token is None:  # ESC and something unfinished or unusual
                self._state, self._pending = _ESCAPE, ""
                position += 1
                continue
            position = token.end()
            kind = token.lastindex
            if kind == 1:
                print_(token[1])
            elif kind == 2:
                if len(token[2]) == 2 or self.newline_mode:
                    self.x = 0
                elif self.x >= self.cols:
                    self.x = self.cols - 1
                self.index()
            elif kind == 3:
                self.style = apply_sgr(self.style, token[3])
            elif kind == 7:
                self.csi(token[4], token[5], token[6], token[7])
            elif kind == 8:
                self.control(token[8])
            else:
                self.escape(token[9], token[10])

    def _continue(self, text: str, position: int) -> int:
        """One step inside a sequence; returns where to go on."""
        if self._state == _STRING:
            return self._continue_string(text, position)
        char = text[position]
        if char < " ":
            if char == "\x1b":
                self._state, self._pending = _ESCAPE, ""
            elif char in "\x18\x1a":
                self._state = _GROUND
            else:
                self.control(char)
        elif self._state == _ESCAPE:
            self._continue_escape(char)
        elif char < "\x7f":
            if len(self._pending) < _SEQUENCE_LIMIT:
                self._pending += char
            if char >= "@":
                self._state = _GROUND
                if sequence := _CSI(self._pending):
                    self.csi(sequence[1], sequence[2], sequence[3], sequence[4])
        return position + 1

    def _continue_escape(self, char: str) -> None:
        if " " <= char <= "/":
            self._pending = (self._pending + char)[:2]
        elif not self._pending and char == "[":
            self._state = _CONTROL_SEQUENCE
        elif not self._pending and char in "]PX^_":
            self._state, self._kind, self._parts, self._length = _STRING, char, [], 0
        else:
            self._state = _GROUND
            if char < "\x7f" and len(self._pending) < 2:
                self.escape(self._pending, char)

    def _continue_string(self, text: str, position: int) -> int:
        found = _STRING_END.search(text, position)
        stop = found.start() if found else len(text)
        if self._length <= LIMIT:
            self._parts.append(text[position:stop])
            self._length += stop - position
        if found is None:
            return stop
        terminator = text[stop]
        if terminator == "\x07" and self._kind != "]":
            return stop + 1
        # ESC ends the string whatever follows; as the first half of ST its other half does nothing.
        self._state = _ESCAPE if terminator == "\x1b" else _GROUND
        self._pending = ""
        body = "".join(self._parts)
        self._parts = []
        if terminator not in "\x18\x1a" and self._length <= LIMIT:
            self.string(self._kind, body, "\x07" if terminator == "\x07" else "\x1b\\")
        return stop + 1
