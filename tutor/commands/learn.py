"""`list`, `read`, `learn`, `shell`, `check`, `reset`, `close`: going through the course."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tutor.course.models import Chapter, Course


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this family's commands."""
    listing = commands.add_parser("list", help="the chapters, and how far you are")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(command=_list)

    read = commands.add_parser("read", help="read a chapter, without an engine")
    read.add_argument("chapter", type=int, metavar="CHAPTER")
    read.set_defaults(command=_read)

    learn = commands.add_parser("learn", help="go through a chapter, from where you left it")
    learn.add_argument("chapter", type=int, metavar="CHAPTER")
    learn.add_argument(
        "--plain",
        action="store_true",
        help="in lines of text: for screen readers and pipes (always so without a terminal)",
    )
    learn.set_defaults(command=_learn)

    shell = commands.add_parser("shell", help="a lab's shell, or one command in it; the lab stays open")
    shell.add_argument("chapter", type=int, metavar="CHAPTER")
    shell.add_argument("-c", dest="script", metavar="COMMAND", help="run this and end with its exit status")
    shell.set_defaults(command=_shell)

    check = commands.add_parser(
        "check", help="judge a step of an open lab: 0 passed, 1 not yet, 2 cannot tell", description=_check.__doc__
    )
    check.add_argument("chapter", nargs="?", type=int, metavar="CHAPTER", help="default: the lab opened last")
    check.add_argument("step", nargs="?", metavar="STEP", help="its id or number; default: the current one")
    check.add_argument("--json", action="store_true", help="as JSON: verdict, mistake, findings")
    check.set_defaults(command=_check)

    reset = commands.add_parser("reset", help="begin a chapter's lab again, with everything of it as it was")
    reset.add_argument("chapter", metavar="CHAPTER", help="its number, or a lab's id")
    reset.set_defaults(command=_reset)

    labs = commands.add_parser("labs", help="the open labs")
    labs.add_argument("--json", action="store_true", help="as JSON")
    labs.set_defaults(command=_labs)

    close = commands.add_parser("close", help="remove everything that a lab made, and show the receipt")
    close.add_argument("labs", nargs="*", metavar="CHAPTER", help="a chapter's number, or a lab's id")
    close.add_argument("--all", action="store_true", help="every lab that nobody works in")
    close.add_argument("--json", action="store_true", help="as JSON")
    close.set_defaults(command=_close)


def start(_: argparse.Namespace) -> int:
    """What `docker-tutor` alone does: open the tutor; without a terminal, list the chapters and how to go on."""
    if not full_screen():
        return _list(argparse.Namespace(json=False))
    from tutor.ui.tui.run import run

    return run()


def full_screen() -> bool:
    """Whether there is a terminal to draw on."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _list(arguments: argparse.Namespace) -> int:
    from tutor.course.loader import load_contents
    from tutor.learner import progress
    from tutor.learner.journal import Journal
    from tutor.learner.remembered import Remembered
    from tutor.ui.plain import reading
    from tutor.ui.plain.page import Page

    contents = load_contents()
    with Journal() as journal:
        remembered = Remembered(journal)
        done = progress.of_course(contents, remembered.memory())
        remembered.keep()
    if arguments.json:
        print(json.dumps(reading.overview(contents, done), indent=2, ensure_ascii=False))
    else:
        reading.chapters(Page(), contents, done)
    return 0


def _read(arguments: argparse.Namespace) -> int:
    from tutor.course import variables
    from tutor.engine import images
    from tutor.ui.plain import reading
    from tutor.ui.plain.page import Page

    _, chapter = _chapter(arguments.chapter)
    shown = variables.bind(chapter, variables.preview(chapter, images.reference_variables()))
    reading.read(Page(), shown)
    return 0


def _learn(arguments: argparse.Namespace) -> int:
    if not arguments.plain and full_screen():
        from tutor.ui.tui.run import run

        return run("lesson", chapters=[arguments.chapter])
    from tutor.learner.journal import Journal
    from tutor.ui.plain.learn import Lesson
    from tutor.ui.plain.page import Page

    course, chapter = _chapter(arguments.chapter)
    with Journal() as journal:
        return Lesson(Page(), course, chapter, journal).play()


def _shell(arguments: argparse.Namespace) -> int:
    from tutor.learner.journal import Journal
    from tutor.ui.plain import shell

    course, chapter = _chapter(arguments.chapter)
    with Journal() as journal:
        return shell.run(course, chapter, journal, arguments.script)


def _check(arguments: argparse.Namespace) -> int:
    """Judge a step of an open lab from any terminal, on the engine's state as it is now."""
    from tutor.ui.plain import check

    chapter, step = arguments.chapter, arguments.step
    return check.run(chapter, step, as_json=arguments.json)


def _reset(arguments: argparse.Namespace) -> int:
    from tutor.ui.plain import check

    return check.reset(arguments.chapter)


def _labs(arguments: argparse.Namespace) -> int:
    from tutor.lab.session import commands as session_commands

    return session_commands.show(as_json=arguments.json, write=sys.stdout.write)


def _close(arguments: argparse.Namespace) -> int:
    from tutor.engine.connect import connect
    from tutor.lab.session import commands as session_commands

    with connect() as engine:
        return session_commands.close(
            engine, arguments.labs, everything=arguments.all, as_json=arguments.json, write=sys.stdout.write
        )


def _chapter(number: int) -> tuple[Course, Chapter]:
    from tutor.lab.course import learners_course
    from tutor.lab.session.lesson import chapter_of

    course = learners_course()
    return course, chapter_of(course, number)
