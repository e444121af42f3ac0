"""Recipes: what each image is made of, told by a digest, and the order in which they are made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from tutor.engine.images.catalogue_file import Catalogue, Image
from tutor.engine.images.state import Held

# Helpers that are lent to every recipe while it is built.
MACHINE = "_machine"


def digests(catalogue: Catalogue, found: Mapping[str, Held]) -> dict[str, str]:
    """What each image would be built from, as a digest by role.

    An image that is on the engine and is not ours stands as the base it is: by its id.

    Args:
        catalogue: The images.
        found: What the engine holds, by role.
    """
    known: dict[str, str] = {}
    for image in in_order(catalogue, catalogue.images):
        base = ""
        if image.build.base:
            below = found.get(image.build.base)
            base = below.id if below and below.id and not below.ours else known[image.build.base]
        known[image.role] = _digest(catalogue.folder / "images", image, base)
    return known


def in_order(catalogue: Catalogue, roles: Iterable[str]) -> list[Image]:
    """The images of these roles and all they are built on, each after its base."""
    ordered: dict[str, Image] = {}

    def add(role: str) -> None:
        image = catalogue[role]
        if image.build.base and image.build.base not in ordered:
            add(image.build.base)
        ordered.setdefault(role, image)

    for role in roles:
        add(role)
    return list(ordered.values())


def to_build(
    catalogue: Catalogue,
    roles: Iterable[str],
    found: Mapping[str, Held],
    *,
    skip: Iterable[str] = (),
    again: bool = False,
) -> list[Image]:
    """What has to be built so that these roles are there as their recipes say, each after its base.

    What the learner or a registry put there stays as it is. A base is built only for what is built on it.

    Args:
        catalogue: The images.
        roles: What is wanted.
        found: What the engine holds, by role.
        skip: Roles that are known to be right although the engine does not hold them (the mirror does).
        again: Build also what is right already.
    """
    wanted, left = set(roles), set(skip)
    digest = digests(catalogue, found)
    needed: set[str] = set()
    for image in reversed(in_order(catalogue, wanted)):
        is_base = any(catalogue[role].build.base == image.role for role in needed)
        if image.role in left or not (image.role in wanted or is_base):
            continue
        now = found.get(image.role, Held(image))
        if not now.here or (now.ours and (now.recipe != digest[image.role] or (again and image.role in wanted))):
            needed.add(image.role)
    ordered = in_order(catalogue, [image.role for image in catalogue if image.role in needed])
    return [image for image in ordered if image.role in needed]


def _digest(recipes: Path, image: Image, base: str) -> str:
    whole = hashlib.sha256()

    def add(*parts: str | bytes) -> None:
        for part in parts:
            raw = part.encode() if isinstance(part, str) else part
            whole.update(len(raw).to_bytes(8, "big") + raw)

    add("1", image.role, image.reference, base, image.build.suite or "", image.stand_in or "", *image.build.packages)
    for folder in (MACHINE, image.build.folder):
        for path in sorted((recipes / folder).rglob("*")) if folder else ():
            if path.is_file():
                add(path.relative_to(recipes).as_posix(), path.read_bytes())
    return whole.hexdigest()[:16]
