"""Image references, and the lab's record of the images that it made, pulled or borrowed."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

_ID = re.compile(r"(?:sha256:)?[0-9a-f]{1,64}")
_NAME = re.compile(
    r"(?:(?P<domain>[A-Za-z0-9.\-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)/)?"
    r"(?P<path>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)"
)
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)


@lru_cache(maxsize=4096)
def normal(reference: str) -> str:
    """The full form of a reference: `nginx` is `docker.io/library/nginx:latest`.

    Follows https://pkg.go.dev/github.com/distribution/reference; with a digest the tag is left out.
    What is no valid reference is returned as it is.
    """
    name, digest = _split_digest(reference)
    name, tag = _split_tag(name)
    repository = repository_of(name)
    if repository is None or (tag and not _TAG.fullmatch(tag)):
        return reference
    return f"{repository}@{digest}" if digest else f"{repository}:{tag or 'latest'}"


def is_reference(text: str) -> bool:
    """Whether this could name an image."""
    name, tag = _split_tag(_split_digest(text)[0])
    odd = text.endswith((":", "@")) or repository_of(name) is None
    return not odd and (not tag or _TAG.fullmatch(tag) is not None)


def repository_of(name: str) -> str | None:
    """The full repository of a name without tag: `nginx` is `docker.io/library/nginx`; None when it is no name."""
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        domain, path = "docker.io", name
    else:
        domain, path = first, rest
    if domain == "index.docker.io":
        domain = "docker.io"
    if domain == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return f"{domain}/{path}" if path and _NAME.fullmatch(f"{domain}/{path}") else None


def has_tag(reference: str) -> bool:
    """Whether a reference names a tag or a digest."""
    name, digest = _split_digest(reference)
    return bool(digest) or bool(_split_tag(name)[1])


def repository(reference: str) -> str:
    """The full repository of a reference."""
    name = _split_tag(_split_digest(reference)[0])[0]
    return repository_of(name) or name


def familiar(reference: str) -> str:
    """The short form that people write: without `docker.io/library/`."""
    for prefix in ("docker.io/library/", "docker.io/"):
        if reference.startswith(prefix):
            return reference[len(prefix) :]
    return reference


def is_id(reference: str) -> bool:
    """Whether this could be an image id or the beginning of one."""
    return bool(_ID.fullmatch(reference))


def _split_digest(reference: str) -> tuple[str, str]:
    name, _, digest = reference.partition("@")
    return name, digest


def _split_tag(name: str) -> tuple[str, str]:
    head, colon, tail = name.rpartition(":")
    return (head, tail) if colon and "/" not in tail else (name, "")


@dataclass
class Record:
    """What the engine cannot tell by labels; kept in the lab's folder, written at once and atomically.

    Attributes:
        path: The file; None keeps it in memory.
        made: References that the lab built, pulled, tagged or loaded → the image's id when known.
        borrowed: References that were on the engine before and that the lab asked for with a pull; never removed.
        images: Ids of images the lab made, loaded or pulled.
        cache: Ids of the build cache's records that the lab's builds made.
        repair: References of somebody else → id, while a request runs that could move them.
        gateway: A swarm of the lab's is being left, and the network `docker_gwbridge` that came with it goes too.
        ever: References the lab had since the tutor started, so that the event of a removal is still seen.
    """

    path: Path | None = None
    made: dict[str, str] = field(default_factory=dict)
    borrowed: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)
    cache: set[str] = field(default_factory=set)
    repair: dict[str, str] = field(default_factory=dict)
    gateway: bool = False
    ever: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def load(cls, path: Path | None) -> Record:
        """Read the record, or begin one; a broken file counts as none."""
        record = cls(path)
        if path is None:
            return record
        try:
            raw = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return record
        if isinstance(raw, dict):
            record.made = {str(key): str(value) for key, value in dict(raw.get("made") or {}).items()}
            record.repair = {str(key): str(value) for key, value in dict(raw.get("repair") or {}).items()}
            for name in ("borrowed", "images", "cache"):
                setattr(record, name, {str(item) for item in raw.get(name) or ()})
            record.gateway = raw.get("gateway") is True
        return record

    def save(self) -> None:
        """Write it, so that a crash finds the old state or the new one."""
        if self.path is None:
            return
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = self.path.with_name(self.path.name + ".new")
            value = {
                "made": self.made,
                "borrowed": sorted(self.borrowed),
                "images": sorted(self.images),
                "cache": sorted(self.cache),
                "repair": self.repair,
                "gateway": self.gateway,
            }
            with new.open("w") as stream:
                json.dump(value, stream)
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(self.path)

    # Whoever reads these in another thread iterates over what was; so nothing is changed in place.
    def make(self, reference: str, image: str = "", *, shared: bool = False) -> None:
        """The lab made this reference.

        Args:
            reference: In any form.
            image: The image's id when it is known; the image counts as the lab's too.
            shared: The image is somebody else's as well; only the reference is the lab's.
        """
        full = normal(reference)
        self.ever = self.ever | {full}
        self.borrowed = self.borrowed - {full}
        if image and not shared:
            self.images = self.images | {image}
        self.made = {**self.made, full: image or self.made.get(full, "")}
        self.save()

    def borrow(self, reference: str) -> None:
        """The lab asked for a reference that was there before."""
        self.borrowed = self.borrowed | {normal(reference)}
        self.ever = self.ever | {normal(reference)}
        self.save()

    def forget(self, *references: str) -> None:
        """The lab has these references no more."""
        gone = {normal(reference) for reference in references}
        self.made = {name: image for name, image in self.made.items() if name not in gone}
        self.borrowed = self.borrowed - gone
        self.save()

    def own_images(self, add: Iterable[str] = (), drop: Iterable[str] = ()) -> None:
        """Images that the lab has by their ids now, or has no more."""
        self.images = (self.images | set(add)) - set(drop)
        self.save()

    def own_cache(self, add: Iterable[str] = (), drop: Iterable[str] = ()) -> None:
        """Records of the build cache that the lab's builds made, or that are gone."""
        self.cache = (self.cache | set(add)) - set(drop)
        self.save()

    @property
    def references(self) -> set[str]:
        """All references the lab sees beside the catalogue's."""
        return self.made.keys() | self.borrowed
