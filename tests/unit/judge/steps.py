"""Short ways to write a step, its expectations and what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.unit.world.worlds import world
from tutor.course.expectations import ContainerExpectation, Expectation, HttpExpectation, Probe
from tutor.course.models import Mistake, Step
from tutor.engine.world import World
from tutor.lab.judge import findings, judge
from tutor.lab.observations import Activity, Baseline, CouldNot, Observations, Observed, key
from tutor.lab.verdict import Verdict

NOTHING = Baseline(world=world("nothing"))


@dataclass(frozen=True)
class Call:
    """An API call as the trace has it."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    status: int | None = 200
    body: Any = None
    program: str = "docker"
    refusal: str | None = None


def container(**fields: Any) -> ContainerExpectation:
    return ContainerExpectation(**{"name": "web", **fields})


def http(port: int = 8080, **fields: Any) -> HttpExpectation:
    return HttpExpectation(url=f"http://localhost:{port}/", **fields)


def seen(*pairs: tuple[Probe, Observed | CouldNot], **fields: Any) -> Observations:
    return Observations(seen={key(probe): value for probe, value in pairs}, **fields)


def step(*expect: Expectation, mistakes: tuple[Mistake, ...] = ()) -> Step:
    return Step(
        id="s",
        title="A step",
        goal="Something is so.",
        expect=expect,
        hints=("a", "b", "c"),
        solutions=("true",),
        mistakes=mistakes,
    )


def told(situation: str | World, *expect: Expectation, **more: Any) -> list[str]:
    """The sentences that a learner gets."""
    here = world(situation) if isinstance(situation, str) else situation
    return [f.summary for f in findings(expect, here, more.pop("seen", None), more.pop("baseline", NOTHING), **more)]


def verdict(situation: str | World, *expect: Expectation, **more: Any) -> Verdict:
    here = world(situation) if isinstance(situation, str) else situation
    mistakes = more.pop("mistakes", ())
    more.setdefault("baseline", NOTHING)
    more.setdefault("activity", Activity(calls=1))
    return judge(step(*expect, mistakes=mistakes), here, more.pop("observations", None), **more)
