"""A workshop's report as one page that needs nothing else: pictures are drawn in it, names are never markup."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from html import escape

from tutor.workshop.report import Report, SeatReport
from tutor.workshop.seen import PollView

_STYLE = """
:root { color-scheme: light dark; --ink: #1b2430; --back: #f4f6f9; --quiet: #4c5968; --line: #b4c0cd; --blue: #0b5cad; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4eaf1; --back: #0f141b; --quiet: #a5b1bf; --line: #2f3d4d; --blue: #6cb8ff; }
}
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--back); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.3rem 0.6rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
td.n, th.n { text-align: right; }
.bar { fill: var(--blue); } .curve { fill: none; stroke: var(--blue); stroke-width: 2; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; } svg line { stroke: var(--line); }
pre { white-space: pre-wrap; } .quiet { color: var(--quiet); }
.card { border: 3px double var(--blue); padding: 3rem; text-align: center; margin-top: 2rem; }
@media print { body { background: none; color: #000; } }
"""
_WIDTH = 640


def page(report: Report) -> str:
    """The whole report."""
    seats = len(report.seats)
    begun = _day(report.began)
    parts = [
        f"<h1>{escape(report.title)}</h1>",
        f"<p>{begun}, {_minutes(report.ended - report.began)} · {seats} {'seat' if seats == 1 else 'seats'} · "
        f"{len(report.progress)} steps passed</p>",
        "<h2>Progress over time</h2>",
        _curve(report),
        "<h2>Mistakes</h2>",
        _mistakes(report),
        "<h2>Polls</h2>",
        *(map(_poll, report.polls) if report.polls else ["<p>There was none.</p>"]),
        "<h2>Steps</h2>",
        _table(
            ("Chapter", "Step", "Begun", "Passed", "Tries", "Minutes (median)"),
            (
                (step.number, step.title, step.begun, step.passed, step.tries, _short(step.median))
                for step in report.steps
            ),
        ),
        "<h2>Seats</h2>",
        _table(
            ("Name", "Steps passed", "Tries", "Hints", "Solutions", "Answers right"),
            (
                (seat.name, seat.passed, seat.tries, seat.hints, seat.solutions, f"{seat.right} of {seat.answered}")
                for seat in report.seats
            ),
        ),
    ]
    return _page(report.title, parts)


def certificate(report: Report, seat: SeatReport) -> str:
    """A page that says what one learner did; to be printed."""
    titles = {f"{step.chapter}/{step.step}": step for step in report.steps}
    passed = [titles[key] for key, work in seat.steps.items() if work.seconds is not None and key in titles]
    items = "".join(f"<li>Chapter {step.number}: {escape(step.title)}</li>" for step in passed)
    answers = f"<p>{seat.right} of {seat.answered} answers were right.</p>" if seat.answered else ""
    parts = [
        f"<div class='card'><p>{escape(report.title)}, {_day(report.began)}</p><h1>{escape(seat.name)}</h1>",
        f"<p>took part and solved {len(passed)} of {len(report.steps)} steps on a real Docker Engine.</p>",
        f"{answers}</div>",
        f"<h2>What was solved</h2><ul>{items}</ul>" if items else "",
    ]
    return _page(f"{seat.name} · {report.title}", parts)


def _page(title: str, parts: Iterable[str]) -> str:
    head = (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta http-equiv='content-security-policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>\n"
    )
    return head + "\n".join(part for part in parts if part) + "\n</main></body></html>\n"


def _curve(report: Report) -> str:
    if not report.progress:
        return "<p>No step was passed.</p>"
    height, span = 180, max(report.ended - report.began, 1.0)
    total = len(report.progress)
    points = [(0.0, float(height))]
    for count, at in enumerate(report.progress, 1):
        x = max(0.0, (at - report.began) / span * _WIDTH)
        points += [(x, points[-1][1]), (x, height - count / total * (height - 20))]
    points.append((float(_WIDTH), points[-1][1]))
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    words = f"{total} steps passed within {_minutes(span)}"
    return (
        f"<svg viewBox='0 0 {_WIDTH} {height + 24}' role='img' aria-label='{words}'>"
        f"<line x1='0' y1='{height}' x2='{_WIDTH}' y2='{height}'/><polyline class='curve' points='{path}'/>"
        f"<text x='0' y='{height + 18}'>begin</text><text x='{_WIDTH}' y='{height + 18}' text-anchor='end'>"
        f"{_minutes(span)}</text><text x='{_WIDTH}' y='14' text-anchor='end'>{total} steps passed</text></svg>"
    )


def _mistakes(report: Report) -> str:
    if not report.mistakes:
        return "<p>Nobody made a mistake that has a name.</p>"
    ranked = sorted(report.mistakes, key=lambda mistake: -mistake.seats)[:20]
    return _bars([(f"{m.words} ({m.chapter}, {m.step})", m.seats) for m in ranked], "seats")


def _poll(poll: PollView) -> str:
    rounds = []
    for asked in poll.rounds:
        bars = [
            (f"{'✓ ' if option.right else ''}{option.text}", asked.counts.get(option.id, 0))
            for option in poll.question.options
        ]
        name = "" if len(poll.rounds) == 1 else f"<h4>{'First' if asked.round == 1 else 'Next'} round</h4>"
        rounds.append(f"{name}{_bars(bars, 'answers')}")
    return f"<h3><pre>{escape(poll.question.ask)}</pre></h3>" + "".join(rounds)


def _bars(rows: list[tuple[str, int]], what: str) -> str:
    most = max((count for _, count in rows), default=0) or 1
    drawn = []
    for text, count in rows:
        width = count / most * 300
        drawn.append(
            f"<tr><td>{escape(text)}</td><td><svg width='300' height='14' role='img' aria-label='{count} {what}'>"
            f"<rect class='bar' width='{width:.0f}' height='14'/></svg></td><td class='n'>{count}</td></tr>"
        )
    return f"<table>{''.join(drawn)}</table>"


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    titles = "".join(f"<th scope='col'>{escape(title)}</th>" for title in head)
    body = "".join(
        "<tr>" + "".join(f"<td{_number(cell)}>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _number(cell: object) -> str:
    return " class='n'" if isinstance(cell, (int, float)) else ""


def _day(at: float) -> str:
    return datetime.datetime.fromtimestamp(at).strftime("%Y-%m-%d")


def _minutes(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def _short(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds / 60:.1f}"
