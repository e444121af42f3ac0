"""How the tutor finds the engine of the workshop that its learner joined with `--engine`."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from tutor import places
from tutor.problems import Problem
from tutor.workshop import cards

SCHEME = "workshop"


def chosen() -> str:
    """The address of the engine, while the learner sits in a seat that has one; empty otherwise."""
    card = cards.current()
    return f"{SCHEME}://{card.room}/{card.seat}" if card and card.engine else ""


def open_(host: str) -> Path:
    """Listen for connections to a seat's part of its engine, until the process ends.

    Raises:
        Problem: `no-seat`, when the address is of a seat that is not ours.
    """
    from tutor.lent.tunnel import Tunnel

    room, _, seat = host.removeprefix(f"{SCHEME}://").partition("/")

    def card() -> cards.Card | None:
        known = cards.of_room(room)
        return known if known and known.seat == seat else None

    if card() is None:
        raise Problem(f"{host} is the engine of a workshop that you have no seat in.", code="no-seat")
    folder = Path(tempfile.mkdtemp(prefix="lent-", dir=places.runtime()))
    tunnel = Tunnel(folder / "docker.sock", card)
    tunnel.start()

    def close() -> None:
        tunnel.stop()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(close)
    return tunnel.path
