"""A container that is not in the state it should be in, and why it is not.

Source of the exit codes: https://docs.docker.com/engine/containers/run/#exit-status; 128 + n is the shells' way to say
that signal n ended a process.
"""

from __future__ import annotations

import re

from tutor.course.expectations import ContainerExpectation
from tutor.engine.world import Container
from tutor.lab.findings.found import CREATED, Context, Found, Weight
from tutor.lab.findings.match import fits
from tutor.lab.findings.words import code, listed, state

_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "busybox"})
_SIGNALS = {1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 8: "SIGFPE", 13: "SIGPIPE"}
_STOPPED = frozenset({0, 137, 143})
"""What a container ends with that was asked to: its own choice, or what became of the signal."""

_PROGRAM = re.compile(r'exec:? "(?P<program>[^"]*)"')
_PORT = re.compile(r"(?:0\.0\.0\.0|\[::\]|127\.0\.0\.1|[0-9.]+):(?P<port>[0-9]+)")


def state_findings(e: ContainerExpectation, c: Container, ctx: Context) -> list[Found]:
    """What is wrong with a container's state, exit code, start error and restarts."""
    found = []
    name = code(c.name)
    where = f"container {c.name}"
    topic = ("container", c.name, "running")
    wanted = (e.state,) if isinstance(e.state, str) else e.state
    if wanted is not None and c.state not in wanted:
        found.append(
            Found(
                _why(c, wanted, ctx),
                listed(wanted, "or"),
                state(c),
                where,
                topic,
                weight=Weight.STOPPED,
                pending="short" if _between(c, ctx) else "",
            )
        )
    if e.exit_code is not None:
        if not has_ended(c):
            soon = c.state == "running" and ctx.fresh(c)
            found.append(
                Found(
                    f"{name} has not ended yet, so it has no exit code.",
                    f"exit code {e.exit_code}",
                    c.state,
                    where,
                    ("container", c.name, "exit"),
                    (topic,),
                    Weight.STOPPED,
                    pending="short" if soon or _between(c, ctx) else "",
                )
            )
        elif c.exit_code != e.exit_code:
            found.append(
                Found(
                    f"{name} ended with exit code {c.exit_code}, not {e.exit_code}: {meaning(c)}.",
                    f"exit code {e.exit_code}",
                    f"exit code {c.exit_code}",
                    where,
                    ("container", c.name, "exit"),
                    (topic,),
                    Weight.STOPPED,
                )
            )
    if e.oom_killed is not None and c.oom_killed != e.oom_killed:
        found.append(
            Found(
                f"{name} was killed because it needed more memory than it may have."
                if c.oom_killed
                else f"{name} was not killed for want of memory.",
                "killed for want of memory" if e.oom_killed else "not killed for want of memory",
                state(c),
                where,
                ("container", c.name, "oom"),
                (topic,),
                Weight.STOPPED,
            )
        )
    if e.error is not None and not fits(e.error, c.error):
        found.append(
            Found(
                f"{name} could not start for another reason: {start_error(c, ctx)}."
                if c.error
                else f"The engine reports no start error of {name}.",
                f"an error like {code(e.error)}",
                c.error or "no error",
                where,
                ("container", c.name, "error"),
                weight=Weight.STOPPED,
            )
        )
    found += _restarts(e, c, ctx)
    return found


def has_ended(c: Container) -> bool:
    """Whether its exit code means anything: the main process has run (or could not be run) and is gone."""
    return c.state in {"exited", "dead", "removing", "restarting"} or (
        c.state == "created" and bool(c.exit_code or c.error)
    )


def meaning(c: Container) -> str:
    """What an exit code says, as the end of a sentence."""
    if c.oom_killed and c.exit_code:
        return "it needed more memory than it may have, and was killed"
    number = c.exit_code
    if number == 0:
        return "its main process was done"
    if number == 125:
        return "the engine could not run it"
    if number == 126:
        return "its command is there, but cannot be run"
    if number == 127:
        return "its command was not found"
    if number == 137:
        # On a busy machine engines 20.10 and 26.1 were seen to miss a kill for memory (OOMKilled stays false).
        memory = ", or for memory" if c.memory else ""
        return f"it was ended by SIGKILL, by hand or because it did not end when asked{memory}"
    if number == 139:
        return "its main process crashed (SIGSEGV)"
    if number == 143:
        return "it was asked to end (SIGTERM), and did"
    if 128 < number < 160:
        return f"signal {_SIGNALS.get(number - 128, number - 128)} ended its main process"
    return f"its main process failed; {code(f'docker logs {c.name}')} may say why"


def start_error(c: Container, ctx: Context) -> str:
    """Why the engine could not start a container, as the end of a sentence."""
    error = c.error
    program = _PROGRAM.search(error)
    if program and program["program"].startswith("-"):
        return (
            f"{code(program['program'])} was taken for the command to run, as it stands after the image; "
            "options go before the image"
        )
    if program and "permission denied" in error:
        return f"{code(program['program'])} in the image is not a file that can be run"
    if program and ("not found" in error or "no such file" in error):
        return f"there is no program {code(program['program'])} in its image"
    if "already allocated" in error or "already in use" in error:
        match = _PORT.search(error)
        port = match["port"] if match else ""
        holder = next(
            (
                other.name
                for other in ctx.world.containers.values()
                if other.id != c.id and other.state == "running" and any(p.host_port == port for p in other.published)
            ),
            "",
        )
        who = f" by {code(holder)}" if holder else " by a program outside of this lab"
        return f"host port {port} is taken{who}" if port else f"a port it publishes is taken{who}"
    last = error.rsplit(": ", 1)[-1].strip() if len(error) > 120 else error
    return last.rstrip(".") or "the engine does not say why"


def _why(c: Container, wanted: tuple[str, ...], ctx: Context) -> str:
    name = code(c.name)
    if c.state == "created":
        if c.error or c.exit_code:
            return f"{name} was created and could not start: {start_error(c, ctx)}."
        return f"{name} is created, but was never started."
    if c.state in {"exited", "dead"}:
        if "running" not in wanted:
            return f"{name} has ended, and should be {listed(wanted, 'or')}."
        if c.exit_code == 0 and _idle_shell(c):
            return f"{name} has ended: its main process, the shell {code(c.process[0])}, had no input and was done."
        if c.error and not c.exit_code:
            return f"{name} could not start: {start_error(c, ctx)}."
        if c.exit_code in _STOPPED and not c.oom_killed and _was_stopped(c, ctx):
            return f"{name} was stopped (exit code {c.exit_code})."
        return f"{name} has ended with exit code {c.exit_code}: {meaning(c)}."
    if c.state == "restarting":
        return (
            f"{name} starts again and again: {meaning(c)} (exit code {c.exit_code}), "
            f"and its restart policy is {code(c.restart)}."
        )
    if c.state == "paused":
        return f"{name} is paused: its processes are frozen, not ended."
    if c.state == "removing":
        return f"{name} is being removed."
    if wanted == ("created",):
        return f"{name} was started; it should be created and no more."
    if wanted == ("paused",):
        return f"{name} runs, and is not paused."
    return f"{name} still runs."


def _was_stopped(c: Container, ctx: Context) -> bool:
    """Whether a command of the learner's stopped it."""
    ours = {f"/containers/{key}/{verb}" for key in (c.name, c.id, c.id[:12]) for verb in ("stop", "kill")}
    return any(call.method == "POST" and call.path in ours for call in ctx.observations.calls)


def _idle_shell(c: Container) -> bool:
    return len(c.process) == 1 and c.process[0].rpartition("/")[2] in _SHELLS and not c.stdin


def _between(c: Container, ctx: Context) -> bool:
    """In a state that only lasts while a command is at work."""
    if c.state == "created":
        return not c.error and not c.exit_code and ctx.activity.last_change_age < CREATED
    if c.state == "removing":
        return True
    return c.state == "restarting" and c.restart_count < 2


def was_restarted(c: Container, ctx: Context) -> bool:
    """Whether it has been started more than once.

    Inspect keeps the last start and the last end only; a container that ended again is told by what it was before.
    """
    before = ctx.baseline.world.containers.get(c.id)
    again = before is not None and bool(before.started) and bool(c.started) and before.started != c.started
    return c.restart_count > 0 or again or (c.state in {"running", "paused"} and bool(c.finished))


def _restarts(e: ContainerExpectation, c: Container, ctx: Context) -> list[Found]:
    found = []
    name, where = code(c.name), f"container {c.name}"
    running = (("container", c.name, "running"),)
    if e.restarted is not None and was_restarted(c, ctx) != e.restarted:
        found.append(
            Found(
                f"{name} has been started once only." if e.restarted else f"{name} has been started again.",
                "started again" if e.restarted else "started once",
                "started once" if e.restarted else "started again",
                where,
                ("container", c.name, "restarted"),
                running,
                Weight.STOPPED,
            )
        )
    if e.restarts is not None and c.restart_count < e.restarts:
        policy = "it has no restart policy" if c.restart == "no" else f"its restart policy is {code(c.restart)}"
        found.append(
            Found(
                f"The engine has restarted {name} {_times(c.restart_count)}; {policy}.",
                f"at least {_times(e.restarts)}",
                _times(c.restart_count),
                where,
                ("container", c.name, "restarts"),
                weight=Weight.STOPPED,
                pending="long" if _comes_back(c) else "",
            )
        )
    if e.restart is not None and (c.restart or "no") != e.restart:
        found.append(
            Found(
                f"The restart policy of {name} is {code(c.restart)}, not {code(e.restart)}.",
                e.restart,
                c.restart,
                where,
                ("container", c.name, "restart"),
            )
        )
    if e.health is not None and c.health != e.health:
        found.append(_health(e.health, c, ctx))
    return found


def _comes_back(c: Container) -> bool:
    """Whether its restart policy is about to start it again."""
    return c.state != "running" and (
        c.restart in {"always", "unless-stopped"} or (c.restart == "on-failure" and c.exit_code != 0)
    )


def _health(wanted: str, c: Container, ctx: Context) -> Found:
    name = code(c.name)
    summary = {
        "none": f"{name} has no health check.",
        "starting": f"The health check of {name} has not decided yet.",
        "unhealthy": f"The health check of {name} fails.",
        "healthy": f"The health check of {name} succeeds.",
    }.get(c.health, f"The health of {name} is {code(c.health)}.")
    settling = c.health == "starting" and wanted != "none"
    turning = c.health in {"healthy", "unhealthy"} and wanted in {"healthy", "unhealthy"}
    return Found(
        summary,
        wanted,
        "no health check" if c.health == "none" else c.health,
        f"container {c.name}",
        ("container", c.name, "health"),
        (("container", c.name, "running"),),
        Weight.STOPPED,
        pending="long" if settling or (turning and ctx.fresh(c)) else "",
    )


def _times(count: int) -> str:
    return "not once" if count == 0 else "once" if count == 1 else f"{count} times"
