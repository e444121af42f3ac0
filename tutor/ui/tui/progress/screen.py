"""Progress: chapters, time, mistakes, what is weak and what comes, on one screen."""

from __future__ import annotations

from datetime import date
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from tutor.learner.overview import ChapterView, Overview, overview
from tutor.quiz.shown import likely
from tutor.ui.plain.standing import due_words, mistake_words, weak_words
from tutor.ui.plain.words import duration
from tutor.ui.tui.desk import Desk, bar
from tutor.ui.tui.prose import inline

if TYPE_CHECKING:
    from tutor.ui.tui.app import TutorApp

_MARKS = {"new": ("○", "$quiet"), "begun": ("◐", "$warning"), "finished": ("●", "$success")}
_HEAD = Content.styled(f"{'Chapter':<43}{'Done':<8} {'Time':>9} {'Known':>6}", "$quiet")
_PAGE = "docker-tutor-progress.html"


class ProgressScreen(Screen[object]):
    """What the journal says.

    Args:
        desk: The learner's things.
    """

    app: TutorApp
    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = "progress.tcss"
    HELP = """\
How far you are, what you remember, and which mistakes you have overcome: met again as a live task, and not made again.
“Known” is the share of your answers in a chapter that you are likely to know today.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "app.round('review')", "Review", id="progress.review", tooltip="What is due today"),
        Binding("k", "app.round('quiz')", "Quiz", id="progress.quiz", tooltip="Questions on what you have begun"),
        Binding("p", "page", "Page", id="progress.page", tooltip=f"Write {_PAGE} into this folder, to show it"),
        Binding("q,escape", "leave", "Home", id="progress.leave", tooltip="Back"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def compose(self) -> ComposeResult:
        """The bar; chapters beside what is weak."""
        yield Static(classes="bar", id="progress-bar")
        with Horizontal(id="progress-body"):
            with VerticalScroll(id="progress-chapters", classes="pane"):
                yield Static(id="progress-rows", markup=False)
            with VerticalScroll(id="progress-more", classes="pane"):
                yield Static(id="progress-words", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Draw it."""
        self.query_one("#progress-chapters").border_title = "Progress"
        self.query_one("#progress-more").border_title = "What is weak, what comes"
        self.query_one("#progress-chapters").focus()

    def on_screen_resume(self) -> None:
        """Also after a review."""
        found = self.found()
        finished = found.finished
        self.query_one("#progress-bar", Static).update(
            Content.assemble(
                (f"{finished.done} of {finished.of} chapters   ", "bold $primary"),
                (f"{duration(found.minutes * 60)} at work   ", "$quiet"),
                (f"{found.due} due now", "$warning" if found.due else "$quiet"),
            )
        )
        self.query_one("#progress-rows", Static).update(
            Content("\n").join([_HEAD, *(_row(one) for one in found.chapters)])
        )
        self.query_one("#progress-words", Static).update(_words(found))

    def found(self) -> Overview:
        """As it is now."""
        desk = self._desk
        return overview(desk.course, desk.remembered.memory(), desk.journal.now(), shown=likely)

    def action_page(self) -> None:
        """Write the page."""
        from tutor.ui.html.progress import page

        try:
            Path(_PAGE).write_text(page(self.found()), encoding="utf-8")
        except OSError as error:
            self.notify(f"{_PAGE} cannot be written here: {error.strerror}.", severity="error")
        else:
            self.notify(f"{Path(_PAGE).absolute()} is written.")

    def action_leave(self) -> None:
        """Back."""
        self.app.pop_screen()


def _row(one: ChapterView) -> Content:
    mark, style = _MARKS[one.state]
    share = 1.0 if one.state == "finished" else one.share
    remembered = f"{one.recall:.0%}" if one.recall is not None else ""
    time = duration(one.minutes * 60) if one.minutes else ""
    return Content.assemble(
        (f"{mark} ", style),
        (f"{one.chapter:>2}  ", "$quiet"),
        (f"{one.title:<36.36} ", "$quiet" if one.state == "new" else ""),
        (bar(share, 8), style),
        (f" {time:>9}", "$quiet"),
        (f" {remembered:>6}", "$primary"),
    )


def _words(found: Overview) -> Content:
    parts = [Content(due_words(found).partition(":")[0].rstrip(".") + ".")]
    highest = max([*found.coming.values(), 1])
    for day, number in list(found.coming.items())[:7]:
        name = f"{date.fromisoformat(day):%a}"
        width = -(-number * 20 // highest)
        parts.append(
            Content.assemble((f"  {name} ", "$quiet"), ("▇" * width, "$primary"), f" {number}" if number else "")
        )
    open_mistakes = [one for one in found.mistakes if not one.overcome]
    overcome = [one.title for one in found.mistakes if one.overcome]
    if found.mistakes:
        parts += [Content(""), Content.styled("Mistakes in labs", "bold")]
    parts += [Content.assemble(("○ ", "$warning"), f"{one.title}: {mistake_words(one)}") for one in open_mistakes]
    if overcome:
        parts.append(Content.assemble(("● ", "$success"), f"Overcome: {', '.join(overcome)}"))
    if found.weak:
        parts += [Content(""), Content.styled("Weak", "bold")]
    for weak in found.weak:
        parts.append(Content.assemble((f"{weak.chapter:>2} ", "$quiet"), inline(weak.about)))
        parts.append(Content.styled(f"   {weak_words(weak, found.at)}", "$quiet"))
    return Content("\n").join(parts)
