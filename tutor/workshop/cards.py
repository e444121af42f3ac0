"""The learner's seats: one small file of mode 0600, so that a seat is found again after anything."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from tutor import places


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A seat in a room.

    Attributes:
        hub: Where the hub was reached last, such as `http://192.0.2.7:7000`.
        key: Proves that the seat is ours.
        engine: It works on the engine that the workshop's host lends.
    """

    hub: str
    room: str
    title: str
    seat: str
    name: str
    key: str
    engine: bool = False


class _Cards(msgspec.Struct, kw_only=True):
    current: str = ""
    seats: dict[str, Card] = {}
    tickets: dict[str, str] = {}


def current() -> Card | None:
    """The seat that the learner sits in; None when they are in no workshop."""
    kept = _load()
    return kept.seats.get(kept.current)


def of_room(room: str) -> Card | None:
    """The seat that the learner has in a room."""
    return _load().seats.get(room)


def ticket(link: str, fresh: str) -> str:
    """The ticket to ask for a seat at this link: the one that was used when it was asked before, else the fresh one."""
    kept = _load()
    known = kept.tickets.get(link)
    if known is None:
        kept.tickets[link] = known = fresh
        _save(kept)
    return known


def sit(card: Card) -> None:
    """Keep a seat, and sit in it."""
    kept = _load()
    kept.seats[card.room] = card
    kept.current = card.room
    _save(kept)


def stand_up() -> None:
    """Sit in no seat; it is kept, and found when its room is joined again."""
    kept = _load()
    kept.current = ""
    _save(kept)


def _path() -> Path:
    return places.data() / "workshop.json"


def _load() -> _Cards:
    try:
        return msgspec.json.decode(_path().read_bytes(), type=_Cards)
    except (OSError, msgspec.DecodeError):
        return _Cards()


def _save(kept: _Cards) -> None:
    path = _path()
    new = path.with_suffix(f".{os.getpid()}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(kept))
    new.replace(path)
