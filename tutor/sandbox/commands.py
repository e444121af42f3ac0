"""What `docker tutor trace` and `docker tutor context` do; the command line calls these."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from tutor.problems import Problem
from tutor.sandbox.trace import Call, follow, read

CONTEXT = "docker-tutor"
"""Name of the Docker context."""


def line(call: Call) -> str:
    """One call as one line: time, method, words, status, duration."""
    at = time.strftime("%H:%M:%S", time.localtime(call.at)) + f".{int(call.at * 1000) % 1000:03d}"
    status = "…" if call.status is None else str(call.status or "gone")
    took = "" if call.duration_ms is None else f"{call.duration_ms:.1f} ms"
    why = f"\n{'':28}refused: {call.refusal}" if call.refusal else ""
    return f"{at}  {call.method:<6}  {call.words:<60}  {status:>4}  {took:>10}{why}".rstrip()


def show_trace(
    path: Path, out: Callable[[str], None], *, following: bool = False, as_json: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> None:  # fmt: skip
    """Print a lab's trace; each call once when it has ended, with the command it belongs to above it.

    Args:
        path: The trace file.
        out: Gets each line.
        following: Go on with what comes, until `stop`.
        as_json: One JSON object a line; a call that runs is printed when it begins and when it ends.
        stop: Asked whenever there is nothing new.
    """
    command: str | None = None
    for call in follow(path, stop) if following else read(path):
        if as_json:
            out(msgspec.json.encode(call).decode())
            continue
        if following and call.status is None:
            continue
        if call.command and call.command != command:
            command = call.command
            out(f"$ {command}")
        out(line(call))


def make_context(socket: Path) -> str:
    """Create (or point anew) the Docker context `docker-tutor`; the current context stays what it is.

    Args:
        socket: The open lab's socket.

    Returns:
        A sentence that says how to use it.

    Raises:
        Problem: There is no docker command, or it refuses.
    """
    exists = _docker("context", "inspect", CONTEXT).returncode == 0
    verb = "update" if exists else "create"
    result = _docker(
        "context", verb, CONTEXT, "--description", "The open lab of docker tutor", "--docker", f"host=unix://{socket}"
    )
    if result.returncode:
        raise Problem(f"The docker command did not make the context: {result.stderr.strip()}", code="context", status=1)
    return f"The context {CONTEXT} points to the open lab. Use it with: docker --context {CONTEXT} ps"


def remove_context() -> str:
    """Remove the context; does nothing when there is none.

    Raises:
        Problem: It is in use, or the docker command is missing.
    """
    if _docker("context", "inspect", CONTEXT).returncode:
        return f"There is no context {CONTEXT}."
    result = _docker("context", "rm", CONTEXT)
    if result.returncode:
        raise Problem(
            f"The docker command did not remove the context: {result.stderr.strip()}",
            "If it is the current one, choose another first: docker context use default",
            code="context",
        )
    return f"The context {CONTEXT} is gone."


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    docker = shutil.which("docker")
    if docker is None:
        raise Problem("There is no docker command on this machine.", "docker tutor doctor tells how to get it.")
    return subprocess.run((docker, *arguments), capture_output=True, text=True, timeout=30, check=False)
