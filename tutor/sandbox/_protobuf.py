"""Protocol Buffers on the wire, without schemas (https://protobuf.dev/programming-guides/encoding/)."""

from __future__ import annotations

from dataclasses import dataclass


class WireError(Exception):
    """These bytes are no message."""


@dataclass(slots=True)
class Field:
    """One field of a message.

    Attributes:
        number: Field number.
        wire: Wire type: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.
        value: The number, or the bytes.
    """

    number: int
    wire: int
    value: int | bytes

    @property
    def data(self) -> bytes:
        """The bytes of a field of wire type 2."""
        if not isinstance(self.value, bytes):
            raise WireError(f"field {self.number} is no string")
        return self.value

    @property
    def text(self) -> str:
        """The text of a string."""
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            raise WireError(f"field {self.number} is not UTF-8") from None


def parse(data: bytes) -> list[Field]:
    """The fields of a message, in their order.

    Raises:
        WireError: It is no message (groups, which nothing uses any more, count as none).
    """
    fields = []
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise WireError("field 0")
        value: int | bytes
        if wire == 0:
            value, at = _varint(data, at)
        elif wire in {1, 5}:
            size = 8 if wire == 1 else 4
            value, at = data[at : at + size], at + size
        elif wire == 2:
            size, at = _varint(data, at)
            value, at = data[at : at + size], at + size
        else:
            raise WireError(f"wire type {wire}")
        if at > len(data):
            raise WireError("ends too early")
        fields.append(Field(number, wire, value))
    return fields


def write(fields: list[Field]) -> bytes:
    """A message of these fields."""
    result = bytearray()
    for field in fields:
        result += _number(field.number << 3 | field.wire)
        if isinstance(field.value, int):
            result += _number(field.value)
        else:
            result += (_number(len(field.value)) if field.wire == 2 else b"") + field.value
    return bytes(result)


def string(number: int, text: str) -> Field:
    """A string field."""
    return Field(number, 2, text.encode())


def entry(number: int, key: str, value: str) -> Field:
    """An entry of a map of strings to strings."""
    return Field(number, 2, write([string(1, key), string(2, value)]))


def pairs(fields: list[Field], number: int) -> dict[str, str]:
    """A map of strings to strings."""
    result = {}
    for field in fields:
        if field.number == number:
            inner = {item.number: item.text for item in parse(field.data) if item.number in {1, 2}}
            result[inner.get(1, "")] = inner.get(2, "")
    return result


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise WireError("broken number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


def _number(value: int) -> bytes:
    result = bytearray()
    while value > 127:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    result.append(value)
    return bytes(result)
