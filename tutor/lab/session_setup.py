"""What a lab is given when it opens: an id, names and ports that are free, and a folder of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tutor import places
from tutor.course.models import Chapter, Lab
from tutor.course.variables import Bindings
from tutor.lab import names, open_labs, ports
from tutor.lab.open_labs import OpenLab, Serving

if TYPE_CHECKING:
    from tutor.engine.connect import Engine


def reserve(chapter: Chapter, lab: Lab | None, engine: Engine, images: Mapping[str, str]) -> tuple[OpenLab, Serving]:
    """A new lab: its folder, its record, and the right to serve it. Nothing is made on the engine.

    Args:
        lab: The chapter's lab; None for a prediction or a question.
        images: Catalogue role → reference.

    Raises:
        OSError: The engine does not answer, or the folder cannot be made.
        Problem: `no-free-port`, `cannot-write`, `engine-gone`.
    """
    with open_labs.choosing():
        others = open_labs.every()
        with engine.guard():
            used = names.on_engine(engine) if chapter.names else frozenset()
            published = ports.published(engine) if chapter.ports else frozenset()
        # What another open lab was given is not free, also while it has made nothing of it yet.
        here = [other for other in others if other.engine == engine.address.host]
        used = used.union(*(other.names.values() for other in here))
        published = published.union(*(other.ports.values() for other in others))
        record = OpenLab(
            lab=open_labs.new_id(chapter.chapter),
            chapter=chapter.chapter,
            section=lab.id if lab else "",
            engine=engine.address.host,
            names=names.choose(chapter.names, used),
            ports=ports.choose(chapter.ports, published),
            images=dict(images),
            opened=time.time(),
            pid=os.getpid(),
        )
        open_labs.folder(record.lab).mkdir(mode=0o700)
        serving = Serving(record.lab)
        open_labs.write(record)
    return record, serving


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
    return open_labs.folder(lab) / "workspace"


def socket(lab: str) -> Path:
    """Where a lab's sandbox listens while somebody serves it."""
    return places.runtime() / lab / "docker.sock"
