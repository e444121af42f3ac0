"""A class in the middle of a chapter, for pictures: what the log of its room holds after half an hour."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.unit.workshop.hubs import Running
from tests.unit.workshop.waiting import until
from tutor.course.loader import load_course
from tutor.engine import images
from tutor.learner.events import AnyEvent, HandSet, PollAnswered, StepBegun, StepPassed, StepTried
from tutor.workshop import polls, syllabus
from tutor.workshop.events import (
    AnyBody,
    ChapterSet,
    Did,
    PaceSet,
    PollClosed,
    PollOpened,
    Record,
    SeatHere,
    SeatTaken,
    TimerSet,
)

COURSE = load_course()
CHAPTERS = (4, 17, 22)
SYLLABUS = syllabus.of(COURSE, CHAPTERS)
_CHAPTER = SYLLABUS.chapters[1]


def records(count: int, hub: str, now: float) -> list[Record]:
    """What happened.

    Args:
        count: Seats.
        hub: The hub's id, to which most of them are connected.
        now: Seconds since the epoch.
    """
    chance = random.Random(count)
    made = [
        *_said(now - 1800, ChapterSet(chapter=SYLLABUS.chapters[0].id, open=True)),
        *_said(now - 1500, ChapterSet(chapter=_CHAPTER.id, open=True)),
        *_said(now - 1400, PaceSet(chapter=_CHAPTER.id, step=_CHAPTER.steps[2].id)),
        *_said(now - 200, TimerSet(ends=now + 524, label="Lab")),
    ]
    for number in range(1, count + 1):
        made += _seat(number, chance, hub, now)
    return made + _poll(count, chance, now)


def _said(at: float, body: AnyBody) -> Iterator[Record]:
    yield Record(id=f"i-{at:.0f}-{type(body).__name__}", at=at, by="i:Instructor", body=body)


def _did(seat: str, n: int, when: float, event: AnyEvent) -> Record:
    return Record(id=f"{seat}-j-{n}", at=when, by=seat, body=Did(seat=seat, stream="j", n=n, when=when, event=event))


def _seat(number: int, chance: random.Random, hub: str, now: float) -> Iterator[Record]:
    seat = f"s{number}"
    taken = SeatTaken(seat=seat, name=f"Learner {number}", key=f"k{number}")
    yield Record(id=f"join-{seat}", at=now - 1700 + number / 100, by="hub", body=taken)
    yield Record(
        id=f"here-{seat}", at=now - 1600, by="hub", body=SeatHere(seat=seat, hub=hub, here=chance.random() > 0.06)
    )
    n, at, pace = 0, now - 1400 + chance.random() * 60, chance.uniform(0.6, 1.7)
    for step in _CHAPTER.steps:
        key = {"chapter": _CHAPTER.id, "item": step.id}
        n += 1
        yield _did(seat, n, at, StepBegun(**key))
        needs = chance.uniform(150, 420) * pace
        known = list(step.mistakes)
        for share in sorted(chance.random() for _ in range(chance.choice((0, 0, 1, 1, 2, 6 if pace > 1.5 else 2)))):
            when = at + share * needs
            if when < now:
                n += 1
                mistake = known[0 if chance.random() < 0.7 else -1] if known and chance.random() < 0.8 else ""
                yield _did(seat, n, when, StepTried(**key, findings=1, mistake=mistake))
        at += needs
        if at > now:
            break
        n += 1
        yield _did(seat, n, at, StepPassed(**key))
    if number % 13 == 3:
        yield _did(seat, 900, now - 240 + number, HandSet(chapter="", item="r1", up=True))


def _poll(count: int, chance: random.Random, now: float) -> list[Record]:
    chapter = next(one for one in COURSE.chapters if one.chapter == CHAPTERS[1])
    question = next(
        one
        for asked in polls.questions(chapter)
        if (one := polls.of_question(chapter, asked, images.reference_variables()))
        if not one.several and any(option.right for option in one.options)
    )
    right = [option.id for option in question.options if option.right]
    made = []
    for number, at, share in ((1, now - 900, 0.45), (2, now - 700, 0.85)):
        made += _said(at, PollOpened(poll="p1", round=number, question=question))
        for seat in range(1, count + 1):
            if chance.random() < 0.93:
                chosen = right if chance.random() < share else [chance.choice(question.options).id]
                answer = PollAnswered(chapter="", item="p1", room="r1", round=number, answer=tuple(chosen[:1]))
                made.append(_did(f"s{seat}", 1000 + number, at + chance.uniform(3, 60), answer))
        made += _said(at + 90, PollClosed(poll="p1", round=number))
    return made


async def happen(hub: Running, happened: list[Record]) -> None:
    """Write into the room's log, and wait until its hub has read it."""
    room = hub.hub.room

    def known(record: Record) -> bool:
        body = record.body
        return body.n in room.seat(body.seat).got.get("j", ()) if isinstance(body, Did) else room.knows(record.id)

    await hub.hub.log.append(happened)
    await until(lambda: all(map(known, happened)))


def about_poll(record: Record) -> bool:
    """Whether a record is of the poll."""
    body = record.body
    return isinstance(body, (PollOpened, PollClosed)) or (
        isinstance(body, Did) and isinstance(body.event, PollAnswered)
    )
