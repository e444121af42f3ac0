"""Moving a journal to another machine, and merging two: a file of lines of JSON.

The first line says what the file is; every other line is one event with its id and time. Ids are unique everywhere, so
the same file may be taken in twice, and two machines may exchange theirs in either order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import msgspec

from tutor.learner.events import AnyEvent, Entry
from tutor.learner.journal import Journal
from tutor.problems import Problem

FORMAT = 1
"""The file's version."""


class _Head(msgspec.Struct, kw_only=True):
    docker_tutor_journal: int
    events: int


class _Line(msgspec.Struct, kw_only=True):
    id: str
    at: float
    event: AnyEvent


class TakenIn(msgspec.Struct, frozen=True, kw_only=True):
    """What an import brought: events that were new, and those that were here already."""

    new: int
    known: int


def export(journal: Journal, to: BinaryIO) -> int:
    """Write the whole journal; returns the number of events."""
    entries = list(journal.entries())
    encoder = msgspec.json.Encoder()
    to.write(encoder.encode(_Head(docker_tutor_journal=FORMAT, events=len(entries))) + b"\n")
    to.writelines(encoder.encode(_Line(id=one.id, at=one.at, event=one.event)) + b"\n" for one in entries)
    return len(entries)


def take_in(journal: Journal, source: Iterable[bytes], name: str) -> TakenIn:
    """Merge an exported journal; all of it or, where a line cannot be read, nothing.

    Args:
        source: The file's lines.
        name: The file's name, for messages.

    Raises:
        Problem: `no-export`, `export-newer`, `export-damaged`, `cannot-write`.
    """
    entries = list(_read(source, name))
    new = journal.take_in(entries)
    return TakenIn(new=new, known=len(entries) - new)


def _read(source: Iterable[bytes], name: str) -> Iterator[Entry]:
    lines = iter(source)
    try:
        head = msgspec.json.decode(next(lines, b""), type=_Head)
    except msgspec.DecodeError as error:
        raise Problem(
            f"{name} is no exported journal.", "Make one with: docker-tutor journal export FILE", code="no-export"
        ) from error
    if head.docker_tutor_journal > FORMAT:
        raise _newer(name)
    decoder = msgspec.json.Decoder(_Line)
    count = 0
    for number, line in enumerate(lines, 2):
        if not line.strip():
            continue
        try:
            found = decoder.decode(line)
        except msgspec.ValidationError as error:
            raise _newer(name) if "kind" in str(error) else _damaged(name, number) from error
        except msgspec.DecodeError as error:
            raise _damaged(name, number) from error
        count += 1
        yield Entry(seq=count, id=found.id, at=found.at, event=found.event)
    if count != head.events:
        raise Problem(
            f"{name} is not whole: it has {count} of {head.events} events.",
            "Nothing was changed. Export it again, or copy it again.",
            code="export-damaged",
        )


def _newer(name: str) -> Problem:
    return Problem(
        f"{name} was written by a newer docker-tutor.",
        "Nothing was changed. Upgrade docker-tutor.",
        code="export-newer",
    )


def _damaged(name: str, number: int) -> Problem:
    return Problem(
        f"Line {number} of {name} cannot be read.",
        "Nothing was changed. Export it again, or copy it again.",
        code="export-damaged",
    )
