"""The guide answers the lab's shell: judges at every prompt, opens hints, goes from step to step.

It draws into a text, so that the shell prints it between the learner's commands and nothing is overwritten.
"""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console

from tutor.course.identity import content_hash
from tutor.course.models import Lab, Step
from tutor.lab.session.session import Session
from tutor.lab.verdict import NotYet, Passed, Unattempted, Verdict
from tutor.learner.events import AnyEvent, HintOpened, SolutionOpened, StepBegun, StepPassed, StepTried
from tutor.problems import Problem
from tutor.ui.plain import verdicts
from tutor.ui.plain.conversation import Reply
from tutor.ui.plain.page import Page

_SETTLING = 4.0  # seconds that a prompt waits for a container that is still starting

HELP = """\
Type any command; you are judged after each. And these words:
  goal       what shall be true
  hint       the next hint (there are three)
  solution   one way to do it
  next       go on, once the step has passed
  tutor check      judge now, and say everything that is found
  tutor reset      begin this step again, with everything of the lab's as it was
  tutor leave      leave; the lab stays as it is
"""


class Guide:
    """Leads through one lab.

    Args:
        session: The open lab, at its current step or before its first.
        lab: The lab.
        passed: Ids of the steps that have passed.
        left_out: Ids of the steps that cannot be done on this machine, and what they lack.
        record: Takes events for the journal.
        like: The console whose width and colours the answers shall have.
    """

    def __init__(
        self, session: Session, lab: Lab, passed: set[str], record: Callable[[AnyEvent], object], like: Console
    ) -> None:
        self.session = session
        self.lab = lab
        self.passed = passed
        self.left_out = session.left_out()
        self.left = False
        self._record = record
        self._like = like
        self._hints: dict[str, int] = {}
        self._told: Verdict | None = None

    @property
    def finished(self) -> bool:
        """Whether every step has passed that can be done on this machine."""
        return all(step.id in self.passed or step.id in self.left_out for step in self.lab.steps)

    def begin(self) -> str:
        """Begin the first step that has not passed; returns what to show."""
        page, text = self._page()
        if self.finished:
            page.line("Every step of this lab has passed. Type next to go on, or look around.")
        else:
            self._begin(page)
        return text()

    def answer(self, request: str) -> Reply:
        """Answer the shell; never raises."""
        page, text = self._page()
        try:
            leave = self._answer(page, request)
        except Problem as problem:
            page.item("?", str(problem), "bold red")
            leave = False
        return Reply(text(), leave)

    def _answer(self, page: Page, request: str) -> bool:
        match request:
            case "prompt":
                self._judge(page, everything=False)
            case "check":
                self._judge(page, everything=True)
            case "goal":
                self._goal(page)
            case "hint":
                self._hint(page)
            case "solution":
                self._solution(page)
            case "next":
                return self._next(page)
            case "reset":
                self._reset(page)
            case "leave":
                self.left = True
                return True
            case _:
                page.console.print(HELP, end="", markup=False, highlight=False)
        return False

    # -- steps ---------------------------------------------------------------------------------------------------
    @property
    def _step(self) -> Step | None:
        return self.session.step

    def _begin(self, page: Page) -> None:
        for number, step in enumerate(self.lab.steps, 1):
            if step.id in self.passed:
                continue
            if step.id not in self.left_out:
                break
            page.item(f"Step {number} is left out:", self.left_out[step.id])
        self.session.begin(step.id)
        self._told = None
        self._record(StepBegun(chapter=self.session.chapter.id, item=step.id, hash=content_hash(step)))
        self._goal(page)

    def _goal(self, page: Page) -> None:
        if self._step is None:
            return
        number = next(n for n, step in enumerate(self.lab.steps, 1) if step.id == (self._step.id))
        page.line()
        page.item(f"Step {number} of {len(self.lab.steps)}:", self._step.title, "bold")
        page.line(self._step.goal, indent=2)

    def _judge(self, page: Page, *, everything: bool) -> None:
        step = self._step
        if step is None or (step.id in self.passed and not everything):
            return
        verdict = self.session.judge(wait=_SETTLING)
        new, self._told = verdict != self._told, verdict
        if step.id in self.passed or isinstance(verdict, Unattempted):
            if everything:
                verdicts.tell(page, verdict)
            return
        if isinstance(verdict, Passed):
            self._pass(page, step)
        elif new or everything:
            verdicts.tell(page, verdict)
            if new and isinstance(verdict, NotYet) and verdict.settled:
                mistake = verdict.mistake.id if verdict.mistake else ""
                findings = len(verdict.findings)
                chapter = self.session.chapter.id
                self._record(
                    StepTried(chapter=chapter, item=step.id, hash=self._hash(step), findings=findings, mistake=mistake)
                )

    def _pass(self, page: Page, step: Step) -> None:
        self.passed.add(step.id)
        self._record(StepPassed(chapter=self.session.chapter.id, item=step.id, hash=self._hash(step)))
        verdicts.tell(page, Passed())
        if step.explain:
            page.markdown(step.explain, indent=2)
        last = self.finished
        page.line("Type next to go on." if not last else "That was the last step of this lab. Type next to go on.")

    def _next(self, page: Page) -> bool:
        if self.finished:
            return True
        if self._step and self._step.id in self.passed:
            self._begin(page)
        else:
            page.line("This step has not passed yet: try hint, or solution. tutor leave comes back to it later.")
        return False

    def _reset(self, page: Page) -> None:
        receipt = self.session.reset()
        self._told = None
        page.line("The step begins again.")
        for line in receipt.words():
            page.line(line, indent=2)
        self._goal(page)

    # -- help ----------------------------------------------------------------------------------------------------
    def _hint(self, page: Page) -> None:
        step = self._step
        if step is None:
            return
        number = min(self._hints.get(step.id, 0) + 1, len(step.hints))
        self._hints[step.id] = number
        self._record(HintOpened(chapter=self.session.chapter.id, item=step.id, hash=self._hash(step), number=number))
        page.item(f"Hint {number} of {len(step.hints)}:", "")
        page.markdown(step.hints[number - 1], indent=2)

    def _solution(self, page: Page) -> None:
        step = self._step
        if step is None:
            return
        self._record(SolutionOpened(chapter=self.session.chapter.id, item=step.id, hash=self._hash(step)))
        page.line("One way to do it:")
        page.raw(step.solutions[0].strip(), indent=0)  # to be copied: indented, a here-document would not end

    def _hash(self, step: Step) -> str:
        """The hash of the step as the course has it: bound values differ from lab to lab."""
        return content_hash(next(s for s in self.lab.steps if s.id == step.id))

    def _page(self) -> tuple[Page, Callable[[], str]]:
        stream = io.StringIO()
        console = Console(
            file=stream,
            width=self._like.width,
            force_terminal=self._like.is_terminal,
            no_color=self._like.no_color,
            color_system="standard" if self._like.is_terminal and not self._like.no_color else None,
            highlight=False,
        )
        return Page(console), stream.getvalue
