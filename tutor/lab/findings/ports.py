"""The doors of a container: what it publishes, against what it should."""

from __future__ import annotations

from tutor.course.expectations import ContainerExpectation
from tutor.engine.world import Container, PublishedPort
from tutor.lab.findings.found import Context, Found, Weight
from tutor.lab.findings.match import port as full
from tutor.lab.findings.words import code, door, doors, listed, number
from tutor.lab.observations import Listener

_ANY_ADDRESS = frozenset({"", "0.0.0.0", "::", "*"})


def port_findings(e: ContainerExpectation, c: Container, ctx: Context) -> list[Found]:
    """What is wrong with the published ports and the addresses they are bound to."""
    found = []
    if e.publishes is not None:
        if not e.publishes and c.published:
            found.append(_found(c, f"{code(c.name)} publishes a port, and should publish none.", "no published port"))
        for inside, outside in e.publishes.items():
            wanted = full(inside)
            if not any(_fits(p, wanted, outside) for p in c.published):
                found.append(_wrong(c, wanted, outside, ctx))
    if e.host_ip is not None and c.published:
        others = sorted({p.host_ip for p in c.published if not _same_address(e.host_ip, p.host_ip)})
        if others:
            found.append(
                Found(
                    f"The ports of {code(c.name)} are bound to {_address(others[0])} of the host, "
                    f"not to {_address(e.host_ip)}.",
                    _address(e.host_ip),
                    ", ".join(others),
                    f"container {c.name}",
                    ("container", c.name, "host ip"),
                    (ports_topic(c.name),),
                    Weight.PORTS,
                )
            )
    return found


def ports_topic(name: str) -> tuple[str, ...]:
    """The topic of a container's ports."""
    return ("container", name, "ports")


def listening(c: Container, ctx: Context) -> tuple[Listener, ...] | None:
    """What the processes in a container listen on, where that is known."""
    return ctx.observations.listeners.get(c.id)


def inner_ports(c: Container, ctx: Context) -> tuple[list[str], str]:
    """The ports that the application is behind, and the verb for how that is known.

    What is seen to listen counts more than what the image says (EXPOSE).
    """
    listeners = listening(c, ctx)
    if listeners:
        return sorted({str(entry.port) for entry in listeners}, key=int), "the application listens on"
    exposed = [number(p) for p in c.exposed if p not in {q.container for q in c.published}]
    image = ctx.world.images.get(c.image_id)
    if image is not None:
        exposed = [number(p) for p in image.exposed]
    return exposed, "its image exposes"


def _fits(p: PublishedPort, inside: str, outside: str) -> bool:
    return inside in {"*", p.container} and outside in {"*", p.host_port}


def _wrong(c: Container, inside: str, outside: str, ctx: Context) -> Found:
    name = code(c.name)
    expected = door(outside, c.name, inside)
    if not c.published:
        exposed = inside in c.exposed
        return _found(
            c,
            f"{name} publishes no port{'; that its image exposes one opens no door' if exposed else ''}.",
            expected,
            f"{number(inside)} exposed, not published" if exposed else "no published port",
        )
    for p in c.published:
        plain = p.container.partition("/")[0]
        if inside != "*" and plain == outside and p.host_port == inside.partition("/")[0] and plain != p.host_port:
            return _found(c, f"The ports of {name} are swapped: the host's comes first.", expected)
    same_inside = [p for p in c.published if p.container == inside]
    if same_inside:
        p = same_inside[0]
        return _found(
            c,
            f"Port {number(inside)} of {name} is published on host port {p.host_port or '(none yet)'}, not {outside}.",
            expected,
        )
    plain = inside.partition("/")[0]
    other = next((p for p in c.published if p.container.partition("/")[0] == plain), None)
    if other is not None:
        protocol, wanted = other.container.partition("/")[2], inside.partition("/")[2]
        return _found(c, f"Port {plain} of {name} is published for {protocol}, not for {wanted}.", expected)
    inner = listed(number(p) for p in sorted({p.container for p in c.published}))
    behind, verb = inner_ports(c, ctx)
    if behind and plain in behind:
        return _found(c, f"{name} publishes container port {inner}; {verb} {listed(behind)}.", expected)
    return _found(c, f"{name} publishes container port {inner}, not {number(inside)}.", expected)


def _found(c: Container, summary: str, expected: str, found: str = "") -> Found:
    return Found(
        summary,
        expected,
        found or doors(c) or "no published port",
        f"container {c.name}",
        ports_topic(c.name),
        weight=Weight.PORTS,
    )


def _same_address(wanted: str, found: str) -> bool:
    return wanted == found or wanted == "*" or (wanted in _ANY_ADDRESS and found in _ANY_ADDRESS)


def _address(address: str) -> str:
    return "every address" if address in _ANY_ADDRESS else f"the address {address}"
