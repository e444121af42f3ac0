"""Where a session's time goes: waiting for commands, for the engine, for things to come to rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Kind = Literal["commands", "engine", "settling"]
KINDS: tuple[Kind, ...] = ("commands", "engine", "settling")


class Waits:
    """Adds up waiting by its kind. What this thread computes while it waits is not counted as waiting.

    May be used by several threads; a wait inside another one counts once, as the outer's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[Kind, float] = dict.fromkeys(KINDS, 0.0)
        self._inside = threading.local()

    @contextmanager
    def on(self, kind: Kind) -> Iterator[None]:
        """Count the time of the block as waiting of this kind."""
        if getattr(self._inside, "waiting", False):
            yield
            return
        self._inside.waiting = True
        wall, computed = time.monotonic(), time.thread_time()
        try:
            yield
        finally:
            self._inside.waiting = False
            waited = (time.monotonic() - wall) - (time.thread_time() - computed)
            with self._lock:
                self._seconds[kind] += max(0.0, waited)

    def seconds(self, kind: Kind) -> float:
        """All waiting of one kind so far."""
        with self._lock:
            return self._seconds[kind]
