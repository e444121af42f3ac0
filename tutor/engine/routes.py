"""Address ranges that this machine itself uses: a network of containers that lies over one cuts the machine off."""

from __future__ import annotations

import contextlib
import socket
from ipaddress import IPv4Network

from tutor.engine import _network
from tutor.engine.address import EngineAddress


def of_machine(address: EngineAddress) -> list[IPv4Network]:
    """What the engine's machine routes somewhere; nothing where that is another machine, or does not tell (Linux does).

    Args:
        address: The engine.
    """
    found: list[IPv4Network] = []
    if address.unix_path is not None and hasattr(socket, "AF_NETLINK"):
        with contextlib.suppress(OSError):
            found = _network.taken()
    # Half of the Internet at once (as VPNs route it) says nothing about who uses which address.
    return [network for network in found if network.prefixlen > 4]
