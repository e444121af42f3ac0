"""What a script uses beside the engine itself: Compose, buildx, Swarm mode; and what not every engine can do."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tutor.course.models import Need

_USES: tuple[tuple[Need, re.Pattern[str]], ...] = (
    ("compose", re.compile(r"\bdocker[ \t]+compose\b")),
    ("swarm", re.compile(r"\bdocker[ \t]+(swarm|service|stack)\b")),
    ("buildx", re.compile(r"\bdocker[ \t]+buildx\b")),
    (
        "buildkit",
        re.compile(
            r"--mount=type=|\b(?:COPY|ADD)[ \t]+--(?:chmod|link)\b|\bbuild\b[^\n]*[ \t]--secret\b|dockerfile_inline"
        ),
    ),
    ("privileged", re.compile(r"--privileged\b|\"Privileged\": *(?:true|')|\bprivileged: *true")),
)
OF_THE_ENGINE: frozenset[Need] = frozenset({"buildkit", "privileged"})
"""What nearly every engine can do: chapters and steps do not have to name it, and the proof leaves out what uses it
where it is missing."""


def needs_of(script: str) -> dict[Need, re.Match[str]]:
    """What a script needs, with the place where it first shows."""
    found = ((need, pattern.search(script)) for need, pattern in _USES)
    return {need: match for need, match in found if match is not None}


def needs_of_all(scripts: Iterable[str | None]) -> frozenset[Need]:
    """What several scripts need together; None is no script."""
    return frozenset(need for script in scripts if script for need in needs_of(script))
