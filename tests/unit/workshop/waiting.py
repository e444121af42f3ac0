"""Waiting for what tells nobody that it has come true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait, while the loop goes on, until something has become true."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)


def waited(value: Callable[[], T], seconds: float = 60, otherwise: Callable[[], str] = lambda: "") -> T:
    """What this gives as soon as it gives something.

    Args:
        value: Asked again and again.
        seconds: How long.
        otherwise: What to say where it never does.
    """
    end = time.monotonic() + seconds
    while not (found := value()):
        assert time.monotonic() < end, f"not within {seconds} s: {otherwise()}"
        time.sleep(0.05)
    return found
