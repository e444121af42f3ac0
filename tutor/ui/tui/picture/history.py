"""What happened to every container, folded from the changes of the World. Pure.

The engine keeps a container's last start and last end only; what lies before is remembered here as it is seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from tutor.engine.world import Change, Container, World
from tutor.ui.tui.picture.speech import moment

Kind = Literal["create", "start", "pause", "unpause", "exit", "rm"]
_ALIVE = frozenset({"running", "paused"})
_KEEP = 200
_LANES = 60


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a life: when (seconds since 1970), which, and the exit code of an exit where it is known."""

    at: float
    kind: Kind
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """The life of one container; `last` is what was last seen of it, `steps` are in order."""

    last: Container
    steps: tuple[Step, ...]

    @property
    def removed(self) -> bool:
        """Whether it is gone."""
        return bool(self.steps) and self.steps[-1].kind == "rm"

    @property
    def starts(self) -> int:
        """How often it was started, as far as was seen."""
        return sum(step.kind == "start" for step in self.steps)

    @property
    def place(self) -> str:
        """Where in the lifecycle it is: `created`, `running`, `paused`, `exited` or `removed`."""
        if self.removed:
            return "removed"
        state = self.last.state
        return state if state in {"created", "running", "paused"} else "exited"


@dataclass(frozen=True, slots=True)
class History:
    """The lives of all containers of a lab, by id, in the order in which they were first seen."""

    lanes: tuple[Lane, ...] = ()

    def lane(self, identity: str) -> Lane | None:
        """One container's life."""
        return next((lane for lane in self.lanes if lane.last.id == identity), None)

    def fold(self, at: float, changes: Iterable[Change], world: World) -> History:
        """What is known after some changes.

        Args:
            at: When they were seen, seconds since 1970: for what the engine gives no time of.
            changes: The changes; those of other objects are passed over.
            world: The World after them. Containers not yet known are taken from it too.
        """
        lanes = {lane.last.id: lane for lane in self.lanes}
        gone = {c.key for c in changes if c.object == "container" and c.what == "removed"}
        gone |= {key for key, lane in lanes.items() if key not in world.containers and not lane.removed}
        for identity in gone:
            if identity in lanes and not lanes[identity].removed:
                lanes[identity] = _ended(lanes[identity], at)
        for c in sorted(world.containers.values(), key=lambda c: (moment(c.created), c.name, c.id)):
            known = lanes.get(c.id)
            if known is None:
                lanes[c.id] = _seen(c, at)
            elif known.last != c or known.removed:
                lanes[c.id] = _grown(_back(known), c, at)
        return History(tuple(lanes.values())[-_LANES:])


def _seen(c: Container, at: float) -> Lane:
    """The life of a container that was not known: what its own times tell."""
    created, started, finished = moment(c.created), moment(c.started), moment(c.finished)
    steps = [Step(created or at, "create")]
    if c.state in _ALIVE:
        if finished and started and finished < started:
            steps.append(Step(finished, "exit"))
        if started:
            steps.append(Step(started, "start"))
        if c.state == "paused":
            steps.append(Step(at, "pause"))
    elif started:
        steps.append(Step(started, "start"))
        if finished >= started:
            steps.append(Step(finished, "exit", c.exit_code))
    return Lane(c, _in_order(steps))


def _grown(lane: Lane, c: Container, at: float) -> Lane:
    before, steps = lane.last, list(lane.steps)
    started, finished = moment(c.started), moment(c.finished)
    again = bool(c.started) and c.started != before.started
    if before.state == "paused" and c.state == "running" and not again:
        steps.append(Step(at, "unpause"))
    if again and before.state in _ALIVE and c.finished != before.finished:
        # It was ended and started between two looks; the exit code of that end is no longer told.
        steps.append(Step(min(finished, started), "exit"))
    if again:
        steps.append(Step(started or at, "start"))
    if c.state == "paused" and before.state != "paused":
        steps.append(Step(at, "pause"))
    ended = c.state in {"exited", "dead", "restarting"}
    if ended and (again or c.finished != before.finished) and c.finished:
        steps.append(Step(max(finished, started) if again else finished, "exit", c.exit_code))
    return Lane(c, _in_order(steps))


def _ended(lane: Lane, at: float) -> Lane:
    """A container that is gone. One removed while it ran had to be ended first."""
    steps = [*lane.steps]
    if lane.last.state in _ALIVE:
        steps.append(Step(at, "exit"))
    return replace(lane, steps=_in_order([*steps, Step(at, "rm")]))


def _back(lane: Lane) -> Lane:
    """A life as it was before the container seemed to be gone: one that is there again was not removed."""
    if not lane.removed:
        return lane
    steps = lane.steps[:-1]
    if steps and steps[-1].kind == "exit" and steps[-1].at == lane.steps[-1].at:
        steps = steps[:-1]
    return replace(lane, steps=steps)


def _in_order(steps: list[Step]) -> tuple[Step, ...]:
    """Steps with times that never run backwards: the engine's clock need not be this machine's."""
    out: list[Step] = []
    for step in steps[-_KEEP:]:
        at = max(step.at, out[-1].at) if out else step.at
        out.append(replace(step, at=at))
    return tuple(out)
