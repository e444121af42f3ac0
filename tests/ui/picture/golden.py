"""Pictures kept as text: compared in tests, written by `python -m tests.ui.picture.golden`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.ui.picture import situations
from tests.ui.picture.situations import SIZES, WIDTHS
from tests.unit.world.worlds import world
from tutor.engine.world import World
from tutor.ui.tui.picture import chain_view, layers_view, stack_view, timeline_view, trace_view, world_view
from tutor.ui.tui.picture.history import History
from tutor.ui.tui.picture.kit import Drawing, plain
from tutor.ui.tui.picture.look import Look
from tutor.ui.tui.picture.speech import moment

FOLDER = Path(__file__).parent / "golden"
_WORLDS = ("nothing", "web", "compose", "mounts", "on-bridge", "oom", "no-program", "three", "internal", "port-taken")
_BROKEN = Look(where="container web", closed={"80": "nobody listens"})
_LAYERS = ("web", "rebuilt", "two-builds")
_LIVES = ("oom", "falls-over", "started-again", "no-program")


def pictures() -> Iterator[tuple[str, str]]:
    """Every kept picture by its name, at all sizes, with its words at the end."""
    for name in _WORLDS:
        held, look = world(name), Look(where="container web" if name == "port-taken" else "")
        yield f"world-{name}", _sizes(lambda w, h, held=held, look=look: world_view.draw(held, look, w, h))
    yield "world-swapped", _sizes(lambda w, h: world_view.draw(world("swapped"), _BROKEN, w, h))
    busy, look = situations.busy(), situations.busy_look()
    yield "world-busy", _sizes(lambda w, h: world_view.draw(busy, look, w, h), world_view.words(busy, look))
    for name, calls in (
        ("run", situations.CALLS),
        ("pull", situations.CALLS[:3]),
        ("refused", situations.CALLS + situations.REFUSED),
        ("none", ()),
    ):
        yield (
            f"trace-{name}",
            _sizes(
                lambda w, h, calls=calls: trace_view.draw(calls, w, h, {"5f0c11223344": "web"}), trace_view.words(calls)
            ),
        )
        yield (
            f"pipeline-{name}",
            _widths(lambda w, calls=calls: chain_view.draw(situations.MACHINE, calls, w), chain_view.words(calls)),
        )
    for name, machine, held in (
        ("unknown", None, World()),
        ("none", situations.MACHINE, World()),
        ("two", situations.MACHINE, busy),
        ("ten", situations.DESKTOP, situations.ten()),
    ):
        yield (
            f"stack-{name}",
            _widths(lambda w, m=machine, held=held: stack_view.draw(m, held, w), stack_view.words(machine, held)),
        )
    for name in _LAYERS:
        held = world(name)
        yield f"layers-{name}", _sizes(lambda w, h, held=held: layers_view.draw(held, {}, Look(), w, h))
    held, made = situations.builds()
    yield (
        "layers-builds",
        _sizes(lambda w, h: layers_view.draw(held, made, Look(), w, h), layers_view.words(held, made, Look())),
    )
    lives, now = situations.life()
    yield (
        "timeline-life",
        _sizes(lambda w, h: timeline_view.draw(lives, Look(now=now), w, h), timeline_view.words(lives, Look(now=now))),
    )
    later = Look(now=moment("2026-11-23T20:33:30Z"))
    for name in _LIVES:
        seen = History().fold(moment("2026-11-23T20:33:00Z"), (), world(name))
        yield f"timeline-{name}", _sizes(lambda w, h, seen=seen: timeline_view.draw(seen, later, w, h))


def _sizes(draw: Callable[[int, int], Drawing], words: str = "") -> str:
    parts = []
    for cells, rows in SIZES:
        drawing = draw(cells, rows)
        parts.append(f"{cells}×{rows}\n" + "".join(f"{plain(line).rstrip()}\n" for line in drawing))
    return "\n".join(parts) + (f"\nin words\n{words}\n" if words else "")


def _widths(draw: Callable[[int], Drawing], words: str) -> str:
    parts = [f"{cells} cells\n" + "".join(f"{plain(line).rstrip()}\n" for line in draw(cells)) for cells in WIDTHS]
    return "\n".join(parts) + f"\nin words\n{words}\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pictures():
        (FOLDER / f"{name}.txt").write_text(text)
