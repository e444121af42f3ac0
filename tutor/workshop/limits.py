"""Limits against a hostile room: buckets of tokens, and how many strangers one address may be at a time."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

Clock = Callable[[], float]


@dataclass(slots=True)
class Bucket:
    """Allows `size` at once and `rate` a second on and on."""

    size: float
    rate: float
    clock: Clock = time.monotonic
    level: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self.level = self.size
        self._at = self.clock()

    def take(self, amount: float = 1.0) -> bool:
        """Take from it; False when it does not hold so much."""
        now = self.clock()
        self.level = min(self.size, self.level + (now - self._at) * self.rate)
        self._at = now
        if self.level < amount:
            return False
        self.level -= amount
        return True

    @property
    def full(self) -> bool:
        """Whether it has been left alone long enough to be forgotten."""
        return self.level + (self.clock() - self._at) * self.rate >= self.size


class Wrong:
    """How often an address may be wrong: join codes, proofs.

    Args:
        size: Times at once.
        rate: Times a second, on and on.
    """

    def __init__(self, size: float = 20, rate: float = 1 / 6, clock: Clock = time.monotonic) -> None:
        self._size, self._rate, self._clock = size, rate, clock
        self._buckets: dict[str, Bucket] = {}

    def allows(self, address: str) -> bool:
        """Whether what this address sends is looked at at all; ask before looking."""
        bucket = self._buckets.get(network(address))
        return bucket is None or bucket.level + (self._clock() - bucket._at) * self._rate >= 1.0

    def note(self, address: str) -> None:
        """It was wrong."""
        if len(self._buckets) > 10_000:
            self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.full}
        made = self._buckets.setdefault(network(address), Bucket(self._size, self._rate, self._clock))
        made.take()


class Closing(Protocol):
    """A connection, as far as the gate is concerned."""

    def is_closing(self) -> bool:
        """Whether it has ended."""

    def abort(self) -> None:
        """End it at once."""


class Gate:
    """Counts the connections of each address that have not shown who they are.

    Args:
        strangers: So many of one address at a time.
        everybody: So many connections in all.
        patience: Seconds in which a connection must show who it is.
    """

    def __init__(self, strangers: int = 200, everybody: int = 5000, patience: float = 10.0) -> None:
        self.strangers, self.everybody, self.patience = strangers, everybody, patience
        self._waiting: dict[str, dict[int, Closing]] = {}
        self._settled: dict[tuple[str, int], Closing] = {}

    def enter(self, address: str, port: int, connection: Closing) -> bool:
        """Somebody has connected; False when there are too many: end it."""
        waiting = self._waiting.setdefault(network(address), {})
        if len(waiting) >= self.strangers:
            for known, other in list(waiting.items()):
                if other.is_closing():
                    del waiting[known]
        if len(waiting) >= self.strangers or self._count() >= self.everybody:
            return False
        waiting[port] = connection
        return True

    def settle(self, address: str, port: int) -> None:
        """It has shown who it is."""
        connection = self._waiting.get(network(address), {}).pop(port, None)
        if connection is not None:
            self._settled[address, port] = connection

    def leave(self, address: str, port: int) -> None:
        """It has ended."""
        waiting = self._waiting.get(network(address))
        if waiting is not None:
            waiting.pop(port, None)
            if not waiting:
                del self._waiting[network(address)]
        self._settled.pop((address, port), None)

    def overdue(self, address: str, port: int, connection: Closing) -> None:
        """Its time to show who it is is over; a later connection may have the same port, and is left alone."""
        if self._waiting.get(network(address), {}).get(port) is connection:
            self.leave(address, port)
            connection.abort()

    def _count(self) -> int:
        return sum(len(waiting) for waiting in self._waiting.values()) + len(self._settled)


def network(address: str) -> str:
    """What counts as one address: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
