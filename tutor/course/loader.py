"""The course as values: the kept copy when it is the files', else what `tutor.course.reading` reads in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tutor import places
from tutor.course import _cache
from tutor.course.contents import Contents, contents_of

if TYPE_CHECKING:
    from tutor.course.models import Course


def load_course(root: Path | None = None) -> Course:
    """The whole course.

    Args:
        root: The folder with `NN-slug.yaml` and `mistakes.yaml`; the shipped course when left out.

    Raises:
        CourseErrors: Something is wrong; holds every error of every file.
        Problem: There is no such folder, or no chapter in it.
    """
    # Only the shipped course is kept: others are being written.
    known = _cache.key(places.lessons()) if root is None else None
    if known is not None and (kept := _cache.course(known)) is not None:
        return kept
    # With the copy there is nothing to parse, and no parser is loaded.
    from tutor.course import reading
    from tutor.course.errors import CourseErrors

    read = reading.read_course(root)
    if read.errors:
        raise CourseErrors(read.errors)
    if known is not None:
        _cache.keep(known, read.course, contents_of(read.course))
    return read.course


def load_contents() -> Contents:
    """The shipped course's table of contents.

    Raises:
        CourseErrors: As for the course, which is loaded where no contents are kept.
        Problem: As there.
    """
    known = _cache.key(places.lessons())
    if known is not None and (kept := _cache.contents(known)) is not None:
        return kept
    return contents_of(load_course())
