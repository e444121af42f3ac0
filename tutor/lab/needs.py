"""What a chapter or a step needs beside the engine itself, and whether it is there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tutor.course.models import Chapter, Need
from tutor.engine import privileged
from tutor.lab import open_labs
from tutor.lab.session import setup as session_setup
from tutor.problems import Problem
from tutor.sandbox import swarm_mode
from tutor.sandbox.objects import version
from tutor.sandbox.sourcepolicy import POLICY_API

if TYPE_CHECKING:
    from tutor.engine.connect import Engine

_LIMIT = 30
"""Seconds in which a plugin of the docker command has to tell its version."""

_NAMES: dict[Need, str] = {
    "compose": "Docker Compose",
    "buildx": "buildx",
    "swarm": "Swarm mode",
    "buildkit": "BuildKit",
    "privileged": "privileged containers",
}

NOT_PRIVILEGED = "This engine cannot start privileged containers: it has not all capabilities itself."
_SMALL = "shell"
"""Role of the image that a container is tried with."""

# What was found once stays: only what is missing may come while the tutor runs.
_found: set[tuple[str, Need]] = set()


def missing(engine: Engine, need: Need) -> str:
    """Why something that is needed is not there, in a sentence; empty when it is.

    Raises:
        Problem: `engine-gone`.
    """
    known = (engine.address.host, need)
    if need == "swarm":
        # An engine enters and leaves swarms, so it is asked each time.
        with engine.guard():
            api: Any = engine.api
            return swarm_mode.obstacle(api.info(), api.containers(), open_labs.installation())
    if known in _found:
        return ""
    if need in {"buildkit", "buildx"} and not builds_by_buildkit(engine):
        return f"Engine {engine.version.engine} is older than 24: labs build with its other builder there."
    if need == "buildkit":
        return ""
    if need == "privileged":
        if not privileged.can_start(engine, session_setup.catalogue()[_SMALL].reference):
            return NOT_PRIVILEGED
        _found.add(known)
        return ""
    environment = {**os.environ, **engine.address.environment()}
    words = ["docker", need, "version"]
    try:
        done = subprocess.run(
            words, env=environment, capture_output=True, timeout=_LIMIT, stdin=subprocess.DEVNULL, check=False
        )
    except FileNotFoundError:
        return "The docker command is not installed."
    except subprocess.TimeoutExpired:
        return f"`{' '.join(words)}` does not answer."
    if done.returncode:
        return f"`docker {need}` is not installed."
    _found.add(known)
    return ""


def builds_by_buildkit(engine: Engine) -> bool:
    """Whether labs build with BuildKit: where it can be told which images a lab may read."""
    return version(engine.version.api) >= POLICY_API


def lacking(engine: Engine, needs: Iterable[Need], what: str) -> str:
    """What is missing, in words: `This step needs Docker Compose. …`; empty when all is there.

    Args:
        what: What needs it: `chapter`, `step`.

    Raises:
        Problem: `engine-gone`.
    """
    for need in needs:
        if reason := missing(engine, need):
            return f"This {what} needs {_NAMES[need]}. {reason}"
    return ""


def require(engine: Engine, chapter: Chapter) -> None:
    """Make sure that all is there that a chapter needs.

    Raises:
        Problem: `missing-need`; `engine-gone`.
    """
    if words := lacking(engine, chapter.needs, "chapter"):
        raise Problem(
            words, "See `docker tutor doctor` for what to install, or go on with another chapter.", code="missing-need"
        )
