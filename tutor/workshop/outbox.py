"""The journal is the outbox: what a room has not got yet is read from it, so working offline loses nothing."""

from __future__ import annotations

from typing import Protocol

from tutor.learner.events import WorkshopJoined, WorkshopLeft
from tutor.learner.journal import Journal
from tutor.workshop.protocol import MAX_PUSH, Item
from tutor.workshop.told import told

_CLOCK = 600.0  # seconds that a clock may be set back after joining


class Outbox(Protocol):
    """What a seat has to send."""

    stream: str
    """Names the journal."""

    def teach(self, chapters: frozenset[str]) -> None:
        """Which chapters the room is told of."""

    def after(self, n: int) -> tuple[list[Item], int]:
        """What follows place `n`, at most what one push holds, and the place up to which was looked."""


class JournalOutbox:
    """A learner's journal since they joined, until they leave.

    Args:
        journal: A connection of its own to the journal: then only what is on the disk is sent.
        room: The room's id.
    """

    def __init__(self, journal: Journal, room: str) -> None:
        self._journal = journal
        self._room = room
        self._chapters: frozenset[str] = frozenset()
        self._begin, self.stream, joined = _joined(journal, room)
        self._since = joined - _CLOCK
        self._left = False

    def teach(self, chapters: frozenset[str]) -> None:
        """See `Outbox.teach`."""
        self._chapters = chapters

    def after(self, n: int) -> tuple[list[Item], int]:
        """See `Outbox.after`."""
        found: list[Item] = []
        place = max(n, self._begin)
        if not self.stream or self._left:
            return found, place
        for entry in self._journal.entries(after=place):
            if isinstance(entry.event, WorkshopLeft) and entry.event.item == self._room:
                self._left = True
                break
            place = entry.seq
            # A journal that was merged in brings what happened before.
            if entry.at >= self._since and told(entry.event, self._room, self._chapters):
                found.append(Item(n=entry.seq, at=entry.at, event=entry.event))
                if len(found) == MAX_PUSH:
                    break
        return found, place

    @property
    def left(self) -> bool:
        """Whether the learner has left the room."""
        return self._left


def _joined(journal: Journal, room: str) -> tuple[int, str, float]:
    """Place, id and time of the entry with which the learner joined; nothing when they are not in the room."""
    begin, stream, at = 0, "", 0.0
    for entry in journal.entries():
        match entry.event:
            case WorkshopJoined(item=item) if item == room:
                begin, stream, at = entry.seq, entry.id, entry.at
            case WorkshopLeft(item=item) if item == room:
                begin, stream, at = 0, "", 0.0
            case _:
                pass
    return begin, stream, at


def is_joined(journal: Journal, room: str) -> bool:
    """Whether the journal says that the learner is in the room."""
    return bool(_joined(journal, room)[1])
