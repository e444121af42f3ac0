"""Which records of the build cache a lab's builds made."""

from __future__ import annotations

from tutor.sandbox.ask import Ask
from tutor.sandbox.upstream import EngineError


async def cache_ids(ask: Ask) -> set[str] | None:
    """Ids of all records in the build cache now; None when the engine does not tell."""
    try:
        usage = await ask.api.get("/system/df", type="build-cache")
    except EngineError:
        return None
    return {item["ID"] for item in usage.get("BuildCache") or ()}


async def note_cache(ask: Ask, before: set[str] | None) -> None:
    """What came to the build cache while a build of the lab ran is the lab's.

    A build that somebody else runs at the very same time cannot be told apart; the cache is only a cache.
    """
    now = await cache_ids(ask)
    if before is not None and now is not None:
        ask.record.own_cache(now - before)
