"""What is to be asked again today: questions and predictions, wrong or old, and steps with a mistake in them. Pure.

Times are seconds since the epoch; the clock and the time zone are the caller's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

import msgspec

from tutor.course.contents import Contents, all_headings
from tutor.learner import schedule, whereabouts
from tutor.learner.memory import HOUR, Key, Memory, Record
from tutor.learner.schedule import Card

if TYPE_CHECKING:
    from tutor.course.models import Chapter, Course
    from tutor.course.tasks import Task


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to ask again.

    Attributes:
        task: A question, a prediction, or a step to do on the engine.
        card: Its card.
        mistakes: Ids of the mistakes that brought a step back.
        updated: Whether its text has changed since.
    """

    chapter: Chapter
    task: Task
    card: Card
    mistakes: tuple[str, ...] = ()
    updated: bool = False


class Today(msgspec.Struct, frozen=True, kw_only=True):
    """A day's reviews.

    Attributes:
        due: What today shall bring, most forgotten first, no more than the limit leaves.
        waiting: How many more are due and will wait for another day.
        done: Reviews done today.
        limit: Reviews a day at most.
        next_at: When the next thing is due, where nothing is now; None when nothing is scheduled.
    """

    due: tuple[Due, ...]
    waiting: int
    done: int
    limit: int
    next_at: float | None


def today(course: Course, contents: Contents, memory: Memory, now: float, zone: tzinfo | None = None) -> Today:
    """What is to be asked again today.

    Args:
        contents: The course's.
        now: The time.
        zone: The learner's time zone; the machine's when left out.
    """
    cards = scheduled(contents, memory)
    ready = [(key, record) for key, record in cards.items() if _card(record) and schedule.is_due(_card(record), now)]
    ready.sort(key=lambda pair: (-schedule.forgotten(_card(pair[1]), now), pair[0]))
    done = done_today(memory, now, zone)
    room = max(memory.limit - done, 0)
    # Imported here: who only counts needs no texts.
    from tutor.course.tasks import all_tasks

    tasks = all_tasks(course) if ready else {}
    headings = all_headings(contents)
    due = tuple(
        Due(
            chapter=tasks[key][0],
            task=tasks[key][1],
            card=_card(record),
            mistakes=tuple(name for name, made in record.mistakes.items() if not made.overcome)
            or tuple(record.mistakes),
            updated=headings[key].hash != record.hash,
        )
        for key, record in ready[:room]
    )
    later = [_card(record).due - schedule.EARLY for record in cards.values() if not schedule.is_due(_card(record), now)]
    return Today(
        due=due,
        waiting=len(ready) - len(due),
        done=done,
        limit=memory.limit,
        next_at=None if ready else min(later, default=None),
    )


def scheduled(contents: Contents, memory: Memory) -> Mapping[Key, Record]:
    """All that comes back some day and is in the course as it is now, of the kind it was."""
    records = whereabouts.settle(contents, memory)
    headings = all_headings(contents)
    return {
        key: record
        for key, record in records.items()
        if record.card is not None and key in headings and headings[key].kind == record.kind
    }


def count(contents: Contents, memory: Memory, now: float, zone: tzinfo | None = None) -> int:
    """How many reviews today shall bring; fast, for where nothing more is wanted."""
    ready = sum(schedule.is_due(_card(record), now) for record in scheduled(contents, memory).values())
    return min(ready, max(memory.limit - done_today(memory, now, zone), 0))


def done_today(memory: Memory, now: float, zone: tzinfo | None = None) -> int:
    """Reviews done since midnight."""
    midnight = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    return sum(number for hour, number in memory.reviews.items() if hour >= math.floor(midnight / HOUR))


def _card(record: Record) -> Card:
    assert record.card is not None
    return record.card
