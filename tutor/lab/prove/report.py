"""The proof's report: as a table, as JUnit XML, as JSON. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree

from tutor.lab.prove.assess import LAST, Result

# Characters that XML 1.0 cannot hold (https://www.w3.org/TR/xml/#charsets); a command's output may have them.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Times:
    """Where the time went, in seconds.

    Attributes:
        wall: By the clock, from start to end.
        busy: All jobs' time together.
        commands: Of it, waiting for the scripts' commands.
        engine: Of it, waiting for the engine and for probes.
        settling: Of it, waiting for what was started to come to rest.
        own: The tutor's own: the rest of `busy`, and what its other threads (the sandbox) computed meanwhile.
    """

    wall: float
    busy: float
    commands: float
    engine: float
    settling: float
    own: float

    @property
    def share(self) -> float:
        """The tutor's own share of the jobs' time, from 0 to 1."""
        return self.own / self.busy if self.busy else 0.0


@dataclass(frozen=True)
class Report:
    """All results in the course's order.

    Attributes:
        engine: The engine it was proven on, in words.
        jobs: How many tasks ran at the same time.
        interrupted: It was ended before all was tried.
    """

    results: tuple[Result, ...]
    times: Times
    engine: str = ""
    jobs: int = 1
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        """Whether everything that was to be tried passed, and something was."""
        return not self.interrupted and not self.of("failed") and bool(self.of("passed"))

    def of(self, status: str) -> tuple[Result, ...]:
        """The results of one status."""
        return tuple(result for result in self.results if result.status == status)


def in_order(results: Iterable[Result]) -> tuple[Result, ...]:
    """Results in the course's order, whatever the order of the work was."""
    return tuple(sorted(results, key=lambda r: (r.place.chapter, r.place.section, r.place.part, r.order)))


def second_thoughts(first: Iterable[Result], again: Iterable[Result]) -> list[Result]:
    """What counts after some attempts were tried once more with nothing beside them.

    What passes then has passed, and its result keeps what was wrong at first. What a lab left behind stays wrong.
    """
    counted = {result.key: result for result in first}
    extra: list[Result] = []
    for result in again:
        before = counted.get(result.key)
        good = result.status == "passed"
        if before is None or before.status == "passed":
            if not good:
                extra.append(result)
        elif result.order != LAST:
            counted[result.key] = replace(result, first=before.why) if good else result
    return [*counted.values(), *extra]


def table(report: Report) -> str:
    """A line for each attempt, then what is wrong in full, then the sums."""
    head = ("chapter", "section", "step", "attempt", "verdict", "seconds")
    rows = [
        (f"{r.chapter:02d} {r.chapter_id}", r.section, r.subject, r.attempt, r.status, f"{r.seconds:.2f}")
        for r in report.results
    ]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(5)]
    lines = [_line(head, widths), _line([*("-" * width for width in widths), "-------"], widths)]
    lines += [_line(row, widths) for row in rows]
    for failed in report.of("failed"):
        lines += ["", f"FAILED {title(failed)}", f"  {failed.why}"]
        lines += [f"  {line}".rstrip() for line in failed.detail.splitlines()]
    late = [result for result in report.of("passed") if result.first]
    lines += [""] * bool(late) + [f"passed alone only, {title(result)}: {result.first}" for result in late]
    reasons = dict.fromkeys((f"{r.chapter:02d} {r.chapter_id}", r.why) for r in report.of("skipped"))
    lines += [""] * bool(reasons) + [f"skipped in {where}: {why}" for where, why in reasons]
    return "\n".join([*lines, "", summary(report)])


def title(result: Result) -> str:
    """Where an attempt belongs, in one line."""
    return f"{result.chapter:02d} {result.chapter_id} / {result.section} / {result.subject}: {result.attempt}"


def summary(report: Report) -> str:
    """The sums in three lines."""
    times = report.times
    counts = [f"{len(report.of(status))} {status}" for status in ("passed", "failed", "skipped")]
    return "\n".join(
        [
            f"{', '.join(counts)}{', interrupted' * report.interrupted} in {times.wall:.1f} s"
            f" ({report.jobs} job{'s' * (report.jobs != 1)}{', ' * bool(report.engine)}{report.engine})"
            f"{f', {late} of them alone only' if (late := sum(bool(r.first) for r in report.of('passed'))) else ''}",
            f"jobs' time {times.busy:.1f} s: commands {times.commands:.1f}, engine {times.engine:.1f},"
            f" coming to rest {times.settling:.1f}, the tutor itself {times.own:.1f} ({times.share:.0%})",
        ]
    )


def as_json(report: Report) -> dict[str, Any]:
    """What a program reads."""
    times = report.times
    return {
        "ok": report.ok,
        "interrupted": report.interrupted,
        "engine": report.engine,
        "jobs": report.jobs,
        "counts": {status: len(report.of(status)) for status in ("passed", "failed", "skipped")},
        "seconds": {
            "wall": round(times.wall, 3),
            "busy": round(times.busy, 3),
            "commands": round(times.commands, 3),
            "engine": round(times.engine, 3),
            "settling": round(times.settling, 3),
            "own": round(times.own, 3),
            "own_share": round(times.share, 4),
        },
        "results": [
            {
                "chapter": r.chapter,
                "chapter_id": r.chapter_id,
                "section": r.section,
                "step": r.subject,
                "attempt": r.attempt,
                "status": r.status,
                "seconds": round(r.seconds, 3),
                **({"why": r.why} if r.why else {}),
                **({"detail": r.detail} if r.detail else {}),
                **({"first": r.first} if r.first else {}),
            }
            for r in report.results
        ],
    }


def as_junit(report: Report) -> bytes:
    """JUnit XML: a suite for each chapter, a case for each attempt."""
    root = ElementTree.Element("testsuites", _counts(report.results, report.times.wall), name="course prove")
    for number in dict.fromkeys(r.chapter for r in report.results):
        results = [r for r in report.results if r.chapter == number]
        name = f"{number:02d} {results[0].chapter_id}"
        suite = ElementTree.SubElement(root, "testsuite", _counts(results, sum(r.seconds for r in results)), name=name)
        for r in results:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=_clean(f"{number:02d}-{r.chapter_id}.{r.section}.{r.subject}"),
                name=_clean(r.attempt),
                time=f"{r.seconds:.3f}",
            )
            if r.status == "failed":
                failure = ElementTree.SubElement(case, "failure", message=_clean(r.why))
                failure.text = _clean(r.detail)
            elif r.status == "skipped":
                ElementTree.SubElement(case, "skipped", message=_clean(r.why))
    ElementTree.indent(root)
    body: bytes = ElementTree.tostring(root, "utf-8")
    return b"<?xml version='1.0' encoding='utf-8'?>\n" + body + b"\n"


def _counts(results: Sequence[Result], seconds: float) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(r.status == "failed" for r in results)),
        "skipped": str(sum(r.status == "skipped" for r in results)),
        "errors": "0",
        "time": f"{seconds:.3f}",
    }


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row[:5], widths, strict=True)]
    return "  ".join([*cells, row[5].rjust(7)]).rstrip()
