"""The few calls that labs, the sandbox and the fronts need: what `tutor.engine.images` offers under its own name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tutor.engine.connect import Engine
from tutor.engine.images.catalogue_file import Catalogue, load_catalogue
from tutor.engine.images.progress import Report, silent
from tutor.engine.images.pull import pull
from tutor.engine.images.state import held


def catalogue(path: Path | None = None) -> Catalogue:
    """The images by role.

    Args:
        path: A catalogue file; the shipped one for None, which is read once.

    Raises:
        CourseErrors: A Problem that names every error with its file, line and column.
    """
    return _shipped() if path is None else load_catalogue(path)


def resolve(role: str) -> str:
    """The reference of a role, as labs write it.

    Raises:
        Problem: `unknown-image`.
    """
    return catalogue()[role].reference


def reference_variables() -> dict[str, str]:
    """Role → reference: the values of `${image.ROLE}`."""
    return catalogue().references()


def missing(engine: Engine, roles: Iterable[str] | None = None) -> list[str]:
    """Which of these roles' images the engine lacks; those that only the mirror keeps are never missing.

    Args:
        engine: Where to look.
        roles: Roles; all of them for None.

    Raises:
        Problem: `unknown-image`, `engine-gone`.
    """
    wanted = [image for image in catalogue().select(roles) if not image.mirror_only]
    return [one.image.role for one in held(engine, wanted) if not one.here]


def ensure(engine: Engine, roles: Iterable[str], progress: Report = silent) -> list[str]:
    """Pull what is missing, in order.

    Args:
        engine: Where to.
        roles: What is needed.
        progress: Takes a `Step` at a time.

    Returns:
        The roles that were pulled.

    Raises:
        Problem: `unknown-image`, `no-registry`, `rate-limited`, `not-in-registry`, `disk-full`, `pull-failed`,
            `engine-gone`; what was pulled before stays.
    """
    lacking = missing(engine, roles)
    for role in lacking:
        pull(engine, catalogue()[role], progress)
    return lacking


@cache
def _shipped() -> Catalogue:
    return load_catalogue()
