"""Chapter 6's drawing: from a command to the kernel, as boxes that light up with the learner's own commands. Pure.

Each box has the version of the program that the engine really has, and its duty beside it. The height is always the
same, so that nothing below moves.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tutor.engine.machine import Machine
from tutor.sandbox.trace import Call
from tutor.ui.tui.picture import stages, trace_view
from tutor.ui.tui.picture.kit import Drawing, Line, Span, clean, fitted, pad, say, shorten, spans, wrapped

_DUTIES = {
    "dockerd": "images, containers, networks, volumes",
    "containerd": "the life of each container",
    "runc": "makes one isolated process, then ends",
    "kernel": "namespaces, cgroups, the process itself",
}
_WAITS = ("sends requests, then waits", "sends requests", "asks")
_WAYS = ("HTTP over a socket: the API", "HTTP over a socket", "by HTTP")
_BOX = 22
_SAID = 3  # lines of the sentence below; one more where it is narrow


def telling(calls: Sequence[Call]) -> Call | None:
    """The call of the last command that goes deepest: how far the command reached. The newest of several."""
    if not calls:
        return None
    last = trace_view.groups(calls)[-1].calls
    main = [call for call in last if call.template not in stages.BACKGROUND] or last
    return max(reversed(main), key=lambda call: 0 if call.refusal else len(stages.lit(call.template)))


def draw(machine: Machine | None, calls: Sequence[Call], cells: int) -> Drawing:
    """The five boxes in so many cells, and a sentence on the last command."""
    if cells <= 0:
        return ()
    call = telling(calls)
    refused = call is not None and call.refusal is not None
    lit = stages.lit(call.template) if call is not None and not refused else frozenset[str]()
    deepest = max((n for n, stage in enumerate(stages.PIPELINE) if stage in lit), default=-1)
    box = min(_BOX, cells)
    rows: list[Line] = []
    for number, stage in enumerate(("client", *stages.PIPELINE)):
        on = stage in lit if number else call is not None
        into = "" if not number else "bad" if number == 1 and refused else "ok" if number - 1 <= deepest else "line"
        out = "" if number == len(stages.PIPELINE) else "ok" if number <= deepest else "line"
        title = _title(stage, machine or Machine(), call)
        rows += _box(title, box, on, into, out)
        for line, beside in enumerate(_duty(stage, call, cells - box - 2), len(rows) - 3):
            if beside:
                rows[line] = spans(pad(rows[line], box + 2), beside)
    most = _SAID if cells >= 48 else _SAID + 1
    said = wrapped(say(words(calls), "quiet"), cells, most)
    rows += [*said, *[()] * (most - len(said))]
    return fitted(rows, cells, len(rows))


def words(calls: Sequence[Call]) -> str:
    """How far the last command reached, in a sentence."""
    call = telling(calls)
    if call is None:
        return "Type a docker command in the shell (F6): the boxes that it reaches light up."
    if call.refusal is not None:
        return "The sandbox refused your last command: dockerd never heard of it."
    reached = [stage for stage in stages.PIPELINE if stage in stages.lit(call.template)]
    last = {"kernel": "the kernel"}.get(reached[-1], reached[-1])
    return f"Your last command reached {last}. {stages.reach(call.template).sentence}"


def _title(stage: str, machine: Machine, call: Call | None) -> str:
    if stage == "client":
        program = clean(call.program or "") if call is not None else ""
        return "docker CLI" if program in {"", "docker"} else program
    if stage == "kernel":
        kernel = f"kernel {machine.kernel}".rstrip()
        return _fitting(_BOX - 4, (f"Linux {kernel}", kernel))
    version = {"dockerd": machine.engine, "containerd": machine.containerd, "runc": machine.runc}[stage]
    return f"{stage} {version}".rstrip()


def _duty(stage: str, call: Call | None, cells: int) -> list[Line]:
    """Three lines for beside a box."""
    if cells < 12:
        return [(), (), ()]
    first: Line = ()
    if stage == "client" and call is not None:
        first = spans(
            Span("$ ", "quiet"), Span(shorten(clean(call.command or call.program or ""), cells - 2), "strong")
        )
    if stage == "client":
        return [first, say(_fitting(cells, _WAITS)), say(_fitting(cells, _WAYS), "quiet")]
    lines = wrapped(say(_DUTIES[stage]), cells)
    return [*([()] if len(lines) < 3 else []), *lines, ()][:3]


def _fitting(cells: int, texts: Sequence[str]) -> str:
    """The first text that has room; the last one where none has."""
    return next((text for text in texts if cell_len(text) <= cells), texts[-1])


def _box(title: str, cells: int, on: bool, into: str, out: str) -> list[Line]:
    """A box of three lines, double where it is reached; an arrow comes in above and leaves below."""
    edge = "╔═╗║╚╝" if on else "╭─╮│╰╯"
    role = "lit" if on else "quiet"
    half = (cells - 2) // 2
    rest = max(cells - 3 - half, 0)
    shown = shorten(title, max(cells - 4, 0))
    left = max((cells - 2 - cell_len(shown)) // 2, 0)
    right = max(cells - 2 - left - cell_len(shown), 0)
    head = Span({"bad": "✗", "": edge[1]}.get(into, "▼"), into or role)
    tail = Span("╤" if out and on else "┬" if out else edge[1], role)
    return [
        spans(Span(edge[0] + edge[1] * half, role), head, Span(edge[1] * rest + edge[2], role)),
        spans(Span(edge[3], role), " " * left, Span(shown, role), " " * right, Span(edge[3], role)),
        spans(Span(edge[4] + edge[1] * half, role), tail, Span(edge[1] * rest + edge[5], role)),
    ]
