"""Simulated seats: the real client on an outbox in memory."""

from __future__ import annotations

import asyncio
import json
import secrets

import msgspec

from tests.unit.workshop.hubs import ask
from tutor.learner.events import AnyEvent
from tutor.workshop.cards import Card
from tutor.workshop.client import Link
from tutor.workshop.protocol import MAX_PUSH, Item, Joined


class MemoryOutbox:
    """Events in a list; place n is the n-th."""

    def __init__(self) -> None:
        self.stream = secrets.token_hex(8)
        self.events: list[tuple[float, AnyEvent]] = []

    def teach(self, chapters: frozenset[str]) -> None:
        """All is sent."""

    def after(self, n: int) -> tuple[list[Item], int]:
        chosen = self.events[n : n + MAX_PUSH]
        return [Item(n=n + i, at=at, event=event) for i, (at, event) in enumerate(chosen, 1)], n + len(chosen)


class Sitting:
    """A seat that is connected as long as it sits."""

    def __init__(self, card: Card, outbox: MemoryOutbox, **options: float) -> None:
        self.card, self.outbox = card, outbox
        self.link = Link(card, outbox, alive=options.get("alive", 15.0), look=options.get("look", 0.3))
        self.task = asyncio.create_task(self.link.run())

    def do(self, event: AnyEvent, at: float) -> None:
        self.outbox.events.append((at, event))
        self.link.poke()

    @property
    def acknowledged(self) -> int:
        return self.link._upto

    async def stand_up(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def sit(http: str, code: str, name: str, **options: float) -> Sitting:
    """Join and sit down."""
    body = json.dumps({"code": code, "name": name, "ticket": secrets.token_hex(16)}).encode()
    status, answer = await asyncio.to_thread(ask, f"{http}/api/join", body, {"content-type": "application/json"})
    assert status == 200, answer
    joined = msgspec.convert(answer, Joined)
    card = Card(hub=http, room=joined.room, title="", seat=joined.seat, name=joined.name, key=joined.key)
    return Sitting(card, MemoryOutbox(), **options)
