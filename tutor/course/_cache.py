"""The shipped course, read once and kept: parsing 26 long chapters takes some 60 ms, this takes a tenth of it.

The kept copies, of the course and of its table of contents, are known by what the system tells of every course file and
of the code that reads them: size, and times of content and inode in nanoseconds. Every write changes the latter, also
one that sets the former back, so a copy is never out of date (Python knows its own compiled files by less). Whatever is
wrong with it, the course is read again. Losing it costs nothing.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tutor import places
from tutor.course.contents import Contents
from tutor.problems import Problem

if TYPE_CHECKING:
    from tutor.course.models import Course

_CODE = (
    "_cache.py",
    "_fast.py",
    "_scalars.py",
    "contents.py",
    "expectations.py",
    "identity.py",
    "models.py",
    "reading.py",
    "tasks.py",
)
_COURSE = "course.msgpack"
_CONTENTS = "contents.msgpack"


def key(folder: Path) -> bytes | None:
    """What the course's files and the code that reads them are known by; None when nobody can tell."""
    try:
        with os.scandir(folder) as entries:
            files = sorted(entry.path for entry in entries if entry.name.endswith((".yaml", ".yml")))
        here = os.path.dirname(__file__)  # noqa: PTH120 - this is done at every start, and Path takes ten times as long
        told = [(name, os.stat(name)) for name in (*files, *(f"{here}/{name}" for name in _CODE))]  # noqa: PTH116
    except OSError:
        return None
    return msgspec.msgpack.encode([(name, one.st_size, one.st_mtime_ns, one.st_ctime_ns) for name, one in told])


def course(known: bytes) -> Course | None:
    """The kept course of this key, if there is one."""
    # Imported here: its many types take a while, and not everybody wants the texts.
    from tutor.course.models import Course

    with suppress(msgspec.MsgspecError):
        return msgspec.msgpack.decode(_body(_COURSE, known), type=Course)
    return None


def contents(known: bytes) -> Contents | None:
    """The kept table of contents of this key, if there is one."""
    with suppress(msgspec.MsgspecError):
        return msgspec.msgpack.decode(_body(_CONTENTS, known), type=Contents)
    return None


def keep(known: bytes, course: Course, contents: Contents) -> None:
    """Keep a course for the next start; where that is not possible, nothing is lost."""
    _keep(_COURSE, known, course)
    _keep(_CONTENTS, known, contents)


def _body(name: str, known: bytes) -> bytes:
    """What is kept under a name; nothing where it is not of this key."""
    try:
        content = (places.cache_folder() / name).read_bytes()
    except (OSError, Problem):
        return b""
    head, body = content[: len(known) + 4], content[len(known) + 4 :]
    return body if head == known + _sum(body) else b""


def _keep(name: str, known: bytes, value: object) -> None:
    body = msgspec.msgpack.encode(value)
    with suppress(OSError, Problem):
        file = places.cache_folder() / name
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{name}-")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(known + _sum(body) + body)
            Path(temporary).replace(file)
        except OSError:
            Path(temporary).unlink(missing_ok=True)


def _sum(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(4, "big")
