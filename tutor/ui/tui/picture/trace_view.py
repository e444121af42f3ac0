"""The picture of the API trace: the pipeline that a call passes, and the calls under their commands. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tutor.sandbox.trace import Call
from tutor.ui.tui.picture import speech, stages
from tutor.ui.tui.picture.kit import (
    Drawing,
    Line,
    Span,
    clean,
    clip,
    ends,
    fitted,
    marked_up,
    pad,
    say,
    spans,
    width_of,
    wrapped,
)

_KEEP = 400
_SIDES = {"registry": "registry", "builder": "builder (BuildKit)"}
_ID = re.compile(r"`([0-9a-f]{12})[0-9a-f]*`")
_NOTES = 84
"""Cells from which a call has a note beside it."""


@dataclass(slots=True)
class Group:
    """The calls of one command."""

    command: str
    calls: list[Call]

    @property
    def running(self) -> bool:
        """Whether one of its calls is under way."""
        return any(call.status is None for call in self.calls)

    @property
    def milliseconds(self) -> float:
        """From the first call's coming to the last one's end."""
        first = min(call.at for call in self.calls)
        return max((call.at - first) * 1000 + (call.duration_ms or 0) for call in self.calls)


def groups(calls: Sequence[Call]) -> list[Group]:
    """The calls under the commands they belong to; the same command typed again is a new group."""
    out: list[Group] = []
    latest: dict[str, Group] = {}
    for call in calls[-_KEEP:]:
        command = call.command or call.program or "another program"
        group = latest.get(command)
        again = (
            call.template.endswith("/_ping") and group is not None and not group.calls[-1].template.endswith("/_ping")
        )
        if group is None or again:
            group = Group(command, [])
            latest[command] = group
            out.append(group)
        group.calls.append(call)
    return out


def current(calls: Sequence[Call]) -> Call | None:
    """The call whose way is shown: the newest that tells what its command is about."""
    if not calls:
        return None
    last = groups(calls)[-1].calls
    telling = [call for call in last if call.template not in stages.BACKGROUND]
    return telling[-1] if telling else last[-1]


def draw(calls: Sequence[Call], cells: int, rows: int, names: Mapping[str, str] | None = None) -> Drawing:
    """The trace in so many cells and lines; the newest calls are at the end.

    Args:
        calls: Oldest first.
        cells: The width.
        rows: The height.
        names: Names of containers by their 12-character ids: the CLI often asks by id.
    """
    if cells <= 0 or rows <= 0:
        return ()
    now = current(calls)
    boxes = boxed(now) if rows >= 20 else ()
    top = list(boxes if boxes and max(map(width_of, boxes)) <= cells else pipeline(now, cells))
    if now is not None and rows >= 8:
        reach = stages.REFUSED if now.refusal else stages.reach(now.template)
        top += wrapped(say(reach.sentence, "quiet"), cells, 2 if rows >= 10 else 1)
    if rows >= 14:
        top.append(())
    if not calls:
        top += wrapped(say("no calls yet: what a docker command asks for shows here", "quiet"), cells)
        return fitted(top, cells, rows)
    return fitted((*top, *_tail(groups(calls), cells, rows - len(top), names or {})), cells, rows)


def pipeline(call: Call | None, cells: int) -> Drawing:
    """`docker CLI ══▶ dockerd ══▶ containerd ──▶ runc ──▶ kernel`: stages that the call passes are lit."""
    reached, side, refused = _way(call)
    client = _client(call, cells)
    names = [client, *stages.PIPELINE]
    arrow = 4 if cells >= sum(map(cell_len, names)) + 24 else 3 if cells >= sum(map(cell_len, names)) + 20 else 2
    gap = " " if arrow > 2 else ""
    line: Line = (Span(client, "lit" if call is not None else "quiet"),)
    deepest = max((n for n, stage in enumerate(stages.PIPELINE) if stage in reached), default=-1)
    for number, stage in enumerate(stages.PIPELINE):
        on = stage in reached
        if number == 0 and refused:
            way = Span("═" * (arrow - 2) + "✗▷", "bad")
        elif number <= deepest:
            way = Span("═" * (arrow - 1) + "▶", "ok")
        else:
            way = Span("─" * (arrow - 1) + "▶", "quiet")
        line = spans(line, gap, way, gap, Span(stage, "lit" if on else "quiet"))
    out = [clip(line, cells)]
    if side:
        where = cell_len(client) + 2 * len(gap) + arrow
        branch = spans(" " * where, Span("╚═▶ ", "ok"), Span(_SIDES[side], "lit"))
        out.append(clip(branch, cells))
    return tuple(out)


def boxed(call: Call | None) -> Drawing:
    """The pipeline as boxes; those of stages that the call passes are double."""
    reached, side, refused = _way(call)
    deepest = max((n for n, stage in enumerate(stages.PIPELINE) if stage in reached), default=-1)
    rows: list[Line] = [(), (), ()]
    for number, name in enumerate((_client(call, 100), *stages.PIPELINE)):
        on = name in reached if number else call is not None
        role = "lit" if on else "quiet"
        edge = "╔═╗║╚╝" if on else "╭─╮│╰╯"
        if number:
            if number == 1 and refused:
                way = Span("═✗─▷", "bad")
            else:
                way = Span("═══▶", "ok") if number - 1 <= deepest else Span("───▶", "quiet")
            rows = [spans(rows[0], "    "), spans(rows[1], way), spans(rows[2], "    ")]
        long = cell_len(name) + 2
        rows[0] = spans(rows[0], Span(f"{edge[0]}{edge[1] * long}{edge[2]}", role))
        rows[1] = spans(rows[1], Span(f"{edge[3]} {name} {edge[3]}", role))
        rows[2] = spans(rows[2], Span(f"{edge[4]}{edge[1] * long}{edge[5]}", role))
    if side:
        where = cell_len(_client(call, 100)) + 4 + 4 + 5
        rows.append(spans(" " * where, Span("╚═▶ ", "ok"), Span(_SIDES[side], "lit")))
    return tuple(rows)


def _way(call: Call | None) -> tuple[frozenset[str], str, bool]:
    """The stages that are lit, who else is asked, and whether the sandbox refused."""
    if call is None or call.refusal is not None:
        return frozenset(), "", call is not None
    return stages.lit(call.template), stages.reach(call.template).side, False


def _client(call: Call | None, cells: int) -> str:
    program = clean(call.program or "") if call is not None else ""
    if program in {"", "docker"}:
        return "docker CLI" if cells >= 52 else "CLI"
    return program if len(program) <= (16 if cells >= 60 else 6) else "client"


def _tail(found: Sequence[Group], cells: int, rows: int, names: Mapping[str, str]) -> Drawing:
    """The newest commands that have room, drawn from the newest back, and how many calls came earlier."""
    if rows <= 0:
        return ()
    chosen: list[list[Line]] = []
    taken, hidden = 0, ""
    for number in range(len(found) - 1, -1, -1):
        block = _block(found[number], cells, names)
        room = rows - taken - (1 if number else 0)
        if len(block) <= room:
            chosen.append(block)
            taken += len(block)
            continue
        earlier = sum(len(group.calls) for group in found[: number + 1])
        hidden = speech.plural(earlier, "earlier call")
        if not chosen and rows > 2:
            kept = rows - 2
            chosen.append([block[0], *block[-kept:]])
            hidden = "earlier calls"
        elif not chosen:
            return (clip(block[0], cells),)
        break
    chosen.reverse()
    if not hidden and taken + len(chosen) - 1 <= rows:
        chosen = [[*block, ()] for block in chosen[:-1]] + chosen[-1:]
    shown = tuple(line for block in chosen for line in block)
    return (clip(say(f"▲ {hidden}", "quiet"), cells), *shown) if hidden else shown


def _block(group: Group, cells: int, names: Mapping[str, str]) -> list[Line]:
    took = "running …" if group.running else speech.milliseconds(group.milliseconds)
    head = spans(Span("$ ", "quiet"), Span(clean(group.command), "strong"))
    right = (Span(took, "warn" if group.running else "quiet"),)
    if cells >= 24:
        head = spans(clip(head, cells - cell_len(took) - 2))
    lines = [ends(head, right, cells)]
    for call, times in _repeats(group.calls):
        lines += _row(call, times, cells, names)
    return lines


def _repeats(calls: Sequence[Call]) -> list[tuple[Call, int]]:
    out: list[tuple[Call, int]] = []
    for call in calls:
        if (
            out
            and (last := out[-1][0]).words == call.words
            and (last.status, last.refusal) == (call.status, call.refusal)
        ):
            out[-1] = (call, out[-1][1] + 1)
        else:
            out.append((call, 1))
    return out


def _named(call: Call, names: Mapping[str, str]) -> str:
    """What a call asks for, with names where it says ids."""
    said = call.words or f"`{call.path}`"
    return _ID.sub(lambda found: f"`{names[found[1]]}`" if found[1] in names else found[0], said)


def _status(call: Call) -> Line:
    if call.refusal is not None:
        return (Span("⊘ refused", "bad"),)
    if call.status is None:
        return (Span("▸ running", "warn"),)
    good = call.status < 400
    return (Span(f"{'✓' if good else '✗'} {call.status}", "ok" if good else "bad"),)


def _row(call: Call, times: int, cells: int, names: Mapping[str, str]) -> list[Line]:
    role = "quiet" if call.template in stages.BACKGROUND else "plain"
    said = _named(call, names)
    asked = spans(
        Span(f"  {clean(call.method)[:6]:<6} " if cells >= 34 else "  ", "quiet"),
        marked_up(said, role),
        Span(f" ×{times}" if times > 1 else "", "quiet"),
    )
    timed = call.duration_ms is not None and call.refusal is None
    took = speech.milliseconds(call.duration_ms or 0.0) if timed else ""
    right = spans(
        pad(_status(call), 9 if call.refusal is not None or call.status is None else 5),
        Span(f" {took:>7}" if took else ""),
    )
    if cells < 34:
        right = _status(call)
    note = stages.note(call.template, call.status) if call.refusal is None else ""
    if cells >= _NOTES:
        left = min(cells - 54, 60)
        asked = spans(
            pad(asked, left), " ", pad(right, 15), " ", Span(note, "bad" if (call.status or 0) >= 400 else "quiet")
        )
        lines = [clip(asked, cells)]
    else:
        lines = [ends(clip(asked, max(cells - sum(cell_len(s.text) for s in right) - 1, 8)), right, cells)]
    if call.refusal is not None:
        indent = "         " if cells >= 50 else "    "
        lines += [
            spans(indent, line) for line in wrapped(marked_up(call.refusal, "bad"), max(cells - len(indent), 8), 2)
        ]
    return lines


def words(calls: Sequence[Call], names: Mapping[str, str] | None = None) -> str:
    """The same in sentences: the last commands, their calls and how far they went."""
    lines: list[str] = []
    for group in groups(calls)[-5:]:
        took = "is running" if group.running else f"took {speech.milliseconds(group.milliseconds)}"
        lines.append(f"{group.command} {took} and made {speech.plural(len(group.calls), 'call')}:")
        for call, times in _repeats(group.calls):
            if call.refusal is not None:
                answer = f"refused by the sandbox: {call.refusal.rstrip('.')}"
            elif call.status is None:
                answer = "running"
            else:
                note = stages.note(call.template, call.status)
                took = f" after {speech.milliseconds(call.duration_ms)}" if call.duration_ms is not None else ""
                answer = f"{call.status}{took}{f', {note}' if note else ''}"
            again = f", {times} times" if times > 1 else ""
            lines.append(f"  {call.method} {_named(call, names or {})}{again}: {answer}.".replace("`", ""))
    now = current(calls)
    if now is None:
        return "There are no calls yet."
    reached = [stage for stage in stages.PIPELINE if stage in stages.lit(now.template)] if now.refusal is None else []
    side = stages.reach(now.template).side if now.refusal is None else ""
    way = " to ".join(["The last call goes from the client", *reached]) if reached else "The last call goes nowhere"
    reach = stages.REFUSED if now.refusal else stages.reach(now.template)
    lines.append(f"{way}{f', and to the {side}' if side else ''}. {reach.sentence}")
    return "\n".join(clean(line) for line in lines)
