"""What the journal's events come to: a fold that knows of no course and no clock. Pure but for its own state.

The order of time decides, and in the same instant the order of writing. Journals of two machines that were merged
come to the same, whichever was first. Events that come in order are folded in as they come (`apply`); what cannot be
(an older event, a grade taken back that is not the last one) raises `Again`, and all is folded from the beginning.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

import msgspec
from msgspec.structs import replace

from tutor.course.contents import Kind
from tutor.learner import schedule
from tutor.learner.events import (
    ChapterFinished,
    ChapterOpened,
    Entry,
    GradeUndone,
    PlacementDone,
    PredictionMade,
    QuestionAnswered,
    ReviewLimitSet,
    SectionReached,
    StepPassed,
    StepTried,
    TaskReviewed,
)
from tutor.learner.schedule import DAY, Card, Rating

State = Literal["new", "begun", "finished"]
Key = tuple[str, str]
"""Ids of a chapter, and of an item in it."""

LIMIT = 20
"""Reviews a day, until the learner says otherwise."""
PAUSE = 600.0
"""Seconds without an event after which nobody is thought to be at work."""
AFTER_PAUSE = 60.0
"""Seconds that count for such a pause."""
HOUR = 3600


class Again(Exception):
    """Events did not come in order: fold all of them from the beginning."""


class Made(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A named mistake at one step: how often and when last it was made, whether the step was put right after that, and
    whether it came back as a task later and was not made again."""

    count: int
    last: float
    put_right: bool = False
    overcome: bool = False


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything about one question, prediction or step.

    Attributes:
        hash: Content hash of what was done, when it was done last.
        right, credit: The latest grade.
        at: When that was.
        passed: Whether the step has passed.
        mistakes: By id; made at this step.
        card: When it comes back; None for what does not.
        entry: Id of the entry that graded it, while nothing else has happened to it since.
        reviewed: Whether that grade was given when it was due.
        before: The record before that grade, to take it back; None where there was none.
    """

    chapter: str
    item: str
    kind: Kind
    hash: str = ""
    right: bool = False
    credit: float = 0.0
    at: float = 0.0
    passed: bool = False
    mistakes: dict[str, Made] = {}
    card: Card | None = None
    entry: str = ""
    reviewed: bool = False
    before: Record | None = None


class Visits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One chapter: its state, its sections in the order they were last seen, and the seconds spent in it."""

    state: State = "new"
    sections: tuple[str, ...] = ()
    seconds: float = 0.0
    last: float = 0.0


class Memory(msgspec.Struct, kw_only=True):
    """All of it.

    Attributes:
        seq: The journal's last entry that is in here.
        hours: Seconds of work by the hour (seconds since the epoch // 3600).
        reviews: Reviews done, by the hour.
        limit: Reviews a day at most.
        start, skip: What the placement test said: the chapter to begin with, those that may be left out.
        touched: Keys of records that changed since they were kept.
    """

    records: dict[Key, Record] = {}
    chapters: dict[str, Visits] = {}
    hours: dict[int, float] = {}
    reviews: dict[int, int] = {}
    limit: int = LIMIT
    start: str = ""
    skip: tuple[str, ...] = ()
    seq: int = 0
    last_at: float = 0.0
    last_chapter: str = ""
    touched: set[Key] = set()

    def copy(self) -> Memory:
        """One that can be changed by itself; what is in it is immutable."""
        return replace(
            self,
            records=dict(self.records),
            chapters=dict(self.chapters),
            hours=dict(self.hours),
            reviews=dict(self.reviews),
            touched=set(self.touched),
        )


def fold(entries: Iterable[Entry], *, cards: bool = True) -> Memory:
    """Fold all events, in any order.

    Args:
        entries: The events.
        cards: Whether to work out the schedule, too.
    """
    found = list(entries)
    undone = {entry.event.of for entry in found if isinstance(entry.event, GradeUndone)}
    memory = Memory()
    # Sorting is stable: in the same instant the order of writing stays.
    for entry in sorted(found, key=lambda entry: entry.at):
        _apply(memory, entry, undone, cards=cards)
    memory.seq = max((entry.seq for entry in found), default=0)
    return memory


def apply(memory: Memory, entry: Entry) -> None:
    """Fold one more event in.

    Raises:
        Again: It cannot be done; the memory is as it was.
    """
    if entry.at < memory.last_at:
        raise Again
    if isinstance(entry.event, GradeUndone):
        _take_back(memory, entry.event)
    _apply(memory, entry, (), cards=True)
    memory.seq = entry.seq


def _apply(memory: Memory, entry: Entry, undone: Collection[str], *, cards: bool) -> None:
    event = entry.event
    _clock(memory, event.chapter, entry.at)
    if entry.id in undone:
        return
    match event:
        case ChapterOpened():
            visits = memory.chapters[event.chapter]
            if visits.state == "new":
                memory.chapters[event.chapter] = replace(visits, state="begun")
        case ChapterFinished():
            memory.chapters[event.chapter] = replace(memory.chapters[event.chapter], state="finished")
        case SectionReached():
            visits = memory.chapters[event.chapter]
            sections = (*(one for one in visits.sections if one != event.item), event.item)
            memory.chapters[event.chapter] = replace(visits, sections=sections)
        case QuestionAnswered(credit=credit):
            _grade(memory, entry, "question", credit, schedule.rating(credit), cards=cards)
        case PredictionMade(right=right):
            _grade(memory, entry, "prediction", float(right), "good" if right else "again", cards=cards)
        case StepPassed():
            _passed(memory, entry)
        case StepTried(mistake=mistake) if mistake:
            _made(memory, entry, mistake, cards=cards)
        case TaskReviewed():
            _task(memory, entry, event, cards=cards)
        case ReviewLimitSet(limit=limit):
            memory.limit = limit
        case PlacementDone(skip=skip):
            memory.start, memory.skip = event.chapter, skip
        case _:
            pass


def _clock(memory: Memory, chapter: str, at: float) -> None:
    if memory.last_at and at > memory.last_at:
        spent = at - memory.last_at if at - memory.last_at <= PAUSE else AFTER_PAUSE
        visits = memory.chapters[memory.last_chapter]
        memory.chapters[memory.last_chapter] = replace(visits, seconds=visits.seconds + spent)
        hour = int(memory.last_at // HOUR)
        memory.hours[hour] = memory.hours.get(hour, 0.0) + spent
    memory.last_at = max(at, memory.last_at)
    memory.last_chapter = chapter
    memory.chapters[chapter] = replace(memory.chapters.get(chapter, Visits()), last=at)


def _record(memory: Memory, entry: Entry, kind: Kind) -> Record:
    key = (entry.event.chapter, entry.event.item)
    found = memory.records.get(key)
    if found is None or found.kind != kind:  # an id that was used for something else: that is over
        return Record(chapter=key[0], item=key[1], kind=kind)
    return found


def _put(memory: Memory, record: Record) -> None:
    key = (record.chapter, record.item)
    memory.records[key] = record
    memory.touched.add(key)


def _grade(memory: Memory, entry: Entry, kind: Kind, credit: float, given: Rating, *, cards: bool) -> None:
    before = _record(memory, entry, kind)
    old = memory.records.get((before.chapter, before.item))
    reviewed = before.card is not None and schedule.is_due(before.card, entry.at)
    if reviewed:
        hour = int(entry.at // HOUR)
        memory.reviews[hour] = memory.reviews.get(hour, 0) + 1
    _put(
        memory,
        replace(
            before,
            hash=entry.event.hash,
            right=credit >= 1.0,
            credit=credit,
            at=entry.at,
            card=schedule.graded(before.card, given, entry.at) if cards else None,
            entry=entry.id,
            reviewed=reviewed,
            before=replace(old, before=None, entry="") if old else None,
        ),
    )


def _passed(memory: Memory, entry: Entry) -> None:
    before = _record(memory, entry, "step")
    mistakes = {name: replace(made, put_right=True) for name, made in before.mistakes.items()}
    _put(memory, replace(before, hash=entry.event.hash, passed=True, mistakes=mistakes, entry=""))


def _made(memory: Memory, entry: Entry, mistake: str, *, cards: bool) -> None:
    """A mistake in a lab; made again and again on one day it is still one thing to learn."""
    before = _record(memory, entry, "step")
    card = before.card
    if cards and (card is None or entry.at - card.last >= DAY):
        card = schedule.graded(card, "again", entry.at)
    mistakes = {**before.mistakes, mistake: _once_more(before, mistake, entry.at)}
    _put(memory, replace(before, hash=entry.event.hash, mistakes=mistakes, card=card, entry=""))


def _once_more(record: Record, mistake: str, at: float) -> Made:
    made = record.mistakes.get(mistake)
    return Made(count=made.count + 1 if made else 1, last=at)


def _task(memory: Memory, entry: Entry, event: TaskReviewed, *, cards: bool) -> None:
    given: Rating
    if not event.passed or event.solution:
        given, credit = "again", 0.0
    elif event.hints or event.mistakes:
        # A mistake that was put right unaided was perhaps only a way there: one more look, but no fall.
        given, credit = "hard", schedule.HARD_CREDIT
    else:
        given, credit = "good", 1.0
    _grade(memory, entry, "step", credit, given, cards=cards)
    record = memory.records[event.chapter, event.item]
    mistakes = dict(record.mistakes)
    for name, made in mistakes.items():
        if name not in event.mistakes and event.passed and not event.solution:
            mistakes[name] = replace(made, overcome=True, put_right=True)
    for name in event.mistakes:
        mistakes[name] = replace(_once_more(record, name, entry.at), put_right=event.passed)
    _put(memory, replace(record, mistakes=mistakes))


def _take_back(memory: Memory, event: GradeUndone) -> None:
    record = memory.records.get((event.chapter, event.item))
    if record is None or not record.entry or record.entry != event.of:
        raise Again
    if record.reviewed:
        hour = int(record.at // HOUR)
        memory.reviews[hour] -= 1
        if not memory.reviews[hour]:
            del memory.reviews[hour]
    key = (record.chapter, record.item)
    memory.touched.add(key)
    if record.before is None:
        del memory.records[key]
    else:
        memory.records[key] = record.before
