"""A seat's part in looking over a shoulder: what it was asked, what it agreed to, and what it sends meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from tutor.workshop import names, protocol
from tutor.workshop.shoulder import Copy, cleaned, fitted

BETWEEN = 0.35  # seconds between two copies


@dataclass(frozen=True)
class Asked:
    """An instructor asks to look at the seat's shell; `agreed`: and sees it now."""

    id: str
    by: str
    agreed: bool = False


class Showing:
    """Sends copies of the shell while the learner agrees, and never otherwise.

    Args:
        told: Called with what is asked now, or None with why it is over.
        clock: Seconds, from anywhere.
    """

    def __init__(self, told: Callable[[Asked | None, str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.asked: Asked | None = None
        self._told = told
        self._clock = clock
        self._copy: Copy | None = None
        self._answers: list[protocol.LookAnswer] = []
        self._spoken = asyncio.Event()

    def hear(self, message: protocol.LookAsked | protocol.LookOver) -> None:
        """The hub tells of an instructor's wish, or that it is over."""
        if isinstance(message, protocol.LookOver):
            if self.asked is not None and self.asked.id == message.id:
                self.over(names.clean(message.why, 200))
        elif self.asked is not None:
            self._answer(message.id, yes=False, why="Another one asked before.")
        else:
            self.asked = Asked(message.id, names.clean(message.by, names.NAME_LENGTH) or "Instructor")
            self._told(self.asked, "")

    def agree(self, identity: str) -> None:
        """The learner lets them look; `identity`: what they were asked when they said so."""
        if self.asked is not None and self.asked.id == identity and not self.asked.agreed:
            self.asked = replace(self.asked, agreed=True)
            self._answer(identity, yes=True)
            self._told(self.asked, "")

    def end(self, words: str, why: str = "") -> None:
        """The learner refuses, or ends it.

        Args:
            words: What the learner is told.
            why: What the instructor is told, where it was not the learner's wish.
        """
        if self.asked is not None:
            self._answer(self.asked.id, yes=False, why=why)
            self.over(words)

    def over(self, words: str) -> None:
        """Nothing is sent any more."""
        if self.asked is not None:
            self.asked, self._copy = None, None
            self._told(None, words)

    def show(self, copy: Copy) -> None:
        """The shell looks like this now; without the learner's word it is forgotten at once."""
        if self.asked is not None and self.asked.agreed:
            self._copy = copy
            self._spoken.set()

    def _answer(self, identity: str, *, yes: bool, why: str = "") -> None:
        self._answers.append(protocol.LookAnswer(id=identity, yes=yes, why=why))
        self._spoken.set()

    async def speak(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send answers at once, and copies when they have changed, a few a second, as long as a connection lasts."""
        sent: tuple[str, Copy] | None = None
        due = 0.0
        while True:
            await self._spoken.wait()
            self._spoken.clear()
            while self._answers:
                await send(protocol.encode(self._answers.pop(0)).decode())
            if self._copy is None or self.asked is None or not self.asked.agreed:
                continue
            wait = due - self._clock()
            if wait > 0:
                asyncio.get_running_loop().call_later(wait, self._spoken.set)
                continue
            copy, self._copy = fitted(cleaned(self._copy)), None
            if (self.asked.id, copy) != sent:
                sent, due = (self.asked.id, copy), self._clock() + BETWEEN
                await send(protocol.encode(protocol.Shown(id=self.asked.id, copy=copy)).decode())

    def lost(self) -> None:
        """The connection has ended: so has what was agreed on it."""
        self._answers.clear()
        self.over("The connection is gone: nobody sees your shell.")
