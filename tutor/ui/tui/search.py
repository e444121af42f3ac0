"""Searching the course: titles, ideas, commands, texts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.course import variables
from tutor.course.models import Chapter, Course

_AROUND = 34  # letters shown on each side of what was found


def find(course: Course, wanted: str) -> dict[str, str]:
    """The chapters in which every word occurs: by title first, then by idea and what they introduce, then by text.

    Returns:
        Ids of chapters, each with the place where the words stand.
    """
    words = wanted.lower().split()
    if not words:
        return {chapter.id: chapter.idea for chapter in course.chapters}
    ranked: list[tuple[int, int, str, str]] = []
    for chapter in course.chapters:
        head = f"{chapter.chapter} {chapter.title}"
        idea = " · ".join((chapter.idea, *chapter.introduces.commands, *chapter.introduces.words))
        body = _Body(chapter)
        for rank, text in enumerate((head, f"{head} {idea}", f"{head} {idea} {body}")):
            low = text.lower()
            if all(word in low for word in words):
                excerpt = chapter.idea if rank == 0 else _excerpt(idea if rank == 1 else str(body), words)
                ranked.append((rank, chapter.chapter, chapter.id, excerpt))
                break
    return {name: excerpt for _, _, name, excerpt in sorted(ranked)}


class _Body:
    """A chapter's texts, joined only when they are asked for."""

    def __init__(self, chapter: Chapter) -> None:
        self._chapter = chapter

    def __str__(self) -> str:
        return " ".join(_prose(self._chapter))


def _prose(chapter: Chapter) -> Iterator[str]:
    for text in variables.texts(chapter.sections):
        yield " ".join(text.split())


def _excerpt(text: str, words: list[str]) -> str:
    """The place where most of the words stand together."""
    low = text.lower()
    places = [match.start() for word in words for match in re.finditer(re.escape(word), low)] or [0]

    def together(place: int) -> int:
        return sum(word in low[max(place - _AROUND, 0) : place + _AROUND * 2] for word in words)

    place = max(places, key=together)
    start, end = max(place - _AROUND, 0), place + _AROUND * 2
    before = "… " if start else ""
    after = " …" if end < len(text) else ""
    return before + text[start:end].strip() + after
