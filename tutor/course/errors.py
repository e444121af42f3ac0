"""What is wrong in a course file, and where: one value an error, one Problem for all of them."""

from __future__ import annotations

from dataclasses import dataclass

from tutor.problems import Problem


@dataclass(frozen=True, order=True)
class CourseError:
    """One thing that is wrong in one place.

    Attributes:
        file: The file as the person named it, or relative to where they are.
        line: Line of the offending key or value, from 1.
        column: Column in characters, from 1.
        path: Where in the document, such as `sections[0].text.body`; empty for the file as a whole.
        wrong: What is wrong.
        right: What would be right.
    """

    file: str
    line: int
    column: int
    path: str
    wrong: str
    right: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: "
        return where + (f"{self.path}: " if self.path else "") + f"{self.wrong}; {self.right}"


class CourseErrors(Problem):
    """A course that cannot be read, with every error of every file.

    Args:
        errors: At least one.
    """

    def __init__(self, errors: tuple[CourseError, ...]) -> None:
        self.errors = tuple(sorted(errors))
        count = len(self.errors)
        files = len({error.file for error in self.errors})
        what = "1 error" if count == 1 else f"{count} errors"
        where = "a course file" if files == 1 else f"{files} course files"
        lines = "\n".join(str(error) for error in self.errors)
        super().__init__(f"There is {what} in {where}:" if count == 1 else f"There are {what} in {where}:", lines)
        self.code = "course-errors"

    def __str__(self) -> str:
        return f"{self.sentence}\n{self.next_step}"
