"""What is to be tried: every attempt of every step, prediction and runnable question of a course.

Pure. A task is what one sandbox is opened for; tasks do not depend on each other, and those of different
`lanes` may run at the same time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from tutor.course.expectations import ImageExpectation
from tutor.course.models import (
    Chapter,
    Lab,
    Need,
    Predict,
    Quiz,
    ReadOutput,
    Step,
    TypeCommand,
    UseMistake,
)
from tutor.course.needs import needs_of_all
from tutor.course.walk import everything
from tutor.lab.session.lesson import wrong_id

Kind = Literal["empty", "solution", "also", "mistake", "answer", "wrong", "outcome"]
Posed = Predict | ReadOutput | TypeCommand


@dataclass(frozen=True)
class Attempt:
    """One try at a step or a question.

    Attributes:
        kind: What it must show: that the empty state does not pass, that a solution does …
        name: How the report calls it: `solution 1`, `mistake ports-swapped`.
        script: What is run, its variables not bound yet; empty for `empty`.
        mistake: For `mistake`, and for `wrong` where it is known by what it leaves: the id that must be the diagnosis.
        order: Its place among all attempts at the same step or question.
    """

    kind: Kind
    name: str
    script: str = ""
    mistake: str = ""
    order: int = 0

    @property
    def needs(self) -> frozenset[Need]:
        """What must be there for it beside the engine."""
        return needs_of_all([self.script])


@dataclass(frozen=True)
class Place:
    """Where in the course: orders the report, whatever the order of the work was."""

    chapter: int
    section: int
    part: int


@dataclass(frozen=True)
class StepTrials:
    """Attempts at one step.

    Attributes:
        number: The step's place in its lab, from 0.
        needs: What its start needs beside the engine: its own preparation, and how the steps before it are done.
    """

    place: Place
    number: int
    step: Step
    attempts: tuple[Attempt, ...]
    needs: frozenset[Need] = field(default=frozenset())


@dataclass(frozen=True)
class LabTask:
    """Attempts at a lab's steps, in order.

    The walk through the lab tries every step's empty state and first solution, one after the other in one sandbox,
    as a learner goes. Each other task has the further attempts of one step.

    Attributes:
        walk: Whether this is the walk.
    """

    chapter: Chapter
    lab: Lab
    trials: tuple[StepTrials, ...]
    walk: bool

    @property
    def cost(self) -> int:
        """How much work it is, for comparison: an attempt, and the steps before it once more."""
        if self.walk:
            return len(self.trials)
        return sum(len(trial.attempts) * (trial.number + 1) for trial in self.trials)


@dataclass(frozen=True)
class QuestionTask:
    """A prediction, or a question whose answer is run: each attempt in a sandbox that is empty again."""

    chapter: Chapter
    place: Place
    section: str
    question: Posed
    attempts: tuple[Attempt, ...]

    @property
    def cost(self) -> int:
        """How much work it is, for comparison."""
        return len(self.attempts)


Task = LabTask | QuestionTask


def tasks(chapters: Iterable[Chapter]) -> tuple[Task, ...]:
    """All that is to be tried in these chapters, in the course's order."""
    return tuple(task for chapter in chapters for task in _chapter(chapter))


def in_working_order(planned: Iterable[Task]) -> tuple[Task, ...]:
    """The same, longest first, so that the last to end is a short one."""
    return tuple(sorted(planned, key=lambda task: -task.cost))


def lanes(
    planned: Iterable[Task], shared_images: Collection[str], *, buildkit: bool = True
) -> tuple[tuple[Task, ...], ...]:
    """The same, as rows of tasks: rows may run side by side, the tasks of a row one after the other.

    Most are a row of their own. Those that change what is there once for the whole engine share one: an image that
    labs pull and remove, and services. With the classic builder the tasks of a chapter share one, as two labs that
    build the same at once share steps without a name, and the lab that is closed first cannot remove them.

    Args:
        planned: Tasks in the order in which they shall begin.
        shared_images: Catalogue roles of the images that labs pull and remove.
        buildkit: Whether labs build with BuildKit.
    """
    rows: dict[object, list[Task]] = {}
    for task in planned:
        once = "swarm" in task.chapter.needs or any(role in shared_images for role in task.chapter.images)
        rows.setdefault("once" if once else id(task) if buildkit else task.chapter.chapter, []).append(task)
    first = [tuple(rows.pop("once"))] if "once" in rows else []
    # The longest rows begin first: they decide when all are through.
    rest = sorted(map(tuple, rows.values()), key=lambda row: -sum(task.cost for task in row))
    return (*first, *rest)


def alone(planned: Iterable[Task]) -> tuple[tuple[Task, ...], tuple[Task, ...]]:
    """The same, as those that may run side by side, and those that nothing may run beside.

    What is new in the engine's build cache when a build ends may be another build's: while two labs build, each takes
    the other's for its own, and takes it away when it closes. A chapter that judges what came from the cache bears none
    of that.
    """
    planned = tuple(planned)
    chapters = {task.chapter.id: task.chapter for task in planned}
    judging = {identity for identity, chapter in chapters.items() if _judges_cache(chapter)}
    together = tuple(task for task in planned if task.chapter.id not in judging)
    return together, tuple(task for task in planned if task.chapter.id in judging)


def _judges_cache(chapter: Chapter) -> bool:
    return any(isinstance(part, ImageExpectation) and part.new_layers is not None for _, part in everything(chapter))


def needed(planned: Iterable[Task]) -> frozenset[Need]:
    """Everything that any attempt of these tasks needs beside the engine."""
    found: set[Need] = set()
    for task in planned:
        found.update(task.chapter.needs)
        for _, attempt, start in _attempts(task):
            found |= attempt.needs | start
    return frozenset(found)


def possible(task: Task, lacking: Mapping[Need, str]) -> tuple[Task | None, tuple[tuple[str, str, str], ...]]:
    """A task without what cannot be tried on this machine.

    Args:
        lacking: What is missing → why, in a sentence.

    Returns:
        The task, None when nothing of it is left; and what was left out: step (empty for a question), attempt, reason.
    """
    reasons: dict[tuple[str, str], str] = {}
    for step, attempt, start in _attempts(task):
        needs = attempt.needs | start
        if why := " ".join(words for need, words in lacking.items() if need in needs):
            reasons[step, attempt.name] = why
    left_out = tuple((step, name, why) for (step, name), why in reasons.items())
    if isinstance(task, QuestionTask):
        attempts = tuple(attempt for attempt in task.attempts if ("", attempt.name) not in reasons)
        return (replace(task, attempts=attempts) if attempts else None), left_out
    trials = []
    for trial in task.trials:
        attempts = tuple(attempt for attempt in trial.attempts if (trial.step.id, attempt.name) not in reasons)
        if attempts:
            trials.append(replace(trial, attempts=attempts))
    return (replace(task, trials=tuple(trials)) if trials else None), left_out


def _attempts(task: Task) -> Iterator[tuple[str, Attempt, frozenset[Need]]]:
    """Each attempt with its step (empty for a question), and what its start needs."""
    own = frozenset(task.chapter.needs)
    if isinstance(task, QuestionTask):
        yield from (("", attempt, own | needs_of_all([task.question.prepare])) for attempt in task.attempts)
    else:
        for trial in task.trials:
            yield from ((trial.step.id, attempt, own | trial.needs) for attempt in trial.attempts)


def only(task: Task, wanted: Collection[tuple[Place, int, str]]) -> Task | None:
    """A task with these attempts only (place, order, name), None where none is its; the walk stays whole."""
    if isinstance(task, QuestionTask):
        kept = tuple(attempt for attempt in task.attempts if (task.place, attempt.order, attempt.name) in wanted)
        return replace(task, attempts=kept) if kept else None
    trials = []
    for trial in task.trials:
        kept = tuple(attempt for attempt in trial.attempts if (trial.place, attempt.order, attempt.name) in wanted)
        if kept:
            trials.append(replace(trial, attempts=kept))
    if not trials:
        return None
    return task if task.walk else replace(task, trials=tuple(trials))


def step_attempts(step: Step) -> tuple[Attempt, ...]:
    """Every attempt at a step: the empty state, each solution, each other way, each mistake."""
    found = [Attempt("empty", "empty state")]
    found += [Attempt("solution", f"solution {i}", script) for i, script in enumerate(step.solutions, 1)]
    found += [Attempt("also", f"also {i}", script) for i, script in enumerate(step.also, 1)]
    for mistake in step.mistakes:
        identity = mistake.use if isinstance(mistake, UseMistake) else mistake.id
        found.append(Attempt("mistake", f"mistake {identity}", mistake.made_by, identity))
    return _numbered(found)


def question_attempts(question: Posed) -> tuple[Attempt, ...]:
    """Every attempt at a prediction or question."""
    if not isinstance(question, TypeCommand):
        return (Attempt("outcome", "outcome", question.run),)
    found = [Attempt("empty", "empty state")]
    found += [Attempt("answer", f"answer {i}", script) for i, script in enumerate(question.answers, 1)]
    for number, wrong in enumerate(question.wrong, 1):
        found.append(Attempt("wrong", f"wrong {number}", wrong.run, wrong_id(number) if wrong.when else ""))
    return _numbered(found)


def _numbered(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    return tuple(replace(attempt, order=order) for order, attempt in enumerate(attempts))


def _chapter(chapter: Chapter) -> Iterator[Task]:
    for index, section in enumerate(chapter.sections):
        if isinstance(section, Lab):
            yield from _lab(chapter, index, section)
        elif isinstance(section, Predict):
            yield _question(chapter, Place(chapter.chapter, index, 0), section.id, section)
        elif isinstance(section, Quiz):
            for number, question in enumerate(section.questions):
                if isinstance(question, (TypeCommand, ReadOutput)):
                    yield _question(chapter, Place(chapter.chapter, index, number), section.id, question)


def _lab(chapter: Chapter, index: int, lab: Lab) -> Iterator[Task]:
    walk, branches = [], []
    before = needs_of_all([lab.prepare])
    for number, step in enumerate(lab.steps):
        place = Place(chapter.chapter, index, number)
        attempts = step_attempts(step)
        needs = before | frozenset(step.needs) | needs_of_all([step.prepare])
        walk.append(StepTrials(place, number, step, attempts[:2], needs))
        if attempts[2:]:
            branches.append(StepTrials(place, number, step, attempts[2:], needs))
        if not lab.shuffled:  # Steps that stand by themselves need nothing of each other.
            before = needs | attempts[1].needs
    yield LabTask(chapter, lab, tuple(walk), walk=True)
    for trials in branches:
        yield LabTask(chapter, lab, (trials,), walk=False)


def _question(chapter: Chapter, place: Place, section: str, question: Posed) -> QuestionTask:
    return QuestionTask(chapter, place, section, question, question_attempts(question))
