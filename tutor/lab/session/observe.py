"""Looking at a lab: its World, its calls, what is under way, and the judge's word on them.

Works in the process that serves the lab and in any other one, which reads the sandbox's files.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.course.models import SharedMistake, Step
from tutor.engine.world import World
from tutor.lab.judge import judge
from tutor.lab.observations import Activity, Baseline, Observations
from tutor.lab.probes import observe, observe_step
from tutor.lab.session import activity as session_activity
from tutor.lab.session import engine as session_engine
from tutor.lab.session import workspace as session_workspace
from tutor.lab.session.mark import Mark
from tutor.lab.session.time import Waits
from tutor.lab.verdict import NotYet, Passed, Unavailable, Verdict
from tutor.problems import Problem
from tutor.sandbox.references import Record
from tutor.sandbox.trace import Call, Trace, read

if TYPE_CHECKING:
    from tutor.course.expectations import Expectation
    from tutor.engine.connect import Engine
    from tutor.lab.open_labs import OpenLab


SURE = 0.4
"""Seconds that a container which was started in this step has to run until the step passes."""


class Observer:
    """Looks at one lab.

    Attributes:
        mark: Where the current step began.
        volumes: Names of all volumes that were ever seen: an unnamed one carries no label of the lab.

    Args:
        engine: Where the lab's objects are.
        record: The open lab.
        folder: The lab's folder.
        workspace: The learner's working directory.
        trace: The sandbox's trace in the process that serves the lab; None to read its file.
        images: The sandbox's record of images there; None to read its file.
        waits: Where waiting is added up.
        shared: The course's shared mistakes, for title and chapter of a diagnosis.
    """

    def __init__(
        self,
        engine: Engine,
        record: OpenLab,
        folder: Path,
        workspace: Path,
        waits: Waits,
        shared: Mapping[str, SharedMistake],
        trace: Trace | None = None,
        images: Record | None = None,
    ) -> None:
        self.engine = engine
        self.workspace = workspace
        self.mark = Mark()
        self.volumes: set[str] = set()
        self._record = record
        self._folder = folder
        self._trace = trace
        self._images = images
        self._waits = waits
        self._shared = shared
        self._served_since = time.time() if trace else 0.0
        self._lock = threading.Lock()
        self._world: World | None = None
        self._changed = -1.0
        self._over = -1.0
        self._fresh_start = False
        self._offset: float | None = None

    # -- what is there -------------------------------------------------------------------------------------------
    def world(self) -> World:
        """The World as it is now.

        Raises:
            Problem: `engine-gone`, `engine-refused`.
        """
        with self._waits.on("engine"):
            new = session_engine.take_world(
                self.engine, self._record.lab, self.images(), self._record.catalogue, self._world
            )
        self.see(new)
        return new

    def see(self, world: World) -> None:
        """Somebody has taken a World: remember it, and when it became different."""
        with self._lock:
            if self._world is not None and world != self._world and not self._fresh_start:
                self._changed = time.time()
            self._world = world
            self._fresh_start = False
            self.volumes.update(world.volumes)

    def command_over(self) -> None:
        """A script has ended and left nothing running: what it changed is not the middle of a command any more."""
        with self._lock:
            self._over = time.time()
            self._changed = -1.0
            self._fresh_start = True

    @property
    def known(self) -> World | None:
        """The World that was seen last."""
        return self._world

    def images(self) -> Record:
        """The sandbox's record of images."""
        return self._images or Record.load(self._folder / "sandbox.json")

    def calls(self, since: int = 0) -> tuple[Call, ...]:
        """The lab's API calls with an id greater than `since`."""
        if self._trace is not None:
            return self._trace.calls(since)
        return tuple(call for call in read(self._folder / "trace.jsonl") if call.id > since)

    # -- where a step begins -------------------------------------------------------------------------------------
    def take_mark(self, step: str) -> Mark:
        """A mark of the lab as it is now.

        Raises:
            Problem: `engine-gone`, `engine-refused`.
        """
        # Calls are in the order in which their requests were understood, which is not that of their ids.
        since = max((call.id for call in self.calls()), default=0)
        baseline = Baseline(world=self.world(), files=session_workspace.digest(self.workspace))
        return Mark(step=step, baseline=baseline, since=since)

    def untouched(self) -> bool:
        """Whether certainly nothing has changed since the mark: no object, no file, nothing inside a container.

        Where containers run it is never certain: a request to one of them makes no call of the engine's API.
        """
        return (
            all(container.state != "running" for container in self.mark.baseline.world.containers.values())
            and session_activity.touched_nothing(self.calls(self.mark.since))
            and session_workspace.digest(self.workspace) == self.mark.baseline.files
            and self.world() == self.mark.baseline.world
        )

    # -- judging -------------------------------------------------------------------------------------------------
    def activity(self) -> Activity:
        """What goes on now."""
        calls = self.calls(self.mark.since)
        now = time.time()
        ended = [
            c.at + c.duration_ms / 1000 for c in calls if c.duration_ms is not None and session_activity.changing(c)
        ]
        last = max([self._changed, *(moment for moment in ended if moment > self._over)], default=-1.0)
        return Activity(
            in_flight=session_activity.in_flight(calls, self._served_since),
            last_change_age=max(0.0, now - last) if last >= 0 else 3600.0,
            now=now + self._clock(),
            calls=session_activity.count(calls),
            files=session_workspace.digest(self.workspace),
        )

    def observe(self, expectations: tuple[Expectation, ...], world: World) -> Observations:
        """Run the probes that these expectations need."""
        with self._waits.on("engine"):
            return observe(self.engine, expectations, world, self.workspace, calls=self.calls(self.mark.since))

    def judge(self, step: Step, world: World | None = None) -> Verdict:
        """The judge's word on a step as things are now; "not yet" without findings where it is only too early to say.

        Args:
            step: Bound, its mistakes resolved.
            world: A World that was just taken; None to take one.
        """
        try:
            world = world or self.world()
            with self._waits.on("engine"):
                observations = observe_step(
                    self.engine,
                    step,
                    world,
                    self.workspace,
                    calls=self.calls(self.mark.since),
                    baseline=self.mark.baseline,
                )
        except Problem as problem:
            return Unavailable(reason=problem.sentence)
        activity = self.activity()
        verdict = judge(step, world, observations, self.mark.baseline, activity, shared=self._shared)
        if isinstance(verdict, Passed) and self._too_early(world, activity):
            return NotYet(findings=(), settled=False)
        return verdict

    def _too_early(self, world: World, activity: Activity) -> bool:
        """Whether a container was started only just now: one whose program ends at once looks right for an instant."""
        before = self.mark.baseline.world.containers
        for container in world.containers.values():
            known = before.get(container.id)
            new = known is None or known.started != container.started
            if new and container.state == "running" and activity.age(container) < SURE:
                return True
        return False

    def judge_until(self, step: Step, done: Callable[[Verdict], bool], limit: float) -> Verdict:
        """Judge again and again until a verdict will do.

        Args:
            done: Whether it will do.
            limit: Seconds after which the last verdict is returned, whatever it is.
        """
        deadline, pause = time.monotonic() + limit, 0.02
        while True:
            verdict = self.judge(step)
            left = deadline - time.monotonic()
            if done(verdict) or left <= 0:
                return verdict
            # A server that begins to listen and a container that ends by itself make no call of the lab's.
            with self._waits.on("settling"):
                self.stirred(min(pause, left))
            pause = min(pause * 1.5, 0.3)

    def stirred(self, limit: float) -> bool:
        """Wait until the lab makes an API call, or so many seconds; whether it made one."""
        heard = threading.Event()
        if self._trace is None:
            return heard.wait(limit)
        unsubscribe = self._trace.subscribe(lambda call: heard.set())
        try:
            return heard.wait(limit)
        finally:
            unsubscribe()

    def _clock(self) -> float:
        if self._offset is None:
            with self._waits.on("engine"):
                self._offset = session_engine.clock_offset(self.engine)
        return self._offset
