"""`progress`: what was done, what is weak and what comes, in lines of text."""

from __future__ import annotations

from tutor.learner.overview import ChapterView, MistakeView, Overview, Weak
from tutor.ui.plain.page import Page
from tutor.ui.plain.words import day, duration

_MARKS = {"new": "○", "begun": "◐", "finished": "●"}


def show(page: Page, found: Overview) -> None:
    """Everything, most important first."""
    page.line(
        f"{found.finished.done} of {found.finished.of} chapters finished, {duration(found.minutes * 60)} at work."
    )
    page.line(due_words(found))
    begun = [one for one in found.chapters if one.state != "new" or one.right.of or one.steps.done]
    if begun:
        page.heading("Chapters")
        rows = [("", "", "Chapter", "Done", "Steps", "Right", "Remembered", "Time")]
        page.table(rows + [_row(one) for one in begun])
    for one in begun:
        if one.updated:
            page.line(f"Chapter {one.chapter}: this was updated since you did it: {', '.join(one.updated)}.")
    if found.mistakes:
        page.heading("Mistakes in labs")
        for mistake in found.mistakes:
            if not mistake.overcome:
                page.item("  ○", f"{mistake.title}: {mistake_words(mistake)}")
        if overcome := [mistake.title for mistake in found.mistakes if mistake.overcome]:
            page.item("  ●", f"Overcome: {', '.join(overcome)}")
    if found.weak:
        page.heading("Weak")
        for weak in found.weak:
            page.item("  -", f"chapter {weak.chapter}: {weak.about}")
            page.line(weak_words(weak, found.at), indent=4)
    if not begun:
        page.line("Begin with: docker-tutor learn 1, or find where to start: docker-tutor placement")


def due_words(found: Overview) -> str:
    """What is due, and what comes in the next days."""
    week = sum(list(found.coming.values())[:7])
    if found.due:
        return f"{found.due} due for review now, {week} within a week: docker-tutor review"
    return f"Nothing is due for review now; {week} within a week."


def weak_words(weak: Weak, now: float) -> str:
    """Why it is weak, and when it comes back."""
    return f"{weak.why}; it comes back {day(weak.due, now) if weak.due > now else 'now'}"


def mistake_words(mistake: MistakeView) -> str:
    """How often a mistake that is not overcome was made, and how it stands."""
    times = "once" if mistake.count == 1 else f"{mistake.count} times"
    return f"made {times}, {'put right; it comes back as a task' if mistake.put_right else 'not put right yet'}"


def _row(one: ChapterView) -> tuple[str, ...]:
    return (
        _MARKS[one.state],
        str(one.chapter),
        one.title,
        f"{one.share:.0%}" if one.state != "finished" else "finished",
        f"{one.steps.done} of {one.steps.of}",
        f"{one.right.done} of {one.right.of}" if one.right.of else "",
        f"{one.recall:.0%}" if one.recall is not None else "",
        duration(one.minutes * 60) if one.minutes else "",
    )
