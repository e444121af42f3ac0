"""How findings name things."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence

from tutor.engine.world import Container, PublishedPort


def code(text: str) -> str:
    """A name or a value, as the fronts mark it."""
    return f"`{text}`"


def ended(sentence: str) -> str:
    """With a full stop, unless it ends already."""
    return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."


def shown(text: str, limit: int = 80) -> str:
    """The first line of a text that has anything in it, cut."""
    line = next((part.strip() for part in text.splitlines() if part.strip()), "")
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def listed(words: Iterable[str], last: str = "and") -> str:
    """`a`, `b` and `c`."""
    parts = list(words)
    return f" {last} ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def codes(words: Iterable[str], last: str = "and") -> str:
    """Several names, marked."""
    return listed(map(code, words), last)


def command(words: Sequence[str]) -> str:
    """A command as it would be typed."""
    return " ".join(map(shlex.quote, words))


def wanted_command(patterns: Sequence[str]) -> str:
    """A command that is asked for by patterns: `…` stands for anything, so `**` becomes `…` and `*sh` becomes `…sh`."""
    return " ".join("…" if word == "**" else re.sub(r"\*+", "…", word) for word in map(_quoted, patterns))


def _quoted(pattern: str) -> str:
    return pattern if shlex.quote(pattern.replace("*", "x")) == pattern.replace("*", "x") else shlex.quote(pattern)


def size(count: int) -> str:
    """Bytes in Docker's notation: `64m`."""
    for unit, suffix in ((1 << 30, "g"), (1 << 20, "m"), (1 << 10, "k")):
        if count >= unit:
            number = count / unit
            return f"{number:.0f}{suffix}" if abs(number - round(number)) < 0.05 else f"{number:.1f}{suffix}"
    return f"{count}b"


def disk_size(count: int) -> str:
    """Bytes as `docker images` shows them: `99.4MB`."""
    number, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if number < 1000:
            break
        number, unit = number / 1000, larger
    return f"{number:.3g}{unit}"


def image(container: Container) -> str:
    """What a container was made from, in short."""
    reference = container.image or container.image_id
    return reference[:19] if reference.startswith("sha256:") else reference


def number(port: str) -> str:
    """A port without `/tcp`, which goes without saying."""
    return port.removesuffix("/tcp")


def door(host: str, name: str, port: str) -> str:
    """`host 8080 → web 80`."""
    return f"host {'any port' if host == '*' else host or 'any port'} → {name} {number(port)}"


def doors(container: Container) -> str:
    """The ports that a container publishes."""
    return ", ".join(door(_host(p), container.name, p.container) for p in container.published)


def _host(published: PublishedPort) -> str:
    where = "" if published.host_ip in {"", "0.0.0.0"} else f"{published.host_ip}:"
    return f"{where}{published.host_port}"


def state(container: Container) -> str:
    """Its state, and the exit code where there is one."""
    ended = container.state in {"exited", "dead"} or (container.state == "created" and container.exit_code)
    return f"{container.state} ({container.exit_code})" if ended else container.state


def runs(container: Container) -> str:
    """A verb for its state: "runs", "is paused", "has ended"."""
    if container.state == "created" and container.error:
        return "could not start"
    return {"running": "runs", "exited": "has ended", "dead": "has ended", "created": "is created"}.get(
        container.state, f"is {container.state}"
    )


def times(count: int) -> str:
    """`once`, `3 times`."""
    return "never" if count == 0 else "once" if count == 1 else f"{count} times"


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 container`, `3 containers`."""
    return f"{count} {one if count == 1 else many or one + 's'}"
