"""HPACK, as much as the sandbox needs: reading request headers, and writing plain ones.

RFC 7541 (https://www.rfc-editor.org/rfc/rfc7541). Its Huffman code is canonical, so the lengths of the codes
(appendix B) are the whole table.
"""

from __future__ import annotations

from collections import deque

Headers = list[tuple[bytes, bytes]]

_LENGTHS = """
    13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28
    28 28 28 28 28 28 28 28 6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6
    5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10 13 6 7 7 7 7 7 7
    7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6
    15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7
    7 7 7 15 11 14 13 28 20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23
    24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24 22 21 20 22 22 23 23 21
    23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
    26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24
    21 21 26 26 28 27 27 27 20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23
    26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26 30
"""

_STATIC = """
:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate
"""

_MAX_LIST = 1 << 16
_TABLE: Headers = []
for _line in _STATIC.splitlines()[1:]:
    _name, _, _value = _line.partition(" ")
    _TABLE.append((_name.encode(), _value.encode()))


class HpackError(Exception):
    """These bytes are no header block."""


def _codes() -> dict[tuple[int, int], int]:
    lengths = [int(word) for word in _LENGTHS.split()]
    result, code, before = {}, 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths)):
        code <<= length - before
        before = length
        result[length, code] = symbol
        code += 1
    return result


_CODES = _codes()
_END = 256


def _huffman(data: bytes) -> bytes:
    result = bytearray()
    code = length = 0
    for byte in data:
        for shift in range(7, -1, -1):
            code = code << 1 | (byte >> shift & 1)
            length += 1
            symbol = _CODES.get((length, code))
            if symbol is not None:
                if symbol == _END:
                    raise HpackError("end of string inside a string")
                result.append(symbol)
                code = length = 0
            elif length > 30:
                raise HpackError("no such code")
    if length > 7 or code != (1 << length) - 1:
        raise HpackError("wrong padding")
    return bytes(result)


class Decoder:
    """Reads the header blocks of one direction of one connection, in their order."""

    def __init__(self, size: int = 4096) -> None:
        self.limit = size
        self._max = size
        self._size = 0
        self._dynamic: deque[tuple[bytes, bytes]] = deque()

    def decode(self, data: bytes) -> Headers:
        """The headers of one block.

        Raises:
            HpackError: It breaks the RFC, or holds more than 64 KiB.
        """
        headers: Headers = []
        at = total = 0
        try:
            while at < len(data):
                byte = data[at]
                if byte & 0x80:
                    index, at = _integer(data, at, 7)
                    header = self._entry(index)
                elif byte & 0xE0 == 0x20:
                    size, at = _integer(data, at, 5)
                    if size > self.limit:
                        raise HpackError("table too large")
                    self._max = size
                    self._evict()
                    continue
                else:
                    keep = byte & 0xC0 == 0x40
                    index, at = _integer(data, at, 6 if keep else 4)
                    name, at = (self._entry(index)[0], at) if index else _string(data, at)
                    value, at = _string(data, at)
                    header = (name, value)
                    if keep:
                        self._add(header)
                total += len(header[0]) + len(header[1]) + 32
                if total > _MAX_LIST:
                    raise HpackError("too many headers")
                headers.append(header)
        except IndexError:
            raise HpackError("block ends too early") from None
        return headers

    def _entry(self, index: int) -> tuple[bytes, bytes]:
        if index == 0:
            raise HpackError("index 0")
        if index <= len(_TABLE):
            return _TABLE[index - 1]
        return self._dynamic[index - len(_TABLE) - 1]

    def _add(self, header: tuple[bytes, bytes]) -> None:
        self._dynamic.appendleft(header)
        self._size += len(header[0]) + len(header[1]) + 32
        self._evict()

    def _evict(self) -> None:
        while self._size > self._max and self._dynamic:
            name, value = self._dynamic.pop()
            self._size -= len(name) + len(value) + 32


def _integer(data: bytes, at: int, bits: int) -> tuple[int, int]:
    mask = (1 << bits) - 1
    value = data[at] & mask
    at += 1
    if value < mask:
        return value, at
    shift = 0
    while True:
        byte = data[at]
        at += 1
        value += (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at
        if shift > 28:
            raise HpackError("integer too large")


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    coded = data[at] & 0x80
    length, at = _integer(data, at, 7)
    raw = data[at : at + length]
    if len(raw) != length:
        raise HpackError("string ends too early")
    return (_huffman(raw) if coded else raw), at + length


def encode(headers: Headers) -> bytes:
    """Headers as literals that no table keeps: right for every reader, whatever was sent before."""
    result = bytearray()
    for name, value in headers:
        result += b"\0" + _length(len(name)) + name + _length(len(value)) + value
    return bytes(result)


def _length(value: int) -> bytes:
    if value < 127:
        return bytes([value])
    value -= 127
    result = bytearray([127])
    while value >= 128:
        result.append(value % 128 + 128)
        value //= 128
    result.append(value)
    return bytes(result)
