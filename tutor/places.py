"""Where things are kept: what is shipped, what is remembered, what lives as long as a lab.

`DOCKER_TUTOR_HOME` puts everything that is written under one folder. Without it the platform's
own folders are used (https://platformdirs.readthedocs.io).
"""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import platformdirs

from tutor.problems import Problem

_APP = "docker-tutor"


@cache
def shipped() -> Path:
    """The folder that holds `lessons/` and `labs/`: in the wheel, or the checkout's top."""
    package = Path(__file__).parent
    inside = package / "_shipped"
    return inside if inside.is_dir() else package.parent


def lessons() -> Path:
    """The course that comes with the tutor."""
    return shipped() / "lessons"


def labs() -> Path:
    """Image recipes and the files that labs start from."""
    return shipped() / "labs"


def data() -> Path:
    """Where the journal, open labs and settings are kept; made on first use, mode 0700."""
    home = _home()
    return _private(home / "data" if home else Path(platformdirs.user_data_dir(_APP)))


def cache_folder() -> Path:
    """What may be lost without harm; made on first use."""
    home = _home()
    return _private(home / "cache" if home else Path(platformdirs.user_cache_dir(_APP)))


def runtime() -> Path:
    """Sockets: short (a socket's path has room for about 100 bytes), mode 0700, gone after a restart.

    Raises:
        Problem: `no-folder`, `foreign-folder`; so do `data` and `cache_folder`.
    """
    home = _home()
    if home and len(str(home)) < 50:
        return _private(home / "run")
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and len(base) < 50 and Path(base).is_dir():
        return _private(Path(base) / _APP)
    temporary = tempfile.gettempdir()
    return _private(Path(temporary if len(temporary) < 30 else "/tmp") / f"{_APP}-{os.getuid()}")


def _home() -> Path | None:
    value = os.environ.get("DOCKER_TUTOR_HOME")
    return Path(value).expanduser().absolute() if value else None


def _private(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner = folder.stat().st_uid
    except OSError as error:
        raise Problem(
            f"The folder {folder} cannot be made ({error.strerror or error}).",
            "Make room or give yourself the right, or name another with DOCKER_TUTOR_HOME.",
            code="no-folder",
        ) from error
    if owner != os.getuid():
        raise Problem(
            f"The folder {folder} belongs to another user.",
            f"Take it back (sudo chown -R $USER {folder}), or name another with DOCKER_TUTOR_HOME.",
            code="foreign-folder",
        )
    return folder
