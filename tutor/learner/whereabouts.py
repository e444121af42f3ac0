"""Where things of the journal are in the course as it is now: by id, and by content hash where they have moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from tutor.course.identity import content_hash
from tutor.course.mistakes import title
from tutor.course.models import Chapter, Course, Lab, Predict, Question, Quiz, Section, Step
from tutor.learner.memory import Key, Kind, Memory, Record

Task = Predict | Step | Question
"""What can be done, and right or wrong."""


def tasks(chapter: Chapter) -> list[Task]:
    """All there is to do in a chapter: its predictions, steps and questions, in order."""
    return [task for section in chapter.sections for task in _of_section(section)]


def kind_of(task: Task) -> Kind:
    """As what the journal knows it."""
    return "prediction" if isinstance(task, Predict) else "step" if isinstance(task, Step) else "question"


def all_tasks(course: Course) -> dict[Key, tuple[Chapter, Task]]:
    """Everything there is to do in the course, by its key."""
    return {(chapter.id, task.id): (chapter, task) for chapter in course.chapters for task in tasks(chapter)}


def settle(course: Course, memory: Memory) -> Mapping[Key, Record]:
    """The records with their keys in the course as it is now.

    A step or question that moved to another chapter, or whose chapter has another id now, is known by its content.
    What the course has no more keeps its old key, and comes back when the course has it again.
    """
    known = {(chapter.id, task.id) for chapter in course.chapters for task in tasks(chapter)}
    lost = [key for key in memory.records if key not in known]
    if not lost:
        return memory.records
    records = dict(memory.records)
    names = {item for _, item in lost}
    # The id is part of the content, so only those of the same id can be the same.
    moved = {
        (task.id, content_hash(task)): chapter.id
        for chapter in course.chapters
        for task in tasks(chapter)
        if task.id in names
    }
    for key in lost:
        record = records[key]
        chapter = moved.get((record.item, record.hash))
        if chapter is not None and (chapter, record.item) not in records:
            del records[key]
            records[chapter, record.item] = replace(record, chapter=chapter)
    return records


def mistake_titles(course: Course, mistakes: Iterable[str]) -> list[str]:
    """Named mistakes in words: those that are shared have a title, the others say it by their id."""
    return [title(name, course.mistakes) for name in mistakes]


def _of_section(section: Section) -> tuple[Task, ...]:
    match section:
        case Predict():
            return (section,)
        case Lab():
            return section.steps
        case Quiz():
            return section.questions
        case _:
            return ()
