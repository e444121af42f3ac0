"""Mounts below a folder, and whether a folder can hold layers. Linux only."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import tempfile
from pathlib import Path

_DETACH = 2


def below(folder: Path, table: Path = Path("/proc/self/mountinfo")) -> list[Path]:
    """Mount points below a folder (or the folder itself), deepest first."""
    found = []
    for line in table.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        # Spaces and the like are written in octal: https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), line.split()[4]))
        if point == folder or folder in point.parents:
            found.append(point)
    return sorted(found, key=lambda point: (len(point.parts), found.index(point)), reverse=True)


def unmount_below(folder: Path) -> int:
    """Unmount everything below a folder (or on it), also what is still in use.

    Returns:
        How many mounts there were.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    points = below(folder)
    for point in points:
        libc.umount2(os.fsencode(point), _DETACH)
    return len(points)


def holds_overlay(folder: Path) -> bool:
    """Whether an overlay can be mounted with its layers in this folder: tried, in a mount namespace of its own."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".overlay-", dir=folder) as name:
            top = Path(name)
            for part in ("lower", "upper", "work", "merged"):
                (top / part).mkdir()
            options = f"lowerdir={top}/lower,upperdir={top}/upper,workdir={top}/work"
            script = 'mount -t overlay overlay -o "$1" "$2" && : > "$2/file"'
            argv = [
                "unshare",
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                script,
                "sh",
                options,
                f"{top}/merged",
            ]
            return subprocess.run(argv, capture_output=True, check=False, timeout=20).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False
