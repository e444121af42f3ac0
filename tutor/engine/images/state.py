"""Which of the catalogue's images the engine holds, and where they came from."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutor import places
from tutor.engine.connect import Engine
from tutor.engine.images.catalogue_file import Image

# What marks an image that was built from a recipe. Images that a learner builds on one inherit its labels:
# what belongs to the catalogue is told by the reference first, and by these second.
ROLE = "docker-tutor.image"
RECIPE = "docker-tutor.recipe"
STAND_IN = "docker-tutor.stand-in"
_LAB = "docker-tutor.lab"

BUILT = "built here"
PULLED = "registry"
PACKED = "pack"
OWN = "your own"


@dataclass(frozen=True)
class Held:
    """One image of the catalogue on an engine.

    Attributes:
        image: Its entry.
        id: The engine's id of it; None when it is missing.
        size: Bytes on the engine.
        origin: `built here` (by a recipe), `registry` (pulled), `pack` (loaded from one; without a recipe) or
            `your own` (none of these: never touched).
        recipe: Digest of the recipe it was built from.
        stand_in: What it stands in for; empty when it is the real one.
    """

    image: Image
    id: str | None = None
    size: int = 0
    origin: str = ""
    recipe: str = ""
    stand_in: str = ""

    @property
    def here(self) -> bool:
        """Whether the engine has it."""
        return self.id is not None

    @property
    def ours(self) -> bool:
        """Whether a recipe made it, so that a newer recipe may replace it."""
        return self.origin == BUILT

    @property
    def replaceable(self) -> bool:
        """Whether a pack may put its own in the place: nothing is there, or what the tutor put there."""
        return not self.here or self.origin in (BUILT, PACKED)


def held(engine: Engine, images: Iterable[Image]) -> list[Held]:
    """Look the images up, in one call.

    Raises:
        Problem: `engine-gone`.
    """
    with engine.guard():
        listed: list[dict[str, Any]] = engine.api.images()
    return sort_out(listed, images, packed_ids())


def sort_out(listed: list[dict[str, Any]], images: Iterable[Image], packed: Collection[str] = ()) -> list[Held]:
    """Match the engine's list of images with the catalogue's (pure).

    Args:
        listed: What `GET /images/json` answers.
        images: What is looked for.
        packed: Ids of images that were loaded from packs.
    """
    by_tag = {tag: entry for entry in listed for tag in entry.get("RepoTags") or ()}
    return [_one(image, by_tag.get(image.local), packed) for image in images]


def let_go(engine: Engine, id_: str) -> None:
    """Remove an image that was replaced and has no name any more; a container that uses it keeps it."""
    from docker.errors import APIError

    with engine.guard(), contextlib.suppress(APIError):
        if not any(entry["Id"] == id_ and entry.get("RepoTags") for entry in engine.api.images()):
            engine.api.remove_image(id_, noprune=True)


def packed_ids() -> set[str]:
    """Ids of images that were loaded from packs on this machine; a file that is missing or damaged counts as none."""
    with contextlib.suppress(OSError, ValueError):
        return {id_ for id_ in json.loads(_packed_file().read_text(encoding="utf-8")) if isinstance(id_, str)}
    return set()


def remember_packed(ids: Iterable[str]) -> None:
    """Remember that these came from a pack, so that they do not count as the learner's own."""
    fresh = _packed_file().with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(sorted(packed_ids() | set(ids))), encoding="utf-8")
    fresh.replace(_packed_file())


def _packed_file() -> Path:
    return places.data() / "images-packed.json"


def _one(image: Image, entry: dict[str, Any] | None, packed: Collection[str]) -> Held:
    if entry is None:
        return Held(image)
    labels: dict[str, str] = entry.get("Labels") or {}
    built = labels.get(ROLE) == image.role and RECIPE in labels and _LAB not in labels
    pulled = any(digest.partition("@")[0] == image.repository for digest in entry.get("RepoDigests") or ())
    return Held(
        image,
        id=entry["Id"],
        size=int(entry.get("Size") or 0),
        origin=BUILT if built else PULLED if pulled else PACKED if entry["Id"] in packed else OWN,
        recipe=labels[RECIPE] if built else "",
        stand_in=labels.get(STAND_IN, "") if built else "",
    )
