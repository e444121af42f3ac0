"""The course that comes with the tutor: no errors, for every reader of YAML."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import yaml

from tutor import places
from tutor.course import _fast, _nodes
from tutor.course.lint import run
from tutor.course.loader import load_course
from tutor.course.reading import load_chapter

CHAPTERS = sorted(places.lessons().glob("[0-9]*.yaml"))


def test_there_are_chapters() -> None:
    assert CHAPTERS


def test_lint_has_no_error() -> None:
    assert [str(issue) for issue in run.lint().issues if issue.severity == "error"] == []


def test_the_course_loads_in_order() -> None:
    numbers = [chapter.chapter for chapter in load_course().chapters]
    assert numbers == sorted(numbers) and len(numbers) == len(CHAPTERS)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_both_parsers_read_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML's own parser stands in where libyaml is missing, and is stricter in places (`?` in a flow mapping)."""
    with_libyaml = load_chapter(path)
    monkeypatch.setattr(_fast, "Parser", yaml.SafeLoader)
    monkeypatch.setattr(_nodes, "Parser", yaml.SafeLoader)
    assert msgspec.json.encode(load_chapter(path)) == msgspec.json.encode(with_libyaml)
