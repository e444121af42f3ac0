"""What the journal records: small facts about what a learner did, never their commands or files.

Every event names the thing it is about by id and content hash, so that a changed course neither loses nor
misplaces progress.
"""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What all events share.

    Attributes:
        chapter: Id of the chapter.
        item: Id of the section, step or question; empty when it is about the chapter.
        hash: Content hash of that item when it happened (`tutor.course.identity`).
    """

    chapter: str
    item: str = ""
    hash: str = ""


class ChapterOpened(Event, frozen=True, kw_only=True, tag="chapter-opened"):
    """The learner opened the chapter."""


class ChapterFinished(Event, frozen=True, kw_only=True, tag="chapter-finished"):
    """The learner reached the end of the chapter, with every step of its labs passed."""


class SectionReached(Event, frozen=True, kw_only=True, tag="section-reached"):
    """A section came on screen; the last one is where the learner resumes."""


class PredictionMade(Event, frozen=True, kw_only=True, tag="prediction-made"):
    """The learner bet on `option`, and the engine answered `outcome` (empty: none of the options)."""

    option: str
    outcome: str
    right: bool


class StepBegun(Event, frozen=True, kw_only=True, tag="step-begun"):
    """A step of a lab began."""


class StepTried(Event, frozen=True, kw_only=True, tag="step-tried"):
    """A settled verdict that was not yet a pass: how many findings, and the named mistake if there was one."""

    findings: int
    mistake: str = ""


class StepPassed(Event, frozen=True, kw_only=True, tag="step-passed"):
    """The engine's state is what the step asked for."""


class HintOpened(Event, frozen=True, kw_only=True, tag="hint-opened"):
    """A hint was read; the first is number 1."""

    number: int


class SolutionOpened(Event, frozen=True, kw_only=True, tag="solution-opened"):
    """The solution was read."""


class QuestionAnswered(Event, frozen=True, kw_only=True, tag="question-answered"):
    """An answer was given.

    Attributes:
        answer: Ids of the options chosen, or of the items in the learner's order; the line's number to spot a
            mistake; empty for a typed command, which is nobody's business.
        credit: From 0.0 to 1.0; below 1.0 is not right.
    """

    answer: tuple[str, ...]
    credit: float


class TaskReviewed(Event, frozen=True, kw_only=True, tag="task-reviewed"):
    """A step in which a mistake was made came back as a live task, and was done or given up.

    Attributes:
        passed: Whether the engine's state was what the step asks for in the end.
        mistakes: Named mistakes that were made on the way.
        hints: How many hints were read.
        solution: Whether the solution was read.
    """

    passed: bool
    mistakes: tuple[str, ...] = ()
    hints: int = 0
    solution: bool = False


class GradeUndone(Event, frozen=True, kw_only=True, tag="grade-undone"):
    """A grade was taken back: the entry `of` counts as if it had never happened."""

    of: str


class ReviewLimitSet(Event, frozen=True, kw_only=True, tag="review-limit-set"):
    """The learner set how many reviews a day shall bring at most; `chapter` is empty."""

    limit: int


class PlacementAnswered(Event, frozen=True, kw_only=True, tag="placement-answered"):
    """A question of the placement test was answered; it counts for no chapter and is not reviewed."""

    answer: tuple[str, ...]
    credit: float


class PlacementDone(Event, frozen=True, kw_only=True, tag="placement-done"):
    """The placement test ended: begin with `chapter`; `skip` are ids of chapters that may be left out."""

    skip: tuple[str, ...] = ()


class LabOpened(Event, frozen=True, kw_only=True, tag="lab-opened"):
    """A lab was opened; `lab` is its id."""

    lab: str


class WorkshopJoined(Event, frozen=True, kw_only=True, tag="workshop-joined"):
    """The learner took the seat `seat` in the room `item`: from here on the room is told."""

    seat: str


class WorkshopLeft(Event, frozen=True, kw_only=True, tag="workshop-left"):
    """The learner left the room `item`: from here on it is told nothing."""


class HandSet(Event, frozen=True, kw_only=True, tag="hand-set"):
    """The learner asked for help in the room `item`, or has been helped."""

    up: bool


class PollAnswered(Event, frozen=True, kw_only=True, tag="poll-answered"):
    """An answer to the poll `item` of the room `room`, in its round `round`: ids of the options."""

    room: str
    round: int
    answer: tuple[str, ...]


AnyEvent = (
    ChapterOpened
    | ChapterFinished
    | SectionReached
    | PredictionMade
    | StepBegun
    | StepTried
    | StepPassed
    | HintOpened
    | SolutionOpened
    | QuestionAnswered
    | LabOpened
    | TaskReviewed
    | GradeUndone
    | ReviewLimitSet
    | PlacementAnswered
    | PlacementDone
    | WorkshopJoined
    | WorkshopLeft
    | HandSet
    | PollAnswered
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the journal keeps it.

    Attributes:
        seq: Its place in this journal.
        id: Unique everywhere: two journals can be merged without doubles.
        at: Seconds since the epoch, UTC.
    """

    seq: int
    id: str
    at: float
    event: AnyEvent
