"""Ids: each names one thing, or the journal could not tell two things apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tutor.course.lint import _walk
from tutor.course.lint.remark import Context, Remark, error
from tutor.course.models import Chapter, Mistake, SpotMistake, TypeCommand
from tutor.course.walk import Path


def within_chapter(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """Sections, steps and questions share one space of names: `proved_by` and the journal point into it."""
    named: list[tuple[Path, str]] = [(path, section.id) for path, section in _walk.sections(chapter)]
    named += [(path, step.id) for path, step in _walk.steps(chapter)]
    named += [(path, question.id) for path, question in _walk.questions(chapter)]
    yield from _twice(named, "in this chapter")


def within_parts(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """Options of one question, and mistakes of one step."""
    for path, question in (*_walk.questions(chapter), *_walk.guesses(chapter)):
        if isinstance(question, (TypeCommand, SpotMistake)):
            continue
        key = "items" if hasattr(question, "items") else "options"
        parts = getattr(question, key)
        yield from _twice((((*path, key, place), part.id) for place, part in enumerate(parts)), "in this question")
    for path, step in _walk.steps(chapter):
        named = []
        seen = []
        for place, mistake in enumerate(step.mistakes):
            where = (*path, "mistakes", place)
            if isinstance(mistake, Mistake):
                named.append((where, mistake.id))
            elif (mistake.use, mistake.with_) in seen:
                right = "keep one of them, or give it other values under `with`"
                yield error("id-twice", (*where, "use"), f"the shared mistake `{mistake.use}` is used twice", right)
            else:
                seen.append((mistake.use, mistake.with_))
                if not any(name == mistake.use for _, name in named):
                    named.append(((*where, "use"), mistake.use))
        yield from _twice(named, "in this step")


def across_chapters(chapter: Chapter, context: Context) -> Iterator[Remark]:
    """A chapter's id is its own."""
    for other in context.course.chapters:
        if other.id == chapter.id and other.chapter < chapter.chapter:
            wrong = f"chapter {other.chapter} is called `{chapter.id}` too"
            yield error("id-twice", ("id",), wrong, "give each chapter its own id")


def _twice(named: Iterable[tuple[Path, str]], where: str) -> Iterator[Remark]:
    seen: set[str] = set()
    for path, name in named:
        if name in seen:
            at = path if path[-1] == "use" else (*path, "id")
            yield error("id-twice", at, f"the id `{name}` is used twice {where}", "give each its own id")
        seen.add(name)


RULES = (within_chapter, within_parts, across_chapters)
