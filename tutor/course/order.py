"""The order in which a learner meets the steps that stand by themselves (incidents)."""

from __future__ import annotations

import hashlib

from msgspec.structs import replace

from tutor.course.models import Chapter, Course, Lab, Section


def shuffles(course: Course) -> bool:
    """Whether any lab of the course wants its steps shuffled."""
    return any(isinstance(part, Lab) and part.shuffled for chapter in course.chapters for part in chapter.sections)


def shuffled(course: Course, seed: str) -> Course:
    """The course with the steps of its shuffled labs in the seed's order; the same for the same seed.

    Args:
        seed: Who learns, such as the id of the installation.
    """
    return replace(course, chapters=tuple(_chapter(chapter, seed) for chapter in course.chapters))


def _chapter(chapter: Chapter, seed: str) -> Chapter:
    if not any(isinstance(part, Lab) and part.shuffled for part in chapter.sections):
        return chapter
    return replace(chapter, sections=tuple(_section(part, seed) for part in chapter.sections))


def _section(part: Section, seed: str) -> Section:
    if not isinstance(part, Lab) or not part.shuffled:
        return part

    def place(step_id: str) -> bytes:
        return hashlib.sha256(f"{seed}\0{step_id}".encode()).digest()

    return replace(part, steps=tuple(sorted(part.steps, key=lambda step: place(step.id))))
