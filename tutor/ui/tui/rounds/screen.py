"""One question after the other, on the whole screen: the frame of quiz, review and placement."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from tutor.course.models import Chapter, Step
from tutor.course.tasks import Task
from tutor.learner.events import AnyEvent, GradeUndone
from tutor.quiz import record, taught
from tutor.quiz.shown import likely
from tutor.ui.tui.desk import Desk
from tutor.ui.tui.lesson.pages import Page
from tutor.ui.tui.lesson.room import Room
from tutor.ui.tui.quiz.asking import Asking

if TYPE_CHECKING:
    from tutor.ui.tui.app import TutorApp

T = TypeVar("T")


Styles = str | PurePath | list[str | PurePath] | None


def styles(*own: str) -> list[str | PurePath]:
    """The frame's styles, the questions', and a screen's own file."""
    return ["../rounds/rounds.tcss", "../quiz/quiz.tcss", *own]


class Item(NamedTuple):
    """What is asked: of which chapter, what, and a word about it."""

    chapter: Chapter
    task: Task
    note: str = ""


class RoundScreen(Screen[object]):
    """Asks what `following` gives, until it gives nothing.

    Args:
        desk: The learner's things.
    """

    app: TutorApp
    NAME = ""
    CSS_PATH: ClassVar[Styles] = styles()
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "next", "Go on", id="round.next", tooltip="The next one; twice to leave this one out"),
        Binding("w", "taught", "Where taught", id="round.taught", tooltip="Read again where this was taught"),
        Binding("u", "undo", "Undo", id="round.undo", tooltip="Take the last grade back, and answer once more"),
        Binding("d", "app.doctor", show=False, id="round.doctor"),
        Binding("space", "page_down", show=False, id="round.down"),
        Binding("q,escape", "leave", "Home", id="round.leave", tooltip="What was answered is kept"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.item: Item | None = None
        self.results: list[tuple[Item, bool]] = []
        self.over = False
        self._page: Page | None = None
        self._entry = ""
        self._rooms: dict[str, Room] = {}
        self._asked_to_skip = False

    # -- what each kind of round says ----------------------------------------------------------------------------
    def following(self) -> Item | None:
        """The next item; None when the round is over."""
        raise NotImplementedError

    def left(self) -> int:
        """How many come after the one that is asked."""
        raise NotImplementedError

    def skipped(self, item: Item) -> None:
        """The learner left one out."""

    def ending(self) -> Content:
        """What is said at the end."""
        raise NotImplementedError

    def make(self, item: Item) -> Page:
        """The page of an item."""
        assert not isinstance(item.task, Step)
        return Asking(self.bound(item.chapter, item.task), item.task, self.room(item.chapter), self.desk.shuffle)

    # -- the frame -----------------------------------------------------------------------------------------------
    def compose(self) -> ComposeResult:
        """The bar, the question, the keys."""
        yield Static(classes="bar", id="round-bar")
        with VerticalScroll(id="round", classes="pane"):
            pass
        yield Footer(show_command_palette=False, compact=True)

    async def on_mount(self) -> None:
        """Ask the first."""
        await self.show()

    async def on_unmount(self) -> None:
        """Let go of the engine."""
        for room in self._rooms.values():
            await room.leave()

    async def show(self, item: Item | None = None) -> None:
        """Ask the next one, or that one again."""
        box = self.query_one("#round")
        await box.remove_children()
        self.item = item or self.following()
        self._entry, self._asked_to_skip = "", False
        if self.item is None:
            self.over = True
            self._page = None
            await box.mount(Static(self.ending(), id="ending"))
            box.focus()
        else:
            self._page = self.make(self.item)
            head = Content.styled(f"Chapter {self.item.chapter.chapter} · {self.item.chapter.title}", "bold $secondary")
            if self.item.note:
                head = Content.assemble(head, (f"   {self.item.note}", "$warning"))
            await box.mount(Static(head, classes="head", id="round-head"), self._page, Static(id="taught"))
            self.query_one("#taught").display = False
            box.scroll_home(animate=False)
            self.call_after_refresh(self._focus)
        self.draw()

    def _focus(self) -> None:
        if not (isinstance(self._page, Asking) and self._page.focus_first()) and not self.query("#command:focus"):
            self.query_one("#round").focus(scroll_visible=False)

    def draw(self) -> None:
        """Say where we are."""
        box = self.query_one("#round")
        box.border_title = self.NAME
        done, right = len(self.results), sum(result for _, result in self.results)
        answered = bool(self._entry)
        total = done + self.left() + (0 if self.over or answered else 1)
        place = min(done + (0 if answered or self.over else 1), total)
        dots = "".join("●" if result else "◌" for _, result in self.results) + "○" * (total - done)
        words = f"{self.NAME} · {place} of {total}" if not self.over else f"{self.NAME} · done"
        self.query_one("#round-bar", Static).update(
            Content.assemble((f"{words}   ", "bold $primary"), (dots[:60], "$quiet"), (f"   {right} right", "$quiet"))
        )
        self.refresh_bindings()

    def room(self, chapter: Chapter) -> Room:
        """The engine's side of a chapter's questions."""
        if chapter.id not in self._rooms:
            self._rooms[chapter.id] = Room(self.desk.course, chapter)
        return self._rooms[chapter.id]

    def bound(self, chapter: Chapter, value: T) -> T:
        """A part with its variables filled in."""
        return likely(chapter, value)

    def keep(self, event: AnyEvent) -> str:
        """Keep an event: its entry's id; say once when it cannot be written."""
        if news := self.desk.record(event):
            self.notify(news, title="Your journal", severity="warning", timeout=15)
        return self.desk.entry

    # -- answers -------------------------------------------------------------------------------------------------
    def on_asking_answered(self, event: Asking.Answered) -> None:
        """Keep the answer."""
        event.stop()
        item = self.item
        if item is not None and not isinstance(item.task, Step):
            kept = record.answered(item.chapter, item.task, event.answer, event.grade, event.outcome)
            self.graded(kept, event.grade.right)

    def graded(self, event: AnyEvent, right: bool) -> None:
        """A grade stands, until it is taken back."""
        assert self.item is not None
        self._entry = self.keep(event)
        self.results.append((self.item, right))
        section = taught.where(self.item.chapter, self.item.task)
        line = self.query_one("#taught", Static)
        line.display = True
        where = (
            f"Taught in chapter {self.item.chapter.chapter}, part {section.id}: w reads it again. " if section else ""
        )
        line.update(Content.styled(f"{where}n goes on.", "$quiet"))
        self.query_one("#round").focus(scroll_visible=False)
        self.draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys are offered where they do something."""
        del parameters
        if action == "undo":
            return bool(self._entry)
        if action == "taught":
            return bool(self._entry) and self.item is not None and self._taught() is not None
        return True

    def _taught(self) -> object:
        return taught.where(self.item.chapter, self.item.task) if self.item else None

    # -- actions -------------------------------------------------------------------------------------------------
    @work(exclusive=True, group="going")
    async def action_next(self) -> None:
        """The next one."""
        if self.over:
            self.action_leave()
        elif self._page is not None and self._page.busy():
            return
        elif self._entry:
            await self.show()
        elif not self._asked_to_skip:
            self._asked_to_skip = True
            self.notify("This is not answered yet. Press n again to leave it out.")
        elif self.item is not None:
            self.skipped(self.item)
            await self.show()

    @work(exclusive=True, group="going")
    async def action_undo(self) -> None:
        """Take the last grade back, and ask once more."""
        item = self.item
        if item is not None and self._entry:
            self.keep(GradeUndone(chapter=item.chapter.id, item=item.task.id, of=self._entry))
            self.results.pop()
            await self.show(item)
            self.notify("The grade is taken back.")

    def action_taught(self) -> None:
        """Where it was taught."""
        from tutor.ui.tui.rounds.taught import TaughtScreen

        item = self.item
        section = taught.where(item.chapter, item.task) if item else None
        if item is not None and section is not None:
            self.app.push_screen(TaughtScreen(item.chapter, self.bound(item.chapter, section)))

    def action_page_down(self) -> None:
        """Read on."""
        self.query_one("#round").scroll_page_down()

    def action_put(self, command: str) -> None:
        """A click on a command: there is no shell here, so it is copied."""
        self.app.copy_to_clipboard(command)
        self.notify(f"Copied: {command}")

    def action_leave(self) -> None:
        """Back to where we came from."""
        self.app.pop_screen()
