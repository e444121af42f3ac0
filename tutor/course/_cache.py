"""The shipped course, read once and kept: parsing 26 long chapters takes some 60 ms, this takes a tenth of it.

The kept copy is known by a hash of every course file and of the code that reads them, so it is never out of date;
whatever is wrong with it, the course is read again. Losing it costs nothing.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec

from tutor import places
from tutor.course.models import Course
from tutor.problems import Problem

_CODE = ("models.py", "expectations.py", "reading.py", "_fast.py", "_scalars.py", "_cache.py")
_SIZE = 32


def key(folder: Path) -> bytes | None:
    """What the course's files and the code that reads them add up to; None when they cannot be read."""
    digest = hashlib.blake2b(digest_size=_SIZE)
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
        for path in (*files, *(Path(__file__).with_name(name) for name in _CODE)):
            content = path.read_bytes()
            digest.update(f"{path.name}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
            digest.update(content)
    except OSError:
        return None
    return digest.digest()


def load(known: bytes) -> Course | None:
    """The kept course of this key, if there is one."""
    try:
        content = _file().read_bytes()
        head, body = content[: 2 * _SIZE], content[2 * _SIZE :]
        if head != known + _sum(body):
            return None
        return msgspec.msgpack.decode(body, type=Course)
    except (OSError, Problem, msgspec.MsgspecError, ValueError):
        return None


def keep(known: bytes, course: Course) -> None:
    """Keep a course for the next start; where that is not possible, nothing is lost."""
    body = msgspec.msgpack.encode(course)
    with suppress(OSError, Problem):
        file = _file()
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".course-")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(known + _sum(body) + body)
            Path(name).replace(file)
        except OSError:
            Path(name).unlink(missing_ok=True)


def _file() -> Path:
    return places.cache_folder() / "course.msgpack"


def _sum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_SIZE).digest()
