"""Chapter 3's drawing: virtual machines beside what this machine really runs, from the bottom up. Pure.

The left half is how it would be, the right half is the engine's own data. The height depends on the machine alone, so
that nothing below moves when a container comes or goes.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tutor.engine.machine import Machine
from tutor.engine.world import Container, World
from tutor.ui.tui.picture import speech
from tutor.ui.tui.picture.kit import Drawing, Line, Span, clean, fitted, more, pad, say, shorten, spans, wrapped

_APPS = 5  # lines above the engine, for the containers
_BOX, _BRICK = 12, 14  # least cells of a container as a box, and as a brick where there are many
_SAID = 2  # lines of the sentence below


def draw(machine: Machine | None, world: World, cells: int) -> Drawing:
    """Both stacks in so many cells, and a sentence that says what the right one holds."""
    if cells <= 0:
        return ()
    left_cells = max(min(26, (cells - 3) * 2 // 5), min(21, cells - 19), 12)
    right_cells = max(cells - left_cells - 3, 8)
    left, right = _virtual(left_cells), _containers(machine or Machine(), running(world), right_cells)
    missing = len(right) - len(left)
    left = [()] * missing + left
    head = _fitting(right_cells + 2, "containers: your machine, now", "containers")
    heads = spans(pad(say("virtual machines", "title"), left_cells + 3), say(head, "title"))
    rows: list[Line] = [heads]
    rows += [spans(pad(one, left_cells + 3), two) for one, two in zip(left, right, strict=True)]
    said = wrapped(say(words(machine, world), "quiet"), cells, _SAID)
    rows += [*said, *[()] * (_SAID - len(said))]
    return fitted(rows, cells, len(rows))


def running(world: World) -> list[Container]:
    """The containers that are processes now, oldest first."""
    found = [one for one in world.containers.values() if one.state in {"running", "paused"}]
    return sorted(found, key=lambda one: (one.created, one.name, one.id))


def words(machine: Machine | None, world: World) -> str:
    """What the right half holds, in a sentence."""
    if machine is None:
        return "As soon as your engine answers, it says here what it runs on."
    count = len(running(world))
    kernel = f"kernel {machine.kernel}" if machine.kernel else "the kernel"
    if not count:
        return f"Your engine runs on {kernel}. No container of this lab runs yet: each that you start gets a box here."
    if count == 1:
        return f"1 container of this lab runs, and it runs on {kernel}, as everything here does. No guest OS."
    return f"{count} containers of this lab run, all of them on one {kernel}. No guest OS."


def _virtual(cells: int) -> list[Line]:
    one = (cells - 1) // 2
    gap = cells - 2 * one

    def twice(left: str, fill: str, right: str, role: str = "line") -> Line:
        side = Span(f"{left}{fill * (one - 2)}{right}", role)
        return spans(side, " " * gap, side)

    def both(text: str, role: str) -> Line:
        side = _inside(text, one, role)
        return spans(side, " " * gap, side)

    joined = "├" + "─" * (one - 2) + "┴" + "─" * gap + "┴" + "─" * (one - 2) + "┤"
    return [
        twice("┌", "─", "┐"),
        both("App", "strong"),
        twice("├", "─", "┤"),
        both("Guest OS", "warn"),
        both("+ kernel", "warn"),
        (Span(joined, "line"),),
        _inside("Hypervisor", cells, "warn"),
        *_floor(("Host OS", "+ kernel"), cells, "plain"),
        *_floor(("Hardware",), cells, "quiet"),
        _edge("└", "┘", cells),
    ]


def _containers(machine: Machine, held: Sequence[Container], cells: int) -> list[Line]:
    apps, feet = _apps(held, cells)
    top = "".join("┴" if n in feet else "─" for n in range(1, cells - 1))
    engine = _fitting(cells, f"Docker Engine {machine.engine}".rstrip(), f"Engine {machine.engine}".rstrip())
    system = machine.system or "Host OS"
    system = _fitting(cells, system, system.partition(" (")[0])
    kernel = f"kernel {machine.kernel}" if machine.kernel else "+ kernel"
    kernel = _fitting(cells, f"{kernel}, for all", kernel)
    size = [speech.plural(machine.cpus, "CPU")] if machine.cpus else []
    size += [speech.memory(machine.memory)] if machine.memory else []
    hardware = _fitting(cells, ": ".join(filter(None, ["Hardware", ", ".join(size)])), ", ".join(size) or "Hardware")
    virtual = _fitting(cells, "a virtual machine of Docker's", "virtual machine")
    return [
        *apps,
        (Span(f"┌{top}┐", "line"),),
        _inside(engine, cells, "image"),
        *_floor((system, kernel), cells, "plain", last="lit"),
        *(_floor((virtual,), cells, "warn") if machine.virtual else []),
        *_floor((hardware,), cells, "quiet"),
        _edge("└", "┘", cells),
    ]


def _fitting(cells: int, long: str, short: str) -> str:
    """The long text where it has room between two walls, else the short one."""
    return long if cell_len(long) <= cells - 2 else short


def _apps(held: Sequence[Container], cells: int) -> tuple[list[Line], frozenset[int]]:
    """The containers above the engine, and where they stand on it."""
    if not held:
        empty: list[Line] = [
            (Span("╭" + "╌" * (cells - 2) + "╮", "quiet"),),
            _inside("your containers", cells, "quiet", "╎", "quiet"),
            (Span("╰" + "╌" * (cells - 2) + "╯", "quiet"),),
        ]
        return [(), *empty, ()], frozenset()
    if len(held) <= (cells + 1) // (_BOX + 1):
        return _boxes(held, cells)
    return _bricks(held, cells), frozenset()


def _boxes(held: Sequence[Container], cells: int) -> tuple[list[Line], frozenset[int]]:
    size = min((cells + 1) // len(held) - 1, 20)
    foot = size // 2
    rows: list[Line] = [(), (), (), ()]
    for number, one in enumerate(held):
        gap = " " if number else ""
        image = speech.short_reference(clean(one.image))
        rows[0] = spans(rows[0], gap, Span("╭" + "─" * (size - 2) + "╮", "ok"))
        rows[1] = spans(rows[1], gap, _inside(f"{speech.glyph(one)[0]} {clean(one.name)}", size, "strong", edge="ok"))
        rows[2] = spans(rows[2], gap, _inside(image, size, "quiet", edge="ok"))
        rows[3] = spans(rows[3], gap, Span("╰" + "─" * (foot - 1) + "┬" + "─" * (size - foot - 2) + "╯", "ok"))
    feet = frozenset(number * (size + 1) + foot for number in range(len(held)))
    return [(), *rows], feet


def _bricks(held: Sequence[Container], cells: int) -> list[Line]:
    columns = max((cells + 1) // (_BRICK + 1), 1)
    size = (cells + 1) // columns - 1
    room = columns * _APPS
    shown = list(held) if len(held) <= room else list(held[: room - 1])
    texts = [f" {speech.glyph(one)[0]} {clean(one.name)}" for one in shown]
    if len(shown) < len(held):
        texts.append(f" {more(len(held) - len(shown))}")
    rows: list[Line] = []
    for start in range(0, len(texts), columns):
        row: Line = ()
        for text in texts[start : start + columns]:
            row = spans(row, " " if row else "", Span(_filled(text, size), "brick"))
        rows.append(row)
    return [()] * (_APPS - len(rows)) + rows


def _filled(text: str, cells: int) -> str:
    text = shorten(text, cells)
    return text + " " * (cells - cell_len(text))


def _floor(lines: Sequence[str], cells: int, role: str, last: str = "") -> list[Line]:
    """One storey, with the line that parts it from the one above."""
    out = [_edge("├", "┤", cells)]
    for number, text in enumerate(lines):
        out.append(_inside(text, cells, last if last and number == len(lines) - 1 else role))
    return out


def _edge(left: str, right: str, cells: int) -> Line:
    return (Span(f"{left}{'─' * (cells - 2)}{right}", "line"),)


def _inside(text: str, cells: int, role: str, wall: str = "│", edge: str = "line") -> Line:
    """A text in the middle between two walls."""
    short = shorten(clean(text), cells - 2)
    left = (cells - 2 - cell_len(short)) // 2
    right = cells - 2 - left - cell_len(short)
    return spans(Span(wall, edge), " " * left, Span(short, role), " " * right, Span(wall, edge))
