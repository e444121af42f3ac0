"""What a room must know of the course: names to show, and which ids a seat may speak of. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from tutor.course.mistakes import title
from tutor.course.models import Chapter, Course, Lab, Mistake, Quiz, SharedMistake, Step


class StepOutline(msgspec.Struct, frozen=True, kw_only=True):
    """A step: its id, its title, and its named mistakes with a few words for each."""

    id: str
    title: str
    mistakes: dict[str, str]


class ChapterOutline(msgspec.Struct, frozen=True, kw_only=True):
    """A chapter.

    Attributes:
        number: Its number in the course.
        minutes: What a careful beginner needs.
        items: Ids of its sections, predictions and questions.
    """

    id: str
    number: int
    title: str
    minutes: int
    steps: tuple[StepOutline, ...]
    items: tuple[str, ...]


class Syllabus(msgspec.Struct, frozen=True, kw_only=True):
    """The chapters of a workshop, in their order."""

    chapters: tuple[ChapterOutline, ...] = ()

    def chapter(self, identity: str) -> ChapterOutline | None:
        """A chapter by its id."""
        return next((chapter for chapter in self.chapters if chapter.id == identity), None)


def of(course: Course, numbers: Iterable[int]) -> Syllabus:
    """The outline of the chapters with these numbers; numbers that the course does not have are passed over."""
    by_number = {chapter.chapter: chapter for chapter in course.chapters}
    return Syllabus(
        chapters=tuple(_chapter(by_number[n], course.mistakes) for n in dict.fromkeys(numbers) if n in by_number)
    )


def _chapter(chapter: Chapter, shared: Mapping[str, SharedMistake]) -> ChapterOutline:
    items = [section.id for section in chapter.sections]
    for section in chapter.sections:
        if isinstance(section, Quiz):
            items += [question.id for question in section.questions]
    steps = [step for section in chapter.sections if isinstance(section, Lab) for step in section.steps]
    return ChapterOutline(
        id=chapter.id,
        number=chapter.chapter,
        title=chapter.title,
        minutes=chapter.minutes,
        steps=tuple(_step(step, shared) for step in steps),
        items=tuple(dict.fromkeys(items)),
    )


def _step(step: Step, shared: Mapping[str, SharedMistake]) -> StepOutline:
    ids = [mistake.id if isinstance(mistake, Mistake) else mistake.use for mistake in step.mistakes]
    return StepOutline(id=step.id, title=step.title, mistakes={name: title(name, shared) for name in ids})
