"""What is not yet as an expectation says, for every kind of expectation."""

from __future__ import annotations

import re
from dataclasses import replace

from tutor.course.expectations import (
    AbsentExpectation,
    AnyExpectation,
    AskedExpectation,
    ChangesExpectation,
    ComposeExpectation,
    ContainerExpectation,
    CountExpectation,
    ExecExpectation,
    Expectation,
    FileExpectation,
    HttpExpectation,
    ImageExpectation,
    LogsExpectation,
    NetworkExpectation,
    NotExpectation,
    ServiceExpectation,
    TcpExpectation,
    VolumeExpectation,
)
from tutor.lab.findings.answers import http_findings, tcp_findings
from tutor.lab.findings.asked import asked_findings
from tutor.lab.findings.compose import compose_findings, service_findings
from tutor.lab.findings.container import container_findings
from tutor.lab.findings.describe import describe
from tutor.lab.findings.found import Context, Found, Weight
from tutor.lab.findings.image import image_findings
from tutor.lab.findings.inside import changes_findings, exec_findings, file_findings, logs_findings
from tutor.lab.findings.objects import (
    absent_findings,
    count_findings,
    network_expectation_findings,
    volume_findings,
)
from tutor.lab.findings.words import listed

_REGEX = re.compile(r"[\\\[|]|\(\?|\.[*+]")


def check(e: Expectation, ctx: Context) -> tuple[Found, ...]:
    """The findings of one expectation; none when it holds."""
    found = _check(e, ctx)
    if not found or not e.say:
        return found
    first = min(found, key=lambda finding: finding.weight)
    # The lesson's sentence stands for all of them; it waits as long as any of them waits.
    waits = next((f.pending for f in found if f.pending == "short"), first.pending)
    # It also says in words what a regular expression says to an author only.
    expected = "" if _REGEX.search(first.expected) else first.expected
    return (replace(first, summary=e.say, expected=expected, pending=waits),)


def _check(e: Expectation, ctx: Context) -> tuple[Found, ...]:
    match e:
        case ContainerExpectation():
            return container_findings(e, ctx)
        case ImageExpectation():
            return image_findings(e, ctx)
        case VolumeExpectation():
            return volume_findings(e, ctx)
        case NetworkExpectation():
            return network_expectation_findings(e, ctx)
        case ComposeExpectation():
            return compose_findings(e, ctx)
        case ServiceExpectation():
            return service_findings(e, ctx)
        case AbsentExpectation():
            return absent_findings(e, ctx)
        case CountExpectation():
            return count_findings(e, ctx)
        case HttpExpectation():
            return http_findings(e, ctx)
        case TcpExpectation():
            return tcp_findings(e, ctx)
        case ExecExpectation():
            return exec_findings(e, ctx)
        case FileExpectation():
            return file_findings(e, ctx)
        case LogsExpectation():
            return logs_findings(e, ctx)
        case ChangesExpectation():
            return changes_findings(e, ctx)
        case AskedExpectation():
            return asked_findings(e, ctx)
        case AnyExpectation():
            return _any(e, ctx)
        case NotExpectation():
            return _not(e, ctx)


def _any(e: AnyExpectation, ctx: Context) -> tuple[Found, ...]:
    """The findings of the way that is nearest to its end."""
    answers = [check(member, ctx) for member in e.of]
    if not all(answers):
        return ()
    return min(answers, key=lambda found: (len(found), -min(finding.weight for finding in found)), default=())


def _not(e: NotExpectation, ctx: Context) -> tuple[Found, ...]:
    # That something is nowhere is said of all that is there.
    answers = [check(member, replace(ctx, diagnosing=False)) for member in e.all]
    if any(finding for found in answers for finding in found if not finding.unknown):
        return ()
    said = listed(describe(member) for member in e.all)
    unknown = next((finding for found in answers for finding in found), None)
    if unknown is not None:
        # What could not be looked at is neither so nor not so.
        return (unknown,)
    subject = next((m.name for m in e.all if isinstance(m, ContainerExpectation) and m.name), "")
    where = f"container {subject}" if subject else ""
    return (Found(f"This should not be so: {said}.", "not so", said, where, ("not", said), weight=Weight.LEFT_OVER),)
