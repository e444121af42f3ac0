"""The placement test: twelve questions, no reasons, and then the chapter to start from."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content

from tutor.course.identity import content_hash
from tutor.learner import placement
from tutor.learner.events import PlacementAnswered, PlacementDone
from tutor.learner.placement import Asked, Fixed, Placed
from tutor.ui.plain.rounds import placed_words
from tutor.ui.tui.desk import Desk
from tutor.ui.tui.lesson.pages import Page
from tutor.ui.tui.quiz.asking import Asking
from tutor.ui.tui.rounds.screen import Item, RoundScreen, Styles, styles


class PlacementScreen(RoundScreen):
    """The test.

    Args:
        desk: The learner's things.
    """

    NAME = "Placement"
    CSS_PATH: ClassVar[Styles] = styles("placement.tcss")
    HELP = """\
Twelve questions find the chapter to start from. x says that you do not know: that is an answer, too. Nothing counts
against you, and nothing is asked again in your reviews.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "pass", "I do not know", id="placement.pass", tooltip="That is an answer, too"),
        Binding("n", "next", "Go on", id="placement.next", tooltip="At the end: begin the chapter"),
        Binding("q,escape", "leave", "Home", id="placement.leave", tooltip="The test then says nothing"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._pool = placement.pool(desk.course)
        self._asked: list[Asked] = []
        self._place = 0
        self.placed: Placed | None = None

    def following(self) -> Item | None:
        """The question that tells most."""
        found = placement.following(self._pool, self._asked, self.desk.shuffle)
        if found is None:
            return None
        self._place, question = found
        return Item(self.desk.course.chapters[self._place], question)

    def left(self) -> int:
        """Those that are still to come."""
        return max(placement.QUESTIONS - len(self._asked) - (0 if self.over else 1), 0)

    def make(self, item: Item) -> Page:
        """The question; what was right is not told."""
        assert isinstance(item.task, Fixed)
        shown = self.bound(item.chapter, item.task)
        return Asking(shown, item.task, self.room(item.chapter), self.desk.shuffle, quiet=True)

    def ending(self) -> Content:
        """Where to start, and what may be left out."""
        self.placed = placement.placed(self.desk.course, self._asked)
        start = self.placed.start.id if self.placed.start else ""
        self.keep(PlacementDone(chapter=start, skip=tuple(chapter.id for chapter in self.placed.skip)))
        first, *rest = placed_words(self.placed, self._asked)
        lines = [Content.styled(first, "bold"), *(Content(line) for line in rest if not line.startswith("Begin:"))]
        keys = "n opens it, q goes to all chapters." if start else "q goes to all chapters."
        return Content("\n\n").join([*lines, Content.styled(keys, "$quiet")])

    def draw(self) -> None:
        """Without a word on right and wrong."""
        super().draw()
        if not self.over:
            from textual.widgets import Static

            words = f"{self.NAME} · {len(self._asked) + 1} of {placement.QUESTIONS}   "
            dots = "●" * len(self._asked) + "○" * (placement.QUESTIONS - len(self._asked))
            self.query_one("#round-bar", Static).update(Content.assemble((words, "bold $primary"), (dots, "$quiet")))

    def on_asking_answered(self, event: Asking.Answered) -> None:
        """Keep it, and go on at once."""
        event.stop()
        self._answer(event.answer, event.grade.credit)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """At the end there is nothing more to know."""
        return not self.over if action == "pass" else super().check_action(action, parameters)

    def action_pass(self) -> None:
        """The learner does not know."""
        if not self.over:
            self._answer((), 0.0)

    @work(exclusive=True, group="going")
    async def _answer(self, answer: tuple[str, ...], credit: float) -> None:
        item = self.item
        if item is None or not isinstance(item.task, Fixed):
            return
        self.keep(
            PlacementAnswered(
                chapter=item.chapter.id,
                item=item.task.id,
                hash=content_hash(item.task),
                answer=answer,
                credit=credit,
            )
        )
        self._asked.append(Asked(place=self._place, question=item.task, right=credit >= 1.0))
        await self.show()

    @work(exclusive=True, group="going")
    async def action_next(self) -> None:
        """At the end, the chapter to start from."""
        if not self.over:
            self.notify("Choose an answer, or press x if you do not know.")
        elif self.placed is not None and self.placed.start is not None:
            self.app.go_to(self.placed.start)
        else:
            self.action_leave()
