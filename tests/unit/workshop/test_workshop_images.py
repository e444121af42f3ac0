"""A mirror in the room: what the hub tells of it, and what is said where it is not as told."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.images.stocked import MANIFEST, NEEDED, Stocked, digest
from tests.unit.workshop.hubs import serving
from tests.unit.workshop.programs import tutor
from tutor.course.loader import load_course
from tutor.engine import images, room_mirror
from tutor.problems import Problem
from tutor.ui.plain import workshop_doctor, workshop_images
from tutor.workshop import agenda, client
from tutor.workshop.log_sqlite import SqliteLog
from tutor.workshop.protocol import Offer

pytestmark = NEEDED
SHELL = images.catalogue()["shell"]


@pytest.fixture
def stocked(home: Path) -> Iterator[Stocked]:
    """A mirror with the one image that chapter 4 uses."""
    with room_mirror.filling() as (storage, address):
        made = Stocked(address, storage, SHELL.path)
        made.put(SHELL.tag, made.manifest, MANIFEST)
        yield made


async def test_the_hub_tells_of_the_mirror_and_the_preflight_looks_at_it(stocked: Stocked, tmp_path: Path) -> None:
    course = await asyncio.to_thread(load_course)
    plan = agenda.of_chapters(course, [4], title="", seats=30)
    offer = await asyncio.to_thread(workshop_images.offer, plan, stocked.address)
    assert offer == Offer(mirror=stocked.address, images={SHELL.reference: digest(stocked.manifest)})
    async with serving(SqliteLog(tmp_path / "room.sqlite3"), offer=offer) as hub:
        told = (await asyncio.to_thread(client.room_at, hub.http)).offer
        assert told == offer
        check = await asyncio.to_thread(workshop_doctor._mirror, told)
        assert check.state == "ok" and stocked.address in check.sentence
    other = Offer(mirror=stocked.address, images={SHELL.reference: digest(b"another")})
    check = await asyncio.to_thread(workshop_doctor._mirror, other)
    assert check.state == "warn" and SHELL.reference in check.sentence
    gone = Offer(mirror="127.0.0.1:1", images=offer.images)
    check = await asyncio.to_thread(workshop_doctor._mirror, gone)
    assert check.state == "warn" and "No registry answers at 127.0.0.1:1" in check.sentence
    check = await asyncio.to_thread(workshop_doctor._mirror, Offer(mirror="no address", images=offer.images))
    assert check.state == "warn" and "not the address" in check.sentence


async def test_who_joins_is_told_where_images_are(home: Path, tmp_path: Path) -> None:
    offer = Offer(mirror="192.0.2.7:5000", images={SHELL.reference: digest(b"anything")})
    for told in (offer, None):
        async with serving(SqliteLog(tmp_path / f"{told is None}.sqlite3"), offer=told) as hub:
            link = f"{hub.http}/{hub.hub.door.code}"
            done = await asyncio.to_thread(tutor, home, "join", link, "--as", "Ada", stdin="quit\n")
            assert done.returncode == 0, done.stderr
            said = f"Images that you lack: docker-tutor images pull --from {hub.http}\n"
            assert (said in done.stdout) == (told is not None)


def test_a_mirror_that_lacks_an_image_is_not_offered(stocked: Stocked) -> None:
    plan = agenda.of_chapters(load_course(), [4, 22], title="", seats=30)
    with pytest.raises(Problem, match=r"lacks nginx") as caught:
        workshop_images.offer(plan, stocked.address)
    assert "workshop prep --mirror" in caught.value.next_step


async def test_a_workshop_without_a_mirror_says_so(tmp_path: Path) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as hub:
        with pytest.raises(Problem, match="has no mirror"):
            await asyncio.to_thread(workshop_images.pull, hub.http, io.StringIO())
