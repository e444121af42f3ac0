"""Containers as cards, with the host's doors at their left and the networks as rails at their right. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tutor.engine.world import Attachment, Container, Network, World
from tutor.ui.tui.picture import speech
from tutor.ui.tui.picture import world_parts as parts
from tutor.ui.tui.picture.kit import Line, Span, clean, clip, ends, pad, say, shorten, spans, width_of, wrapped
from tutor.ui.tui.picture.look import Look

_RAILS = 3
_ARROW = 7
_SIDE = 25
_NARROW = 72
"""Cells under which the arrow and what stands beside the rails are shorter."""

_SHORT_ARROW, _SHORT_SIDE, _LEAST_CARD = 5, 17, 30


@dataclass(slots=True)
class _Row:
    """One line of a card: the door that leads to it, the card itself, and what ties it to a network."""

    card: Line
    door: parts.Door | None = None
    tie: Attachment | None = None
    owner: str = ""
    new: bool = False


@dataclass(frozen=True, slots=True)
class _Frame:
    """The widths of the three parts, and the networks that are drawn as rails."""

    label: int
    card: int
    rails: tuple[Network, ...]
    side: int
    arrow: int

    @property
    def host(self) -> int:
        """Cells of the host's side; none without a port."""
        return self.label + 2 + self.arrow if self.label else 1

    def rail_of(self, tie: Attachment) -> int | None:
        """The number of the rail a container hangs on."""
        for number, network in enumerate(self.rails):
            if (tie.network_id or tie.network) in {network.id, network.name}:
                return number
        return None


def blocks(world: World, look: Look, cells: int, full: bool) -> list[list[Line]]:
    """One block of lines for each container, the first with what stands above all of them.

    Args:
        cells: The width, at least 60.
        full: With the command, the reasons and the facts, or only what is needed to tell them apart.
    """
    all_containers = parts.containers(world)
    frame = _frame(world, look, all_containers, cells)
    cards = [_card(c, world, look, frame, full) for c in all_containers]
    last = _last_rows(cards, frame)
    out: list[list[Line]] = []
    row_number = 0
    for number, rows in enumerate(cards):
        lines = _header(frame) if number == 0 else []
        for row in rows:
            lines.append(_line(row, row_number, last, frame))
            row_number += 1
        out.append([clip(line, cells) for line in lines])
    return out


def fits(world: World, look: Look, cells: int) -> bool:
    """Whether cards of this width would leave room for what stands in them."""
    return cells >= _NARROW or _frame(world, look, parts.containers(world), cells).card >= _LEAST_CARD


def _frame(world: World, look: Look, all_containers: Sequence[Container], cells: int) -> _Frame:
    doors = [door for c in all_containers for door in parts.doors(c, world, look)]
    label = max([4, *(width_of((Span(d.host),)) for d in doors)]) if doors else 0
    rails = tuple(n for n in parts.networks(world) if parts.attached(n, world))[:_RAILS]
    narrow = cells < _NARROW
    side = _SHORT_SIDE if narrow else min(_SIDE + max(cells - 90, 0) // 2, 40)
    arrow = _SHORT_ARROW if narrow else _ARROW
    frame = _Frame(min(label, 16), 0, rails, side if rails else 0, arrow)
    taken = frame.host + (3 + 2 * len(rails) + side if rails else 0)
    return replace(frame, card=max(cells - taken, 24))


def _card(c: Container, world: World, look: Look, frame: _Frame, full: bool) -> list[_Row]:
    inner = frame.card - 4
    marked = any(span.role == "mark" for span in parts.sign(c, look))
    edge = "mark-line" if marked else "line"
    content = [_Row(parts.head(c, look))]
    for door in parts.doors(c, world, look):
        role = "bad" if door.state == "broken" else "quiet"
        notes = wrapped(say(door.note, role), max(inner - len(door.inside) - 2, 8), 3 if full else 1)
        content.append(_Row(spans(Span(door.inside, door.role), "  ", *notes[:1]), door))
        content += [_Row(spans(" " * (len(door.inside) + 2), note)) for note in notes[1:]]
    for number, line in enumerate(wrapped(parts.reason(c), inner - 2, 3 if full else 1)):
        content.append(_Row(spans(Span("  " if number else "└ ", "quiet"), line)))
    if full:
        limits = parts.limits(c, look, inner)
        content += [_Row(line) for line in (parts.command(c, inner), *limits)]
        content += [_Row(parts.mount(m, inner)) for m in c.mounts]
        content.append(_Row(parts.facts(c)))
    else:
        limits_line = parts.limits_short(c, look)
        mounts: Line = ()
        for m in c.mounts:
            mounts = spans(mounts, "  " if mounts else "", parts.mount(m, inner))
        content += [_Row(limits_line), _Row(mounts)]
    if c.network_mode in {"host", "none"}:
        what = "the host's own network: no doors needed" if c.network_mode == "host" else "no network"
        content.append(_Row(spans(Span(f"◇ {what}", "network"))))
    content = [row for row in content if row.card]
    ties = [a for a in c.attachments if c.network_mode not in {"host", "none"}]
    for a in ties:
        if frame.rail_of(a) is None:
            content.append(_Row(spans(Span(f"◇ {clean(a.network)}", "network"), f" {a.address}")))
    hung = [a for a in ties if frame.rail_of(a) is not None]
    while len(content) < len(hung):
        content.append(_Row((Span(" "),)))
    for row, tie in zip(content, hung, strict=False):
        row.tie, row.owner, row.new = tie, c.name, c.state == "created"
    rows = [_Row(_top(c, look, frame.card, edge))]
    for row in content:
        body = pad(clip(row.card, inner), inner)
        right = "├" if row.tie else "│"
        rows.append(_Row(spans(Span("│ ", edge), body, Span(" " + right, edge)), row.door, row.tie, row.owner, row.new))
    rows.append(_Row((Span("╰" + "─" * (frame.card - 2) + "╯", edge),)))
    return rows


def _top(c: Container, look: Look, cells: int, edge: str) -> Line:
    room = cells - width_of(parts.name(c, look)) - 9
    # A mark is read whole, if need be at the cost of the image's name.
    room = room if edge == "mark-line" else max(room, cells // 3, 8)
    made_from = shorten(clean(speech.short_reference(c.image)), max(room, 3))
    left = spans(Span("╭ ", edge), clip(parts.name(c, look), cells - width_of((Span(made_from),)) - 8), Span(" ", edge))
    right = spans(Span(f" ▣ {made_from} ", "image"), Span("╮", edge))
    room = cells - width_of(left) - width_of(right)
    return spans(left, Span("─" * room, edge), right) if room >= 0 else ends(left, (Span("╮", edge),), cells, "─", edge)


def _last_rows(cards: Sequence[Sequence[_Row]], frame: _Frame) -> list[int]:
    last = [-1] * len(frame.rails)
    rows = [row for card in cards for row in card]
    for number, row in enumerate(rows):
        if row.tie is not None and (rail := frame.rail_of(row.tie)) is not None:
            last[rail] = number
    return last


def _header(frame: _Frame) -> list[Line]:
    left = _wall("host" if frame.label else "", frame)
    lines: list[Line] = []
    for number, network in enumerate(frame.rails):
        rail = "┃ " * number + "┏ "
        known = "  ".join([*network.subnets[:1], *(["internal"] if network.internal else [])])
        said = spans(Span(f"◇ {clean(network.name)}", "network"), Span(f"  {known}", "quiet"))
        lead = left if not lines else _wall("", frame)
        room = frame.side + 2 * (len(frame.rails) - number - 1)
        lines.append(
            spans(pad(lead, frame.host + frame.card), Span("   "), Span(rail, "network"), clip(said, max(room, 8)))
        )
    if not lines and frame.label:
        lines.append(left)
    return lines


def _wall(label: str, frame: _Frame) -> Line:
    if not frame.label:
        return (Span(" "),)
    return spans(Span(label.rjust(frame.label), "title"), Span(" ║", "door"))


def _line(row: _Row, number: int, last: Sequence[int], frame: _Frame) -> Line:
    return spans(pad(_door(row, frame), frame.host), row.card, _tie(row, number, last, frame))


def _door(row: _Row, frame: _Frame) -> Line:
    door = row.door
    if not frame.label or door is None or not door.host:
        return _wall("", frame)
    label = shorten(door.host, frame.label)
    label = " " * (frame.label - width_of((Span(label),))) + label
    return spans(
        Span(label, "strong" if door.state == "open" else door.role), Span(" ╠", "door"), door.arrow(frame.arrow)
    )


def _no_address(row: _Row, frame: _Frame) -> str:
    if row.new:
        return "no address yet"
    return "no address while stopped" if frame.side >= _SIDE else "no address now"


def _tie(row: _Row, number: int, last: Sequence[int], frame: _Frame) -> Line:
    rail = frame.rail_of(row.tie) if row.tie is not None else None
    out: list[Span] = [Span("───" if rail is not None else "   ", "network")]
    for each in range(len(frame.rails)):
        alive = number <= last[each]
        if rail is not None and each < rail:
            out.append(Span("╂─" if alive else "──", "network"))
        elif rail is not None and each == rail:
            out.append(Span("◆ ", "network"))
        else:
            out.append(Span("┃ " if alive else "  ", "network"))
    if row.tie is not None and rail is not None:
        out.append(Span(row.tie.address or _no_address(row, frame)))
        others = [clean(a) for a in row.tie.aliases if a != row.owner]
        if others:
            out.append(Span("  " + ", ".join(others), "quiet"))
    return tuple(out)
