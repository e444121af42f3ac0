"""apt's package sources, read and written: https://manpages.debian.org/bookworm/apt/sources.list.5.en.html (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """One place that binary packages come from.

    Attributes:
        uris: Where the archive is.
        suites: Releases taken from it (`bookworm`, `bookworm-updates`).
        components: Parts of them (`main`).
        options: Further fields with their values (`Signed-By`), which may be several lines.
    """

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()

    def stanza(self) -> str:
        """The source in the deb822 form."""
        fields = [
            ("Types", "deb"),
            ("URIs", " ".join(self.uris)),
            ("Suites", " ".join(self.suites)),
            ("Components", " ".join(self.components)),
            *self.options,
        ]
        return "".join(f"{name}: {value}\n" for name, value in fields if value)


def read_sources(etc: Path = Path("/etc/apt")) -> list[Source]:
    """The sources that a machine's apt uses, in both forms; files that cannot be read are left out."""
    files = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    found: list[Source] = []
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if path.suffix == ".list":
            found += parse_lines(text)
        elif path.suffix == ".sources":
            found += parse_stanzas(text)
    return found


def parse_lines(text: str) -> Iterator[Source]:
    """Read the one-line form: `deb [signed-by=…] URI suite component…`."""
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        match = re.match(r"deb\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)\s*(.*)", line)
        if not match or match[2].startswith("cdrom:"):
            continue
        options = dict(part.partition("=")[::2] for part in (match[1] or "").split())
        names = tuple((_field(name), " ".join(value.split(","))) for name, value in options.items())
        yield Source((match[2],), (match[3],), tuple(match[4].split()), names)


def parse_stanzas(text: str) -> Iterator[Source]:
    """Read the deb822 form: fields, with an empty line between sources."""
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for block in re.split(r"\n\s*\n", kept):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line[:1] in (" ", "\t") and name:
                fields[name] += "\n" + line
            elif ":" in line:
                key, _, value = line.partition(":")
                name = _field(key.strip())
                fields[name] = value.strip()
        types = fields.pop("Types", "").split()
        uris = tuple(uri for uri in fields.pop("URIs", "").split() if not uri.startswith("cdrom:"))
        suites = tuple(fields.pop("Suites", "").split())
        if "deb" in types and uris and suites and fields.pop("Enabled", "yes").lower() not in ("no", "false", "0"):
            yield Source(uris, suites, tuple(fields.pop("Components", "").split()), tuple(fields.items()))


def of_release(sources: Iterable[Source], codename: str) -> list[Source]:
    """The distribution's own sources: those of its release, with its updates and security fixes; nobody else's."""
    names = {codename, "stable", "oldstable"}
    found = []
    for source in sources:
        suites = tuple(s for s in source.suites if re.split(r"[-/]", s)[0] in names)
        if suites:
            found.append(Source(source.uris, suites, source.components, source.options))
    return found


def other_release(sources: Iterable[Source], codename: str, other: str) -> Source | None:
    """Another release from the archive that holds this one; None when the archive is not among the sources."""
    for source in sources:
        # Only the release itself: its security fixes may lie in an archive of their own.
        if {codename, "stable", "oldstable"} & set(source.suites):
            # Dates and keys are checked as they are for this release.
            return Source(source.uris, (other,), ("main",), source.options)
    return None


_FIELDS = {"signed-by": "Signed-By", "arch": "Architectures", "uris": "URIs", "lang": "Languages", "target": "Targets"}


def _field(name: str) -> str:
    return _FIELDS.get(name.lower(), "-".join(part.capitalize() for part in name.split("-")))
