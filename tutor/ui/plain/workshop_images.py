"""A workshop's images: `workshop prep`, what `workshop host --mirror` offers, and `images pull --from`."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import TextIO

from tutor.engine import images
from tutor.engine.images.catalogue_file import Image
from tutor.engine.images.registry_api import Reader
from tutor.problems import Problem
from tutor.workshop.agenda import Plan
from tutor.workshop.protocol import Offer


def images_of(plan: Plan) -> list[Image]:
    """The images that the plan's chapters use."""
    wanted = set(plan.chapters)
    return [image for image in images.catalogue() if wanted & set(image.chapters)]


def prepare(plan: Plan, out: TextIO, *, pack: Path | None, mirror: int | None) -> int:
    """Pack the plan's images, serve them to the network, or both; returns the exit status.

    Args:
        plan: Says which.
        out: Takes lines or bars.
        pack: The file to write.
        mirror: Port to serve on until ctrl+c; 0 for a good one.

    Raises:
        Problem: Nothing was asked for; there is no engine; as `images pack`, `images mirror` and `room_mirror`.
    """
    from tutor.engine.connect import connect
    from tutor.engine.images import commands

    if not pack and mirror is None:
        raise Problem(
            "Say how the images are to reach the room.",
            "--pack FILE makes a file to hand round, --mirror serves them to this network.",
            code="nothing-to-do",
            status=2,
        )
    roles = [image.role for image in images_of(plan)]
    if pack:
        with connect() as engine:
            commands.pack_images(engine, out, pack, roles)
    return 0 if mirror is None else _serve(roles, out, mirror)


def _serve(roles: list[str], out: TextIO, port: int) -> int:
    from tutor.engine import room_mirror
    from tutor.engine.connect import connect
    from tutor.engine.images import commands
    from tutor.workshop import rooms

    def say(line: str) -> None:
        print(line, file=out, flush=True)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # a terminal that is closed ends it as ctrl+c does
    try:
        with room_mirror.filling() as (storage, registry):
            with connect() as engine:
                commands.mirror_images(engine, out, registry, roles)
            with room_mirror.serving(storage, port, say) as mirror:
                where = f"{rooms.address()}:{mirror.port}"
                for line in _serving(where):
                    say(line)
                while not mirror.process.wait(3600):
                    pass
    except KeyboardInterrupt:
        say("The mirror has ended; what it has is kept for the next time.")
        return 0
    raise Problem("The mirror has ended by itself.", "Start it again.", code="no-registry")


def _serving(where: str) -> list[str]:
    return [
        f"The mirror for the room: {where} (read only, until ctrl+c).",
        f"Tell learners of it:  docker tutor workshop host --mirror {where}, with the same options.",
        "Their tutors fetch from it themselves and compare the digests that the hub tells; no engine is set up for it.",
        f"Whoever wants docker pull {where}/library/NAME itself: it speaks plain HTTP, which an engine takes only with",
        f'  {{"insecure-registries": ["{where}"]}} in its daemon.json.',
    ]


def offer(plan: Plan, mirror: str) -> Offer:
    """What a mirror has of the plan's images, for learners to compare with.

    Raises:
        Problem: `bad-registry`, `no-registry`; `not-in-registry` when it lacks one.
    """
    reader = Reader(mirror)
    found = {image.reference: reader.manifest(image.path, image.tag) for image in _kept(images_of(plan))}
    lacking = [reference for reference, manifest in found.items() if manifest is None]
    if lacking:
        raise Problem(
            f"The mirror at {mirror} lacks {', '.join(lacking)}.",
            "Fill it: docker tutor workshop prep --mirror, with the same options.",
            code="not-in-registry",
        )
    return Offer(mirror=mirror, images={ref: manifest.digest for ref, manifest in found.items() if manifest})


def pull(link: str, out: TextIO, roles: Iterable[str] | None = None, *, as_json: bool = False) -> int:
    """`images pull --from URL`: what is missing, from the mirror of a workshop; returns the exit status.

    Args:
        link: The workshop's, as on the projector.
        out: Takes lines or bars.
        roles: Which; all that the workshop uses for None.
        as_json: Write JSON instead.

    Raises:
        Problem: `no-mirror`: the workshop has none; as for asking the hub, and `fetch`.
    """
    from tutor.engine.connect import connect
    from tutor.engine.images.fetch import fetch
    from tutor.engine.images.progress import shown_on, silent
    from tutor.workshop import client
    from tutor.workshop.links import read_link

    hub = read_link(link)[0]
    told = client.room_at(hub).offer
    if told is None:
        step = "Pull them from the Internet: docker tutor images pull; or load a pack: docker tutor images load FILE"
        raise Problem(f"The workshop at {hub} has no mirror.", step, code="no-mirror")
    catalogue = images.catalogue()
    wanted = catalogue.select(roles) if roles else [one for one in catalogue if one.reference in told.images]
    with connect() as engine:
        lacking = images.missing(engine, [image.role for image in _kept(wanted)])
        with nullcontext(silent) if as_json else shown_on(out) as report:
            fetch(engine, Reader(told.mirror), catalogue.select(lacking), told.images, report)
    if as_json:
        print(json.dumps({"pulled": lacking}, indent=2), file=out)
    else:
        here = f"From the mirror at {told.mirror}: {', '.join(lacking)}."
        print(here if lacking else "Nothing is missing.", file=out)
    return 0


def _kept(wanted: Iterable[Image]) -> list[Image]:
    """Those that are kept on an engine."""
    return [image for image in wanted if not image.mirror_only]
