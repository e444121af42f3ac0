"""Where an engine is: an address in the form of DOCKER_HOST, the TLS files that go with it, and how it was found."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from tutor.engine import carriers
from tutor.problems import Problem

DEFAULT_SOCKET = Path("/var/run/docker.sock")
# What the docker CLI assumes for tcp without a port: https://docs.docker.com/reference/cli/dockerd/
PLAIN_PORT = 2375
TLS_PORT = 2376

_BARE = re.compile(r"^(\[[0-9a-fA-F:]+\]|[\w.-]*)(:\d+)?$")


@dataclass(frozen=True)
class TlsFiles:
    """A folder with `ca.pem`, `cert.pem` and `key.pem` (the last two may be missing together).

    Attributes:
        folder: The folder that holds the files, as DOCKER_CERT_PATH names it.
        verify: Whether the engine's certificate is checked against `ca.pem`.
    """

    folder: Path
    verify: bool = True

    @property
    def ca(self) -> Path | None:
        """The authority that signed the engine's certificate."""
        return self._file("ca.pem")

    @property
    def cert(self) -> Path | None:
        """The client's certificate."""
        return self._file("cert.pem")

    @property
    def key(self) -> Path | None:
        """The key of the client's certificate."""
        return self._file("key.pem")

    def _file(self, name: str) -> Path | None:
        path = self.folder / name
        return path if path.is_file() else None


@dataclass(frozen=True)
class EngineAddress:
    """One engine's address.

    Attributes:
        host: `unix:///path`, `tcp://name:port`, `ssh://[user@]name[:port]`, or of a carrier's scheme.
        tls: The files for a TLS connection; None without TLS.
        source: How the address was found, in words ("DOCKER_HOST", "context work", "private engine").
    """

    host: str
    tls: TlsFiles | None = None
    source: str = "given"

    @classmethod
    def parse(cls, text: str, source: str = "given", tls: TlsFiles | None = None) -> EngineAddress:
        """Read an address as the docker CLI does: a missing scheme is tcp, a missing port 2375 or 2376 with TLS.

        Raises:
            Problem: `bad-address`, with what would be right.
        """
        text = text.strip()
        scheme, mark, rest = text.partition("://")
        if not mark:
            if not text or not _BARE.match(text) or "/" in text:
                raise _bad(text, source)
            scheme, rest = "tcp", text
        if scheme == "unix":
            path = Path(rest) if rest else DEFAULT_SOCKET
            return cls(f"unix://{path.absolute()}", None, source)
        if scheme == "tcp":
            return cls(_tcp(rest, text, source, tls), tls, source)
        if scheme == "ssh":
            return cls(_ssh(text, source), None, source)
        if carriers.carries(scheme):
            return cls(text, None, source)
        if scheme == "npipe":
            raise Problem(
                f"{source} is {text}: a Windows pipe, which cannot be opened from here.",
                "Run the tutor inside WSL 2, with Docker Desktop's WSL integration switched on.",
                code="bad-address",
            )
        raise _bad(text, source)

    @property
    def scheme(self) -> str:
        """`unix`, `tcp`, `ssh` or a carrier's."""
        return self.host.partition("://")[0]

    @property
    def unix_path(self) -> Path | None:
        """The socket's path; None when the engine is reached in another way."""
        return Path(self.host.removeprefix("unix://")) if self.scheme == "unix" else None

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host name and port of a tcp address."""
        parts = urlsplit(self.host)
        return parts.hostname or "127.0.0.1", parts.port or (TLS_PORT if self.tls else PLAIN_PORT)

    def environment(self) -> dict[str, str]:
        """Variables that make the docker CLI use this engine, whatever was set before (empty counts as unset there)."""
        return {
            "DOCKER_HOST": carriers.near(self.host),
            "DOCKER_CONTEXT": "",
            "DOCKER_TLS": "1" if self.tls and not self.tls.verify else "",
            "DOCKER_TLS_VERIFY": "1" if self.tls and self.tls.verify else "",
            "DOCKER_CERT_PATH": str(self.tls.folder) if self.tls else "",
        }

    def from_source(self, source: str) -> EngineAddress:
        """The same engine, found in another way."""
        return replace(self, source=source)

    def __str__(self) -> str:
        return f"{self.host} ({self.source})"


def _tcp(rest: str, text: str, source: str, tls: TlsFiles | None) -> str:
    try:
        parts = urlsplit(f"tcp://{rest}")
        port = parts.port
    except ValueError:
        raise _bad(text, source) from None
    if parts.username or parts.path.strip("/") or not (parts.hostname or port):
        raise _bad(text, source)
    name = parts.hostname or "127.0.0.1"
    name = f"[{name}]" if ":" in name else name
    return f"tcp://{name}:{port or (TLS_PORT if tls else PLAIN_PORT)}"


def _ssh(text: str, source: str) -> str:
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        named = False
    # A name that begins with a dash would be read as an option by ssh.
    if not named or (parts.hostname or "").startswith("-") or (parts.username or "").startswith("-") or parts.password:
        raise _bad(text, source)
    return text.rstrip("/")


def _bad(text: str, source: str) -> Problem:
    return Problem(
        f"{source} is {text!r}, which is no engine address.",
        "Write unix:///path/to/docker.sock, tcp://name:port or ssh://user@name.",
        code="bad-address",
    )
