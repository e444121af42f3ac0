"""Put the rules to work on a folder or a file and say where each remark belongs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from tutor import places
from tutor.course import folder
from tutor.course._fast import Parser
from tutor.course.errors import CourseError
from tutor.course.lint import _expectations, _ids, _questions, _references, _steps, _taught, _text, _walk
from tutor.course.lint.remark import CHAPTERS, Context, Remark, Rule, Severity
from tutor.course.reading import MISTAKES, Reading, read_course
from tutor.course.sources import Source, shown

RULES: tuple[Rule, ...] = (
    *_ids.RULES,
    *_references.RULES,
    *_expectations.RULES,
    *_steps.RULES,
    *_questions.RULES,
    *_text.RULES,
    *_taught.RULES,
)


@dataclass(frozen=True, order=True)
class Issue:
    """One thing that lint found, at its place.

    Attributes:
        file, line, column: Where; line and column from 1.
        severity: `error` or `warning`.
        code: The rule's name in kebab-case; `format` when the file is not a course file.
        path: Where in the document.
        wrong: What is wrong.
        right: What would be right.
    """

    file: str
    line: int
    column: int
    severity: Severity
    code: str
    path: str
    wrong: str
    right: str

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return (
            f"{self.file}:{self.line}:{self.column}: {self.severity}: {where}{self.wrong}; {self.right} [{self.code}]"
        )


@dataclass(frozen=True)
class Report:
    """Everything that lint found.

    Attributes:
        issues: Sorted by file, line and column.
        chapters: How many chapters were looked at, unreadable ones included.
    """

    issues: tuple[Issue, ...]
    chapters: int

    @property
    def errors(self) -> int:
        """How many errors there are."""
        return sum(issue.severity == "error" for issue in self.issues)

    @property
    def warnings(self) -> int:
        """How many warnings there are."""
        return len(self.issues) - self.errors


def lint(path: Path | None = None) -> Report:
    """Check a course, or one file of it in the company of the others.

    Args:
        path: A folder with chapters, a folder that has them in `lessons/`, or one file; when left out,
            the shipped course.

    Raises:
        Problem: There is nothing to check at that path.
    """
    course = folder.find(path)
    reading = read_course(course.lessons)
    context = surroundings(course, reading)
    issues = [_from_error(error) for error in reading.errors]
    for chapter in reading.course.chapters:
        source = reading.sources[chapter.chapter]
        if course.only is None or source.path.name == course.only.name:
            issues += (_place(remark, source) for rule in RULES for remark in rule(chapter, context))
    if reading.shared is not None and (course.only is None or course.only.name == MISTAKES):
        issues += (_place(remark, reading.shared) for remark in _shared(context))
    if course.only is not None:
        name = shown(course.only)
        issues = [issue for issue in issues if issue.file == name]
    elif course.shipped:
        issues += _numbering(reading)
    return Report(tuple(sorted(set(issues))), reading.files if course.only is None else 1)


def surroundings(course: folder.CourseFolder, reading: Reading) -> Context:
    """What the rules may ask about: the only look at the disk beside the course files themselves."""
    try:
        folders = frozenset(entry.name for entry in course.labs.iterdir() if entry.is_dir() and entry.name != "images")
    except OSError:
        folders = frozenset()
    return Context(
        course=reading.course,
        roles=_roles(course.labs),
        folders=folders,
        unread=reading.unread,
        shared_read=reading.shared_read,
        shipped=course.shipped,
    )


def _roles(labs: Path) -> frozenset[str] | None:
    """The image roles of `images.yaml`: the course's own, else the shipped ones; None when that file is no help."""
    for catalogue in (labs / "images.yaml", places.labs() / "images.yaml"):
        try:
            content = yaml.load(catalogue.read_text("utf-8"), Loader=Parser)
            return frozenset(map(str, content["images"]))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, yaml.YAMLError, TypeError, KeyError):
            return None
    return None


def _shared(context: Context) -> Iterator[Remark]:
    """The rules for mistakes.yaml."""
    for place, mistake in enumerate(context.course.mistakes.values()):
        yield from _references.shared(mistake, place, context)
        for path, one in _walk.expectations(mistake, ("mistakes", place)):
            yield from _expectations.check(one, path)


def _numbering(reading: Reading) -> Iterator[Issue]:
    """The shipped course has 26 chapters without a gap."""
    numbers = {chapter.chapter for chapter in reading.course.chapters} | reading.unread
    missing = sorted(set(range(1, CHAPTERS + 1)) - numbers)
    if missing:
        wrong = "there is no chapter " + ", ".join(_runs(missing))
        yield Issue(shown(reading.root), 1, 1, "warning", "numbering", "", wrong, "write it; see `course new`")


def _runs(numbers: list[int]) -> Iterator[str]:
    """Numbers with those in a row drawn together: 1–4, 6."""
    first = last = numbers[0]
    for number in (*numbers[1:], 0):
        if number != last + 1:
            yield str(first) if first == last else f"{first}–{last}"
            first = number
        last = number


def _place(remark: Remark, source: Source) -> Issue:
    if remark.offset is not None and not remark.key:
        line, column = source.inside(remark.path, remark.offset)
    else:
        line, column = source.at(remark.path, key=remark.key)
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in remark.path).removeprefix(".")
    return Issue(source.name, line, column, remark.severity, remark.code, path, remark.wrong, remark.right)


def _from_error(error: CourseError) -> Issue:
    return Issue(error.file, error.line, error.column, "error", "format", error.path, error.wrong, error.right)
