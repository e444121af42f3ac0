"""What containers really use, how images were made, and who listens in a container: for the picture.

Nothing here is judged, and nothing disturbs what it looks at: no command runs in a container where the kernel tells.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tutor.engine import inside
from tutor.problems import Problem

if TYPE_CHECKING:
    from tutor.engine.connect import Engine
    from tutor.engine.world import Container

_PROC = Path("/proc")
_TABLES = ("net/tcp", "net/tcp6")


class Usage(NamedTuple):
    """What a container uses now.

    Attributes:
        memory: Bytes, without what the kernel keeps of files and can drop at any time, as `docker stats` counts.
        cpus: 1.0 is one CPU in full; since the reading before; 0.0 when there was none.
        pids: Processes and threads.
    """

    memory: int
    cpus: float
    pids: int = 0


class Meter:
    """Reads usage; it remembers the reading before, as CPU time only tells something over a while.

    Args:
        engine: A connection of its own.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._before: dict[str, tuple[float, int]] = {}

    def read(self, containers: Iterable[Container]) -> dict[str, Usage]:
        """Usage of the running containers, by id; those that are gone meanwhile are left out.

        Raises:
            Problem: `engine-gone`.
        """
        api: Any = self._engine.api
        found: dict[str, Usage] = {}
        kept: dict[str, tuple[float, int]] = {}
        with self._engine.guard():
            for container in containers:
                # One-shot: without it the engine takes a second for a second reading of its own (API 1.41).
                answer = api._get(
                    api._url("/containers/{0}/stats", container.id), params={"stream": 0, "one-shot": 1}, timeout=5
                )
                if answer.status_code != 200:
                    continue
                now, data = time.monotonic(), answer.json()
                spent = int(data.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage") or 0)
                usage = usage_of(data, self._before.get(container.id), now)
                if usage is not None:
                    found[container.id] = usage
                    kept[container.id] = (now, spent)
        self._before = kept
        return found


def usage_of(data: Mapping[str, Any], before: tuple[float, int] | None, now: float) -> Usage | None:
    """Usage from the engine's answer; None when the container does not run any more.

    Args:
        data: The answer of `GET /containers/ID/stats`
            (https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerStats).
        before: Moment (monotonic seconds) and CPU time (nanoseconds) of the reading before.
        now: The moment of this reading.
    """
    memory = data.get("memory_stats") or {}
    if "usage" not in memory:
        return None
    details = memory.get("stats") or {}
    # cgroup v1 names the sum over all child groups; v2 has one number only.
    files = int(details.get("total_inactive_file", details.get("inactive_file", 0)) or 0)
    held = int(memory["usage"])
    spent = int((data.get("cpu_stats") or {}).get("cpu_usage", {}).get("total_usage") or 0)
    cpus = 0.0
    if before is not None and now > before[0]:
        cpus = round(max(0.0, (spent - before[1]) / 1e9 / (now - before[0])), 2)
    return Usage(held - files if files < held else held, cpus, int((data.get("pids_stats") or {}).get("current") or 0))


def history(engine: Engine, image: str) -> tuple[tuple[int, str], ...]:
    """How an image was made, newest first as `docker history` lists it: bytes, and what created it.

    Raises:
        Problem: `engine-gone`, `engine-refused` when there is no such image.
    """
    api: Any = engine.api
    return tuple(
        (int(entry.get("Size") or 0), str(entry.get("CreatedBy") or "")) for entry in _asked(engine, api.history, image)
    )


def written(engine: Engine, container: str) -> int:
    """Bytes in a container's writable layer.

    Raises:
        Problem: `engine-gone`, `engine-refused` when there is no such container.
    """
    api: Any = engine.api
    url = api._url("/containers/{0}/json", container)
    data = _asked(engine, lambda: api._result(api._get(url, params={"size": 1}, timeout=5), json=True))
    return int(data.get("SizeRw") or 0)


def sockets(engine: Engine, container: Container, *, may_run: bool) -> str:
    """The tables `/proc/net/tcp` and `tcp6` of a running container; empty where they cannot be had.

    Where the engine's processes are this machine's, the kernel is asked, and the container is left alone.

    Args:
        container: It runs.
        may_run: Whether `cat` may be run in it, where the kernel cannot be asked.
    """
    if engine.address.scheme == "unix" and (text := _from_kernel(container)):
        return text
    if not may_run:
        return ""
    try:
        code, output = inside.run(engine, container.id, ("cat", "/proc/net/tcp", "/proc/net/tcp6"), 1.5)
    except Problem:
        return ""
    return "" if code in {126, 127} or "local_address" not in output else output


def _from_kernel(container: Container) -> str:
    process = _PROC / str(container.pid)
    try:
        # An engine in a virtual machine has other processes: this one must be the container's.
        if not container.pid or container.id not in (process / "cgroup").read_text():
            return ""
        return "".join((process / table).read_text() for table in _TABLES if (process / table).exists())
    except OSError:
        return ""


def _asked(engine: Engine, ask: Any, *args: object) -> Any:
    from docker.errors import APIError

    try:
        with engine.guard():
            return ask(*args)
    except APIError as error:
        raise Problem(str(error.explanation or error), code="engine-refused") from error
