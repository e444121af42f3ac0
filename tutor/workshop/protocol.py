"""What hub and client say to each other: JSON messages, one in each WebSocket frame.

The hub begins with a challenge; the client answers it with a proof of its key, so that no key and nothing that could
be sent again crosses the network. Then a seat pushes what its journal has that the hub has not, and is told what
changes; an instructor gives instructions, each with an id, so that one that is sent twice is done once.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec

from tutor.learner.events import AnyEvent
from tutor.workshop.events import Instruction, Key
from tutor.workshop.seen import Board, Common, Screen, SeatRow, Summary, You
from tutor.workshop.shoulder import Copy

MAX_MESSAGE = 65_536  # bytes that the hub takes in one message
MAX_PUSH = 100  # events in one push
VERSION = 1

Text = Annotated[str, msgspec.Meta(max_length=200)]


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """What all messages share."""


# -- to the hub -------------------------------------------------------------------------------------------------------
class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    """Who is there.

    Attributes:
        id: The seat's id; an instructor's name; empty for a projector.
        proof: `tutor.workshop.names.proof`; a projector's key as it is, as pages on plain HTTP cannot compute it.
        stream: The journal that a seat will push.
    """

    role: Literal["seat", "instructor", "screen"]
    id: Text = ""
    proof: Text
    stream: Text = ""
    version: int = VERSION

    @property
    def proves(self) -> str:
        """What the proof is for."""
        return self.role


class Through(Message, frozen=True, kw_only=True, tag="through"):
    """A seat wants one connection to the engine that the host lends; from `Opened` on the WebSocket is its bytes.

    Attributes:
        id: The seat's id.
        proof: As in `Hello`, good for this port only.
        port: A port that one of the seat's containers publishes; 0 for the engine itself.
    """

    id: Text
    proof: Text
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    version: int = VERSION
    role: ClassVar[str] = "engine"

    @property
    def proves(self) -> str:
        """What the proof is for."""
        return through(self.port)


def through(port: int) -> str:
    """What the proof of a `Through` is for."""
    return f"engine {port}"


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry of a seat's journal; `at` is by the seat's clock."""

    n: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    at: float
    event: AnyEvent


class Push(Message, frozen=True, kw_only=True, tag="push"):
    """What a seat's journal has after what the hub has; `now` is the seat's clock."""

    now: float
    items: Annotated[tuple[Item, ...], msgspec.Meta(min_length=1, max_length=MAX_PUSH)]


class Do(Message, frozen=True, kw_only=True, tag="do"):
    """An instruction."""

    id: Key
    what: Instruction


class LookAt(Message, frozen=True, kw_only=True, tag="look-at"):
    """An instructor wants to look at a seat's shell, or not any more. Not an instruction: it is in no log."""

    seat: Key
    on: bool


class LookAnswer(Message, frozen=True, kw_only=True, tag="look-answer"):
    """A learner agrees to `LookAsked`, refuses it, or ends it later; `why`: words for the instructor."""

    id: Key
    yes: bool
    why: Text = ""


class Shown(Message, frozen=True, kw_only=True, tag="shown"):
    """A copy of the seat's shell, for the look that the learner agreed to."""

    id: Key
    copy: Copy


FromSeat = Push | LookAnswer | Shown
FromInstructor = Do | LookAt

# -- from the hub -----------------------------------------------------------------------------------------------------


class Challenge(Message, frozen=True, kw_only=True, tag="challenge"):
    """The first message: what to prove the key with."""

    nonce: str
    version: int = VERSION


class Welcome(Message, frozen=True, kw_only=True, tag="welcome"):
    """A seat is in. `have`: the place in its journal up to which the hub has it."""

    have: int
    common: Common
    you: You


class Opened(Message, frozen=True, kw_only=True, tag="opened"):
    """The connection that `Through` asked for is there. Binary messages are its bytes, `END` ends one direction."""


END = "end"


class Ack(Message, frozen=True, kw_only=True, tag="ack"):
    """The journal is kept up to this place: it survives the hub."""

    upto: int


class News(Message, frozen=True, kw_only=True, tag="news"):
    """What all learners see has changed, or what this one sees."""

    common: Common | None = None
    you: You | None = None


class Done(Message, frozen=True, kw_only=True, tag="done"):
    """An instruction is kept; `refused` says why when it is not."""

    id: str
    refused: str = ""


class Full(Message, frozen=True, kw_only=True, tag="full"):
    """The whole board."""

    code: str
    board: Board


class Rows(Message, frozen=True, kw_only=True, tag="rows"):
    """Rows of the board that have changed."""

    rows: tuple[SeatRow, ...]


class Changed(Message, frozen=True, kw_only=True, tag="changed"):
    """Everything of the board but its rows, when something of it has changed."""

    summary: Summary


class LookAsked(Message, frozen=True, kw_only=True, tag="look-asked"):
    """An instructor asks to look at the seat's shell: nothing is sent until the learner agrees."""

    id: str
    by: str


class LookOver(Message, frozen=True, kw_only=True, tag="look-over"):
    """What was asked or agreed is over."""

    id: str
    why: str


class LookState(Message, frozen=True, kw_only=True, tag="look-state"):
    """Tells an instructor what became of their wish to look at a seat."""

    seat: str
    state: Literal["asked", "on", "over"]
    why: str = ""


class LookSeen(Message, frozen=True, kw_only=True, tag="look-seen"):
    """A copy of the seat's shell, as it is now."""

    seat: str
    copy: Copy


class Show(Message, frozen=True, kw_only=True, tag="show"):
    """What the projector shows; the QR code as rows of 0 and 1."""

    code: str
    link: str
    qr: tuple[str, ...]
    screen: Screen


class Bye(Message, frozen=True, kw_only=True, tag="bye"):
    """The hub ends the connection; `code` is stable, `why` is for people."""

    code: str
    why: str


ToThrough = Challenge | Opened | Bye
ToSeat = Challenge | Welcome | Ack | News | LookAsked | LookOver | Bye
ToInstructor = Challenge | Full | Rows | Changed | Done | LookState | LookSeen | Bye

encode = msgspec.json.Encoder().encode
through_asked = msgspec.json.Decoder(Through).decode
to_through = msgspec.json.Decoder(ToThrough).decode
hello = msgspec.json.Decoder(Hello).decode
from_seat = msgspec.json.Decoder(FromSeat).decode
from_instructor = msgspec.json.Decoder(FromInstructor).decode
to_seat = msgspec.json.Decoder(ToSeat).decode
to_instructor = msgspec.json.Decoder(ToInstructor).decode


# -- joining, by HTTP -------------------------------------------------------------------------------------------------
class Join(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /api/join`. `ticket`: made by the client; asking again with the same one gives the same seat."""

    code: Text
    name: Text
    ticket: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: a seat, and the key that proves it."""

    room: str
    title: str
    seat: str
    name: str
    key: str


Digest = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """Images that a mirror in the room has: its `HOST:PORT`, and reference → digest of what is to be found there."""

    mirror: Annotated[str, msgspec.Meta(max_length=300)]
    images: Annotated[dict[str, Digest], msgspec.Meta(max_length=200)]


class RoomInfo(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/room`: what one may know before joining.

    Attributes:
        chapters: Their numbers.
        offer: Where images are.
        engine: The host lends one.
    """

    room: str
    title: str
    version: str
    chapters: tuple[int, ...]
    offer: Offer | None = None
    engine: bool = False


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is none: a stable code and words."""

    code: str
    why: str
