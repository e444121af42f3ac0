"""Where a course lies: its chapters, and the folder with what its labs need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tutor import places
from tutor.problems import Problem


@dataclass(frozen=True)
class CourseFolder:
    """The two folders of a course, and the one file that was asked for.

    Attributes:
        lessons: Holds `NN-slug.yaml` and `mistakes.yaml`.
        labs: Holds the folders that labs start from, and `images.yaml` where the course has its own.
        only: The file that was named, or None when the whole course was.
    """

    lessons: Path
    labs: Path
    only: Path | None = None

    @property
    def shipped(self) -> bool:
        """Whether this is the course that comes with the tutor."""
        return _same(self.lessons, places.lessons())


def find(path: Path | None = None) -> CourseFolder:
    """The course at a path.

    Args:
        path: The folder with the chapters, a folder that has them in `lessons/`, or one of its files;
            the shipped course when left out.

    Raises:
        Problem: There is nothing at that path.
    """
    if path is None:
        return CourseFolder(places.lessons(), places.labs())
    try:
        if path.is_dir():
            inner = path / "lessons"
            lessons = inner if inner.is_dir() else path
            return CourseFolder(lessons, _labs(lessons))
        if path.exists():
            return CourseFolder(path.parent, _labs(path.parent), path)
    except (OSError, ValueError) as error:
        raise Problem(f"{path} cannot be read: {error}.", "Give a folder or a file.", code="no-course") from None
    raise Problem(
        f"There is no file or folder {path}.", "Give a course's folder or a chapter's file.", code="no-course"
    )


def _labs(lessons: Path) -> Path:
    """`labs/` inside the chapters' folder, beside a folder called `lessons`, or the shipped one."""
    inside = lessons / "labs"
    if inside.is_dir():
        return inside
    beside = lessons.absolute().parent / "labs"
    return beside if lessons.absolute().name == "lessons" and beside.is_dir() else places.labs()


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
