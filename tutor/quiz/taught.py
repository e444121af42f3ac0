"""Where a question was taught: the section to read again."""

from __future__ import annotations

from tutor.course.models import Chapter, Diagram, FactCheck, Lab, Predict, Question, Section, Step, Text
from tutor.course.tasks import Task

_READ = (Text, Diagram, FactCheck)


def where(chapter: Chapter, task: Task) -> Section | None:
    """The section that taught what is asked: the one the question names; for others the last that was read before it.

    None where the course has none (any more).
    """
    if isinstance(task, Question):
        named = next((section for section in chapter.sections if section.id == task.taught), None)
        if named is not None:
            return named
    before: Section | None = None
    for section in chapter.sections:
        if section is task or task in _inside(section):
            return before
        if isinstance(section, _READ):
            before = section
    return None


def title(chapter: Chapter) -> str:
    """The chapter in words: its number and title."""
    return f"chapter {chapter.chapter} · {chapter.title}"


def as_markdown(section: Lab | Predict) -> str:
    """What a section that is worked on has taught, to read: what it was about, and what came of it."""
    if isinstance(section, Predict):
        return f"{section.ask.strip()}\n\n```\n{section.run.strip()}\n```\n\n{section.explain.strip()}"
    parts = [section.intro.strip()] if section.intro else []
    for step in section.steps:
        parts.append(f"**{step.title}.** {step.goal.strip()}")
        parts += [step.explain.strip()] if step.explain else []
    return "\n\n".join(parts)


def _inside(section: Section) -> tuple[Question | Step, ...]:
    if isinstance(section, Lab):
        return section.steps
    return getattr(section, "questions", ())
