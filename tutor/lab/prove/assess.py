"""Whether an attempt showed what it must show, and the words for an author when it did not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tutor.lab.prove.plan import Attempt, Place
from tutor.lab.session.run import Completed
from tutor.lab.verdict import NotYet, Passed, Unavailable, Verdict

Status = Literal["passed", "failed", "skipped"]

LAST = 1_000_000
"""The order of what is told of a lab after all its attempts."""

_LINES = 30
"""Lines of output that a report shows of a failure."""


@dataclass(frozen=True)
class Result:
    """One line of the report.

    Attributes:
        place, order: Where it stands in the course and among the attempts.
        subject: The step's or question's id; `lab` for what is about the whole lab.
        why: One sentence: what is wrong, or why it was skipped; empty when it passed.
        detail: What an author needs to repair it: script, output, findings.
        first: What was wrong when other labs ran beside it; it passed when nothing did.
    """

    place: Place
    order: int
    chapter: int
    chapter_id: str
    section: str
    subject: str
    attempt: str
    status: Status
    seconds: float = 0.0
    why: str = ""
    detail: str = ""
    first: str = ""

    @property
    def key(self) -> tuple[Place, int, str]:
        """What tells this attempt from all others."""
        return self.place, self.order, self.attempt


def fault(attempt: Attempt, verdict: Verdict, completed: Completed | None) -> str:
    """What is wrong with how an attempt was judged; empty when it is as it must be."""
    if isinstance(verdict, Unavailable):
        return f"It cannot be judged: {verdict.reason}"
    if attempt.kind == "empty":
        return _empty(verdict)
    assert completed is not None
    if attempt.kind == "mistake":
        return _limit(completed) or _mistake(attempt, verdict)
    if attempt.kind == "wrong":
        return _limit(completed) or _wrong(attempt, verdict)
    if not _passed(verdict):
        found = verdict.mistake if isinstance(verdict, NotYet) else None
        return _limit(completed) or (
            f"It does not pass: it is diagnosed as `{found.id}`." if found else "It does not pass."
        )
    if completed.timed_out or completed.exit_code:
        return _limit(completed) or f"It passes, but its exit status is {completed.exit_code}, not 0."
    return ""


def outcome_fault(holding: Sequence[str], completed: Completed) -> str:
    """What is wrong with a prediction's options: exactly one must be what the engine answered."""
    if late := _limit(completed):
        return late
    if not holding:
        return f"None of the options is what happened (exit status {completed.exit_code})."
    if len(holding) > 1:
        return f"More than one option is what happened: {', '.join(holding)}."
    return ""


def skipped_after(step: str) -> str:
    """The words for attempts that have no start, as a step before does not pass."""
    return f"Not tried: the first solution of step `{step}` before it does not pass."


def explain(script: str, completed: Completed | None, verdict: Verdict | None, expected: str = "") -> str:
    """All an author needs to see of a failed attempt."""
    parts = []
    if script:
        parts.append("script:\n" + _indent(script))
    if completed is not None:
        parts.append(f"exit status {completed.exit_code}{' (ended at its limit)' * completed.timed_out}")
        parts.append("output:\n" + _indent(_tail(completed.output)) if completed.output.strip() else "no output")
    if verdict is not None:
        parts.append(f"verdict: {describe(verdict)}")
    if expected:
        parts.append(f"expected: {expected}")
    return "\n".join(parts)


def describe(verdict: Verdict) -> str:
    """A verdict in words, with its findings."""
    if isinstance(verdict, Unavailable):
        return f"unavailable: {verdict.reason}"
    if not isinstance(verdict, NotYet):
        return "passed" if _passed(verdict) else "unattempted"
    lines = [f"not yet, diagnosed as `{verdict.mistake.id}`" if verdict.mistake else "not yet, no diagnosis"]
    if not verdict.settled:
        lines[0] += " (something is still under way)"
    for finding in verdict.findings:
        lines.append(f"  - {finding.summary}")
        if finding.expected or finding.found:
            lines.append(f"    expected {finding.expected or '-'}; found {finding.found or '-'}")
    return "\n".join(lines)


def _empty(verdict: Verdict) -> str:
    if _passed(verdict):
        return "The step passes in its empty state: there is nothing to do."
    if isinstance(verdict, NotYet) and verdict.mistake:
        return f"Nothing was done yet, and it is diagnosed as `{verdict.mistake.id}`."
    return ""


def _mistake(attempt: Attempt, verdict: Verdict) -> str:
    if _passed(verdict):
        return f"It passes, although it makes the mistake `{attempt.mistake}`."
    found = verdict.mistake if isinstance(verdict, NotYet) else None
    if found is None:
        done = "Nothing was changed, so it" if not isinstance(verdict, NotYet) else "It"
        return f"{done} gets no diagnosis, where `{attempt.mistake}` is expected."
    if found.id != attempt.mistake:
        return f"It is diagnosed as `{found.id}`, where `{attempt.mistake}` is expected."
    return ""


def _wrong(attempt: Attempt, verdict: Verdict) -> str:
    """A wrong command does not pass, and gets its own reason and no other's."""
    if _passed(verdict):
        return "It passes, although it is listed as wrong."
    found = verdict.mistake.id if isinstance(verdict, NotYet) and verdict.mistake else ""
    if found == attempt.mistake:
        return ""
    if not found:
        return "It is not known by what it leaves: its `when` does not hold."
    return f"It leaves what `when` of {found.replace('-', ' ')} says, and would get that one's reason."


def _passed(verdict: Verdict) -> bool:
    return isinstance(verdict, Passed)


def _limit(completed: Completed) -> str:
    return f"It did not end within {completed.seconds:.0f} s." if completed.timed_out else ""


def _tail(text: str) -> str:
    lines = text.rstrip().splitlines()
    if len(lines) <= _LINES:
        return "\n".join(lines)
    return "\n".join([f"… {len(lines) - _LINES} lines before", *lines[-_LINES:]])


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines())
