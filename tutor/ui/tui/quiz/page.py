"""The pages of a prediction and of a quiz."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tutor.course.models import Chapter, Predict, Question, Quiz, Section
from tutor.quiz import taught
from tutor.ui.tui.lesson.pages import Page
from tutor.ui.tui.lesson.room import Room
from tutor.ui.tui.quiz.asking import Asking


class PredictPage(Page):
    """Bet on an outcome, see it run, compare."""

    def __init__(self, shown: Predict, source: Predict, room: Room, shuffle: random.Random) -> None:
        super().__init__()
        self.asking = Asking(shown, source, room, shuffle)

    def compose(self) -> ComposeResult:
        """A head, then the question."""
        yield Static(Content.styled("Predict, then it really runs", "bold $secondary"), classes="head")
        yield self.asking

    def busy(self) -> bool:
        """While it runs."""
        return self.asking.busy()


class QuizPage(Page):
    """Questions, one at a time.

    Args:
        quiz: The quiz, as the course has it.
        chapter: Its chapter.
        bound: Fills in a question's variables, to show it.
        answered: Questions that were answered before, by id, and whether rightly: they are passed over and counted,
            unless all were answered: then the quiz begins anew.
    """

    def __init__(
        self,
        quiz: Quiz,
        chapter: Chapter,
        bound: Callable[[Question], Question],
        answered: Mapping[str, bool],
        room: Room,
        shuffle: random.Random,
    ) -> None:
        super().__init__()
        self._chapter = chapter
        waiting = [q for q in quiz.questions if q.id not in answered] or list(quiz.questions)
        self._asked = [Asking(bound(question), question, room, shuffle) for question in waiting]
        self._place = 0
        self._before = len(quiz.questions) - len(waiting)
        self._right = sum(answered[q.id] for q in quiz.questions if q not in waiting)

    def compose(self) -> ComposeResult:
        """A head, the first question, and the score at the end."""
        yield Static(id="quiz-head", classes="head")
        yield self.asking
        yield Static(id="taught")
        yield Static(id="score", classes="card")

    def on_mount(self) -> None:
        """Say where we are."""
        self._draw()

    @property
    def asking(self) -> Asking:
        """The question that is asked now."""
        return self._asked[self._place]

    @property
    def over(self) -> bool:
        """Whether every question is answered."""
        return all(asking.answered for asking in self._asked)

    def busy(self) -> bool:
        """While an answer runs."""
        return self.asking.busy()

    async def advance(self) -> bool:
        """Show the next question; False when this was the last."""
        if self._place + 1 >= len(self._asked):
            return False
        before = self.asking
        self._place += 1
        before.display = False
        if not self.asking.is_attached:
            await self.mount(self.asking, before="#taught")
        self.asking.display = True
        self._draw()
        self.asking.focus_first()
        return True

    def note(self, right: bool) -> None:
        """An answer was given."""
        self._right += right
        self._draw()

    @property
    def taught(self) -> Section | None:
        """What of the chapter taught the question; None while it is not answered, or where nothing did."""
        source = self.asking.source
        if not self.asking.answered or isinstance(source, Predict):
            return None
        return taught.where(self._chapter, source)

    def _draw(self) -> None:
        total = self._before + len(self._asked)
        dots = "●" * self._before + "".join("●" if asking.answered else "○" for asking in self._asked)
        head = Content.assemble(
            (f"Quiz · question {self._before + self._place + 1} of {total}  ", "bold $secondary"), (dots, "$quiet")
        )
        self.query_one("#quiz-head", Static).update(head)
        line = self.query_one("#taught", Static)
        part = self.taught
        line.display = part is not None
        if part is not None:
            number = self._chapter.sections.index(part) + 1
            line.update(Content.styled(f"Taught in part {number}: w reads it again.", "$quiet"))
        score = self.query_one("#score", Static)
        score.display = self.over
        score.update(f"{self._right} of {total} right.")
