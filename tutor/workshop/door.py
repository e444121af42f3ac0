"""The door of a room: who may take a seat, and whether somebody is who they say."""

from __future__ import annotations

import hmac

from tutor.workshop import names, protocol
from tutor.workshop.events import Record, SeatTaken
from tutor.workshop.following import Follower
from tutor.workshop.limits import Wrong

MOST_SEATS = 2000


class Refused(Exception):
    """What somebody asked for is not done; a stable code and words."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


class Door:
    """Lets in.

    Args:
        follower: The room.
        secret: The instructor's secret, of which all keys of the room are made.
    """

    def __init__(self, follower: Follower, secret: str) -> None:
        self.code = ""
        self._follower, self._secret = follower, secret
        self._wrong = Wrong()
        self._joining = 0

    @property
    def screen_key(self) -> str:
        """What opens the projector's page; it cannot do more than read that page."""
        return names.derived(self._secret, "screen")

    async def open(self) -> None:
        """Agree on the join code with the other hubs of the room.

        Raises:
            LogDown: The log cannot be reached.
        """
        self.code = await self._follower.log.settle("code", names.new_code())

    async def join(self, asked: protocol.Join, address: str) -> protocol.Joined:
        """A new seat, or the one that was given for this ticket.

        Raises:
            Refused: `too-many-tries`, `wrong-code`, `removed`, `closed`, `full`.
            LogDown: It may not be kept.
        """
        if not self._wrong.allows(address):
            raise Refused("too-many-tries", "There were too many wrong codes from your address. Wait a minute.")
        if not hmac.compare_digest(names.read_code(asked.code).encode(), self.code.encode()):
            self._wrong.note(address)
            raise Refused("wrong-code", "That is not the join code. It is on the projector.")
        room = self._follower.room
        key = names.derived(self._secret, f"seat {asked.ticket}")
        seat = f"s{names.derived(key, 'id')[:10]}"
        known = room.seats.get(seat)
        if known is None or not known.known:
            if not room.door.value:
                raise Refused("closed", "The instructor lets nobody new in at the moment.")
            if len(room.seats) + self._joining >= MOST_SEATS:
                raise Refused("full", "The room is full.")
            self._joining += 1
            try:
                await self._take(seat, asked.name, key)
            finally:
                self._joining -= 1
        taken = room.seat(seat)
        if not taken.allowed.value:
            raise Refused("removed", "The instructor has closed this seat.")
        opened = room.opened.value
        return protocol.Joined(
            room=opened.room if opened else "",
            title=opened.title if opened else "",
            seat=seat,
            name=taken.name.value,
            key=key,
        )

    async def _take(self, seat: str, wanted: str, key: str) -> None:
        follower = self._follower
        name = names.free_name(wanted, [one.name.value for one in follower.room.members()])
        body = SeatTaken(seat=seat, name=name, key=key)
        await follower.log.append([Record(id=f"join-{seat}", at=follower.now(), by="hub", body=body)])
        await follower.until(lambda: follower.room.seat(seat).known)

    def check(self, hello: protocol.Hello | protocol.Through, nonce: str, address: str) -> None:
        """Whether somebody is who they say.

        Raises:
            Refused: `version`, `too-many-tries`, `not-you`, `removed`.
        """
        if hello.version != protocol.VERSION:
            raise Refused("version", "Hub and tutor are of different versions: upgrade the older one.")
        if not self._wrong.allows(address):
            raise Refused("too-many-tries", "There were too many wrong keys from your address. Wait a minute.")
        seat = self._follower.room.seats.get(hello.id) if hello.role in ("seat", "engine") else None
        if hello.role == "screen":
            wanted = self.screen_key
        elif hello.role == "instructor":
            wanted = names.proof(self._secret, nonce, "instructor", hello.id)
        else:
            wanted = names.proof(seat.key, nonce, hello.proves, hello.id) if seat and seat.key else ""
        if not wanted or not hmac.compare_digest(hello.proof.encode(), wanted.encode()):
            self._wrong.note(address)
            raise Refused("not-you", "The key does not fit.")
        if seat is not None and not seat.allowed.value:
            raise Refused("removed", "The instructor has closed your seat. Ask to be let in again.")
