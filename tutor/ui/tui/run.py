"""The way into the terminal app."""

from __future__ import annotations

import gc

from tutor.lab.course import learners_course
from tutor.learner.journal import Journal


def run(chapter: int | None = None) -> int:
    """Open the tutor on this terminal.

    Args:
        chapter: Number of the chapter to open at once; the home screen when left out.

    Returns:
        The exit status.

    Raises:
        Problem: `no-such-chapter`; the course or the journal cannot be read.
    """
    from tutor.ui.tui.guard import Guard

    gc.disable()
    guard = Guard()
    guard.start()
    try:
        from tutor.ui.tui.app import TutorApp
        from tutor.ui.tui.desk import Desk

        course = learners_course()
        first = None
        if chapter is not None:
            from tutor.lab.session.lesson import chapter_of

            first = chapter_of(course, chapter)
        with Journal() as journal:
            # What was imported stays: no use in looking through it again and again.
            gc.freeze()
            gc.enable()
            app = TutorApp(Desk(course, journal), first)
            guard.ready()
            status = app.run()
        return app.return_code or 0 if status is None else status
    finally:
        gc.enable()
        guard.done()
