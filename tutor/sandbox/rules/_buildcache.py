"""Which records of the build cache a lab's builds made."""

from __future__ import annotations

from tutor.sandbox.ask import Ask
from tutor.sandbox.upstream import EngineError


async def cache_ids(ask: Ask) -> set[str]:
    """Ids of all records in the build cache now."""
    try:
        usage = await ask.api.get("/system/df", type="build-cache")
    except EngineError:
        return set()
    return {item["ID"] for item in usage.get("BuildCache") or ()}


async def note_cache(ask: Ask, before: set[str]) -> None:
    """What came to the build cache while a build of the lab ran is the lab's.

    A build that somebody else runs at the very same time cannot be told apart; the cache is only a cache.
    """
    ask.record.own_cache(await cache_ids(ask) - before)
