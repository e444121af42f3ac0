"""The picture of lives: the lifecycle machine with every container in its place, and a lane for each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rich.cells import cell_len

from tutor.ui.tui.picture import speech
from tutor.ui.tui.picture import world_parts as parts
from tutor.ui.tui.picture.history import History, Lane, Step
from tutor.ui.tui.picture.kit import (
    Drawing,
    Line,
    Span,
    clean,
    clip,
    columns,
    ends,
    fitted,
    joined,
    marked_up,
    pad,
    say,
    shorten,
    spans,
    stacked,
    wrapped,
)
from tutor.ui.tui.picture.look import Look

_PLACES = {
    "created": ("○", "plain"),
    "running": ("●", "ok"),
    "paused": ("‖", "warn"),
    "exited": ("◌", "plain"),
    "removed": ("■", "quiet"),
}
_SIGNS = {
    "create": ("○", "plain"),
    "start": ("●", "ok"),
    "pause": ("‖", "warn"),
    "unpause": ("●", "ok"),
    "rm": ("■", "quiet"),
}
_AFTER = {
    "create": ("─", "quiet"),
    "start": ("━", "ok"),
    "pause": ("╌", "warn"),
    "unpause": ("━", "ok"),
    "exit": ("·", "quiet"),
}
_SAME = "same writable layer, new process"


def draw(history: History, look: Look, cells: int, rows: int) -> Drawing:
    """The lives in so many cells and lines; `look.now` is the right end of what goes on."""
    if cells <= 0 or rows <= 0:
        return ()
    lanes = history.lanes
    roomy = cells >= 60 and rows >= 14
    top = list(_machine(lanes, look, cells) if roomy else _counts(lanes, cells) if rows >= 5 and lanes else ())
    if not lanes:
        top += wrapped(say("no containers yet: create one, and its life shows here", "quiet"), cells)
        return fitted(top, cells, rows)
    bottom = [_legend(cells)] if rows >= 8 else []
    top += [()] if roomy else []
    room = rows - len(top) - len(bottom)
    name = min(max(cell_len(clean(lane.last.name)) for lane in lanes) + 1, max(cells // 4, 6))
    scale = _Scale(lanes, look.now, max(cells - name - 1, 2))
    axis = [spans(" " * name, scale.axis())] if room >= 4 else []
    room -= len(axis)
    keep = _newest_first(lanes, look)
    for detail in (2, 1, 0):
        blocks = [_lane(lane, scale, look, name, cells, detail) for lane in lanes]
        if sum(map(len, blocks)) <= room:
            break
    return fitted((*top, *stacked(blocks, room, cells, "containers", keep), *axis, *bottom), cells, rows)


class _Scale:
    """Where times stand on the lanes: the same for all of them, so that they can be compared."""

    def __init__(self, lanes: Sequence[Lane], now: float, cells: int) -> None:
        times = sorted({step.at for lane in lanes for step in lane.steps})
        alive = any(not lane.removed for lane in lanes)
        end = max([now, *times])
        self.now = end if now else 0.0
        if alive and (not times or end > times[-1]):
            times.append(end)
        most = max(cells // 2, 1)
        self.cut = len(times) > most
        times = times[-most:]
        gaps = [(later - earlier) ** 0.5 + 0.05 for earlier, later in pairwise(times)]
        self.cells = cells
        self.times = times
        self.places = dict(zip(times, columns(gaps, cells), strict=True))

    def place(self, at: float) -> int:
        """The cell of a time; what is earlier than the picture reaches stands at its left end."""
        return self.places.get(at, 0)

    def axis(self) -> Line:
        """How long ago the left end is, and `now`."""
        if not self.now or not self.times:
            return ()
        left = f"{'◂ earlier · ' if self.cut else ''}{speech.duration(self.now - self.times[0])} ago"
        return ends((Span(left, "quiet"),), (Span("now", "quiet"),), self.cells, " ")


def _machine(lanes: Sequence[Lane], look: Look, cells: int) -> Drawing:
    """`○ created ─start─▶ ● running ─exit─▶ ◌ exited ─rm─▶ ■ removed`, with the containers under their states."""
    wide = cells // 4
    way: Line = ()
    names: Line = ()
    for place, verb in (("created", "start"), ("running", "exit"), ("exited", "rm"), ("removed", "")):
        state = _state(place, lanes)
        arrow: Line = ()
        if verb:
            room = wide - cell_len("".join(s.text for s in state)) - 3
            dashes = max(room - len(verb), 0)
            label = (
                f"{'─' * (dashes // 2)}{verb}{'─' * (dashes - dashes // 2)}▶"
                if dashes >= 2
                else "─" * max(room, 0) + "▶"
            )
            arrow = (Span(f" {label} ", "line"),)
        way = spans(way, pad(spans(state, arrow), wide))
        names = spans(names, pad(spans("  ", _names(place, lanes, look, wide - 3)), wide))
    back = spans(
        " " * wide,
        pad((Span("⇅ pause, unpause" if wide > 18 else "⇅ pause", "line"),), wide),
        Span("└─start─▶ ● again", "line"),
    )
    paused = spans(" " * wide, _state("paused", lanes), "  ", _names("paused", lanes, look, cells - wide - 12))
    return tuple(clip(line, cells) for line in (way, names, back, paused))


def _state(place: str, lanes: Sequence[Lane]) -> Line:
    sign, role = _PLACES[place]
    here = any(lane.place == place for lane in lanes)
    return (Span(f"{sign} {place}", "strong" if here and role == "plain" else role if here else "quiet"),)


def _names(place: str, lanes: Sequence[Lane], look: Look, cells: int) -> Line:
    found = [
        spans(Span(clean(lane.last.name), look.role("container", lane.last.id, "strong")), parts.sign(lane.last, look))
        for lane in lanes
        if lane.place == place
    ]
    return joined(found, cells, " ") if found else ()


def _counts(lanes: Sequence[Lane], cells: int) -> Drawing:
    found = []
    for place, (sign, role) in _PLACES.items():
        count = sum(lane.place == place for lane in lanes)
        if count:
            found.append((Span(f"{sign} {count} {place}", role),))
    return (joined(found, cells, "  "),)


def _legend(cells: int) -> Line:
    known = ("○ create", "● start", "━ runs", "╌ paused", "◌ exit", "✗ exit with an error", "■ removed")
    return joined([say(each, "quiet") for each in known], cells, "  ")


def _newest_first(lanes: Sequence[Lane], look: Look) -> list[int]:
    def weight(number: int) -> tuple[bool, bool, float]:
        lane = lanes[number]
        return (bool(parts.sign(lane.last, look)), not lane.removed, lane.steps[-1].at if lane.steps else 0.0)

    return sorted(range(len(lanes)), key=weight, reverse=True)


def _lane(lane: Lane, scale: _Scale, look: Look, name: int, cells: int, detail: int) -> list[Line]:
    called = shorten(clean(lane.last.name), name - 1)
    title = pad((Span(called, look.role("container", lane.last.id, "strong")),), name)
    lines: list[Line] = [spans(title, _track(lane, scale))]
    sign = parts.sign(lane.last, look)
    said = spans(sign, " " if sign else "", marked_up(summary(lane, look.now), "quiet"))
    if detail == 2:
        lines += [spans(" " * name, line) for line in wrapped(said, cells - name, 2)]
        lines += [()]
    elif detail == 1 or sign:
        lines.append(spans(" " * name, clip(said, cells - name)))
    return lines


def _track(lane: Lane, scale: _Scale) -> Line:
    cellsof: list[tuple[str, str]] = [(" ", "plain")] * scale.cells
    steps = lane.steps
    for number, step in enumerate(steps):
        begin = scale.place(step.at)
        after = steps[number + 1] if number + 1 < len(steps) else None
        end = scale.place(after.at) if after else scale.cells
        if step.kind in _AFTER and (after is not None or not lane.removed):
            for place in range(begin, min(end, scale.cells)):
                cellsof[place] = _AFTER[step.kind]
        if begin < scale.cells:
            cellsof[begin] = _sign(step)
    return tuple(Span(char, role) for char, role in cellsof)


def _sign(step: Step) -> tuple[str, str]:
    if step.kind == "exit":
        return ("✗", "bad") if step.code else ("◌", "plain")
    return _SIGNS[step.kind]


def summary(lane: Lane, now: float) -> str:
    """Where a life stands, in words with `names`: `running 12 s · same writable layer, new process`."""
    c = lane.last
    last_start = next((step for step in reversed(lane.steps) if step.kind == "start"), None)
    last_exit = next((step for step in reversed(lane.steps) if step.kind == "exit"), None)
    said: list[str] = []
    if lane.removed:
        gone = "removed, and its writable layer with it"
        if last_exit is not None and last_exit.code is not None:
            gone += f"; had exited {last_exit.code}"
        said.append(gone)
    elif c.state in {"running", "paused"}:
        for_how_long = f" {speech.duration(now - last_start.at)}" if last_start and now else ""
        said.append(
            f"running{for_how_long}"
            if c.state == "running"
            else f"paused, started{for_how_long} ago"
            if for_how_long
            else "paused"
        )
    elif c.state == "created":
        why = speech.why(c)
        said.append(f"could not start: {why}" if why else "created, not started: no process yet")
    else:
        ran = ""
        if last_start is not None and last_exit is not None and last_exit.at >= last_start.at:
            ran = f" after {speech.duration(last_exit.at - last_start.at)}"
        state = "restarting, exited" if c.state == "restarting" else "exited" if c.state == "exited" else c.state
        why = speech.why(c)
        said.append(f"{state} {c.exit_code}{ran}{f': {why}' if why else ''}")
    if (lane.starts > 1 or any(s.kind == "exit" for s in lane.steps[:-1])) and not lane.removed and c.started:
        again = lane.starts if lane.starts > 1 else 2
        if c.state in {"running", "paused", "restarting", "exited"} and (lane.starts > 1 or c.state != "exited"):
            said.append(f"{_SAME}" + (f", start {again}" if lane.starts > 1 else ""))
    return " · ".join(said)


def words(history: History, look: Look) -> str:
    """The same in sentences: each container's life, and where it stands."""
    lines: list[str] = []
    for lane in history.lanes:
        steps = []
        for earlier, step in zip([None, *lane.steps], lane.steps, strict=False):
            verb = {
                "create": "created",
                "start": "started",
                "pause": "paused",
                "unpause": "unpaused",
                "exit": "exited" + (f" with {step.code}" if step.code is not None else ""),
                "rm": "removed",
            }[step.kind]
            later = f" {speech.duration(step.at - earlier.at)} later" if earlier is not None else ""
            steps.append(f"{verb}{later}")
        stands = summary(lane, look.now).replace("`", "")
        lines.append(f"Container {lane.last.name}: {', '.join(steps)}. Now: {stands}.")
    kind, name = look.about()
    if kind == "container":
        lines.append(f"Look at container {name}.")
    return "\n".join(clean(line) for line in lines) or "There are no containers yet."
