"""Progress as one page to show to a colleague: drawn, self-contained, no script, light and dark. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from html import escape

from tutor.learner.overview import ChapterView, Overview
from tutor.ui.plain.standing import mistake_words, weak_words
from tutor.ui.plain.words import duration

_WEEKS = 26
_CELL, _GAP = 13, 3

_STYLE = """\
:root { --ink: #1b2430; --quiet: #5a6675; --page: #f4f6f9; --card: #ffffff; --line: #d5dce5; --empty: #e6ebf1;
  --done: #1a7431; --begun: #b98900; --blue: #0b5cad; --b1: #c4dcf3; --b2: #86b7e6; --b3: #3f86ca; --b4: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ink: #d9e0e8; --quiet: #8593a3; --page: #0f141b; --card: #151c26;
  --line: #2f3d4d; --empty: #222d3a; --done: #6fd68a; --begun: #e6b450; --blue: #4aa8ff;
  --b1: #173a5c; --b2: #1f5a91; --b3: #3485cc; --b4: #6bb8ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.05rem; margin: 0 0 .8rem; }
header p, .quiet, footer { color: var(--quiet); } header p { margin: .1rem 0 1.4rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem 1.25rem;
  margin-bottom: 1rem; }
.top { display: grid; grid-template-columns: auto 1fr; gap: 2rem; align-items: center; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem; margin: 0; }
.tiles div { display: flex; flex-direction: column-reverse; }
.tiles div { justify-content: flex-end; } .tiles dd { margin: 0; font-size: 1.45rem; font-weight: 650;
  line-height: 1.3; white-space: nowrap; } .tiles dt { color: var(--quiet); }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(21rem, 1fr)); gap: 1rem; }
.two section { margin-bottom: 0; } .two { margin-bottom: 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 500; color: var(--quiet); font-size: .85rem; padding: 0 .6rem .3rem 0; }
td { padding: .22rem .6rem .22rem 0; border-top: 1px solid var(--line); vertical-align: middle; }
td.number, th.number { text-align: right; padding-right: 0; white-space: nowrap; }
td.bar, th.bar { padding-left: 1.4rem; }
tr.new td { color: var(--quiet); }
ul { margin: 0; padding: 0; list-style: none; } li { padding: .3rem 0; border-top: 1px solid var(--line); }
li:first-child { border-top: 0; } li small { color: var(--quiet); display: block; }
.mark { color: var(--begun); } .mark.done { color: var(--done); }
svg { display: block; max-width: 100%; } svg text { fill: var(--quiet); font: 11px system-ui, sans-serif; }
svg .big { fill: var(--ink); font-size: 26px; font-weight: 650; }
footer { font-size: .85rem; }
@media (max-width: 40rem) { .top { grid-template-columns: 1fr; justify-items: center; } .tiles { width: 100%; } }
@media print { body { background: none; } section { break-inside: avoid; } }
"""


def page(found: Overview, zone: tzinfo | None = None) -> str:
    """The whole page as HTML.

    Args:
        zone: The learner's time zone; the machine's when left out.
    """
    today = datetime.fromtimestamp(found.at, zone).date()
    overcome = sum(one.overcome for one in found.mistakes)
    steps = sum(one.steps.done for one in found.chapters)
    right = sum(one.right.done for one in found.chapters)
    answers = sum(one.right.of for one in found.chapters)
    tiles = [
        ("at work", duration(found.minutes * 60)),
        ("lab steps passed", str(steps)),
        ("answers right", f"{right} of {answers}"),
        ("mistakes overcome", f"{overcome} of {len(found.mistakes)}"),
        ("due now", str(found.due)),
    ]
    parts = [
        "<header><h1>The Docker mental model</h1>",
        f"<p>What I have done and what I remember, as of {today.isoformat()}</p></header>",
        f'<section class="top">{_ring(found)}<dl class="tiles">',
        *(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in tiles),
        "</dl></section>",
        f"<section><h2>Chapters</h2>{_chapters(found.chapters)}</section>",
        '<div class="two">',
        f"<section><h2>Time at work, the last {_WEEKS} weeks</h2>{_calendar(found.days, today)}</section>",
        f"<section><h2>Reviews to come</h2>{_coming(found.coming)}</section>",
        "</div>",
        '<div class="two">',
        f"<section><h2>Mistakes in labs</h2>{_mistakes(found)}</section>",
        f"<section><h2>Weak</h2>{_weak(found)}</section>",
        "</div>",
        "<footer>Made by <code>docker tutor progress --html</code>. “Remembered” is FSRS's estimate.</footer>",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>The Docker mental model: progress</title>\n<style>\n{_STYLE}</style></head>\n<body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )


def _ring(found: Overview) -> str:
    done, of = found.finished.done, max(found.finished.of, 1)
    around = 2 * math.pi * 52
    share = sum(1.0 if one.state == "finished" else one.share for one in found.chapters) / max(len(found.chapters), 1)
    return (
        f'<svg width="132" height="132" viewBox="0 0 132 132" role="img" '
        f'aria-label="{done} of {of} chapters finished">'
        '<circle cx="66" cy="66" r="52" fill="none" stroke="var(--empty)" stroke-width="13"/>'
        + _arc(share * around, around, "var(--b2)")
        + _arc(done / of * around, around, "var(--done)")
        + f'<text class="big" x="66" y="68" text-anchor="middle">{done}</text>'
        f'<text x="66" y="86" text-anchor="middle">of {of}</text></svg>'
    )


def _arc(length: float, around: float, colour: str) -> str:
    if length <= 0:
        return ""
    return (
        f'<circle cx="66" cy="66" r="52" fill="none" stroke="{colour}" stroke-width="13" '
        f'stroke-dasharray="{length:.1f} {around:.1f}" transform="rotate(-90 66 66)"/>'
    )


def _chapters(chapters: Iterable[ChapterView]) -> str:
    rows = []
    for one in chapters:
        share = 1.0 if one.state == "finished" else one.share
        told = {"new": "not begun", "begun": f"{one.share:.0%} done", "finished": "finished"}[one.state]
        colour = "var(--done)" if one.state == "finished" else "var(--begun)"
        updated = f' <span class="quiet">· updated: {escape(", ".join(one.updated))}</span>' if one.updated else ""
        recall = _bar(one.recall, "var(--blue)", f"{one.recall:.0%}") if one.recall is not None else ""
        rows.append(
            f'<tr class="{one.state}"><td class="quiet">{one.chapter}</td><td>{escape(one.title)}{updated}</td>'
            f"<td>{_bar(share, colour, told)}</td>"
            f'<td class="number">{f"{one.steps.done} of {one.steps.of}" if one.steps.done else ""}</td>'
            f'<td class="number">{f"{one.right.done} of {one.right.of}" if one.right.of else ""}</td>'
            f'<td class="bar">{recall}</td>'
            f'<td class="number">{duration(one.minutes * 60) if one.minutes else ""}</td></tr>'
        )
    head = (
        "<tr><th></th><th>Chapter</th><th>Done</th><th class='number'>Steps</th><th class='number'>Right</th>"
        "<th class='bar'>Remembered</th><th class='number'>Time</th></tr>"
    )
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _bar(share: float, colour: str, told: str) -> str:
    return (
        f'<svg width="104" height="12" role="img" aria-label="{escape(told)}"><title>{escape(told)}</title>'
        '<rect y="2" width="104" height="8" rx="4" fill="var(--empty)"/>'
        + (f'<rect y="2" width="{max(share * 104, 8):.0f}" height="8" rx="4" fill="{colour}"/>' if share else "")
        + "</svg>"
    )


def _calendar(days: dict[str, int], today: date) -> str:
    """A column a week, Monday first; the darker, the longer."""
    monday = today - timedelta(days=today.weekday()) - timedelta(weeks=_WEEKS - 1)
    left, top, pitch = 30, 16, _CELL + _GAP
    cells: list[str] = []
    month = 0
    for week in range(_WEEKS):
        first = monday + timedelta(weeks=week)
        if first.month != month:
            month = first.month
            if week < _WEEKS - 1:
                cells.append(f'<text x="{left + week * pitch}" y="10">{first:%b}</text>')
        for weekday in range(7):
            day = first + timedelta(days=weekday)
            if day > today:
                continue
            minutes = days.get(day.isoformat(), 0)
            cells.append(
                f'<rect x="{left + week * pitch}" y="{top + weekday * pitch}" width="{_CELL}" height="{_CELL}" rx="3" '
                f'fill="{_shade(minutes)}"><title>{day.isoformat()}: {duration(minutes * 60)}</title></rect>'
            )
    for weekday, name in ((0, "Mon"), (2, "Wed"), (4, "Fri")):
        cells.append(f'<text x="0" y="{top + weekday * pitch + 10}">{name}</text>')
    width, height = left + _WEEKS * pitch, top + 7 * pitch
    recent = {day: minutes for day, minutes in days.items() if date.fromisoformat(day) >= monday}
    told = f"At work on {len(recent)} days, {duration(sum(recent.values()) * 60)} in all"
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="{told}">'
        + "".join(cells)
        + f'</svg><p class="quiet" style="margin:.6rem 0 0">{told}.</p>'
    )


def _shade(minutes: int) -> str:
    for limit, colour in ((0, "var(--empty)"), (10, "var(--b1)"), (25, "var(--b2)"), (50, "var(--b3)")):
        if minutes <= limit:
            return colour
    return "var(--b4)"


def _coming(coming: dict[str, int]) -> str:
    """A column a day."""
    highest = max([*coming.values(), 1])
    pitch, height = 30, 96
    bars = []
    for place, (day, number) in enumerate(coming.items()):
        tall = number / highest * height
        x = place * pitch
        told = f"{day}: {number}"
        bars.append(
            f'<rect x="{x + 3}" y="{16 + height - max(tall, 2):.1f}" width="{pitch - 8}" height="{max(tall, 2):.1f}" '
            f'rx="3" fill="{"var(--blue)" if number else "var(--empty)"}"><title>{told}</title></rect>'
        )
        if number:
            y = 12 + height - tall
            bars.append(f'<text x="{x + pitch / 2 - 1}" y="{y:.1f}" text-anchor="middle">{number}</text>')
        name = "today" if place == 0 else str(date.fromisoformat(day).day)
        bars.append(f'<text x="{x + pitch / 2 - 1}" y="{height + 31}" text-anchor="middle">{name}</text>')
    width = len(coming) * pitch
    told = f"{sum(coming.values())} reviews in the next {len(coming)} days"
    return (
        f'<svg width="{width}" height="{height + 36}" viewBox="-8 0 {width} {height + 36}" role="img" '
        f'aria-label="{told}">' + "".join(bars) + f'</svg><p class="quiet" style="margin:.6rem 0 0">{told}.</p>'
    )


def _mistakes(found: Overview) -> str:
    rows = [
        f'<li><span class="mark">○</span> {escape(one.title)} '
        f"<small>{escape(mistake_words(one))} · chapter {one.chapter}</small></li>"
        for one in found.mistakes
        if not one.overcome
    ]
    if overcome := [escape(one.title) for one in found.mistakes if one.overcome]:
        marked = ", ".join(f'<span class="mark done">✔</span>&nbsp;{title}' for title in overcome)
        rows.append(f"<li>Overcome: {marked}</li>")
    return f"<ul>{''.join(rows)}</ul>" if rows else '<p class="quiet">None was met so far.</p>'


def _weak(found: Overview) -> str:
    rows = [
        f"<li>{_code(one.about)} <small>chapter {one.chapter} · {escape(weak_words(one, found.at))}</small></li>"
        for one in found.weak
    ]
    return f"<ul>{''.join(rows)}</ul>" if rows else '<p class="quiet">Nothing is weak.</p>'


def _code(text: str) -> str:
    """A text with its `code` as code."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces))
