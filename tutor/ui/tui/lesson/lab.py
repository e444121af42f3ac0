"""The lab on the lesson screen: opening it, its shell, its verdicts, its steps."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from textual.widgets import Static

from tutor.course.identity import content_hash
from tutor.course.models import Diagram, Step
from tutor.engine.machine import Machine
from tutor.engine.world import World
from tutor.lab.session.follow import Update
from tutor.lab.session.session import Session
from tutor.lab.verdict import NotYet, Passed, Verdict
from tutor.learner.events import HintOpened, LabOpened, SolutionOpened, StepBegun, StepPassed, StepTried
from tutor.problems import Problem
from tutor.sandbox.trace import Call
from tutor.ui.tui.lesson import outside
from tutor.ui.tui.lesson.news import LabCall, LabUpdate
from tutor.ui.tui.lesson.pages import EndPage, Page
from tutor.ui.tui.lesson.steps import LabPage
from tutor.ui.tui.picture import Picture
from tutor.ui.tui.picture.drawn import Drawn
from tutor.ui.tui.shell.view import ShellView

if TYPE_CHECKING:
    from tutor.ui.tui.lesson.screen import LessonScreen

_CALLS_AT_ONCE = 0.05  # seconds in which calls are collected before they are drawn


class LabDesk:
    """What belongs to the lab while its chapter is on screen.

    Args:
        screen: The lesson.

    Attributes:
        failed: Whether the lab could not be opened, when it was last tried.
    """

    def __init__(self, screen: LessonScreen) -> None:
        self._screen = screen
        self._room = screen.room
        self._page: LabPage | None = None
        self._passed: set[str] = set()
        self._collecting = False
        self._marked = False
        self.failed = False
        self._opening = self._resetting = False
        self._machine: Machine | None = None

    @property
    def _view(self) -> ShellView:
        return self._screen.query_one(ShellView)

    @property
    def _picture(self) -> Picture:
        return self._screen.query_one(Picture)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._screen.run_worker(work, group="lab")

    # -- opening -------------------------------------------------------------------------------------------------
    def open(self) -> None:
        """Open the lab, or go on with it; tried again after a problem."""
        if self._room.session is None and not self._opening:
            self._opening = True
            self._start(self._open())

    async def _open(self) -> None:
        self.failed = False
        self._say("The lab opens …")
        self._screen.draw_status()
        try:
            session = await self._room.open(self._progress)
            if self._room.fresh and session.lab is not None:
                lab = session.lab
                self._screen.record(LabOpened(chapter=self._screen.chapter.id, item=lab.id, lab=session.lab_id))
            self._passed = self._screen.desk.passed_in(self._screen.chapter, session.lab_id)
            await self._start_shell(session)
            if session.trace is not None:
                self._picture.show_calls(session.calls())
                session.trace.subscribe(self._on_call)
            await self._room.follow(self._on_update)
            await self._screen.measuring.begin(session)
            if any(isinstance(part, Diagram) and part.live for part in self._screen.chapter.sections):
                self._machine = await self._room.machine()
                self.draw_live()
        except Problem as problem:
            more = "\n\nPress d for the doctor, or r to try again." if not self._room.session else ""
            self._not_opened(f"{problem}{more}")
            return
        except OSError as error:
            self._not_opened(f"The shell cannot be started: {error}.")
            return
        finally:
            self._opening = False
        self._screen.draw_status()
        if self._page is not None and self._screen.lab_page is self._page:
            await self._begin_waiting()

    def _not_opened(self, words: str) -> None:
        self.failed = True
        self._say(words)
        self._screen.draw_status()

    async def _start_shell(self, session: Session) -> None:
        view = self._view
        view.clear()
        view.display = True
        self._screen.draw_shell_line()
        self._say("")
        env = session.environment() | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        await view.start(session.shell_command(), env, session.workspace)

    def shell_ended(self) -> None:
        """The shell was left: a new one comes."""
        if self._room.session is not None and self._view.is_attached and not self._resetting:
            self._start(self._start_shell(self._room.session))

    def _say(self, words: str) -> None:
        place = self._screen.query_one("#shell-words", Static)
        place.display = bool(words)
        place.update(words)

    def _progress(self, words: str) -> None:
        self._screen.app.call_from_thread(self._say, f"{words} …")

    # -- what the engine tells -----------------------------------------------------------------------------------
    def _on_update(self, update: Update) -> None:
        # In the follower's thread; messages go safely into the app's.
        self._screen.post_message(LabUpdate(update))

    def _on_call(self, call: Call) -> None:
        self._screen.post_message(LabCall(call))

    def update(self, update: Update) -> None:
        """The lab has changed, or the judge has spoken: the verdict first, then the picture."""
        if self._page is not None and update.verdict is not None:
            self._judged(self._page, update.step, update.verdict)
        self._picture.show(update.world, update.changes)
        self.draw_live()
        if update.changes:
            self._screen.measuring.stir()

    def _judged(self, page: LabPage, about: str, verdict: Verdict) -> None:
        step = page.step
        if step is None or about != step.id:
            return
        first = step.id not in page.passed
        before = page.verdict
        page.told(verdict)
        if first and isinstance(verdict, Passed):
            self._passed.add(step.id)
            self._record(StepPassed, step)
        elif first and isinstance(verdict, NotYet) and verdict.settled and verdict != before:
            mistake = verdict.mistake.id if verdict.mistake else ""
            self._record(StepTried, step, findings=len(verdict.findings), mistake=mistake)
        if self._marked:
            self._picture.mark(page.where or None)
        self._screen.draw_status()

    def called(self) -> None:
        """An API call began or ended; drawn together with those that come at the same time."""
        if not self._collecting:
            self._collecting = True
            self._screen.set_timer(_CALLS_AT_ONCE, self._draw_calls)

    def _draw_calls(self) -> None:
        self._collecting = False
        if self._room.session is None:
            return
        self._picture.show_calls(self._room.session.calls())
        self.draw_live()

    def draw_live(self) -> None:
        """The chapter's own drawing, where it is one that is alive, as things are now."""
        session = self._room.session
        for drawing in self._screen.query(Drawn):
            drawing.show(self._machine, session.world if session else World(), session.calls() if session else ())

    # -- steps ---------------------------------------------------------------------------------------------------
    def shown(self, page: Page) -> None:
        """Another page is shown."""
        if isinstance(page, LabPage):
            self._page = page
            if self._room.session is not None and page.step is None:
                self._start(self._begin_waiting())
        self.draw_live()
        self._screen.draw_status()

    async def _begin_waiting(self) -> None:
        """Begin the first step that has not passed; what those before left is made again where it is not there."""
        page, session = self._page, self._room.session
        if page is None or session is None or page.step is not None or page.busy():
            return
        page.passed |= self._passed & {step.id for step in page.lab.steps}
        steps = [step.id for step in page.lab.steps]
        try:
            page.left_out = await self._room.left_out()
        except Problem as problem:
            self._screen.problem(problem, "The step cannot begin")
            return
        for words in dict.fromkeys(page.left_out.values()):
            self._screen.notify(f"{words} The step is left out.")
        waiting = page.waiting
        if waiting is None:
            await self._begin(steps[-1])
            return
        again = session.step is None and waiting != steps[0]
        await self._begin(waiting, from_the_start=again)

    async def next_step(self) -> None:
        """Begin the step after the one that has passed."""
        page = self._page
        if page is not None and page.waiting is not None:
            await self._begin(page.waiting)

    async def _begin(self, step: str, *, from_the_start: bool = False) -> None:
        page = self._page
        assert page is not None
        page.wait("What the steps before left is made again …" if from_the_start else "The step is prepared …")
        try:
            begun = await self._room.begin(step, from_the_start=from_the_start)
        except Problem as problem:
            page.wait("")
            self._screen.problem(problem, "The step cannot begin")
            return
        page.begin(begun)
        self._record(StepBegun, begun)
        self._unmark()
        self._screen.draw_status()

    def hint(self) -> None:
        """Open the next hint."""
        page = self._page
        if page is not None and page.step is not None:
            before = page.hints
            if (number := page.open_hint()) > before:
                self._record(HintOpened, page.step, number=number)
            else:
                self._screen.notify("There are no more hints. s shows a solution.")

    def solution(self) -> None:
        """Show one way to do it."""
        page = self._page
        if page is not None and page.step is not None and page.open_solution():
            self._record(SolutionOpened, page.step)

    def commands(self) -> list[str]:
        """What can be put into the shell: the solution, once it is shown."""
        page = self._page
        if page is None or page.step is None or not page.query(".solution"):
            return []
        return [page.step.solutions[0].strip()]

    def reset(self) -> None:
        """Everything of the lab's as it was when this step began; or, without a lab, try to open it again."""
        if self._room.session is None:
            self.open()
        elif self._page is not None and self._page.step is not None and not self._page.busy():
            self._start(self._reset(self._page, self._page.step))

    async def _reset(self, page: LabPage, step: Step) -> None:
        page.wait("Everything is taken back …")
        # The reset ends the shell: that is no reason to start one before it is done.
        self._resetting = True
        try:
            await self._room.reset()
        except Problem as problem:
            page.wait("")
            self._screen.problem(problem, "The lab cannot be reset")
            self._resetting = False
            if self._view.shell is None or not self._view.shell.running:
                self.shell_ended()
            return
        finally:
            self._resetting = False
        page.passed.discard(step.id)
        self._passed.discard(step.id)
        assert self._room.session is not None
        page.begin(self._room.session.step or step)
        self._unmark()
        await self._start_shell(self._room.session)
        session = self._room.session
        if session.trace is not None:
            session.trace.subscribe(self._on_call)
        self._screen.draw_status()
        self._screen.notify("The step begins again; everything is as it was then.")

    def mark(self) -> None:
        """Mark in the picture what is not right yet, or take the mark away."""
        page = self._page
        if page is None:
            return
        if self._marked:
            self._unmark()
        elif page.where:
            self._marked = True
            self._picture.mark(page.where)
            if self._screen.has_class("-narrow"):
                self._screen.pane("picture")
        else:
            self._screen.notify("Nothing that is wrong has a place in the picture right now.")

    def _unmark(self) -> None:
        self._marked = False
        self._picture.mark(None)

    def _record(self, kind: type[Any], step: Step, **facts: object) -> None:
        """Keep an event with the hash of the step as the course has it: bound values differ from lab to lab."""
        lab = self._room.lab
        assert lab is not None
        source = next(one for one in lab.steps if one.id == step.id)
        self._screen.record(kind(chapter=self._screen.chapter.id, item=step.id, hash=content_hash(source), **facts))

    # -- other ways, and the end ---------------------------------------------------------------------------------
    def outside(self) -> None:
        """The lab's shell on the whole terminal."""
        if self._room.session is not None:
            outside.lend(self._screen, self._room.session)

    def finish(self) -> None:
        """The chapter is done: the lab goes, with a receipt."""
        if self._room.session is not None:
            self._start(self._finish())

    async def _finish(self) -> None:
        await self._screen.measuring.end()
        await self._view.close()
        self._view.display = False
        self._screen.draw_shell_line()
        self._say("The lab is closed: everything that it made is removed …")
        try:
            receipt = await self._room.close()
        except Problem as problem:
            self._say(str(problem))
            return
        self._say("The lab is closed.")
        self._picture.show(World())
        for page in self._screen.query(EndPage):
            page.receipt(receipt.words())
        self._screen.draw_status()
