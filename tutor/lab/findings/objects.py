"""Volumes, networks, what must be gone, and how many there are."""

from __future__ import annotations

from collections.abc import Iterable

from tutor.course.expectations import (
    AbsentExpectation,
    CountExpectation,
    NetworkExpectation,
    VolumeExpectation,
)
from tutor.engine.world import Container
from tutor.lab.findings import words
from tutor.lab.findings.found import Context, Found, Weight
from tutor.lab.findings.match import fits, made_from, mapping, nearest, tagged
from tutor.lab.findings.missing import no_container
from tutor.lab.findings.places import not_on
from tutor.lab.findings.words import code, codes, listed, plural


def volume_findings(e: VolumeExpectation, ctx: Context) -> tuple[Found, ...]:
    """What is not yet as expected of a volume."""
    where = f"volume {e.name}"
    volume = next((v for v in ctx.world.volumes.values() if fits(e.name, v.name)), None)
    if volume is None:
        names = [v.name for v in ctx.world.volumes.values() if not v.anonymous]
        anonymous = [v for n, v in ctx.world.volumes.items() if v.anonymous and n not in ctx.baseline.world.volumes]
        close = nearest(e.name, [n for n in names if n not in ctx.baseline.world.volumes])
        summary, there = f"There is no volume {code(e.name)}", "no volume of that name"
        if close:
            summary, there = f"{summary}; there is one called {code(close)}", close
        elif e.name in ctx.baseline.world.volumes:
            summary, there = f"The volume {code(e.name)} is not there any more", "removed"
        elif anonymous:
            summary, there = f"{summary}; there is a new one without a name", "an anonymous volume"
        topic = ("volume", e.name, "exists")
        found = Found(f"{summary}.", f"a volume {e.name}", there, where, topic, weight=Weight.MISSING_BASE)
        return (found,)
    found_all: list[Found] = []
    users = [
        c for c in ctx.world.containers.values() if any(m.type == "volume" and m.name == volume.name for m in c.mounts)
    ]
    if e.driver is not None and not fits(e.driver, volume.driver):
        summary = f"The volume {code(volume.name)} has the driver {code(volume.driver)}, not {code(e.driver)}."
        found_all.append(Found(summary, e.driver, volume.driver, where, ("volume", e.name, "driver")))
    found_all += _labels("volume", volume.name, e.labels or {}, volume.labels)
    if e.used_by is not None and not any(fits(e.used_by, c.name) for c in users):
        if not any(fits(e.used_by, c.name) for c in ctx.world.containers.values()):
            found_all.append(no_container(e.used_by, ctx))
        else:
            who = codes(sorted(c.name for c in users)) if users else "no container"
            found_all.append(
                Found(
                    f"{code(e.used_by)} does not mount the volume {code(volume.name)}; {who} does.",
                    f"used by {e.used_by}",
                    f"used by {', '.join(sorted(c.name for c in users)) or 'none'}",
                    where,
                    ("volume", e.name, "used"),
                    tuple(("container", e.used_by, "mount", m.at) for w in ctx.wanted for m in w.mounts or ()),
                    Weight.MOUNTS,
                )
            )
    if e.unused is not None and e.unused == bool(users):
        who = codes(sorted(c.name for c in users))
        summary = f"The volume {code(volume.name)} is {f'mounted by {who}' if users else 'not used by any container'}."
        expected, there = ("used by none", "used") if e.unused else ("used", "used by none")
        found_all.append(Found(summary, expected, there, where, ("volume", e.name, "unused"), weight=Weight.MOUNTS))
    return tuple(found_all)


def network_expectation_findings(e: NetworkExpectation, ctx: Context) -> tuple[Found, ...]:
    """What is not yet as expected of a network."""
    where = f"network {e.name}"
    network = next((n for n in ctx.world.networks.values() if fits(e.name, n.name)), None)
    if network is None:
        names = [n.name for n in ctx.world.networks.values() if not n.predefined]
        old = {n.name for n in ctx.baseline.world.networks.values()}
        close = nearest(e.name, [n for n in names if n not in old])
        # Compose puts the project's name before a network's: `shop_back` where `back` was meant.
        prefixed = next((n for n in sorted(names) if n.endswith(f"_{e.name}")), None)
        summary, there = f"There is no network {code(e.name)}", "no network of that name"
        if prefixed or close:
            summary, there = f"{summary}; there is one called {code(prefixed or close or '')}", prefixed or close or ""
        elif e.name in old:
            summary, there = f"The network {code(e.name)} is not there any more", "removed"
        topic = ("network", e.name, "exists")
        return (Found(f"{summary}.", f"a network {e.name}", there, where, topic, weight=Weight.MISSING_BASE),)
    found: list[Found] = []
    if e.driver is not None and not fits(e.driver, network.driver):
        summary = f"The network {code(network.name)} has the driver {code(network.driver)}, not {code(e.driver)}."
        found.append(Found(summary, e.driver, network.driver, where, ("network", e.name, "driver")))
    if e.internal is not None and network.internal != e.internal:
        is_so = "is cut off from the outside" if network.internal else "is open to the outside"
        should = "internal" if e.internal else "not internal"
        there = "internal" if network.internal else "not internal"
        summary = f"The network {code(network.name)} {is_so}."
        found.append(Found(summary, should, there, where, ("network", e.name, "internal")))
    for name in e.connects or ():
        members = [c for c in ctx.world.containers.values() if fits(name, c.name)]
        if not members:
            found.append(no_container(name, ctx))
        elif not any(a.network == network.name for c in members for a in c.attachments):
            found.append(not_on(members[0], network.name, ctx))
    return tuple(found)


def absent_findings(e: AbsentExpectation, ctx: Context) -> tuple[Found, ...]:
    """What is still there and should not be."""
    found: list[Found] = []
    world = ctx.world

    def still(kind: str, name: str, said: str = "") -> None:
        summary = f"The {kind} {code(name)} is still there{said}."
        found.append(
            Found(
                summary,
                f"no {kind} {name}",
                f"{kind} {name}",
                f"{kind} {name}",
                (kind, name, "absent"),
                weight=Weight.LEFT_OVER,
            )
        )

    if e.container is not None:
        for c in _by_name(world.containers.values(), e.container):
            still(
                "container",
                c.name,
                f": stopped, not removed ({words.state(c)})" if c.state == "exited" else f" ({words.state(c)})",
            )
    if e.image is not None and (image := tagged(world, e.image)) is not None:
        users = sorted(c.name for c in world.containers.values() if c.image_id == image.id)
        still(
            "image", e.image, f", and {codes(users)} {'is' if len(users) == 1 else 'are'} made from it" if users else ""
        )
    if e.volume is not None:
        for volume in world.volumes.values():
            if fits(e.volume, volume.name):
                users = sorted(
                    c.name for c in world.containers.values() if any(m.name == volume.name for m in c.mounts)
                )
                still("volume", volume.name, f", mounted by {codes(users)}" if users else "")
    if e.network is not None:
        for network in world.networks.values():
            if fits(e.network, network.name):
                users = sorted(
                    c.name for c in world.containers.values() if any(a.network == network.name for a in c.attachments)
                )
                still("network", network.name, f", with {codes(users)} on it" if users else "")
    if e.service is not None:
        for service in world.services.values():
            if fits(e.service, service.name):
                still("service", service.name)
    if e.compose is not None:
        for project in sorted({c.project for c in world.containers.values() if c.project}):
            if fits(e.compose, project):
                left = sorted(c.name for c in world.containers.values() if c.project == project)
                still("Compose project", project, f": {codes(left)}")
    return tuple(found)


def count_findings(e: CountExpectation, ctx: Context) -> tuple[Found, ...]:
    """Too many or too few objects that fit."""
    names, partly = _counted(e, ctx)
    number = len(names)
    enough = (
        (e.exactly is None or number == e.exactly)
        and (e.at_least is None or number >= e.at_least)
        and (e.at_most is None or number <= e.at_most)
    )
    if enough:
        return ()
    what = _filter(e)
    bounds = [
        text
        for bound, text in (
            (e.exactly, f"exactly {e.exactly}"),
            (e.at_least, f"at least {e.at_least}"),
            (e.at_most, f"at most {e.at_most}"),
        )
        if bound is not None
    ]
    one = e.of.removesuffix("s")
    shown = f": {codes(names[:8])}" if 0 < number <= 8 else ""
    summary = f"There {'is' if number == 1 else 'are'} {plural(number, one) if number else f'no {e.of}'}{what}{shown}."
    pending = number < (e.exactly or e.at_least or 0) and any(
        c.state == "created" and ctx.activity.last_change_age < 1 for c in partly
    )
    return (
        Found(
            summary,
            f"{' and '.join(bounds)} {e.of}{what}",
            str(number),
            "",
            ("count", e.of, what),
            weight=Weight.COUNT,
            pending="short" if pending else "",
        ),
    )


def _counted(e: CountExpectation, ctx: Context) -> tuple[list[str], list[Container]]:
    world = ctx.world
    if e.of == "containers":
        states = (e.state,) if isinstance(e.state, str) else e.state
        partly = [
            c
            for c in world.containers.values()
            if (e.name is None or fits(e.name, c.name)) and (e.image is None or made_from(world, c, e.image))
        ]
        return sorted(c.name for c in partly if states is None or c.state in states), partly
    if e.of == "volumes":
        return (
            sorted(
                v.name
                for v in world.volumes.values()
                if (e.name is None or fits(e.name, v.name)) and (e.anonymous is None or v.anonymous == e.anonymous)
            ),
            [],
        )
    if e.of == "networks":
        named = (n for n in world.networks.values() if not n.predefined)
        return sorted(n.name for n in named if e.name is None or fits(e.name, n.name)), []
    own = (i for i in world.images.values() if i.own)
    return (
        sorted(
            (i.tags[0] if i.tags else i.id.removeprefix("sha256:")[:12])
            for i in own
            if (e.name is None or any(fits(e.name, t) for t in i.tags))
            and (e.anonymous is None or e.anonymous == (not i.tags))
        ),
        [],
    )


def _filter(e: CountExpectation) -> str:
    states = (e.state,) if isinstance(e.state, str) else e.state
    parts = []
    if e.anonymous is not None:
        parts.append("without a name" if e.anonymous else "with a name")
    if e.name is not None:
        parts.append(f"called {code(e.name)}")
    if e.image is not None:
        parts.append(f"made from {code(e.image)}")
    if states is not None:
        parts.append(f"in the state {listed(states, 'or')}")
    return f" {' '.join(parts)}" if parts else ""


def _by_name(containers: Iterable[Container], pattern: str) -> list[Container]:
    return [c for c in containers if fits(pattern, c.name)]


def _labels(kind: str, name: str, wanted: dict[str, str], present: object) -> list[Found]:
    labels = present if isinstance(present, dict) else {}
    return [
        Found(
            f"The label {code(label)} of the {kind} {code(name)} is {'not set' if value is None else code(value)}.",
            f"{label}={expected}",
            f"{label}={value or ''}",
            f"{kind} {name}",
            (kind, name, "label", label),
        )
        for label, expected, value in mapping(wanted, labels)
    ]
