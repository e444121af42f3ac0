"""`quiz`, `review`, `placement`, `progress`, `journal`: knowing what one knows, and still knowing it next month."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.commands.learn import full_screen

if TYPE_CHECKING:
    from tutor.learner.journal import Journal
    from tutor.ui.plain.rounds import Rounds

_PLAIN = "in lines of text: for screen readers and pipes (always so without a terminal)"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this family's commands."""
    quiz = commands.add_parser("quiz", help="questions on what you have learned")
    quiz.add_argument("chapters", nargs="*", type=int, metavar="CHAPTER", help="default: all that you have begun")
    quiz.add_argument("--length", type=_positive, default=10, metavar="N", help="questions at most; default: 10")
    quiz.add_argument("--plain", action="store_true", help=_PLAIN)
    quiz.add_argument(
        "--json", action="store_true", help="the answers as JSON on standard output, the questions on standard error"
    )
    quiz.set_defaults(command=_quiz)

    review = commands.add_parser(
        "review", help="what is due today: wrong and old answers, and mistakes made in labs, as small live tasks"
    )
    review.add_argument("--limit", type=_limit, metavar="N", help="set how many reviews a day shall bring at most")
    review.add_argument("--plain", action="store_true", help=_PLAIN)
    review.add_argument("--json", action="store_true", help="what is due as JSON; nothing is asked")
    review.set_defaults(command=_review)

    placement = commands.add_parser("placement", help="twelve questions that find the chapter to start from")
    placement.add_argument("--plain", action="store_true", help=_PLAIN)
    placement.set_defaults(command=_placement)

    progress = commands.add_parser("progress", help="what you have done, what is weak, what comes")
    how = progress.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="as JSON")
    how.add_argument("--html", type=Path, metavar="FILE", help="as one self-contained page; - is standard output")
    progress.set_defaults(command=_progress)

    journal = commands.add_parser("journal", help="move what you have done to another machine, or merge two")
    actions = journal.add_subparsers(title="actions", metavar="ACTION", required=True)
    export = actions.add_parser("export", help="write the whole journal as lines of JSON")
    export.add_argument("file", nargs="?", metavar="FILE", default="-", help="default: standard output")
    export.set_defaults(command=_export)
    take_in = actions.add_parser("import", help="merge an exported journal into this one; nothing comes in twice")
    take_in.add_argument("files", nargs="+", metavar="FILE", help="- is standard input")
    take_in.add_argument("--json", action="store_true", help="as JSON: new, known")
    take_in.set_defaults(command=_import)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return number


def _limit(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 500:
        raise argparse.ArgumentTypeError("it must be from 0 to 500")
    return number


def _quiz(arguments: argparse.Namespace) -> int:
    if not arguments.plain and not arguments.json and full_screen():
        from tutor.ui.tui.run import run

        return run("quiz", chapters=arguments.chapters, length=arguments.length)
    if not arguments.json:
        with _rounds() as rounds:
            return rounds.quiz(arguments.chapters, arguments.length)
    from tutor.ui.plain.rounds import as_json

    with contextlib.redirect_stdout(sys.stderr), _rounds() as rounds:
        status = rounds.quiz(arguments.chapters, arguments.length)
    print(json.dumps(as_json(rounds.told), indent=2, ensure_ascii=False))
    return status


def _review(arguments: argparse.Namespace) -> int:
    if arguments.limit is not None:
        from tutor.learner.events import ReviewLimitSet

        with _journal() as journal:
            journal.append(ReviewLimitSet(chapter="", limit=arguments.limit))
        if not arguments.json:
            print(f"From now on at most {arguments.limit} reviews a day.")
    if arguments.json:
        return _due()
    if not arguments.plain and full_screen():
        from tutor.ui.tui.run import run

        return run("review")
    with _rounds() as rounds:
        return rounds.review()


def _due() -> int:
    from tutor.course.contents import contents_of
    from tutor.course.tasks import kind_of
    from tutor.lab.course import learners_course
    from tutor.learner import review
    from tutor.learner.remembered import Remembered

    with _journal() as journal:
        course = learners_course()
        today = review.today(course, contents_of(course), Remembered(journal).memory(), journal.now())
    document = {
        "due": [
            {
                "chapter": one.chapter.chapter,
                "id": one.task.id,
                "kind": kind_of(one.task),
                "mistakes": list(one.mistakes),
                "updated": one.updated,
                "last": round(one.card.last),
                "lapses": one.card.lapses,
            }
            for one in today.due
        ],
        "waiting": today.waiting,
        "done_today": today.done,
        "limit": today.limit,
        "next_at": round(today.next_at) if today.next_at is not None else None,
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))
    return 0


def _placement(arguments: argparse.Namespace) -> int:
    if not arguments.plain and full_screen():
        from tutor.ui.tui.run import run

        return run("placement")
    with _rounds() as rounds:
        return rounds.placement()


def _progress(arguments: argparse.Namespace) -> int:
    import msgspec

    from tutor.lab.course import learners_course
    from tutor.learner.overview import overview
    from tutor.learner.remembered import Remembered
    from tutor.quiz.shown import likely

    course = learners_course()
    with _journal() as journal:
        remembered = Remembered(journal)
        found = overview(course, remembered.memory(), journal.now(), shown=likely)
        remembered.keep()
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    elif arguments.html is not None:
        from tutor.ui.html.progress import page

        text = page(found)
        if str(arguments.html) == "-":
            print(text, end="")
        else:
            _write(arguments.html, text.encode())
            print(f"{arguments.html} is written: one file, nothing else belongs to it.")
    else:
        from tutor.ui.plain import standing
        from tutor.ui.plain.page import Page

        standing.show(Page(), found)
    return 0


def _export(arguments: argparse.Namespace) -> int:
    import io

    from tutor.learner import transfer

    out = io.BytesIO()
    with _journal() as journal:
        count = transfer.export(journal, out)
    if arguments.file == "-":
        sys.stdout.buffer.write(out.getvalue())
        sys.stdout.flush()
    else:
        _write(Path(arguments.file), out.getvalue())
        print(f"{count} events are in {arguments.file}. Take them in elsewhere: docker-tutor journal import FILE")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from tutor.learner import transfer
    from tutor.problems import Problem

    new = known = 0
    with _journal() as journal:
        for name in arguments.files:
            try:
                lines = sys.stdin.buffer.readlines() if name == "-" else Path(name).read_bytes().splitlines()
            except OSError as error:
                raise Problem(
                    f"{name} cannot be read: {error.strerror or error}.", "Give another file.", code="cannot-read"
                ) from error
            found = transfer.take_in(journal, lines, "Standard input" if name == "-" else name)
            new, known = new + found.new, known + found.known
    if arguments.json:
        print(json.dumps({"new": new, "known": known}))
    else:
        print(f"{new} events are new; {known} were here already.")
    return 0


def _journal() -> Journal:
    from tutor.learner.journal import Journal

    return Journal()


@contextlib.contextmanager
def _rounds() -> Iterator[Rounds]:
    from tutor.lab.course import learners_course
    from tutor.ui.plain.page import Page
    from tutor.ui.plain.rounds import Rounds

    with _journal() as journal:
        rounds = Rounds(Page(), learners_course(), journal)
        try:
            yield rounds
        finally:
            rounds.close()


def _write(path: Path, content: bytes) -> None:
    from tutor.problems import Problem

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise Problem(
            f"{path} cannot be written: {error.strerror or error}.", "Give another file.", code="cannot-write"
        ) from error
