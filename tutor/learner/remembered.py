"""The memory of a journal: what was worked out is kept in the journal's derived tables, and only news is folded in.

The events alone decide. The derived tables may be emptied, or be of another version or with other parameters of the
schedule: then everything is worked out again.
"""

from __future__ import annotations

import msgspec

from tutor.learner import memory, schedule
from tutor.learner.events import Entry
from tutor.learner.journal import Journal
from tutor.learner.memory import Again, Key, Memory, Record, Visits

VERSION = 1
"""Of the derived tables: another one is worked out again."""
_OFTEN = 200  # events after which what was worked out is kept


class _Head(msgspec.Struct, kw_only=True):
    """All of a memory but its records, and what it was worked out with."""

    version: int
    parameters: tuple[float, ...]
    chapters: dict[str, Visits]
    hours: dict[int, float]
    reviews: dict[int, int]
    limit: int
    start: str
    skip: tuple[str, ...]
    seq: int
    last_at: float
    last_chapter: str


_SHARED = ("chapters", "hours", "reviews", "limit", "start", "skip", "seq", "last_at", "last_chapter")
_encode = msgspec.json.Encoder().encode
_decode_head = msgspec.json.Decoder(_Head).decode
_decode_record = msgspec.json.Decoder(Record).decode


class Remembered:
    """A journal's memory, kept up to date.

    Args:
        journal: The journal.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._whole = False
        """Whether all records are new to the derived tables."""
        self._unkept = 0
        self._memory = self._load()

    def memory(self) -> Memory:
        """What the journal's events come to now; not to be changed."""
        written, waiting = self._journal.since(self._memory.seq)
        if written:
            self._fold(written)
        if not waiting:
            return self._memory
        # They have no place in the journal yet: on a copy.
        ahead = self._memory.copy()
        try:
            for entry in waiting:
                memory.apply(ahead, entry)
        except Again:
            ahead = memory.fold(self._journal.entries())
        return ahead

    def keep(self) -> None:
        """Write down what was worked out since the last time."""
        self.memory()
        if self._unkept or self._whole:
            now = self._memory
            head = _Head(
                version=VERSION, parameters=schedule.PARAMETERS, **{name: getattr(now, name) for name in _SHARED}
            )
            keys = now.records.keys() if self._whole else now.touched
            found = {key: now.records.get(key) for key in keys}
            items: dict[Key, bytes | None] = {key: _encode(record) if record else None for key, record in found.items()}
            self._journal.keep_derived(_encode(head), items, all_of_them=self._whole)
            now.touched.clear()
            self._whole, self._unkept = False, 0

    def _fold(self, news: list[Entry]) -> None:
        try:
            for entry in news:
                memory.apply(self._memory, entry)
        except Again:
            written, _ = self._journal.since()
            self._memory, self._whole = memory.fold(written), True
        self._unkept += len(news)
        if self._unkept >= _OFTEN:
            self.keep()

    def _load(self) -> Memory:
        kept = self._journal.derived()
        if kept is not None:
            try:
                head = _decode_head(kept[0])
                records = [_decode_record(data) for data in kept[1]]
            except msgspec.DecodeError:
                pass
            else:
                if head.version == VERSION and head.parameters == schedule.PARAMETERS:
                    shared = {name: getattr(head, name) for name in _SHARED}
                    return Memory(records={(r.chapter, r.item): r for r in records}, **shared)
        self._whole = True
        return Memory()
