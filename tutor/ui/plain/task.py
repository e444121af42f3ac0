"""A mistake from a lab comes back as a small live task: the step where it was made, on the engine, in line mode."""

from __future__ import annotations

from msgspec.structs import replace

from tutor.course.models import Chapter, Course, Lab, Step
from tutor.engine.connect import Engine
from tutor.lab.session.session import Session
from tutor.learner.events import AnyEvent
from tutor.ui.plain import labs
from tutor.ui.plain.page import Page


def play(page: Page, course: Course, chapter: Chapter, step: Step, engine: Engine) -> list[AnyEvent]:
    """Let the learner do one step in a lab of its own, which is gone afterwards; the learner's own open lab stays.

    Returns:
        What happened, as the lesson would record it.

    Raises:
        Problem: The lab cannot be opened, or the step's start cannot be made.
    """
    lab = next(part for part in chapter.sections if isinstance(part, Lab) and step in part.steps)
    place = lab.steps.index(step)
    happened: list[AnyEvent] = []
    session = Session.open(course, chapter, engine=engine, lab=lab, keep=False)
    try:
        alone = replace(lab, steps=lab.steps[: place + 1])
        page.line("A lab of its own opens for this one step.")
        labs.play(page, session, alone, {one.id for one in lab.steps[:place]}, happened.append)
    finally:
        session.close()
    return happened
