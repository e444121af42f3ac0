"""The plan of a workshop: chapters and pauses with their minutes. Pure but for reading and writing the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import yaml

from tutor.course.models import Chapter, Course
from tutor.problems import Problem
from tutor.workshop.events import AgendaItem

READY: dict[str, tuple[int, tuple[int, ...]]] = {
    "90-minutes": (90, (1, 4, 17, 22)),
    "half-a-day": (240, (1, 4, 5, 16, 17, 18, 22)),
    "a-day": (420, (1, 4, 5, 12, 15, 16, 17, 18, 19, 21, 22, 24, 25)),
}
"""Ready agendas: minutes, and the chapters from which is taken what fits, in order of the course."""

_PAUSE_AFTER = 80  # minutes of work
_PAUSE = 10
_LUNCH = 60
_LUNCH_FROM = 300  # minutes of a workshop that has a lunch


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a workshop does, and for how many."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "Docker workshop"
    seats: Annotated[int, msgspec.Meta(ge=1, le=2000)] = 30
    agenda: Annotated[tuple[AgendaItem, ...], msgspec.Meta(min_length=1, max_length=60)]

    @property
    def chapters(self) -> tuple[int, ...]:
        """The numbers of its chapters, in its order."""
        return tuple(dict.fromkeys(item.chapter for item in self.agenda if item.chapter is not None))

    @property
    def minutes(self) -> int:
        """All of it, pauses included."""
        return sum(item.minutes for item in self.agenda)


def of_chapters(course: Course, numbers: Iterable[int], *, title: str = "", seats: int = 30) -> Plan:
    """A plan of these chapters in this order, each with the minutes it says, and pauses between.

    Raises:
        Problem: `no-such-chapter`, `no-chapters`.
    """
    chapters = [_chapter(course, number) for number in dict.fromkeys(numbers)]
    if not chapters:
        raise Problem("A workshop needs a chapter.", "See: docker tutor list", code="no-chapters", status=2)
    return Plan(title=title or "Docker workshop", seats=seats, agenda=tuple(_with_pauses(chapters, lunch=False)))


def ready(course: Course, name: str, *, title: str = "", seats: int = 30) -> Plan:
    """A ready agenda: what fits into its minutes, one chapter after the other as the course has them.

    Raises:
        Problem: `no-such-agenda`.
    """
    if name not in READY:
        raise Problem(
            f"There is no ready agenda {name}.", f"There are: {', '.join(READY)}.", code="no-such-agenda", status=2
        )
    minutes, wanted = READY[name]
    known = {chapter.chapter: chapter for chapter in course.chapters}
    lunch = minutes >= _LUNCH_FROM
    chosen: list[Chapter] = []
    for number in wanted:
        if number in known:
            items = _with_pauses([*chosen, known[number]], lunch=lunch)
            if sum(item.minutes for item in items) <= minutes:
                chosen.append(known[number])
    return Plan(title=title or "Docker workshop", seats=seats, agenda=tuple(_with_pauses(chosen, lunch=lunch)))


def load(path: Path, course: Course) -> Plan:
    """A plan's file.

    Raises:
        Problem: `no-plan`, `bad-plan`, `no-such-chapter`.
    """
    try:
        plan = msgspec.convert(yaml.load(path.read_bytes(), yaml.CSafeLoader), Plan)
    except OSError as error:
        raise Problem(
            f"{path} cannot be read ({error.strerror}).",
            "Write one: docker tutor workshop plan",
            code="no-plan",
            status=2,
        ) from error
    except (yaml.YAMLError, msgspec.ValidationError, ValueError) as error:
        raise Problem(
            f"{path} is no plan: {' '.join(str(error).split())}.",
            "docker tutor workshop plan --write FILE writes one to start from.",
            code="bad-plan",
            status=2,
        ) from error
    for number in plan.chapters:
        _chapter(course, number)
    return plan


def written(plan: Plan, course: Course) -> str:
    """A plan as the text of its file."""
    titles = {chapter.chapter: chapter.title for chapter in course.chapters}
    lines = [f"title: {_quoted(plan.title)}", f"seats: {plan.seats}", "agenda:"]
    for item in plan.agenda:
        if item.chapter is None:
            lines.append(f"  - {{minutes: {item.minutes}, title: {_quoted(item.title)}}}")
        else:
            lines.append(f"  - {{minutes: {item.minutes}, chapter: {item.chapter}}}  # {titles[item.chapter]}")
    return "\n".join(lines) + "\n"


def timetable(plan: Plan, titles: Mapping[int, str]) -> list[tuple[int, int, str]]:
    """Each part: the minute it begins, its minutes, what it is."""
    at, rows = 0, []
    for item in plan.agenda:
        name = item.title if item.chapter is None else f"{item.chapter} · {titles.get(item.chapter, '?')}"
        rows.append((at, item.minutes, name))
        at += item.minutes
    return rows


def _with_pauses(chapters: list[Chapter], *, lunch: bool) -> list[AgendaItem]:
    items: list[AgendaItem] = []
    worked = total = 0
    for place, chapter in enumerate(chapters):
        items.append(AgendaItem(minutes=chapter.minutes, chapter=chapter.chapter))
        worked += chapter.minutes
        total += chapter.minutes
        last = place == len(chapters) - 1
        if lunch and total >= 150 and not last:
            items.append(AgendaItem(minutes=_LUNCH, title="Lunch"))
            lunch, worked = False, 0
        elif worked >= _PAUSE_AFTER and not last:
            items.append(AgendaItem(minutes=_PAUSE, title="Pause"))
            worked = 0
    return items


def _chapter(course: Course, number: int) -> Chapter:
    for chapter in course.chapters:
        if chapter.chapter == number:
            return chapter
    raise Problem(f"The course has no chapter {number}.", "See: docker tutor list", code="no-such-chapter", status=2)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
