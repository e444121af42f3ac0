"""The picture of the World: images become containers; containers have doors, networks, volumes and limits. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tutor.engine.world import Attachment, Container, Service, World
from tutor.ui.tui.picture import speech, world_cards
from tutor.ui.tui.picture import world_parts as parts
from tutor.ui.tui.picture.kit import (
    BLANK,
    Drawing,
    Line,
    Span,
    clean,
    clip,
    ends,
    fitted,
    joined,
    more,
    say,
    spans,
    stacked,
    width_of,
    wrapped,
)
from tutor.ui.tui.picture.look import Look

_CARDS = 60
"""Cells from which containers are drawn as cards."""

_CARD = 3
"""Lines of the smallest card."""

_SECTION, _ALL = 3, 1000


def draw(world: World, look: Look, cells: int, rows: int) -> Drawing:
    """The World in so many cells and lines: the most detailed form that has room."""
    if cells <= 0 or rows <= 0:
        return ()
    forms: list[Callable[[], Drawing]] = []
    if cells >= _CARDS and 0 < len(world.containers) * _CARD <= rows and world_cards.fits(world, look, cells):
        forms += [
            lambda: _with_cards(world, look, cells, True, True),
            lambda: _with_cards(world, look, cells, True, False),
        ]
        forms += [lambda: _with_cards(world, look, cells, False, False)]
    if not world.containers:
        forms.append(lambda: _as_list(world, look, cells, 4, rows))
    forms += [
        lambda: _as_list(world, look, cells, 3, rows),
        lambda: _as_list(world, look, cells, 2, rows),
        lambda: _as_list(world, look, cells, 1, rows),
    ]
    for form in forms:
        drawing = form()
        if len(drawing) <= rows:
            return fitted(drawing, cells, rows)
    return fitted(_least(world, look, cells, rows), cells, rows)


def _with_cards(world: World, look: Look, cells: int, full: bool, airy: bool) -> Drawing:
    lines = _images(world, look, cells, 6 if airy else 1)
    lines += [BLANK] if airy else []
    for block in world_cards.blocks(world, look, cells, full):
        lines += block
    loose = [n for n in parts.networks(world) if not parts.attached(n, world)]
    below = [parts.network_line(n, world, look, cells) for n in loose]
    below += [parts.volume_line(v, world, look, cells) for v in parts.volumes(world)]
    below += _services(world, look)
    below += [line for line in [parts.missing(world, look)] if line]
    lines += [BLANK] if below and airy else []
    return tuple(lines + [spans(" ", line) for line in below])


def _as_list(world: World, look: Look, cells: int, detail: int, rows: int) -> Drawing:
    """The containers one below the other; where lines are left of `rows`, more is told of those that matter most."""
    blocks = _listed(world, look, cells, detail)
    rest = _rest(world, look, cells, detail)
    for fuller in range(detail + 1, 4):
        _grow(blocks, world, look, cells, fuller, rows - len(rest))
    return tuple([line for block in blocks for line in block] + rest)


def _least(world: World, look: Look, cells: int, rows: int) -> Drawing:
    rest = _rest(world, look, cells, 0)
    rest = rest[: max(rows // 3, 1)] if rows > 1 else []
    blocks = _listed(world, look, cells, 0)
    _grow(blocks, world, look, cells, 1, rows - len(rest))
    return (*stacked(blocks, rows - len(rest), cells, "containers", _by_weight(world, look)), *rest)


def _by_weight(world: World, look: Look) -> list[int]:
    """The numbers of the containers: what is marked or has just changed first, then the newest."""
    every = parts.containers(world)
    numbers = range(len(every))
    return list(dict.fromkeys([*(n for n in numbers if parts.sign(every[n], look)), *reversed(numbers)]))


def _grow(blocks: list[list[Line]], world: World, look: Look, cells: int, detail: int, rows: int) -> None:
    """Tell containers in more detail, by their weight, as long as there is room."""
    spare = rows - sum(map(len, blocks))
    every = parts.containers(world)
    for number in _by_weight(world, look):
        if spare <= 0:
            return
        new = _entry(every[number], world, look, cells, detail)
        if 0 < len(new) - len(blocks[number]) <= spare:
            spare -= len(new) - len(blocks[number])
            blocks[number] = new


def _listed(world: World, look: Look, cells: int, detail: int) -> list[list[Line]]:
    blocks = [_entry(c, world, look, cells, detail) for c in parts.containers(world)]
    return blocks or [[say("no containers yet", "quiet")]]


def _entry(c: Container, world: World, look: Look, cells: int, detail: int) -> list[Line]:
    sign, role = speech.glyph(c)
    made_from = Span("▣ " + clean(speech.short_reference(c.image)), "image")
    title = spans(Span(sign + " ", role), parts.name(c, look), Span("  "), spans(*parts.head(c, look)[1:]))
    doors = [d for d in parts.doors(c, world, look) if d.host or detail > 1]
    # Where there is room for few, the broken one is the one to see.
    doors.sort(key=lambda d: d.state != "broken")
    if detail == 0:
        door = spans(*(_door(d, 3) for d in doors[:1]))
        ties = say("◇ " + " ".join(clean(a.network) for a in c.attachments), "network") if c.attachments else ()
        ways = (spans(door, "  " if door and ties else "", ties), door, ties)
        return [ends(title, next((way for way in ways if width_of(title) + width_of(way) < cells), ()), cells)]
    lines = [ends(title, (made_from,), cells)]
    for number, said in enumerate(wrapped(parts.reason(c), cells - 4, 3 if detail > 1 else 1)):
        lines.append(clip(spans(Span("    " if number else "  └ ", "quiet"), said), cells))
    if detail > 1:
        lines += [clip(spans("  ", _door(d, 5), Span(f"  {d.note}" if d.note else "", "quiet")), cells) for d in doors]
    elif doors:
        lines.append(spans("  ", joined([_door(d, 3) for d in doors], cells - 2, "  ", "ports")))
    limit = parts.limits(c, look, cells)
    if limit:
        short = joined(limit, cells - 2, "  ", "limits")
        lines.append(spans("  ", short))
    if detail > 2:
        lines += [
            clip(spans(Span(f"  ◇ {clean(a.network)}", "network"), f" {a.address}", _aliases(a, c)), cells)
            for a in c.attachments
        ]
    if c.mounts:
        held = [parts.mount(m, cells - 4) for m in c.mounts]
        lines += [spans("  ", line) for line in held] if detail > 1 else [spans("  ", joined(held, cells - 2))]
    return lines


def _aliases(a: Attachment, c: Container) -> Span:
    others = [clean(alias) for alias in a.aliases if alias != c.name]
    return Span("  " + ", ".join(others) if others else "", "quiet")


def _door(door: parts.Door, arrow: int) -> Line:
    if not door.host:
        return spans(Span(door.inside, "quiet"))
    return spans(
        Span("host ", "quiet"), Span(door.host, door.role), " ", door.arrow(arrow), " ", Span(door.inside, door.role)
    )


def _rest(world: World, look: Look, cells: int, detail: int) -> list[Line]:
    room = cells if detail > 1 else cells - 11
    networks = [parts.network_line(n, world, look, room) for n in parts.networks(world)]
    volumes = [parts.volume_line(v, world, look, room) for v in parts.volumes(world)]
    lines = [line for line in [parts.missing(world, look)] if line]
    if detail > 1:
        lines += [*networks, *volumes, *_services(world, look)]
    else:
        groups = (networks, volumes, _services(world, look))
        lines += [joined(group, cells, " │ ") for group in groups if group]
    most = _ALL if detail > 3 else _SECTION if detail > 1 else 1
    return lines + _images(world, look, cells, most)


def _images(world: World, look: Look, cells: int, most: int) -> list[Line]:
    found, others = parts.images(world)
    if not found:
        return [say("no images", "quiet")]
    tail = say(f"{more(others)} in the catalogue", "quiet") if others else ()
    if len(found) > most or most == 1:
        chips = [parts.image_chip(image, look) for image in found]
        return [joined([*chips, tail] if tail else chips, cells, "  ", "images")]
    lines = [parts.image_line(image, world, look, cells) for image in found]
    if tail and len(lines) < most:
        lines.append(tail)
    elif tail:
        lines[-1] = ends(lines[-1], tail, cells)
    return [clip(line, cells) for line in lines]


def _services(world: World, look: Look) -> list[Line]:
    return [_service(s, look) for s in sorted(world.services.values(), key=lambda s: s.name)]


def _service(s: Service, look: Look) -> Line:
    done = s.running >= s.replicas
    sign, role = ("●", "ok") if done else ("◐", "warn")
    return spans(
        Span(sign + " ", role),
        Span(f"service {clean(s.name)}", look.role("service", s.id, "strong")),
        look.sign("service", s.id, s.name),
        Span(f"  {s.running} of {s.replicas} replicas run", role),
        Span(f"  ▣ {clean(speech.short_reference(s.image.partition('@')[0]))}", "image"),
        Span(f"  update {clean(s.update)}" if s.update else "", "quiet"),
    )


def words(world: World, look: Look) -> str:
    """The same as the picture in sentences, one a line, for screen readers and plain text."""
    lines: list[str] = []
    for c in parts.containers(world):
        lines.append(_sentence(c, world, look))
    if not world.containers:
        lines.append("There are no containers.")
    lines += _networks_said(world)
    for v in parts.volumes(world):
        users = [f"{c.name} at {m.destination}" for c in parts.containers(world) for m in c.mounts if m.name == v.name]
        kind = "Anonymous volume" if v.anonymous else "Volume"
        lines.append(f"{kind} {v.name[:12] if v.anonymous else v.name}: {_and(users) or 'mounted by nobody'}.")
    for s in sorted(world.services.values(), key=lambda s: s.name):
        lines.append(f"Service {s.name}: {s.running} of {s.replicas} replicas run, image {s.image.partition('@')[0]}.")
    found, others = parts.images(world)
    for image in found:
        made = [c.name for c in parts.users_of(image, world)]
        count = speech.plural(len(image.layers), "layer")
        lines.append(
            f"Image {speech.image_name(image)}, {speech.size(image.size)}, {count}: "
            + (f"made into {_and(made)}." if made else "no container yet.")
        )
    if others:
        lines.append(f"{speech.plural(others, 'more image')} in the catalogue.")
    kind, name = look.about()
    if kind:
        lines.append(f"Look at {kind} {name}{', which is not there' if parts.missing(world, look) else ''}.")
    return "\n".join(clean(line) for line in lines)


def _sentence(c: Container, world: World, look: Look) -> str:
    word, health = speech.state_word(c), speech.health(c)[1]
    verb = f"has exited with {c.exit_code}" if c.state == "exited" else word if " not " in word else f"is {word}"
    said = [f"Container {c.name or c.id[:12]}, from {speech.short_reference(c.image)}, {verb}"]
    said[0] += f" and {health}" if health else ""
    if reason := speech.why(c).replace("`", ""):
        said.append(reason[0].upper() + reason[1:])
    for d in parts.doors(c, world, look):
        if d.host:
            where = d.host[1:] if d.host.startswith(":") else d.host
            said.append(f"Host port {where} leads to container port {d.inside[1:]}{f' ({d.note})' if d.note else ''}")
        else:
            said.append(f"Container port {d.inside[1:]} is not published")
    for a in c.attachments:
        said.append(f"On network {a.network}{f' as {a.address}' if a.address else ''}")
    for m in c.mounts:
        source = {"volume": f"Volume {'(anonymous)' if m.anonymous else m.name}", "bind": f"Host folder {m.source}"}
        said.append(f"{source.get(m.type, m.type)} is mounted at {m.destination}{', read-only' if m.read_only else ''}")
    for line in parts.limits(c, look, 30):
        said.append(" ".join("".join(s.text for s in line if "▰" not in s.text and "▱" not in s.text).split()))
    return ". ".join(said) + "."


def _networks_said(world: World) -> list[str]:
    said = []
    for n in parts.networks(world):
        members = [f"{c.name}{f' ({a.address})' if a.address else ''}" for c, a in parts.attached(n, world)]
        kind = "Internal network" if n.internal else "Network"
        said.append(f"{kind} {n.name} connects {_and(members) or 'nobody'}.")
    return said


def _and(words_: Sequence[str]) -> str:
    return " and ".join([", ".join(words_[:-1]), words_[-1]] if len(words_) > 1 else list(words_))
