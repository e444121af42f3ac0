"""Chapters to try things on: the one that `course new` begins with, and all that are shipped."""

from __future__ import annotations

from pathlib import Path

from tutor import places
from tutor.course.errors import CourseError, CourseErrors
from tutor.course.reading import load_chapter

TEMPLATE = (
    Path(places.__file__)
    .with_name("course")
    .joinpath("template.yaml")
    .read_text("utf-8")
    .replace("@NUMBER@", "7")
    .replace("@SLUG@", "sample")
    .replace("@TITLE@", "Sample")
)
NAME = "07-sample.yaml"


def real_chapters() -> dict[str, str]:
    """File name → text, of those without errors: what is wrong with a shipped one is told by its own test."""
    shipped = sorted(places.lessons().glob("[0-9]*.yaml"))
    return {NAME: TEMPLATE, **{path.name: path.read_text("utf-8") for path in shipped if not errors_of(path)}}


def errors_of(path: Path) -> tuple[CourseError, ...]:
    """What is wrong with a chapter's file; nothing else may come out of the loader."""
    try:
        load_chapter(path)
    except CourseErrors as errors:
        assert errors.errors
        return errors.errors
    return ()


def put(folder: Path, text: str | bytes, name: str = NAME) -> Path:
    """Write a chapter's file."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def changed(old: str, new: str, text: str = TEMPLATE) -> tuple[str, int, int]:
    """The text with the one place changed where `old` stands, and that place's line and column."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the sample"
    at = text.index(old)
    return text.replace(old, new), text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
