"""Where a body ends, without looking into it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MAX_LINE = 4096
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r")


class FramingError(Exception):
    """The other side does not keep to HTTP's chunked coding."""


class Chunks:
    """Follows a chunked body that is passed on as it is.

    Args:
        keep: Collect what the chunks hold, for `take`.
    """

    __slots__ = ("_ended", "_kept", "_left", "_line", "_trailer", "done")

    def __init__(self, *, keep: bool = False) -> None:
        self._left = 0
        self._kept: bytearray | None = bytearray() if keep else None
        self._line = b""
        self._ended = False  # a chunk's data are over, its line end is not
        self._trailer = False
        self.done = False

    def feed(self, data: bytes) -> int:
        """Take the next bytes; returns how many of them belong to the body.

        Raises:
            FramingError: These bytes are no chunked body.
        """
        at, size = 0, len(data)
        while at < size:
            if self._left:
                step = min(self._left, size - at)
                if self._kept is not None:
                    self._kept += data[at : at + step]
                self._left -= step
                at += step
                self._ended = self._left == 0
                continue
            end = data.find(b"\n", at)
            if end < 0 or end - at > _MAX_LINE:
                self._line += data[at:]
                if len(self._line) > _MAX_LINE:
                    raise FramingError("a chunk's line is too long")
                return size
            line = self._line + data[at:end]
            self._line = b""
            at = end + 1
            if self._one(line):
                self.done = True
                return at
        return size

    def _one(self, line: bytes) -> bool:
        """A line outside of the data; whether it is the body's last one."""
        if not line.endswith(b"\r"):
            raise FramingError("a chunk's line ends in an odd way")
        if self._ended:
            if line != b"\r":
                raise FramingError("a chunk is longer than it says")
            self._ended = False
        elif self._trailer:
            return line == b"\r"
        else:
            found = _SIZE.fullmatch(line)
            if found is None:
                raise FramingError("a chunk has no length")
            self._left = int(found[1], 16)
            self._trailer = self._left == 0
        return False

    def take(self) -> bytes:
        """What the chunks held since the last call."""
        if not self._kept:
            return b""
        kept = bytes(self._kept)
        self._kept.clear()
        return kept


class Counted:
    """Follows a body of known length."""

    __slots__ = ("_left", "done")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0

    def feed(self, data: bytes) -> int:
        """Take the next bytes; returns how many of them belong to the body."""
        step = min(self._left, len(data))
        self._left -= step
        self.done = self._left == 0
        return step


class UntilClosed:
    """Follows a body that ends with the connection."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False

    def feed(self, data: bytes) -> int:
        """Take the next bytes; all belong to the body."""
        return len(data)


@dataclass(slots=True)
class Reply:
    """The head of an engine's answer.

    Attributes:
        status: HTTP status.
        reason: Its words.
        headers: In the engine's order and spelling, without those of the connection.
        length: Bytes of the body; None when it is chunked or ends with the connection.
        chunked: The body is chunked.
        close: The engine ends the connection after it.
        rest: Bytes that came behind the head.
    """

    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]
    length: int | None
    chunked: bool
    close: bool
    rest: bytes

    @property
    def bounded(self) -> bool:
        """Whether the body ends before the connection does."""
        return self.chunked or self.length is not None

    def framing(self, *, keep: bool = False) -> Chunks | Counted | UntilClosed:
        """What follows the body."""
        if self.chunked:
            return Chunks(keep=keep)
        return UntilClosed() if self.length is None else Counted(self.length)


_DROPPED = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"content-length"})


def parse_reply(data: bytes, end: int) -> Reply:
    """Read the head of an answer that ends (with its empty line) before `end`.

    Raises:
        FramingError: It is no HTTP/1.1 answer.
    """
    lines = data[: end - 4].split(b"\r\n")
    start = lines[0].split(b" ", 2)
    if len(start) < 2 or not start[0].startswith(b"HTTP/1.") or not start[1].isdigit() or len(start[1]) != 3:
        raise FramingError("no HTTP answer")
    reply = Reply(int(start[1]), start[2] if len(start) > 2 else b"", [], None, False, False, data[end:])
    upgrade = reply.status == 101
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise FramingError("broken header")
        lower, value = name.lower(), value.strip()
        if lower == b"content-length":
            if not value.isdigit():
                raise FramingError("broken length")
            reply.length = int(value)
        elif lower == b"transfer-encoding":
            if value.lower() != b"chunked":
                raise FramingError("unknown transfer coding")
            reply.chunked = True
        elif lower == b"connection":
            reply.close = b"close" in value.lower()
        if upgrade or lower not in _DROPPED:
            reply.headers.append((name, value))
    if reply.chunked:
        reply.length = None
    return reply
