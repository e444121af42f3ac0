"""Request heads: what is a request the sandbox understands, and what is smuggling.

Whatever passes is written anew by the sandbox, so that the engine reads exactly what was judged here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes, urlencode

from tutor.sandbox._request import Request
from tutor.sandbox.policy import Refused

_VERSION = re.compile(r"/v(\d{1,2}\.\d{1,3})(?=/|$)")
_MAX_LENGTH = 18
"""Digits of a Content-Length."""

_COMMON = 512
"""Bytes of an address that is worth to be remembered: clients ask for the same ones again and again."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding",
                  b"upgrade", b"content-length", b"host", b"expect"})  # fmt: skip
_SAFE = "/:@!$'()*,;=~+"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEX = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(slots=True)
class Head:
    """A request's head, judged.

    Attributes:
        method: Upper case.
        version: API version of the path (`1.45`), None when the path names none.
        path: Decoded path without the version, `/containers/web/json`.
        query: Decoded parameters in their order.
        headers: End-to-end headers, lower-case names.
        upgrade: Protocol the client wants to switch to, lower case; empty for none.
        length: Bytes of the body; None for chunked, 0 for none.
        close: The client wants the connection closed afterwards.
        expects: The client waits for `100 Continue`.
    """

    method: str
    version: str | None
    path: str
    query: list[tuple[str, str]]
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    upgrade: str = ""
    length: int | None = 0
    close: bool = False
    expects: bool = False

    def header(self, name: bytes) -> str:
        """A header's value; empty when there is none."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")

    def first(self, name: str, default: str = "") -> str:
        """A parameter as the engine reads it: its first value."""
        return next((value for key, value in self.query if key == name), default)

    def every(self, name: str) -> list[str]:
        """All values of a parameter."""
        return [value for key, value in self.query if key == name]

    def put(self, name: str, *values: str) -> None:
        """Replace all values of a parameter; with none, remove it."""
        self.query = [pair for pair in self.query if pair[0] != name] + [(name, value) for value in values]

    def flag(self, name: str) -> bool:
        """A parameter as the engine reads a boolean (moby, httputils.BoolValue)."""
        return self.first(name).strip().lower() not in {"", "0", "no", "false", "none"}

    def target(self, path: str) -> str:
        """The request target to send for a (decoded) path with this version and these parameters."""
        version = f"/v{self.version}" if self.version else ""
        query = f"?{'&'.join(map(_pair, self.query))}" if self.query else ""
        return f"{version}{(_known_path if len(path) <= _COMMON else _encoded)(path)}{query}"


def judge(request: Request) -> Head:
    """Read a head.

    Raises:
        Refused: It could mean two things to two readers, or is nothing a Docker client sends.
    """
    method = request.method.decode("ascii", "replace")
    if method not in _METHODS:
        raise _bad(f"The method {method} is not part of Docker's API.", 405)
    if request.version != b"1.1":
        raise _bad("Docker's API speaks HTTP/1.1.", 505)
    version, path, query = (_known_target if len(request.target) <= _COMMON else _target)(request.target)
    head = Head(method, version, path, list(query))
    lengths: list[bytes] = []
    encodings: list[bytes] = []
    upgrades: list[bytes] = []
    connection: set[str] = set()
    hosts = 0
    for name, value in request.headers:
        if name not in _HOP:
            head.headers.append((name, value))
        elif name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            encodings.append(value.lower())
        elif name == b"upgrade":
            upgrades.append(value)
        elif name == b"connection":
            connection |= {part.strip() for part in value.decode("latin-1").lower().split(",")}
        elif name == b"host":
            hosts += 1
        elif name == b"expect":
            head.expects = value.lower() == b"100-continue"
    # A header named in Connection belongs to this hop only; taking the engine's own away from it would be smuggling.
    if connection - {"upgrade", "close", "keep-alive", "te", ""}:
        raise _bad("The Connection header names headers that the sandbox will not drop.")
    if hosts != 1:
        raise _bad("A request needs exactly one Host header.")
    if lengths and encodings:
        raise _bad("A request has either a Content-Length or a Transfer-Encoding, not both.")
    if (
        len(lengths) > 1
        or encodings not in ([], [b"chunked"])
        or any(len(length) > _MAX_LENGTH or not length.isdigit() for length in lengths)
    ):
        raise _bad("The length of the request's body is not clear.")
    head.length = None if encodings else int(lengths[0]) if lengths else 0
    head.close = "close" in connection
    if upgrades and "upgrade" in connection:
        head.upgrade = upgrades[0].decode("latin-1").strip().lower()
        if len(upgrades) > 1 or head.upgrade not in {"tcp", "h2c", "websocket"}:
            raise _bad("This protocol upgrade is not part of Docker's API.")
    if head.length != 0:
        media = head.header(b"content-type").split(";")[0].strip().lower()
        if media == "application/x-www-form-urlencoded" or media.startswith("multipart/"):
            # The engine would read such a body as parameters that overrule the ones in the address.
            raise _bad(
                "Docker's API takes JSON, not an HTML form. With curl add: -H 'Content-Type: application/json'", 415
            )
    return head


def _target(target: bytes) -> tuple[str | None, str, tuple[tuple[str, str], ...]]:
    text = target.decode("latin-1")
    if not text.startswith("/") or "#" in text or not text.isascii():
        raise _bad("The request's address must be a plain path.")
    raw, _, query = text.partition("?")
    path = _decode(raw.replace("+", "%2B"))
    if "%" in path or "\\" in path:
        raise _bad("The request's path is encoded in a way that could mean two things.")
    found = _VERSION.match(path)
    version = found[1] if found else None
    path = path[found.end() :] if found else path
    if any(part in {"", ".", ".."} for part in path.split("/")[1:]):
        raise _bad("The request's path has empty or dot segments.")
    if len(text) > 32768:
        raise _bad("The request's address is too long.", 414)
    return version, path, tuple(_parameters(query))


_known_target = lru_cache(maxsize=1024)(_target)


def _encoded(path: str) -> str:
    return quote(path, safe=_SAFE)


_known_path = lru_cache(maxsize=1024)(_encoded)


def _pair(pair: tuple[str, str]) -> str:
    return _known_pair(pair) if len(pair[1]) <= _COMMON else urlencode([pair])


@lru_cache(maxsize=1024)
def _known_pair(pair: tuple[str, str]) -> str:
    return urlencode([pair])


def _parameters(query: str) -> list[tuple[str, str]]:
    if ";" in query:
        raise _bad("Parameters are separated with &.")
    pairs = []
    for part in query.split("&"):
        if part:
            key, _, value = part.partition("=")
            pairs.append((_decode(key), _decode(value, controls=True)))
    return pairs


def _decode(text: str, *, controls: bool = False) -> str:
    if _HEX.search(text):
        raise _bad("The request's address has a broken percent sign.")
    try:
        result = unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        raise _bad("The request's address is not UTF-8.") from None
    if not controls and _CONTROL.search(result):
        raise _bad("The request's address has control characters.")
    return result


def _bad(message: str, status: int = 400) -> Refused:
    return Refused(message, status, "malformed")
