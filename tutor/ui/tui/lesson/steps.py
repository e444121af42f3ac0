"""The lab's page: its steps with their state, and the current one with its goal, hints and verdict.

The list of steps stands above and never changes its height. What a learner opens (hint, solution) comes between
goal and verdict, and what the judge says comes last, so nothing that is being read moves by itself.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tutor.course.models import Lab, Step
from tutor.lab.verdict import NotYet, Passed, Unattempted, Unavailable, Verdict
from tutor.ui.tui.lesson.pages import Page
from tutor.ui.tui.prose import Code, Prose, inline

_SHOWN = 4  # findings at once; more only discourage


class LabPage(Page):
    """A lab.

    Args:
        lab: The lab, variables bound as far as they are known.
        chapter: Number of its chapter: of mistakes that are taught in others it is said where.

    Attributes:
        passed: Ids of the steps that have passed in this lab.
        left_out: Ids of the steps that cannot be done on this machine, and what they lack.
        step: The step that is worked on; None before the lab is open.
        verdict: What was said of it last.
    """

    class Chosen(Message):
        """A step was clicked."""

    def __init__(self, lab: Lab, chapter: int | None = None) -> None:
        super().__init__()
        self.lab = lab
        self._chapter = chapter
        self.passed: set[str] = set()
        self.left_out: dict[str, str] = {}
        self.step: Step | None = None
        self.verdict: Verdict | None = None
        self.hints = 0
        self._waiting = ""
        self._listed = False

    def compose(self) -> ComposeResult:
        """Title, introduction, steps, the current step."""
        yield Static(Content.styled(self.lab.title, "bold $secondary"), classes="head", id="lab-title")
        if self.lab.intro:
            yield Prose(self.lab.intro, classes="intro")
        yield Static(id="steps")
        yield Static(id="goal")
        yield Page(id="helps")
        yield Static(id="verdict")
        yield Page(id="why")

    def on_mount(self) -> None:
        """Draw what is known already."""
        self.draw()

    @property
    def finished(self) -> bool:
        """Whether every step has passed that can be done on this machine."""
        return self.waiting is None

    @property
    def waiting(self) -> str | None:
        """The first step that can be done and has not passed; None when there is none."""
        steps = (step.id for step in self.lab.steps)
        return next((step for step in steps if step not in self.passed and step not in self.left_out), None)

    def busy(self) -> bool:
        """While a step is being prepared, nothing else begins."""
        return bool(self._waiting)

    # -- what happens --------------------------------------------------------------------------------------------
    def wait(self, words: str) -> None:
        """Something is being done that takes a while; empty when it is over."""
        self._waiting = words
        self.draw()

    def begin(self, step: Step) -> None:
        """A step begins, or begins again."""
        self.step = step
        self.verdict = Passed() if step.id in self.passed else None
        self.hints = 0
        self._waiting = ""
        self.query_one("#helps").remove_children()
        self.query_one("#why").remove_children()
        self.draw()

    def told(self, verdict: Verdict) -> None:
        """The judge has spoken of the current step."""
        if self.step is None:
            return
        first = isinstance(verdict, Passed) and self.step.id not in self.passed
        if isinstance(verdict, Passed):
            self.passed.add(self.step.id)
        elif self.step.id in self.passed:
            return  # what has passed stays passed, whatever is tried afterwards
        self.verdict = verdict
        if first and self.step.explain:
            self.query_one("#why").mount(Prose(self.step.explain))
        self.draw()

    def open_hint(self) -> int:
        """Show the next hint; its number, 0 when there is no step."""
        if self.step is None:
            return 0
        if self.hints < len(self.step.hints):
            self.hints += 1
            words = inline(self.step.hints[self.hints - 1])
            number = Content.styled(f"Hint {self.hints} of {len(self.step.hints)}  ", "$warning")
            self.query_one("#helps").mount(Static(number + words, classes="hint"))
        return self.hints

    def open_solution(self) -> bool:
        """Show one way to do it; whether that is news."""
        if self.step is None or self.query("#helps .solution"):
            return False
        head = Static(Content.styled("One way to do it (click, or p puts it into the shell)", "$warning"))
        block = Code(self.step.solutions[0].strip(), whole=True)
        block.add_class("solution")
        self.query_one("#helps").mount(head, block)
        return True

    @property
    def where(self) -> str:
        """The object that the first finding with a place is about."""
        findings = self.verdict.findings if isinstance(self.verdict, NotYet) else ()
        return next((finding.where for finding in findings if finding.where), "")

    # -- drawing -------------------------------------------------------------------------------------------------
    def draw(self) -> None:
        """Draw steps, goal and verdict as they are now."""
        if not self.is_mounted:
            return
        # Its height never changes, so the screen need not be laid out again for it.
        fresh = not self._listed
        self._listed = True
        rows = Content("\n").join([self._row(step) for step in self.lab.steps])
        self.query_one("#steps", Static).update(rows, layout=fresh)
        goal = inline(self.step.goal) if self.step else Content.styled(self._waiting or "The lab opens …", "$quiet")
        if self.step and self._waiting:
            goal = Content.assemble(goal, ("\n" + self._waiting, "$quiet"))
        self.query_one("#goal", Static).update(goal)
        self.query_one("#verdict", Static).update(self._said())

    def line(self) -> Content:
        """The current step and its verdict in one line, for where the page itself is not seen."""
        if self.step is None:
            return Content.styled(self._waiting or "The lab opens …", "$quiet")
        mark, style = self._mark(self.step.id)
        number = [step.id for step in self.lab.steps].index(self.step.id) + 1
        words = self.step.title
        if isinstance(self.verdict, Passed):
            words = "Passed — n goes on (F6 leaves the shell)"
        elif isinstance(self.verdict, NotYet) and self.verdict.settled:
            first = self.verdict.findings[0].summary if self.verdict.findings else "not yet"
            words = self.verdict.mistake.say if self.verdict.mistake else first
        return Content.assemble((f"{mark} {number}  ", style), inline(words))

    def _mark(self, step: str) -> tuple[str, str]:
        if step in self.passed:
            return "●", "bold $success"
        if step in self.left_out:
            return "–", "$quiet"
        here = self.step is not None and step == self.step.id
        if here and isinstance(self.verdict, NotYet):
            return "◐", "bold $warning"
        return "○", "bold" if here else "$quiet"

    def _row(self, step: Step) -> Content:
        mark, style = self._mark(step.id)
        number = [one.id for one in self.lab.steps].index(step.id) + 1
        here = self.step is not None and step.id == self.step.id
        title = "bold" if here else "$quiet"
        pointer = ("▸" if here else " ", "$primary")
        return Content.assemble(pointer, (f"{mark} ", style), (f"{number}  {step.title}", title))

    def _said(self) -> Content:
        match self.verdict:
            case Passed():
                last = self.finished
                more = "That was the last step: n goes on" if last else "n begins the next step"
                more += " (after F6, when you are in the shell)."
                return Content.assemble(("● Passed. ", "bold $success"), more)
            case NotYet() as verdict:
                return _not_yet(verdict, self._chapter)
            case Unavailable(reason=reason):
                return Content.assemble(("? It cannot be told now. ", "bold $error"), reason)
            case Unattempted():
                return Content.styled("○ Nothing has changed yet. You are judged by itself as you work.", "$quiet")
            case None:
                return Content("")


def _not_yet(verdict: NotYet, chapter: int | None) -> Content:
    parts: list[Content] = [
        Content.styled("◐ Not yet" + ("" if verdict.settled else "; something still runs or starts"), "bold $warning")
    ]
    if verdict.mistake:
        title = verdict.mistake.words
        elsewhere = verdict.mistake.chapter not in (None, chapter)
        taught = f"  (chapter {verdict.mistake.chapter})" if elsewhere else ""
        say = inline(verdict.mistake.say)
        parts.append(Content.assemble(("✎ ", "$warning"), (f"{title}: ", "bold"), say, (taught, "$quiet")))
    for finding in verdict.findings[:_SHOWN]:
        parts.append(Content.assemble("- ", inline(finding.summary)))
        if finding.expected:
            parts.append(Content.assemble(("  expected  ", "$quiet"), finding.expected))
        if finding.found:
            parts.append(Content.assemble(("  found     ", "$quiet"), finding.found))
    if len(verdict.findings) > _SHOWN:
        parts.append(Content.styled(f"  and {len(verdict.findings) - _SHOWN} more", "$quiet"))
    return Content("\n").join(parts)
