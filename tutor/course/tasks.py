"""What there is to do in a course, and right or wrong: predictions, steps, questions."""

from __future__ import annotations

from tutor.course.contents import Kind
from tutor.course.models import Chapter, Course, Lab, Predict, Question, Quiz, Section, Step

Task = Predict | Step | Question
"""What can be done, and right or wrong."""


def tasks(chapter: Chapter) -> list[Task]:
    """All there is to do in a chapter, in order."""
    return [task for section in chapter.sections for task in _of_section(section)]


def kind_of(task: Task) -> Kind:
    """As what the journal knows it."""
    return "prediction" if isinstance(task, Predict) else "step" if isinstance(task, Step) else "question"


def all_tasks(course: Course) -> dict[tuple[str, str], tuple[Chapter, Task]]:
    """Everything there is to do in the course, by chapter id and its own id."""
    return {(chapter.id, task.id): (chapter, task) for chapter in course.chapters for task in tasks(chapter)}


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
