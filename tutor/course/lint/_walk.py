"""Go through the kinds of things in a chapter, each with its path in the YAML file."""

from __future__ import annotations

from collections.abc import Iterator

from tutor.course import models
from tutor.course.expectations import AnyExpectation, Kind, NotExpectation
from tutor.course.walk import Path, everything, item


def sections(chapter: models.Chapter) -> Iterator[tuple[Path, models.Section]]:
    """The chapter's sections in order."""
    for place, section in enumerate(chapter.sections):
        yield ("sections", *item(place, section)), section


def labs(chapter: models.Chapter) -> Iterator[tuple[Path, models.Lab]]:
    """The chapter's labs."""
    for path, section in sections(chapter):
        if isinstance(section, models.Lab):
            yield path, section


def steps(chapter: models.Chapter) -> Iterator[tuple[Path, models.Step]]:
    """The steps of all labs."""
    for path, lab in labs(chapter):
        for place, step in enumerate(lab.steps):
            yield (*path, "steps", place), step


def quizzes(chapter: models.Chapter) -> Iterator[tuple[Path, models.Quiz]]:
    """The chapter's quizzes."""
    for path, section in sections(chapter):
        if isinstance(section, models.Quiz):
            yield path, section


def questions(chapter: models.Chapter) -> Iterator[tuple[Path, models.Question]]:
    """The questions of all quizzes."""
    for path, quiz in quizzes(chapter):
        for place, question in enumerate(quiz.questions):
            yield (*path, "questions", *item(place, question)), question


def guesses(chapter: models.Chapter) -> Iterator[tuple[Path, models.Predict | models.ReadOutput]]:
    """Everything that is answered first and then run."""
    for path, section in sections(chapter):
        if isinstance(section, models.Predict):
            yield path, section
    for path, question in questions(chapter):
        if isinstance(question, models.ReadOutput):
            yield path, question


def expectations(value: object, path: Path = ()) -> Iterator[tuple[Path, Kind]]:
    """Every expectation anywhere inside a value, those inside combinations included."""
    for inner in everything(value, path):
        if isinstance(inner.value, Kind):
            yield inner.path, inner.value


def leaves(expectation: Kind) -> Iterator[Kind]:
    """The expectations that a combination is made of, or the one itself."""
    if isinstance(expectation, AnyExpectation):
        for inner in expectation.of:
            yield from leaves(inner)
    elif isinstance(expectation, NotExpectation):
        for inner in expectation.all:
            yield from leaves(inner)
    else:
        yield expectation


_SCRIPTS = frozenset({"run", "prepare", "made_by"})
_SCRIPT_LISTS = frozenset({"solutions", "also", "answers"})


def scripts(value: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every script inside a value."""
    for inner in everything(value, path):
        if isinstance(inner.value, str) and is_script(inner.path):
            yield inner.path, inner.value


def is_script(path: Path) -> bool:
    """Whether the text at a path is a script: the shell's own `${…}` are allowed there."""
    if len(path) > 1 and isinstance(path[-1], int) and path[-2] in _SCRIPT_LISTS:
        return True
    return bool(path) and path[-1] in _SCRIPTS
