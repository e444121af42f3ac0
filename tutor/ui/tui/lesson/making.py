"""Which page shows which section of a chapter."""

from __future__ import annotations

from typing import Protocol, TypeVar

from tutor.course.models import Chapter, Lab, Predict, Quiz, Section
from tutor.ui.tui.desk import Desk
from tutor.ui.tui.lesson.pages import EndPage, Page, reading_page
from tutor.ui.tui.lesson.room import Room
from tutor.ui.tui.lesson.steps import LabPage
from tutor.ui.tui.quiz.page import PredictPage, QuizPage

T = TypeVar("T")


class Binder(Protocol):
    """Fills in a part's variables."""

    def __call__(self, value: T, /) -> T:
        """The part with their values."""


def page_of(section: Section, chapter: Chapter, bound: Binder, desk: Desk, room: Room) -> Page:
    """A section's page.

    Args:
        section: The section, as the course has it.
        chapter: Its chapter.
        bound: Fills in its variables.
        desk: The learner's things.
        room: The engine's side of the chapter.
    """
    match section:
        case Predict():
            return PredictPage(bound(section), section, room, desk.shuffle)
        case Lab():
            return LabPage(bound(section), chapter.chapter)
        case Quiz():
            return QuizPage(section, chapter, bound, desk.progress(chapter).questions, room, desk.shuffle)
        case _:
            page = reading_page(bound(section))
            assert page is not None
            return page


def end_of(chapter: Chapter, desk: Desk) -> EndPage:
    """The page after a chapter's last section, as things are now."""
    done = desk.progress(chapter)
    open_steps: list[str] = []
    unanswered = 0
    for part in chapter.sections:
        match part:
            case Lab():
                open_steps += [step.title for step in part.steps if step.id not in done.steps]
            case Predict():
                unanswered += part.id not in done.predictions
            case Quiz():
                unanswered += sum(question.id not in done.questions for question in part.questions)
            case _:
                pass
    return EndPage(chapter, open_steps, unanswered, desk.after(chapter))
