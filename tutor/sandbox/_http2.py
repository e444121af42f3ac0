"""gRPC calls inside an HTTP/2 connection, read from the client's side and changed on the way.

The client's header blocks are decoded and written anew without tables, so that a call can be left out. Calls that are
judged are held until their message is whole. What the sandbox adds to a message or keeps back is settled with the flow
control of both sides (RFC 9113, section 5.2).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from tutor.sandbox._hpack import Decoder, Headers, HpackError, encode
from tutor.sandbox._protobuf import WireError
from tutor.sandbox.policy import Refused

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _PRIORITY, _RESET, _SETTINGS, _PUSH, _PING, _GOAWAY, _WINDOW, _CONTINUATION = range(10)
_END_STREAM, _END_HEADERS, _PADDED, _PRIORITIZED = 1, 4, 8, 32
_CANCEL = struct.pack(">I", 8)
_FRAME = 16384
_MAX_FRAME = 1 << 20
_WINDOW_SIZE = 65535

Judge = Callable[[str, dict[str, str], bytes], Awaitable[bytes]]
"""Path, headers and message of a call → the message to send; raises `Refused`."""


@dataclass(slots=True)
class _Stream:
    path: str
    headers: Headers
    held: bool
    body: bytearray = field(default_factory=bytearray)
    refused: bool = False


class BrokenConnection(Exception):
    """The client does not speak HTTP/2 as the sandbox reads it."""


class Calls:
    """One HTTP/2 connection of a gRPC client.

    Args:
        known: Path of a call → whether its message is judged; None refuses the call.
        judge: Judges a whole message.
        ended: Told the path when a judged call has its answer, before the client sees the answer's end.
        failed: Told the words of each call that failed, and whether it was refused here.
    """

    def __init__(
        self, known: Callable[[str], bool | None], judge: Judge, ended: Callable[[str], Awaitable[None]],
        failed: Callable[[str, bool], None] = lambda _, __: None,
    ) -> None:  # fmt: skip
        self._known = known
        self._judge = judge
        self._ended = ended
        self._failed = failed
        self._answers: Decoder | None = Decoder()  # of the engine's header blocks
        self._judged: dict[int, str] = {}
        self._client = bytearray()
        self._engine = bytearray()
        self._preface = False
        self._decoder = Decoder()
        self._streams: dict[int, _Stream] = {}
        self._block: tuple[int, int, bytearray] | None = None
        self._window = _WINDOW_SIZE  # what the engine takes on the whole connection
        self._initial = _WINDOW_SIZE  # what it takes on one stream
        self._refused: set[int] = set()
        self._waiting: deque[bytes] = deque()
        self._owed = 0  # bytes the sandbox sent beyond the client's

    async def from_client(self, data: bytes) -> tuple[bytes, bytes]:
        """Bytes for the engine, and bytes for the client.

        Raises:
            BrokenConnection: End both connections.
        """
        self._client += data
        out, back = bytearray(), bytearray()
        if not self._preface:
            if len(self._client) < len(PREFACE):
                if not PREFACE.startswith(bytes(self._client)):
                    raise BrokenConnection
                return b"", b""
            if not self._client.startswith(PREFACE):
                raise BrokenConnection
            del self._client[: len(PREFACE)]
            out += PREFACE
            self._preface = True
        try:
            for kind, flags, stream, payload in _frames(self._client):
                await self._client_frame(kind, flags, stream, payload, out, back)
        except (HpackError, struct.error, IndexError):
            raise BrokenConnection from None
        return bytes(out), bytes(back)

    async def from_engine(self, data: bytes) -> tuple[bytes, bytes]:
        """Bytes for the client, and bytes for the engine."""
        self._engine += data
        out, back = bytearray(), bytearray()
        for kind, flags, stream, payload in _frames(self._engine):
            if kind == _SETTINGS and not flags & 1:
                self._settings(payload)
            if kind == _WINDOW and stream == 0 and len(payload) == 4:
                more = int.from_bytes(payload, "big") & 0x7FFFFFFF
                self._window += more
                self._flush(back)
                settled = min(max(self._owed, 0), more)
                self._owed -= settled
                if more == settled:
                    continue
                payload = struct.pack(">I", more - settled)
            if kind in {_HEADERS, _CONTINUATION}:
                self._answered(kind, flags, payload)
            if stream in self._judged and flags & _END_STREAM and kind in {_HEADERS, _DATA}:
                await self._ended(self._judged.pop(stream))
            if stream in self._refused and kind in {_RESET, _DATA}:
                continue
            out += _frame(kind, flags, stream, payload)
        return bytes(out), bytes(back)

    def _answered(self, kind: int, flags: int, payload: bytes) -> None:
        if self._answers is None:
            return
        try:
            if kind == _CONTINUATION or not flags & _END_HEADERS:
                raise HpackError("in parts")  # gRPC servers send none; the table cannot be followed any more
            headers = dict(self._answers.decode(_unpadded(flags, payload, priority=True)))
        except (HpackError, BrokenConnection, IndexError):
            self._answers = None
            return
        words = headers.get(b"grpc-message", b"")
        if words:
            self._failed(unquote(words.decode("latin-1")), False)

    def _settings(self, payload: bytes) -> None:
        for at in range(0, len(payload) - 5, 6):
            name, value = struct.unpack_from(">HI", payload, at)
            if name == 1:
                self._decoder.limit = value
            elif name == 4:
                self._initial = value

    # -- the client's frames --------------------------------------------------------------------------------------
    async def _client_frame(
        self, kind: int, flags: int, stream: int, payload: bytes, out: bytearray, back: bytearray
    ) -> None:
        if self._block is not None and (kind != _CONTINUATION or stream != self._block[0]):
            raise BrokenConnection
        if kind == _HEADERS:
            self._block = (stream, flags, bytearray(_unpadded(flags, payload, priority=True)))
            if flags & _END_HEADERS:
                await self._headers(out, back)
        elif kind == _CONTINUATION:
            if self._block is None or len(self._block[2]) > _MAX_FRAME:
                raise BrokenConnection
            self._block[2].extend(payload)
            if flags & _END_HEADERS:
                await self._headers(out, back)
        elif kind == _DATA:
            await self._data(flags, stream, payload, out, back)
        elif kind == _RESET:
            known = self._streams.pop(stream, None)
            if known is not None:
                self._settle(-len(known.body), back)
            if stream not in self._refused:
                self._waiting = deque(frame for frame in self._waiting if _stream_of(frame) != stream)
                out += _frame(kind, flags, stream, payload)
        elif kind == _PUSH:
            raise BrokenConnection
        elif kind == _WINDOW and stream in self._refused:
            return  # the engine knows it no more, or never did
        elif kind != _PRIORITY:
            out += _frame(kind, flags, stream, payload)

    async def _headers(self, out: bytearray, back: bytearray) -> None:
        assert self._block is not None
        stream, flags, block = self._block
        self._block = None
        headers = self._decoder.decode(bytes(block))
        if stream in self._streams:
            raise BrokenConnection  # gRPC clients send no trailers
        names = dict(headers)
        path = names.get(b":path", b"").decode("latin-1")
        known = self._known(path)
        self._streams[stream] = entry = _Stream(path, headers, held=bool(known))
        if known is None or b"grpc-encoding" in names or (entry.held and flags & _END_STREAM):
            self._refuse(stream, entry, Refused(f"The sandbox does not pass on {path}.", 403), back, flags)
            return
        # Streams must begin in the order of their numbers, so a call begins before its message is judged: without the
        # message the engine can do nothing.
        out += _header_frames(stream, headers, flags & _END_STREAM)
        self._end(stream, flags)

    async def _data(self, flags: int, stream: int, payload: bytes, out: bytearray, back: bytearray) -> None:
        entry = self._streams.get(stream)
        if entry is None:
            raise BrokenConnection
        size = len(payload)
        payload = _unpadded(flags, payload, priority=False)
        if entry.refused:
            self._settle(-size, back)
            self._end(stream, flags)
            return
        self._settle(len(payload) - size, back)  # padding is not sent on
        if not entry.held:
            self._send(_frame(_DATA, flags & _END_STREAM, stream, payload), out)
            self._end(stream, flags)
            return
        entry.body += payload
        if flags & _END_STREAM:
            await self._release(stream, entry, out, back)
        elif len(entry.body) > _WINDOW_SIZE - _FRAME:
            # More than this cannot come before the engine answers, and it sees nothing before it is judged.
            self._settle(-len(entry.body), back)
            out += _frame(_RESET, 0, stream, _CANCEL)
            self._refuse(stream, entry, Refused("This build's description is too large for a lab.", 413), back, flags)

    async def _release(self, stream: int, entry: _Stream, out: bytearray, back: bytearray) -> None:
        size = len(entry.body)
        names = {key.decode("latin-1"): value.decode("latin-1") for key, value in entry.headers}
        try:
            if size < 5 or entry.body[0] != 0 or int.from_bytes(entry.body[1:5], "big") != size - 5:
                raise WireError("not one plain message")
            message = await self._judge(entry.path, names, bytes(entry.body[5:]))
            if len(message) + 5 > self._initial:
                raise Refused("This build's description is too large for a lab.", 413)
        except (WireError, Refused) as error:
            refused = error if isinstance(error, Refused) else Refused(f"The sandbox cannot read this: {error}", 400)
            self._settle(-size, back)
            out += _frame(_RESET, 0, stream, _CANCEL)
            self._refuse(stream, entry, refused, back, _END_STREAM)
        else:
            self._judged[stream] = entry.path
            body = struct.pack(">BI", 0, len(message)) + message
            self._settle(len(body) - size, back)
            for at in range(0, len(body), _FRAME):
                part = body[at : at + _FRAME]
                last = _END_STREAM if at + _FRAME >= len(body) else 0
                self._send(_frame(_DATA, last, stream, part), out)
            self._streams.pop(stream, None)

    def _end(self, stream: int, flags: int) -> None:
        if flags & _END_STREAM:
            self._streams.pop(stream, None)

    def _refuse(self, stream: int, entry: _Stream, refused: Refused, back: bytearray, flags: int) -> None:
        self._failed(refused.message, True)
        status = {400: b"3", 404: b"5", 409: b"6", 413: b"8"}.get(refused.status, b"7")
        headers = [
            (b":status", b"200"),
            (b"content-type", b"application/grpc"),
            (b"grpc-status", status),
            (b"grpc-message", quote(refused.message, safe=" !#$&'()*+,/:;=?@[]-_.~`\"").encode()),
        ]
        back += _header_frames(stream, headers, _END_STREAM)
        entry.refused, entry.held = True, False
        self._refused.add(stream)
        if flags & _END_STREAM:
            self._streams.pop(stream, None)
        else:
            back += _frame(_RESET, 0, stream, struct.pack(">I", 0))

    # -- flow control ---------------------------------------------------------------------------------------------
    def _settle(self, more: int, back: bytearray) -> None:
        """The engine gets so many bytes more (or fewer) than the client sent."""
        self._owed += more
        if self._owed < 0:
            back += _frame(_WINDOW, 0, 0, struct.pack(">I", -self._owed))
            self._owed = 0

    def _send(self, frame: bytes, out: bytearray) -> None:
        self._waiting.append(frame)
        self._flush(out)

    def _flush(self, out: bytearray) -> None:
        while self._waiting and len(self._waiting[0]) - 9 <= self._window:
            frame = self._waiting.popleft()
            self._window -= len(frame) - 9
            out += frame


def _frames(buffer: bytearray) -> list[tuple[int, int, int, bytes]]:
    """Take the whole frames out of a buffer: type, flags, stream, payload."""
    result = []
    at = 0
    while len(buffer) - at >= 9:
        size = int.from_bytes(buffer[at : at + 3], "big")
        if size > _MAX_FRAME:
            raise BrokenConnection
        if len(buffer) - at < 9 + size:
            break
        stream = int.from_bytes(buffer[at + 5 : at + 9], "big") & 0x7FFFFFFF
        result.append((buffer[at + 3], buffer[at + 4], stream, bytes(buffer[at + 9 : at + 9 + size])))
        at += 9 + size
    del buffer[:at]
    return result


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _header_frames(stream: int, headers: Headers, flags: int) -> bytes:
    block = encode(headers)
    if len(block) <= _FRAME:
        return _frame(_HEADERS, flags | _END_HEADERS, stream, block)
    result = _frame(_HEADERS, flags, stream, block[:_FRAME])
    for at in range(_FRAME, len(block), _FRAME):
        last = _END_HEADERS if at + _FRAME >= len(block) else 0
        result += _frame(_CONTINUATION, last, stream, block[at : at + _FRAME])
    return result


def _stream_of(frame: bytes) -> int:
    return int.from_bytes(frame[5:9], "big") & 0x7FFFFFFF


def _unpadded(flags: int, payload: bytes, *, priority: bool) -> bytes:
    if flags & _PADDED:
        padding = payload[0]
        if padding >= len(payload):
            raise BrokenConnection
        payload = payload[1 : len(payload) - padding]
    if priority and flags & _PRIORITIZED:
        if len(payload) < 5:
            raise BrokenConnection
        payload = payload[5:]
    return payload
