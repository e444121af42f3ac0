"""The way into the terminal app."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from tutor.course.loader import load_contents
from tutor.learner.journal import Journal

if TYPE_CHECKING:
    from tutor.course.models import Course

Opened = Literal["home", "lesson", "quiz", "review", "placement"]


def run(screen: Opened = "home", *, chapters: Sequence[int] = (), length: int = 10) -> int:
    """Open the tutor on this terminal.

    Args:
        screen: What to open at once above the home screen.
        chapters: Numbers: the lesson's chapter; those a quiz asks about.
        length: Questions of a quiz, at most.

    Returns:
        The exit status.

    Raises:
        Problem: `no-such-chapter`, `nothing-learned`; the course or the journal cannot be read.
    """
    from tutor.ui.tui.guard import Guard
    from tutor.ui.tui.output import UntilGone

    gc.disable()
    terminal = sys.__stderr__
    if terminal is not None:
        sys.__stderr__ = UntilGone(terminal)  # type: ignore[misc, assignment]
    guard = Guard()
    guard.start()
    try:
        from tutor.ui.tui.app import TutorApp
        from tutor.ui.tui.desk import Desk

        contents = load_contents()
        with Journal() as journal:
            desk = Desk(contents, _course, journal)
            first = None
            if screen == "lesson":
                from tutor.lab.session.lesson import chapter_of

                first = chapter_of(desk.course, chapters[0])
            app = TutorApp(desk, first)
            if screen in ("quiz", "review", "placement"):
                app.open_round(screen, chapters, length)
            # What was imported stays: no use in looking through it again and again.
            gc.freeze()
            gc.enable()
            guard.ready()
            status = app.run()
            desk.remembered.keep()
        return app.return_code or 0 if status is None else status
    finally:
        gc.enable()
        sys.__stderr__ = terminal  # type: ignore[misc]
        guard.done()


def _course() -> Course:
    # Imported here: the texts are read when the first frame is there.
    from tutor.lab.course import learners_course

    return learners_course()
