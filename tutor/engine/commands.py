"""What the commands `engine …` and `doctor` do: arguments in, lines out, exit status back.

Expected failures are raised as Problem, which the command line tells.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tutor.engine import private
from tutor.engine._wire import ask
from tutor.engine.address import EngineAddress
from tutor.engine.connect import Attempt, attempts, choose
from tutor.problems import Problem

if TYPE_CHECKING:
    from tutor.engine.doctor import Check

Out = Callable[[str], None]
"""Takes one line of text."""


def bring_up(
    *,
    install: bool = False,
    registry: bool = True,
    data_root: Path | None = None,
    beside: bool = False,
    say: Out = lambda _: None,
) -> tuple[EngineAddress, bool]:
    """Make sure that an engine answers: the one that is there, or else a private one.

    Args:
        install: Install what is missing with apt where no engine answers and this may be done.
        registry: Start a registry beside a private engine, as its mirror.
        data_root: Where a private engine keeps layers and volumes.
        beside: Start a private engine even where another answers.
        say: Takes lines of progress.

    Returns:
        The engine to use, and whether this call started it.

    Raises:
        Problem: No engine answers and none can be started.
    """
    tried = attempts()
    found = tried[-1] if tried and tried[-1].pong else None
    if found and found.candidate.address and not beside and found.candidate.source != "private engine":
        return found.candidate.address, False
    if found is None and os.geteuid() != 0:
        _nearly(tried)
    if install and not private.status().running:
        from tutor.engine.install import install as install_packages

        install_packages(say, private.folders().data / "apt.log")
    status, started = private.up(registry=registry, data_root=data_root, say=say)
    assert status.address is not None
    return status.address, started


def _nearly(tried: list[Attempt]) -> None:
    """Raise when an engine is there but for a reason that the person can remove, which beats starting another."""
    try:
        choose(tried)
    except Problem as problem:
        if problem.code in ("no-permission", "tls", "too-old", "too-new"):
            raise


def engine_up(
    out: Out,
    say: Out,
    *,
    install: bool = False,
    registry: bool = True,
    data_root: Path | None = None,
    beside: bool = False,
    as_json: bool = False,
    host_only: bool = False,
) -> int:
    """`engine up`: see `bring_up`.

    Args:
        out: Takes the result.
        say: Takes progress (not a part of the result: stderr).
        install: As in `bring_up`, like the four after it.
        registry: Start a registry too.
        data_root: Where layers go.
        beside: Also where another engine answers.
        as_json: Print the state as JSON.
        host_only: Print the address and nothing else.
    """
    began = time.monotonic()
    address, started = bring_up(install=install, registry=registry, data_root=data_root, beside=beside, say=say)
    if as_json:
        out(json.dumps({"started": started} | state(), indent=2))
        return 0
    if host_only:
        out(address.host)
        return 0
    if address.source != "private engine":
        out(f"An engine answers already: {ask(address).engine} at {address.host} ({address.source}). It is used.")
        return 0
    status = private.status()
    took = f" in {time.monotonic() - began:.1f} s" if started else ""
    out(f"The private engine {status.version} {'started' + took if started else 'runs already'}: {address.host}")
    if status.registry:
        out(f"Its mirror is the registry at {status.registry}.")
    for note in status.notes:
        out(f"Note: {note}")
    other = os.environ.get("DOCKER_HOST") or os.environ.get("DOCKER_CONTEXT")
    if other and other != address.host:
        out(f"DOCKER_HOST or DOCKER_CONTEXT names another one ({other}): unset it to use this one.")
    return 0


def engine_down(out: Out, say: Out, *, as_json: bool = False) -> int:
    """`engine down`: end the private engine; images and volumes stay for the next start."""
    ended = private.down(say=say)
    if as_json:
        out(json.dumps({"ended": ended} | state(), indent=2))
    else:
        out("The private engine has ended. Its images are kept." if ended else "No private engine runs.")
    return 0


def engine_status(out: Out, *, as_json: bool = False, host_only: bool = False) -> int:
    """`engine status`: the private engine, and which engine the tutor uses.

    Returns:
        0; with `host_only` 1 when there is no engine.
    """
    now = state()
    if as_json:
        out(json.dumps(now, indent=2))
        return 0
    if host_only:
        if now["host"]:
            out(str(now["host"]))
        return 0 if now["host"] else 1
    if now["running"]:
        out(f"The private engine {now['version']} runs at {now['host']} (pid {now['pid'] or 'unknown'}).")
        out(f"Data root: {now['data_root']}")
        out(f"Networks:  {now['subnet']} on {now['bridge']}, others from {now['pool']}")
        out(f"Mirror:    {now['registry'] or 'none'}")
        out(f"Log:       {now['log']}")
        for note in now["notes"]:
            out(f"Note: {note}")
    elif now["host"]:
        out(f"No private engine runs. The tutor uses {now['version']} at {now['host']} ({now['source']}).")
    else:
        out("No private engine runs, and no other engine answers. Start one: docker tutor engine up")
    return 0


def state() -> dict[str, Any]:
    """The private engine's state for programs.

    `host`, `version` and `source` are the private engine's while it runs, else those of the engine that the tutor
    uses, else null; `running` and `private` are about the private one.
    """
    status = private.status()
    source = "private engine" if status.running else None
    facts: dict[str, Any] = {
        "running": status.running,
        "private": status.running,
        "host": status.host,
        "source": source,
        "version": status.version,
        "pid": status.pid,
        "data_root": status.data_root,
        "socket": status.socket,
        "log": status.log,
        "registry": status.registry,
        "mirror": f"http://{status.registry}" if status.registry else None,
        "bridge": status.bridge,
        "subnet": status.subnet,
        "pool": status.pool,
        "notes": list(status.notes),
    }
    if not status.running:
        last = attempts()[-1:]
        if last and last[0].pong and last[0].candidate.address:
            address = last[0].candidate.address
            facts |= {"host": address.host, "source": address.source, "version": last[0].pong.engine}
    return facts


def engine_run(
    command: Sequence[str], say: Out, *, install: bool = False, registry: bool = True, keep: bool = False
) -> int:
    """`engine run -- COMMAND`: run a command with DOCKER_HOST set to an engine that answers.

    A private engine that had to be started for it is ended afterwards.

    Args:
        command: The program and its arguments.
        say: Takes progress.
        install: Install what is missing.
        registry: Start a registry too.
        keep: Leave a private engine running.

    Returns:
        The command's exit status (128 + n when signal n ended it, 127 when it does not exist).
    """
    address, started = bring_up(install=install, registry=registry, say=say)
    say(f"Engine: {address}")
    try:
        return _run(command, {**os.environ, **address.environment()})
    finally:
        if started and not keep:
            private.down(say=say)


def _run(command: Sequence[str], environ: dict[str, str]) -> int:
    """Run a command in the foreground; signals meant for it reach it, and we live on to clean up."""
    try:
        process = subprocess.Popen(command, env=environ)
    except OSError as error:
        raise Problem(f"{command[0]} cannot be run: {error.strerror}.", code="no-command", status=127) from error
    # ctrl+c reaches the whole foreground group by itself; a hangup or a polite end is passed on.
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    for number in (signal.SIGTERM, signal.SIGHUP):
        before[number] = signal.signal(number, lambda got, _: process.send_signal(got))
    try:
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - status if status < 0 else status


def doctor(out: Out, *, as_json: bool = False, more: Callable[[], Iterable[Check]] = tuple) -> int:
    """`doctor`: look at everything; 0 when labs can run, else 1.

    Args:
        out: Takes lines.
        as_json: Print one JSON document instead.
        more: Further checks, made after the others.
    """
    from tutor.engine.doctor import examine, line, lines

    if as_json:
        report = examine()
        report.checks += more()
        out(json.dumps(report.as_json(), indent=2))
        return 0 if report.ok else 1
    report = examine(told=lambda check: out(line(check)))
    for check in more():
        report.checks.append(check)
        out(line(check))
    out("")
    out("Looked for an engine at:")
    for text in lines(report):
        out(text)
    failed = sum(check.state == "fail" for check in report.checks)
    out("")
    out("All is well." if report.ok else f"{failed} {'thing needs' if failed == 1 else 'things need'} to be put right.")
    return 0 if report.ok else 1
