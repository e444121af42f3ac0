"""Predictions and "what will this print": run it for real, and see which option is the engine's own answer."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tutor.course.models import Guess, Outcome, Predict, ReadOutput
from tutor.engine.world import World
from tutor.lab.findings.match import search
from tutor.lab.judge import holds
from tutor.lab.observations import Observations
from tutor.lab.session.run import Completed

if TYPE_CHECKING:
    from tutor.lab.session.session import Session

LIMIT = 120.0
"""Seconds for the command of a prediction or question."""

REST = 0.4
"""Seconds without change after which what a command has started has come to rest."""

REST_LIMIT = 30.0
"""Seconds to wait for that."""


_NOTICE = re.compile(r"DEPRECATED: The legacy builder is deprecated[^\n]*\n(?:[ \t]+[^\n]*\n)*\n?")
"""Said by docker 23 and newer where a lab builds with the classic builder."""


@dataclass(frozen=True)
class Ran:
    """What really happened.

    Attributes:
        completed: The command's exit status and output.
        world: The lab afterwards.
        holding: Ids of the options that are what happened: exactly one, where the course is right.
    """

    completed: Completed
    world: World
    holding: tuple[str, ...]

    def answer(self, options: Sequence[Guess]) -> Guess | None:
        """The option that is what happened; None where none is, or more than one."""
        return next((o for o in options if o.id in self.holding), None) if len(self.holding) == 1 else None


def run(
    session: Session,
    question: Predict | ReadOutput,
    *,
    timeout: float = LIMIT,
    on_output: Callable[[str], None] | None = None,
) -> Ran:
    """Run the command of a posed question (`Session.pose`) and compare every option with what happened.

    Args:
        question: As `pose` returned it.
        timeout: Seconds for the command.
        on_output: Called with each piece of output as it comes.

    Raises:
        Problem: `engine-gone`, `engine-refused`, `no-bash`.
    """
    completed = session.run(question.run, timeout=timeout, on_output=on_output)
    completed = replace(completed, output=without_notice(completed.output))
    states = tuple(expectation for option in question.options for expectation in option.when.state)
    world = _at_rest(session) if states else session.observer.world()
    seen = session.observer.observe(states, world) if states else Observations()
    happened = (o.id for o in question.options if is_what_happened(o.when, completed, world, seen))
    return Ran(completed, world, tuple(happened))


def without_notice(output: str) -> str:
    """What a command printed, without docker's notice that the classic builder is an old one. Pure."""
    return _NOTICE.sub("", output)


def is_what_happened(outcome: Outcome, completed: Completed, world: World, seen: Observations) -> bool:
    """Whether everything that an option says is so. Pure."""
    if outcome.exit_code is not None and outcome.exit_code != completed.exit_code:
        return False
    if outcome.output is not None and not search(outcome.output, completed.output):
        return False
    return not outcome.state or holds(outcome.state, world, seen)


def _at_rest(session: Session) -> World:
    """The World once nothing in it has changed for a moment."""
    observer = session.observer
    world = observer.world()
    start = since = time.monotonic()
    while True:
        now = time.monotonic()
        busy = bool(observer.activity().in_flight) or any(c.health == "starting" for c in world.containers.values())
        if (not busy and now - since >= REST) or now - start >= REST_LIMIT:
            return world
        with session.waits.on("settling"):
            observer.stirred(0.1)
        new = observer.world()
        if new != world:
            world, since = new, time.monotonic()
