"""All that a learner wants to know of themselves, as one value: for line mode, the screen, JSON and the page. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo

import msgspec

from tutor.course import mistakes
from tutor.course.contents import ChapterHeading, contents_of
from tutor.course.models import Chapter, Course, Predict, Step
from tutor.course.tasks import Task, all_tasks
from tutor.learner import progress, review, schedule, whereabouts
from tutor.learner.memory import HOUR, Key, Made, Memory, Record


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """So many of so many."""

    done: int
    of: int


class ChapterView(msgspec.Struct, frozen=True, kw_only=True):
    """One chapter.

    Attributes:
        share: How much of it is done, from 0.0 to 1.0.
        right: Of the questions and predictions that were answered, those whose latest answer was right.
        minutes: Spent in it.
        recall: How likely what was answered there is remembered today, from 0.0 to 1.0; None where nothing was.
        updated: Ids of what has changed since it was done.
    """

    chapter: int
    id: str
    title: str
    state: progress.State
    share: float
    steps: Share
    right: Share
    minutes: int
    recall: float | None = None
    updated: tuple[str, ...] = ()


class MistakeView(msgspec.Struct, frozen=True, kw_only=True):
    """A named mistake: how often it was made, and whether it is overcome (met again as a task, and not made)."""

    id: str
    title: str
    chapter: int
    count: int
    put_right: bool
    overcome: bool


class Weak(msgspec.Struct, frozen=True, kw_only=True):
    """Something that does not sit yet.

    Attributes:
        about: The question, or the step's title, on one line.
        why: In words.
        due: When it comes back, seconds since the epoch.
        days: How long it holds now: days after which it is remembered with a probability of 0.9.
    """

    chapter: int
    id: str
    about: str
    why: str
    due: float
    days: float


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """Everything.

    Attributes:
        at: When this was true, seconds since the epoch.
        minutes: Spent in all.
        days: Minutes by date, in the learner's time zone.
        coming: Reviews that come due by date, for the next two weeks; what is overdue counts for today.
    """

    at: float
    finished: Share
    chapters: tuple[ChapterView, ...]
    mistakes: tuple[MistakeView, ...]
    weak: tuple[Weak, ...]
    minutes: int
    days: dict[str, int]
    due: int
    reviewed_today: int
    limit: int
    coming: dict[str, int]


WEAKEST = 8
"""How many weak things are shown."""
AHEAD = 14
"""Days that are looked ahead."""


def overview(
    course: Course,
    memory: Memory,
    now: float,
    zone: tzinfo | None = None,
    *,
    shown: Callable[[Chapter, str], str] = lambda chapter, text: text,
) -> Overview:
    """Put everything together.

    Args:
        now: Seconds since the epoch.
        shown: Fills in the variables in a text of a chapter.
        zone: The learner's time zone; the machine's when left out.
    """
    contents = contents_of(course)
    records = whereabouts.settle(contents, memory)
    done = progress.of_course(contents, memory)
    tasks = all_tasks(course)
    scheduled = review.scheduled(contents, memory)
    return Overview(
        at=now,
        finished=Share(done=sum(one.state == "finished" for one in done.values()), of=len(done)),
        chapters=tuple(_chapter(chapter, done[chapter.id], memory, scheduled, now) for chapter in contents),
        mistakes=_mistakes(course, records),
        weak=_weak(scheduled, tasks, shown),
        minutes=round(sum(memory.hours.values()) / 60),
        days=_days(memory, zone),
        due=review.count(contents, memory, now, zone),
        reviewed_today=review.done_today(memory, now, zone),
        limit=memory.limit,
        coming=_coming(scheduled, now, zone),
    )


def _chapter(
    chapter: ChapterHeading, done: progress.ChapterProgress, memory: Memory, scheduled: Mapping[Key, Record], now: float
) -> ChapterView:
    visits = memory.chapters.get(chapter.id)
    own = [record for key, record in scheduled.items() if key[0] == chapter.id]
    # On the day itself everything is remembered, what was wrong too: that tells nothing.
    recalls = [schedule.recall(card, max(now, card.last + schedule.DAY)) for record in own if (card := record.card)]
    answers = (*done.questions.values(), *done.predictions.values())
    return ChapterView(
        chapter=chapter.chapter,
        id=chapter.id,
        title=chapter.title,
        state=done.state,
        share=round(done.share, 3),
        steps=Share(done=len(done.steps), of=chapter.count("step")),
        right=Share(done=sum(answers), of=len(answers)),
        minutes=round(visits.seconds / 60) if visits else 0,
        recall=round(sum(recalls) / len(recalls), 3) if recalls else None,
        updated=tuple(sorted(done.updated)),
    )


def _mistakes(course: Course, records: Mapping[Key, Record]) -> tuple[MistakeView, ...]:
    tasks = all_tasks(course)
    made: dict[str, list[tuple[Key, Made]]] = {}
    for key, record in records.items():
        for name, one in record.mistakes.items():
            # Mistakes with a name of their own step are that step's; shared ones are the same everywhere.
            made.setdefault(name if name in course.mistakes else f"{name} {key}", []).append((key, one))
    found = []
    for name, ones in made.items():
        shared = course.mistakes.get(name)
        where, own = tasks.get(ones[0][0], (None, None))
        words = name.partition(" ")[0]
        title = mistakes.title(words)
        if isinstance(own, Step):
            title = f"{title} ({own.title})"
        found.append(
            MistakeView(
                id=words,
                title=shared.title if shared else title,
                chapter=shared.chapter if shared else where.chapter if where else 0,
                count=sum(one.count for _, one in ones),
                put_right=all(one.put_right for _, one in ones),
                overcome=all(one.overcome for _, one in ones),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.overcome, -one.count, one.id)))


def _weak(
    scheduled: Mapping[Key, Record], tasks: Mapping[Key, tuple[Chapter, Task]], shown: Callable[[Chapter, str], str]
) -> tuple[Weak, ...]:
    found = []
    for key, record in scheduled.items():
        card = record.card
        open_mistakes = [name for name, made in record.mistakes.items() if not made.overcome]
        if card is None or not (open_mistakes or not record.right or card.lapses > 1):
            continue
        chapter, task = tasks[key]
        if record.kind == "step":
            why = "a mistake made there has not been overcome" if open_mistakes else "forgotten more than once"
        else:
            why = "the latest answer was not right" if not record.right else "forgotten more than once"
        due, days = round(card.due - schedule.EARLY), round(card.stability, 2)
        found.append(
            Weak(
                chapter=chapter.chapter,
                id=task.id,
                about=_short(shown(chapter, _about(task))),
                why=why,
                due=due,
                days=days,
            )
        )
    return tuple(sorted(found, key=lambda one: (one.days, one.chapter, one.id))[:WEAKEST])


def _about(task: Task) -> str:
    if isinstance(task, Step):
        return task.title
    words = " ".join(task.ask.split())
    if isinstance(task, Predict):
        words = f"{words}  {' '.join(task.run.split())}"
    return words


def _short(words: str) -> str:
    return words if len(words) <= 90 else f"{words[:89].rstrip()}…"


def _days(memory: Memory, zone: tzinfo | None) -> dict[str, int]:
    seconds: dict[str, float] = {}
    for hour in sorted(memory.hours):
        day = _date(hour * HOUR, zone).isoformat()
        seconds[day] = seconds.get(day, 0.0) + memory.hours[hour]
    return {day: max(round(spent / 60), 1) for day, spent in seconds.items()}


def _coming(scheduled: Mapping[Key, Record], now: float, zone: tzinfo | None) -> dict[str, int]:
    today = _date(now, zone)
    days = {date.fromordinal(today.toordinal() + ahead).isoformat(): 0 for ahead in range(AHEAD)}
    for record in scheduled.values():
        if record.card is not None:
            day = max(_date(record.card.due - schedule.EARLY, zone), today).isoformat()
            if day in days:
                days[day] += 1
    return days


def _date(at: float, zone: tzinfo | None) -> date:
    return datetime.fromtimestamp(at, zone).date()
