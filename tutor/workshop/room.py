"""A room as a pure function of its log.

`Room.apply` is commutative and idempotent: the same records in any order, with any of them twice, give an equal room,
and so does every part of them give a room that can be shown. What two records say about the same thing is settled by
their stamps, never by which came first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tutor.learner.events import (
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
from tutor.workshop.events import (
    ChapterSet,
    Did,
    DoorSet,
    NamesShown,
    PaceSet,
    PollClosed,
    PollOpened,
    PollQuestion,
    Record,
    RoomOpened,
    Said,
    SeatAllowed,
    SeatHere,
    SeatTaken,
    TimerSet,
)

T = TypeVar("T")
Stamp = tuple[float, int, str]
"""When by the hub's clock, place in a seat's journal, id: an order that everybody agrees on."""

NEVER: Stamp = (float("-inf"), 0, "")


@dataclass(slots=True)
class Latest(Generic[T]):
    """A value of which the one with the latest stamp holds."""

    value: T
    stamp: Stamp = NEVER

    def put(self, stamp: Stamp, value: T) -> None:
        """Take the value if nothing later is known."""
        if stamp > self.stamp:
            self.stamp, self.value = stamp, value


@dataclass(slots=True)
class Work:
    """What a seat did on one step; times in seconds by the hub's clock."""

    begun: float | None = None
    passed: float | None = None
    tries: int = 0
    hints: int = 0
    solution: bool = False
    mistakes: dict[str, int] = field(default_factory=dict)
    last: Latest[str] = field(default_factory=lambda: Latest(""))
    """The mistake of the latest try; empty when that had no name."""


@dataclass(slots=True)
class Seat:
    """One learner's place in the room."""

    id: str
    name: Latest[str] = field(default_factory=lambda: Latest(""))
    key: str = ""
    joined: float | None = None
    allowed: Latest[bool] = field(default_factory=lambda: Latest(True))
    here: dict[str, Latest[bool]] = field(default_factory=dict)
    """Hub → whether it is connected there."""
    hand: Latest[bool] = field(default_factory=lambda: Latest(False))
    steps: dict[tuple[str, str], Work] = field(default_factory=dict)
    at: Latest[tuple[str, str]] = field(default_factory=lambda: Latest(("", "")))
    """Chapter and step (or section) that the seat was in last."""
    answered: dict[tuple[str, str], Latest[float]] = field(default_factory=dict)
    """Questions and predictions: credit."""
    got: dict[str, set[int]] = field(default_factory=dict)
    """Of each journal, the places that have arrived."""

    @property
    def known(self) -> bool:
        """Whether the record with which it was taken has arrived."""
        return self.joined is not None

    def is_here(self, hubs: Collection[str]) -> bool:
        """Whether it is connected to one of these hubs."""
        return any(hub in hubs and here.value for hub, here in self.here.items())

    def have(self, stream: str) -> int:
        """The highest place of a journal that has arrived; 0 for none."""
        return max(self.got.get(stream, ()), default=0)


@dataclass(slots=True)
class Round:
    """One time that a poll is asked."""

    opened: Stamp | None = None
    closed: Stamp | None = None
    answers: dict[str, dict[Stamp, tuple[str, ...]]] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether answers count now."""
        return self.opened is not None and self.closed is None

    def final(self, seat: str) -> tuple[str, ...] | None:
        """The answer of a seat that counts: its last one before the round closed."""
        counting = [stamp for stamp in self.answers.get(seat, ()) if self.closed is None or stamp < self.closed]
        return self.answers[seat][max(counting)] if counting else None


@dataclass(slots=True)
class Poll:
    """A question to the class, asked once or more often."""

    question: Latest[PollQuestion | None] = field(default_factory=lambda: Latest(None))
    rounds: dict[int, Round] = field(default_factory=dict)


@dataclass(slots=True)
class Message:
    """What an instructor said."""

    stamp: Stamp
    by: str
    to: str
    text: str
    kind: str


@dataclass(slots=True)
class Room:
    """Everything that the log says."""

    opened: Latest[RoomOpened | None] = field(default_factory=lambda: Latest(None))
    seats: dict[str, Seat] = field(default_factory=dict)
    chapters: dict[str, Latest[bool]] = field(default_factory=dict)
    pace: Latest[tuple[str, str]] = field(default_factory=lambda: Latest(("", "")))
    door: Latest[bool] = field(default_factory=lambda: Latest(True))
    timer: Latest[TimerSet] = field(default_factory=lambda: Latest(TimerSet(ends=None)))
    names: Latest[bool] = field(default_factory=lambda: Latest(False))
    messages: dict[str, Message] = field(default_factory=dict)
    polls: dict[str, Poll] = field(default_factory=dict)
    clock: float = 0.0
    """The latest time in the log."""
    _seen: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, records: Iterable[Record]) -> Room:
        """The room of a log."""
        room = cls()
        for record in records:
            room.apply(record)
        return room

    def knows(self, record: str) -> bool:
        """Whether a record, other than a seat's events, has been taken in."""
        return record in self._seen

    def seat(self, identity: str) -> Seat:
        """A seat; made when nothing was known of it yet."""
        found = self.seats.get(identity)
        if found is None:
            found = self.seats[identity] = Seat(identity)
        return found

    def members(self) -> list[Seat]:
        """The seats that have been taken, in the order in which that happened."""
        return sorted((s for s in self.seats.values() if s.known), key=lambda seat: (seat.joined or 0.0, seat.id))

    def apply(self, record: Record) -> bool:
        """Take in a record; False when it was known."""
        body = record.body
        if isinstance(body, Did):
            got = self.seat(body.seat).got.setdefault(body.stream, set())
            if body.n in got:
                return False
            got.add(body.n)
            self._did((record.at, body.n, record.id), body)
        else:
            if record.id in self._seen:
                return False
            self._seen.add(record.id)
            self._said((record.at, 0, record.id), record)
        self.clock = max(self.clock, record.at)
        return True

    def _said(self, stamp: Stamp, record: Record) -> None:
        body = record.body
        match body:
            case RoomOpened():
                self.opened.put(stamp, body)
            case SeatTaken():
                seat = self.seat(body.seat)
                if stamp > seat.name.stamp:
                    seat.key = body.key
                seat.name.put(stamp, body.name)
                seat.joined = record.at if seat.joined is None else min(seat.joined, record.at)
            case SeatAllowed():
                self.seat(body.seat).allowed.put(stamp, body.allowed)
            case SeatHere():
                self.seat(body.seat).here.setdefault(body.hub, Latest(False)).put(stamp, body.here)
            case DoorSet():
                self.door.put(stamp, body.open)
            case ChapterSet():
                self.chapters.setdefault(body.chapter, Latest(False)).put(stamp, body.open)
            case PaceSet():
                self.pace.put(stamp, (body.chapter, body.step))
            case TimerSet():
                self.timer.put(stamp, body)
            case NamesShown():
                self.names.put(stamp, body.on)
            case Said():
                by = record.by.removeprefix("i:")
                self.messages[record.id] = Message(stamp, by, body.to, body.text, body.kind)
            case PollOpened():
                poll = self.polls.setdefault(body.poll, Poll())
                poll.question.put(stamp, body.question)
                asked = poll.rounds.setdefault(body.round, Round())
                asked.opened = stamp if asked.opened is None else min(asked.opened, stamp)
            case PollClosed():
                asked = self.polls.setdefault(body.poll, Poll()).rounds.setdefault(body.round, Round())
                asked.closed = stamp if asked.closed is None else min(asked.closed, stamp)
            case _:
                pass

    def _did(self, stamp: Stamp, did: Did) -> None:
        seat, event = self.seat(did.seat), did.event
        match event:
            case HandSet():
                seat.hand.put(stamp, event.up)
            case PollAnswered():
                asked = self.polls.setdefault(event.item, Poll()).rounds.setdefault(event.round, Round())
                asked.answers.setdefault(did.seat, {})[stamp] = event.answer
            case QuestionAnswered():
                seat.answered.setdefault((event.chapter, event.item), Latest(0.0)).put(stamp, event.credit)
            case PredictionMade():
                credit = Latest(0.0)
                seat.answered.setdefault((event.chapter, event.item), credit).put(stamp, float(event.right))
            case SectionReached():
                seat.at.put(stamp, (event.chapter, event.item))
            case StepBegun() | StepTried() | StepPassed() | HintOpened() | SolutionOpened():
                seat.at.put(stamp, (event.chapter, event.item))
                _work(seat.steps.setdefault((event.chapter, event.item), Work()), stamp, did)
            case _:
                pass


def _work(work: Work, stamp: Stamp, did: Did) -> None:
    match did.event:
        case StepTried(mistake=mistake):
            work.tries += 1
            work.last.put(stamp, mistake)
            if mistake:
                work.mistakes[mistake] = work.mistakes.get(mistake, 0) + 1
        case StepPassed():
            work.passed = did.when if work.passed is None else min(work.passed, did.when)
        case HintOpened(number=number):
            work.hints = max(work.hints, number)
        case SolutionOpened():
            work.solution = True
        case _:
            pass
    work.begun = did.when if work.begun is None else min(work.begun, did.when)
