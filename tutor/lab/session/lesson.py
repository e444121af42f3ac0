"""What a session needs of the lesson: the chapter, the lab, its steps with everything filled in. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from tutor.course import mistakes, variables
from tutor.course.models import Chapter, Course, Lab, Mistake, Step, TypeCommand
from tutor.course.variables import Bindings
from tutor.lab.verdict import NotYet, Passed, Verdict
from tutor.problems import Problem


def chapter_of(course: Course, number: int) -> Chapter:
    """A chapter by its number.

    Raises:
        Problem: `no-such-chapter`.
    """
    for chapter in course.chapters:
        if chapter.chapter == number:
            return chapter
    raise Problem(f"The course has no chapter {number}.", "See: docker tutor list", code="no-such-chapter")


def lab_of(chapter: Chapter, section: str) -> Lab | None:
    """A chapter's lab by its id; None when it has none of that id."""
    labs = (part for part in chapter.sections if isinstance(part, Lab))
    return next((lab for lab in labs if lab.id == section), None)


def bound_step(course: Course, lab: Lab | None, step_id: str, bindings: Bindings) -> Step:
    """A step of a lab with its variables bound and its mistakes resolved.

    Raises:
        Problem: `no-such-step`; what is wrong with its variables or mistakes.
    """
    step = next((step for step in lab.steps if step.id == step_id), None) if lab else None
    if step is None:
        raise Problem(f"The lab has no step `{step_id}`.", code="no-such-step")
    return variables.bind(replace(step, mistakes=mistakes.resolve_step(step, course)), bindings)


def as_step(question: TypeCommand) -> Step:
    """A question whose answer is judged by the state it leaves, as a step; wrong commands that are known by what they
    leave are its mistakes."""
    return Step(
        id=question.id,
        title="Type the command",
        goal=question.ask,
        expect=question.expect,
        hints=("", "", ""),
        solutions=question.answers,
        mistakes=tuple(
            Mistake(id=wrong_id(number), when=wrong.when, say=wrong.because, made_by=wrong.run)
            for number, wrong in enumerate(question.wrong, 1)
            if wrong.when
        ),
    )


def wrong_id(number: int) -> str:
    """The name of a question's wrong command, from 1, as a mistake."""
    return f"wrong-{number}"


def reasons(question: TypeCommand, command: str, verdict: Verdict) -> tuple[str, ...]:
    """Why a typed command is not right: its own reason where it is one of the wrong ones, or leaves what one of them
    leaves; else what was found."""
    written = next((wrong.because for wrong in question.wrong if wrong.run.split() == command.split()), "")
    if written:
        return (written,)
    if not isinstance(verdict, NotYet):
        return ("It changed nothing.",)
    return (verdict.mistake.say,) if verdict.mistake else tuple(finding.summary for finding in verdict.findings)


def settled(verdict: Verdict) -> bool:
    """Whether nothing is under way that may still change the verdict."""
    return not isinstance(verdict, NotYet) or verdict.settled


def passed(verdict: Verdict) -> bool:
    """Whether the step has passed."""
    return isinstance(verdict, Passed)
