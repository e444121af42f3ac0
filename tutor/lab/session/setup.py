"""What a lab is given when it opens: an id, names and ports that are free, and a folder of its own."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tutor import places
from tutor.course.models import Chapter, Lab
from tutor.course.variables import Bindings
from tutor.lab import names, open_labs, ports
from tutor.lab.open_labs import OpenLab, Serving
from tutor.lab.session import engine as session_engine
from tutor.problems import Problem
from tutor.sandbox.claims import Claims
from tutor.sandbox.cleanup import census

if TYPE_CHECKING:
    from tutor.engine.connect import Engine
    from tutor.engine.images.catalogue_file import Catalogue
    from tutor.sandbox.upstream import Upstream


def reserve(
    chapter: Chapter,
    lab: Lab | None,
    engine: Engine,
    images: Mapping[str, str],
    catalogue: Collection[str],
    *,
    keep: bool,
) -> tuple[OpenLab, Serving]:
    """A new lab: its folder, its record, and the right to serve it. On the engine, names and ports are claimed.

    Args:
        lab: The chapter's lab; None for a prediction or a question.
        images: Catalogue role → reference.
        catalogue: References of the images that every lab may use and none may change.
        keep: Whether its learner may go on with it later.

    Raises:
        OSError: The engine does not answer, or the folder cannot be made.
        Problem: `no-free-port`, `cannot-write`, `engine-gone`.
    """
    with open_labs.choosing():
        # Ports of this machine, whatever engine an open lab is on.
        kept = {port for other in open_labs.every() for port in other.ports.values()}
        identity = open_labs.new_id(chapter.chapter)
        # From here on a claim can be told from one that a dead tutor left: somebody serves its lab.
        open_labs.folder(identity).mkdir(mode=0o700)
        serving = Serving(identity)
        try:
            with session_engine.asking(engine) as upstream:
                claims = Claims(upstream, identity, open_labs.installation())
                try:
                    record = _choose(chapter, engine, upstream, claims, identity, kept)
                    record = replace(
                        record,
                        section=lab.id if lab else "",
                        images=dict(images),
                        catalogue=tuple(catalogue),
                        keep=keep and lab is not None,
                    )
                    open_labs.write(record)
                except BaseException:
                    with contextlib.suppress(Problem):
                        claims.release()
                    raise
        except BaseException:
            open_labs.forget(identity)
            serving.release()
            raise
    return record, serving


def _choose(
    chapter: Chapter, engine: Engine, upstream: Upstream, claims: Claims, identity: str, kept: Collection[int]
) -> OpenLab:
    with engine.guard():
        used = names.on_engine(engine) if chapter.names else frozenset()
        published = ports.published(engine) if chapter.ports else frozenset()
    return OpenLab(
        lab=identity,
        chapter=chapter.chapter,
        engine=engine.address.host,
        names=names.choose(chapter.names, used, lambda name: claims.take("name", name)),
        ports=ports.choose(
            chapter.ports, published.union(kept), lambda port: ports.is_free(port) and claims.take("port", port)
        ),
        census=census(upstream, identity, open_labs.installation()),
        opened=time.time(),
        pid=os.getpid(),
        swarm="swarm" in chapter.needs,
    )


def catalogue(labs: Path | None = None) -> Catalogue:
    """The images that a course's labs use.

    Args:
        labs: The course's folder with the labs' files; its own `images.yaml` counts where it has one.

    Raises:
        Problem: The catalogue cannot be read.
    """
    from tutor.engine import images

    own = labs / "images.yaml" if labs else None
    return images.catalogue(own if own and own.is_file() else None)


def images(labs: Path | None = None) -> tuple[dict[str, str], tuple[str, ...]]:
    """The catalogue as a lab needs it: role → reference, and the references that every lab may use and none change.

    An image that is kept in the mirror only is the lab's own, once the lab has pulled it.

    Raises:
        Problem: The catalogue cannot be read.
    """
    known = catalogue(labs)
    return known.references(), tuple(image.reference for image in known if not image.mirror_only)


def require_images(engine: Engine, chapter: Chapter, labs: Path | None = None) -> None:
    """Make sure that a chapter's images are on the engine.

    Raises:
        Problem: `images-missing`, `engine-gone`.
    """
    from tutor.engine.images.state import held

    needed = [image for image in catalogue(labs).select(chapter.images) if not image.mirror_only]
    lacking = [one.image.reference for one in held(engine, needed) if not one.here] if needed else []
    if lacking:
        raise Problem(
            f"The engine lacks {'images' if len(lacking) > 1 else 'an image'} that this chapter uses: "
            f"{', '.join(lacking)}.",
            "Get them: docker tutor images pull",
            code="images-missing",
        )


def bindings(record: OpenLab) -> Bindings:
    """What the lesson's variables stand for in a lab."""
    return Bindings(
        images=record.images,
        names=record.names,
        ports=record.ports,
        workspace=str(workspace(record.lab)),
        lab=record.lab,
    )


def workspace(lab: str) -> Path:
    """The learner's working directory in a lab."""
    # Compose names a project after its folder: the labs that are open at once must not share one.
    return open_labs.folder(lab) / f"lab-{lab}"


def socket(lab: str) -> Path:
    """Where a lab's sandbox listens while somebody serves it."""
    return places.runtime() / lab / "docker.sock"
