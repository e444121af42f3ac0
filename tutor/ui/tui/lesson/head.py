"""The line above a lesson: the chapter, how far it is, the engine and the sandbox, as far as there is room."""

from __future__ import annotations

from textual.content import Content

from tutor.course.models import Chapter
from tutor.ui.tui.desk import bar


def head(chapter: Chapter, share: float, engine: str, sandbox: str, cells: int) -> Content:
    """The line in so many cells; what matters least is left out first.

    Args:
        chapter: The chapter.
        share: How much of it is done, of 1.0.
        engine: Words on the engine.
        sandbox: Words on the sandbox; empty while there is none.
        cells: The room.
    """
    title = (f"{chapter.chapter} · {chapter.title}   ", "bold $primary")
    drawn = (f"{bar(share, 10)} ", "$success")
    done, where = (f"{share:.0%} done   ", "$quiet"), (engine, "$quiet")
    box = (f"   {sandbox}" if sandbox else "", "$quiet")
    lines = ([title, drawn, done, where, box], [title, drawn, done, where], [title, done, where], [title, where])
    made = [Content.assemble(*line) for line in lines]
    return next((line for line in made if line.cell_length <= cells), made[-1])


def engine_words(version: str, *, looking: bool) -> str:
    """The engine in a few words.

    Args:
        version: Its version; empty while none is known.
        looking: Whether it is still looked for.
    """
    if version:
        return f"engine {version.partition('+')[0]} ●"
    return "engine …" if looking else "no engine: d says why"
