"""The quiz: questions drawn from the chapters that were named, or from all that were begun."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tutor.course.models import Chapter
from tutor.learner import whereabouts
from tutor.quiz import draw
from tutor.ui.tui.desk import Desk
from tutor.ui.tui.rounds.screen import Item, RoundScreen


class QuizScreen(RoundScreen):
    """Questions, one at a time, with the reasons.

    Args:
        desk: The learner's things.
        chapters: What is asked about.
        length: Questions at most.
    """

    NAME = "Quiz"
    HELP = """\
Questions on what you have learned. A row is the answer by Enter, by its number or by a click; where several are right,
each is ticked, and the last row says that you are done.

After an answer you read why. w shows the part that taught it, u takes the grade back. What was not right comes back in
your reviews.
"""

    def __init__(self, desk: Desk, chapters: Sequence[Chapter], length: int = draw.LENGTH) -> None:
        super().__init__(desk)
        records = whereabouts.settle(desk.contents, desk.remembered.memory())
        self._waiting = [Item(*drawn) for drawn in draw.draw(chapters, records, length, desk.shuffle)]

    def following(self) -> Item | None:
        """The next that was drawn."""
        return self._waiting.pop(0) if self._waiting else None

    def left(self) -> int:
        """Those that were not asked yet."""
        return len(self._waiting)

    def ending(self) -> Content:
        """How many were right, and where those were taught that were not."""
        right = sum(result for _, result in self.results)
        parts = [Content.styled(f"{right} of {len(self.results)} right.", "bold"), Content("")]
        wrong = [item for item, result in self.results if not result]
        if wrong:
            parts.append(Content("Not right were questions of:"))
            chapters = dict.fromkeys(f"{item.chapter.chapter} · {item.chapter.title}" for item in wrong)
            parts += [Content(f"  ○ {words}") for words in chapters]
            parts += [Content(""), Content("They come back in your reviews.")]
        elif self.results:
            parts.append(Content("All of it. They come back when you are about to forget them."))
        parts += [Content(""), Content.styled("n or q goes back.", "$quiet")]
        return Content("\n").join(parts)
