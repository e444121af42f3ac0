"""The shipped course is read once and kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from course_samples import NAME, TEMPLATE, put

from tutor import places
from tutor.course import reading
from tutor.course.errors import CourseErrors
from tutor.course.loader import load_course


@pytest.fixture
def shipped(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course of one chapter in the place of the shipped one, and a home without a cache."""
    monkeypatch.setattr(places, "lessons", lambda: tmp_path)
    put(tmp_path, TEMPLATE)
    return tmp_path


def kept() -> Path:
    return places.cache_folder() / "course.msgpack"


def no_reading(*_: object) -> None:
    raise AssertionError("the files were parsed")


def test_the_second_start_parses_nothing(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_course()
    monkeypatch.setattr(reading, "read_course", no_reading)
    assert load_course() == first
    assert [path.name for path in places.cache_folder().iterdir()] == ["course.msgpack"]


def test_a_changed_file_is_read(shipped: Path) -> None:
    load_course()
    put(shipped, TEMPLATE.replace("title: Sample", "title: Simple"))
    assert load_course().chapters[0].title == "Simple"
    put(shipped, TEMPLATE.replace("minutes: 20", "minutes: ten"))
    with pytest.raises(CourseErrors):
        load_course()
    (shipped / NAME).rename(shipped / "07-other.yaml")
    with pytest.raises(CourseErrors):
        load_course()


@pytest.mark.parametrize("at", [0, 40, 80, -1])
def test_a_damaged_copy_is_not_trusted(shipped: Path, at: int) -> None:
    first = load_course()
    content = bytearray(kept().read_bytes())
    content[at] ^= 0x55
    kept().write_bytes(content)
    assert load_course() == first
    assert kept().read_bytes() != content
    kept().write_bytes(b"")
    assert load_course() == first


def test_no_room_for_a_copy_is_no_problem(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Path:
        raise PermissionError("no")

    monkeypatch.setattr(places, "cache_folder", refuse)
    assert load_course() == load_course()


def test_other_courses_leave_no_copy(home: Path, tmp_path: Path) -> None:
    put(tmp_path, TEMPLATE)
    load_course(tmp_path)
    assert not kept().exists()
