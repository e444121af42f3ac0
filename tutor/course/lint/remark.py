"""What a rule says, and what it may look at: values only, so that every rule is a pure function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from tutor.course.lint._commands import parts
from tutor.course.models import Chapter, Course
from tutor.course.walk import Path

CHAPTERS = 26
"""How many chapters the shipped course is to have."""

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Remark:
    """What one rule found at one place.

    Attributes:
        severity: An error stops the course from being used; a warning asks its author to look again.
        code: The rule's name for programs, in kebab-case.
        path: Where in the chapter's document.
        wrong: What is wrong.
        right: What would be right.
        offset: Index of the character in the text at `path`, where that is known.
        key: The remark is about the last key of the path and not about its value.
    """

    severity: Severity
    code: str
    path: Path
    wrong: str
    right: str
    offset: int | None = None
    key: bool = False


@dataclass(frozen=True)
class Context:
    """Everything around a chapter that a rule may ask about.

    Attributes:
        course: All chapters that can be read, and the shared mistakes.
        roles: The catalogue's image roles; None when there is no catalogue to compare with.
        folders: Names of the folders beside the image recipes that a lab can start from.
        unread: Numbers of chapters that exist and cannot be read.
        shared_read: Whether the shared mistakes could be read.
        shipped: This is the course that comes with the tutor.
    """

    course: Course
    roles: frozenset[str] | None = None
    folders: frozenset[str] = field(default_factory=frozenset)
    unread: frozenset[int] = field(default_factory=frozenset)
    shared_read: bool = True
    shipped: bool = False

    @cached_property
    def numbers(self) -> frozenset[int]:
        """The numbers of all chapters that exist."""
        return self.unread | {chapter.chapter for chapter in self.course.chapters}

    def has(self, number: int) -> bool:
        """Whether the course has this chapter; what the shipped one still lacks is told once for all of it."""
        return number in self.numbers or (self.shipped and 1 <= number <= CHAPTERS)

    @cached_property
    def commands(self) -> dict[str, int]:
        """Command or option → the first chapter that introduces it."""
        first: dict[str, int] = {}
        for chapter in self.course.chapters:
            for command in chapter.introduces.commands:
                for part in parts(command):
                    first.setdefault(part, chapter.chapter)
        return first

    @cached_property
    def words(self) -> dict[str, int]:
        """Word in lower case → the first chapter that introduces it."""
        first: dict[str, int] = {}
        for chapter in self.course.chapters:
            for word in chapter.introduces.words:
                first.setdefault(word.lower(), chapter.chapter)
        return first


Rule = Callable[[Chapter, Context], Iterator[Remark]]


def error(code: str, path: Path, wrong: str, right: str, *, offset: int | None = None, key: bool = False) -> Remark:
    """A remark that stops the course from being used."""
    return Remark("error", code, path, wrong, right, offset, key)


def warning(code: str, path: Path, wrong: str, right: str, *, offset: int | None = None, key: bool = False) -> Remark:
    """A remark that asks to look again."""
    return Remark("warning", code, path, wrong, right, offset, key)
