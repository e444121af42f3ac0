"""`doctor --workshop URL`: whether this machine can take part in a workshop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tutor import __version__
from tutor.course.loader import load_course
from tutor.engine import images
from tutor.engine.connect import connect as connect_engine
from tutor.engine.doctor import Check
from tutor.engine.images.registry_api import Reader
from tutor.problems import Problem
from tutor.workshop import client, names, protocol, trust
from tutor.workshop.links import read_link


def checks(link: str) -> Iterator[Check]:
    """The hub, the connection that stays open, versions, chapters and the images they need."""
    try:
        hub, _ = read_link(link)
        info = client.room_at(hub)
    except Problem as problem:
        yield Check("workshop", "fail", problem.sentence, problem.next_step)
        return
    yield Check("workshop", "ok", f"“{names.clean(info.title, 64)}” answers at {hub}.")
    yield asyncio.run(_connection(hub))
    if info.version != __version__:
        step = "Use the same version as the instructor."
        yield Check(
            "version",
            "warn",
            f"The hub has docker-tutor {names.clean(info.version, 20)}; you have {__version__}.",
            step,
        )
    known = {chapter.chapter for chapter in load_course().chapters}
    lacking = [str(number) for number in info.chapters if number not in known]
    if lacking:
        step = "Use the same version as the instructor."
        yield Check("chapters", "fail", f"Your course lacks chapters of the workshop: {', '.join(lacking)}.", step)
    else:
        numbers = ", ".join(str(number) for number in info.chapters)
        yield Check("chapters", "ok", f"Its chapters are here: {numbers}.")
    if info.offer is not None:
        yield _mirror(info.offer)
    yield _images(set(info.chapters), f"docker tutor images pull --from {hub}" if info.offer else "")


def _mirror(offer: protocol.Offer) -> Check:
    """Whether the room's mirror has what the hub says."""
    step = "Ask the instructor; images can also come from the Internet or from a pack."
    try:
        reader, known = Reader(offer.mirror), {image.reference: image for image in images.catalogue()}
        for reference, digest in offer.images.items():
            if reference in known and reader.manifest(known[reference].path, digest) is None:
                return Check("mirror", "warn", f"The mirror at {reader.address} has no {reference}.", step)
    except Problem as problem:
        return Check("mirror", "warn", problem.sentence, step)
    return Check("mirror", "ok", f"The mirror at {reader.address} has the workshop's {len(offer.images)} images.")


def _images(chapters: set[int], way: str) -> Check:
    roles = [image.role for image in images.catalogue() if chapters & set(image.chapters)]
    try:
        with connect_engine() as engine:
            lacking = images.missing(engine, roles)
    except Problem as problem:
        return Check("workshop images", "fail", problem.sentence, problem.next_step)
    if lacking:
        step = way or f"docker tutor images pull {' '.join(lacking)} (or images load FILE)"
        return Check(
            "workshop images", "warn", f"The workshop needs images that are not here: {', '.join(lacking)}.", step
        )
    return Check("workshop images", "ok", f"All {len(roles)} images of the workshop are here.")


async def _connection(hub: str) -> Check:
    """Whether a WebSocket passes: proxies and filters let plain pages through more often than these."""
    try:
        url = f"ws{hub.removeprefix('http')}/ws"
        async with connect(url, ssl=trust.context(url), proxy=None, open_timeout=10) as socket:
            async with asyncio.timeout(10):
                challenge = protocol.to_seat(await socket.recv())
        if isinstance(challenge, protocol.Challenge):
            return Check("connection", "ok", "A connection to the hub stays open.")
        why = "it is no hub of a workshop"
    except (OSError, TimeoutError, WebSocketException, msgspec.DecodeError) as error:
        why = str(error) or "no answer"
    step = "Something between you and the hub stops WebSockets: use another network, or ask the instructor."
    return Check("connection", "fail", f"No connection to the hub stays open ({why}).", step)
