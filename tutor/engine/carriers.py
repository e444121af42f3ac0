"""Engines that are reached through what this part of the house does not know, such as the connection to a workshop.

Whoever knows the way adds a carrier: it makes a socket on this machine of an address with its scheme, and says whether
one of its engines is the learner's choice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Carrier:
    """A way to engines.

    Attributes:
        scheme: Of the addresses that it carries to: `workshop` for `workshop://room/seat`.
        chosen: The address that the learner works with now; empty for none.
        open: Listens on a private socket as long as the process lives, and carries its connections to an address.
    """

    scheme: str
    chosen: Callable[[], str]
    open: Callable[[str], Path]


_carriers: dict[str, Carrier] = {}
_near: dict[str, str] = {}
_lock = threading.Lock()


def add(carrier: Carrier) -> None:
    """From now on, addresses of this carrier's scheme can be used."""
    _carriers[carrier.scheme] = carrier


def carries(scheme: str) -> bool:
    """Whether there is a carrier for addresses of a scheme."""
    return scheme in _carriers


def chosen() -> str:
    """The address that the learner has chosen to work with; empty for none."""
    return next((host for carrier in _carriers.values() if (host := carrier.chosen())), "")


def near(host: str) -> str:
    """An address that this process, and what it starts, can open by themselves; others are returned as they are.

    Raises:
        Problem: The carrier cannot carry there.
    """
    carrier = _carriers.get(host.partition("://")[0])
    if carrier is None:
        return host
    with _lock:
        if host not in _near:
            _near[host] = f"unix://{carrier.open(host)}"
        return _near[host]
