"""What a container is connected with: its mounts and its networks."""

from __future__ import annotations

from tutor.course.expectations import ContainerExpectation, Mount
from tutor.engine.world import Container, MountPoint
from tutor.lab.findings.found import Context, Found, Weight
from tutor.lab.findings.match import fits, nearest, path, same_folder
from tutor.lab.findings.words import code, codes


def mount_findings(e: ContainerExpectation, c: Container) -> list[Found]:
    """What is wrong with the mounts; an empty list of mounts expects none at all."""
    if e.mounts is None:
        return []
    if not e.mounts and c.mounts:
        shown = ", ".join(_mount(m) for m in c.mounts)
        return [_mount_found(c, "", f"{code(c.name)} has mounts, and should have none.", "no mount", shown)]
    return [finding for wanted in e.mounts for finding in _mount_at(wanted, c)]


def _mount_at(wanted: Mount, c: Container) -> list[Found]:
    at = path(wanted.at)
    name = code(c.name)
    expected = _wanted(wanted)
    here = [m for m in c.mounts if fits(at, path(m.destination))]
    if any(_fits(wanted, m) for m in here):
        return []
    if not here:
        other = next((m for m in c.mounts if _fits(wanted, m) and wanted != Mount(at=wanted.at)), None)
        if other is not None:
            what = _source(other)
            return [
                _mount_found(
                    c,
                    at,
                    f"In {name}, {what} is mounted at {code(other.destination)}, not at {code(at)}.",
                    expected,
                    _mount(other),
                )
            ]
        shown = ", ".join(_mount(m) for m in c.mounts) or "no mount"
        return [_mount_found(c, at, f"Nothing is mounted at {code(at)} in {name}.", expected, shown)]
    m = here[0]
    if _fits(
        Mount(at=wanted.at, volume=wanted.volume, anonymous=wanted.anonymous, bind=wanted.bind, tmpfs=wanted.tmpfs), m
    ):
        summary = (
            f"{code(m.destination)} in {name} may be written to, and should be read-only."
            if wanted.read_only
            else f"{code(m.destination)} in {name} is read-only."
        )
    else:
        summary = f"At {code(m.destination)}, {name} has {_source(m)}, not {_wanted_source(wanted)}."
    return [_mount_found(c, at, summary, expected, _mount(m))]


def _fits(wanted: Mount, m: MountPoint) -> bool:
    if wanted.volume is not None and not (
        m.type == "volume" and fits(wanted.volume, m.name) and (wanted.anonymous or not m.anonymous)
    ):
        return False
    if wanted.anonymous is not None and (m.type == "volume" and m.anonymous) != wanted.anonymous:
        return False
    if wanted.bind is not None and not (m.type == "bind" and same_folder(wanted.bind, m.source)):
        return False
    if wanted.tmpfs is not None and (m.type == "tmpfs") != wanted.tmpfs:
        return False
    return wanted.read_only is None or m.read_only == wanted.read_only


def _mount_found(c: Container, at: str, summary: str, expected: str, found: str) -> Found:
    return Found(
        summary, expected, found, f"container {c.name}", ("container", c.name, "mount", at), weight=Weight.MOUNTS
    )


def _source(m: MountPoint) -> str:
    if m.type == "volume":
        return "an anonymous volume" if m.anonymous else f"the volume {code(m.name)}"
    if m.type == "bind":
        return f"the host's folder {code(m.source)} (a bind mount)"
    return f"a {m.type} mount"


def _mount(m: MountPoint) -> str:
    source = {"volume": "anonymous volume" if m.anonymous else m.name, "bind": m.source}.get(m.type, m.type)
    return f"{source} → {m.destination}{' (read-only)' if m.read_only else ''}"


def _wanted_source(wanted: Mount) -> str:
    if wanted.volume is not None:
        return "a volume" if wanted.volume == "*" else f"the volume {code(wanted.volume)}"
    if wanted.bind is not None:
        return "a bind mount" if wanted.bind == "*" else f"a bind mount of {code(wanted.bind)}"
    if wanted.tmpfs:
        return "a tmpfs mount"
    if wanted.anonymous:
        return "an anonymous volume"
    if wanted.anonymous is False:
        return "a volume with a name"
    return "another mount"


def _wanted(wanted: Mount) -> str:
    if wanted.volume is not None:
        source = "any volume" if wanted.volume == "*" else f"volume {wanted.volume}"
    elif wanted.bind is not None:
        source = "a host's folder" if wanted.bind == "*" else wanted.bind
    else:
        source = _wanted_source(wanted) if (wanted.tmpfs or wanted.anonymous is not None) else "a mount"
    return f"{source} → {wanted.at}{' (read-only)' if wanted.read_only else ''}"


def network_findings(e: ContainerExpectation, c: Container, ctx: Context) -> list[Found]:
    """Networks that a container should be on and is not, or is on and should not be."""
    found = []
    on = [a.network for a in c.attachments]
    expected = e.only_networks if e.only_networks is not None else e.networks or ()
    for network in dict.fromkeys((*(e.networks or ()), *(e.only_networks or ()))):
        if not any(fits(network, other) for other in on):
            found.append(not_on(c, network, ctx))
    if e.only_networks is not None:
        others = [n for n in on if not any(fits(network, n) for network in e.only_networks)]
        if others and len(found) == 0:
            found.append(
                Found(
                    f"{code(c.name)} is also on the network {codes(others)}.",
                    ", ".join(expected) or "no network",
                    ", ".join(on),
                    f"container {c.name}",
                    ("container", c.name, "network", "only"),
                    weight=Weight.NETWORKS,
                )
            )
    return found


def not_on(c: Container, network: str, ctx: Context) -> Found:
    """The finding that a container is not on a network."""
    on = [a.network for a in c.attachments]
    there = codes(on) if on else "no network"
    other = "" if ctx.world.network(network) or "*" in network else nearest(network, on)
    summary = f"{code(c.name)} is not on the network {code(network)}; it is on {there}."
    if other:
        summary = f"{code(c.name)} is on the network {code(other)}, not on {code(network)}."
    return Found(
        summary,
        f"{c.name} on {network}",
        ", ".join(on) or "no network",
        f"container {c.name}",
        ("container", c.name, "network", network),
        (("network", network, "exists"), ("container", c.name, "exists")),
        Weight.NETWORKS,
    )
