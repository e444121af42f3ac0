"""What the judge says of a step."""

from __future__ import annotations

import msgspec
from msgspec.structs import force_setattr

from tutor.course import mistakes
from tutor.printable import printable


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not yet as it should be, in words.

    Attributes:
        summary: One sentence: "`web` publishes container port 8080; the application listens on 80."
        expected: What should be: `host 8080 → web 80`.
        found: What is there instead: `host 3000 → web 8080`.
        where: The object it is about, `container web`, so that a picture can mark it; empty when it is none.
    """

    summary: str
    expected: str = ""
    found: str = ""
    where: str = ""

    def __post_init__(self) -> None:
        # What was found may be a program's output, or an image's label.
        for name in ("summary", "expected", "found"):
            force_setattr(self, name, printable(getattr(self, name)))


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """The named mistake that explains the findings."""

    id: str
    say: str
    title: str = ""
    chapter: int | None = None

    @property
    def words(self) -> str:
        """Its title; a step's own mistake, which has none, by its id."""
        return self.title or mistakes.title(self.id)


class Passed(msgspec.Struct, frozen=True, kw_only=True, tag="passed", tag_field="verdict"):
    """Everything the step expects holds."""


class NotYet(msgspec.Struct, frozen=True, kw_only=True, tag="not-yet", tag_field="verdict"):
    """Something was done, and it is not there yet.

    Attributes:
        settled: False while a command still runs or a container still starts: fronts wait before they show this.
    """

    findings: tuple[Finding, ...]
    mistake: Diagnosis | None = None
    settled: bool = True


class Unattempted(msgspec.Struct, frozen=True, kw_only=True, tag="unattempted", tag_field="verdict"):
    """Nothing of the lab's has changed since the step began."""


class Unavailable(msgspec.Struct, frozen=True, kw_only=True, tag="unavailable", tag_field="verdict"):
    """It cannot be told: the engine is gone, or something the step needs is missing."""

    reason: str


Verdict = Passed | NotYet | Unattempted | Unavailable
