"""A registry on loopback, filled with the catalogue's images: `docker pull nginx` then works without the Internet.

The engine pushes an image once; further tags are set by the registry's HTTP API
(https://distribution.github.io/distribution/spec/api/).
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tutor.engine.connect import Engine
from tutor.engine.images import state as image_state
from tutor.engine.images.catalogue_file import Catalogue, Image
from tutor.engine.images.progress import Report, Step, silent
from tutor.engine.images.pull import PATIENCE, pull
from tutor.engine.images.recipe_build import build
from tutor.engine.images.recipes import digests
from tutor.engine.images.state import Held, held
from tutor.problems import Problem

_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
_TIMEOUT = 20.0


@dataclass(frozen=True)
class Manifest:
    """What a registry has under a tag.

    Attributes:
        body: The manifest as it was stored.
        kind: Its media type.
        digest: Its digest.
        config: Digest of the image's configuration, which is the image's id on most engines; empty for an index.
    """

    body: bytes
    kind: str
    digest: str
    config: str


class Registry:
    """One registry, spoken to without TLS: on loopback only.

    Args:
        address: `127.0.0.1:PORT` (or `localhost:PORT`).

    Raises:
        Problem: `bad-registry`: the address is not on loopback.
    """

    def __init__(self, address: str) -> None:
        name, colon, port = address.rpartition(":")
        loopback = name == "localhost" or re.fullmatch(r"127(\.\d{1,3}){3}", name)
        if not colon or not loopback or not port.isdecimal():
            raise Problem(
                f"{address!r} is not a registry on this machine.",
                "Give its address as 127.0.0.1:PORT; `docker tutor engine status` tells that of the private engine.",
                code="bad-registry",
                status=2,
            )
        self.address = address

    def manifest(self, path: str, tag: str) -> Manifest | None:
        """What is stored under a tag; None for nothing.

        Raises:
            Problem: `no-registry`: it does not answer.
        """
        status, headers, body = self._ask("GET", f"/v2/{path}/manifests/{tag}", {"Accept": ", ".join(_MANIFESTS)})
        if status != 200:
            return None
        config = json.loads(body).get("config") or {}
        kind = headers.get("content-type", "").partition(";")[0]
        return Manifest(body, kind, headers.get("docker-content-digest", ""), config.get("digest", ""))

    def labels(self, path: str, manifest: Manifest) -> dict[str, str]:
        """The labels of a stored image; none where they cannot be told."""
        if not manifest.config:
            return {}
        status, _, body = self._ask("GET", f"/v2/{path}/blobs/{manifest.config}", {})
        return (json.loads(body).get("config") or {}).get("Labels") or {} if status == 200 else {}

    def set_tag(self, path: str, tag: str, manifest: Manifest) -> None:
        """Store a manifest under a further tag.

        Raises:
            Problem: `no-registry`.
        """
        status, _, body = self._ask(
            "PUT", f"/v2/{path}/manifests/{tag}", {"Content-Type": manifest.kind}, manifest.body
        )
        if status not in (200, 201, 202):
            raise Problem(
                f"The registry at {self.address} did not take {path}:{tag}: {body[:200].decode(errors='replace')}",
                "Its log says more.",
                code="no-registry",
            )

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.address, timeout=_TIMEOUT)
        try:
            connection.request(method, url, body=body, headers=dict(headers))
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Problem(
                f"No registry answers at {self.address}.",
                "`docker tutor engine up` starts the private engine with one.",
                code="no-registry",
            ) from error
        finally:
            connection.close()


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
