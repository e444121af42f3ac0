"""A registry on loopback, filled with the catalogue's images: `docker pull nginx` then works without the Internet.

The engine pushes an image once; further tags are set by the registry's HTTP API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tutor.engine.connect import Engine
from tutor.engine.images import state as image_state
from tutor.engine.images.catalogue_file import Catalogue, Image
from tutor.engine.images.progress import Report, Step, silent
from tutor.engine.images.pull import PATIENCE, pull
from tutor.engine.images.recipe_build import build
from tutor.engine.images.recipes import digests
from tutor.engine.images.registry_api import Manifest, Registry
from tutor.engine.images.state import Held, held
from tutor.problems import Problem


def mirrored(registry: Registry, catalogue: Catalogue, found: Mapping[str, Held]) -> set[str]:
    """The roles that are kept in the mirror only, and that it has as their recipes say.

    One that came from a registry has no recipe's label, and is right.
    """
    want = digests(catalogue, found)
    right = set()
    for image in catalogue:
        if image.mirror_only and (manifest := registry.manifest(image.path, image.tag)):
            labels = registry.labels(image.path, manifest)
            if labels.get(image_state.RECIPE, want[image.role]) == want[image.role]:
                right.add(image.role)
    return right


def obtain(engine: Engine, catalogue: Catalogue, image: Image, report: Report = silent) -> None:
    """Have an image that only the mirror keeps on the engine for a while: by recipe where the others came from one.

    Raises:
        Problem: As for building and pulling.
    """
    if any(one.ours for one in held(engine, catalogue)):
        build(engine, catalogue, [image.role], report)
    else:
        pull(engine, image, report)


def fill(
    engine: Engine,
    catalogue: Catalogue,
    registry: Registry,
    report: Report = silent,
    roles: Iterable[str] | None = None,
) -> list[str]:
    """Put images into the registry under all their tags. What it has already takes milliseconds.

    Args:
        engine: Holds the images, and can reach the registry at the same loopback address.
        catalogue: The images.
        registry: Takes them.
        report: Takes progress.
        roles: Which of them; for None all that are there.

    Returns:
        The roles whose images were pushed or whose tags were set.

    Raises:
        Problem: `image-missing`, `no-registry`, `push-failed`, `engine-gone`.
    """
    chosen = catalogue.select(roles)
    found = {one.image.role: one for one in held(engine, catalogue)}
    lacking = [image.role for image in chosen if not image.mirror_only and not found[image.role].here]
    if lacking:
        raise Problem(
            f"Not on the engine: {', '.join(lacking)}.",
            "Get them with `docker tutor images pull` or `docker tutor images build`, then call again.",
            code="image-missing",
        )
    right = mirrored(registry, catalogue, found)
    changed = []
    for image in chosen:
        if image.mirror_only and image.role in right:
            source = registry.manifest(image.path, image.tag)
        else:
            if image.mirror_only:
                obtain(engine, catalogue, image, report)
            source, pushed = _pushed(engine, registry, held(engine, [image])[0], report)
            changed += [image.role] if pushed else []
        for tag in image.tags[1:]:
            there = registry.manifest(image.path, tag)
            if source and (there is None or there.digest != source.digest):
                registry.set_tag(image.path, tag, source)
                changed += [image.role]
        if image.mirror_only:
            _leave(engine, image.local)
    return list(dict.fromkeys(changed))


def _pushed(engine: Engine, registry: Registry, one: Held, report: Report) -> tuple[Manifest | None, bool]:
    """The manifest of an image in the registry, pushed if need be, and whether it was."""
    from docker.errors import APIError

    image = one.image
    there = registry.manifest(image.path, image.tag)
    if there and one.id in (there.config, there.digest):
        return there, False
    name = f"{registry.address}/{image.path}"
    report(Step(image.reference, "pushing"))
    with engine.fresh(timeout=PATIENCE) as patient, patient.guard():
        try:
            patient.api.tag(image.local, name, image.tag)
            try:
                for event in patient.api.push(name, tag=image.tag, stream=True, decode=True):
                    _follow(image, event, report)
            finally:
                _leave(engine, f"{name}:{image.tag}")
        except APIError as error:
            raise _failed(image, str(error.explanation or error)) from error
    report(Step(image.reference, "pushing", finished="in the mirror"))
    return registry.manifest(image.path, image.tag), True


def _follow(image: Image, event: dict[str, Any], report: Report) -> None:
    if "error" in event:
        raise _failed(image, str(event["error"]))
    detail = event.get("progressDetail") or {}
    if detail.get("total"):
        report(Step(image.reference, "pushing", int(detail.get("current", 0)), int(detail["total"])))


def _failed(image: Image, said: str) -> Problem:
    return Problem(
        f"{image.reference} could not be put into the mirror: {said.strip()}",
        "The engine has to run on the same machine as the registry.",
        code="push-failed",
    )


def _leave(engine: Engine, name: str) -> None:
    """Take a name off the engine; the image goes with its last one."""
    from docker.errors import APIError, ImageNotFound

    with engine.guard():
        try:
            engine.api.remove_image(name, noprune=True)
        except ImageNotFound:
            return
        except APIError as error:
            raise Problem(
                f"The engine keeps {name}: {error.explanation or error}",
                "Remove the containers that use it.",
                code="image-in-use",
            ) from error
