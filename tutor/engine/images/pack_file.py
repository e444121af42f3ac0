"""The pack's format: what `docker save` writes, compressed, with an index of what is inside as the last member.

`docker load` reads such a file too. In it images go by private names (`docker-tutor-pack/ROLE:MARK`), so that loading
gives no public name to anything; the public names are in the index, and are set afterwards with care.
Needs no engine.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec

from tutor.engine.images.catalogue_file import Role
from tutor.problems import Problem

INDEX = "docker-tutor-pack.json"
VERSION = 1
PREFIX = "docker-tutor-pack/"

_CHUNK = 1 << 20
# Files that hold names: what a load would tag.
_NAMING = ("manifest.json", "index.json", "repositories")
_SMALL = 16 << 20

Progress = Callable[[int], None]
"""Takes the number of bytes done so far."""


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """One image in a pack.

    Attributes:
        role: Its role in the catalogue.
        reference: Its public name.
        name: Its name in the pack.
        id: Its id on the engine that packed it.
        size: Its bytes on that engine.
    """

    role: Role
    reference: str
    name: Annotated[str, msgspec.Meta(pattern=rf"^{PREFIX}[a-z0-9-]+:[0-9a-f]+$")]
    id: str
    size: int


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """What a pack says of itself.

    Attributes:
        version: Of the format.
        architecture: What the images run on, as Docker names it (`amd64`).
        images: What is inside.
        members: SHA-256 of every other file in it, by name.
    """

    version: int
    architecture: str
    images: tuple[Packed, ...]
    members: dict[str, str]


def write(out: IO[bytes], saved: IO[bytes], architecture: str, images: tuple[Packed, ...], progress: Progress) -> None:
    """Write a pack.

    Args:
        out: Takes it.
        saved: What the engine's `GET /images/get` gives, a stream.
        architecture: For the index.
        images: For the index.
        progress: Told the bytes read.
    """
    members: dict[str, str] = {}
    done = 0
    # Level 1: a third larger than the best, and ten times as fast.
    with (
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as target,
        tarfile.open(fileobj=saved, mode="r|") as source,
    ):
        for member in source:
            if not member.isfile():
                target.addfile(member)
                continue
            reader = _Hashing(_content(source, member))
            target.addfile(member, reader)
            members[member.name] = reader.hash.hexdigest()
            done += member.size
            progress(done)
        index = Index(version=VERSION, architecture=architecture, images=images, members=members)
        raw = msgspec.json.format(msgspec.json.encode(index))
        entry = tarfile.TarInfo(INDEX)
        entry.size, entry.mode = len(raw), 0o644
        target.addfile(entry, io.BytesIO(raw))


def verify(path: Path, progress: Progress) -> Index:
    """Read a pack from end to end and hold it against its index.

    Args:
        path: The file.
        progress: Told the bytes of the file that are read.

    Raises:
        Problem: `no-file`, `not-a-pack`, `pack-damaged`, `pack-too-new`.
    """
    found: dict[str, str] = {}
    names: set[str] = set()
    index: Index | None = None
    with _opened(path) as (raw, archive):
        for member in archive:
            if not member.isfile():
                continue
            if index is not None:
                raise _damaged(path, f"{member.name} comes after the index")
            reader = _Hashing(_content(archive, member))
            if member.name == INDEX:
                index = _index(path, reader.read(_SMALL))
                continue
            content = reader.read(_SMALL) if member.name in _NAMING else b""
            while reader.read(_CHUNK):
                progress(raw.tell())
            names |= _names(path, member.name, content)
            found[member.name] = reader.hash.hexdigest()
    if index is None:
        raise _foreign(path)
    if found != index.members:
        wrong = sorted(
            name for name in found.keys() | index.members.keys() if found.get(name) != index.members.get(name)
        )
        raise _damaged(path, f"{wrong[0]} is not what the index says")
    if not names <= {one.name for one in index.images}:
        raise Problem(
            f"{path} would give images the name {min(names - {one.name for one in index.images})}: not loaded.",
            "Make the pack anew with `docker tutor images pack`.",
            code="not-a-pack",
        )
    return index


class _Hashing(io.RawIOBase):
    """A file read once, with its hash."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.hash.update(data)
        return data


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], tarfile.TarFile]]:
    """The pack's members as a stream; what goes wrong in reading them is told in words."""
    try:
        with path.open("rb") as raw, gzip.GzipFile(fileobj=raw) as plain:
            try:
                with tarfile.open(fileobj=plain, mode="r|") as archive:
                    yield raw, archive
                while plain.read(_CHUNK):  # the rest, and the checksum at its end
                    pass
            except (EOFError, zlib.error) as error:
                raise _damaged(path, "it ends too early, or a part of it was changed") from error
            except (gzip.BadGzipFile, tarfile.TarError) as error:
                begun = raw.tell() > _CHUNK
                raise (_damaged(path, "a part of it was changed") if begun else _foreign(path)) from error
    except IsADirectoryError as error:
        raise Problem(f"{path} is a folder.", "Give the pack's file.", code="no-file", status=2) from error
    except OSError as error:
        raise Problem(
            f"{path} cannot be read: {error.strerror or error}.", "Give the pack's file.", code="no-file", status=2
        ) from error


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(member)
    assert content is not None, "only asked for files"
    return content


def _index(path: Path, raw: bytes) -> Index:
    try:
        version = msgspec.json.decode(raw).get("version")
        if isinstance(version, int) and version > VERSION:
            raise Problem(
                f"{path} was made by a newer docker-tutor.", "Update this one, then call again.", code="pack-too-new"
            )
        return msgspec.json.decode(raw, type=Index)
    except (ValueError, msgspec.MsgspecError, AttributeError) as error:
        raise _damaged(path, f"its index cannot be read ({error})") from error


def _names(path: Path, member: str, content: bytes) -> set[str]:
    """The image names that a load would take from this file."""
    if member not in _NAMING:
        return set()
    try:
        value: Any = json.loads(content)
        if member == "manifest.json":
            return {tag for one in value for tag in one.get("RepoTags") or ()}
        if member == "repositories":
            return {f"{repository}:{tag}" for repository, tags in value.items() for tag in tags}
        kept = {(one.get("annotations") or {}).get("io.containerd.image.name", "") for one in value["manifests"]}
        return {re.sub(r"^docker\.io/(library/)?", "", name) for name in kept if name}
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise _damaged(path, f"{member} cannot be read") from error


def _foreign(path: Path) -> Problem:
    return Problem(
        f"{path} is not a pack of docker-tutor.",
        "`docker tutor images pack FILE` makes one; what `docker save` wrote is read by `docker load`.",
        code="not-a-pack",
    )


def _damaged(path: Path, how: str) -> Problem:
    return Problem(f"{path} is damaged: {how}. Nothing was loaded.", "Copy or make it again.", code="pack-damaged")
