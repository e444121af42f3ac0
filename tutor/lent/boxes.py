"""The host's end: a sandbox for each seat between it and the engine.

The sandbox is the one that labs have, with labels of its own: the learner's tutor, and whatever else speaks through
the seat's connection, sees and touches what this seat has made, and the course's images. Nothing of the host can be
mounted, and no step's exceptions hold.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import msgspec

from tutor import places
from tutor.engine.address import EngineAddress
from tutor.engine.connect import connect
from tutor.engine.routes import of_machine
from tutor.lab.session import setup as session_setup
from tutor.lab.session.engine import upstream
from tutor.problems import Problem
from tutor.sandbox import cleanup
from tutor.sandbox.policy import SEAT_KEYS, Scope
from tutor.sandbox.proxy import Sandbox
from tutor.sandbox.receipt import Receipt
from tutor.sandbox.trace import Trace
from tutor.sandbox.upstream import Api, EngineError, Pool, Upstream
from tutor.workshop.door import Refused
from tutor.workshop.lending import CHUNK
from tutor.workshop.rooms import Here

_RECORD = "sandbox.json"
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class Lent(msgspec.Struct, frozen=True, kw_only=True):
    """Which engine a room lends, for whoever erases the room. `host`: in the form of DOCKER_HOST."""

    host: str


class Boxes:
    """Lends an engine to the seats of a room.

    Args:
        engine: The engine.
        here: The room; what must be known of each seat is kept in its folder.
        images: References of the images that every seat may use and none may change.
        most: Seats that may have a part of the engine at the same time.
        say: Takes lines for the instructor.
    """

    def __init__(
        self, engine: EngineAddress, here: Here, images: Collection[str], most: int, say: Callable[[str], None]
    ) -> None:
        self._engine = engine
        self._upstream = upstream(engine)
        self._near = "127.0.0.1" if engine.scheme != "tcp" else engine.endpoint[0]
        self._room = here.keys.room
        self._folder = _seats(here)
        self._images = frozenset(images)
        self._most = most
        self._say = say
        self._boxes: dict[str, Sandbox] = {}
        self._turn = asyncio.Lock()
        here.folder.joinpath("lent.json").write_bytes(msgspec.json.encode(Lent(host=engine.host)))

    async def open(self, seat: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """See `tutor.workshop.lending.Lender.open`."""
        async with self._turn:
            box = self._boxes.get(seat)
            if box is None:
                box = self._boxes[seat] = await asyncio.to_thread(self._begin, seat)
        if not port:
            return await asyncio.open_unix_connection(str(box.socket), limit=CHUNK)
        address = await self._published(box, port)
        if not address:
            raise Refused("no-port", f"None of your containers publishes port {port}.")
        return await asyncio.open_connection(address, port, limit=CHUNK)

    async def remove(self, seat: str) -> None:
        """See `tutor.workshop.lending.Lender.remove`."""
        async with self._turn:
            box = self._boxes.pop(seat, None)
            if box is None and not (self._folder / seat).is_dir():
                return
            try:
                await asyncio.to_thread(self._end, seat, box)
            except Problem as problem:
                self._say(f"What seat {seat} has made is still on the engine: {problem.sentence} Erasing takes it.")

    async def close(self) -> None:
        """See `tutor.workshop.lending.Lender.close`."""
        async with self._turn:
            boxes, self._boxes = self._boxes, {}
            for box in boxes.values():
                await asyncio.to_thread(box.stop)

    def _begin(self, seat: str) -> Sandbox:
        folder = self._folder / seat
        if not folder.is_dir() and sum(1 for _ in self._folder.iterdir()) >= self._most:
            raise Refused("full", f"All {self._most} places on the workshop's engine are taken. Ask the instructor.")
        workspace = folder / "work"  # builds keep what they are sent beside it for as long as they take
        workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = hashlib.sha256(f"{self._room}\n{seat}".encode()).hexdigest()[:16]
        box = Sandbox(
            self._upstream,
            Scope(seat, self._room, self._images, str(workspace), keys=SEAT_KEYS),
            places.runtime() / f"seat-{name}" / "docker.sock",
            Trace(keep=50),  # nobody reads it here, and a call's body may have 64 KiB
            record=folder / _RECORD,
            routes=lambda: of_machine(self._engine),
        )
        box.start()
        return box

    def _end(self, seat: str, box: Sandbox | None) -> None:
        if box is not None:
            box.stop()
            shutil.rmtree(box.socket.parent, ignore_errors=True)
        receipt = _remove(self._upstream, self._room, seat, self._folder)
        if receipt.left:
            raise Problem(f"it does not go ({'; '.join(receipt.left)}).")

    async def _published(self, box: Sandbox, port: int) -> str:
        """Where a port of the seat's own containers is reached; empty when none publishes it."""
        pool = Pool(Upstream(unix=str(box.socket)))
        try:
            listed: Any = await Api(pool).get("/containers/json")
        except EngineError as error:
            raise Refused("no-answer", f"The engine says: {error.message}") from None
        finally:
            pool.close()
        found = [
            str(item.get("IP") or "")
            for container in listed or ()
            for item in container.get("Ports") or ()
            if item.get("PublicPort") == port and item.get("Type") == "tcp"
        ]
        if not found:
            return ""
        bound = min(found, key=lambda address: ":" in address)  # the same port on both families: the older one
        return self._near if bound in _EVERYWHERE and self._near != "127.0.0.1" else _EVERYWHERE.get(bound, bound)


def lend(host: str, here: Here, roles: Collection[str], most: int, say: Callable[[str], None]) -> Boxes:
    """Lend an engine to a room's seats.

    Args:
        host: The engine, in the form of DOCKER_HOST; empty for the one that other commands use.
        here: The room.
        roles: Images that the workshop needs.
        most: Seats that may use it.
        say: Takes lines for the instructor.

    Raises:
        Problem: `no-engine` and others of `connect`; `images-missing`.
    """
    from tutor.engine.images import missing

    address = EngineAddress.parse(host, "--engine") if host else None
    with connect(address) as engine:
        lacking = missing(engine, roles)
        if lacking:
            raise Problem(
                f"The engine lacks images of the workshop: {', '.join(lacking)}.",
                f"Get them first, once for all seats: docker tutor images pull {' '.join(lacking)}",
                code="images-missing",
            )
        found = engine.address
    _, images = session_setup.images()
    say(f"Engine:     {found} is lent to {most} seats: docker tutor join … --engine")
    say("            Each seat sees and touches only what it makes; memory, disk and the default network are shared.")
    say("            For people you do not know, lend an engine of its own: docker tutor engine up")
    return Boxes(found, here, images, most, say)


def take_back(here: Here) -> list[Receipt]:
    """Remove all that seats of a room have made on its engine; no hub may serve the room.

    Returns:
        A receipt for each seat; none where no engine was lent.

    Raises:
        Problem: `no-engine` and others of `connect`; `engine-unreachable`; `not-removed`, when something is left.
    """
    try:
        lent = msgspec.json.decode((here.folder / "lent.json").read_bytes(), type=Lent)
    except FileNotFoundError:
        return []
    room, folder = here.keys.room, _seats(here)
    with connect(EngineAddress.parse(lent.host, "the engine of the room")) as engine:
        way = upstream(engine.address)
        seats = {path.name for path in folder.iterdir()} | cleanup.leftovers(way, room, SEAT_KEYS).keys()
        receipts = [_remove(way, room, seat, folder) for seat in sorted(seats)]
    left = [words for receipt in receipts for words in receipt.left]
    if left:
        raise Problem(
            f"Something of the seats is left on the engine at {lent.host}: {'; '.join(left)}.",
            "Remove it by hand, then erase the room again.",
            code="not-removed",
        )
    return receipts


def _seats(here: Here) -> Path:
    folder = here.folder / "seats"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder


def _remove(way: Upstream, room: str, seat: str, folder: Path) -> Receipt:
    # A lent engine's Swarm mode is never a seat's.
    receipt = cleanup.close(way, seat, room, folder / seat / _RECORD, keep_swarm=True, keys=SEAT_KEYS)
    if not receipt.left:
        shutil.rmtree(folder / seat, ignore_errors=True)
    return receipt
