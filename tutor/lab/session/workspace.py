"""The learner's working directory: filled from the lesson's files, watched by a digest, cleared for a fresh start."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from tutor.problems import Problem

_ENTRIES = 2000
"""Files that a digest looks at; a lesson's workspace has a handful."""

_READ = 1 << 20
"""Bytes of a file that enter a digest; of a larger one its size and time do."""


def fill(workspace: Path, source: Path | None) -> None:
    """Make the workspace and put the lesson's files into it.

    Args:
        workspace: The folder; what is in it already stays.
        source: Folder to copy from; None for an empty workspace.

    Raises:
        Problem: `no-files`, when the lesson's folder is not there; `cannot-write`.
    """
    try:
        # Containers see the folder by itself, whatever the folders above let through: as root, and as others.
        workspace.mkdir(parents=True, exist_ok=True)
        workspace.chmod(0o755)
        if source is None:
            return
        if not source.is_dir():
            raise Problem(
                f"The lab's files are not there: {source}.",
                "The course is incomplete; install it again.",
                code="no-files",
            )
        shutil.copytree(source, workspace, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".keep"))
        for path in (workspace, *_walk(workspace)):
            # An installed package may be read-only to the learner; a workspace is not.
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IRUSR | stat.S_IWUSR | (stat.S_IXUSR * path.is_dir()))
    except OSError as error:
        raise Problem(
            f"The lab's files cannot be put into {workspace}: {error.strerror or error}.",
            "Make room or give yourself the right to write there.",
            code="cannot-write",
        ) from error


def clear(workspace: Path) -> tuple[Path, ...]:
    """Remove what is in the workspace and keep the folder itself: a shell may be standing in it.

    Returns:
        What could not be removed, such as files that a container wrote as another user.
    """
    for path in _entries(workspace):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
    return tuple(_entries(workspace))


def digest(workspace: Path) -> str:
    """A short text that changes when names, modes or contents in the workspace do."""
    seen = hashlib.blake2b(digest_size=12)
    for count, path in enumerate(_walk(workspace)):
        if count >= _ENTRIES:
            break
        seen.update(os.fsencode(path.relative_to(workspace)) + b"\0")
        with contextlib.suppress(OSError):
            seen.update(_content(path))
    return seen.hexdigest()


def glance(workspace: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, sizes and times in the workspace: quick to take, and different after most changes."""
    found = []
    for count, path in enumerate(_walk(workspace)):
        if count >= _ENTRIES:
            break
        with contextlib.suppress(OSError):
            about = path.lstat()
            found.append((str(path), about.st_size, about.st_mtime_ns))
    return tuple(found)


def _content(path: Path) -> bytes:
    about = path.lstat()
    head = f"{stat.S_IFMT(about.st_mode)} {about.st_mode & 0o111} ".encode()
    if stat.S_ISLNK(about.st_mode):
        return head + os.fsencode(path.readlink())
    if not stat.S_ISREG(about.st_mode):
        return head
    if about.st_size > _READ:
        return head + f"{about.st_size} {about.st_mtime_ns}".encode()
    return head + path.read_bytes()


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(_entries(folder)):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
