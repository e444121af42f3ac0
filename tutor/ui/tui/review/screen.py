"""The review: what is due today, most forgotten first; mistakes made in labs come back as small live tasks."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from tutor.course.mistakes import titles as mistake_titles
from tutor.course.models import Step
from tutor.learner import review
from tutor.learner.events import ReviewLimitSet, TaskReviewed
from tutor.learner.memory import Key
from tutor.learner.review import Today
from tutor.quiz import record
from tutor.ui.plain.words import day
from tutor.ui.tui.desk import Desk
from tutor.ui.tui.lesson.pages import Page
from tutor.ui.tui.prose import inline
from tutor.ui.tui.rounds.screen import Item, RoundScreen, Styles, styles

_STEP = 5  # reviews by which the limit is changed


class TaskCard(Page):
    """A live task before it is begun, and what came of it."""

    def __init__(self, step: Step, met: str) -> None:
        super().__init__()
        self._step, self._met = step, met

    def compose(self) -> ComposeResult:
        """What shall be true, and what was met there."""
        yield Static(Content.styled(f"To do on the engine: {self._step.title}", "bold"), id="task-title")
        yield Static(inline(self._step.goal), classes="goal")
        if self._met:
            yield Static(Content.assemble(("Here you met: ", "$quiet"), self._met))
        yield Static(
            Content.styled(
                "Enter opens a lab of its own for this one step. Your open labs stay as they are.", "$quiet"
            ),
            id="task-said",
        )

    def told(self, event: TaskReviewed) -> None:
        """It was done, or not."""
        said = self.query_one("#task-said", Static)
        right, words = record.words(event)
        said.update(Content.styled(f"{'✔' if right else '✘'} {words}", "bold $success" if right else "bold $error"))


class ReviewScreen(RoundScreen):
    """What is due.

    Args:
        desk: The learner's things.
    """

    NAME = "Review"
    CSS_PATH: ClassVar[Styles] = styles("review.tcss")
    HELP = """\
What you have answered comes back when you are about to forget it: what was wrong tomorrow, what you know later and
later. A mistake that you made in a lab comes back as the step where you made it, to do on the engine.

u takes the last grade back. + and - set how many reviews a day shall bring at most.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        *RoundScreen.BINDINGS,
        Binding("enter", "begin", "Begin", id="review.begin", tooltip="Open the live task"),
        Binding(
            "plus", "limit(1)", "More", key_display="+", show=False, id="review.more", tooltip="More reviews a day"
        ),
        Binding("minus", "limit(-1)", "Fewer", key_display="-", show=False, id="review.fewer", tooltip="Fewer a day"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._left_out: set[Key] = set()

    def today(self) -> Today:
        """What is due now."""
        desk = self.desk
        return review.today(desk.course, desk.contents, desk.remembered.memory(), desk.journal.now())

    def _waiting(self) -> list[review.Due]:
        here = (self.item.chapter.id, self.item.task.id) if self.item else None
        keys = [((due.chapter.id, due.task.id), due) for due in self.today().due]
        return [due for key, due in keys if key not in self._left_out and (key != here or self._entry)]

    def following(self) -> Item | None:
        """The most forgotten."""
        self.item = None
        for due in self._waiting():
            return Item(due.chapter, due.task, "This was updated since you did it." if due.updated else "")
        return None

    def left(self) -> int:
        """What is due beside the one that is asked."""
        return len(self._waiting())

    def skipped(self, item: Item) -> None:
        """It stays due."""
        self._left_out.add((item.chapter.id, item.task.id))

    def make(self, item: Item) -> Page:
        """A question, or the card of a live task."""
        if not isinstance(item.task, Step):
            return super().make(item)
        known = self.desk.remembered.memory().records.get((item.chapter.id, item.task.id))
        mistakes = [name for name, made in known.mistakes.items() if not made.overcome] if known else []
        titles = mistake_titles(mistakes, self.desk.course)
        return TaskCard(self.bound(item.chapter, item.task), ", ".join(titles))

    def ending(self) -> Content:
        """What was done, and when there is more."""
        today = self.today()
        parts = [Content.styled(f"{len(self.results)} done, {today.done} today in all.", "bold"), Content("")]
        if today.due:
            parts.append(Content(f"{len(today.due)} left out; they stay due."))
        elif today.waiting:
            parts.append(
                Content(f"Your {today.limit} reviews of today are done; {today.waiting} more wait. + allows more.")
            )
        elif today.next_at is not None:
            parts.append(Content(f"Nothing is due. The next comes {day(today.next_at, self.desk.journal.now())}."))
        else:
            parts.append(Content("Nothing is due. What you answer in lessons and quizzes comes back here in time."))
        parts += [Content(""), Content.styled("n or q goes back.", "$quiet")]
        return Content("\n").join(parts)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter only where a live task waits."""
        if action == "begin":
            return self.item is not None and isinstance(self.item.task, Step) and not self._entry
        return super().check_action(action, parameters)

    def action_begin(self) -> None:
        """Open the live task."""
        from tutor.ui.tui.review.task import TaskScreen

        item = self.item
        if item is not None and isinstance(item.task, Step) and not self._entry:
            self.app.push_screen(TaskScreen(self.desk, item.chapter, item.task), self._back)

    def _back(self, event: object) -> None:
        if isinstance(event, TaskReviewed) and self.item is not None:
            for card in self.query(TaskCard):
                card.told(event)
            self.graded(event, record.words(event)[0])
        else:
            self.notify("Nothing was done there; it stays due.")

    @work(exclusive=True, group="going")
    async def action_limit(self, more: int) -> None:
        """Another number of reviews a day."""
        limit = max(self.desk.remembered.memory().limit + more * _STEP, 0)
        self.keep(ReviewLimitSet(chapter="", limit=limit))
        self.notify(f"At most {limit} reviews a day.")
        if self.over and self.left():
            self.over = False
            await self.show()
        else:
            self.draw()
