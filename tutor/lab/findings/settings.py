"""How a container was set up: command, environment, limits, rights."""

from __future__ import annotations

from collections.abc import Mapping

from tutor.course.expectations import ContainerExpectation
from tutor.engine.world import Container
from tutor.lab.findings.found import Context, Found, Weight
from tutor.lab.findings.match import fit_words, fits, mapping
from tutor.lab.findings.match import size as in_bytes
from tutor.lab.findings.words import code, command, listed, size, wanted_command

# Attribute → what is to be said when it is not so, and when it is so and should not be.
_SWITCHES = {
    "read_only": ("may write to its root filesystem", "has a read-only root filesystem"),
    "privileged": ("is not privileged", "is privileged"),
    "tty": ("has no terminal", "has a terminal"),
    "stdin": ("has its input closed", "has its input kept open"),
    "init": ("has no init process in front of its command", "has an init process in front of its command"),
    "auto_remove": ("stays after it has ended", "is removed by itself when it ends"),
}


def setting_findings(e: ContainerExpectation, c: Container, ctx: Context) -> list[Found]:
    """What is wrong with a container's settings."""
    found = [*_commands(e, c), *_limits(e, c), *_texts(e, c), *_switches(e, c), *_capabilities(e, c)]
    if e.env is not None:
        found += variables(e.env, c.env, code(c.name), f"container {c.name}", ("container", c.name))
    if e.labels is not None:
        for name, wanted, value in mapping(e.labels, c.labels):
            summary = (
                f"{code(c.name)} has no label {code(name)}."
                if value is None
                else f"The label {code(name)} of {code(c.name)} is {code(value)}, not {code(wanted or '')}."
            )
            found.append(_found(c, f"label {name}", summary, f"{name}={wanted}", _pair(name, value)))
    return [*found, *_namespaces(e, c, ctx)]


def variables(
    wanted: Mapping[str, str | None],
    present: Mapping[str, str],
    owner: str,
    where: str,
    topic: tuple[str, ...],
) -> list[Found]:
    """Environment variables that are missing, are other ones, or should not be set."""
    found = []
    for name, pattern, value in mapping(wanted, present):
        if value is None:
            summary = f"The variable {code(name)} is not set in {owner}."
        elif pattern is None:
            summary = f"The variable {code(name)} is set in {owner}, and should not be."
        else:
            summary = f"The variable {code(name)} is {code(value)} in {owner}, not {code(pattern)}."
        expected = f"{name} not set" if pattern is None else f"{name}={pattern}"
        found.append(Found(summary, expected, _pair(name, value), where, (*topic, "env", name)))
    return found


def words_finding(
    what: str, wanted: tuple[str, ...], words: tuple[str, ...], owner: str, where: str, topic: tuple[str, ...]
) -> list[Found]:
    """A command that is not the one expected."""
    if fit_words(wanted, words):
        return []
    there = code(command(words)) if words else "empty"
    return [
        Found(
            f"The {what} of {owner} is {there}.",
            wanted_command(wanted) or "none",
            command(words) or "none",
            where,
            topic,
        )
    ]


def _commands(e: ContainerExpectation, c: Container) -> list[Found]:
    found: list[Found] = []
    for what, field, wanted, words in (
        ("command", "command", e.command, c.command),
        ("entry point", "entrypoint", e.entrypoint, c.entrypoint),
        ("process", "process", e.process, c.process),
    ):
        if wanted is not None:
            # What runs is entry point and command together: one sentence on them is enough.
            part = "process" if field == "command" and e.process is not None else field
            topic = ("container", c.name, part)
            found += words_finding(what, wanted, words, code(c.name), f"container {c.name}", topic)
    return found


def _limits(e: ContainerExpectation, c: Container) -> list[Found]:
    found = []
    name = code(c.name)
    if e.memory is not None and in_bytes(e.memory) != c.memory:
        there = f"may use {size(c.memory)} of memory" if c.memory else "has no memory limit"
        wanted = e.memory if in_bytes(e.memory) else "no limit"
        summary = f"{name} {there}{f', not {wanted}' if c.memory and in_bytes(e.memory) else ''}."
        found.append(_found(c, "memory", summary, f"memory {wanted}", size(c.memory) if c.memory else "no limit"))
    if e.cpus is not None and abs(e.cpus - c.cpus) > 1e-6:
        there = f"may use {c.cpus:g} CPUs" if c.cpus else "has no CPU limit"
        wanted = f"{e.cpus:g}" if e.cpus else "no limit"
        summary = f"{name} {there}{f', not {wanted}' if c.cpus and e.cpus else ''}."
        found.append(_found(c, "cpus", summary, f"CPUs {wanted}", f"{c.cpus:g}" if c.cpus else "no limit"))
    if e.pids is not None and max(0, e.pids) != c.pids:
        there = f"may have {c.pids} processes" if c.pids else "has no limit on its processes"
        wanted = str(e.pids) if e.pids > 0 else "no limit"
        summary = f"{name} {there}{f', not {wanted}' if c.pids and e.pids > 0 else ''}."
        found.append(_found(c, "pids", summary, f"processes {wanted}", str(c.pids) if c.pids else "no limit"))
    return found


def _texts(e: ContainerExpectation, c: Container) -> list[Found]:
    found = []
    for what, wanted, value in (
        ("working directory", e.working_dir, c.working_dir or "/"),
        ("host name", e.hostname, c.hostname),
    ):
        if wanted is not None and not fits(wanted, value):
            summary = f"The {what} of {code(c.name)} is {code(value)}, not {code(wanted)}."
            found.append(_found(c, what, summary, wanted, value))
    if e.user is not None and not same_user(e.user, c.user):
        who = code(c.user) if c.user else "root, as nobody else was named"
        found.append(_found(c, "user", f"{code(c.name)} runs as {who}.", e.user, c.user or "root"))
    return found


def same_user(wanted: str, found: str) -> bool:
    """Whether two ways to name a user mean the same: nobody, `root` and `0` do."""
    root = {"", "root", "0", "0:0", "root:root"}
    return fits(wanted, found) or (wanted in root and found in root)


def _switches(e: ContainerExpectation, c: Container) -> list[Found]:
    found = []
    for field, (is_not, is_so) in _SWITCHES.items():
        wanted: bool | None = getattr(e, field)
        value: bool = getattr(c, field)
        if wanted is not None and value != wanted:
            here, there = (is_so, is_not) if value else (is_not, is_so)
            found.append(_found(c, field, f"{code(c.name)} {here}.", there, here))
    return found


def _capabilities(e: ContainerExpectation, c: Container) -> list[Found]:
    found = []
    for what, verb, wanted, present in (
        ("cap_add", "is given", e.cap_add, c.cap_add),
        ("cap_drop", "is denied", e.cap_drop, c.cap_drop),
    ):
        if wanted is None:
            continue
        there = {_capability(word) for word in present}
        missing = [_capability(word) for word in wanted if _capability(word) not in there]
        if missing or (not wanted and there):
            shown = listed(map(code, sorted(there))) if there else "no capability"
            summary = f"{code(c.name)} {verb} {shown}."
            expected = ", ".join(map(_capability, wanted)) or "none"
            found.append(_found(c, what, summary, expected, ", ".join(sorted(there)) or "none"))
    return found


def _namespaces(e: ContainerExpectation, c: Container, ctx: Context) -> list[Found]:
    found = []
    for what, wanted, mode in (
        ("PID", e.pid_of, c.pid_mode),
        ("network", e.network_of, c.network_mode),
        ("IPC", e.ipc_of, c.ipc_mode),
    ):
        if wanted is None:
            continue
        owner = mode.removeprefix("container:")
        container = ctx.world.container(owner) or next(
            (o for o in ctx.world.containers.values() if len(owner) > 11 and o.id.startswith(owner)), None
        )
        shared = mode == "host" if wanted == "host" else mode.startswith("container:") and bool(container)
        if shared and (wanted == "host" or (container is not None and fits(wanted, container.name))):
            continue
        with_whom = {"host": "the host"}.get(wanted, code(wanted))
        now = "of its own"
        if mode == "host":
            now = "the host's"
        elif mode.startswith("container:"):
            now = f"that of {code(container.name if container else owner[:12])}"
        summary = f"{code(c.name)} does not share the {what} namespace of {with_whom}."
        found.append(_found(c, f"{what} namespace", summary, f"shared with {wanted}", now))
    return found


def _capability(word: str) -> str:
    return word.upper().removeprefix("CAP_")


def _pair(name: str, value: str | None) -> str:
    return f"{name} not set" if value is None else f"{name}={value}"


def _found(c: Container, what: str, summary: str, expected: str, found: str) -> Found:
    return Found(summary, expected, found, f"container {c.name}", ("container", c.name, what), weight=Weight.SETTINGS)
