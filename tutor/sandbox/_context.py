"""A classic build's context: read once, written anew, so that the engine finds the very Dockerfile that was judged."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import posixpath
import tarfile
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from tutor.sandbox.policy import Refused

MAX_CONTEXT = 4 << 30
"""Bytes of a context, unpacked."""

_MAX_FILES = 500_000
_MAX_DOCKERFILE = 1 << 20
_MAX_LINKS = 40
_BLOCK = 512
_PACKED: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
_ZSTD = b"\x28\xb5\x2f\xfd"
_KINDS = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE,
                    tarfile.FIFOTYPE})  # fmt: skip


def rewrite(source: BinaryIO, room: BinaryIO, target: BinaryIO, dockerfile: str) -> str:
    """Copy a context, and read its Dockerfile.

    Args:
        source: The archive that the client sent; plain or compressed.
        room: An empty file to unpack it in.
        target: Gets a plain archive of the same files.
        dockerfile: The Dockerfile's path in it; empty for the default.

    Returns:
        The Dockerfile's text; empty where there is none, which the engine says in its own words.

    Raises:
        Refused: It is no such archive, too large, or holds what two readers could unpack in two ways.
    """
    try:
        plain = _unpack(source, room)
        with (
            tarfile.open(fileobj=plain, mode="r:") as old,
            tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as new,
        ):
            table = _copy(old, new)
            info = _find(table, dockerfile)
            content = old.extractfile(info) if info is not None and info.size <= _MAX_DOCKERFILE else None
            if info is not None and content is None:
                raise Refused("The Dockerfile is larger than 1 MiB.", 413)
            return content.read().decode("utf-8", "replace") if content is not None else ""
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError, ValueError) as error:
        raise Refused(f"The build's context is no archive that the sandbox can read: {error}", 400) from None


def _unpack(source: BinaryIO, room: BinaryIO) -> BinaryIO:
    source.seek(0)
    magic = source.read(6)
    source.seek(0)
    if magic.startswith(_ZSTD):
        raise Refused("The sandbox does not read contexts packed with zstd; use gzip, or no compression.", 400)
    reader = next((reader for start, reader in _PACKED.items() if magic.startswith(start)), None)
    if reader is not None:
        with reader(source) as packed:
            size = 0
            while part := packed.read(1 << 20):
                size += len(part)
                if size > MAX_CONTEXT:
                    raise _too_large()
                room.write(part)
        source = room
    # The docker command leaves out an archive's last blocks where it has put a Dockerfile in, as Go's reader allows.
    source.seek(0, os.SEEK_END)
    source.write(bytes(-source.tell() % _BLOCK + 2 * _BLOCK))
    source.seek(0)
    return source


def _too_large() -> Refused:
    return Refused("The build's context is too large for a lab; leave out with .dockerignore what is not needed.", 413)


def _copy(old: tarfile.TarFile, new: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    table: dict[str, tarfile.TarInfo] = {}
    size = 0
    for info in old:
        name = _clean(info.name)
        size += info.size
        if size > MAX_CONTEXT or len(table) >= _MAX_FILES:
            raise Refused(
                "The build's context is too large for a lab; leave out with .dockerignore what is not needed.", 413
            )
        if info.type not in _KINDS:
            raise Refused(f"The build's context holds {name}, which is no file, folder or link.", 400)
        if name in table and not (table[name].isdir() and info.isdir()):
            raise Refused(f"The build's context holds {name} twice.", 400)
        parent = posixpath.dirname(name)
        while parent:
            if parent in table and not table[parent].isdir():
                raise Refused(f"The build's context holds {name}, and {parent} is no folder.", 400)
            parent = posixpath.dirname(parent)
        info.name = name
        if info.islnk():
            info.linkname = _clean(info.linkname)
        # The long forms of these are written anew where they are needed.
        info.pax_headers = {key: value for key, value in info.pax_headers.items() if key.startswith("SCHILY.xattr.")}
        table[name] = info
        new.addfile(info, old.extractfile(info) if info.isreg() else None)
    return table


def _clean(name: str) -> str:
    if "\0" in name or ".." in name.split("/"):
        raise Refused("The build's context has a file outside of its own folder.", 400)
    return posixpath.normpath("/" + name).lstrip("/") or "."


def _find(table: dict[str, tarfile.TarInfo], dockerfile: str) -> tarfile.TarInfo | None:
    info = _follow(table, dockerfile or "Dockerfile")
    if info is None and dockerfile in {"", "Dockerfile"}:
        info = _follow(table, "dockerfile")
    return info


def _follow(table: dict[str, tarfile.TarInfo], path: str) -> tarfile.TarInfo | None:
    """The regular file at a path, symbolic links followed inside of the context."""
    here: list[str] = []
    ahead = path.split("/")[::-1]
    links = 0
    while ahead:
        part = ahead.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            del here[-1:]
            continue
        info = table.get("/".join([*here, part]))
        if info is not None and info.issym():
            links += 1
            if links > _MAX_LINKS:
                return None
            if info.linkname.startswith("/"):
                here = []
            ahead += info.linkname.split("/")[::-1]
        else:
            here.append(part)
    found = table.get("/".join(here))
    while found is not None and found.islnk() and links <= _MAX_LINKS:
        links += 1
        found = table.get(found.linkname)
    return found if found is not None and found.isreg() else None
