"""Networks of the machine: which are taken, a bridge of our own. Linux only; needs no `ip` command."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

# https://man7.org/linux/man-pages/man7/netdevice.7.html and linux/sockios.h
_GET_FLAGS, _SET_FLAGS = 0x8913, 0x8914
_GET_ADDRESS, _SET_ADDRESS, _SET_MASK = 0x8915, 0x8916, 0x891C
_ADD_BRIDGE, _REMOVE_BRIDGE = 0x89A0, 0x89A1
_UP = 1

# https://man7.org/linux/man-pages/man7/rtnetlink.7.html
_GET_ROUTE, _NEW_ROUTE, _DONE, _ERROR = 26, 24, 3, 2
_REQUEST_DUMP = 0x301
_DESTINATION = 1

# Docker's own choice first, so that a learner sees what every book shows; then private space that is seldom used.
_BLOCKS = (
    *(IPv4Network(f"172.{n}.0.0/16") for n in range(17, 32)),
    *(IPv4Network(f"10.{n}.0.0/16") for n in range(255, 199, -1)),
    *(IPv4Network(f"192.168.{n}.0/20") for n in range(240, -1, -16)),
)


def taken() -> list[IPv4Network]:
    """What the machine already routes somewhere, in every table, and where its name servers are."""
    return [*_routes(), *_name_servers(Path("/etc/resolv.conf"))]


def choose_blocks(busy: Iterable[IPv4Network], wanted: Iterable[str] = (), count: int = 2) -> list[IPv4Network]:
    """Choose networks that overlap with nothing.

    Args:
        busy: What is taken.
        wanted: Choices of an earlier time, kept where they are still free.
        count: How many are needed.

    Returns:
        At most `count` networks, fewer when there are no more.
    """
    # Half of the Internet at once (as VPNs route it) says nothing about who uses which address.
    used = [network for network in busy if network.prefixlen > 4]
    chosen: list[IPv4Network] = []
    for block in (*(IPv4Network(text) for text in wanted), *_BLOCKS):
        if len(chosen) < count and not any(block.overlaps(other) for other in (*used, *chosen)):
            chosen.append(block)
    return chosen


def interfaces() -> set[str]:
    """The names of the machine's network interfaces."""
    return {name for _, name in socket.if_nameindex()}


def free_name(prefix: str, network: IPv4Network) -> str:
    """An interface name that nobody has, and another one for another network.

    A daemon that finds the bridge of its last start gives it the addresses of that time again, whoever has taken them
    meanwhile.

    Args:
        prefix: At most 9 letters: the kernel takes 15.
    """
    stem, names = f"{prefix}{int(network.network_address) >> 8 & 0xFFFF:x}", interfaces()
    return next(name for end in ("", *(f"-{number:x}" for number in range(16))) if (name := stem + end) not in names)


def add_bridge(name: str, network: IPv4Network) -> None:
    """Make a bridge that has the network's first address.

    Raises:
        OSError: The kernel refuses.
    """
    with _control() as control:
        fcntl.ioctl(control, _ADD_BRIDGE, _name(name))
        fcntl.ioctl(control, _SET_ADDRESS, _with_address(name, network[1]))
        fcntl.ioctl(control, _SET_MASK, _with_address(name, network.netmask))
        _set_flag(control, name, up=True)


def remove_bridge(name: str) -> None:
    """Remove a bridge; one that is not there is fine, as is an interface that is no bridge."""
    with _control() as control, contextlib.suppress(OSError):
        _set_flag(control, name, up=False)
        fcntl.ioctl(control, _REMOVE_BRIDGE, _name(name))


def bridges_of(store: Path, pool: IPv4Network | None) -> list[str]:
    """Bridges that an engine made for its networks.

    Args:
        store: The engine's own list of networks (`network/files/local-kv.db` below its data root). A bridge is called
            `br-` and the start of its network's id, which is random: when the id occurs there, the bridge is its own.
        pool: Where the engine takes its networks from: tells its Swarm bridge, which has a fixed name, from another's.
    """
    try:
        known = store.read_bytes()
    except OSError:
        return []
    names = [name for _, name in socket.if_nameindex()]
    found = [name for name in names if name.startswith("br-") and len(name) == 15 and name[3:].encode() in known]
    swarm = "docker_gwbridge"
    address = _address(swarm) if swarm in names and swarm.encode() in known else None
    return [*found, swarm] if pool and address and address in pool else found


def free_port(wanted: int | None = None) -> int:
    """A port of the loopback address that nobody listens on: the wanted one where it is free."""
    for port in (wanted, 0):
        if port is None:
            continue
        with socket.socket() as sock:
            # As servers do: a connection that is still winding down does not hold a port.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(sock.getsockname()[1])
    raise OSError("no free port")


def _routes() -> Iterator[IPv4Network]:
    request = struct.pack("=IHHII", 28, _GET_ROUTE, _REQUEST_DUMP, 1, 0) + struct.pack(
        "=BBBBBBBBI", socket.AF_INET, *[0] * 8
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
        sock.settimeout(5)
        sock.send(request)
        while True:
            data = sock.recv(1 << 17)
            while len(data) >= 16:
                length, kind = struct.unpack_from("=IH", data)
                if kind in (_DONE, _ERROR) or length < 16:
                    return
                if kind == _NEW_ROUTE:
                    yield from _route(data[16:length])
                data = data[(length + 3) & ~3 :]


def _route(message: bytes) -> Iterator[IPv4Network]:
    prefix = message[1]
    attributes = message[12:]
    while len(attributes) >= 4:
        length, kind = struct.unpack_from("=HH", attributes)
        if length < 4:
            return
        if kind == _DESTINATION:
            yield IPv4Network((attributes[4:8], prefix), strict=False)
        attributes = attributes[(length + 3) & ~3 :]


def _name_servers(path: Path) -> Iterator[IPv4Network]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for words in (line.split() for line in lines):
        if len(words) > 1 and words[0] == "nameserver":
            with contextlib.suppress(ValueError):
                yield IPv4Network(words[1])


def _address(name: str) -> IPv4Address | None:
    with _control() as control, contextlib.suppress(OSError):
        return IPv4Address(fcntl.ioctl(control, _GET_ADDRESS, _with_address(name, IPv4Address(0)))[20:24])
    return None


def _control() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def _name(name: str) -> bytes:
    return struct.pack("16s", name.encode())


def _with_address(name: str, address: IPv4Address) -> bytes:
    return struct.pack("=16sHH4s8x8x", name.encode(), socket.AF_INET, 0, address.packed)


def _set_flag(control: socket.socket, name: str, *, up: bool) -> None:
    answer = fcntl.ioctl(control, _GET_FLAGS, struct.pack("=16sH22x", name.encode(), 0))
    (flags,) = struct.unpack_from("=H", answer, 16)
    flags = flags | _UP if up else flags & ~_UP
    fcntl.ioctl(control, _SET_FLAGS, struct.pack("=16sH22x", name.encode(), flags))
