"""Go through a chapter with the path that each value has in its YAML file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from tutor.course import models
from tutor.course.expectations import AnyExpectation, Kind, NotExpectation
from tutor.course.lint.remark import Path

_UNTAGGED = frozenset({"own", "shared"})
"""Tags that are no key in YAML."""


class Placed(NamedTuple):
    """A value and its path."""

    path: Path
    value: object


def everything(value: object, path: Path = ()) -> Iterator[Placed]:
    """A value and all values inside it, outer ones first; keys of mappings are not among them."""
    yield Placed(path, value)
    if isinstance(value, msgspec.Struct):
        for name, written in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            inner = getattr(value, name)
            if inner is not None:
                yield from everything(inner, (*path, written))
    elif isinstance(value, tuple):
        for place, inner in enumerate(value):
            yield from everything(inner, (*path, *_item(place, inner)))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from everything(inner, (*path, key))


def _item(place: int, value: object) -> Path:
    tag = value.__struct_config__.tag if isinstance(value, msgspec.Struct) else None
    return (place, tag) if isinstance(tag, str) and tag not in _UNTAGGED else (place,)


def sections(chapter: models.Chapter) -> Iterator[tuple[Path, models.Section]]:
    """The chapter's sections in order."""
    for place, section in enumerate(chapter.sections):
        yield ("sections", *_item(place, section)), section


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
            yield (*path, "questions", *_item(place, question)), question


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
