"""Links to a room, and their QR codes. Pure."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

import segno

from tutor.problems import Problem
from tutor.workshop.names import CODE_LENGTH, read_code


def join_link(hub: str, code: str) -> str:
    """What a learner joins with: `http://192.0.2.7:7000/K7M4QX`."""
    return f"{hub.rstrip('/')}/{code}"


def read_link(typed: str, code: str = "") -> tuple[str, str]:
    """The hub's address and the join code of what somebody typed.

    Args:
        typed: `http://host:7000/K7M4QX`, `host:7000/K7M4QX` or, with a code beside it, `host:7000`.
        code: The join code where it is given apart.

    Raises:
        Problem: `no-link` when it is none.
    """
    text = typed.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        good = parts.port is None or parts.port > 0
    except ValueError:
        raise _no_link() from None
    path = [part for part in parts.path.split("/") if part]
    found = read_code(code)
    if not found and path and len(read_code(path[-1])) == CODE_LENGTH:
        found = read_code(path.pop())
    good &= parts.scheme in ("http", "https") and text.isprintable() and " " not in text
    if not good or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise _no_link()
    return "/".join([f"{parts.scheme}://{parts.netloc}", *path]), found


def _no_link() -> Problem:
    step = "It looks like http://192.0.2.7:7000/K7M4QX and is on the projector."
    return Problem("That is not a link to a workshop.", step, code="no-link", status=2)


@lru_cache(maxsize=4)
def qr_rows(link: str) -> tuple[str, ...]:
    """The QR code of a link as rows of 0 and 1, without a border."""
    return tuple("".join("1" if cell else "0" for cell in row) for row in segno.make(link, micro=False).matrix)
