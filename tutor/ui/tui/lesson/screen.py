"""The lesson: text and steps on the left, the shell above the live picture on the right; three tabs where it is narrow.

This file puts the parts together; `room` works on the engine, `steps` and `tutor.ui.tui.quiz` are what is worked on.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Footer, Static

from tutor.course import variables
from tutor.course.models import Chapter, Lab, Predict, Quiz, Section
from tutor.engine.images import access as images
from tutor.learner.events import (
    AnyEvent,
    ChapterFinished,
    ChapterOpened,
    SectionReached,
)
from tutor.problems import Problem
from tutor.quiz.record import answered
from tutor.ui.tui.desk import Desk, bar
from tutor.ui.tui.lesson.lab import LabDesk
from tutor.ui.tui.lesson.news import LabCall, LabReading, LabUpdate
from tutor.ui.tui.lesson.pages import EndPage, Page, reading_page
from tutor.ui.tui.lesson.room import Room
from tutor.ui.tui.lesson.steps import LabPage
from tutor.ui.tui.picture import Picture
from tutor.ui.tui.quiz.asking import Asking
from tutor.ui.tui.quiz.page import PredictPage, QuizPage
from tutor.ui.tui.rows import RowCompositor
from tutor.ui.tui.shell.view import ShellView

if TYPE_CHECKING:
    from tutor.ui.tui.app import TutorApp

T = TypeVar("T")
CSSPaths = str | PurePath | list[str | PurePath] | None
_LEAVES = "F6 or ctrl+] leaves"
_ENTERS = "F6 enters · / searches · y copies"
_TURNS = "v turns it · z enlarges it"
_TABS = ("lesson", "shell", "picture")
_IN_SHELL = frozenset({"switch"})


class LessonScreen(Screen[object]):
    """One chapter.

    Args:
        desk: The learner's things.
        chapter: The chapter; it opens where it was left.
        room: The engine's side; one on the engine that is found when left out.
    """

    app: TutorApp
    CSS_PATH: ClassVar[CSSPaths] = ["lesson.tcss", "../quiz/quiz.tcss"]
    HELP = """\
Read on the left, work in the shell, and watch the picture. n goes on, b goes back; your place is kept.

The shell is real, and so is what it does, in a sandbox of this chapter's own. While it has the keyboard every key is
the shell's, but F6 (or ctrl+]), which leaves it. Shift+PgUp and the wheel show what scrolled away. Outside of it, /
searches what it has printed, and y selects and copies from it with the keyboard. A click on a command in the text, or
p, writes it behind the prompt and does not run it.

In the lab you are judged by itself on what the engine holds, as soon as it changes.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f6,ctrl+right_square_bracket", "switch", "Switch", key_display="F6", id="lesson.switch", priority=True,
            tooltip="Into the shell, and out of it (or ctrl+])",
        ),
        Binding("n", "next", "Go on", id="lesson.next", tooltip="The next part, question or step"),
        Binding("b", "back", "Back", show=False, id="lesson.back", tooltip="The part before"),
        Binding("h", "hint", "Hint", id="lesson.hint", tooltip="The next hint of this step; there are three"),
        Binding("s", "solution", "Solution", id="lesson.solution", tooltip="One way to do this step"),
        Binding("r", "reset", "Reset", id="lesson.reset", tooltip="Everything as it was when this step began"),
        Binding("m", "mark", "Where", id="lesson.mark", tooltip="Mark in the picture what is not right yet"),
        Binding("p", "put_next", "Put", id="lesson.put", tooltip="Write the text's next command into it"),
        Binding("slash", "look_back(True)", "Search shell", key_display="/", id="lesson.search", show=False,
                tooltip="Search what the shell has printed"),
        Binding("y", "look_back(False)", "Copy from shell", id="lesson.copy", show=False,
                tooltip="Select and copy what the shell has printed, by keys"),
        Binding("v", "turn_picture", "Picture", id="lesson.picture", show=False, tooltip="The picture's next tab"),
        Binding("z", "enlarge", "Enlarge", id="lesson.enlarge", show=False, tooltip="The picture on the whole screen"),
        Binding("x", "outside", "Full shell", id="lesson.outside", show=False, tooltip="On the whole terminal"),
        Binding("d", "app.doctor", show=False, id="lesson.doctor"),
        Binding("space", "page_down", show=False, id="lesson.down"),
        Binding("q,escape", "leave", "Home", key_display="q", id="lesson.leave", tooltip="Your place is kept"),
    ]  # fmt: skip

    def __init__(self, desk: Desk, chapter: Chapter, room: Room | None = None) -> None:
        super().__init__()
        self._compositor = RowCompositor()
        self.desk = desk
        self.chapter = chapter
        self.room = room or Room(desk.course, chapter)
        self.lab = LabDesk(self)
        done = desk.progress(chapter)
        self._place = 0 if done.state == "finished" else done.section
        self._pages: dict[int, Page] = {}
        self._asked_to_skip = -1
        self._ending = self._reading_back = False
        self._pane = "lesson"
        self.puts: list[str] = []
        self._put_place = 0

    # -- what it is made of --------------------------------------------------------------------------------------
    def compose(self) -> ComposeResult:
        """The bar, the tabs of a narrow screen, the three panes, the step in one line, the keys."""
        yield Static(classes="bar", id="lesson-bar")
        yield Static(id="panes")
        with Horizontal(id="body"):
            with VerticalScroll(id="lesson", classes="pane"):
                pass
            with Vertical(id="right"):
                with Vertical(id="shell", classes="pane"):
                    yield Static(id="shell-words", markup=False)
                    yield ShellView(id="view")
                with Vertical(id="picture", classes="pane"):
                    yield Picture(self.chapter.picture)
        yield Static(id="step-line", classes="bar")
        yield Footer(show_command_palette=False, compact=True)

    async def on_mount(self) -> None:
        """Show the place where the learner was, then open the lab."""
        self.query_one("#lesson").border_title = "Lesson"
        self.query_one("#shell").border_title = "Shell"
        self.query_one("#shell").border_subtitle = _ENTERS
        self.query_one("#picture").border_title = "Live picture"
        self.query_one("#picture").border_subtitle = _TURNS
        self.query_one("#view").display = False
        self.watch(self, "focused", self._focus_moved, init=False)
        for what in ("scroll_y", "virtual_size"):
            self.watch(self.query_one("#lesson"), what, self._place_moved, init=False)
        self._draw_tabs()
        self.record(ChapterOpened(chapter=self.chapter.id))
        await self.show(self._place)
        self.call_after_refresh(self.lab.open)

    def on_screen_resume(self) -> None:
        """Back from the doctor: what was missing may be there now."""
        if self._pages:
            self.lab.open()
            self.lab.watched()

    def on_screen_suspend(self) -> None:
        """Something lies above: what is not seen is not measured."""
        self.lab.watched()

    async def on_unmount(self) -> None:
        """Let go of the engine; the lab stays."""
        await self.lab.let_go()
        await self.room.leave()

    @property
    def page(self) -> Page:
        """The page that is shown."""
        return self._pages[self._place]

    @property
    def lab_page(self) -> LabPage | None:
        """The page that is shown, when it is the lab's."""
        return self.page if isinstance(self.page, LabPage) else None

    def record(self, event: AnyEvent) -> None:
        """Keep an event; say once when it cannot be written."""
        if news := self.desk.record(event):
            self.notify(news, title="Your journal", severity="warning", timeout=15)

    @property
    def at_end(self) -> bool:
        """Whether the chapter's last part is left behind."""
        return isinstance(self.page, EndPage)

    def bound(self, value: T) -> T:
        """A part with its variables filled in: those of the open lab, or likely ones."""
        if self.room.session is not None:
            return variables.bind(value, self.room.session.bindings)
        return variables.bind(value, variables.preview(self.chapter, images.reference_variables()))

    # -- going through the chapter -------------------------------------------------------------------------------
    async def show(self, place: int) -> None:
        """Show a section, or the end."""
        # What was said of the part before is over, and would only cover this one.
        self.app.clear_notifications()
        sections = self.chapter.sections
        for page in self._pages.values():
            page.display = False
        self._place = place
        self._asked_to_skip = -1
        if place < len(sections):
            self.record(SectionReached(chapter=self.chapter.id, item=sections[place].id))
        box = self.query_one("#lesson")
        if place not in self._pages:
            self._pages[place] = self._make(place)
            await box.mount(self._pages[place])
        page = self.page
        page.display = True
        box.scroll_home(animate=False)
        self._draw_place()
        self.lab.shown(page)
        self._widen()
        self._draw_bar()
        self._collect(place)
        if not isinstance(self.focused, ShellView):
            self._focus_page()
        self.refresh_bindings()

    def _make(self, place: int) -> Page:
        if place >= len(self.chapter.sections):
            return self._end()
        section: Section = self.chapter.sections[place]
        shown = self.bound(section)
        match shown:
            case Predict():
                assert isinstance(section, Predict)
                return PredictPage(shown, section, self.room, self.desk.shuffle)
            case Lab():
                return LabPage(shown, self.chapter.chapter)
            case Quiz():
                assert isinstance(section, Quiz)
                answered = self.desk.progress(self.chapter).questions
                return QuizPage(section, self.bound, answered, self.room, self.desk.shuffle)
            case _:
                page = reading_page(shown)
                assert page is not None
                return page

    def _end(self) -> Page:
        passed = self.desk.progress(self.chapter).steps
        steps = [step for part in self.chapter.sections if isinstance(part, Lab) for step in part.steps]
        left = [step.title for step in steps if step.id not in passed]
        if not left:
            self.record(ChapterFinished(chapter=self.chapter.id))
            self.lab.finish()
        return EndPage(self.chapter, left, self.desk.after(self.chapter))

    def _focus_page(self) -> None:
        if isinstance(self.page, (QuizPage, PredictPage)) and self.page.asking.focus_first():
            return
        self.query_one("#lesson").focus(scroll_visible=False)

    def _collect(self, place: int) -> None:
        from tutor.ui.tui import prose

        self.puts = []
        if place < len(self.chapter.sections) and not isinstance(self.page, LabPage):
            for text in variables.texts(self.bound(self.chapter.sections[place])):
                self.puts += prose.commands(text)
        self._put_place = 0

    # -- drawing -------------------------------------------------------------------------------------------------
    def _draw_bar(self) -> None:
        session = self.room.session
        engine = f"engine {self.room.engine.version.engine} ●" if self.room.engine else "engine …"
        sandbox = f"sandbox {session.lab_id}" if session else "no sandbox yet"
        done = self.desk.progress(self.chapter)
        self.query_one("#lesson-bar", Static).update(
            Content.assemble(
                (f"{self.chapter.chapter} · {self.chapter.title}   ", "bold $primary"),
                (bar(done.share, 10), "$success"),
                (f" {done.share:.0%} done   ", "$quiet"),
                (f"{engine}   {sandbox}", "$quiet"),
            )
        )

    def _place_moved(self) -> None:
        # Only after the layout it is known how much there is below.
        self.call_after_refresh(self._draw_place)

    def _draw_place(self) -> None:
        """Which part this is, and whether there is more of it below."""
        box, total = self.query_one("#lesson"), len(self.chapter.sections)
        parts = [f"part {self._place + 1} of {total}"] if self._place < total else []
        parts += ["▼ space reads on"] if box.max_scroll_y - box.scroll_y >= 1 else []
        parts += ["n goes on"] if self._place < total else []
        box.border_subtitle = " · ".join(parts)

    def draw_status(self) -> None:
        """The engine, the sandbox or the step has changed."""
        self._draw_bar()
        line = self.query_one("#step-line", Static)
        page = self.lab_page
        line.set_class(page is None, "-empty")
        if page is not None:
            line.update(page.line())

    def _draw_tabs(self) -> None:
        parts: list[Content | tuple[str, str]] = []
        for name in _TABS:
            here = name == self._pane
            title = Content.styled(f" {'▸' if here else ' '}{name.capitalize()} ", "bold reverse" if here else "$quiet")
            parts.append(title.stylize(Style.from_meta({"@click": ("screen", "show_pane", (name,))})))
        parts.append(("   F6 next", "$quiet"))
        self.query_one("#panes", Static).update(Content.assemble(*parts))

    def _widen(self) -> None:
        """A drawing that does not fit beside the shell takes the whole screen while it is read."""
        wanted = self.page.width_wanted + 6 if self._pages else 0
        half = self.size.width // 2 if self.size.width >= 100 else self.size.width
        self.query_one("#body").set_class(wanted > half and self.size.width >= 100, "-reading")
        self.lab.watched()

    def on_resize(self) -> None:
        """Another width: perhaps other panes."""
        if self._pages:
            self._widen()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the shell only leaving it is offered; the lab's keys where there is a step."""
        del parameters
        if isinstance(self.focused, ShellView):
            return action in _IN_SHELL or action in ("put", "command_palette", "show_pane")
        if action == "reset" and self.room.session is None:
            return True  # the lab is tried once more
        if action in ("hint", "solution", "reset", "mark"):
            return self._pages != {} and self.lab_page is not None
        return True

    # -- actions -------------------------------------------------------------------------------------------------
    @work(exclusive=True, group="going")
    async def action_next(self) -> None:
        """The next step, question or part."""
        page = self.page
        if page.busy() or self._ending:
            return
        if isinstance(page, EndPage):
            if after := self.desk.after(self.chapter):
                self.app.go_to(after)
            return
        if isinstance(page, LabPage) and not page.finished and page.step and page.step.id in page.passed:
            await self.lab.next_step()
            return
        if isinstance(page, QuizPage) and page.asking.answered and await page.advance():
            return
        if self._may_go_on(page):
            if isinstance(page, QuizPage) and await page.advance():
                self._asked_to_skip = -1
                return
            await self.show(self._place + 1)

    def _may_go_on(self, page: Page) -> bool:
        missing = ""
        if isinstance(page, LabPage) and not page.finished:
            missing = "This step has not passed yet: h gives a hint, s a solution."
        elif isinstance(page, (QuizPage, PredictPage)) and not page.asking.answered:
            missing = "This is not answered yet."
        if missing and self._asked_to_skip != self._place:
            self._asked_to_skip = self._place
            self.app.clear_notifications()
            self.notify(f"{missing} Press n again to go on without it; you can come back.")
            return False
        return True

    @work(exclusive=True, group="going")
    async def action_back(self) -> None:
        """The part before."""
        if self._place > 0 and not self.page.busy():
            await self.show(self._place - 1)

    def action_page_down(self) -> None:
        """Read on."""
        self.query_one("#lesson").scroll_page_down()

    def action_switch(self) -> None:
        """Into the shell and out of it; where it is narrow, to the next tab."""
        view = self.query_one(ShellView)
        if self.has_class("-narrow"):
            self.pane(_TABS[(_TABS.index(self._pane) + 1) % len(_TABS)])
        elif self.focused is view:
            view.stop_looking_back()
            self._focus_page()
        elif view.display:
            self._make_room()
            view.focus()

    @property
    def picture_seen(self) -> bool:
        """Whether the live picture is on the terminal now."""
        body = self.query_one("#body")
        hidden = self._pane != "picture" if self.has_class("-narrow") else body.has_class("-reading")
        return self.is_current and (body.has_class("-picture-only") or not hidden)

    def _focus_moved(self) -> None:
        if not self.query_one(ShellView).looking_back:
            self._draw_shell_line("")

    def _draw_shell_line(self, words: str) -> None:
        inside = isinstance(self.focused, ShellView)
        self.query_one("#shell").border_subtitle = _line(words or (_LEAVES if inside else _ENTERS))

    def pane(self, name: str) -> None:
        """Show one of the three panes, and give it the keyboard."""
        self._pane = name
        self._draw_tabs()
        body = self.query_one("#body")
        for one in _TABS:
            body.set_class(one == name, f"-{one}")
        if name == "shell" and self.query_one(ShellView).display:
            self.query_one(ShellView).focus()
        elif name == "picture":
            self.query_one(Picture).focus()
        else:
            self._focus_page()
        self.lab.watched()

    def action_show_pane(self, name: str) -> None:
        """A click on a tab."""
        self.pane(name)

    def action_put(self, command: str) -> None:
        """Write a command of the text behind the shell's prompt."""
        self._reading_back = False
        if not self.query_one(ShellView).put(command):
            self.notify("The shell is not at its prompt: end the program in it first (ctrl+c), then try again.")
            return
        if self.has_class("-narrow"):
            self.pane("shell")
        else:
            self._make_room()
            self.query_one(ShellView).focus()

    def action_put_next(self) -> None:
        """The next command of the text; again for the one after it."""
        puts = self.lab.commands() if self.lab_page else self.puts
        if not puts:
            self.notify("This text has no command to put into the shell.")
            return
        command = puts[self._put_place % len(puts)]
        self._put_place += 1
        self.action_put(command)

    def action_hint(self) -> None:
        """The next hint."""
        self.lab.hint()

    def action_solution(self) -> None:
        """One way to do it."""
        self.lab.solution()

    def action_reset(self) -> None:
        """The step from its start."""
        self.lab.reset()

    def action_mark(self) -> None:
        """Mark in the picture what the verdict is about."""
        self.lab.mark()

    def action_look_back(self, searching: bool) -> None:
        """Search, or select and copy, what the shell has printed."""
        view = self.query_one(ShellView)
        if not view.display:
            return
        if self.has_class("-narrow"):
            self.pane("shell")
        self._make_room()
        view.focus()
        self._reading_back = True
        view.look_back(searching=searching)

    def action_turn_picture(self) -> None:
        """The picture's next tab; where it is not seen, the picture first."""
        if self.picture_seen:
            self.query_one(Picture).action_next(1)
        elif self.has_class("-narrow"):
            self.pane("picture")
        else:
            self._make_room()

    def action_enlarge(self) -> None:
        """The picture on the whole screen, and back."""
        body = self.query_one("#body")
        body.toggle_class("-picture-only")
        if body.has_class("-picture-only"):
            self.query_one(Picture).focus()
        else:
            self.pane("lesson") if self.has_class("-narrow") else self._focus_page()
        self.query_one("#picture").border_subtitle = (
            "v turns it · z makes it small again" if body.has_class("-picture-only") else _TURNS
        )
        self.lab.watched()

    def _make_room(self) -> None:
        """Whatever covers the shell and the picture makes room."""
        body = self.query_one("#body")
        if body.has_class("-picture-only"):
            self.action_enlarge()
        body.remove_class("-reading")
        self.lab.watched()

    def action_outside(self) -> None:
        """The lab's shell on the whole terminal, until it ends."""
        self.lab.outside()

    def action_leave(self) -> None:
        """Back to the chapters."""
        self.app.pop_screen()

    # -- news ----------------------------------------------------------------------------------------------------
    def on_lab_update(self, event: LabUpdate) -> None:
        """The engine's state has changed, or the judge has spoken."""
        self.lab.update(event.update)

    def on_lab_call(self, event: LabCall) -> None:
        """An API call began or ended."""
        del event
        self.lab.called()

    def on_lab_reading(self, event: LabReading) -> None:
        """Usage, doors or layers were measured."""
        self.lab.read(event.reading)

    def on_picture_turned(self) -> None:
        """Another tab of the picture is looked at."""
        self.lab.watched()

    def on_read_view_looking_back(self, event: ShellView.LookingBack) -> None:
        """What the reader of the shell is doing, below it; when it is over, the keyboard goes back where it was."""
        self._draw_shell_line(event.words)
        if not event.words and self._reading_back:
            self._reading_back = False
            if not self.has_class("-narrow"):
                self._focus_page()

    def on_shell_view_ended(self) -> None:
        """The shell was left with exit or ctrl+d."""
        self.lab.shell_ended()

    # -- answers -------------------------------------------------------------------------------------------------
    def on_asking_answered(self, event: Asking.Answered) -> None:
        """Keep the answer."""
        source = event.asking.source
        self.record(answered(self.chapter, source, event.answer, event.grade, event.outcome))
        if isinstance(self.page, QuizPage) and not isinstance(source, Predict):
            self.page.note(event.grade.right)
        if self.focused is None or not isinstance(self.focused, ShellView):
            self.query_one("#lesson").focus(scroll_visible=False)
        self._draw_bar()

    def problem(self, problem: Problem, title: str = "") -> None:
        """Something could not be done."""
        self.notify(str(problem), title=title, severity="error", timeout=12)


def _line(words: str) -> str:
    """Words for a border, where square brackets would be read as markup."""
    return words.replace("[", "\\[")
