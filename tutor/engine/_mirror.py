"""The registry beside the private engine: Debian's `docker-registry` on loopback, the engine's mirror."""

from __future__ import annotations

import contextlib
import http.client
import shutil
from dataclasses import dataclass
from pathlib import Path

from tutor.engine import _network, _process
from tutor.engine._process import Process
from tutor.problems import Problem

PROGRAM = "docker-registry"
_CHANGED = "delete: {enabled: true}"
_KEPT = "maintenance: {readonly: {enabled: true}, uploadpurging: {enabled: false}}"


@dataclass(frozen=True)
class Mirror:
    """A running registry: the process, and the loopback port it listens on."""

    process: Process
    port: int

    @property
    def answers(self) -> bool:
        """Whether it speaks the registry's protocol now."""
        return self.process.alive and answers(self.port)


def program() -> str | None:
    """Where the registry's program is; None where it is not installed."""
    return shutil.which(PROGRAM, path=_process.system_environment()["PATH"])


def start(storage: Path, settings: Path, log: Path, port: int | None, *, room: bool = False) -> Mirror:
    """Start the registry on a free port.

    Args:
        storage: Where its images are kept.
        settings: The settings file to write.
        log: Where it writes what it does.
        port: The port of the last time, used again when it is free.
        room: Whether it serves the network, and then takes nothing from anybody; on loopback otherwise.

    Raises:
        Problem: `no-registry`: it does not start.
    """
    path = program()
    if path is None:
        raise Problem("docker-registry is not installed.", "apt-get install docker-registry", code="no-registry")
    storage.mkdir(parents=True, exist_ok=True, mode=0o700)
    port = _network.free_port(port)
    # https://distribution.github.io/distribution/about/configuration/
    settings.write_text(
        "version: 0.1\n"
        "log: {level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: '{storage}'}}, {_KEPT if room else _CHANGED}}}\n"
        f"http: {{addr: '{'' if room else '127.0.0.1'}:{port}'}}\n",
        encoding="utf-8",
    )
    process = _process.start_detached([path, "serve", str(settings)], log, _process.system_environment())
    if not _process.wait_until(lambda: answers(port), process, 20):
        process.end(1)
        raise Problem(f"docker-registry does not start; {log} says why.", code="no-registry")
    return Mirror(process, port)


def find(settings: Path) -> Process | None:
    """The registry that runs with this settings file."""
    return next(_process.running(lambda argv: argv[1:] == ["serve", str(settings)]), None)


def answers(port: int) -> bool:
    """Whether a registry answers on this loopback port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/v2/")
        return connection.getresponse().getheader("Docker-Distribution-Api-Version") is not None
    return False
