"""`shell N`: the lab's shell in this terminal, judged at every prompt, or one command in it.

The lab stays open until it is closed.
"""

from __future__ import annotations

import subprocess

from tutor.course.models import Chapter, Course, Lab
from tutor.lab import shell
from tutor.lab.session.session import Session
from tutor.learner.journal import Journal
from tutor.problems import Problem
from tutor.ui.plain import labs
from tutor.ui.plain.page import Page


def run(course: Course, chapter: Chapter, journal: Journal, script: str | None) -> int:
    """Open the chapter's lab, or go on with it, and run its shell or one command.

    Args:
        script: What to run; None for an interactive shell.

    Returns:
        The exit status of the shell or the command.

    Raises:
        Problem: The chapter has no lab; no engine; a missing image.
    """
    lab = next((section for section in chapter.sections if isinstance(section, Lab)), None)
    if lab is None:
        raise Problem(f"Chapter {chapter.chapter} has no lab.", f"Read it: docker-tutor read {chapter.chapter}")
    with labs.engine_for(chapter) as engine:
        session = labs.enter(course, chapter, lab, engine, journal.append)
        try:
            if script is None:
                passed = labs.passed_in(journal, chapter.id, session.lab_id)
                return labs.play(Page(), session, lab, passed, journal.append).status
            if session.step is None:
                session.begin(lab.steps[0].id)
            return _one(session, script)
        finally:
            session.leave()


def _one(session: Session, script: str) -> int:
    """Run one command on our own terminal or pipes."""
    done = subprocess.run(
        [shell.bash(), "--noprofile", "--norc", "-c", script],
        cwd=session.workspace,
        env=session.environment(),
        check=False,
    )
    return 128 - done.returncode if done.returncode < 0 else done.returncode
