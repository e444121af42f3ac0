"""Verdicts in lines: what was expected, what was found, and the mistake by its name."""

from __future__ import annotations

from tutor.lab.verdict import NotYet, Passed, Unattempted, Unavailable, Verdict
from tutor.ui.plain.page import Page

_SHOWN = 4  # findings at once; more only discourage


def tell(page: Page, verdict: Verdict) -> None:
    """Say a verdict."""
    match verdict:
        case Passed():
            page.item("●", "Passed: the engine's state is what was asked for.", "bold green")
        case Unattempted():
            page.item("○", "Nothing has changed yet.")
        case Unavailable(reason=reason):
            page.item("?", f"It cannot be told now: {reason}", "bold red")
        case NotYet(findings=findings, mistake=mistake, settled=settled):
            page.item("◐", "Not yet." if settled else "Not yet; something still runs or starts.", "bold yellow")
            for finding in findings[:_SHOWN]:
                page.item("   -", finding.summary)
                if finding.expected:
                    page.line(f"expected  {finding.expected}", indent=7)
                if finding.found:
                    page.line(f"found     {finding.found}", indent=7)
            if len(findings) > _SHOWN:
                page.line(f"and {len(findings) - _SHOWN} more.", indent=5)
            if mistake:
                page.item("   ✎", f"{mistake.words}: {mistake.say}")
                if mistake.chapter:
                    page.line(f"Taught in chapter {mistake.chapter}.", indent=5)
