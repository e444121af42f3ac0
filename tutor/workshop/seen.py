"""What each of those in a room may see, as typed values: the shapes that `tutor.workshop.views` makes of the room."""

from __future__ import annotations

from typing import Any

import msgspec

from tutor.workshop.events import PollQuestion


class ChapterView(msgspec.Struct, frozen=True, kw_only=True):
    """A chapter, and whether the class may work on it now; `steps` are titles, and `ids` names them in that order."""

    id: str
    number: int
    title: str
    open: bool
    steps: tuple[str, ...]
    ids: tuple[str, ...] = ()


class RoundView(msgspec.Struct, frozen=True, kw_only=True):
    """A round of a poll; `counts` (option → seats) is empty where it must not be seen."""

    round: int
    open: bool
    answered: int
    counts: dict[str, int]


class PollView(msgspec.Struct, frozen=True, kw_only=True):
    """A poll."""

    poll: str
    question: PollQuestion
    rounds: tuple[RoundView, ...]
    open: bool


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """What an instructor said."""

    id: str
    at: float
    by: str
    text: str
    kind: str


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """What every learner in the room sees; `now` is the hub's clock."""

    room: str
    title: str
    now: float
    chapters: tuple[ChapterView, ...]
    pace: tuple[str, str]
    timer: float | None
    timer_label: str
    messages: tuple[MessageView, ...]
    poll: PollView | None


class You(msgspec.Struct, frozen=True, kw_only=True):
    """What one learner sees; `answers`: the latest poll's round → their own answer."""

    seat: str
    name: str
    hand: bool
    messages: tuple[MessageView, ...]
    answers: dict[str, tuple[str, ...]]


class SeatRow(msgspec.Struct, frozen=True, kw_only=True):
    """A seat on the board.

    Attributes:
        steps: A letter for each step of the chapter the class is in: p passed, t tried, b begun, - not begun.
        place: Chapter's number and step's place where the seat is, such as `22.2`.
        since: Hub's clock when it began that step.
        mistake: The named mistake of its latest try there, in words.
        stuck: Why it seems stuck; empty when it does not.
        answered: Whether it has answered the open poll.
    """

    seat: str
    name: str
    here: bool
    allowed: bool
    steps: str
    place: str
    since: float | None
    tries: int
    mistake: str
    stuck: str
    hand: bool
    answered: bool


class MistakeView(msgspec.Struct, frozen=True, kw_only=True):
    """A misconception of the class: how many seats had it, and how many are there now."""

    chapter: str
    step: str
    mistake: str
    words: str
    seats: int
    now: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What instructors see beside the rows; `chapter` is the one whose steps the rows show."""

    common: Common
    chapter: str
    names: bool
    door: bool
    hands: tuple[str, ...]
    mistakes: tuple[MistakeView, ...]
    polls: tuple[PollView, ...]


class Board(Summary, frozen=True, kw_only=True):
    """All that instructors see."""

    seats: tuple[SeatRow, ...]

    def with_summary(self, summary: Summary) -> Board:
        """Its rows beside another summary."""
        return Board(**fields(summary), seats=self.seats)


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """What the projector shows. `passed`: of each step of the chapter, how many seats have passed it."""

    title: str
    now: float
    seats: int
    there: int
    chapter: ChapterView | None
    step: str
    passed: tuple[int, ...]
    timer: float | None
    timer_label: str
    poll: PollView | None
    hands: int
    names: tuple[str, ...]


def fields(summary: Summary) -> dict[str, Any]:
    """A summary's fields by name."""
    return {name: getattr(summary, name) for name in Summary.__struct_fields__}
