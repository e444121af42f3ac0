"""Glyphs, words and figures that several pictures share. Pure."""

from __future__ import annotations

import re
from datetime import datetime

from tutor.engine.world import Container, Image, World
from tutor.lab.findings.found import Context
from tutor.lab.findings.state import has_ended, meaning, start_error

_STATES = {
    "created": ("○", "quiet"),
    "running": ("●", "ok"),
    "paused": ("‖", "warn"),
    "restarting": ("↻", "warn"),
    "removing": ("◌", "quiet"),
    "exited": ("◌", "quiet"),
    "dead": ("✗", "bad"),
}
_HEALTH = {"healthy": ("✓", "ok"), "unhealthy": ("✗", "bad"), "starting": ("…", "warn")}
_TAKEN = re.compile(r":(\d+)\b[^:]*(?:: [^:]*)?(?:already allocated|already in use)")
_TIME = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?$")


def glyph(container: Container) -> tuple[str, str]:
    """A container's sign and role; a failure has a sign of its own."""
    if failed(container):
        return "✗", "bad"
    return _STATES.get(container.state, ("?", "warn"))


def failed(container: Container) -> bool:
    """Whether it ended, or could not start, with an error."""
    return has_ended(container) and bool(container.exit_code or container.error or container.oom_killed)


def state_word(container: Container) -> str:
    """`running`, `exited 137`, `could not start`."""
    if container.state == "created" and (container.error or container.exit_code):
        return "could not start"
    if container.state == "exited":
        return f"exited {container.exit_code}"
    return container.state or "unknown"


def why(container: Container) -> str:
    """What its end means, in words, with backquotes; nothing while it has not ended."""
    if not has_ended(container):
        return ""
    if container.error and container.state in {"created", "exited"} and not container.oom_killed:
        if taken := _TAKEN.search(container.error):
            return f"host port {taken[1]} is taken"
        return start_error(container, Context(world=World()))
    return meaning(container)


def health(container: Container) -> tuple[str, str, str]:
    """Sign, word and role of its health; three empty texts without a health check."""
    if container.health in {"", "none"} or container.state not in {"running", "paused"}:
        return "", "", ""
    sign, role = _HEALTH.get(container.health, ("?", "warn"))
    word = "health: starting" if container.health == "starting" else container.health
    return sign, word, role


def size(count: int) -> str:
    """`99 MB`, `3.1 MB`, `512 B`, in powers of 1000 as `docker images` counts."""
    return _scaled(count, 1000, ("B", "kB", "MB", "GB", "TB"))


def memory(count: int) -> str:
    """`64 MiB`, in powers of 1024 as `docker stats` counts."""
    return _scaled(count, 1024, ("B", "KiB", "MiB", "GiB", "TiB"))


def part_of(count: int, limit: int) -> str:
    """`31 of 64 MiB`, `0.8 of 64 MiB`; with both units where one is far smaller."""
    one, two = memory(count), memory(limit)
    figure, _, unit = one.partition(" ")
    whole, _, unit_of_limit = two.partition(" ")
    if unit == unit_of_limit:
        return f"{figure} of {two}"
    in_unit = count / limit * float(whole) if limit else 0.0
    return f"{in_unit:.1f} of {two}" if in_unit >= 0.1 else f"{one} of {two}"


def _scaled(count: int, base: int, units: tuple[str, ...]) -> str:
    value, number = float(count), 0
    while value >= base - 0.5 and number < len(units) - 1:
        value, number = value / base, number + 1
    return f"{value:.1f} {units[number]}" if number and value < 9.95 else f"{value:.0f} {units[number]}"


def number(value: float) -> str:
    """`0.5`, `2`."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def duration(seconds: float) -> str:
    """`0.2 s`, `12 s`, `3 min`, `2 h`, `4 days`."""
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 5940:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"


def milliseconds(value: float) -> str:
    """`0.4 ms`, `171 ms`, `2.3 s`."""
    if value < 9.95:
        return f"{value:.1f} ms"
    return f"{value:.0f} ms" if value < 999.5 else duration(value / 1000)


def moment(text: str) -> float:
    """Seconds since 1970 of an engine's RFC 3339 time; 0 when there is none."""
    match = _TIME.match(text)
    if match is None:
        return 0.0
    whole, part, zone = match.groups()
    try:
        at = datetime.fromisoformat(whole + ("+00:00" if zone in {None, "Z"} else zone))
        return at.timestamp() + float(part or 0)
    except (ValueError, OverflowError):
        return 0.0


def short_id(identity: str) -> str:
    """The 12 characters that Docker shows of an id or digest."""
    return identity.removeprefix("sha256:")[:12]


def image_name(image: Image) -> str:
    """Its first tag, or `<none>` with the short id, as Docker shows an image that lost its name."""
    return short_reference(image.tags[0]) if image.tags else f"<none> {short_id(image.id)}"


def short_reference(reference: str) -> str:
    """A reference as it is usually typed: without Docker Hub's own prefixes, ids shortened."""
    if re.fullmatch(r"(sha256:)?[0-9a-f]{64}", reference):
        return short_id(reference)
    return reference.removeprefix("docker.io/").removeprefix("library/")


def plural(count: int, noun: str) -> str:
    """`1 layer`, `3 layers`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
