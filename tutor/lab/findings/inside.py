"""What can only be seen inside: commands in a container, its logs, its writable layer; and files of the workspace."""

from __future__ import annotations

from tutor.course.expectations import (
    ChangesExpectation,
    ExecExpectation,
    FileExpectation,
    LogsExpectation,
    Probe,
)
from tutor.engine.world import Container, World
from tutor.lab.findings import words
from tutor.lab.findings.found import Context, Found, Topic, Weight
from tutor.lab.findings.match import fits, search
from tutor.lab.findings.missing import exists, no_container
from tutor.lab.findings.words import code, command
from tutor.lab.observations import ChangesSeen, CouldNot, ExecSeen, FileSeen, LogsSeen


def exec_findings(e: ExecExpectation, ctx: Context) -> tuple[Found, ...]:
    """What a command in a container should give, and does not."""
    typed = command(e.command)
    expected = f"exit code {e.exit_code}" if e.output is None else f"output with {code(e.output)}"
    topic = ("exec", e.container, typed)
    c = target(e.container, ctx.world)
    if c is None:
        return (no_container(e.container, ctx),)
    if c.state != "running":
        return (
            Found(
                f"{code(c.name)} {words.runs(c)}, so nothing can be run in it.",
                "running",
                words.state(c),
                f"container {c.name}",
                ("container", c.name, "running"),
                weight=Weight.STOPPED,
                pending="short" if c.state == "created" and ctx.activity.last_change_age < 1 else "",
            ),
        )
    seen = ctx.observations.of(e)
    if not isinstance(seen, ExecSeen):
        return (_unknown(e, seen, f"{code(typed)} could not be run in {code(c.name)}", expected, c, topic, ctx),)
    if e.exit_code is not None and seen.exit_code != e.exit_code:
        said = words.shown(seen.output)
        return (
            _found(
                f"In {code(c.name)}, {code(typed)} ends with exit code {seen.exit_code}, not {e.exit_code}"
                f"{f': {code(said)}' if said else ''}.",
                f"exit code {e.exit_code}",
                f"exit code {seen.exit_code}",
                c,
                topic,
                ctx,
            ),
        )
    if e.output is not None and not search(e.output, seen.output):
        there = words.shown(seen.output) or "nothing"
        return (_found(f"In {code(c.name)}, {code(typed)} prints something else.", expected, there, c, topic, ctx),)
    return ()


def logs_findings(e: LogsExpectation, ctx: Context) -> tuple[Found, ...]:
    """What should stand in a container's logs, or should not."""
    c = target(e.container, ctx.world)
    if c is None:
        return (no_container(e.container, ctx),)
    seen = ctx.observations.of(e)
    topic = ("logs", c.name)
    if not isinstance(seen, LogsSeen):
        return (_unknown(e, seen, f"The logs of {code(c.name)} could not be read", "", c, topic, ctx),)
    found = []
    last = words.shown("\n".join(reversed(seen.text.splitlines()))) or "no log"
    if e.output is not None and not search(e.output, seen.text):
        summary = f"The logs of {code(c.name)} do not show {code(e.output)}."
        found.append(_found(summary, f"logs with {code(e.output)}", last, c, (*topic, e.output), ctx))
    if e.missing is not None and search(e.missing, seen.text):
        line = next((text for text in seen.text.splitlines() if search(e.missing, text)), e.missing)
        summary = f"The logs of {code(c.name)} show {code(words.shown(line))}."
        found.append(_found(summary, f"logs without {code(e.missing)}", words.shown(line), c, (*topic, "no"), ctx))
    return tuple(found)


def changes_findings(e: ChangesExpectation, ctx: Context) -> tuple[Found, ...]:
    """What should be in a container's writable layer, or should not."""
    c = target(e.container, ctx.world)
    if c is None:
        return (no_container(e.container, ctx),)
    seen = ctx.observations.of(e)
    topic = ("changes", c.name)
    if not isinstance(seen, ChangesSeen):
        what = f"The writable layer of {code(c.name)} could not be read"
        return (_unknown(e, seen, what, "", c, topic, ctx),)
    found = []
    for verb, wanted, paths in (
        ("added", e.added, seen.added),
        ("changed", e.changed, seen.changed),
        ("deleted", e.deleted, seen.deleted),
    ):
        if wanted is not None and not any(fits(wanted, path) for path in paths):
            summary = f"In the writable layer of {code(c.name)}, {code(wanted)} is not {verb}."
            found.append(_found(summary, f"{wanted} {verb}", _paths(seen), c, (*topic, verb), ctx))
    everything = (*seen.added, *seen.changed, *seen.deleted)
    if e.none is not None and e.none == bool(everything):
        what = "holds changes" if everything else "is empty"
        summary = f"The writable layer of {code(c.name)} {what}."
        expected = "no change" if e.none else "a change"
        found.append(_found(summary, expected, _paths(seen), c, (*topic, "none"), ctx))
    return tuple(found)


def file_findings(e: FileExpectation, ctx: Context) -> tuple[Found, ...]:
    """What should be in a file of the workspace."""
    seen = ctx.observations.of(e)
    where = f"file {e.path}"
    topic = ("file", e.path)
    expected = f"content with {code(e.content)}" if e.content is not None else "there" if e.exists else "not there"
    if not isinstance(seen, FileSeen):
        reason = f": {seen.reason}" if isinstance(seen, CouldNot) else ""
        summary = words.ended(f"The file {code(e.path)} could not be read{reason}")
        return (Found(summary, expected, "unknown", where, topic, weight=Weight.INSIDE, unknown=True),)
    if seen.exists != e.exists:
        summary = f"The file {code(e.path)} {'is there' if seen.exists else 'is not there'}."
        there = "there" if seen.exists else "not there"
        return (Found(summary, expected, there, where, topic, weight=Weight.INSIDE),)
    if e.exists and e.content is not None and (seen.content is None or not search(e.content, seen.content)):
        there = "no text" if seen.content is None else words.shown(seen.content) or "an empty file"
        summary = f"The file {code(e.path)} does not hold {code(e.content)}."
        return (Found(summary, expected, there, where, topic, weight=Weight.INSIDE),)
    return ()


def target(name: str, world: World) -> Container | None:
    """The container that a probe is to look into: by name, else by Compose service; a running one first."""
    every = world.containers.values()
    found = [c for c in every if fits(name, c.name)] or [c for c in every if c.service == name]
    return min(found, key=lambda c: (c.state != "running", c.name), default=None)


def _paths(seen: ChangesSeen) -> str:
    shown = [
        f"{mark} {path}"
        for mark, paths in (("A", seen.added), ("C", seen.changed), ("D", seen.deleted))
        for path in paths
    ]
    return ", ".join(shown[:4]) + (" …" if len(shown) > 4 else "") if shown else "no change"


def _moot(c: Container) -> tuple[Topic, ...]:
    return (exists(c.name), ("container", c.name, "running"), ("container", c.name, "image"))


def _found(summary: str, expected: str, found: str, c: Container, topic: Topic, ctx: Context) -> Found:
    pending = ctx.fresh(c) or any(ctx.fresh(other) for other in ctx.world.containers.values())
    return Found(
        summary,
        expected,
        found,
        f"container {c.name}",
        topic,
        _moot(c),
        Weight.INSIDE,
        pending="short" if pending else "long" if c.health == "starting" else "",
    )


def _unknown(e: Probe, seen: object, what: str, expected: str, c: Container, topic: Topic, ctx: Context) -> Found:
    reason = f": {seen.reason}" if isinstance(seen, CouldNot) else ""
    return Found(
        words.ended(f"{what}{reason}"),
        expected,
        "unknown",
        f"container {c.name}",
        topic,
        _moot(c),
        Weight.INSIDE,
        "short" if ctx.fresh(c) else "",
        unknown=True,
    )
