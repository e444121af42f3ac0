"""A part of a chapter as it is shown where no lab of that chapter is open."""

from __future__ import annotations

from typing import TypeVar

from tutor.course import variables
from tutor.course.models import Chapter
from tutor.engine import images

T = TypeVar("T")


def likely(chapter: Chapter, value: T) -> T:
    """The part with its variables filled in by likely values; what runs gets real ones in its sandbox."""
    return variables.bind(value, variables.preview(chapter, images.reference_variables()))
