"""A lab in line mode: the lab's shell on the learner's own terminal, with the guide answering it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tutor.course.models import Chapter, Course, Lab
from tutor.engine import images
from tutor.engine.connect import Engine, connect
from tutor.engine.images.progress import shown_on
from tutor.lab import open_labs
from tutor.lab.session import close as session_close
from tutor.lab.session.session import Session
from tutor.learner.events import AnyEvent, LabOpened, StepPassed
from tutor.learner.journal import Journal
from tutor.ui.plain.conversation import Conversation
from tutor.ui.plain.guide import Guide
from tutor.ui.plain.page import Page


def engine_for(chapter: Chapter) -> Engine:
    """The engine, tidied of what a tutor that died has left, and with the chapter's images on it.

    Raises:
        Problem: There is no engine, or an image cannot be had.
    """
    engine = connect()
    session_close.recover(engine)
    with shown_on(sys.stderr) as report:
        images.ensure(engine, chapter.images, report)
    return engine


def enter(course: Course, chapter: Chapter, lab: Lab, engine: Engine, record: Callable[[AnyEvent], object]) -> Session:
    """Go on with the chapter's open lab, or open a new one.

    Raises:
        Problem: No image, no engine, or somebody else serves the lab.
    """
    found = open_labs.find(chapter.chapter, lab.id)
    if found and found.engine == engine.address.host:
        return Session.resume(course, found.lab, engine=engine)
    session = Session.open(course, chapter, engine=engine, lab=lab)
    record(LabOpened(chapter=chapter.id, item=lab.id, lab=session.lab_id))
    return session


class Played(NamedTuple):
    """How a learner's work in a lab's shell ended: whether they go on, and the shell's exit status."""

    goes_on: bool
    status: int


def play(page: Page, session: Session, lab: Lab, passed: set[str], record: Callable[[AnyEvent], object]) -> Played:
    """Let the learner work in the lab's shell.

    Args:
        passed: Ids of the steps that have passed before.

    Returns:
        Whether the learner goes on with the chapter: not when they leave, or when the input ended.
    """
    steps = [step.id for step in lab.steps]
    left_out = session.left_out()
    waiting = next((step for step in steps if step not in passed and step not in left_out), None)
    if waiting and session.step is None and waiting != steps[0]:
        page.line("What the steps before left is made again …")
        session.go_to(waiting)
    guide = Guide(session, lab, passed, record, page.console)
    page.line("This is the lab's shell: type any command. tutor help lists what else it knows.")
    page.console.print(guide.begin(), end="", markup=False, highlight=False, soft_wrap=True)
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="tutor-") as folder, Conversation(Path(folder), guide.answer) as talk:
        status = run_shell(session, talk.hooks, talk.environment())
    return Played(guide.finished and not guide.left, status)


def passed_in(journal: Journal, chapter: str, lab: str) -> set[str]:
    """Ids of the steps that have passed since that lab was opened."""
    passed: set[str] = set()
    here = False
    for entry in journal.entries(chapter):
        match entry.event:
            case LabOpened(lab=opened):
                passed = set()
                here = opened == lab
            case StepPassed(item=step) if here:
                passed.add(step)
            case _:
                pass
    return passed


def run_shell(session: Session, hooks: Path, extra: dict[str, str]) -> int:
    """Run the lab's shell on our own terminal or pipe until it ends.

    Args:
        hooks: What the shell starts with beside its own rc file.
        extra: Variables that it needs.

    Returns:
        The shell's exit status.
    """
    command = session.shell_command()
    place = command.index("--rcfile") + 1
    both = hooks.with_name("rc.bash")
    both.write_text(f". {shlex.quote(command[place])}\n. {shlex.quote(str(hooks))}\n", encoding="utf-8")
    command[place] = str(both)
    environment = {**session.environment(), **extra}
    if sys.stdin.isatty():
        process = subprocess.Popen(command, cwd=session.workspace, env=environment)
    else:
        # bash would complain that a pipe gives no job control; its stderr comes back once it has started (see hooks).
        shown = os.dup(sys.stderr.fileno())
        environment["DOCKER_TUTOR_STDERR"] = str(shown)
        process = subprocess.Popen(
            command, cwd=session.workspace, env=environment, stderr=subprocess.DEVNULL, pass_fds=(shown,)
        )
        os.close(shown)
    # What the learner interrupts is their command, not the tutor.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        if sys.stdin.isatty():
            _foreground()


def _foreground() -> None:
    """Take the terminal back: a shell that was killed has not given it."""
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(sys.stdin.fileno(), os.getpgrp())
    signal.signal(signal.SIGTTOU, before)
