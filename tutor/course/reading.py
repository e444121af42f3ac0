"""Course files to frozen values: fast when all is well, thorough when not.

A correct file takes one pass over the parser's events and one `msgspec.convert`. Only when that fails is the file
read again with every place kept, and held against the types, so that all errors are told at once:
`file:line:column: path: what is wrong; what would be right`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from tutor import places
from tutor.course import _fast
from tutor.course.errors import CourseError, CourseErrors
from tutor.course.models import Chapter, Course, SharedMistake, SharedMistakes
from tutor.course.sources import Source, read_source
from tutor.problems import Problem

T = TypeVar("T", Chapter, SharedMistakes)

MISTAKES = "mistakes.yaml"
FILE_NAME = re.compile(r"([0-9]{2})-([a-z][a-z0-9]*(?:-[a-z0-9]+)*)\.yaml")
"""`NN-slug.yaml`: the chapter's number and id."""


@dataclass(frozen=True)
class Reading:
    """What a course folder holds, readable or not: what the lint works on.

    Attributes:
        root: The folder with the chapters.
        course: Every chapter that could be read, in order, and the shared mistakes.
        sources: The text of each chapter by its number, for those in `course`.
        shared: The text of mistakes.yaml, where the folder has one that can be read.
        errors: Everything that is wrong with the files themselves.
        files: How many chapter files the folder has.
        unread: Numbers, by their files' names, of chapters that cannot be read.
        shared_read: Whether the shared mistakes could be read.
    """

    root: Path
    course: Course
    sources: dict[int, Source]
    shared: Source | None
    errors: tuple[CourseError, ...]
    files: int
    unread: frozenset[int]
    shared_read: bool


def load_chapter(path: Path) -> Chapter:
    """One chapter.

    Raises:
        CourseErrors: Something is wrong; holds every error of the file.
    """
    chapter, _, errors = _read_chapter(path)
    if chapter is None or errors:
        raise CourseErrors(errors)
    return chapter


def read_course(root: Path | None = None) -> Reading:
    """Read what can be read of a course, and tell what cannot.

    Args:
        root: The folder with `NN-slug.yaml` and `mistakes.yaml`; the shipped course when left out.

    Raises:
        Problem: There is no such folder, or no chapter in it.
    """
    folder = places.lessons() if root is None else root
    if not folder.is_dir():
        raise Problem(f"There is no folder {folder}.", "Give the folder that holds the chapters.", code="no-course")
    errors: list[CourseError] = []
    unread: set[int] = set()
    chapters: dict[int, Chapter] = {}
    sources: dict[int, Source] = {}
    files = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.name != MISTAKES)
    if not files:
        raise Problem(
            f"There is no chapter in {folder}.", "A chapter is a file such as 01-why-docker.yaml.", code="no-chapters"
        )
    for path in files:
        chapter, source, wrong = _read_chapter(path)
        errors += wrong
        if chapter is None or source is None:
            if named := FILE_NAME.fullmatch(path.name):
                unread.add(int(named[1]))
            continue
        if chapter.chapter in chapters:
            other = sources[chapter.chapter].path.name
            line, column = source.at(("chapter",))
            what = f"chapter {chapter.chapter} is also in {other}"
            errors.append(source.error(line, column, "chapter", what, "give each chapter its own number"))
            continue
        chapters[chapter.chapter] = chapter
        sources[chapter.chapter] = source
    mistakes, shared, wrong = _read_mistakes(folder)
    course = Course(chapters=tuple(chapters[number] for number in sorted(chapters)), mistakes=mistakes)
    return Reading(
        folder,
        course,
        sources,
        shared,
        errors=tuple(sorted([*errors, *wrong])),
        files=len(files),
        unread=frozenset(unread),
        shared_read=not wrong,
    )


def _read_chapter(path: Path) -> tuple[Chapter | None, Source | None, tuple[CourseError, ...]]:
    source, errors = read_source(path)
    if source is None:
        return None, None, errors
    chapter, errors = _decode(source, Chapter)
    if chapter is None:
        return None, source, errors
    return chapter, source, _file_name(source, chapter)


def _file_name(source: Source, chapter: Chapter) -> tuple[CourseError, ...]:
    named = FILE_NAME.fullmatch(source.path.name)
    right = f"{chapter.chapter:02}-{chapter.id}.yaml"
    if named is None:
        what = f"the file's name `{source.path.name}` is not of the form NN-slug.yaml"
        return (source.error(1, 1, "", what, f"call it {right}"),)
    errors = []
    if int(named[1]) != chapter.chapter:
        what = f"chapter {chapter.chapter} is in a file for chapter {int(named[1])}"
        errors.append(source.error(*source.at(("chapter",)), "chapter", what, f"call the file {right}"))
    if named[2] != chapter.id:
        what = f"the chapter `{chapter.id}` is in a file for `{named[2]}`"
        errors.append(source.error(*source.at(("id",)), "id", what, f"call the file {right}"))
    return tuple(errors)


def _read_mistakes(folder: Path) -> tuple[dict[str, SharedMistake], Source | None, tuple[CourseError, ...]]:
    """The shared mistakes of a folder; a folder that has none of its own uses the shipped ones."""
    path = folder / MISTAKES
    own = path.exists()
    if not own:
        path = places.lessons() / MISTAKES
        if not path.exists():
            return {}, None, ()
    source, errors = read_source(path)
    if source is None:
        return {}, None, errors
    decoded, errors = _decode(source, SharedMistakes)
    if decoded is None:
        return {}, source, errors
    found: dict[str, SharedMistake] = {}
    twice = []
    for place, mistake in enumerate(decoded.mistakes):
        if mistake.id in found:
            at = ("mistakes", place, "id")
            wrong = f"a shared mistake called `{mistake.id}` is here twice"
            twice.append(source.error(*source.at(at), f"mistakes[{place}].id", wrong, "give each its own id"))
        found[mistake.id] = mistake
    return found, source if own else None, tuple(twice)


def _decode(source: Source, type_: type[T]) -> tuple[T | None, tuple[CourseError, ...]]:
    try:
        return msgspec.convert(_fast.read(source.text, type_ is Chapter), type_), ()
    except (_fast.Irregular, yaml.YAMLError, ValueError) as error:
        # msgspec's ValidationError is a ValueError; others come from escapes that are no characters.
        return None, _explain(source, type_, error)


def _explain(source: Source, type_: type[msgspec.Struct], first: Exception) -> tuple[CourseError, ...]:
    from tutor.course._nodes import parse
    from tutor.course._shape import convert_failed, flaws

    root, broken = parse(source.text)
    found = broken if root is None else [*broken, *flaws(root, type_)]
    if not found and isinstance(first, msgspec.ValidationError):
        path, message = convert_failed(first)
        line, column = source.at(path)
        return (source.error(line, column, "", message, "see `course schema`"),)
    if not found:
        return (source.error(1, 1, "", f"the file cannot be read: {first}", "see `course schema`"),)
    return tuple(sorted({source.error(*flaw) for flaw in found}))
