"""The bytes of a request's head, cut into its parts; strict wherever HTTP lets two readers differ.

Syntax: RFC 9112. What that lets a server forgive is refused here: lines that end without a carriage return, empty
lines before the request, headers over several lines, blanks before a colon.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_HEAD = 1 << 16
"""Bytes of a head."""

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_START = re.compile(rb"(%b) ([!-~]+) HTTP/([0-9]\.[0-9])" % _TOKEN)
_FIELD = re.compile(rb"(%b):[ \t]*((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)[ \t]*" % _TOKEN)


class Request(NamedTuple):
    """A head as it came.

    Attributes:
        method, target, version: Of its first line; the version is `1.1`.
        headers: Lower-case names and values, in their order.
    """

    method: bytes
    target: bytes
    version: bytes
    headers: list[tuple[bytes, bytes]]


class NoRequest(Exception):
    """These bytes are no head of a request."""


def cut(data: bytes) -> tuple[Request, bytes] | None:
    """The head that the data begin with, and what follows it; None while it is not whole.

    Raises:
        NoRequest: In words.
    """
    end = data.find(b"\r\n\r\n")
    head = data if end < 0 else data[:end]
    if len(head) > MAX_HEAD:
        raise NoRequest("its head is too large")
    if head[:1] <= b" " and head:
        raise NoRequest("it does not begin with a method")
    if head.count(b"\n") != head.count(b"\r\n"):
        raise NoRequest("a line ends in an odd way")
    if end < 0:
        return None
    lines = head.split(b"\r\n")
    start = _START.fullmatch(lines[0])
    if start is None:
        raise NoRequest("its first line is broken")
    headers = []
    for line in lines[1:]:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise NoRequest("a header is broken")
        headers.append((found[1].lower(), found[2]))
    return Request(start[1], start[2], start[3], headers), data[end + 4 :]
