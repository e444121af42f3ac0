"""Home: all chapters with what is done, the one that is looked at, and a search over everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from tutor.course.contents import ChapterHeading
from tutor.learner.progress import ChapterProgress
from tutor.ui.tui.desk import Desk, bar

if TYPE_CHECKING:
    from textual.widgets import Input

    from tutor.ui.tui.app import TutorApp

_MARKS = {"new": "○", "begun": "◐", "finished": "●"}
_STYLES = {"new": "$quiet", "begun": "$warning", "finished": "$success"}


class HomeScreen(Screen[object]):
    """The chapters.

    Args:
        desk: The learner's things.
    """

    app: TutorApp
    HELP = """\
The chapters of the course, with how far you are in each: ○ new, ◐ begun, ● finished.

Enter opens a chapter at the place where you left it. Your place, your answers and your open lab are kept.
/ searches titles, ideas, commands and texts of all chapters.

v brings what is due for review, k asks a quiz, p shows your progress. a is a test that finds the chapter to start from.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o,enter", "open", "Open", key_display="⏎", id="home.open", tooltip="The chapter where you left it"),
        Binding("c", "resume", "Continue", id="home.resume", tooltip="Go on in the chapter you were in last"),
        Binding("slash", "search", "Search", key_display="/", id="home.search", tooltip="Search all chapters"),
        Binding("d", "app.doctor", "Doctor", id="home.doctor", tooltip="Is everything here that the labs need?"),
        Binding("t", "app.switch_theme", "Light/dark", id="home.theme", tooltip="Change the colours"),
        Binding("q", "app.quit", "Quit", id="home.quit", tooltip="Leave the tutor"),
        Binding("v", "app.round('review')", "Review", show=False, id="home.review", tooltip="What is due today"),
        Binding(
            "k", "app.round('quiz')", "Quiz", show=False, id="home.quiz", tooltip="Questions on what you have begun"
        ),
        Binding("p", "app.round('progress')", "Progress", show=False, id="home.progress", tooltip="What is weak"),
        Binding(
            "a",
            "app.round('placement')",
            "Placement",
            show=False,
            id="home.placement",
            tooltip="Where to start: a test",
        ),
        Binding("escape", "clear", show=False, id="home.clear"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._done = desk.everything()
        self._headings = {heading.id: heading for heading in desk.contents}
        self._shown = self._all()

    def compose(self) -> ComposeResult:
        """The bar, the search line, the chapters beside the one that is looked at."""
        yield Static(classes="bar", id="home-bar")
        with Horizontal(id="home-body"):
            # No markup: titles and commands are shown as they are written.
            yield OptionList(*self._options(), id="chapters", classes="pane", markup=False)
            with VerticalScroll(id="about", classes="pane", can_focus=False):
                yield Static(id="about-text", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Look at the chapter to go on with."""
        chapters = self.query_one(OptionList)
        chapters.border_title = "Chapters"
        self.query_one("#about").border_title = "Chapter"
        self._draw_bar()
        self._draw_due()
        following = self._following()
        if following is not None:
            chapters.highlighted = list(self._shown).index(following.id)
        chapters.focus()

    def on_screen_resume(self) -> None:
        """Back from a chapter: show what was done there."""
        if self.is_mounted:
            self._done = self._desk.everything()
            self._show()
            self._draw_bar()
            self._draw_due()

    # -- what is shown -------------------------------------------------------------------------------------------
    def _options(self) -> list[Option]:
        return [Option(self._row(self._headings[name]), id=name) for name in self._shown]

    def _all(self) -> dict[str, str]:
        return {name: heading.idea for name, heading in self._headings.items()}

    def _row(self, chapter: ChapterHeading) -> Content:
        done = self._done[chapter.id]
        style = _STYLES[done.state]
        told = {"new": "", "begun": f"{done.share:4.0%}", "finished": "done"}[done.state]
        share = 1.0 if done.state == "finished" else done.share if done.state == "begun" else 0.0
        return Content.assemble(
            (f" {_MARKS[done.state]} ", style),
            (f"{chapter.chapter:>2}  ", "$quiet"),
            (f"{chapter.title:<36.36} ", "" if done.state != "finished" else "$quiet"),
            (bar(share, 8) if share else "▱" * 8, style),
            (f" {told:>4} ", style),
            (f"{chapter.minutes:>3} min", "$quiet"),
        )

    def _draw_bar(self) -> None:
        finished = sum(done.state == "finished" for done in self._done.values())
        total = len(self._done)
        minutes = sum(c.minutes for c in self._desk.contents if self._done[c.id].state != "finished")
        left = f"about {minutes // 60} h {minutes % 60:02} min to go" if minutes else "all done"
        self.query_one("#home-bar", Static).update(
            Content.assemble(
                ("docker tutor", "bold $primary"),
                "   Learn the mental model by doing   ",
                (bar(finished / total if total else 0, 12), "$success"),
                (f" {finished} of {total} chapters · {left}", "$quiet"),
            )
        )

    def _draw_due(self) -> None:
        due = self._desk.due()
        told = f"{_count(due, 'review')} due today · v" if due else ""
        self.query_one(OptionList).border_subtitle = told

    def _show(self, *, first: bool = False) -> None:
        chapters = self.query_one(OptionList)
        kept = 0 if first else chapters.highlighted
        chapters.set_options(self._options())
        if self._shown:
            chapters.highlighted = min(kept or 0, len(self._shown) - 1)
        self._look(self._looked_at())

    def _looked_at(self) -> ChapterHeading | None:
        option = self.query_one(OptionList).highlighted_option
        return self._headings[option.id] if option is not None and option.id is not None else None

    def _following(self) -> ChapterHeading | None:
        """The chapter to go on with: the one that was worked on last, else the first that is new."""
        chapters = self._headings
        memory = self._desk.remembered.memory()
        seen = [name for name in memory.chapters if name in chapters]
        last = max(seen, key=lambda name: memory.chapters[name].last, default="")
        if last and self._done[last].state == "begun":
            return chapters[last]
        begun = [c for c in chapters.values() if self._done[c.id].state == "begun"]
        placed = [c for c in chapters.values() if c.id == memory.start and self._done[c.id].state == "new"]
        new = [c for c in chapters.values() if self._done[c.id].state == "new" and c.id not in memory.skip]
        return next(iter(begun + placed + new), next(iter(chapters.values()), None))

    def _look(self, chapter: ChapterHeading | None) -> None:
        about = self.query_one("#about-text", Static)
        if chapter is None:
            about.update("Nothing in the course has all these words.")
            return
        self.query_one("#about").border_title = f"Chapter {chapter.chapter}"
        about.update(_about(chapter, self._done[chapter.id], self._shown[chapter.id]))

    # -- events and actions --------------------------------------------------------------------------------------
    def on_option_list_option_highlighted(self) -> None:
        """Another chapter is looked at."""
        self._look(self._looked_at())

    def on_option_list_option_selected(self) -> None:
        """Enter or a click on a chapter."""
        self.action_open()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search while it is typed."""
        # Imported here: it is not needed for the first frame.
        from tutor.ui.tui import search

        self._shown = search.find(self._desk.course, event.value)
        self._show(first=bool(event.value))

    def on_input_submitted(self) -> None:
        """Enter in the search line goes to what was found."""
        self.query_one(OptionList).focus()

    def action_open(self) -> None:
        """Open the chapter that is looked at."""
        if chapter := self._looked_at():
            self.app.open_chapter(self._desk.chapter(chapter.id))

    def action_resume(self) -> None:
        """Open the chapter to go on with."""
        if chapter := self._following():
            self.app.open_chapter(self._desk.chapter(chapter.id))

    async def action_search(self) -> None:
        """Show the search line."""
        # Imported here: it is not needed for the first frame.
        from textual.widgets import Input

        if not self.query("#search"):
            field = Input(placeholder="Search titles, ideas, commands, texts", id="search", compact=True)
            await self.mount(field, before="#home-body")
        self.query_one("#search").focus()

    async def action_clear(self) -> None:
        """Away with the search line; all chapters are shown."""
        await self.query("#search").remove()
        self._shown = self._all()
        self._show()
        self.query_one(OptionList).focus()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _spoken(idea: str) -> Content:
    # Only `code` is marked in an idea; the Markdown parser takes too long for the first frame.
    pieces = idea.split("`")
    return Content.assemble(*((piece, "$primary" if place % 2 else "italic") for place, piece in enumerate(pieces)))


def _so_far(done: ChapterProgress, steps: int) -> list[str]:
    said = []
    if done.predictions:
        said.append(f"{sum(done.predictions.values())} of {_count(len(done.predictions), 'prediction')} right")
    said.append(f"{len(done.steps)} of {_count(steps, 'step')}")
    if done.questions:
        said.append(f"{sum(done.questions.values())} of {_count(len(done.questions), 'answer')} right")
    return said


def _about(chapter: ChapterHeading, done: ChapterProgress, excerpt: str) -> Content:
    steps = chapter.count("step")
    parts: list[Content] = [
        Content.styled(chapter.title, "bold"),
        Content(""),
        _spoken(chapter.idea),
        Content(""),
        Content(
            f"{_count(chapter.count('prediction'), 'prediction')} · {_count(steps, 'lab step')} · "
            f"{_count(chapter.count('question'), 'question')} · "
            f"{chapter.minutes} min"
        ),
    ]
    if done.state != "new":
        parts.append(
            Content.styled(
                "You: " + ", ".join(_so_far(done, steps)),
                _STYLES[done.state],
            )
        )
    if done.updated:
        parts.append(Content.styled(f"Updated since you did it: {', '.join(sorted(done.updated))}", "$warning"))
    if excerpt != chapter.idea:
        parts += [Content(""), Content.assemble(("Found: ", "$primary"), excerpt)]
    if chapter.commands:
        parts += [Content(""), Content.styled("New here", "bold")]
        parts += [Content.assemble("  ", (command, "$primary")) for command in chapter.commands]
    if chapter.builds_on:
        parts += [Content(""), Content.styled(f"Builds on {', '.join(map(str, chapter.builds_on))}", "$quiet")]
    return Content("\n").join(parts)
