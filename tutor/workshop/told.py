"""What of a journal a room is told, and what a hub takes: one list, shown by `docker tutor join --what`. Pure."""

from __future__ import annotations

import msgspec

from tutor.learner.events import (
    AnyEvent,
    ChapterFinished,
    ChapterOpened,
    HandSet,
    HintOpened,
    PollAnswered,
    PredictionMade,
    QuestionAnswered,
    SectionReached,
    SolutionOpened,
    StepBegun,
    StepPassed,
    StepTried,
)
from tutor.workshop.room import Room
from tutor.workshop.syllabus import ChapterOutline, StepOutline
from tutor.workshop.views import syllabus

TOLD: dict[type[AnyEvent], str] = {
    ChapterOpened: "that you opened a chapter of the workshop",
    ChapterFinished: "that you finished it",
    SectionReached: "which part of it you are in",
    PredictionMade: "which outcome you bet on, and what the engine answered",
    StepBegun: "that you began a step of a lab",
    StepTried: "that a step is not passed yet: how many findings, and the named mistake; never your commands",
    StepPassed: "that a step is passed",
    HintOpened: "that you opened a hint, and its number",
    SolutionOpened: "that you opened the solution",
    QuestionAnswered: "which options you chose in a quiz, and how much of it was right; never a typed command",
    HandSet: "that your hand is up or down",
    PollAnswered: "what you answered in a poll",
}
"""Kinds of events that are sent, and what each tells."""

SHOWN = (
    "Only if an instructor asks to see your shell and you agree: a copy of its screen, a few times a second, to that "
    "instructor alone, while a line says so; either of you ends it at any time, and it is kept nowhere. Over "
    "plain HTTP, as all else, it could be read on the network"
)
"""What is sent beside events."""

_CHANGES = 20  # times that an answer to a poll may be changed


def told(event: AnyEvent, room: str, chapters: frozenset[str]) -> bool:
    """Whether a client sends an event to a room that teaches these chapters."""
    match event:
        case HandSet():
            return event.item == room
        case PollAnswered():
            return event.room == room
        case _:
            return type(event) in TOLD and event.chapter in chapters


def admitted(event: AnyEvent, seat: str, room: Room) -> AnyEvent | None:
    """The event as a hub keeps it, or None where it has no place in the room.

    A seat may say anything: ids that the course does not have and texts of any length must not come in.
    """
    opened = room.opened.value
    if opened is None or type(event) not in TOLD or len(event.hash) > 64:
        return None
    match event:
        case HandSet():
            return event if event.item == opened.room else None
        case PollAnswered():
            return event if event.room == opened.room and _counts(event, seat, room) else None
        case _:
            pass
    chapter = syllabus(room).chapter(event.chapter)
    if chapter is None:
        return None
    match event:
        case ChapterOpened() | ChapterFinished():
            return event if event.item == "" else None
        case SectionReached():
            return event if event.item in chapter.items else None
        case PredictionMade():
            short = len(event.option) <= 64 and len(event.outcome) <= 64
            return event if event.item in chapter.items and short else None
        case QuestionAnswered():
            short = len(event.answer) <= 12 and all(len(one) <= 64 for one in event.answer)
            return event if event.item in chapter.items and short and 0.0 <= event.credit <= 1.0 else None
        case _:
            return _on_step(event, chapter)


def _on_step(event: AnyEvent, chapter: ChapterOutline) -> AnyEvent | None:
    step: StepOutline | None = next((one for one in chapter.steps if one.id == event.item), None)
    if step is None:
        return None
    if isinstance(event, StepTried) and event.mistake not in step.mistakes:
        return msgspec.structs.replace(event, mistake="")
    if isinstance(event, HintOpened) and not 1 <= event.number <= 9:
        return None
    return event


def _counts(event: PollAnswered, seat: str, room: Room) -> bool:
    poll = room.polls.get(event.item)
    question = poll.question.value if poll else None
    asked = poll.rounds.get(event.round) if poll else None
    if question is None or asked is None or not asked.open:
        return False
    options = {option.id for option in question.options}
    most = len(options) if question.several else 1
    fits = 1 <= len(event.answer) <= most and set(event.answer) <= options
    return fits and len(asked.answers.get(seat, ())) < _CHANGES
