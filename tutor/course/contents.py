"""The course's table of contents: of every chapter what its row and a learner's progress need, without its texts.

It is small, so it is there long before the texts are: the home screen is drawn from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from tutor.course.models import Chapter, Course

Kind = Literal["question", "prediction", "step"]
"""What kind of thing there is to do."""


class TaskHeading(msgspec.Struct, frozen=True):
    """Something to do.

    Attributes:
        hash: Its content hash (`tutor.course.identity`).
    """

    id: str
    kind: Kind
    hash: str


class ChapterHeading(msgspec.Struct, frozen=True, kw_only=True):
    """A chapter.

    Attributes:
        commands: What it introduces.
        sections: Ids of its sections, in order.
        tasks: What there is to do in it; incidents in the order in which they are written.
    """

    chapter: int
    id: str
    title: str
    idea: str
    minutes: int
    builds_on: tuple[int, ...] = ()
    commands: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    tasks: tuple[TaskHeading, ...] = ()

    def count(self, kind: Kind) -> int:
        """How many tasks of a kind it has."""
        return sum(task.kind == kind for task in self.tasks)


Contents = tuple[ChapterHeading, ...]
"""The headings of all chapters, in order."""


def contents_of(course: Course) -> Contents:
    """The table of contents of a course; working out the hashes of all tasks takes some 10 ms."""
    return tuple(heading_of(chapter) for chapter in course.chapters)


def all_headings(contents: Contents) -> dict[tuple[str, str], TaskHeading]:
    """Everything there is to do in the course, by chapter id and its own id."""
    return {(chapter.id, task.id): task for chapter in contents for task in chapter.tasks}


def heading_of(chapter: Chapter) -> ChapterHeading:
    """The heading of one chapter."""
    # Imported here: who has the kept contents needs neither.
    from tutor.course.identity import content_hash
    from tutor.course.tasks import kind_of, tasks

    return ChapterHeading(
        chapter=chapter.chapter,
        id=chapter.id,
        title=chapter.title,
        idea=chapter.idea,
        minutes=chapter.minutes,
        builds_on=chapter.builds_on,
        commands=chapter.introduces.commands,
        sections=tuple(section.id for section in chapter.sections),
        tasks=tuple(TaskHeading(task.id, kind_of(task), content_hash(task)) for task in tasks(chapter)),
    )
