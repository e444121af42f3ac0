"""The `course` commands that need no engine: lint, schema, new. Each writes to what it is given, returns a status."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from tutor.problems import Problem

Write = Callable[[str], object]
"""Takes a text with its line breaks, as `sys.stdout.write` does."""


def lint(path: Path | None, *, as_json: bool, write: Write) -> int:
    """Check a course or one of its files.

    Args:
        path: A course's folder or file; the shipped course when left out.
        as_json: Write one JSON document instead of lines.
        write: Takes the report.

    Returns:
        0 when there is no error (warnings are allowed), else 1.

    Raises:
        Problem: There is nothing to check at that path.
    """
    from tutor.course.lint import run

    report = run.lint(path)
    if as_json:
        document = {
            "chapters": report.chapters,
            "errors": report.errors,
            "warnings": report.warnings,
            "issues": report.issues,
        }
        write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")
    else:
        for issue in report.issues:
            write(f"{issue}\n")
        counts = f"{_count(report.errors, 'error')}, {_count(report.warnings, 'warning')}"
        write(f"{_count(report.chapters, 'chapter')}: {counts}\n")
    return 1 if report.errors else 0


def schema(what: Literal["chapter", "mistakes"], *, write: Write) -> int:
    """Write the JSON Schema of chapters, or of mistakes.yaml."""
    from tutor.course.schema import schema as made

    write(msgspec.json.format(msgspec.json.encode(made(what)), indent=2).decode() + "\n")
    return 0


def new(number: int, slug: str, *, into: Path, write: Write) -> int:
    """Begin a chapter: a commented file that can be played and proven as it stands.

    Args:
        number: The chapter's number, 1 to 99.
        slug: Its id: lower-case words joined by hyphens.
        into: The folder to write to.
        write: Takes what was done and what comes next.

    Raises:
        Problem: The number or the slug cannot be; the folder is not there; the chapter is there already.
    """
    if not 1 <= number <= 99:
        raise Problem(f"{number} cannot be a chapter's number.", "Give 1 to 99.", code="bad-number", status=2)
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", slug) or len(slug) > 60:
        raise Problem(
            f"`{slug}` cannot be a chapter's id.",
            "Use lower-case words joined by hyphens, such as networking-and-ports.",
            code="bad-slug",
            status=2,
        )
    if not into.is_dir():
        raise Problem(f"There is no folder {into}.", "Make it first, or name another with --into.", code="no-folder")
    for other in sorted(into.glob(f"{number:02}-*.yaml")):
        raise Problem(f"Chapter {number} is there already: {other}.", "Choose another number.", code="chapter-exists")
    title = slug.replace("-", " ").capitalize().ljust(3, ".")
    text = Path(__file__).with_name("template.yaml").read_text("utf-8")
    # A title such as `Yes` or `10` would be no text without quotes.
    text = text.replace("@NUMBER@", str(number)).replace("@SLUG@", _quoted(slug)).replace("@TITLE@", _quoted(title))
    path = into / f"{number:02}-{slug}.yaml"
    try:
        # `x` and not a check before: nobody's file is overwritten, whoever comes first.
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise Problem(f"{path} is there already.", "Choose another name.", code="chapter-exists") from None
    except OSError as error:
        raise Problem(
            f"{path} cannot be written: {error.strerror}.", "Choose another folder.", code="no-write"
        ) from None
    write(f"Wrote {path}.\nNext: edit it, and check it with `docker-tutor course lint {path}`.\n")
    return 0


def _quoted(text: str) -> str:
    from tutor.course._scalars import plain

    return text if isinstance(plain(text), str) else f'"{text}"'


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
