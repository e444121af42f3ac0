"""What the judge is told beside the World: what probes saw, where the step began, what is under way.

All frozen values. Probes (`tutor.lab.probes`) make the Observations, the session makes Baseline and Activity.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

from tutor.course.expectations import Probe
from tutor.engine.world import Container, World


class ApiCall(Protocol):
    """An API call as the sandbox's trace has it (that part of it which is judged)."""

    @property
    def method(self) -> str:
        """`POST`."""

    @property
    def path(self) -> str:
        """Without the version: `/containers/create`."""

    @property
    def query(self) -> Mapping[str, Any]:
        """Parameters of the query; a list of values or one."""

    @property
    def status(self) -> int | None:
        """HTTP status of the answer; None while there is none."""

    @property
    def body(self) -> Any:
        """The request's JSON body, None without one."""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """What all values here share."""


class HttpSeen(Value, frozen=True, kw_only=True):
    """An answer, or how there was none: `refused`, `reset`, `no-answer` (status is 0 then)."""

    status: int = 0
    failure: str = ""
    body: str = ""
    headers: Mapping[str, str] = {}


class TcpSeen(Value, frozen=True, kw_only=True):
    """Whether somebody listens; `failure` as in HttpSeen (`reset`: a door with nobody behind hung up at once)."""

    open: bool
    failure: str = ""


class ExecSeen(Value, frozen=True, kw_only=True):
    """Exit code and output (stdout and stderr together) of a command in a container."""

    exit_code: int
    output: str = ""


class FileSeen(Value, frozen=True, kw_only=True):
    """A file in the workspace; `content` is None when it is none that can be read as text."""

    exists: bool
    content: str | None = None


class LogsSeen(Value, frozen=True, kw_only=True):
    """The end of a container's logs."""

    text: str


class ChangesSeen(Value, frozen=True, kw_only=True):
    """Paths in a container's writable layer."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


class CouldNot(Value, frozen=True, kw_only=True):
    """The probe gave nothing, and why in words: "`web` gave no answer within 3 s"."""

    reason: str


Observed = HttpSeen | TcpSeen | ExecSeen | FileSeen | LogsSeen | ChangesSeen


class Listener(Value, frozen=True, kw_only=True):
    """A TCP socket on which a process inside a container listens."""

    address: str
    port: int

    @property
    def loopback(self) -> bool:
        """Only the container itself can reach it."""
        return self.address.startswith("127.") or self.address == "::1"


class Observations(Value, frozen=True, kw_only=True):
    """All that was seen beside the World.

    Attributes:
        seen: By probe (`key`).
        listeners: By container id: what its processes listen on, where that was looked for and could be told.
        calls: API calls of the learner's commands since the step began.
    """

    seen: Mapping[str, Observed | CouldNot] = {}
    listeners: Mapping[str, tuple[Listener, ...]] = {}
    calls: tuple[ApiCall, ...] = ()

    def of(self, probe: Probe) -> Observed | CouldNot | None:
        """What this probe saw; None when it was not tried."""
        return self.seen.get(key(probe))


def key(probe: Probe) -> str:
    """A probe's name: two that ask the same of the same have the same."""
    fields = msgspec.structs.asdict(probe)
    fields.pop("say")
    return f"{type(probe).__name__}{msgspec.json.encode(fields, order='sorted').decode()}"


class Baseline(Value, frozen=True, kw_only=True):
    """The lab as it was when the step began (after its `prepare`).

    Attributes:
        calls: How many changing API calls the lab had made.
        files: Digest of the workspace.
    """

    world: World = World()
    calls: int = 0
    files: str = ""


class Activity(Value, frozen=True, kw_only=True):
    """What goes on now.

    Attributes:
        in_flight: Changing calls under way, in words ("building an image", "pulling nginx"). Calls that only wait or
            show (attach, wait, logs, events, an exec's stream) do not belong here.
        last_change_age: Seconds since the World last changed or a changing call ended.
        now: Seconds since the epoch, by the engine's clock as well as it is known; None when it is not.
        calls: How many changing API calls the lab has made by now (compare Baseline.calls); None without a trace.
        files: Digest of the workspace now (compare Baseline.files).
        gone: Why the engine cannot be asked; empty when it can.
    """

    in_flight: tuple[str, ...] = ()
    last_change_age: float = 3600.0
    now: float | None = None
    calls: int | None = None
    files: str = ""
    gone: str = ""

    def age(self, container: Container) -> float:
        """Seconds since the container was last started; the last change's when clocks tell nothing."""
        started = moment(container.started)
        if self.now is None or started is None or self.now - started < -1:
            return self.last_change_age
        return max(0.0, self.now - started)


def moment(stamp: str) -> float | None:
    """An RFC 3339 time of the engine as seconds since the epoch; None when it is none."""
    if not stamp:
        return None
    # Nanoseconds are more than Python's datetime takes.
    head, dot, rest = stamp.partition(".")
    if dot:
        digits = len(rest) - len(rest.lstrip("0123456789"))
        stamp = f"{head}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}"
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (ValueError, OverflowError):
        return None
