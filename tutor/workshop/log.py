"""Where a room's log is kept: one small interface, SQLite for one hub, Redis streams for several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tutor.workshop.events import Record


class LogDown(Exception):
    """The log cannot be reached or written now; nothing of what was to be written may be taken for kept."""


class Log(Protocol):
    """An append-only log of records, and the little that hubs of one room share beside it."""

    async def append(self, records: Sequence[Record]) -> None:
        """Keep records; when this returns, a process that is killed does not lose them.

        Records whose id is there already are passed over. All of them are kept, or none.

        Raises:
            LogDown: They may not be kept.
        """

    async def read(self, after: str = "", *, wait: float = 0.0) -> tuple[list[Record], str]:
        """Records that follow a cursor (empty: from the beginning), and the cursor to go on with.

        Args:
            after: A cursor that an earlier call returned.
            wait: Seconds to wait for a record where there is none.

        Raises:
            LogDown: It cannot be read.
        """

    async def settle(self, name: str, value: str) -> str:
        """A value that all hubs agree on: the first one that was offered for this name.

        Raises:
            LogDown: It cannot be reached.
        """

    async def beat(self, hub: str, seconds: float) -> None:
        """Say that a hub lives, for so many seconds; 0 says that it ends.

        Raises:
            LogDown: It cannot be reached.
        """

    async def hubs(self) -> set[str]:
        """The hubs that live.

        Raises:
            LogDown: It cannot be reached.
        """

    async def erase(self) -> None:
        """Remove everything that is kept of the room.

        Raises:
            LogDown: It cannot be reached.
        """

    async def close(self) -> None:
        """Let go of it; what was appended stays."""
