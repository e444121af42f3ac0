"""What a workshop was: a report as a pure function of its log."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from tutor.learner.events import StepPassed
from tutor.workshop import views
from tutor.workshop.events import Did, Record
from tutor.workshop.room import Room, Seat, Work
from tutor.workshop.seen import MistakeView, PollView


class SeatReport(msgspec.Struct, frozen=True, kw_only=True):
    """One seat. `steps`: chapter/step → what became of it."""

    seat: str
    name: str
    joined: float
    passed: int
    tries: int
    hints: int
    solutions: int
    right: int
    answered: int
    mistakes: dict[str, int]
    steps: dict[str, StepOfSeat]


class StepOfSeat(msgspec.Struct, frozen=True, kw_only=True):
    """A seat's work on a step; `seconds` until it passed, None when it did not."""

    tries: int
    hints: int
    solution: bool
    seconds: float | None


class StepReport(msgspec.Struct, frozen=True, kw_only=True):
    """A step over the whole class; `median` in seconds."""

    chapter: str
    number: int
    step: str
    title: str
    begun: int
    passed: int
    tries: int
    median: float | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole workshop. `progress`: times at which a step was passed, in order."""

    room: str
    title: str
    began: float
    ended: float
    seats: tuple[SeatReport, ...]
    steps: tuple[StepReport, ...]
    mistakes: tuple[MistakeView, ...]
    polls: tuple[PollView, ...]
    progress: tuple[float, ...]


def of(records: Sequence[Record]) -> Report:
    """The report of a log."""
    room = Room.of(records)
    opened = room.opened.value
    members = room.members()
    firsts: dict[tuple[str, str, str], float] = {}
    for record in records:
        body = record.body
        if isinstance(body, Did) and isinstance(body.event, StepPassed):
            key = (body.seat, body.event.chapter, body.event.item)
            firsts[key] = min(body.when, firsts.get(key, body.when))
    times = [record.at for record in records]
    return Report(
        room=opened.room if opened else "",
        title=opened.title if opened else "",
        began=min(times, default=0.0),
        ended=max(times, default=0.0),
        seats=tuple(_seat(room, seat) for seat in members),
        steps=tuple(_steps(room, members)),
        mistakes=views.mistakes(room),
        polls=tuple(reversed(views.polls(room))),
        progress=tuple(sorted(firsts.values())),
    )


def as_json(report: Report) -> str:
    """The report for programs."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()


def as_csv(report: Report) -> str:
    """A row for each seat and step; cells that a spreadsheet would run as a formula are made text."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(["name", "chapter", "step", "passed", "seconds", "tries", "hints", "solution"])
    steps = {f"{step.chapter}/{step.step}": step for step in report.steps}
    for seat in report.seats:
        for key, step in steps.items():
            done = seat.steps.get(key)
            seconds = "" if done is None or done.seconds is None else round(done.seconds)
            cells = [seat.name, step.number, step.title, "yes" if seconds != "" else "no", seconds]
            cells += [done.tries, done.hints, "yes" if done.solution else "no"] if done else [0, 0, "no"]
            rows.writerow([_cell(cell) for cell in cells])
    return out.getvalue()


def _cell(value: object) -> object:
    """https://owasp.org/www-community/attacks/CSV_Injection: text that begins so is run by spreadsheets."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _seat(room: Room, seat: Seat) -> SeatReport:
    words = {
        (chapter.id, step.id, mistake): text
        for chapter in views.syllabus(room).chapters
        for step in chapter.steps
        for mistake, text in step.mistakes.items()
    }
    mistakes: dict[str, int] = {}
    for (chapter, step), work in seat.steps.items():
        for mistake, times in work.mistakes.items():
            text = words.get((chapter, step, mistake), mistake)
            mistakes[text] = mistakes.get(text, 0) + times
    done = seat.steps.values()
    return SeatReport(
        seat=seat.id,
        name=seat.name.value,
        joined=seat.joined or 0.0,
        passed=sum(work.passed is not None for work in done),
        tries=sum(work.tries for work in done),
        hints=sum(work.hints for work in done),
        solutions=sum(work.solution for work in done),
        right=sum(credit.value >= 1.0 for credit in seat.answered.values()),
        answered=len(seat.answered),
        mistakes=dict(sorted(mistakes.items())),
        steps={f"{chapter}/{step}": _work(work) for (chapter, step), work in sorted(seat.steps.items())},
    )


def _work(work: Work) -> StepOfSeat:
    both = work.passed is not None and work.begun is not None
    seconds = (
        round(work.passed - work.begun, 1) if both and work.passed is not None and work.begun is not None else None
    )
    return StepOfSeat(tries=work.tries, hints=work.hints, solution=work.solution, seconds=seconds)


def _steps(room: Room, members: Iterable[Seat]) -> Iterable[StepReport]:
    seats = list(members)
    for chapter in views.syllabus(room).chapters:
        for step in chapter.steps:
            works = [seat.steps[chapter.id, step.id] for seat in seats if (chapter.id, step.id) in seat.steps]
            taken = [w.passed - w.begun for w in works if w.passed is not None and w.begun is not None]
            yield StepReport(
                chapter=chapter.id,
                number=chapter.number,
                step=step.id,
                title=step.title,
                begun=len(works),
                passed=sum(work.passed is not None for work in works),
                tries=sum(work.tries for work in works),
                median=round(statistics.median(taken), 1) if taken else None,
            )
