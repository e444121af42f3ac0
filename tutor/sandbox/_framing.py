"""Where a body ends, without looking into it."""

from __future__ import annotations

_MAX_LINE = 4096


class FramingError(Exception):
    """The other side does not keep to HTTP's chunked coding."""


class Chunks:
    """Follows a chunked body that is passed on as it is."""

    __slots__ = ("_left", "_line", "_trailer", "done")

    def __init__(self) -> None:
        self._left = 0
        self._line = b""
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
                self._left -= step
                at += step
                continue
            end = data.find(b"\n", at)
            if end < 0 or end - at > _MAX_LINE:
                self._line += data[at:]
                if len(self._line) > _MAX_LINE:
                    raise FramingError("a chunk's line is too long")
                return size
            line = (self._line + data[at:end]).strip()
            self._line = b""
            at = end + 1
            if self._trailer:
                if not line:
                    self.done = True
                    return at
                continue
            try:
                length = int(line.split(b";", 1)[0], 16)
            except ValueError:
                raise FramingError("a chunk has no length") from None
            if length < 0:
                raise FramingError("a chunk has a negative length")
            if length:
                self._left = length + 2
            else:
                self._trailer = True
        return size


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
