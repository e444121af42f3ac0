"""What happens in a room: frozen typed records, the only things that its log holds.

A record has a time and an id. Records may arrive in any order and more than once; the room (`tutor.workshop.room`)
is the same.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from tutor.learner.events import AnyEvent
from tutor.workshop.syllabus import Syllabus

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Key = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{1,80}\Z")]
"""An id: of a seat, a record, a poll, an option."""
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


class Body(msgspec.Struct, frozen=True, kw_only=True, tag_field="what", forbid_unknown_fields=True):
    """What all bodies share."""


class RoomOpened(Body, frozen=True, kw_only=True, tag="room-opened"):
    """A room begins: its id, its title, what is taught in it, and for how long each part is planned."""

    room: Key
    title: Name
    syllabus: Syllabus
    agenda: tuple[AgendaItem, ...] = ()


class AgendaItem(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the plan: a chapter (or a pause, with no chapter) and its minutes."""

    minutes: Annotated[int, msgspec.Meta(ge=1, le=600)]
    chapter: int | None = None
    title: Annotated[str, msgspec.Meta(max_length=120)] = ""


class SeatTaken(Body, frozen=True, kw_only=True, tag="seat-taken"):
    """Somebody joined; `key` proves later that it is them."""

    seat: Key
    name: Name
    key: Key


class SeatAllowed(Body, frozen=True, kw_only=True, tag="seat-allowed"):
    """An instructor removed a seat, or let it in again."""

    seat: Key
    allowed: bool


class SeatHere(Body, frozen=True, kw_only=True, tag="seat-here"):
    """A seat is connected to a hub, or not any more."""

    seat: Key
    hub: Key
    here: bool


class Did(Body, frozen=True, kw_only=True, tag="did"):
    """An event of a seat's journal.

    Attributes:
        stream: Which journal: the id of the entry with which it joined.
        n: Its place in that journal.
        when: When it happened, by the hub's clock (the seat's own may be wrong), seconds since the epoch.
    """

    seat: Key
    stream: Key
    n: int
    when: float
    event: AnyEvent


class ChapterSet(Body, frozen=True, kw_only=True, tag="chapter-set"):
    """A chapter was opened for the class, or locked."""

    chapter: Key
    open: bool


class PaceSet(Body, frozen=True, kw_only=True, tag="pace-set"):
    """Where the class should be: a chapter, and a step of it or none."""

    chapter: Key
    step: Annotated[str, msgspec.Meta(max_length=64)] = ""


class DoorSet(Body, frozen=True, kw_only=True, tag="door-set"):
    """Whether new seats can be taken; those that are taken come and go as before."""

    open: bool


class TimerSet(Body, frozen=True, kw_only=True, tag="timer-set"):
    """A timer that ends at `ends` (hub's clock); none when that is None."""

    ends: float | None
    label: Annotated[str, msgspec.Meta(max_length=64)] = ""


class NamesShown(Body, frozen=True, kw_only=True, tag="names-shown"):
    """Whether the projector may show names."""

    on: bool


class Said(Body, frozen=True, kw_only=True, tag="said"):
    """A message or a hint, to a seat or (`to` is empty) to all."""

    to: Annotated[str, msgspec.Meta(max_length=80)] = ""
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    kind: Literal["message", "hint"] = "message"


class PollOption(msgspec.Struct, frozen=True, kw_only=True):
    """An option of a poll; `right` is None where only an engine could tell."""

    id: Key
    text: Words
    right: bool | None = None
    because: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class PollQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question as a poll; `several`: more than one option may be chosen."""

    ask: Words
    options: Annotated[tuple[PollOption, ...], msgspec.Meta(min_length=2, max_length=60)]
    several: bool = False


class PollOpened(Body, frozen=True, kw_only=True, tag="poll-opened"):
    """A poll's round begins; the second one asks again, after the class has talked."""

    poll: Key
    round: Annotated[int, msgspec.Meta(ge=1, le=9)]
    question: PollQuestion


class PollClosed(Body, frozen=True, kw_only=True, tag="poll-closed"):
    """A poll's round ends: later answers do not count, and everybody may see the result."""

    poll: Key
    round: Annotated[int, msgspec.Meta(ge=1, le=9)]


Instruction = SeatAllowed | DoorSet | ChapterSet | PaceSet | TimerSet | NamesShown | Said | PollOpened | PollClosed
"""What an instructor may write into the log."""

AnyBody = RoomOpened | SeatTaken | SeatHere | Did | Instruction


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the log.

    Attributes:
        id: Unique in the room; what arrives twice has the same.
        at: Seconds since the epoch by the hub's clock, never before a record that hub had seen.
        by: Who: `hub`, a seat's id, or an instructor's name after `i:`.
    """

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    at: float
    by: Annotated[str, msgspec.Meta(max_length=80)]
    body: AnyBody


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Record).decode
