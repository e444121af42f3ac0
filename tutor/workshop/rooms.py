"""The rooms that were hosted on this machine: a folder each, for its log and the instructor's secret (mode 0600)."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
from pathlib import Path

import msgspec

from tutor import places
from tutor.problems import Problem


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """What an instructor needs: the file that it is in must stay theirs.

    Attributes:
        room: The room's id.
        title: Its title.
        link: Where its hub serves or served last.
        secret: Proves that one is an instructor.
        port: The hub's port, taken again when the room is hosted again.
    """

    room: str
    title: str
    link: str = ""
    secret: str
    port: int = 0


class Here:
    """One room of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "room.sqlite3"
        self.keys_file = folder / "instructor.json"

    @property
    def keys(self) -> Keys:
        """Its keys.

        Raises:
            Problem: `no-keys`.
        """
        return read_keys(self.keys_file)

    def keep(self, keys: Keys) -> None:
        """Write its keys."""
        write_keys(self.keys_file, keys)

    def erase(self) -> None:
        """Remove the room, its log and its keys."""
        shutil.rmtree(self.folder, ignore_errors=True)


def new(title: str, room: str = "") -> Here:
    """A room with a fresh secret.

    Raises:
        Problem: `bad-room` when its id has other characters than letters, digits and hyphens.
    """
    identity = room or f"r{secrets.token_hex(4)}"
    if not re.fullmatch(r"[A-Za-z0-9-]{1,40}", identity):
        raise Problem("A room's name has letters, digits and hyphens only.", code="bad-room", status=2)
    here = Here(_folder() / identity)
    here.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    here.keep(Keys(room=identity, title=title, secret=secrets.token_urlsafe(32)))
    return here


def with_secret(room: str, title: str, file: Path) -> Here:
    """A room whose secret is in a file, as hubs that share a room have it.

    Raises:
        Problem: `no-keys` when the file cannot be read or is empty; `no-room` when the room has no name.
    """
    secret = _secret(file)
    if not room:
        raise Problem("Hubs that share a room need its name.", "Add --room NAME.", code="no-room", status=2)
    here = new(title, room)
    here.keep(msgspec.structs.replace(here.keys, secret=secret))
    return here


def keys_of(link: str, file: Path) -> Keys:
    """The keys of a hub elsewhere whose secret is in a file.

    Raises:
        Problem: As `with_secret`; `no-link`.
    """
    from tutor.workshop.links import read_link

    return Keys(room="", title="", link=read_link(link)[0], secret=_secret(file))


def _secret(file: Path) -> str:
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Problem(f"{file} cannot be read ({error.strerror}).", code="no-keys", status=2) from error
    if len(secret) < 16:
        raise Problem(f"The secret in {file} is too short.", "Take 32 random letters.", code="no-keys", status=2)
    return secret


def every() -> list[Here]:
    """All rooms of this machine, the one that was used last first."""
    found = [Here(path.parent) for path in _folder().glob("*/instructor.json")]
    return sorted(found, key=lambda here: here.keys_file.stat().st_mtime, reverse=True)


def find(room: str = "") -> Here:
    """A room by its id, or the one that was used last.

    Raises:
        Problem: `no-room`.
    """
    for here in every():
        if room in ("", here.folder.name):
            return here
    raise Problem(
        f"There is no room {room} on this machine." if room else "No workshop was hosted on this machine.",
        "See: docker tutor workshop rooms" if room else "Start one: docker tutor workshop host",
        code="no-room",
    )


def read_keys(path: Path) -> Keys:
    """The keys in a file.

    Raises:
        Problem: `no-keys` when it cannot be read; `keys-open` when others could read it too.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_bytes()
    except OSError as error:
        raise Problem(f"The instructor's file {path} cannot be read ({error.strerror}).", code="no-keys") from error
    if mode & 0o077:
        raise Problem(
            f"Others can read the instructor's file {path}.",
            f"Make it yours alone: chmod 600 {path}",
            code="keys-open",
        )
    try:
        return msgspec.json.decode(text, type=Keys)
    except msgspec.DecodeError as error:
        raise Problem(f"{path} is no instructor's file.", code="no-keys") from error


def write_keys(path: Path, keys: Keys) -> None:
    """Write keys into a file of mode 0600 that never was readable by others."""
    fresh = path.with_suffix(f".{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(keys))
    fresh.replace(path)


def address() -> str:
    """This machine's address in its network; loopback where it has none.

    Connecting a datagram socket sends nothing; it only lets the kernel choose the address
    (https://man7.org/linux/man-pages/man7/udp.7.html).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _folder() -> Path:
    return places.data() / "rooms"
