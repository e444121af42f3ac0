"""Where things of the journal are in the course as it is now: by id, and by content hash where they have moved."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from tutor.course.contents import Contents, all_headings
from tutor.learner.memory import Key, Memory, Record


def settle(contents: Contents, memory: Memory) -> Mapping[Key, Record]:
    """The records with their keys in the course as it is now.

    A step or question that moved to another chapter, or whose chapter has another id now, is known by its content.
    What the course has no more keeps its old key, and comes back when the course has it again.
    """
    known = all_headings(contents)
    lost = [key for key in memory.records if key not in known]
    if not lost:
        return memory.records
    records = dict(memory.records)
    # The id is part of the content, so only those of the same id can be the same.
    moved = {(task.id, task.hash): chapter for (chapter, _), task in known.items()}
    for key in lost:
        record = records[key]
        chapter = moved.get((record.item, record.hash))
        if chapter is not None and (chapter, record.item) not in records:
            del records[key]
            records[chapter, record.item] = replace(record, chapter=chapter)
    return records
