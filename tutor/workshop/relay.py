"""The hub's part in looking over a shoulder: it carries copies from one seat to one instructor, and keeps none."""

from __future__ import annotations

from collections.abc import Mapping

from tutor.workshop import names, protocol
from tutor.workshop.peers import BoardPeer, Peer, SeatPeer
from tutor.workshop.shoulder import Look, Looks, NotNow, cleaned


class Relay:
    """Carries what was agreed to.

    Args:
        seats: The seats that are connected, by id.
        looks: Who may see what.
    """

    def __init__(self, seats: Mapping[str, SeatPeer], looks: Looks[Peer] | None = None) -> None:
        self._seats = seats
        self.looks: Looks[Peer] = looks or Looks()

    def asked(self, board: BoardPeer, look: protocol.LookAt) -> None:
        """An instructor asks to look at a seat, or ends it."""
        if not look.on:
            over = self.looks.leave(board, look.seat)
            if over is not None:
                self._tell(over, "The instructor has ended it.", "Ended.")
            return
        self.late()
        try:
            made = self.looks.ask(look.seat, self._seats.get(look.seat), board)
        except NotNow as why:
            board.say(protocol.LookState(seat=look.seat, state="over", why=str(why)))
            return
        made.shower.say(protocol.LookAsked(id=made.id, by=board.name))
        board.say(protocol.LookState(seat=look.seat, state="asked"))

    def answered(self, seat: SeatPeer, answer: protocol.LookAnswer) -> None:
        """A learner agrees, refuses, or ends it. What they were not asked by this connection changes nothing."""
        if answer.yes:
            look = self.looks.agree(seat, answer.id)
            if look is not None:
                look.viewer.say(protocol.LookState(seat=look.seat, state="on"))
            return
        over = self.looks.refuse(seat, answer.id, wish=not answer.why)
        if over is not None:
            why = names.clean(answer.why, 200) or ("They ended it." if over.agreed else "They would rather not.")
            self._tell(over, "", why)

    def shown(self, seat: SeatPeer, shown: protocol.Shown) -> None:
        """A copy of a seat's shell: to the one who may see it, if anybody may."""
        look = self.looks.copy(seat, shown.id)
        if look is not None and isinstance(look.viewer, BoardPeer):
            seen = protocol.LookSeen(seat=look.seat, copy=cleaned(shown.copy))
            look.viewer.copy(protocol.encode(seen).decode())

    def gone(self, peer: Peer) -> None:
        """A connection has ended, or its seat was closed."""
        for over in self.looks.gone(peer):
            self._tell(over, "The instructor's connection has ended.", "Their connection has ended.")

    def late(self) -> None:
        """Who has not answered in time has refused."""
        for over in self.looks.late():
            self._tell(over, "Nobody answered in time: it was refused.", "They did not answer.")

    def _tell(self, over: Look[Peer], shower: str, viewer: str) -> None:
        if shower:
            over.shower.say(protocol.LookOver(id=over.id, why=shower))
        if isinstance(over.viewer, BoardPeer):
            over.viewer.copy("")  # what was not sent yet is not sent any more
            over.viewer.say(protocol.LookState(seat=over.seat, state="over", why=viewer))
