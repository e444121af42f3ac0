"""`images list | pull | build | pack | load | mirror | budget`: what each does, told as lines, bars or JSON.

Every function writes to `out` and returns the exit status; what goes wrong is raised as a Problem. With `as_json` one
JSON document is written and no progress.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from tutor.engine import images
from tutor.engine.connect import Engine
from tutor.engine.images import packs, recipe_build
from tutor.engine.images.budget import ANONYMOUS, SIGNED_IN, SOURCE, WINDOW_HOURS, Budget
from tutor.engine.images.catalogue_file import Image
from tutor.engine.images.progress import Report, counted, shown_on, silent, size
from tutor.engine.images.pull import pull
from tutor.engine.images.registry import fill, mirrored
from tutor.engine.images.registry_api import Registry
from tutor.engine.images.state import BUILT, OWN, PACKED, PULLED, Held, held


def list_images(engine: Engine, out: TextIO, *, as_json: bool = False, registry: str | None = None) -> int:
    """`images list`: every image, whether it is here, and where it came from.

    Args:
        engine: Where to look.
        out: Takes the table.
        as_json: Write JSON instead.
        registry: The mirror's `127.0.0.1:PORT`, where there is one.

    Returns:
        0 when nothing is missing, else 1.
    """
    catalogue = images.catalogue()
    found = held(engine, catalogue)
    by_role = {one.image.role: one for one in found}
    in_mirror = mirrored(Registry(registry), catalogue, by_role) if registry else set()
    rows = [_row(one, in_mirror) for one in found]
    lacking = [row["role"] for row in rows if row["state"] == "missing"]
    if as_json:
        _write(out, {"images": rows, "missing": lacking})
    else:
        _table(out, rows)
        if lacking:
            print(f"\nMissing: {', '.join(lacking)}. Get them with `docker tutor images pull`,", file=out)
            print("without a registry with `docker tutor images build` or `docker tutor images load FILE`.", file=out)
    return 1 if lacking else 0


def pull_images(engine: Engine, out: TextIO, roles: Iterable[str] | None = None, *, as_json: bool = False) -> int:
    """`images pull [ROLE…]`: what is missing, from the registry. A call that was broken off goes on where it was.

    Raises:
        Problem: As `images.ensure`.
    """
    lacking = images.missing(engine, roles)
    with _progress(out, as_json) as report:
        numbered = counted(report, len(lacking))
        for role in lacking:
            pull(engine, images.catalogue()[role], numbered)
    _done(out, as_json, "pulled", lacking, "Nothing is missing.")
    return 0


def build_images(
    engine: Engine, out: TextIO, roles: Iterable[str] | None = None, *, again: bool = False, as_json: bool = False
) -> int:
    """`images build [ROLE…] [--again]`: from recipes, what is missing or whose recipe has changed.

    Without roles all that are kept on the engine; those for the mirror are made by `images mirror`.

    Raises:
        Problem: As `recipe_build.build`.
    """
    catalogue = images.catalogue()
    wanted = [image.role for image in (catalogue.local() if roles is None else catalogue.select(roles))]
    with _progress(out, as_json) as report:
        built = recipe_build.build(engine, catalogue, wanted, report, again=again)
    _done(out, as_json, "built", [image.role for image in built], "Every image is as its recipe says.")
    if not as_json:
        _own(out, held(engine, catalogue.select(wanted)))
    return 0


def pack_images(
    engine: Engine, out: TextIO, file: Path, roles: Iterable[str] | None = None, *, as_json: bool = False
) -> int:
    """`images pack FILE`: all images in one file.

    Raises:
        Problem: As `packs.pack`.
    """
    with _progress(out, as_json) as report:
        index = packs.pack(engine, images.catalogue(), file, report, roles)
    if as_json:
        packed = [{"role": one.role, "reference": one.reference} for one in index.images]
        _write(out, {"file": str(file), "bytes": file.stat().st_size, "images": packed})
    else:
        print(f"Load it elsewhere with: docker tutor images load {file.name}", file=out)
    return 0


def load_images(engine: Engine, out: TextIO, file: Path, *, as_json: bool = False) -> int:
    """`images load FILE`: what a pack holds, without touching what the learner holds.

    Returns:
        0 when no image of the course is missing afterwards, else 1.

    Raises:
        Problem: As `packs.load`.
    """
    with _progress(out, as_json) as report:
        result = packs.load(engine, images.catalogue(), file, report)
    if as_json:
        _write(out, {"loaded": result.loaded, "kept": result.kept, "missing": result.missing})
    else:
        print(f"{_count(len(result.loaded))} loaded." if result.loaded else "Nothing in it was new.", file=out)
        for role in result.kept:
            print(f"{images.resolve(role)} is your own and stays; the pack's was not used.", file=out)
        if result.missing:
            print(f"Still missing: {', '.join(result.missing)}.", file=out)
    return 1 if result.missing else 0


def mirror_images(
    engine: Engine, out: TextIO, registry: str, roles: Iterable[str] | None = None, *, as_json: bool = False
) -> int:
    """`images mirror`: put the engine's images into the registry beside it.

    Args:
        engine: Holds the images.
        out: Takes lines or bars.
        registry: `127.0.0.1:PORT`.
        roles: Which; all of them for None.
        as_json: Write JSON instead.

    Raises:
        Problem: As `registry.fill`.
    """
    with _progress(out, as_json) as report:
        changed = fill(engine, images.catalogue(), Registry(registry), report, roles)
    _done(out, as_json, "mirrored", changed, f"The mirror at {registry} has everything.")
    return 0


def budget(out: TextIO, learners: int, chapters: Iterable[int] | None = None, *, as_json: bool = False) -> int:
    """`images budget N`: what a class of N costs in pulls, and how to spare them. Needs no engine.

    Args:
        out: Takes the lines.
        learners: Machines behind one address.
        chapters: Only the images of these chapters.
        as_json: Write JSON instead.

    Returns:
        0 when the class may simply pull, else 1.
    """
    catalogue = images.catalogue()
    wanted = set(chapters) if chapters is not None else None
    chosen: list[Image] = [image for image in catalogue if wanted is None or wanted & set(image.chapters)]
    sums = Budget(learners, len(chosen), sum(image.size_mb for image in chosen))
    if as_json:
        told: dict[str, Any] = {"learners": learners, "images": sums.images, "pulls": sums.pulls, "fits": sums.fits}
        told |= {"limit": ANONYMOUS, "window_hours": WINDOW_HOURS, "hours": sums.hours, "source": SOURCE}
        _write(out, told)
        return 0 if sums.fits else 1
    print(
        f"{learners} learners × {sums.images} images = {sums.pulls} pulls, "
        f"about {size(sums.megabytes * 1_000_000)} on each disk.",
        file=out,
    )
    print(
        f"Docker Hub gives {ANONYMOUS} pulls in {WINDOW_HOURS} hours to all who share an address and do not sign in, "
        f"{SIGNED_IN} to each free account ({SOURCE}).",
        file=out,
    )
    if sums.fits:
        print("That fits.", file=out)
        return 0
    print(
        f"Behind one address {sums.at_once} learners get them at once; the last one after {sums.hours} hours.", file=out
    )
    print("Instead: everybody signs in (`docker login`),", file=out)
    print("  or take a file along (`docker tutor images pack FILE`, and `load FILE` on each machine),", file=out)
    print("  or one machine serves them to all (`docker tutor workshop prep --mirror`).", file=out)
    return 1


def _row(one: Held, in_mirror: set[str]) -> dict[str, Any]:
    state = "here" if one.here else "missing"
    if one.image.mirror_only:
        state = "mirror" if one.image.role in in_mirror else "to pull"
    return {
        "role": one.image.role,
        "reference": one.image.reference,
        "state": state,
        "origin": one.origin,
        "size": one.size or one.image.size_mb * 1_000_000,
        "stand_in": one.image.stand_in if one.stand_in else None,
        "about": one.image.about,
        "chapters": list(one.image.chapters),
    }


_ORIGINS = {BUILT: "built here", PULLED: "pulled", PACKED: "a pack", OWN: "your own", "": ""}
_STATES = {"here": "here", "missing": "missing", "mirror": "in the mirror", "to pull": "pulled by a lab"}


def _table(out: TextIO, rows: list[dict[str, Any]]) -> None:
    head = ("ROLE", "REFERENCE", "SIZE", "STATE", "FROM")
    lines = [
        (
            row["role"],
            row["reference"],
            ("" if row["state"] == "here" else "~") + size(row["size"]),
            _STATES[row["state"]],
            _ORIGINS[row["origin"]] + (", stand-in" if row["stand_in"] else ""),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [head, *lines]) for column in range(len(head))]
    for line in [head, *lines]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip(), file=out)
    notes = [f"{row['reference']}: {row['stand_in']}" for row in rows if row["stand_in"]]
    if notes:
        print("\nStand-ins, built from Debian packages because Docker Hub was out of reach:", file=out)
        for note in notes:
            print(f"  {note}", file=out)


def _own(out: TextIO, found: list[Held]) -> None:
    for one in found:
        if one.origin == OWN:
            print(f"{one.image.reference} is your own and stays as it is.", file=out)


@contextlib.contextmanager
def _progress(out: TextIO, as_json: bool) -> Iterator[Report]:
    if as_json:
        yield silent
    else:
        with shown_on(out) as report:
            yield report


def _done(out: TextIO, as_json: bool, what: str, roles: list[str], nothing: str) -> None:
    if as_json:
        _write(out, {what: roles})
    else:
        print(f"{_count(len(roles))} {what}." if roles else nothing, file=out)


def _count(number: int) -> str:
    return "1 image" if number == 1 else f"{number} images"


def _write(out: TextIO, value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2), file=out)
