"""Which labs are open: a record for each in its own folder, and a lock that tells whether somebody serves it.

A lab's folder is `places.data()/labs/<lab id>/`. Its record `lab.json` is written before anything is made on the
engine and removed after everything is gone, so whatever happens in between, the next start knows what to clean up
or to go on with. A process that serves a lab holds a lock on `lab.lock`; the system drops it when the process dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from tutor import places
from tutor.problems import Problem
from tutor.sandbox.receipt import Census

_RECORD = "lab.json"
_LOCK = "lab.lock"
_LAB_ID = re.compile(r"[0-9]{2}-[0-9a-f]{6}")


class OpenLab(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an open lab.

    Attributes:
        lab: Its id, such as `22-3fa9c1`.
        chapter: The chapter's number. `section`: id of its lab section; empty for a prediction or a question.
        engine: Address of the engine, in the form of DOCKER_HOST.
        names, ports, images: What the lesson's variables are bound to.
        catalogue: References of the images that every lab may use and none may change.
        census: How much was on the engine that is not the lab's, when it opened.
        files: The folder that its workspace is filled from; empty for none.
        keep: Whether its learner may go on with it; a prediction's, a question's and a proof's lab is only closed.
        step: Id of the step that was begun last; empty before the first. `began`: when its learner could start,
            in seconds since the epoch.
        opened: Seconds since the epoch.
        pid: The process that served it last.
        swarm: It has the engine in Swarm mode; true also where the record is lost and nobody knows.
        state: `closing` once its removal has begun: it can only be closed then.
    """

    lab: str
    chapter: int
    section: str = ""
    engine: str = ""
    names: dict[str, str] = {}
    ports: dict[str, int] = {}
    images: dict[str, str] = {}
    catalogue: tuple[str, ...] = ()
    census: Census | None = None
    files: str = ""
    keep: bool = True
    step: str = ""
    began: float = 0.0
    opened: float = 0.0
    pid: int = 0
    swarm: bool = False
    state: Literal["opening", "open", "closing"] = "opening"
    format: int = 1


def installation() -> str:
    """The id of this installation of the tutor, made on first use; labels say with it whose objects a lab's are.

    Raises:
        Problem: `cannot-write`, when the disk is full or may not be written.
    """
    path = places.data() / "installation"
    with _alone(".installation"):
        if not path.is_file() or not (known := path.read_text("ascii", "replace").strip()):
            known = secrets.token_hex(8)
            place(path, f"{known}\n".encode())
    return known


def new_id(chapter: int) -> str:
    """A lab id that no open lab has: file-name, label and DNS safe."""
    while True:
        lab = f"{chapter:02d}-{secrets.token_hex(3)}"
        if not folder(lab).exists():
            return lab


def root() -> Path:
    """The folder of all open labs; made on first use."""
    path = places.data() / "labs"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def folder(lab: str) -> Path:
    """The folder of one lab.

    Raises:
        Problem: `bad-lab-id`, for what can be no lab id.
    """
    if not _LAB_ID.fullmatch(lab):
        raise Problem(f"`{lab}` is not a lab id.", "A lab id looks like 22-3fa9c1.", code="bad-lab-id")
    return root() / lab


def write(record: OpenLab) -> None:
    """Keep a record; after a crash the old one or the new one is there, never half of one.

    Raises:
        Problem: `cannot-write`, when the disk is full or may not be written.
    """
    place(folder(record.lab) / _RECORD, msgspec.json.encode(record))


def place(path: Path, content: bytes) -> None:
    """Write a file in one piece, on disk when this returns.

    Raises:
        Problem: `cannot-write`, when the disk is full or may not be written.
    """
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise Problem(
            f"{path} cannot be written: {error.strerror or error}.",
            "Make room or give yourself the right to write there; nothing that was there is lost.",
            code="cannot-write",
        ) from error


def read(lab: str) -> OpenLab | None:
    """The record of an open lab; None when there is none that can be read."""
    try:
        return msgspec.json.decode((folder(lab) / _RECORD).read_bytes(), type=OpenLab)
    except (OSError, msgspec.MsgspecError):
        return None


def every() -> tuple[OpenLab, ...]:
    """All open labs, the latest first.

    A folder whose record is gone or damaged counts as a lab that can only be closed: its id is its name.
    """
    found = []
    for path in root().iterdir():
        if _LAB_ID.fullmatch(path.name) and path.is_dir():
            found.append(read(path.name) or OpenLab(lab=path.name, chapter=int(path.name[:2]), state="closing"))
    return tuple(sorted(found, key=lambda record: (record.opened, record.lab), reverse=True))


def orphans() -> tuple[OpenLab, ...]:
    """Open labs that nobody serves: left on purpose, or by a tutor that died."""
    return tuple(record for record in every() if not is_served(record.lab))


def find(chapter: int, section: str | None = None) -> OpenLab | None:
    """The latest open lab of a chapter that its learner can go on with.

    Args:
        chapter: The chapter's number.
        section: Id of the lab section; None for any.
    """
    for record in every():
        fits = section is None or record.section == section
        if record.chapter == chapter and fits and record.keep and record.state == "open":
            return record
    return None


def latest(chapter: int | None = None) -> OpenLab:
    """The lab that was opened last and can be worked in.

    Args:
        chapter: Only of this chapter.

    Raises:
        Problem: `no-open-lab`, with exit status 2: it cannot be told.
    """
    for record in every():
        if record.section and record.state == "open" and chapter in (None, record.chapter):
            return record
    raise Problem(
        f"No lab of chapter {chapter} is open." if chapter else "No lab is open.",
        f"Open it: docker tutor shell {chapter or 16}",
        code="no-open-lab",
        status=2,
    )


class Serving:
    """The right to serve a lab, held by one process at a time and dropped by the system when it ends."""

    def __init__(self, lab: str) -> None:
        """Take the right.

        Raises:
            Problem: `lab-in-use`, when another process has it; `no-such-lab`, when there is no such folder.
        """
        self.lab = lab
        path = folder(lab) / _LOCK
        self._handle = -1
        while self._handle < 0:
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            except FileNotFoundError:
                raise no_such_lab(lab) from None
            if not _taken(handle):
                os.close(handle)
                raise in_use(lab)
            # Whoever closed the lab meanwhile has removed the file that was opened here.
            if _same_file(handle, path):
                self._handle = handle
            else:
                os.close(handle)

    def release(self) -> None:
        """Let others serve the lab."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def is_served(lab: str) -> bool:
    """Whether a living process serves the lab."""
    with _alone(".asking"):
        try:
            handle = os.open(folder(lab) / _LOCK, os.O_RDWR)
        except OSError:
            return False
        try:
            return not _locks(handle)
        finally:
            os.close(handle)


def choosing() -> contextlib.AbstractContextManager[None]:
    """Alone while names and ports are chosen, so that two labs that open at once do not choose the same."""
    return _alone(".choosing")


def swarm_mode() -> contextlib.AbstractContextManager[None]:
    """Alone while Swarm mode is entered or left, so that no lab leaves a swarm that another one has begun to use."""
    return _alone(".swarm")


def shares_swarm(lab: str, engine: str) -> bool:
    """Whether a lab that is open on this engine, and is not this one, uses the engine's swarm."""
    return any(
        other.swarm and other.engine == engine and other.lab != lab and other.state != "closing" for other in every()
    )


def forget(lab: str) -> tuple[Path, ...]:
    """Remove a lab's folder, its record last.

    Returns:
        What could not be removed, such as files that a container wrote as another user; the record then stays.
    """
    path = folder(lab)
    for item in _entries(path):
        if item.name in {_RECORD, _LOCK}:
            continue
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                item.unlink()
    left = tuple(item for item in _entries(path) if item.name not in {_RECORD, _LOCK})
    if not left:
        for name in (_RECORD, _LOCK):
            (path / name).unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            path.rmdir()
    return left


def no_such_lab(lab: str) -> Problem:
    """There is no open lab of that id."""
    return Problem(f"No lab {lab} is open.", "See the open ones with: docker tutor labs", code="no-such-lab")


def in_use(lab: str) -> Problem:
    """Another process serves it."""
    record = read(lab)
    who = f" (process {record.pid})" if record and record.pid else ""
    return Problem(
        f"Lab {lab} is open in another terminal{who}.",
        "Go on there, or leave it there first.",
        code="lab-in-use",
    )


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    handle = os.open(root() / name, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    if _locks(handle):
        return True
    # Somebody may only be asking whether the lab is served, which takes the lock for an instant.
    with _alone(".asking"):
        return _locks(handle)


def _locks(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _same_file(handle: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(handle)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def _entries(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except FileNotFoundError:
        return []
