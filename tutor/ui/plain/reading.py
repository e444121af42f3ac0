"""`list` and `read`: the course on paper, without an engine."""

from __future__ import annotations

from collections.abc import Mapping

from tutor.course.contents import Contents
from tutor.course.models import (
    Chapter,
    Choose,
    ChooseAll,
    Diagram,
    FactCheck,
    Lab,
    Order,
    Predict,
    Quiz,
    ReadOutput,
    Recap,
    Section,
    SpotMistake,
    Text,
    TypeCommand,
)
from tutor.learner.progress import ChapterProgress
from tutor.ui.plain.page import Page


def chapters(page: Page, contents: Contents, progress: Mapping[str, ChapterProgress]) -> None:
    """All chapters with what is done, and how to go on."""
    rows = [("", "", "Chapter", "Minutes", "Done")]
    for chapter in contents:
        done = progress[chapter.id]
        mark = {"new": "○", "begun": "◐", "finished": "●"}[done.state]
        told = {"new": "", "begun": f"{done.share:.0%}", "finished": "finished"}[done.state]
        rows.append((mark, str(chapter.chapter), chapter.title, str(chapter.minutes), told))
    page.table(rows)
    page.line()
    begun = [c for c in contents if progress[c.id].state == "begun"]
    following = [c for c in contents if progress[c.id].state == "new"]
    if begun:
        page.line(f"Go on with: docker-tutor learn {begun[0].chapter}")
    elif following:
        page.line(f"Begin with: docker-tutor learn {following[0].chapter}")
    else:
        page.line("You have finished every chapter. Read any of them again: docker-tutor read 16")


def overview(contents: Contents, progress: Mapping[str, ChapterProgress]) -> list[dict[str, object]]:
    """The same as data, for `--json`."""
    return [
        {
            "chapter": chapter.chapter,
            "id": chapter.id,
            "title": chapter.title,
            "idea": chapter.idea,
            "minutes": chapter.minutes,
            "state": progress[chapter.id].state,
            "share": round(progress[chapter.id].share, 3),
            "steps_passed": sorted(progress[chapter.id].steps),
            "updated": sorted(progress[chapter.id].updated),
        }
        for chapter in contents
    ]


def head(page: Page, chapter: Chapter) -> None:
    """A chapter's title and its idea."""
    page.heading(f"{chapter.chapter} · {chapter.title}")
    page.line(chapter.idea, "italic")
    page.line()


def read(page: Page, chapter: Chapter) -> None:
    """The whole chapter as text: what it says and what it asks, without answers and solutions."""
    head(page, chapter)
    for section in chapter.sections:
        show(page, section)
        page.line()
    for source in chapter.sources:
        page.line(f"Source: {source.title} — {source.url}")


def show(page: Page, section: Section) -> None:
    """One section, as text."""
    match section:
        case Text():
            page.markdown(section.body)
        case Diagram():
            page.line(section.title, "bold")
            page.line()
            page.raw(section.drawing)
            page.line()
            page.markdown(section.words)
        case Predict():
            page.line("Predict, then run it:", "bold")
            page.markdown(section.ask)
            page.line()
            page.raw(section.run)
        case Lab():
            _lab(page, section)
        case Quiz():
            page.line(f"Quiz: {len(section.questions)} questions.", "bold")
            for question in section.questions:
                page.line()
                page.markdown(question.ask)
                match question:
                    case Choose() | ChooseAll() | ReadOutput():
                        for option in question.options:
                            page.item("  -", option.text)
                    case Order():
                        for item in sorted(question.items, key=lambda item: item.text):
                            page.item("  -", item.text)
                    case SpotMistake():
                        page.raw(question.content)
                    case TypeCommand():
                        pass
        case FactCheck():
            fact_check(page, section)
        case Recap():
            recap(page, section)


def fact_check(page: Page, section: FactCheck) -> None:
    """A claim people repeat, and what is true."""
    page.line("Fact check", "bold")
    page.item("  You may hear:", section.claim)
    page.line()
    page.markdown(section.truth, indent=2)


def recap(page: Page, section: Recap) -> None:
    """The card to keep."""
    page.line("To keep", "bold")
    page.line(section.idea)
    if section.commands:
        page.line()
        page.table([(f"  {note.run}", note.does) for note in section.commands])
    page.line()
    page.line(f"If you remember one thing: {section.remember}")


def _lab(page: Page, section: Lab) -> None:
    page.line(f"Lab: {section.title}", "bold")
    if section.intro:
        page.markdown(section.intro)
    for number, step in enumerate(section.steps, 1):
        page.line()
        page.item(f"  {number}.", step.title, "bold")
        page.line(step.goal, indent=5)
