"""Images out of a room's mirror: fetched by the tutor itself, compared with their digests, then given to the engine.

An engine pulls from a registry on the network only with TLS or when it is set up for that one registry. Here the
engine is asked for nothing but to load a file; what the network did to the bytes on their way shows in the digests
(https://github.com/opencontainers/image-spec/blob/main/descriptor.md), which come from elsewhere.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tutor.engine.connect import Engine
from tutor.engine.images.catalogue_file import Image
from tutor.engine.images.packs import architecture_of, give
from tutor.engine.images.progress import Report, Step, silent, size
from tutor.engine.images.registry_api import Reader
from tutor.engine.images.state import held, remember_packed
from tutor.problems import Problem

_TRIES = 6  # connections for one blob; each goes on where the last one broke off
_TIMEOUT = 30.0  # seconds without a byte
_PIECE = 1 << 18


def fetch(
    engine: Engine, reader: Reader, images: Iterable[Image], digests: Mapping[str, str], report: Report = silent
) -> None:
    """Fetch images, one after the other; what arrived stays.

    Args:
        engine: Where they go.
        reader: The mirror.
        images: Which.
        digests: Reference → digest of the manifest, from one who is to be believed.
        report: Takes progress.

    Raises:
        Problem: `not-in-registry`, `no-registry`, `wrong-digest`, `wrong-architecture`, `load-failed`, `disk-full`,
            `engine-gone`.
    """
    architecture = architecture_of(engine)
    # Layers that images share are fetched once.
    with tempfile.TemporaryDirectory(prefix="dt-fetch-") as folder:
        for image in images:
            if image.reference not in digests:
                raise _absent(reader, image)
            blobs = _Blobs(reader, image, Path(folder), report)
            config, layers = blobs.get(digests[image.reference], architecture)
            give(engine, image.reference, _archive(image.reference, config, layers), report)
            remember_packed(one.id for one in held(engine, [image]) if one.id)


class _Blobs:
    """One image's parts."""

    def __init__(self, reader: Reader, image: Image, folder: Path, report: Report) -> None:
        self._reader, self._image, self._folder, self._report = reader, image, folder, report
        self._done = self._total = 0

    def get(self, digest: str, architecture: str) -> tuple[Path, list[Path]]:
        """Files of the configuration and of the layers, from the lowest one on."""
        try:
            manifest = self._manifest(digest)
            if "manifests" in manifest:
                platforms = {one.get("platform", {}).get("architecture"): one for one in manifest["manifests"]}
                if architecture not in platforms:
                    raise self._wrong_architecture(architecture)
                manifest = self._manifest(str(platforms[architecture]["digest"]))
            parts = [(str(part["digest"]), int(part["size"])) for part in (manifest["config"], *manifest["layers"])]
            self._total = sum(length for _, length in parts)
            self._report(Step(self._image.reference, "pulling"))
            config, *layers = [self._blob(*part) for part in parts]
            if json.loads(config.read_bytes()).get("architecture") != architecture:
                raise self._wrong_architecture(architecture)
        except (KeyError, TypeError, AttributeError, ValueError):
            raise self._wrong() from None  # it has the digest, and is no image
        self._report(Step(self._image.reference, "pulling", finished=f"pulled and checked, {size(self._total)}"))
        return config, layers

    def _manifest(self, digest: str) -> dict[str, Any]:
        found = self._reader.manifest(self._image.path, digest)
        if found is None:
            raise _absent(self._reader, self._image)
        if f"sha256:{hashlib.sha256(found.body).hexdigest()}" != digest:
            raise self._wrong()
        return dict(json.loads(found.body))

    def _blob(self, digest: str, length: int) -> Path:
        file = self._folder / digest.removeprefix("sha256:")
        if not digest.startswith("sha256:") or not file.name.isalnum():
            raise self._wrong()
        if file.exists():
            self._done += file.stat().st_size
            return file
        partial, hashed = file.with_suffix(".part"), hashlib.sha256()
        with partial.open("wb") as out:
            for attempt in range(_TRIES):
                try:
                    for piece in self._pieces(digest, out.tell()):
                        if out.tell() + len(piece) > length:
                            raise self._wrong()
                        out.write(piece)
                        hashed.update(piece)
                        self._done += len(piece)
                        self._report(Step(self._image.reference, "pulling", self._done, max(self._done, self._total)))
                    break
                except (ConnectionError, TimeoutError, http.client.HTTPException) as error:
                    if attempt == _TRIES - 1:
                        raise self._reader.silent from error
                except OSError as error:
                    raise Problem(
                        f"{partial.parent} cannot be written ({error.strerror or error}).",
                        "Make room, or name another folder in TMPDIR.",
                        code="disk-full",
                    ) from error
        if f"sha256:{hashed.hexdigest()}" != digest:
            raise self._wrong()
        return partial.rename(file)

    def _pieces(self, digest: str, begin: int) -> Iterator[bytes]:
        """A blob's bytes from a place on; ends early only with an error."""
        try:
            answer = self._reader.blob(self._image.path, digest, begin, _TIMEOUT)
        except FileNotFoundError:
            raise _absent(self._reader, self._image) from None
        with answer:
            while piece := answer.read(_PIECE):
                yield piece
            if answer.length:  # closed in the middle
                raise ConnectionError

    def _wrong(self) -> Problem:
        return Problem(
            f"What {self._reader.address} has for {self._image.reference} is not what the workshop uses.",
            "Its digest is another one: nothing of it was loaded. Tell the instructor.",
            code="wrong-digest",
        )

    def _wrong_architecture(self, ours: str) -> Problem:
        return Problem(
            f"The mirror's {self._image.reference} is not for {ours}, which this engine runs.",
            f"Get it another way: docker tutor images pull {self._image.role}",
            code="wrong-architecture",
        )


def _absent(reader: Reader, image: Image) -> Problem:
    step = f"Get it another way: docker tutor images pull {image.role}"
    return Problem(f"The mirror at {reader.address} has no {image.reference}.", step, code="not-in-registry")


def _archive(reference: str, config: Path, layers: list[Path]) -> Iterator[bytes]:
    """What `docker load` reads: a tar file of configuration, layers, and a list that names them."""
    listed = [
        {"Config": f"{config.name}.json", "RepoTags": [reference], "Layers": [f"{one.name}.tar" for one in layers]}
    ]
    for file, name in [(config, f"{config.name}.json"), *((one, f"{one.name}.tar") for one in dict.fromkeys(layers))]:
        yield _header(name, file.stat().st_size)
        with file.open("rb") as content:
            while piece := content.read(1 << 20):
                yield piece
        yield _padding(file.stat().st_size)
    text = json.dumps(listed).encode()
    yield _header("manifest.json", len(text)) + text + _padding(len(text)) + bytes(2 * tarfile.BLOCKSIZE)


def _header(name: str, length: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size = length
    return entry.tobuf(tarfile.GNU_FORMAT)


def _padding(length: int) -> bytes:
    return bytes(-length % tarfile.BLOCKSIZE)
