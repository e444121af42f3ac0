"""Packs: all images in one file, for machines without a registry. Made from one engine, loaded into another."""

from __future__ import annotations

import os
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutor.engine.connect import Engine
from tutor.engine.images import pack_file
from tutor.engine.images.catalogue_file import Catalogue
from tutor.engine.images.pack_file import Index, Packed
from tutor.engine.images.progress import Report, Step, silent, size
from tutor.engine.images.pull import PATIENCE
from tutor.engine.images.registry import obtain
from tutor.engine.images.state import Held, held, let_go, remember_packed
from tutor.problems import Problem

# Layers of programs and libraries compress to about two fifths; a half is on the safe side.
_COMPRESSED = 0.5


@dataclass(frozen=True)
class Loaded:
    """What loading a pack came to.

    Attributes:
        loaded: Roles that are there now and were not, or were older.
        kept: Roles whose reference the learner holds already: not touched.
        missing: Roles of the course that are still missing.
    """

    loaded: tuple[str, ...]
    kept: tuple[str, ...]
    missing: tuple[str, ...]


def pack(
    engine: Engine, catalogue: Catalogue, file: Path, report: Report = silent, roles: Iterable[str] | None = None
) -> Index:
    """Write the images into one file, wholly or not at all.

    Raises:
        Problem: `file-exists`, `no-folder`, `image-missing`, `disk-full`, `save-failed`, `engine-gone`; as for
            building or pulling an image that only the mirror keeps.
    """
    if file.exists():
        raise Problem(f"{file} exists already.", "Remove it, or choose another name.", code="file-exists", status=2)
    if not file.absolute().parent.is_dir():
        raise Problem(f"There is no folder {file.absolute().parent}.", "Make it first.", code="no-folder", status=2)
    chosen = catalogue.select(roles)
    lacking = [one.image.role for one in held(engine, chosen) if not one.here and not one.image.mirror_only]
    if lacking:
        raise Problem(
            f"Not on the engine: {', '.join(lacking)}.",
            "Get them with `docker tutor images pull` or `docker tutor images build`, then call again.",
            code="image-missing",
        )
    fetched = [one.image for one in held(engine, chosen) if not one.here]
    try:
        for image in fetched:
            obtain(engine, catalogue, image, report)
        return _pack(engine, held(engine, chosen), file, report)
    finally:
        for image in fetched:
            _forget(engine, image.local)


def _pack(engine: Engine, there: list[Held], file: Path, report: Report) -> Index:
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    images = tuple(_packed(one) for one in there)
    total = _bytes(engine, there)
    _check_room(file, total)
    with _named(engine, there, images), engine.guard():
        try:
            _write(engine, file, images, total, report)
        except (HTTPError, tarfile.TarError) as error:
            raise engine.gone("stopped in the middle of saving") from error
        except OSError as error:
            if isinstance(error, (ConnectionError, RequestException)):  # the engine's, not the disk's
                raise
            raise Problem(
                f"{file} cannot be written: {error.strerror or error}.", "Nothing was left of it.", code="disk-full"
            ) from error
    return Index(version=pack_file.VERSION, architecture=architecture_of(engine), images=images, members={})


def _forget(engine: Engine, name: str) -> None:
    """Take a name away that only this module or the mirror uses."""
    from docker.errors import APIError

    with suppress(APIError), engine.guard():
        engine.api.remove_image(name, noprune=True)


def load(engine: Engine, catalogue: Catalogue, file: Path, report: Report = silent) -> Loaded:
    """Load a pack: check all of it first, then load, then name what is in it. The learner's own names stay theirs.

    Raises:
        Problem: `no-file`, `not-a-pack`, `pack-damaged`, `pack-too-new`, `wrong-architecture`, `load-failed`,
            `disk-full`, `engine-gone`.
    """
    whole = file.stat().st_size if file.is_file() else 0
    step = Step(file.name, "checking")
    report(step)
    index = pack_file.verify(file, lambda done: report(Step(step.name, step.doing, done, whole)))
    report(Step(step.name, step.doing, finished="all of it is as it was packed"))
    ours = architecture_of(engine)
    if index.architecture != ours:
        raise Problem(
            f"{file} is for {index.architecture}; this engine runs {ours}.",
            f"Make a pack on a machine with {ours}.",
            code="wrong-architecture",
        )
    known = {
        one.role: one
        for one in index.images
        if one.role in catalogue and catalogue[one.role].reference == one.reference
    }
    before = {one.image.role: one for one in held(engine, catalogue)}
    other = [role for role, one in known.items() if before[role].id != one.id]
    loaded = tuple(role for role in other if before[role].replaceable)
    if loaded:
        _send(engine, file, whole, report)
        _name(engine, catalogue, index, loaded)
        for role in loaded:
            if old := before[role].id:
                let_go(engine, old)
    kept = tuple(role for role in other if role not in loaded)
    missing = tuple(one.image.role for one in held(engine, catalogue.local()) if not one.here)
    return Loaded(loaded, kept, missing)


def _packed(one: Held) -> Packed:
    assert one.id is not None, "what is missing was told before"
    # Of this call only: two at once do not take each other's names away.
    name = f"{pack_file.PREFIX}{one.image.role}:{secrets.token_hex(6)}"
    return Packed(role=one.image.role, reference=one.image.reference, name=name, id=one.id, size=one.size)


def _bytes(engine: Engine, images: list[Held]) -> int:
    """What these images take together, shared layers counted once."""
    api: Any = engine.api
    layers: dict[tuple[Any, ...], int] = {}
    with engine.guard():
        for one in images:
            for row in api.history(one.id):
                layers[row["CreatedBy"], row["Created"], row["Size"]] = int(row["Size"])
    return sum(layers.values())


def _check_room(file: Path, total: int) -> None:
    needed, free = int(total * _COMPRESSED), shutil.disk_usage(file.absolute().parent).free
    if free < needed:
        raise Problem(
            f"The pack needs about {size(needed)}; {file.absolute().parent} has {size(free)} free.",
            "Make room, or write it to another disk.",
            code="disk-full",
        )


def architecture_of(engine: Engine) -> str:
    """What the engine runs, as Docker names it: `amd64`, `arm64`."""
    with engine.guard():
        return str(engine.api.version()["Arch"])


@contextmanager
def _named(engine: Engine, there: list[Held], images: tuple[Packed, ...]) -> Iterator[None]:
    """The private names, as long as the engine saves by them."""
    set_ = []
    try:
        for one, packed in zip(there, images, strict=True):
            with engine.guard():
                repository, _, tag = packed.name.rpartition(":")
                engine.api.tag(one.image.local, repository, tag)
            set_.append(packed.name)
        yield
    finally:
        for name in set_:
            _forget(engine, name)


def _write(engine: Engine, file: Path, images: tuple[Packed, ...], total: int, report: Report) -> None:
    report(Step(file.name, "saving"))
    # The SDK's own call saves one image only; several in one file share their layers.
    api: Any = engine.api
    answer = api.get(
        f"{api.base_url}/v{api.api_version}/images/get",
        params={"names": [one.name for one in images]},
        stream=True,
        timeout=PATIENCE,
    )
    with answer:
        if not answer.ok:
            said = answer.text[:300].strip()
            raise Problem(f"The engine could not save the images: {said}", "Call again.", code="save-failed")
        handle, partial = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.absolute().parent)
        try:
            with os.fdopen(handle, "wb") as out:
                pack_file.write(
                    out,
                    answer.raw,
                    architecture_of(engine),
                    images,
                    lambda done: report(Step(file.name, "saving", done, max(done, total))),
                )
                out.flush()
                os.fsync(out.fileno())
            Path(partial).chmod(0o644)
            _put(Path(partial), file)
        finally:
            Path(partial).unlink(missing_ok=True)
    report(Step(file.name, "saving", finished=f"{len(images)} images, {size(file.stat().st_size)}"))


def _put(partial: Path, file: Path) -> None:
    """Give the finished file its name, and overwrite nothing that came there meanwhile."""
    try:
        file.hardlink_to(partial)
    except FileExistsError as error:
        raise Problem(f"{file} exists already.", "Choose another name.", code="file-exists", status=2) from error
    except OSError:  # a disk without hard links, as USB sticks have
        partial.replace(file)


def _send(engine: Engine, file: Path, whole: int, report: Report) -> None:
    """Give the file to the engine."""
    with file.open("rb") as raw:

        def content() -> Iterator[bytes]:
            while data := raw.read(1 << 20):
                report(Step(file.name, "loading", raw.tell(), whole))
                yield data

        give(engine, str(file), content(), report, file.name)


def give(engine: Engine, what: str, content: Iterator[bytes], report: Report, name: str = "") -> None:
    """Let the engine load images.

    Args:
        engine: Takes them.
        what: What it is, in words.
        content: A tar file as `docker save` writes it.
        report: Takes progress.
        name: What progress calls it; as `what` when empty.

    Raises:
        Problem: `load-failed`, `disk-full`, `engine-gone`.
    """
    from docker.errors import APIError

    report(Step(name or what, "loading"))
    with engine.fresh(timeout=PATIENCE) as patient, patient.guard():
        api: Any = patient.api
        try:
            for event in api.load_image(content, quiet=True):
                if "error" in event:
                    raise _refused(what, str(event["error"]))
        except APIError as error:
            raise _refused(what, str(error.explanation or error)) from error
    report(Step(name or what, "loading", finished="loaded"))


def _refused(what: str, said: str) -> Problem:
    if "no space left" in said.lower():
        return Problem(
            f"The engine's disk is full: {what} could not be loaded.",
            "Make room (`docker system df` shows what takes it), then call again.",
            code="disk-full",
        )
    return Problem(f"The engine did not load {what}: {said.strip()}", "Its log says more.", code="load-failed")


def _name(engine: Engine, catalogue: Catalogue, index: Index, roles: Iterable[str]) -> None:
    """Give these roles' public names to what was loaded, and take all private ones away."""
    from docker.errors import ImageNotFound

    names = {packed.role: packed.name for packed in index.images}
    with engine.guard():
        for role in roles:
            image = catalogue[role]
            try:
                engine.api.tag(names[role], image.local.rpartition(":")[0], image.tag)
            except ImageNotFound as error:
                raise Problem(
                    f"The engine loaded the pack without {image.reference}.", "Make the pack again.", code="load-failed"
                ) from error
    remember_packed(one.id for one in held(engine, catalogue.select(roles)) if one.id)
    for name in names.values():
        _forget(engine, name)
