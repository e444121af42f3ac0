"""`course prove`: from its arguments to its exit status."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from tutor.course.models import Chapter, Course
from tutor.problems import Problem

if TYPE_CHECKING:
    from tutor.engine.connect import Engine
    from tutor.lab.prove.assess import Result
    from tutor.lab.prove.trial import Limits

Write = Callable[[str], object]
"""Takes a text with its line breaks, as `sys.stdout.write` does."""


def prove(
    arguments: Sequence[str],
    *,
    engine: Engine,
    jobs: int = 0,
    junit: Path | None = None,
    as_json: bool = False,
    limits: Limits | None = None,
    write: Write = sys.stdout.write,
    tell: Write | None = None,
) -> int:
    """Prove a course, or some of its chapters.

    Args:
        arguments: A course's folder or a chapter's file, then chapters by number or id; all of the shipped course when
            nothing is given.
        engine: Where to prove it.
        jobs: Labs at the same time; as many as suit the machine when 0.
        junit: File for a report as JUnit XML.
        as_json: Write one JSON document instead of the table.
        limits: Seconds for what may never end.
        write: Takes the report.
        tell: Takes a line for each attempt as it ends; None to be silent until the report.

    Returns:
        0 when everything passed, 1 when not, 130 when it was interrupted.

    Raises:
        Problem: The course cannot be read, there is no such chapter, an image cannot be had, the engine is gone.
    """
    from tutor.course import folder
    from tutor.course.loader import load_course
    from tutor.lab.prove import report, run
    from tutor.lab.session import close as session_close

    path, wanted = split(arguments)
    place = folder.find(path)
    course = load_course(place.lessons)
    if place.only is not None:
        wanted = [*wanted, place.only.stem.partition("-")[0]]
    chapters = choose(course, wanted)
    session_close.recover(engine)
    ensure_images(engine, chapters, place.labs, tell)

    def heard(result: Result) -> None:
        if tell:
            tell(_line(result))

    with _ended_by_signals():
        done = run.prove(course, chapters, engine, labs=place.labs, jobs=jobs, limits=limits, on_result=heard)
    if junit is not None:
        _save(junit, report.as_junit(done))
    write(json.dumps(report.as_json(done), indent=2) + "\n" if as_json else report.table(done) + "\n")
    return 130 if done.interrupted else 0 if done.ok else 1


def split(arguments: Sequence[str]) -> tuple[Path | None, list[str]]:
    """The course's path, where one is given, and the chapters.

    Raises:
        Problem: `bad-usage`, for more than one path.
    """
    paths = [word for word in arguments if not word.isdigit() and (Path(word).exists() or "/" in word)]
    if len(paths) > 1:
        raise Problem(
            "Only one course can be proven at a time.", "Give one folder or file.", code="bad-usage", status=2
        )
    chapters = [word for word in arguments if word not in paths]
    return (Path(paths[0]) if paths else None), chapters


def choose(course: Course, wanted: Sequence[str]) -> tuple[Chapter, ...]:
    """The chapters that are named by number or id, in the course's order; all when none is named.

    Raises:
        Problem: `no-such-chapter`.
    """
    if not wanted:
        return course.chapters
    chosen = set()
    for word in wanted:
        fits = [c for c in course.chapters if word == c.id or (word.isdigit() and int(word) == c.chapter)]
        if not fits:
            known = ", ".join(f"{chapter.chapter} ({chapter.id})" for chapter in course.chapters)
            raise Problem(f"The course has no chapter `{word}`.", f"It has: {known}.", code="no-such-chapter", status=2)
        chosen.add(fits[0].chapter)
    return tuple(chapter for chapter in course.chapters if chapter.chapter in chosen)


def ensure_images(engine: Engine, chapters: Sequence[Chapter], labs: Path, tell: Write | None = None) -> None:
    """Pull what the chapters' images lack on the engine.

    Raises:
        Problem: An image cannot be had.
    """
    from tutor.engine.images.pull import pull
    from tutor.engine.images.state import held
    from tutor.lab.prove.run import BYSTANDER
    from tutor.lab.session.setup import catalogue

    roles = dict.fromkeys(role for chapter in chapters for role in chapter.images)
    for known, needed in ((catalogue(labs), roles), (catalogue(), [BYSTANDER])):
        images = [image for image in known.select(needed) if not image.mirror_only]
        for one in held(engine, images):
            if not one.here:
                if tell:
                    tell(f"pulling {one.image.reference}\n")
                pull(engine, one.image)


def _line(result: Result) -> str:
    from tutor.lab.prove.report import title

    return f"{result.status:7} {result.seconds:6.2f} s  {title(result)}{'  ' * bool(result.why)}{result.why}\n"


def _save(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise Problem(
            f"{path} cannot be written: {error.strerror}.", "Give another file.", code="cannot-write"
        ) from error


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end a proof as Ctrl-C does: labs are closed before the process ends."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
