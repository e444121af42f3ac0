"""Free host ports for a lab."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Collection, Iterable
from itertools import chain
from typing import TYPE_CHECKING

from tutor.problems import Problem

if TYPE_CHECKING:
    from tutor.engine.connect import Engine

# Numbers a lesson would use first, then a range below the ephemeral ports, where outgoing connections live
# (net.ipv4.ip_local_port_range begins at 32768).
CANDIDATES = (range(8080, 8180), range(20000, 30000))


def choose(wanted: Iterable[str], taken: Collection[int], free: Callable[[int], bool] | None = None) -> dict[str, int]:
    """A port for each wanted name, lowest numbers first.

    Args:
        wanted: The lesson's names for ports.
        taken: Ports published on the engine or kept for another open lab.
        free: Whether a port can be bound on this machine; `is_free` when left out.

    Raises:
        Problem: `no-free-port`, when all candidates are in use.
    """
    free = free or is_free
    candidates = chain.from_iterable(CANDIDATES)
    chosen: dict[str, int] = {}
    for name in dict.fromkeys(wanted):
        port = next((number for number in candidates if number not in taken and free(number)), None)
        if port is None:
            raise Problem(
                "No host port is free for the lab.",
                "End some of the programs that listen on ports from 8080, and try again.",
                code="no-free-port",
            )
        chosen[name] = port
    return chosen


def is_free(port: int) -> bool:
    """Whether nothing on this machine listens on the port, on any address, over TCP or UDP."""
    return all(
        _binds(family, kind, port)
        for family in (socket.AF_INET, socket.AF_INET6)
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)
    )


def published(engine: Engine) -> frozenset[int]:
    """Host ports that running containers publish (an engine without its userland proxy does not bind them).

    Raises:
        OSError: The engine does not answer.
    """
    return frozenset(
        int(port["PublicPort"])
        for container in engine.api.containers()
        for port in container.get("Ports") or []
        if port.get("PublicPort")
    )


def _binds(family: socket.AddressFamily, kind: socket.SocketKind, port: int) -> bool:
    try:
        probe = socket.socket(family, kind)
    except OSError:
        return True  # This machine has no IPv6: nobody can listen there.
    with probe:
        if kind is socket.SOCK_STREAM:
            # As the engine binds: a connection that has just ended must not count as a listener.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind(("::" if family is socket.AF_INET6 else "0.0.0.0", port))
        except OSError as error:
            return family is socket.AF_INET6 and error.errno is not None and _no_ipv6(error.errno)
    return True


def _no_ipv6(number: int) -> bool:
    return number in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
