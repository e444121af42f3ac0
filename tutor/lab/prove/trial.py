"""Trying: one task after the other against a real engine, each in a lab of its own that is closed afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.course.models import Course, TypeCommand
from tutor.course.variables import bind
from tutor.lab import outcome
from tutor.lab.prove import assess
from tutor.lab.prove.assess import Result
from tutor.lab.prove.bystanders import Bystanders
from tutor.lab.prove.plan import Attempt, LabTask, QuestionTask, StepTrials, Task
from tutor.lab.prove.residue import residue
from tutor.lab.prove.telling import Teller
from tutor.lab.session.lesson import passed, settled
from tutor.lab.session.run import Completed
from tutor.lab.session.session import Session
from tutor.lab.session.time import KINDS, Kind, Waits
from tutor.lab.verdict import NotYet, Unattempted, Verdict
from tutor.problems import Problem

if TYPE_CHECKING:
    from tutor.engine.connect import Engine


@dataclass(frozen=True)
class Limits:
    """Seconds for what may never end.

    Attributes:
        script: For one attempt's script.
        verdict: Until a solution passes, or a mistake gets its diagnosis.
        rest: Until what was started has come to rest, where nothing in particular is waited for.
    """

    script: float = 180.0
    verdict: float = 90.0
    rest: float = 20.0


@dataclass
class Trials:
    """What all tasks share.

    Attributes:
        labs: The course's folder with the labs' files.
        on_result: Called with each result, from any thread.
        stop: Set to end early: scripts are ended, labs are closed.
    """

    course: Course
    engine: Engine
    bystanders: Bystanders
    on_result: Callable[[Result], None]
    labs: Path | None = None
    limits: Limits = field(default_factory=Limits)
    stop: threading.Event = field(default_factory=threading.Event)
    sessions: set[Session] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    waited: dict[Kind, float] = field(default_factory=dict)

    def add(self, waits: Waits) -> None:
        """A session is over: count what it waited for."""
        with self.lock:
            for kind in KINDS:
                self.waited[kind] = self.waited.get(kind, 0.0) + waits.seconds(kind)

    def interrupt(self) -> None:
        """End early, from any thread."""
        self.stop.set()
        with self.lock:
            sessions = tuple(self.sessions)
        for session in sessions:
            session.interrupt()


class Interrupted(Exception):
    """The proof is ended early."""


def run(task: Task, trials: Trials) -> None:
    """Try all of a task's attempts and tell each result; only an interruption is raised."""
    teller = Teller(task, trials.on_result)
    try:
        with _session(task, trials, teller) as session:
            if isinstance(task, QuestionTask):
                _question(task, session, teller, trials)
            elif task.walk:
                _walk(task, session, teller, trials)
            else:
                _branch(task, session, teller, trials)
    except Problem as problem:
        if trials.stop.is_set():
            raise Interrupted from problem
        teller.rest(str(problem))


@contextmanager
def _session(task: Task, trials: Trials, teller: Teller) -> Iterator[Session]:
    """A lab for the task; afterwards it is closed, and whether it left anything is a result too."""
    lab = task.lab if isinstance(task, LabTask) else None
    session = Session.open(trials.course, task.chapter, engine=trials.engine, lab=lab, labs=trials.labs, keep=False)
    with trials.lock:
        trials.sessions.add(session)
    try:
        yield session
    finally:
        with trials.lock:
            trials.sessions.discard(session)
        _end(session, trials, teller)


def _end(session: Session, trials: Trials, teller: Teller) -> None:
    begun = time.monotonic()
    faults = []
    try:
        images = session.observer.images()
        made = {*images.made, *images.images}
        volumes = session.observer.volumes
        session.close()
        with session.waits.on("engine"):
            left = residue(trials.engine, session.lab_id, made, volumes)
            changed = trials.bystanders.changes()
        faults += [f"The lab left behind: {', '.join(left)}."] if left else []
        faults += [f"What is not the lab's was touched: {'; '.join(changed)}."] if changed else []
    except (Problem, OSError) as problem:  # what an engine refuses is an OSError of the SDK's
        faults.append(f"The lab cannot be closed: {problem}")
    finally:
        trials.add(session.waits)
    teller.clean(begun, " ".join(faults))


# -- labs ------------------------------------------------------------------------------------------------------------
def _walk(task: LabTask, session: Session, teller: Teller, trials: Trials) -> None:
    """Every step's empty state and first solution, as a learner goes through the lab."""
    broken = ""
    for trial in task.trials:
        if broken:
            teller.skip(trial, assess.skipped_after(broken))
            continue
        _go_on(trials)
        step = session.begin(trial.step.id)
        for attempt in trial.attempts:
            begun = time.monotonic()
            script = bind(attempt.script, session.bindings)
            if not _attempt(attempt, script, session, teller, trials, trial, begun):
                broken = step.id if attempt.kind == "solution" else broken


def _branch(task: LabTask, session: Session, teller: Teller, trials: Trials) -> None:
    """The further attempts at one step, each from the step's start."""
    (trial,) = task.trials
    begun = time.monotonic()
    try:
        _start(session, trial, trials.limits)
    except Problem as problem:
        if problem.code != "no-start":
            raise
        teller.skip(trial, str(problem).partition("\n")[0])
        return
    for number, attempt in enumerate(trial.attempts):
        _go_on(trials)
        if number:
            begun = time.monotonic()
            _back(session, trial, trials.limits)
        _attempt(attempt, bind(attempt.script, session.bindings), session, teller, trials, trial, begun)


def _start(session: Session, trial: StepTrials, limits: Limits) -> None:
    """To the step's start; once more from the beginning where it fails: the steps before have proofs of their own."""
    _or_from_the_beginning(lambda: session.go_to(trial.step.id, limits.verdict), session, trial, limits)


def _back(session: Session, trial: StepTrials, limits: Limits) -> None:
    """To the step's start again: in the same lab where certainly nothing was changed, else from the beginning."""
    if session.observer.untouched():
        session.begin_again()
    else:
        _or_from_the_beginning(lambda: session.reset(trial.step.id, limits.verdict), session, trial, limits)


def _or_from_the_beginning(start: Callable[[], object], session: Session, trial: StepTrials, limits: Limits) -> None:
    try:
        start()
    except Problem as problem:
        if problem.code != "no-start":
            raise
        session.reset(trial.step.id, limits.verdict)


# -- questions -------------------------------------------------------------------------------------------------------
def _question(task: QuestionTask, session: Session, teller: Teller, trials: Trials) -> None:
    for number, attempt in enumerate(task.attempts):
        _go_on(trials)
        begun = time.monotonic()
        if number:
            session.reset("")
        posed = session.pose(task.question)
        script = bind(attempt.script, session.bindings)
        if isinstance(posed, TypeCommand):
            _attempt(attempt, script, session, teller, trials, None, begun)
            continue
        ran = outcome.run(session, posed, timeout=trials.limits.script)
        fault = assess.outcome_fault(ran.holding, ran.completed)
        expected = "exactly one of the options' `when`"
        detail = assess.explain(script, ran.completed, None, expected) if fault else ""
        teller.tell(attempt, None, begun, fault, detail)


# -- attempts --------------------------------------------------------------------------------------------------------
def _attempt(
    attempt: Attempt,
    script: str,
    session: Session,
    teller: Teller,
    trials: Trials,
    trial: StepTrials | None,
    begun: float,
) -> bool:
    """One attempt at the session's step; whether it showed what it must."""
    completed: Completed | None = None
    if attempt.kind == "empty":
        verdict = session.judge(wait=trials.limits.rest, until=settled)
    else:
        completed = session.run(script, timeout=trials.limits.script)
        _go_on(trials)
        done, limit = _awaited(attempt, completed, trials.limits)
        verdict = session.judge(wait=limit, until=done)
    fault = assess.fault(attempt, verdict, completed)
    expected = f"the mistake `{attempt.mistake}`" if attempt.mistake else ""
    detail = assess.explain(script, completed, verdict, expected) if fault else ""
    teller.tell(attempt, trial, begun, fault, detail)
    return not fault


def _awaited(attempt: Attempt, completed: Completed, limits: Limits) -> tuple[Callable[[Verdict], bool], float]:
    """Which verdict is waited for after an attempt, and how long."""
    if attempt.kind in {"solution", "also", "answer"}:
        # What has failed will not come right by waiting.
        return passed, limits.verdict if completed.exit_code == 0 else min(limits.verdict, 2.0)
    if attempt.mistake:
        wanted = attempt.mistake

        def diagnosed(verdict: Verdict) -> bool:
            if isinstance(verdict, NotYet) and verdict.settled and verdict.mistake is not None:
                return verdict.mistake.id == wanted
            return isinstance(verdict, Unattempted)

        return diagnosed, limits.rest
    return settled, limits.rest


def _go_on(trials: Trials) -> None:
    if trials.stop.is_set():
        raise Interrupted
