"""Which screen a name opens; each is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.screen import Screen

from tutor.quiz import draw
from tutor.ui.tui.desk import Desk


def opening(name: str, desk: Desk, chapters: Sequence[int], length: int) -> Callable[[], Screen[object]]:
    """What makes the screen, once the app runs.

    Args:
        name: `quiz`, `review`, `placement` or `progress`.
        chapters: Numbers of the chapters a quiz asks about; all that were begun when empty.
        length: Questions of a quiz, at most.

    Raises:
        Problem: `no-such-chapter`, `nothing-learned`.
    """
    if name == "quiz":
        from tutor.ui.tui.quiz.screen import QuizScreen

        asked = draw.chapters_for(desk.course, desk.remembered.memory(), chapters)
        return lambda: QuizScreen(desk, asked, length)
    if name == "review":
        from tutor.ui.tui.review.screen import ReviewScreen

        return lambda: ReviewScreen(desk)
    if name == "placement":
        from tutor.ui.tui.placement.screen import PlacementScreen

        return lambda: PlacementScreen(desk)
    from tutor.ui.tui.progress.screen import ProgressScreen

    return lambda: ProgressScreen(desk)
