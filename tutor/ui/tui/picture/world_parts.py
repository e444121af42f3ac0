"""What a container consists of in the picture of the World: doors, mounts, limits, networks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tutor.engine.gauge import Usage
from tutor.engine.world import Attachment, Container, Image, MountPoint, Network, Volume, World
from tutor.ui.tui.picture import speech
from tutor.ui.tui.picture.kit import Line, Span, bar, clean, joined, marked_up, say, shorten, spans, width_of
from tutor.ui.tui.picture.look import HERE, Look

_ANYWHERE = {"", "0.0.0.0", "::"}
_PROTOCOL = "/tcp"
_BUSY = 0.5
"""CPUs from which usage without a limit is worth a line."""


@dataclass(frozen=True, slots=True)
class Door:
    """A way from a host port to a container port; `host` is empty for a port that is not published."""

    host: str
    inside: str
    state: str
    note: str = ""

    @property
    def role(self) -> str:
        """The role of its arrow."""
        return {"open": "door", "broken": "bad", "shut": "quiet", "none": "quiet"}[self.state]

    def arrow(self, cells: int) -> Line:
        """The way itself, at least three cells long: `━━━▶`, `━━ ✗ ╌▷` when nobody listens behind it."""
        cells = max(cells, 3)
        if self.state == "open":
            return (Span("━" * (cells - 1) + "▶", "door"),)
        if self.state == "broken":
            half = max((cells - 3) // 2, 0)
            rest = max(cells - half - 3, 0)
            if cells < 5:
                return (Span("━✗▷"[:cells], "bad"),)
            return (Span("━" * half, "door"), Span(" ✗ ", "bad"), Span("╌" * max(rest - 1, 0) + "▷", "quiet"))
        return (Span("╌" * (cells - 1) + "▷", "quiet"),)


def port_word(port: str) -> str:
    """`:80` for `80/tcp`, `:53/udp` for anything else."""
    return ":" + clean(port.removesuffix(_PROTOCOL))


def containers(world: World) -> list[Container]:
    """In the order they were made."""
    return sorted(world.containers.values(), key=lambda c: (speech.moment(c.created), c.name, c.id))


def doors(c: Container, world: World, look: Look) -> list[Door]:
    """Its published ports, and those it exposes without a door."""
    image = image_of(c, world)
    found: dict[tuple[str, str], Door] = {}
    for port in c.published:
        host = clean(port.host_ip) if port.host_ip not in _ANYWHERE else ""
        name = f"{host}:{clean(port.host_port) or '?'}"
        broken = port.host_port in look.closed or (
            look.where.startswith("port ") and look.about()[1].removesuffix(_PROTOCOL) == port.host_port
        )
        state, note = "open", ""
        if c.state not in {"running", "paused"}:
            state, note = "shut", "closed: not running" if port.host_port else "a free port, chosen at start"
        elif broken:
            state, note = "broken", look.closed.get(port.host_port, "nobody listens")
        if image is not None and image.exposed and port.container not in image.exposed and state != "shut":
            note = f"image exposes {', '.join(map(port_word, image.exposed))}"
            note = f"{look.closed.get(port.host_port, 'nobody listens')}; {note}" if broken else note
        found.setdefault((name, port.container), Door(name, port_word(port.container), state, note))
    out = list(found.values())
    published = {port.container for port in c.published}
    out += [Door("", port_word(p), "none", "not published") for p in c.exposed if p not in published]
    return out


def image_of(c: Container, world: World) -> Image | None:
    """The image it was made from, if it is there still."""
    return world.images.get(c.image_id) or world.image(c.image)


def head(c: Container, look: Look) -> Line:
    """`● running  ✓ healthy`."""
    sign, role = speech.glyph(c)
    heart, word, health_role = speech.health(c)
    parts: list[str | Span | Line] = [Span(sign + " ", role), Span(speech.state_word(c), role)]
    if word:
        parts += [Span("  "), Span(f"{heart} {word}", health_role)]
    if c.restart_count:
        parts += [Span(f"  restarted {c.restart_count}×", "warn" if c.state == "restarting" else "quiet")]
    if look.now and c.state == "running" and (since := speech.moment(c.started)):
        parts += [Span(f"  {speech.duration(look.now - since)}", "quiet")]
    return spans(*parts)


def name(c: Container, look: Look) -> Line:
    """Its name with the mark of a finding or of a change."""
    return spans(
        Span(clean(c.name) or speech.short_id(c.id), look.role("container", c.id, "strong")),
        sign(c, look),
    )


def sign(c: Container, look: Look) -> Line:
    """The mark of a finding about it or about its service, or the sign of a change."""
    if c.service and look.marks("service", c.service):
        return (Span(" "), Span(HERE, "mark"))
    return look.sign("container", c.id, c.name)


def reason(c: Container) -> Line:
    """Why it ended, in words."""
    return marked_up(speech.why(c), "bad" if speech.failed(c) else "quiet")


def mount(m: MountPoint, cells: int = 60) -> Line:
    """`▤ notes ═▶ /data  read-only`."""
    if m.type == "volume":
        what = "anonymous volume" if m.anonymous else clean(m.name) or "volume"
        source = Span(f"▤ {what}", "volume")
    elif m.type == "bind":
        path = clean(m.source)
        keep = max(cells // 2 - 4, 8)
        path = path if len(path) <= keep else "…" + path[-(keep - 1) :]
        source = Span(f"⌂ {path}", "volume")
    elif m.type == "tmpfs":
        source = Span("▒ tmpfs, in memory", "volume")
    else:
        source = Span(f"▤ {m.type} {clean(m.name)}".rstrip(), "volume")
    return spans(
        source, Span(" ═▶ ", "line"), clean(m.destination), Span("  read-only" if m.read_only else "", "quiet")
    )


def used(c: Container, look: Look) -> Usage | None:
    """What it uses now, when that was told."""
    return look.usage.get(c.id) or look.usage.get(c.name)


def limits(c: Container, look: Look, cells: int) -> list[Line]:
    """Its limits, as bars where the real usage is known; nothing when it has none and nothing is known."""
    now = used(c, look)
    lines: list[Line] = []
    if c.memory and now:
        share = now.memory / c.memory
        role = "bad" if share > 0.9 else "warn" if share > 0.7 else "ok"
        line = _gauge("memory", share, role, speech.part_of(now.memory, c.memory), cells)
        lines.append(spans(line, Span(" high" if share > 0.9 else "", "bad")))
    elif c.memory:
        lines.append(spans(Span("memory ", "quiet"), f"at most {speech.memory(c.memory)}"))
    elif now and now.memory:
        lines.append(spans(Span("memory ", "quiet"), speech.memory(now.memory), Span("  no limit", "quiet")))
    if c.cpus and now:
        share = now.cpus / c.cpus
        said = f"{speech.number(now.cpus)} of {speech.number(c.cpus)}"
        lines.append(_gauge("cpus", share, "warn" if share > 0.9 else "ok", said, cells))
    elif c.cpus:
        lines.append(spans(Span("cpus   ", "quiet"), f"at most {speech.number(c.cpus)}"))
    elif now and now.cpus >= _BUSY:
        lines.append(spans(Span("cpus   ", "quiet"), speech.number(now.cpus), Span("  no limit", "quiet")))
    if c.pids and now and now.pids:
        share = now.pids / c.pids
        lines.append(_gauge("pids", share, "bad" if share > 0.9 else "ok", f"{now.pids} of {c.pids}", cells))
    elif c.pids:
        lines.append(spans(Span("pids   ", "quiet"), f"at most {c.pids}"))
    return lines


def _gauge(name: str, share: float, role: str, said: str, cells: int) -> Line:
    long = min(12, max(3, cells // 5), max(3, cells - len(said) - 8))
    return spans(Span(f"{name:<7}", "quiet"), Span(bar(share, long), role), f" {said}")


def limits_short(c: Container, look: Look) -> Line:
    """The limits in one line."""
    return _row(limits(c, look, 30), " · ")


def facts(c: Container) -> Line:
    """What else sets it apart, in one line: user, restart policy, read-only root, capabilities."""
    found: list[str] = []
    if c.project or c.service:
        found.append(f"service {c.service}" + (f" of {c.project}" if c.project else ""))
    if c.user:
        found.append(f"user {c.user}")
    if c.restart not in {"", "no"}:
        found.append(f"restart {c.restart}")
    if c.read_only:
        found.append("root filesystem read-only")
    if c.privileged:
        found.append("privileged")
    found += [f"+{cap}" for cap in c.cap_add] + [f"-{cap}" for cap in c.cap_drop]
    if c.init:
        found.append("init")
    if c.auto_remove:
        found.append("removed when it ends")
    for word, mode in (("processes", c.pid_mode), ("network", c.network_mode), ("ipc", c.ipc_mode)):
        if mode == "host" or mode.startswith("container:"):
            found.append(f"{word} of {speech.short_reference(mode.removeprefix('container:'))}")
    return say(" · ".join(found), "quiet")


def command(c: Container, cells: int) -> Line:
    """Its main process, as one line, with the process id that the host knows it by."""
    if not c.process:
        return ()
    pid = f"  host PID {c.pid}" if c.pid else ""
    return say("$ " + shorten(clean(" ".join(c.process)), max(cells - 2 - len(pid), 4)) + pid, "quiet")


def networks(world: World) -> list[Network]:
    """Networks that connect something, or that somebody made; the predefined ones last."""
    busy = {a.network_id for c in world.containers.values() for a in c.attachments}
    names = {a.network for c in world.containers.values() for a in c.attachments}
    found = [
        n
        for n in world.networks.values()
        if (n.id in busy or n.name in names or not n.predefined) and not (n.predefined and n.driver in {"host", "null"})
    ]
    return sorted(found, key=lambda n: (n.predefined, n.name))


def network_line(n: Network, world: World, look: Look, cells: int) -> Line:
    """`◇ shop ── web 172.29.0.3 · db 172.29.0.2`; without addresses where it is narrow."""
    members = attached(n, world)
    title = spans(
        Span("◇ " + clean(n.name), look.role("network", n.id, "network")),
        look.sign("network", n.id, n.name),
        Span("  internal" if n.internal else "", "warn"),
        Span(f"  {n.driver}" if n.driver not in {"bridge", ""} else "", "quiet"),
        Span(" ── " if members else "  ", "network"),
    )
    if not members:
        return spans(title, Span("connects nobody", "quiet"))
    full = [say(f"{clean(c.name)} {a.address}".rstrip()) for c, a in members]
    names = [say(clean(c.name)) for c, _ in members]
    return listed(title, full, names, cells)


def listed(title: Line, full: Sequence[Line], names: Sequence[Line], cells: int) -> Line:
    """A title and what belongs to it, with all that is known of it or only by name, and how many more."""
    room = max(cells - width_of(title), 8)
    long = joined(full, 10_000, " · ")
    return spans(title, long if width_of(long) <= room else joined(names, room, " · "))


def attached(n: Network, world: World) -> list[tuple[Container, Attachment]]:
    """Who is on a network, with the attachment."""
    return [(c, a) for c in containers(world) for a in c.attachments if (a.network_id or a.network) in {n.id, n.name}]


def volumes(world: World) -> list[Volume]:
    """Volumes somebody named first."""
    return sorted(world.volumes.values(), key=lambda v: (v.anonymous, v.name))


def volume_line(v: Volume, world: World, look: Look, cells: int) -> Line:
    """`▤ notes ── web /data, db /var/lib`."""
    users = [(c, m) for c in containers(world) for m in c.mounts if m.type == "volume" and m.name == v.name]
    called = f"anonymous {speech.short_id(v.name)}" if v.anonymous else clean(v.name)
    title = spans(
        Span("▤ " + called, look.role("volume", v.name, "volume")),
        look.sign("volume", v.name),
        Span(" ── " if users else "  ", "volume"),
    )
    if not users:
        return spans(title, Span("mounted by nobody", "quiet"))
    full = [say(f"{clean(c.name)} {clean(m.destination)}") for c, m in users]
    return listed(title, full, [say(clean(c.name)) for c, _ in users], cells)


def images(world: World) -> tuple[list[Image], int]:
    """Images that matter here (used by a container, or the lab's own) and how many others there are."""
    used_ids = [image.id for c in containers(world) if (image := image_of(c, world))]
    known = world.images.values()
    mine = [i for i in known if i.own and i.id not in used_ids]
    found = [world.images[i] for i in dict.fromkeys(used_ids)] + sorted(mine, key=lambda i: (i.created, i.id))
    rest = [i for i in known if i.id not in used_ids and not i.own]
    if not found:
        rest.sort(key=lambda i: (speech.image_name(i), i.id))
        return rest, 0
    return found, len(rest)


def users_of(image: Image, world: World) -> list[Container]:
    """The containers made from an image."""
    return [c for c in containers(world) if (found := image_of(c, world)) and found.id == image.id]


def image_line(image: Image, world: World, look: Look, cells: int) -> Line:
    """`▣ nginx:1.27  99 MB  6 layers ══▶ web · api`."""
    made = users_of(image, world)
    count = f" · {speech.plural(len(image.layers), 'layer')}" if cells >= 60 else ""
    title = spans(
        image_chip(image, look),
        Span(f"  {speech.size(image.size)}{count}", "quiet"),
        Span("  no name any more" if not image.tags and cells >= 60 else "", "warn"),
        Span(" ══▶ " if made else "  ", "image"),
    )
    if not made:
        return spans(title, Span("no container yet" if cells >= 60 else "unused", "quiet"))
    return spans(title, joined([say(clean(c.name)) for c in made], max(cells - width_of(title), 8), " · "))


def image_chip(image: Image, look: Look) -> Line:
    """`▣ nginx:1.27`."""
    return spans(
        Span("▣ " + clean(speech.image_name(image)), look.role("image", image.id, "image")),
        look.sign("image", image.id, *image.tags),
    )


def missing(world: World, look: Look) -> Line:
    """A line for a marked object that is not there; nothing when it is, or nothing is marked."""
    kind, called = look.about()
    finders: dict[str, Callable[[str], object]] = {
        "container": world.container,
        "image": world.image,
        "volume": world.volumes.get,
        "network": world.network,
        "service": lambda name: world.service(name) or [c for c in world.containers.values() if c.service == name],
    }
    if kind not in finders or finders[kind](called):
        return ()
    return spans(Span("✗ ", "bad"), f"{kind} ", Span(clean(called), "strong"), " is not there ", Span("◀", "mark"))


def _row(lines: Sequence[Line], between: str) -> Line:
    out: Line = ()
    for line in lines:
        out = spans(out, Span(between, "quiet") if out else "", line)
    return out
