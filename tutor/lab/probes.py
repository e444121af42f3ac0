"""Run the probes that a step needs, side by side, each with its limits. Whatever fails becomes an Observed value.

A probe whose container is not there is not run: what is missing is told by the World, and nothing has to wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, TypeVar

from tutor.course.expectations import (
    AnyExpectation,
    AskedExpectation,
    ChangesExpectation,
    ContainerExpectation,
    ExecExpectation,
    Expectation,
    FileExpectation,
    HttpExpectation,
    LogsExpectation,
    NotExpectation,
    Probe,
    TcpExpectation,
)
from tutor.course.models import Mistake, Step
from tutor.engine import inside
from tutor.engine.world import Container, World
from tutor.lab.findings.answers import url_port
from tutor.lab.findings.check import check
from tutor.lab.findings.found import Context, flat
from tutor.lab.findings.inside import target
from tutor.lab.observations import (
    ApiCall,
    Baseline,
    ChangesSeen,
    CouldNot,
    ExecSeen,
    FileSeen,
    HttpSeen,
    Listener,
    LogsSeen,
    Observations,
    Observed,
    TcpSeen,
    key,
)
from tutor.lab.probes_net import ask_http, try_tcp
from tutor.problems import Problem

if TYPE_CHECKING:
    from tutor.engine.connect import Engine

FILE = 1 << 20
"""Bytes of a file that are read."""

LIMIT = 3.0
"""Seconds for all probes together."""

_WORKERS = 8
_LISTEN = "0A"
_LOOKED_INTO = 4

_Seen = TypeVar("_Seen")


def observe(
    engine: Engine | None,
    expectations: Iterable[Expectation],
    world: World,
    workspace: Path | None = None,
    *,
    calls: Iterable[ApiCall] = (),
    known: Observations | None = None,
    limit: float = LIMIT,
) -> Observations:
    """Run the probes in these expectations.

    Args:
        engine: Where the containers are; None when it is gone (probes in containers are not run then).
        expectations: Those with probes and others, nested as they are.
        world: What the lab holds.
        workspace: The learner's folder; None where there is none.
        calls: The API calls since the step began.
        known: Observations of the same moment, which are kept and not made again.
        limit: Seconds for all together; what is not done then could not be told.
    """
    wanted = tuple(expectations)
    old = known or Observations()
    tasks: dict[str, Callable[[], Observed | CouldNot]] = {}
    probes = {key(probe): probe for probe in leaves(wanted)}
    for name, probe in probes.items():
        if name not in old.seen and (task := _task(engine, probe, world, workspace)) is not None:
            tasks[name] = task
    deadline = time.monotonic() + limit
    seen = {**old.seen, **_together(tasks, limit)}
    silent = [probe for name, probe in probes.items() if _silent(seen.get(name))]
    look = {} if engine is None else _to_look_into(silent, wanted, world, old)
    listeners = _together(
        {c.id: _listeners_task(engine, c) for c in look.values() if engine is not None},
        max(0.5, deadline - time.monotonic()),
    )
    return Observations(
        seen=seen,
        listeners={**old.listeners, **{name: found for name, found in listeners.items() if isinstance(found, tuple)}},
        calls=tuple(calls),
    )


def observe_step(
    engine: Engine | None,
    step: Step,
    world: World,
    workspace: Path | None = None,
    *,
    calls: Iterable[ApiCall] = (),
    baseline: Baseline | None = None,
    limit: float = LIMIT,
) -> Observations:
    """Run the probes that a step needs: its own first, and those of its mistakes only where it does not pass.

    Of a mistake only the probes are run that decide: none, where the World alone already says that it was not made.
    """
    seen = observe(engine, step.conditions, world, workspace, calls=calls, limit=limit)
    ctx = Context(world, seen, baseline or Baseline(), siblings=step.conditions)
    if not any(check(expectation, ctx) for expectation in step.conditions):
        return seen
    wanted: list[Expectation] = []
    for mistake in step.mistakes:
        if isinstance(mistake, Mistake):
            plain = [e for e in mistake.when if not list(leaves((e,)))]
            if not any(check(expectation, ctx) for expectation in plain):
                wanted += mistake.when
    if not wanted:
        return seen
    return observe(engine, wanted, world, workspace, calls=seen.calls, known=seen, limit=limit)


def leaves(expectations: Iterable[Expectation]) -> Iterator[Probe]:
    """The probes in expectations, out of combinations too; calls (`asked`) need no looking."""
    for expectation in expectations:
        if isinstance(expectation, AnyExpectation):
            yield from leaves(expectation.of)
        elif isinstance(expectation, NotExpectation):
            yield from leaves(expectation.all)
        elif isinstance(expectation, Probe) and not isinstance(expectation, AskedExpectation):
            yield expectation


def read_file(workspace: Path, path: str) -> FileSeen | CouldNot:
    """A file of the workspace; what lies outside of it, also through a link, is not looked at."""
    try:
        root = workspace.resolve(strict=True)
        full = (root / path).resolve()
        if not full.is_relative_to(root):
            return CouldNot(reason="it lies outside of the workspace")
        try:
            status = full.stat()
        except (FileNotFoundError, NotADirectoryError):
            return FileSeen(exists=False)
        if S_ISDIR(status.st_mode):
            return FileSeen(exists=True)
        if not S_ISREG(status.st_mode):
            # A pipe would keep whoever opens it waiting.
            return CouldNot(reason="it is no plain file")
        with full.open("rb") as stream:
            data = stream.read(FILE)
    except (OSError, ValueError, RuntimeError) as error:
        return CouldNot(reason=getattr(error, "strerror", None) or "its path cannot be followed")
    return FileSeen(exists=True, content=None if b"\0" in data[:8192] else data.decode("utf-8", "replace"))


def parse_listeners(table: str) -> tuple[Listener, ...]:
    """The listening sockets in the text of `/proc/net/tcp` and `/proc/net/tcp6`.

    Docker's own name server inside a container (127.0.0.11) is left out: it is nobody's application.
    Format: https://docs.kernel.org/networking/proc_net_tcp.html
    """
    found = []
    for line in table.splitlines():
        words = line.split()
        if len(words) < 4 or words[3] != _LISTEN or ":" not in words[1]:
            continue
        host, _, port = words[1].rpartition(":")
        try:
            listener = Listener(address=_address(host), port=int(port, 16))
        except ValueError:
            continue
        if listener.address != "127.0.0.11" and listener not in found:
            found.append(listener)
    return tuple(sorted(found, key=lambda entry: (entry.port, entry.address)))


def _address(text: str) -> str:
    """`0100007F` is 127.0.0.1: words of 32 bits, in the order of this kind of machine (little-endian everywhere)."""
    raw = bytes.fromhex(text)
    turned = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    if len(turned) == 4:
        return ".".join(map(str, turned))
    if len(turned) != 16:
        raise ValueError(text)
    if turned[:12] == bytes(10) + b"\xff\xff":
        return ".".join(map(str, turned[12:]))
    if turned == bytes(16):
        return "::"
    if turned == bytes(15) + b"\1":
        return "::1"
    return ":".join(turned[at : at + 2].hex() for at in range(0, 16, 2))


def _task(
    engine: Engine | None, probe: Probe, world: World, workspace: Path | None
) -> Callable[[], Observed | CouldNot] | None:
    match probe:
        case HttpExpectation():
            return lambda: ask_http(probe.url)
        case TcpExpectation():
            return lambda: try_tcp(probe.port)
        case FileExpectation():
            return None if workspace is None else lambda: read_file(workspace, probe.path)
        case ExecExpectation() | LogsExpectation() | ChangesExpectation():
            container = target(probe.container, world)
            if engine is None or container is None:
                return None
            return _inside(engine, probe, container)
        case AskedExpectation():
            return None


def _inside(
    engine: Engine, probe: ExecExpectation | LogsExpectation | ChangesExpectation, container: Container
) -> Callable[[], Observed] | None:
    if isinstance(probe, ExecExpectation):
        if container.state != "running":
            return None
        return lambda: _exec(engine, container, probe.command)
    if isinstance(probe, LogsExpectation):
        return lambda: LogsSeen(text=inside.logs(engine, container.id, tty=container.tty))
    return lambda: _changes(engine, container)


def _exec(engine: Engine, container: Container, command: tuple[str, ...]) -> ExecSeen:
    code, output = inside.run(engine, container.id, command)
    return ExecSeen(exit_code=code, output=output)


def _changes(engine: Engine, container: Container) -> ChangesSeen:
    added, changed, deleted = inside.changes(engine, container.id)
    return ChangesSeen(added=added, changed=changed, deleted=deleted)


def _together(tasks: Mapping[str, Callable[[], _Seen]], limit: float) -> dict[str, _Seen | CouldNot]:
    """Run tasks side by side; a Problem, or not being done in time, becomes CouldNot."""
    if not tasks:
        return {}
    pool = ThreadPoolExecutor(min(_WORKERS, len(tasks)), "probe")
    futures: dict[Future[_Seen], str] = {pool.submit(task): name for name, task in tasks.items()}
    done, late = wait(futures, limit)
    # Late ones end by their own limits; nobody waits for them.
    pool.shutdown(wait=False, cancel_futures=True)
    results: dict[str, _Seen | CouldNot] = {futures[f]: CouldNot(reason=f"no answer within {limit:g} s") for f in late}
    for future in done:
        error = future.exception()
        results[futures[future]] = (
            future.result()
            if error is None
            else CouldNot(reason=error.sentence if isinstance(error, Problem) else str(error) or type(error).__name__)
        )
    return results


# -- looking behind a silent port -----------------------------------------------------------------------------------
def _silent(seen: object) -> bool:
    return (isinstance(seen, HttpSeen) and bool(seen.failure)) or (isinstance(seen, TcpSeen) and not seen.open)


def _to_look_into(
    silent: Sequence[Probe], expectations: Sequence[Expectation], world: World, old: Observations
) -> dict[str, Container]:
    """Running containers that should have answered: those behind the port, else those that the step expects."""
    found: dict[str, Container] = {}
    ports = {url_port(p.url) if isinstance(p, HttpExpectation) else getattr(p, "port", "") for p in silent}
    if not ports:
        return found
    running = [c for c in world.containers.values() if c.state == "running" and c.id not in old.listeners]
    behind = [c for c in running if any(p.host_port in ports for p in c.published)]
    named = {e.name for e in flat(expectations) if isinstance(e, ContainerExpectation) and e.name}
    for c in behind or [c for c in running if c.name in named and c.published]:
        found[c.id] = c
    return dict(list(found.items())[:_LOOKED_INTO])


def _listeners_task(engine: Engine, container: Container) -> Callable[[], tuple[Listener, ...] | CouldNot]:
    def look() -> tuple[Listener, ...] | CouldNot:
        # The second file is missing where IPv6 is switched off; `cat` then fails and has still shown the first.
        code, table = inside.run(engine, container.id, ("cat", "/proc/net/tcp", "/proc/net/tcp6"), 1.5)
        if code in {126, 127} or "local_address" not in table:
            return CouldNot(reason="there is no cat in its image")
        return parse_listeners(table)

    return look
