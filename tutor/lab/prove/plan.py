"""What is to be tried: every attempt of every step, prediction and runnable question of a course.

Pure. A task is what one sandbox is opened for; tasks do not depend on each other, and those of different
`lanes` may run at the same time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from tutor.course.models import (
    Chapter,
    Lab,
    Predict,
    Quiz,
    ReadOutput,
    Step,
    TypeCommand,
    UseMistake,
)

Kind = Literal["empty", "solution", "also", "mistake", "answer", "wrong", "outcome"]
Posed = Predict | ReadOutput | TypeCommand


@dataclass(frozen=True)
class Attempt:
    """One try at a step or a question.

    Attributes:
        kind: What it must show: that the empty state does not pass, that a solution does …
        name: How the report calls it: `solution 1`, `mistake ports-swapped`.
        script: What is run, its variables not bound yet; empty for `empty`.
        mistake: For `mistake`: the id that must be the diagnosis.
        order: Its place among all attempts at the same step or question.
    """

    kind: Kind
    name: str
    script: str = ""
    mistake: str = ""
    order: int = 0


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
    """

    place: Place
    number: int
    step: Step
    attempts: tuple[Attempt, ...]


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


def lanes(planned: Iterable[Task], shared_images: Collection[str]) -> tuple[tuple[Task, ...], ...]:
    """The same, as rows of tasks: rows may run side by side, the tasks of a row one after the other.

    Most are a row of their own. Those that change what is there once for the whole engine share one: an image that
    labs pull and remove, and the swarm.

    Args:
        planned: Tasks in the order in which they shall begin.
        shared_images: Catalogue roles of the images that labs pull and remove.
    """
    alone: list[Task] = []
    free: list[tuple[Task, ...]] = []
    for task in planned:
        if "swarm" in task.chapter.needs or any(role in shared_images for role in task.chapter.images):
            alone.append(task)
        else:
            free.append((task,))
    return (tuple(alone), *free) if alone else tuple(free)


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
    found += [Attempt("wrong", f"wrong {i}", wrong.run) for i, wrong in enumerate(question.wrong, 1)]
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
    for number, step in enumerate(lab.steps):
        place = Place(chapter.chapter, index, number)
        attempts = step_attempts(step)
        walk.append(StepTrials(place, number, step, attempts[:2]))
        if attempts[2:]:
            branches.append(StepTrials(place, number, step, attempts[2:]))
    yield LabTask(chapter, lab, tuple(walk), walk=True)
    for trials in branches:
        yield LabTask(chapter, lab, (trials,), walk=False)


def _question(chapter: Chapter, place: Place, section: str, question: Posed) -> QuestionTask:
    return QuestionTask(chapter, place, section, question, question_attempts(question))
