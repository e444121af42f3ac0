"""A registry for a room: it serves the network what this machine's registry has, and takes nothing from anybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tutor import places
from tutor.engine import _mirror, private
from tutor.engine._mirror import Mirror
from tutor.engine.private import Say
from tutor.problems import Problem

PORT = 5000
"""The port that is tried first."""


@contextmanager
def filling() -> Iterator[tuple[Path, str]]:
    """A registry on loopback to be filled: the private engine's own, or one that ends with the context.

    Yields:
        Where it keeps its images, and its `127.0.0.1:PORT`.

    Raises:
        Problem: `no-registry`: it is not installed, or does not start.
    """
    running = private.registry_url()
    if running:
        yield private.registry_storage(), running
        return
    storage = places.data() / "room-mirror"
    with _started(storage, None, room=False) as mirror:
        yield storage, f"127.0.0.1:{mirror.port}"


@contextmanager
def serving(storage: Path, port: int = 0, say: Say = lambda _: None) -> Iterator[Mirror]:
    """A registry for all who reach this machine, as long as the context lasts.

    Args:
        storage: What it serves.
        port: Its port; 0 takes 5000, or one that is free.
        say: Takes a line where the port is another one than was tried.

    Yields:
        The registry; `process.wait` tells when it ends by itself.

    Raises:
        Problem: `no-registry`; `port-taken`: the port that was wanted is not free.
    """
    with _started(storage, port or PORT, room=True) as mirror:
        if port and mirror.port != port:
            raise Problem(f"Port {port} is taken.", "Name another one, or none.", code="port-taken", status=2)
        if mirror.port != (port or PORT):
            say(f"Port {PORT} is taken; the mirror takes {mirror.port}.")
        yield mirror


@contextmanager
def _started(storage: Path, port: int | None, *, room: bool) -> Iterator[Mirror]:
    stem = "room-mirror-serving" if room else "room-mirror-filling"
    settings, log = places.data() / f"{stem}.yml", places.data() / f"{stem}.log"
    left = _mirror.find(settings)
    if left is not None:
        left.end(5)  # of a tutor that was killed
    mirror = _mirror.start(storage, settings, log, port, room=room)
    try:
        yield mirror
    finally:
        mirror.process.end(5)
