"""What is asked: a page for each kind of question. The answer is graded here and told to the lesson."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from tutor.course.models import Choose, ChooseAll, Order, Predict, Question, ReadOutput, SpotMistake, TypeCommand
from tutor.printable import printable
from tutor.problems import Problem
from tutor.quiz import grade
from tutor.quiz.grade import Grade
from tutor.ui.tui.lesson.pages import Page
from tutor.ui.tui.lesson.room import Room
from tutor.ui.tui.prose import Code, Prose, inline
from tutor.ui.tui.quiz.choices import Choices, Kind

Asked = Predict | Question


class CommandLine(Input):
    """The line in which a command is typed. Tab leaves it to the page around it, where letters are keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "leave_line", "Leave the line", key_display="Tab", id="quiz.line", tooltip="Letters are keys")
    ]

    def __init__(self) -> None:
        # What was typed before Tab is gone on with.
        super().__init__(placeholder="docker …", id="command", disabled=True, compact=True, select_on_focus=False)

    def action_leave_line(self) -> None:
        """To the nearest that can have the keyboard."""
        around = next((one for one in self.ancestors if isinstance(one, Widget) and one.focusable), None)
        if around is not None:
            around.focus(scroll_visible=False)


class Asking(Page):
    """A question or a prediction.

    Args:
        question: It, with variables bound as far as they are known: what is shown.
        source: It, as the course has it: what is run.
        room: Runs what has to be run.
        shuffle: Decides the order of what there is to choose from.
        quiet: Say nothing of the answer.
    """

    class Answered(Message):
        """An answer was given.

        Attributes:
            answer: Ids of what was chosen, or the line's number; empty for a typed command.
            outcome: Id of what really happened, for a prediction; empty where none fits.
        """

        def __init__(self, asking: Asking, answer: tuple[str, ...], grade: Grade, outcome: str = "") -> None:
            self.asking, self.answer, self.grade, self.outcome = asking, answer, grade, outcome
            super().__init__()

    def __init__(
        self, question: Asked, source: Asked, room: Room, shuffle: random.Random, *, quiet: bool = False
    ) -> None:
        super().__init__()
        self._quiet = quiet
        self.question, self.source = question, source
        self.answered = False
        self._room = room
        self._at_work = False
        self._posed = False
        self._rows = _rows(question, shuffle)

    def compose(self) -> ComposeResult:
        """The question, what it is about, what there is to choose from."""
        question = self.question
        yield Prose(question.ask)
        match question:
            case Predict() | ReadOutput():
                yield Code(question.run.strip(), whole=True)
                yield Choices("one", self._rows)
            case SpotMistake():
                yield Static(Content.styled(question.file, "bold"), classes="file")
                yield Choices("line", self._rows)
            case TypeCommand():
                yield CommandLine()
            case _:
                kinds: dict[type, Kind] = {Choose: "one", ChooseAll: "several", Order: "order"}
                yield Choices(kinds[type(question)], self._rows)
        doing = Static(id="doing", classes="quiet")
        doing.display = False
        yield doing
        yield VerticalScroll(id="answer", can_focus=False)

    def focus_first(self) -> bool:
        """Give the keyboard to what there is to choose; whether there was anything.

        For a command, its situation is made first.
        """
        if isinstance(self.source, TypeCommand) and not self._posed and not self._at_work and not self.answered:
            self.run_worker(self._pose(self.source), exclusive=True)
            return False
        for wanted in (Choices, Input):
            for widget in self.query(wanted):
                if widget.focusable and not self.answered:
                    widget.focus()
                    return True
        return False

    def busy(self) -> bool:
        """While it runs."""
        return self._at_work

    # -- answers -------------------------------------------------------------------------------------------------
    def on_choices_chosen(self, event: Choices.Chosen) -> None:
        """Graded at once, or run for real."""
        event.stop()
        question, answer = self.question, event.answer
        match question:
            case Choose():
                self._graded(answer, grade.choose(question, answer[0]))
            case ChooseAll():
                self._graded(answer, grade.choose_all(question, answer))
            case Order():
                self._graded(answer, grade.order(question, answer))
            case SpotMistake():
                self._graded(answer, grade.spot_mistake(question, int(answer[0])))
            case _:
                self.run_worker(self._compare(answer[0]), exclusive=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """A typed command is run for real."""
        event.stop()
        if event.value.strip() and not self._at_work:
            self.run_worker(self._type(event.value.strip()), exclusive=True)

    async def _compare(self, option: str) -> None:
        source = self.source
        assert isinstance(source, (Predict, ReadOutput))
        self._begin()
        try:
            posed, result, ran, outcome = await self._room.compare(source, option, self._progress)
        except Problem as problem:
            self._failed(problem)
            return
        self._at_work = False
        # In its own sandbox names may differ from those of the open lab: show what really ran.
        if isinstance(self.question, (Predict, ReadOutput)) and posed.run != self.question.run:
            code = self.query_one(Code)
            await code.parent.mount(Code(posed.run.strip(), whole=True), after=code)  # type: ignore[union-attr]
            await code.remove()
        self.question = posed
        self._graded((option,), result, outcome, ran.completed.output, ran.completed.exit_code)

    async def _pose(self, source: TypeCommand) -> None:
        self._at_work = True
        self._say("The situation is made …")
        field = self.query_one(Input)
        try:
            posed = await self._room.pose(source, self._progress)
        except Problem as problem:
            self._at_work = False
            self._say(f"{problem} Then press b and n.", "$error")
            return
        # Only now it is known which names are free for it.
        old = self.query_one(Prose)
        await self.mount(Prose(posed.ask), before=old)
        await old.remove()
        self.question, self._at_work, self._posed = posed, False, True
        self._say("Enter runs it, in a sandbox of its own where this situation is real. Tab leaves the line.")
        field.disabled = False
        field.focus()

    async def _type(self, command: str) -> None:
        self._begin()
        try:
            done = await self._room.typed(command)
        except Problem as problem:
            self._failed(problem)
            done = None
        self._at_work = False
        if done is None:
            self._posed = False
            self.focus_first()
            return
        result, completed = done
        # A line has room for the end of a long command only.
        field = self.query_one(Input)
        await self.mount(Code(command, whole=True), after=field)
        field.disabled, field.display = True, False
        self._graded((), result, "", completed.output, completed.exit_code)

    def _begin(self) -> None:
        self._at_work = True
        self._say("It really runs now …")

    def _progress(self, words: str) -> None:
        self.app.call_from_thread(self._say, f"{words} …")

    def _say(self, words: str, style: str = "$quiet") -> None:
        for place in self.query("#doing").results(Static):
            place.display = bool(words)
            place.update(Content.styled(words, style))

    def _failed(self, problem: Problem) -> None:
        self._at_work = False
        self._say(f"{problem} Then choose once more.", "$error")
        for choices in self.query(Choices):
            choices.thaw()

    def _graded(
        self, answer: tuple[str, ...], result: Grade, outcome: str = "", output: str | None = None, status: int = 0
    ) -> None:
        self.answered = True
        if self._quiet:
            self.post_message(self.Answered(self, answer, result, outcome))
            return
        self._say("")
        for choices in self.query(Choices):
            choices.freeze(*_marks(self.question, answer, result, outcome))
        place = self.query_one("#answer")
        if output is not None:
            shown = printable(output).rstrip() or "(it prints nothing)"
            place.mount(
                Static(Content.styled("The engine's answer", "bold"), classes="head"),
                Static(Content(shown[-4000:]), classes="output"),
                Static(Content.styled(f"exit status {status}", "$quiet")),
            )
        paired = isinstance(self.question, (Predict, ReadOutput, SpotMistake))
        place.mount(Static(told(result, paired=paired), classes="grade"))
        if self.question.explain:
            place.mount(Prose(self.question.explain))
        self.post_message(self.Answered(self, answer, result, outcome))
        self.call_after_refresh(place.scroll_visible, animate=False)


def told(result: Grade, *, paired: bool = False) -> Content:
    """Right or not, why, and what is right.

    Args:
        result: The grade.
        paired: Whether its reasons are one about the answer that was given and one about the right answer.
    """
    if result.right:
        parts = [Content.styled("✔ Right.", "bold $success")]
    elif result.credit > 0:
        parts = [Content.styled(f"◐ Partly right: {result.credit:.0%}.", "bold $warning")]
    else:
        parts = [Content.styled("✘ Not right.", "bold $error")]
    reasons = [inline(reason) for reason in result.reasons]
    right = []
    if not result.right and result.right_answer:
        right = [Content.assemble(("Right: ", "bold"), inline(result.right_answer))]
    # Where there are two, the first is about the answer that was given, and the second about the right one.
    split = 1 if paired else len(reasons)
    parts += reasons[:split] + right + reasons[split:]
    return Content("\n").join(parts)


def _rows(question: Asked, shuffle: random.Random) -> list[tuple[str, str]]:
    mixed: Callable[[Any], list[Any]] = lambda items: shuffle.sample(list(items), len(items))  # noqa: E731
    match question:
        case SpotMistake():
            return [(str(number), line) for number, line in enumerate(question.content.splitlines(), 1)]
        case Order():
            return [(item.id, item.text) for item in mixed(question.items)]
        case TypeCommand():
            return []
        case _:
            return [(option.id, option.text) for option in mixed(question.options)]


def _marks(question: Asked, answer: tuple[str, ...], result: Grade, outcome: str) -> tuple[list[str], list[str]]:
    """Ids of rows to mark as right, and as wrong."""
    match question:
        case Choose() | ChooseAll():
            right = [option.id for option in question.options if option.right]
            return right, [key for key in answer if key not in right]
        case SpotMistake():
            return [str(question.line)], [key for key in answer if key != str(question.line)]
        case Predict() | ReadOutput():
            return [outcome] if outcome else [], [key for key in answer if key != outcome]
        case _:
            return (list(answer), []) if result.right else ([], [])
