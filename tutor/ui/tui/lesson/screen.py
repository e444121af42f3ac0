"""The lesson: text and steps on the left, the shell above the live picture on the right; three tabs where it is narrow.

This file puts the parts together; `room` works on the engine, `steps` and `tutor.ui.tui.quiz` are what is worked on.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar, TypeVar

from textual import work
from textual.binding import BindingType
from textual.widgets import Static

from tutor.course import variables
from tutor.course.models import Chapter, Predict
from tutor.engine import images
from tutor.learner.events import AnyEvent, ChapterFinished, ChapterOpened, SectionReached
from tutor.problems import Problem
from tutor.quiz.record import answered
from tutor.ui.tui.desk import Desk
from tutor.ui.tui.lesson.head import engine_words, head
from tutor.ui.tui.lesson.keys import HELP, KEYS
from tutor.ui.tui.lesson.lab import LabDesk
from tutor.ui.tui.lesson.making import end_of, page_of
from tutor.ui.tui.lesson.measuring import Measuring
from tutor.ui.tui.lesson.news import LabCall, LabReading, LabUpdate
from tutor.ui.tui.lesson.pages import EndPage, Page
from tutor.ui.tui.lesson.panes import PaneScreen
from tutor.ui.tui.lesson.room import Room
from tutor.ui.tui.lesson.steps import LabPage
from tutor.ui.tui.quiz.asking import Asking
from tutor.ui.tui.quiz.page import PredictPage, QuizPage
from tutor.ui.tui.rounds.taught import TaughtScreen
from tutor.ui.tui.shell.view import ShellView

T = TypeVar("T")
CSSPaths = str | PurePath | list[str | PurePath] | None
_IN_SHELL = frozenset({"switch", "put", "command_palette", "show_pane"})


class LessonScreen(PaneScreen):
    """One chapter.

    Args:
        desk: The learner's things.
        chapter: The chapter; it opens where it was left.
        room: The engine's side; one on the engine that is found when left out.
    """

    CSS_PATH: ClassVar[CSSPaths] = ["lesson.tcss", "../quiz/quiz.tcss"]
    HELP = HELP
    BINDINGS: ClassVar[list[BindingType]] = KEYS

    def __init__(self, desk: Desk, chapter: Chapter, room: Room | None = None) -> None:
        super().__init__(chapter.picture)
        self.desk = desk
        self.chapter = chapter
        self.room = room or Room(desk.course, chapter)
        self.measuring = Measuring(self)
        self.lab = LabDesk(self)
        done = desk.progress(chapter)
        self._place = 0 if done.state == "finished" else done.section
        self._pages: dict[int, Page] = {}
        self._asked_to_skip = -1
        self.puts: list[str] = []
        self._put_place = 0

    # -- what it is made of --------------------------------------------------------------------------------------
    async def on_mount(self) -> None:
        """Show the place where the learner was, then open the lab."""
        self.set_up()
        for what in ("scroll_y", "virtual_size"):
            self.watch(self.query_one("#lesson"), what, self._place_moved, init=False)
        self.record(ChapterOpened(chapter=self.chapter.id))
        await self.show(self._place)
        self.call_after_refresh(self.lab.open)

    def on_screen_resume(self) -> None:
        """Back from the doctor: what was missing may be there now."""
        if self._pages:
            self.lab.open()
            self.measuring.watched()

    def on_screen_suspend(self) -> None:
        """Something lies above: what is not seen is not measured."""
        self.measuring.watched()

    async def on_unmount(self) -> None:
        """Let go of the engine; the lab stays."""
        await self.measuring.end()
        await self.room.leave()

    @property
    def width_wanted(self) -> int:
        """As many cells as the page needs."""
        return self.page.width_wanted if self._pages else 0

    def seen_changed(self) -> None:
        """What is not seen is not measured."""
        self.measuring.watched()

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
        before = self._pages.get(place)
        if before is None or isinstance(before, EndPage):
            # What is said at the end is what is true now: something may have been done since.
            self._pages[place] = self._made(place)
            await box.mount(self._pages[place])
            if before is not None:
                await before.remove()
        page = self.page
        page.display = True
        box.scroll_home(animate=False)
        self._draw_place()
        self.lab.shown(page)
        self.widen()
        self.draw_bar()
        self._collect(place)
        if not isinstance(self.focused, ShellView):
            self.focus_text()
        self.refresh_bindings()

    def _made(self, place: int) -> Page:
        if place < len(self.chapter.sections):
            return page_of(self.chapter.sections[place], self.chapter, self.bound, self.desk, self.room)
        page, before = end_of(self.chapter, self.desk), self._pages.get(place)
        known = isinstance(before, EndPage) and before.done
        if isinstance(before, EndPage):
            page.lines = before.lines
        if page.done and not known:
            self.record(ChapterFinished(chapter=self.chapter.id))
            self.lab.finish()
        return page

    def focus_text(self) -> None:
        """To what is asked, else to the text."""
        if isinstance(self.page, (QuizPage, PredictPage)) and self.page.asking.focus_first():
            return
        super().focus_text()

    def _collect(self, place: int) -> None:
        from tutor.ui.tui import prose

        self.puts = []
        if place < len(self.chapter.sections) and not isinstance(self.page, LabPage):
            for text in variables.texts(self.bound(self.chapter.sections[place])):
                self.puts += prose.commands(text)
        self._put_place = 0

    # -- drawing -------------------------------------------------------------------------------------------------
    def draw_bar(self) -> None:
        """The chapter, and what it works on."""
        session, engine = self.room.session, self.room.engine
        sandbox = f"sandbox {session.lab_id}" if session else ""
        known = engine_words(engine.version.engine if engine else "", looking=not self.lab.failed)
        line, share = self.query_one("#lesson-bar", Static), self.desk.progress(self.chapter).share
        line.update(head(self.chapter, share, known, sandbox, line.content_size.width or self.size.width - 2))

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
        self.draw_bar()
        line = self.query_one("#step-line", Static)
        page = self.lab_page
        line.set_class(page is None, "-empty")
        if page is not None:
            line.update(page.line())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the shell only leaving it is offered; the lab's keys where there is a step."""
        del parameters
        if isinstance(self.focused, ShellView):
            return action in _IN_SHELL
        if action == "reset" and self.room.session is None:
            return True  # the lab is tried once more
        if action == "taught":
            return self._pages != {} and isinstance(self.page, QuizPage) and self.page.taught is not None
        if action in ("hint", "solution", "reset", "mark"):
            return self._pages != {} and self.lab_page is not None
        return True

    # -- actions -------------------------------------------------------------------------------------------------
    @work(exclusive=True, group="going")
    async def action_next(self) -> None:
        """The next step, question or part."""
        page = self.page
        self.show_text()
        if page.busy():
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

    def action_page_down(self) -> None:
        """Read on; at the end of what needs no doing, to the next part, as in a pager."""
        box = self.query_one("#lesson")
        if box.max_scroll_y - box.scroll_y >= 1:
            super().action_page_down()
        elif self._pages and not self._missing(self.page):
            self.action_next()

    @staticmethod
    def _missing(page: Page) -> str:
        """What is left to do before the next part; empty when nothing is."""
        if isinstance(page, LabPage) and not page.finished:
            return "This step has not passed yet: h gives a hint, s a solution."
        if isinstance(page, (QuizPage, PredictPage)) and not page.asking.answered:
            return "This is not answered yet."
        return ""

    def _may_go_on(self, page: Page) -> bool:
        missing = self._missing(page)
        if missing and self._asked_to_skip != self._place:
            self._asked_to_skip = self._place
            self.app.clear_notifications()
            self.notify(f"{missing} Press n again to go on without it; you can come back.")
            return False
        return True

    @work(exclusive=True, group="going")
    async def action_back(self) -> None:
        """The part before."""
        self.show_text()
        if self._place > 0 and not self.page.busy():
            await self.show(self._place - 1)

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
        self.show_text()
        self.lab.hint()

    def action_solution(self) -> None:
        """One way to do it."""
        self.show_text()
        self.lab.solution()

    def action_reset(self) -> None:
        """The step from its start."""
        self.lab.reset()

    def action_mark(self) -> None:
        """Mark in the picture what the verdict is about."""
        self.lab.mark()

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
        self.measuring.read(event.reading)

    def on_picture_turned(self) -> None:
        """Another tab of the picture is looked at."""
        self.measuring.watched()

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
            self.refresh_bindings()
        if self.focused is None or not isinstance(self.focused, ShellView):
            self.query_one("#lesson").focus(scroll_visible=False)
        self.draw_bar()

    def action_taught(self) -> None:
        """What taught the question that was just answered, above it."""
        if isinstance(self.page, QuizPage) and self.page.taught:
            self.app.push_screen(TaughtScreen(self.chapter, self.bound(self.page.taught)))

    def problem(self, problem: Problem, title: str = "") -> None:
        """Something could not be done."""
        self.notify(str(problem), title=title, severity="error", timeout=12)
