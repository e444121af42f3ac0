"""Appends that wait at the same time are written as one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from tutor.workshop.events import Record, encode
from tutor.workshop.log import LogDown

Line = tuple[str, bytes]
"""A record's id and its text."""


class Together:
    """Collects lines while a write is under way.

    Args:
        write: Keeps lines, all or none.
    """

    def __init__(self, write: Callable[[list[Line]], Awaitable[None]]) -> None:
        self._keep = write
        self._waiting: list[tuple[list[Line], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def append(self, records: Sequence[Record]) -> None:
        """Returns when the records are kept.

        Raises:
            LogDown: They may not be kept.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(([(record.id, encode(record)) for record in records], done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await done

    async def settled(self) -> None:
        """Wait until nothing waits."""
        while self._writer is not None:
            await asyncio.shield(self._writer)

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                failure: LogDown | None = None
                try:
                    await self._keep([line for lines, _ in batch for line in lines])
                except LogDown as error:
                    failure = error
                for _, done in batch:
                    if done.done():
                        continue
                    if failure is None:
                        done.set_result(None)
                    else:
                        done.set_exception(failure)
        finally:
            self._writer = None
