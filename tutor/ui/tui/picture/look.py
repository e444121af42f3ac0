"""What a picture knows beside the World: what is marked, what just changed, what containers use, what time it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tutor.engine.gauge import Usage
from tutor.engine.world import normal_reference
from tutor.ui.tui.picture.kit import Line, Span

HERE = "◀ look here"
"""The sign and word beside what a finding is about."""

FRESH = "✦"
"""The sign beside what just changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How to look at a World.

    Attributes:
        where: The object that a finding is about, `container web`, or `port 8080` of the host; empty for none.
        closed: By host port behind which nobody answers: why, as far as is known.
        fresh: Kind and key of what just changed: `("container", "5f0c…")`.
        usage: What containers use now, by name or id.
        written: Bytes in containers' writable layers, by id.
        now: Seconds since 1970; 0 when times are not to be shown.
    """

    where: str = ""
    closed: Mapping[str, str] = field(default_factory=dict)
    fresh: frozenset[tuple[str, str]] = frozenset()
    usage: Mapping[str, Usage] = field(default_factory=dict)
    written: Mapping[str, int] = field(default_factory=dict)
    now: float = 0.0

    def about(self) -> tuple[str, str]:
        """Kind and name of what is marked, or two empty texts."""
        kind, _, name = self.where.partition(" ")
        return (kind, name.strip()) if name.strip() else ("", "")

    def marks(self, kind: str, *names: str) -> bool:
        """Whether this object is the marked one."""
        wanted, name = self.about()
        if wanted != kind or not name:
            return False
        if kind == "image":
            return normal_reference(name) in {normal_reference(each) for each in names if each}
        return name in names

    def is_fresh(self, kind: str, key: str) -> bool:
        """Whether it just changed."""
        return (kind, key) in self.fresh

    def sign(self, kind: str, key: str, *names: str) -> Line:
        """What stands behind an object's name: the mark, the sign of a change, or nothing."""
        if self.marks(kind, key, *names):
            return (Span(" "), Span(HERE, "mark"))
        return (Span(" "), Span(FRESH, "fresh")) if self.is_fresh(kind, key) else ()

    def role(self, kind: str, key: str, usual: str) -> str:
        """The role of an object's name."""
        return "fresh" if self.is_fresh(kind, key) else usual
