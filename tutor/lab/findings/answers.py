"""Whether somebody answers at a port of this machine, and if nobody does, where the way to the container breaks off."""

from __future__ import annotations

from urllib.parse import urlsplit

from tutor.course.expectations import HttpExpectation, TcpExpectation
from tutor.engine.world import Container, PublishedPort
from tutor.lab.findings import words
from tutor.lab.findings.found import Context, Found, Topic, Weight
from tutor.lab.findings.match import fits, search
from tutor.lab.findings.missing import exists
from tutor.lab.findings.ports import listening, ports_topic
from tutor.lab.findings.words import code, door, doors, listed, number
from tutor.lab.observations import CouldNot, HttpSeen, TcpSeen

_FAILED = {
    "refused": "the connection is refused",
    "reset": "the connection breaks off at once",
    "no-answer": "no answer comes",
}


def http_findings(e: HttpExpectation, ctx: Context) -> tuple[Found, ...]:
    """What is not yet as expected of an answer over HTTP."""
    seen = ctx.observations.of(e)
    port = url_port(e.url)
    expected = f"{e.status}" if isinstance(e.status, str) else f"HTTP {e.status}"
    if not isinstance(seen, HttpSeen):
        return (_unknown(seen, f"{e.url} could not be asked", expected, port, ctx),)
    if isinstance(e.status, str):
        if seen.failure == e.status or _as_good(e.status, seen.failure, port, ctx):
            return ()
        there = seen.failure or f"HTTP {seen.status}"
        if seen.failure:
            summary = f"Port {port} does not answer in the way it should: {_FAILED[seen.failure]}."
        else:
            who = behind(port, ctx)
            by = f": {code(who[0][0].name)} does" if who else ", and it is no container of this lab"
            summary = f"Something answers on port {port}{by}."
        return (_found(summary, expected, there, port, ctx, "answers"),)
    if seen.failure:
        return (_no_answer(seen.failure, expected, port, ctx, "HTTP"),)
    if seen.status != e.status:
        return (_found(f"{e.url} answers {seen.status}, not {e.status}.", expected, f"HTTP {seen.status}", port, ctx),)
    found = []
    if e.body is not None and not search(e.body, seen.body):
        there = words.shown(seen.body) or "an empty page"
        summary = f"{e.url} answers, but with another content."
        found.append(_found(summary, f"content with {code(e.body)}", there, port, ctx, "body"))
    for name, pattern in (e.header or {}).items():
        value = next((v for key, v in seen.headers.items() if key.lower() == name.lower()), None)
        if value is None or not fits(pattern, value):
            summary = f"The answer of {e.url} has {'no' if value is None else 'another'} header {code(name)}."
            found.append(_found(summary, f"{name}: {pattern}", f"{name}: {value or ''}", port, ctx, f"header {name}"))
    return tuple(found)


def tcp_findings(e: TcpExpectation, ctx: Context) -> tuple[Found, ...]:
    """Whether a port is open as expected."""
    seen = ctx.observations.of(e)
    expected = f"port {e.port} {'open' if e.open else 'closed'}"
    if not isinstance(seen, TcpSeen):
        return (_unknown(seen, f"Port {e.port} could not be tried", expected, e.port, ctx),)
    if seen.open == e.open:
        return ()
    if seen.open:
        who = behind(e.port, ctx)
        by = f" by {code(who[0][0].name)}" if who else ", by no container of this lab"
        return (_found(f"Port {e.port} is open{by}.", expected, "open", e.port, ctx),)
    return (_no_answer(seen.failure or "refused", expected, e.port, ctx, "TCP"),)


def url_port(url: str) -> str:
    """The port that a URL leads to."""
    try:
        parts = urlsplit(url)
        return str(parts.port or (443 if parts.scheme == "https" else 80))
    except ValueError:
        return "80"


def behind(port: str, ctx: Context) -> list[tuple[Container, PublishedPort]]:
    """The containers that publish something on a host port, running ones first."""
    doors = [(c, p) for c in ctx.world.containers.values() for p in c.published if p.host_port == port]
    return sorted(doors, key=lambda pair: pair[0].state != "running")


def _as_good(wanted: str, seen: str, port: str, ctx: Context) -> bool:
    """A published port with nobody behind it: how that feels depends on how the engine forwards ports.

    With docker-proxy the connection is made and then broken; without it, it is refused.
    """
    return {wanted, seen} == {"reset", "refused"} and any(c.state == "running" for c, _ in behind(port, ctx))


def _no_answer(failure: str, expected: str, port: str, ctx: Context, protocol: str) -> Found:
    summary, there, where = f"Nobody answers on port {port}: {_FAILED[failure]}.", failure, ""
    doors_here = behind(port, ctx)
    if not doors_here:
        running = [c for c in ctx.world.containers.values() if c.state == "running" and c.published]
        summary = f"Nobody answers on port {port}: no container publishes it."
        if running and not _publishers_wanted(port, ctx):
            near = running[0]
            there, where = doors(near), f"container {near.name}"
    else:
        c, p = doors_here[0]
        where = f"container {c.name}"
        there = door(p.host_port, c.name, p.container)
        if c.state != "running":
            summary = f"Nobody answers on port {port}: {code(c.name)}, which publishes it, {words.runs(c)}."
        elif p.host_ip not in {"", "0.0.0.0", "127.0.0.1", "::1"}:
            summary = f"{code(c.name)} publishes port {port} on the host's address {p.host_ip} only."
        else:
            summary = _inside(c, p, failure, protocol, ctx)
    return _found(summary, expected, there, port, ctx, where=where)


def _inside(c: Container, p: PublishedPort, failure: str, protocol: str, ctx: Context) -> str:
    """The way is open to the container: what there is inside."""
    name, inner = code(c.name), number(p.container)
    listeners = listening(c, ctx)
    if listeners is None:
        image = ctx.world.images.get(c.image_id)
        exposed = sorted(map(number, image.exposed)) if image else []
        if exposed and inner not in exposed:
            return f"{name} publishes container port {inner}; its image exposes {listed(exposed)}."
        return f"Nothing seems to listen on port {inner} of {name}: {_FAILED[failure]}."
    here = [entry for entry in listeners if str(entry.port) == inner]
    if here and all(entry.loopback for entry in here):
        return (
            f"The application in {name} listens on {here[0].address}:{inner}, "
            "which is the container's own loopback: nobody outside of it can come in."
        )
    if here:
        return f"Something listens on port {inner} of {name}, but does not answer as {protocol}: {_FAILED[failure]}."
    others = sorted({entry.port for entry in listeners})
    if others:
        only = " (on its own loopback only)" if all(entry.loopback for entry in listeners) else ""
        return f"{name} publishes container port {inner}; the application listens on {listed(map(str, others))}{only}."
    return f"{name} publishes container port {inner}, and nothing in it listens on any port."


def _publishers_wanted(port: str, ctx: Context) -> list[str]:
    """Containers that the step expects to publish the port."""
    return [e.name or e.service or "" for e in ctx.wanted if e.publishes and port in e.publishes.values()]


def _related(port: str, ctx: Context) -> tuple[Topic, ...]:
    """What makes an answer's finding moot: the cause is told of the container that should answer."""
    wanted = [e for e in ctx.wanted if e.publishes and port in e.publishes.values()]
    topics: list[Topic] = []
    names = [e.name for e in wanted if e.name] or [c.name for c, _ in behind(port, ctx)]
    if not wanted and not names:
        # Nobody is said to publish it: whoever should run first is the likely one.
        names = [e.name for e in ctx.wanted if e.name]
    for e in wanted:
        if not e.name:
            topics.append(("container", e.service or e.image or "", "any"))
            names += [c.name for c in ctx.world.containers.values()]
    for name in names:
        topics += [exists(name), ("container", name, "running"), ports_topic(name)]
    return tuple(topics)


def _found(summary: str, expected: str, found: str, port: str, ctx: Context, what: str = "", where: str = "") -> Found:
    if not where and (doors_here := behind(port, ctx)):
        where = f"container {doors_here[0][0].name}"
    holders = [c for c, _ in behind(port, ctx)]
    # Whoever answers with the wanted status is up, whatever the health check has yet to say: the content will stay.
    starting = not what and any(c.health == "starting" for c in holders)
    return Found(
        summary,
        expected,
        found,
        where,
        ("port", port, what),
        (*_related(port, ctx), *((("port", port, ""),) if what else ())),
        Weight.ANSWER,
        pending="short" if ctx.anything_fresh else "long" if starting else "",
    )


def _unknown(seen: object, what: str, expected: str, port: str, ctx: Context) -> Found:
    reason = f": {seen.reason}" if isinstance(seen, CouldNot) else ""
    return Found(
        words.ended(f"{what}{reason}"),
        expected,
        "unknown",
        "",
        ("port", port, ""),
        _related(port, ctx),
        Weight.ANSWER,
        "short" if ctx.anything_fresh else "",
        unknown=True,
    )
