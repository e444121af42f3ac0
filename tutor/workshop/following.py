"""A hub's copy of the room: read from the log, kept up with it, and waited for.

It follows the log even for what its own hub wrote, so that several hubs on one log have one room.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable

from tutor.workshop.events import AnyBody, Record, RoomOpened
from tutor.workshop.log import Log, LogDown
from tutor.workshop.room import Room

_PATIENCE = 10.0  # seconds until what was written must be read back
_BEAT = 10.0  # seconds that a hub counts as alive without a word


class Follower:
    """Follows a log.

    Args:
        log: The room's log.
        heard: Called with each record that is new, when the room has it.
        turned: Called when another set of hubs lives than before.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        log: Log,
        heard: Callable[[Record], None],
        turned: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.log = log
        self.room = Room()
        self.id = f"h{secrets.token_hex(4)}"
        self.alive: set[str] = {self.id}
        self.moved = asyncio.Event()
        """Set when the room has moved; another one stands here from then on."""
        self._heard, self._turned, self.clock = heard, turned, clock
        self._latest = 0.0
        self._number = 0
        self._cursor = ""

    def now(self) -> float:
        """The hub's time for the next record: its clock, but never before what the log has."""
        self._latest = max(self.clock(), self._latest + 1e-6, self.room.clock + 1e-6)
        return self._latest

    async def open(self, opening: RoomOpened) -> None:
        """Read the log, and open the room when it is new.

        Raises:
            LogDown: The log cannot be reached.
        """
        await self.log.append([Record(id="open", at=self.now(), by="hub", body=opening)])
        await self.log.beat(self.id, _BEAT)
        while True:
            records, self._cursor = await self.log.read(self._cursor)
            if not records:
                return
            for record in records:
                self.room.apply(record)

    async def close(self) -> None:
        """Live no more, and let go of the log."""
        with contextlib.suppress(LogDown):
            await self.log.beat(self.id, 0)
        await self.log.close()

    async def keep(self, by: str, body: AnyBody) -> None:
        """Write what happens to this hub.

        Raises:
            LogDown: It may not be kept.
        """
        self._number += 1
        await self.log.append([Record(id=f"{self.id}-{self._number}", at=self.now(), by=by, body=body)])

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until the room has come so far.

        Raises:
            LogDown: It does not.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                while not true():
                    await self.moved.wait()
        except TimeoutError as error:
            raise LogDown("The log is written, but cannot be read now.") from error

    async def follow(self) -> None:
        """Keep up with the log, on and on."""
        while True:
            try:
                records, self._cursor = await self.log.read(self._cursor, wait=15.0)
            except LogDown:
                await asyncio.sleep(0.5)
                continue
            for record in records:
                if self.room.apply(record):
                    self._heard(record)
            moved, self.moved = self.moved, asyncio.Event()
            moved.set()

    async def beats(self) -> None:
        """Say that this hub lives, and ask who else does, on and on."""
        while True:
            with contextlib.suppress(LogDown):
                await self.log.beat(self.id, _BEAT)
                alive = await self.log.hubs() | {self.id}
                if alive != self.alive:
                    self.alive = alive
                    self._turned()
            await asyncio.sleep(_BEAT / 4)
