"""What each of those in a room may see, as typed values made from the room. Pure.

`common` is what every learner sees, `you` what only one of them sees, `board` what instructors see, `screen` what the
projector shows. Right answers and results of a poll leave `common` out while one of its rounds is open.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable

import msgspec

from tutor.workshop.events import PollOption
from tutor.workshop.room import Message, Poll, Room, Seat, Work
from tutor.workshop.seen import (
    Board,
    ChapterView,
    Common,
    MessageView,
    MistakeView,
    PollView,
    RoundView,
    Screen,
    SeatRow,
    Summary,
    You,
    fields,
)
from tutor.workshop.syllabus import ChapterOutline, Syllabus

_SLOW = 2.0  # times what the class needed
_LEAST = 120.0  # seconds: nobody is stuck before
_ALONE = 480.0  # seconds, where too few have passed to compare
_COMPARED = 3  # so many must have passed to compare
_TRIES = 5  # failed attempts
_SHOWN = 30  # messages


def syllabus(room: Room) -> Syllabus:
    """What is taught in the room."""
    opened = room.opened.value
    return opened.syllabus if opened else Syllabus()


def common(room: Room, now: float) -> Common:
    """What every learner sees."""
    opened = room.opened.value
    timer = room.timer.value
    latest = _latest_poll(room)
    return Common(
        room=opened.room if opened else "",
        title=opened.title if opened else "",
        now=now,
        chapters=_chapters(room),
        pace=room.pace.value,
        timer=timer.ends,
        timer_label=timer.label,
        messages=_messages(m for m in room.messages.items() if not m[1].to),
        poll=poll_view(latest[0], latest[1], room, hidden=_asked_now(latest[1])) if latest else None,
    )


def you(room: Room, seat: str) -> You:
    """What one learner sees."""
    found = room.seats.get(seat) or Seat(seat)
    latest = _latest_poll(room)
    answers = {}
    if latest:
        for number, asked in latest[1].rounds.items():
            final = asked.final(seat)
            if final is not None:
                answers[str(number)] = final
    return You(
        seat=seat,
        name=found.name.value,
        hand=found.hand.value,
        messages=_messages(m for m in room.messages.items() if m[1].to == seat),
        answers=answers,
    )


def summary(room: Room, now: float) -> Summary:
    """What instructors see beside the rows."""
    chapter = focus(room)
    up = (seat for seat in room.members() if seat.hand.value and seat.allowed.value)
    return Summary(
        common=common(room, now),
        chapter=chapter.id if chapter else "",
        names=room.names.value,
        door=room.door.value,
        hands=tuple(seat.id for seat in sorted(up, key=lambda seat: seat.hand.stamp)),
        mistakes=mistakes(room),
        polls=polls(room),
    )


def board(room: Room, now: float, hubs: Collection[str]) -> Board:
    """All that instructors see; `hubs`: those that live."""
    chapter, pace = focus(room), needed(room)
    rows = tuple(row(room, seat, now, hubs, chapter, pace) for seat in room.members())
    return Board(**fields(summary(room, now)), seats=rows)


def screen(room: Room, now: float, hubs: Collection[str]) -> Screen:
    """What the projector shows."""
    opened = room.opened.value
    chapter = focus(room)
    members = [seat for seat in room.members() if seat.allowed.value]
    there = [seat for seat in members if seat.is_here(hubs)]
    shown = next((c for c in _chapters(room) if chapter and c.id == chapter.id), None)
    passed = [0] * len(chapter.steps) if chapter else []
    for place, step in enumerate(chapter.steps if chapter else ()):
        passed[place] = sum(_passed(seat, (chapter.id, step.id)) for seat in members) if chapter else 0
    pace = room.pace.value
    timer = room.timer.value
    latest = _latest_poll(room)
    return Screen(
        title=opened.title if opened else "",
        now=now,
        seats=len(members),
        there=len(there),
        chapter=shown,
        step=pace[1] if chapter and pace[0] == chapter.id else "",
        passed=tuple(passed),
        timer=timer.ends,
        timer_label=timer.label,
        poll=_without_reasons(poll_view(latest[0], latest[1], room), _asked_now(latest[1])) if latest else None,
        hands=sum(seat.hand.value for seat in members),
        names=tuple(seat.name.value for seat in there) if room.names.value else (),
    )


def row(
    room: Room,
    seat: Seat,
    now: float,
    hubs: Collection[str],
    chapter: ChapterOutline | None,
    pace: dict[tuple[str, str], float],
) -> SeatRow:
    """One seat's row.

    Args:
        chapter: The chapter whose steps are shown (`focus`).
        pace: What the class needed (`needed`).
    """
    where, step = seat.at.value
    work = seat.steps.get((where, step), Work())
    outline = syllabus(room).chapter(where)
    place = ""
    words: dict[str, str] = {}
    if outline:
        place = str(outline.number)
        for number, one in enumerate(outline.steps, 1):
            if one.id == step:
                place, words = f"{outline.number}.{number}", one.mistakes
    at_work = work.begun is not None and work.passed is None
    latest = _latest_poll(room)
    return SeatRow(
        seat=seat.id,
        name=seat.name.value,
        here=seat.is_here(hubs),
        allowed=seat.allowed.value,
        steps="".join(_letter(seat.steps.get((chapter.id, one.id))) for one in chapter.steps) if chapter else "",
        place=place,
        since=work.begun if at_work else None,
        tries=work.tries if at_work else 0,
        mistake=words.get(work.last.value, "") if at_work else "",
        stuck=_stuck(work, pace.get((where, step)), now) if at_work and seat.allowed.value else "",
        hand=seat.hand.value,
        answered=bool(latest and any(r.open and r.final(seat.id) is not None for r in latest[1].rounds.values())),
    )


def focus(room: Room) -> ChapterOutline | None:
    """The chapter the class is in: where it should be, else the one opened last, else the first."""
    chapters = syllabus(room).chapters
    pace = room.pace.value[0]
    opened = [(value.stamp, identity) for identity, value in room.chapters.items() if value.value]
    wanted = [pace, *(identity for _, identity in sorted(opened, reverse=True))]
    for identity in wanted:
        for chapter in chapters:
            if chapter.id == identity:
                return chapter
    return chapters[0] if chapters else None


def needed(room: Room) -> dict[tuple[str, str], float]:
    """Seconds that the class needed for a step (the median), where enough seats have passed it to say so."""
    taken: dict[tuple[str, str], list[float]] = {}
    for seat in room.seats.values():
        for step, work in seat.steps.items():
            if work.passed is not None and work.begun is not None:
                taken.setdefault(step, []).append(work.passed - work.begun)
    return {step: statistics.median(times) for step, times in taken.items() if len(times) >= _COMPARED}


def mistakes(room: Room) -> tuple[MistakeView, ...]:
    """The misconceptions of the class: those that hold somebody up now first, then those that most seats had."""
    had: dict[tuple[str, str, str], int] = {}
    now: dict[tuple[str, str, str], int] = {}
    for seat in room.members():
        for (chapter, step), work in seat.steps.items():
            for mistake in work.mistakes:
                had[chapter, step, mistake] = had.get((chapter, step, mistake), 0) + 1
            if work.passed is None and work.last.value:
                key = (chapter, step, work.last.value)
                now[key] = now.get(key, 0) + 1
    titles = {
        (chapter.id, step.id, mistake): words
        for chapter in syllabus(room).chapters
        for step in chapter.steps
        for mistake, words in step.mistakes.items()
    }
    ranked = sorted(had, key=lambda key: (-now.get(key, 0), -had[key], key))
    return tuple(
        MistakeView(chapter=key[0], step=key[1], mistake=key[2], words=titles[key], seats=had[key], now=now.get(key, 0))
        for key in ranked
        if key in titles
    )


def polls(room: Room) -> tuple[PollView, ...]:
    """All polls with their results, the latest first."""
    asked = sorted(
        ((stamp, name) for name, poll in room.polls.items() if (stamp := _asked_at(poll)) is not None), reverse=True
    )
    views = (poll_view(name, room.polls[name], room) for _, name in asked)
    return tuple(view for view in views if view is not None)


def poll_view(name: str, poll: Poll, room: Room, *, hidden: bool = False) -> PollView | None:
    """A poll; without results and right answers when they are to be hidden. None when its question is unknown."""
    question = poll.question.value
    if question is None:
        return None
    if hidden:
        plain = tuple(PollOption(id=option.id, text=option.text) for option in question.options)
        question = msgspec.structs.replace(question, options=plain)
    rounds = []
    for number, asked in sorted(poll.rounds.items()):
        if asked.opened is None:
            continue
        counts = {option.id: 0 for option in question.options}
        answered = 0
        for seat in asked.answers:
            final = asked.final(seat)
            member = room.seats.get(seat)
            if final is None or member is None or not member.known or not member.allowed.value:
                continue
            answered += 1
            for option in set(final) & counts.keys():
                counts[option] += 1
        rounds.append(RoundView(round=number, open=asked.open, answered=answered, counts={} if hidden else counts))
    return PollView(poll=name, question=question, rounds=tuple(rounds), open=_asked_now(poll)) if rounds else None


def _without_reasons(view: PollView | None, asked_now: bool) -> PollView | None:
    """On the projector bars are live, but what is right shows only when nobody is asked any more."""
    if view is None or not asked_now:
        return view
    plain = tuple(PollOption(id=option.id, text=option.text) for option in view.question.options)
    return msgspec.structs.replace(view, question=msgspec.structs.replace(view.question, options=plain))


def _asked_now(poll: Poll) -> bool:
    return any(asked.open for asked in poll.rounds.values())


def _asked_at(poll: Poll) -> tuple[float, int, str] | None:
    stamps = [asked.opened for asked in poll.rounds.values() if asked.opened is not None]
    return max(stamps, default=None)


def _latest_poll(room: Room) -> tuple[str, Poll] | None:
    asked = [(stamp, name) for name, poll in room.polls.items() if (stamp := _asked_at(poll)) is not None]
    return (max(asked)[1], room.polls[max(asked)[1]]) if asked else None


def _chapters(room: Room) -> tuple[ChapterView, ...]:
    return tuple(
        ChapterView(
            id=chapter.id,
            number=chapter.number,
            title=chapter.title,
            open=chapter.id in room.chapters and room.chapters[chapter.id].value,
            steps=tuple(step.title for step in chapter.steps),
            ids=tuple(step.id for step in chapter.steps),
        )
        for chapter in syllabus(room).chapters
    )


def _messages(found: Iterable[tuple[str, Message]]) -> tuple[MessageView, ...]:
    latest = sorted(found, key=lambda pair: pair[1].stamp)[-_SHOWN:]
    return tuple(MessageView(id=i, at=m.stamp[0], by=m.by, text=m.text, kind=m.kind) for i, m in latest)


def _passed(seat: Seat, step: tuple[str, str]) -> bool:
    return step in seat.steps and seat.steps[step].passed is not None


def _letter(work: Work | None) -> str:
    if work is None:
        return "-"
    return "p" if work.passed is not None else "t" if work.tries else "b"


def _stuck(work: Work, usual: float | None, now: float) -> str:
    if work.tries >= _TRIES:
        return f"{work.tries} tries on this step"
    took = now - (work.begun if work.begun is not None else now)
    if usual is not None and took > max(_SLOW * usual, _LEAST):
        return f"{took // 60:.0f} min on this step; the class needed {max(usual / 60, 0.5):.0f}"
    if usual is None and took > _ALONE:
        return f"{took // 60:.0f} min on this step"
    return ""
