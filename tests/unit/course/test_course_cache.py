"""The shipped course is read once and kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from course_samples import NAME, TEMPLATE, put

from tutor import places
from tutor.course import reading
from tutor.course.contents import contents_of
from tutor.course.errors import CourseErrors
from tutor.course.identity import content_hash
from tutor.course.loader import load_contents, load_course
from tutor.course.tasks import kind_of, tasks


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
    assert load_contents() == contents_of(first)
    assert sorted(path.name for path in places.cache_folder().iterdir()) == ["contents.msgpack", "course.msgpack"]


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


def test_a_change_that_leaves_size_and_time_is_seen(shipped: Path) -> None:
    load_course()
    file = shipped / NAME
    before = file.stat()
    put(shipped, TEMPLATE.replace("title: Sample", "title: Simple"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert load_contents()[0].title == "Simple"
    assert load_course().chapters[0].title == "Simple"


@pytest.mark.parametrize("name", ["course.msgpack", "contents.msgpack"])
def test_one_copy_without_the_other(shipped: Path, name: str) -> None:
    first = load_course()
    (places.cache_folder() / name).unlink()
    assert load_contents() == contents_of(first)
    assert load_course() == first


def test_the_contents_hold_what_there_is_to_do(home: Path) -> None:
    course = load_course()
    for heading, chapter in zip(load_contents(), course.chapters, strict=True):
        assert [(task.id, task.kind, task.hash) for task in heading.tasks] == [
            (task.id, kind_of(task), content_hash(task)) for task in tasks(chapter)
        ]
        assert heading.sections == tuple(section.id for section in chapter.sections)


@pytest.mark.parametrize("name", ["course.msgpack", "contents.msgpack"])
@pytest.mark.parametrize("at", [0, 40, 80, -1])
def test_a_damaged_copy_is_not_trusted(shipped: Path, name: str, at: int) -> None:
    first = load_course()
    file = places.cache_folder() / name
    content = bytearray(file.read_bytes())
    content[at] ^= 0x55
    for damaged in (bytes(content), b""):
        file.write_bytes(damaged)
        assert load_contents() == contents_of(first)
        assert load_course() == first


def test_a_damaged_copy_is_made_anew(shipped: Path) -> None:
    load_course()
    good = kept().read_bytes()
    kept().write_bytes(good[:-1])
    load_course()
    assert kept().read_bytes() == good


def test_no_room_for_a_copy_is_no_problem(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Path:
        raise PermissionError("no")

    monkeypatch.setattr(places, "cache_folder", refuse)
    assert load_course() == load_course()


def test_other_courses_leave_no_copy(home: Path, tmp_path: Path) -> None:
    put(tmp_path, TEMPLATE)
    load_course(tmp_path)
    assert not kept().exists()
