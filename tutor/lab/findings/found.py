"""A finding on its way to the learner, and what it is made from.

Several expectations may trip over one cause: where `web` does not exist, its port does not answer either and nothing
can be run in it. So a finding knows its *topic*, of which only one finding is told, and the topics that make it *moot*.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Literal

from tutor.course.expectations import (
    AnyExpectation,
    ContainerExpectation,
    Expectation,
    NotExpectation,
)
from tutor.engine.world import Container, World
from tutor.lab.observations import Activity, Baseline, Observations
from tutor.lab.verdict import Finding

Topic = tuple[str, ...]

SHORT = 2.0
"""Seconds in which a container that was just started may not answer yet."""

CREATED = 1.0
"""Seconds that may lie between creating a container and starting it."""


class Weight(IntEnum):
    """What to tell first: what other things rest on."""

    MISSING_BASE = 10  # images, networks and volumes that containers are made with
    MISSING = 20
    STOPPED = 25
    IMAGE = 30
    PORTS = 35
    NETWORKS = 40
    MOUNTS = 42
    SETTINGS = 50
    COUNT = 55
    LEFT_OVER = 58
    ANSWER = 60
    INSIDE = 65
    ASKED = 70


@dataclass(frozen=True)
class Found:
    """A finding before it is told.

    Attributes:
        topic: What it is about; of several findings on a topic the first is told.
        moot: Topics; when one of them is told as well, this finding says nothing new.
        pending: It may go away by itself: `short` within seconds, `long` when a health check decides.
        unknown: It could not be told whether it is so.
    """

    summary: str
    expected: str = ""
    found: str = ""
    where: str = ""
    topic: Topic = ()
    moot: tuple[Topic, ...] = ()
    weight: Weight = Weight.SETTINGS
    pending: Literal["", "short", "long"] = ""
    unknown: bool = False

    def told(self) -> Finding:
        """As the learner gets it."""
        return Finding(summary=self.summary, expected=self.expected, found=self.found, where=self.where)


@dataclass(frozen=True)
class Context:
    """All that a finding may be made from.

    Attributes:
        siblings: The step's expectations: what is said by one need not be said by another.
        diagnosing: A mistake of this step is looked for: a container that nobody names is one of this step's doing.
    """

    world: World
    observations: Observations = field(default_factory=Observations)
    baseline: Baseline = field(default_factory=Baseline)
    activity: Activity = field(default_factory=Activity)
    siblings: tuple[Expectation, ...] = ()
    diagnosing: bool = False

    @cached_property
    def wanted(self) -> tuple[ContainerExpectation, ...]:
        """The containers that the step expects, out of combinations too."""
        return tuple(e for e in flat(self.siblings) if isinstance(e, ContainerExpectation))

    @cached_property
    def claimed(self) -> frozenset[str]:
        """Names of containers that the step expects."""
        return frozenset(e.name for e in self.wanted if e.name)

    def is_new(self, container: Container) -> bool:
        """Made or renamed since the step began."""
        before = self.baseline.world.containers.get(container.id)
        return before is None or before.name != container.name

    def is_of_this_step(self, container: Container) -> bool:
        """Made, renamed, started or ended since the step began."""
        before = self.baseline.world.containers.get(container.id)
        now = (container.name, container.state, container.started)
        return before is None or (before.name, before.state, before.started) != now

    def fresh(self, container: Container, seconds: float = SHORT) -> bool:
        """Started so little ago that it may still come up; one that falls down again and again does not count."""
        return container.state == "running" and container.restart_count < 2 and self.activity.age(container) < seconds

    @cached_property
    def anything_fresh(self) -> bool:
        """Whether any container has just been started."""
        return any(self.fresh(container) for container in self.world.containers.values())


def flat(expectations: Iterable[Expectation]) -> Iterable[Expectation]:
    """Expectations with the members of `any` after each (what stands in a `not` is not expected)."""
    for expectation in expectations:
        if isinstance(expectation, NotExpectation):
            continue
        yield expectation
        if isinstance(expectation, AnyExpectation):
            yield from flat(expectation.of)


def order(found: Sequence[Found]) -> tuple[Found, ...]:
    """The findings to tell, the most important first, each cause once."""
    topics = {f.topic for f in found if f.topic}
    chosen: list[Found] = []
    told: set[Topic] = set()
    sentences: set[str] = set()
    for finding in sorted(found, key=lambda f: f.weight):
        if not topics.isdisjoint(topic for topic in finding.moot if topic != finding.topic):
            continue
        if finding.summary in sentences or (finding.topic and finding.topic in told):
            continue
        chosen.append(finding)
        told.add(finding.topic)
        sentences.add(finding.summary)
    return tuple(chosen)
