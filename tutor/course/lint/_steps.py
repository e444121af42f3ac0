"""Steps and the chapter's make-up: what COURSE asks of each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.course.expectations import (
    AbsentExpectation,
    ContainerExpectation,
    CountExpectation,
    HttpExpectation,
    Kind,
    NotExpectation,
    TcpExpectation,
)
from tutor.course.lint import _walk
from tutor.course.lint._expectations import given
from tutor.course.lint.remark import Context, Remark, error, warning
from tutor.course.models import Chapter, FactCheck, Lab, Mistake, Predict, Quiz, Recap, Step
from tutor.course.walk import Path


def complete(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """A chapter has a prediction, a lab, a quiz, a fact check, and a recap as its end."""
    kinds = [type(section) for _, section in _walk.sections(chapter)]
    for kind, name in ((Predict, "predict"), (Lab, "lab"), (Quiz, "quiz"), (Recap, "recap")):
        if kind not in kinds:
            yield error(f"no-{name}", ("sections",), f"the chapter has no `{name}`", f"add a `{name}` section")
    if FactCheck not in kinds:
        right = "add a `fact_check` if people repeat something wrong about this"
        yield warning("no-fact-check", ("sections",), "the chapter has no `fact_check`", right)
    recaps = [path for path, section in _walk.sections(chapter) if isinstance(section, Recap)]
    if recaps and kinds[-1] is not Recap:
        yield error("recap-not-last", recaps[-1], "sections follow the recap", "make the recap the last section")
    for path in recaps[1:]:
        yield error("second-recap", path, "a second recap", "keep one")
    for path, lab in _walk.labs(chapter):
        if not 2 <= len(lab.steps) <= 6:
            wrong = f"the lab has {len(lab.steps)} step{'s' if len(lab.steps) > 1 else ''}"
            yield warning("lab-size", (*path, "steps"), wrong, "two to six suit a learner")


def tried(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """A step has another way that must pass and a mistake that must be named; its scripts differ."""
    for path, step in _walk.steps(chapter):
        if not step.also:
            right = "add another way under `also`: another command, the API, Compose"
            yield warning("no-alternative", path, "the step has one way only", right)
        if not step.mistakes:
            right = "add the mistakes that beginners make here"
            yield warning("no-mistake", path, "the step names no mistake", right)
        seen: dict[str, str] = {}
        for key in ("solutions", "also"):
            for place, script in enumerate(getattr(step, key)):
                text = _flat(script)
                if text in seen:
                    wrong = f"the same script is under `{seen[text]}` already"
                    yield error("same-script", (*path, key, place), wrong, "remove it, or find another way")
                seen.setdefault(text, key)
        yield from _step_mistakes(path, step, seen)


def _step_mistakes(path: Path, step: Step, solutions: dict[str, str]) -> Iterator[Remark]:
    before: list[Mistake] = []
    for place, mistake in enumerate(step.mistakes):
        at = (*path, "mistakes", place)
        if _flat(mistake.made_by) in solutions:
            wrong = "the script that makes this mistake is one of the solutions"
            yield error("mistake-is-solution", (*at, "made_by"), wrong, "write an attempt that must not pass")
        if isinstance(mistake, Mistake):
            for other in before:
                if other.when == mistake.when:
                    wrong = f"`{other.id}` is recognised by the same expectations"
                    right = "say what tells them apart, or remove one"
                    yield error("same-when", (*at, "when"), wrong, right)
                    break
            if mistake.when in (step.expect, step.conditions):
                wrong = "this mistake is recognised by what the step expects"
                yield error("same-when", (*at, "when"), wrong, "say what is different from success")
            before.append(mistake)


def hints(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """Three hints, from a nudge to nearly the command."""
    for path, step in _walk.steps(chapter):
        plain = [_flat(hint) for hint in step.hints]
        solution = _flat(step.solutions[0])
        for place, hint in enumerate(plain):
            at = (*path, "hints", place)
            if hint in plain[:place]:
                yield error("hint-twice", at, "the same hint again", "let each hint say more than the one before")
            elif hint == solution:
                yield error("hint-is-solution", at, "the hint is the solution", "leave something to find")
            elif place < 2 and solution in hint:
                yield warning("hint-is-solution", at, "the hint holds the whole solution", "give a nudge first")
        if len(plain) == 3 and len(plain[0]) > 2 * len(plain[2]):
            right = "begin with a nudge, end with nearly the command"
            yield warning("hints-shrink", (*path, "hints", 0), "the first hint says much more than the last", right)


_TYPED = re.compile(r"`\s*(sudo\s+)?(docker|docker-compose|curl)\s+[^`]+`")


def goals(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """A goal says what shall be true, and not what to type."""
    for path, step in _walk.steps(chapter):
        found = _TYPED.search(step.goal)
        if found:
            wrong = f"the goal tells a command: {found[0]}"
            right = "say what shall be true; leave the way to the learner"
            yield warning("goal-is-command", (*path, "goal"), wrong, right, offset=found.start())


def passes_empty(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """A first step that only wants things to be absent passes before anything was done."""
    for path, lab in _walk.labs(chapter):
        first = lab.steps[0]
        if first.prepare is None and lab.prepare is None and all(_holds_empty(one) for one in first.conditions):
            right = "expect something that the learner makes, or `prepare` what has to go"
            yield error("passes-empty", (*path, "steps", 0, "expect"), "this holds before anything was done", right)


def _holds_empty(one: Kind) -> bool:
    if isinstance(one, AbsentExpectation):
        return one.image is None
    if isinstance(one, CountExpectation):
        return one.of != "images" and not one.exactly and not one.at_least
    if isinstance(one, TcpExpectation):
        return not one.open
    if isinstance(one, HttpExpectation):
        return one.status == "refused"
    return isinstance(one, NotExpectation) and not any(_holds_empty(inner) for inner in one.all)


def weak(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """A container's name alone says little."""
    for path, step in _walk.steps(chapter):
        only = step.expect[0]
        if len(step.conditions) == 1 and isinstance(only, ContainerExpectation) and given(only) == {"name"}:
            right = "add what matters, such as `state`; an exited container fits as well"
            at = (*path, "expect", 0, "container")
            yield warning("weak-expectation", at, "this holds for a container in any state", right)


def incidents(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """An incident tells its symptom in its own words: the judge's would give the cause away."""
    for path, step in _walk.steps(chapter):
        for place, one in enumerate(step.expect if step.cause else ()):
            if not one.say:
                right = "add `say`: the symptom, as somebody who uses the system would tell it"
                yield error("tells-cause", (*path, "expect", place), "the finding may give the cause away", right)


_PUBLISH = re.compile(r"(?:-p|--publish)[ =](?:[0-9.]+:)?([0-9]+):[0-9]+")


def fixed_ports(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """Solutions publish on ports that were found free."""
    for path, step in _walk.steps(chapter):
        for key in ("solutions", "also"):
            for place, script in enumerate(getattr(step, key)):
                found = _PUBLISH.search(script)
                if found:
                    wrong = f"the host port {found[1]} may be taken on some machine"
                    right = "declare it under `ports` and write ${port.NAME}"
                    yield warning("fixed-port", (*path, key, place), wrong, right, offset=found.start())


def _flat(script: str) -> str:
    return " ".join(script.split()).strip("` ")


RULES = (complete, tried, hints, goals, passes_empty, weak, incidents, fixed_ports)
