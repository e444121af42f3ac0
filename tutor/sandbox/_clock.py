"""One timer for all calls of a sandbox: most calls end long before anything is due, and a timer of their own costs more
than the rest of what is noted about them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_TICK = 0.01
"""Seconds between two looks, while anything waits; also how late something may be."""


class Clock:
    """Calls back later, if nobody says that it is not needed any more; belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[float, Callable[[], None]]] = {}
        self._last = 0
        self._runs = False

    def after(self, seconds: float, call: Callable[[], None]) -> int:
        """Call back then, or up to ten milliseconds later.

        Returns:
            What to give to `forget`.
        """
        self._last += 1
        self._waiting[self._last] = (time.monotonic() + seconds, call)
        if not self._runs:
            self._runs = True
            asyncio.get_running_loop().call_later(_TICK, self._look)
        return self._last

    def forget(self, key: int) -> None:
        """It is not needed any more; nothing happens when it was called already."""
        self._waiting.pop(key, None)

    def _look(self) -> None:
        self._runs = bool(self._waiting)
        if not self._runs:
            return
        asyncio.get_running_loop().call_later(_TICK, self._look)
        now = time.monotonic()
        for key, (due, call) in tuple(self._waiting.items()):
            if due <= now and self._waiting.pop(key, None) is not None:
                call()
