"""The judge: from what is expected and what is there to a verdict. Pure, and total: it never raises.

It asks nothing of an engine and looks at no clock: World, Observations, Baseline and Activity are all it is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tutor.course.expectations import Expectation
from tutor.course.models import Mistake, SharedMistake, Step
from tutor.engine.world import World, diff
from tutor.lab.findings.check import check
from tutor.lab.findings.found import Context, Found, order
from tutor.lab.observations import Activity, Baseline, Observations
from tutor.lab.verdict import Diagnosis, Finding, NotYet, Passed, Unattempted, Unavailable, Verdict

QUIET = 0.25
"""Seconds without change after which a command is taken to be over: between two calls of one command there are less."""

LOOK_AGAIN = 0.5
"""Seconds after which an unsettled verdict is worth a new look when no event comes."""

STILL_THERE = Finding(summary="The symptom is gone. Its cause is still there, and the trouble will come back.")
"""All that is told of an incident's cause."""

NO_NAME = "Not the cause yet"
"""What stands for the name of a mistake in an incident."""

# What changes of a container by itself, without anybody's doing, while a prepared lab is left alone.
_BY_ITSELF = frozenset(
    {
        "state",
        "started",
        "finished",
        "pid",
        "exit_code",
        "oom_killed",
        "error",
        "health",
        "restart_count",
        "size_rw",
        "published",
        "attachments",
    }
)


def judge(
    step: Step,
    world: World,
    observations: Observations | None = None,
    baseline: Baseline | None = None,
    activity: Activity | None = None,
    *,
    mistakes: Sequence[Mistake] | None = None,
    shared: Mapping[str, SharedMistake] | None = None,
) -> Verdict:
    """Judge a step.

    Args:
        step: The step, its variables bound.
        world: What the lab holds now.
        observations: What the step's probes saw; a probe that is missing counts as one that could not be run.
        baseline: The lab when the step began; without one, everything counts as new.
        activity: What goes on now.
        mistakes: The step's mistakes with shared ones resolved; the step's own ones when left out.
        shared: The course's shared mistakes, for title and chapter of a diagnosis.

    Returns:
        Unavailable when the engine is gone; Passed when all holds; Unattempted when nothing was done yet; else NotYet,
        which names a mistake only when it is settled.
    """
    baseline, activity = baseline or Baseline(), activity or Activity()
    if activity.gone:
        return Unavailable(reason=activity.gone)
    ctx = Context(world, observations or Observations(), baseline, activity, step.conditions)
    found = order([finding for expectation in step.expect for finding in check(expectation, ctx)])
    hidden = [finding for expectation in step.cause for finding in check(expectation, ctx)]
    if not found and not hidden:
        return Passed()
    if not attempted(world, baseline, activity):
        return Unattempted()
    settled = is_settled([*found, *hidden], activity)
    own = mistakes if mistakes is not None else [m for m in step.mistakes if isinstance(m, Mistake)]
    mistake = _diagnose(own, ctx, shared or {}) if settled else None
    if step.cause:
        return _incident(found, mistake, settled)
    return NotYet(findings=tuple(finding.told() for finding in found), mistake=mistake, settled=settled)


def _incident(found: Sequence[Found], mistake: Diagnosis | None, settled: bool) -> NotYet:
    """Symptoms in the lesson's words, and nothing that gives their cause away."""
    told = tuple(Finding(summary=finding.summary) for finding in found) or (STILL_THERE,)
    if mistake is not None:
        mistake = Diagnosis(id=mistake.id, say=mistake.say, title=NO_NAME)
    return NotYet(findings=told, mistake=mistake, settled=settled)


def findings(
    expectations: Sequence[Expectation],
    world: World,
    observations: Observations | None = None,
    baseline: Baseline | None = None,
    activity: Activity | None = None,
) -> tuple[Finding, ...]:
    """What is not as expected, in words, the most important first; nothing when all holds."""
    ctx = Context(
        world, observations or Observations(), baseline or Baseline(), activity or Activity(), tuple(expectations)
    )
    return tuple(f.told() for f in order([finding for e in expectations for finding in check(e, ctx)]))


def holds(
    expectations: Sequence[Expectation],
    world: World,
    observations: Observations | None = None,
    baseline: Baseline | None = None,
) -> bool:
    """Whether all of them hold (predictions and questions ask the engine in this way)."""
    ctx = Context(world, observations or Observations(), baseline or Baseline(), Activity(), tuple(expectations))
    return not any(check(expectation, ctx) for expectation in expectations)


def attempted(world: World, baseline: Baseline, activity: Activity) -> bool:
    """Whether anything was done since the step began.

    With a trace the learner's doing is what counts, and a prepared container that falls over by itself does not.
    Without one, any change may be somebody's doing.
    """
    if activity.in_flight or activity.files != baseline.files:
        return True
    if activity.calls is not None and activity.calls != baseline.calls:
        return True
    for change in diff(baseline.world, world):
        itself = change.object == "container" and change.what == "changed" and activity.calls is not None
        if not itself or not _BY_ITSELF.issuperset(change.fields):
            return True
    return False


def is_settled(found: Sequence[Found], activity: Activity) -> bool:
    """Whether the findings are there to stay, or may go away by themselves while a command or a server comes up."""
    if activity.in_flight or activity.last_change_age < QUIET:
        return False
    if any(finding.pending == "short" for finding in found):
        return False
    # A health check may take a minute: what else is wrong is told meanwhile.
    return not found or any(not finding.pending for finding in found)


def _diagnose(mistakes: Sequence[Mistake], ctx: Context, shared: Mapping[str, SharedMistake]) -> Diagnosis | None:
    ctx = replace(ctx, diagnosing=True)
    for mistake in mistakes:
        if not any(check(expectation, ctx) for expectation in mistake.when):
            common = shared.get(mistake.id)
            return Diagnosis(
                id=mistake.id,
                say=mistake.say,
                title=common.title if common else "",
                chapter=common.chapter if common else None,
            )
    return None
