"""The first words with an engine, without the docker SDK (whose import takes 90 ms): is anybody there, and who?"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from tutor.engine import carriers
from tutor.engine.address import EngineAddress
from tutor.problems import Problem

NEEDED_API = (1, 41)
NEEDED_ENGINE = "20.10"
# The newest API this code was written against; a newer engine is spoken to in this one.
NEWEST_API = (1, 51)


@dataclass(frozen=True)
class Pong:
    """What an engine says of itself.

    Attributes:
        engine: Version of the engine ("26.1.5").
        api: The newest API it speaks ("1.45").
        min_api: The oldest API it speaks.
        use_api: The version to speak with it.
        os: `linux` or `windows`.
        arch: As Go names it: `amd64`, `arm64`.
        name: What it calls itself ("Docker Engine", "Podman Engine").
    """

    engine: str
    api: str
    min_api: str
    use_api: str
    os: str
    arch: str
    name: str


def dial(address: EngineAddress, timeout: float) -> socket.socket:
    """Open a stream to the engine (for ssh: to `docker system dial-stdio` on the other machine).

    Args:
        address: Where the engine is.
        timeout: Seconds for opening and for every read.

    Raises:
        OSError: Nobody answers, or may not be spoken to.
        ssl.SSLError: The TLS handshake failed.
    """
    if address.scheme == "ssh":
        ours, theirs = socket.socketpair()
        with theirs:
            start_ssh(address, theirs)
        ours.settimeout(timeout)
        return ours
    if carriers.carries(address.scheme):
        address = replace(address, host=carriers.near(address.host))
    path = address.unix_path
    if path is not None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            sock.connect(str(path))
        except BaseException:
            sock.close()
            raise
        return sock
    sock = socket.create_connection(address.endpoint, timeout)
    if address.tls is None:
        return sock
    try:
        return tls_context(address).wrap_socket(sock, server_hostname=address.endpoint[0])
    except BaseException:
        sock.close()
        raise


def start_ssh(address: EngineAddress, end: socket.socket) -> subprocess.Popen[bytes]:
    """Let ssh connect one end of a socket with the engine on the other machine, as the docker CLI does.

    Raises:
        OSError: There is no ssh command.
    """
    parts = urlsplit(address.host)
    command = ["ssh", "-o", "ConnectTimeout=10", "-T"]
    command += ["-l", parts.username] if parts.username else []
    command += ["-p", str(parts.port)] if parts.port else []
    command += ["--", parts.hostname or "", "docker"]
    command += [f"--host=unix://{parts.path}"] if parts.path.strip("/") else []
    return subprocess.Popen(
        [*command, "system", "dial-stdio"],
        stdin=end.fileno(),
        stdout=end.fileno(),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def tls_context(address: EngineAddress) -> ssl.SSLContext:
    """The TLS settings of an address.

    Raises:
        OSError: A file is missing or unreadable; ssl.SSLError when it is no certificate.
    """
    tls = address.tls
    assert tls is not None
    context = ssl.create_default_context(cafile=str(tls.ca) if tls.ca else None)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert and tls.key:
        context.load_cert_chain(tls.cert, tls.key)
    return context


class _Connection(http.client.HTTPConnection):
    def __init__(self, address: EngineAddress, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._address = address
        self._seconds = timeout

    def connect(self) -> None:
        self.sock = dial(self._address, self._seconds)


def get(address: EngineAddress, path: str, timeout: float = 5.0) -> Any:
    """One GET that answers in JSON, outside of any API version.

    Raises:
        OSError: Nobody answers (http.client.HTTPException and ValueError: somebody does, who is no engine).
    """
    connection = _Connection(address, timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise http.client.HTTPException(_message(body) or f"{path} answered {response.status}")
        return json.loads(body)
    finally:
        connection.close()


def ask(address: EngineAddress, timeout: float = 5.0) -> Pong:
    """Ask an engine who it is.

    Raises:
        Problem: `no-permission`, `too-old`, `too-new`, `tls`, `no-engine`: in words, with what to do.
    """
    try:
        answer = get(address, "/version", timeout)
        api = str(answer["ApiVersion"])
        found = version_tuple(api)
        oldest = str(answer.get("MinAPIVersion") or "1.12")
        least = version_tuple(oldest)
    except Exception as error:
        raise refusal(address, error) from error
    engine = str(answer.get("Version") or "of unknown version")
    if found < NEEDED_API:
        raise Problem(
            f"The engine at {address.host} is {engine} and speaks API {api}; API {_dotted(NEEDED_API)} is needed.",
            f"Update it: every Docker Engine from {NEEDED_ENGINE} on speaks that.",
            code="too-old",
        )
    if least > NEWEST_API:
        raise Problem(
            f"The engine at {address.host} is {engine} and speaks no API older than {oldest}; "
            f"this tutor knows API {_dotted(NEEDED_API)} to {_dotted(NEWEST_API)}.",
            "Update the tutor.",
            code="too-new",
        )
    components = answer.get("Components") or [{}]
    return Pong(
        engine=engine,
        api=api,
        min_api=oldest,
        use_api=_dotted(min(found, NEWEST_API)),
        os=str(answer.get("Os") or "linux"),
        arch=str(answer.get("Arch") or ""),
        name="Podman" if "podman" in str(components[0].get("Name", "")).lower() else "Docker",
    )


def refusal(address: EngineAddress, error: Exception) -> Problem:
    """Say in words why an engine could not be spoken to."""
    if isinstance(error, Problem):
        return error
    where = f"{address.host} ({address.source})"
    if carriers.carries(address.scheme):
        return Problem(
            f"The engine at {address.host} cannot be used: {_words(error)}.",
            "Look whether the workshop is there. With an engine of your own, join without --engine.",
            code="no-engine",
        )
    if isinstance(error, PermissionError):
        return Problem(
            f"The engine's socket {address.unix_path or where} is there, but you may not use it.",
            "Join the group that owns it: sudo usermod -aG docker $USER, then log out and in again (or run: newgrp "
            "docker). Members of that group can do what root can; where that is too much, use rootless Docker: "
            "https://docs.docker.com/engine/security/rootless/",
            code="no-permission",
        )
    if isinstance(error, ssl.SSLError) or (address.tls and isinstance(error, FileNotFoundError)):
        folder = address.tls.folder if address.tls else "DOCKER_CERT_PATH"
        return Problem(
            f"No TLS connection with {where}: {_words(error)}.",
            f"Look at ca.pem, cert.pem and key.pem in {folder}: they must belong to this engine and not be expired.",
            code="tls",
        )
    if isinstance(error, FileNotFoundError) and address.scheme == "ssh":
        return Problem(f"{where} needs the ssh command.", "Install an SSH client.", code="no-engine")
    if isinstance(error, OSError) and address.scheme == "ssh":
        name = address.host.removeprefix("ssh://")
        return Problem(
            f"No engine answers at {where}: {_words(error)}.",
            f"Try: ssh {name} docker version. It must work without asking for a password.",
            code="no-engine",
        )
    if isinstance(error, (http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError)):
        plain = address.scheme == "tcp" and address.tls is None
        step = "If the port wants TLS, set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH." if plain else ""
        return Problem(f"What answers at {where} is no Docker Engine: {_words(error)}.", step, code="no-engine")
    return Problem(f"No engine answers at {where}: {_words(error)}.", "Start it and try again.", code="no-engine")


def version_tuple(text: str) -> tuple[int, int]:
    """`1.45` as numbers, which compare rightly.

    Raises:
        ValueError: It is no API version.
    """
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _message(body: bytes) -> str:
    """What an engine's error says, without its full stop; empty when it says nothing."""
    try:
        return str(json.loads(body)["message"]).rstrip(".")
    except (ValueError, KeyError, TypeError):
        return ""


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return (getattr(error, "verify_message", "") or error.reason or str(error)).replace("_", " ").lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
