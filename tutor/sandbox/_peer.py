"""Which command is at the other end of a socket; best effort."""

from __future__ import annotations

import asyncio
import socket
import struct
from pathlib import Path, PurePath

from tutor.sandbox import _redact

Peer = tuple[str | None, str | None]
"""A command line and a program, as far as they are known."""


def who(transport: asyncio.Transport) -> Peer:
    """The command line and the program that connected, as far as this system tells.

    Linux gives the process of a Unix socket's other end (unix(7), SO_PEERCRED); elsewhere both are None.
    """
    sock = transport.get_extra_info("socket")
    option = getattr(socket, "SO_PEERCRED", None)
    if sock is None or option is None:
        return None, None
    try:
        pid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))[0]
        raw = Path(f"/proc/{pid}/cmdline").read_bytes() if pid > 0 else b""
    except OSError:
        return None, None
    words = [part.decode("utf-8", "replace") for part in raw.rstrip(b"\0").split(b"\0")] if raw else []
    if not words:
        return None, None
    program = PurePath(words[0]).name
    if words[0].find("/cli-plugins/") >= 0 and program.startswith("docker-"):
        # The docker command runs Compose and buildx as plugins, with the plugin's name as first argument.
        name = program.removeprefix("docker-")
        rest = words[2:] if words[1:2] == [name] else words[1:]
        return _redact.command(["docker", name, *rest]), program
    return _redact.command([program, *words[1:]]), program


def from_agent(agent: str) -> str | None:
    """The program as its `User-Agent` says: `Docker-Client/28.2 (linux)` is `docker`."""
    name = agent.split("/", 1)[0].split(" ", 1)[0].strip().lower()
    if not name:
        return None
    return {"docker-client": "docker", "compose": "docker-compose", "buildx": "docker-buildx"}.get(name, name)
