"""Addresses that lead to the engine's own machine, as far as an address tells by itself.

What listens there for the machine alone is not for a build to fetch, and it is the engine that fetches for a build.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

# For Go's regular expressions as well as for Python's. Numbers that are no plain address (`127.1`, `2130706433`,
# `0x7f.1`) are read in different ways by different resolvers, and IPv6 outside of 2000::/3 is nothing public.
_NUMBERS = (
    r"(?:127|0[0-9]*|169\.254)(?:\.[0-9]+)*"
    r"|[0-9]+(?:\.[0-9]+){0,2}"
    r"|(?:[0-9a-f]+\.)*0x[0-9a-f]+(?:\.[0-9a-fx]+)*"
)
_LOCAL = r"localhost|[^/:@]*\.localhost"


def pattern(names: Iterable[str] = ()) -> str:
    """A regular expression (Go's, and Python's) for all sources on the machine itself.

    Args:
        names: Further names of the machine (`names`).
    """
    hosts = "|".join((_LOCAL, _NUMBERS, *(re.escape(name) for name in sorted(names))))
    return rf"^(?i:https?|git|ssh)://(?:[^/@]*@)?(?i:(?:{hosts})\.?|\[[^23\]][^\]]*\])(?:[:/?#].*)?$"


def names(table: Path = Path("/etc/hosts")) -> frozenset[str]:
    """Names that this machine's table of hosts gives to an address of its own; none where it cannot be read."""
    try:
        lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    found: set[str] = set()
    for line in lines:
        address, *words = line.partition("#")[0].split() or [""]
        if _own(address):
            found.update(word.rstrip(".").lower() for word in words)
    return frozenset(found - {""})


def _own(text: str) -> bool:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_link_local or address.is_unspecified
