"""A room's log in a Redis stream: several hubs, one room.

One script checks the ids and appends, so that a record that two hubs are given is kept once, and a batch is kept
whole or not at all (Redis runs a script without anything between: https://redis.io/docs/latest/develop/programmability/).
How much a Redis that is killed loses is its own setting: `appendonly yes` with `appendfsync always` loses nothing
that was acknowledged (https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis.asyncio as redis
from redis.exceptions import RedisError

from tutor.workshop._together import Line, Together
from tutor.workshop.events import Record, decode
from tutor.workshop.log import LogDown

_APPEND = """
for place = 1, #ARGV, 2 do
  if redis.call('SADD', KEYS[2], ARGV[place]) == 1 then
    redis.call('XADD', KEYS[1], '*', 'r', ARGV[place + 1])
  end
end
return 1
"""
_PAGE = 2000  # records of one read
_PATIENCE = 5.0  # seconds for an answer


class RedisLog:
    """A log in Redis.

    Args:
        url: `redis://…`, `rediss://…` or `unix://…`.
        room: The room's id; several rooms can share a server.
    """

    def __init__(self, url: str, room: str) -> None:
        self._redis: redis.Redis = redis.Redis.from_url(
            url, socket_connect_timeout=_PATIENCE, socket_timeout=_PATIENCE + 30, health_check_interval=30
        )
        # Braces: on a cluster all of a room's keys are in one place.
        self._stream, self._ids, self._settings, self._hubs = (
            f"docker-tutor:{{{room}}}:{name}" for name in ("log", "ids", "settings", "hubs")
        )
        self._together = Together(self._write)
        self._script = self._redis.register_script(_APPEND)

    async def append(self, records: Sequence[Record]) -> None:
        """See `Log.append`."""
        await self._together.append(records)

    async def read(self, after: str = "", *, wait: float = 0.0) -> tuple[list[Record], str]:
        """See `Log.read`."""
        block = max(1, round(wait * 1000)) if wait > 0 else None
        try:
            found: Any = await self._redis.xread({self._stream: after or "0-0"}, count=_PAGE, block=block)
        except (RedisError, OSError) as error:
            raise LogDown(f"Redis cannot be read ({error}).") from error
        pairs = found[0][1] if found else []
        return [decode(fields[b"r"]) for _, fields in pairs], pairs[-1][0].decode() if pairs else after

    async def settle(self, name: str, value: str) -> str:
        """See `Log.settle`."""
        try:
            await self._redis.hsetnx(self._settings, name, value)
            kept: Any = await self._redis.hget(self._settings, name)
        except (RedisError, OSError) as error:
            raise LogDown(f"Redis cannot be reached ({error}).") from error
        return str(kept.decode())

    async def beat(self, hub: str, seconds: float) -> None:
        """See `Log.beat`; by the clock of Redis, as those of the hubs may differ."""
        try:
            await self._redis.zadd(self._hubs, {hub: await self._now() + seconds})
        except (RedisError, OSError) as error:
            raise LogDown(f"Redis cannot be reached ({error}).") from error

    async def hubs(self) -> set[str]:
        """See `Log.hubs`."""
        try:
            alive: Any = await self._redis.zrangebyscore(self._hubs, f"({await self._now()}", "+inf")
        except (RedisError, OSError) as error:
            raise LogDown(f"Redis cannot be reached ({error}).") from error
        return {hub.decode() for hub in alive}

    async def erase(self) -> None:
        """See `Log.erase`."""
        try:
            await self._redis.delete(self._stream, self._ids, self._settings, self._hubs)
        except (RedisError, OSError) as error:
            raise LogDown(f"Redis cannot be reached ({error}).") from error

    async def close(self) -> None:
        """See `Log.close`."""
        await self._redis.aclose()

    async def _write(self, lines: list[Line]) -> None:
        values: list[Any] = [part for line in lines for part in line]
        try:
            await self._script(keys=[self._stream, self._ids], args=values)
        except (RedisError, OSError) as error:
            raise LogDown(f"Redis does not keep the log ({error}).") from error

    async def _now(self) -> float:
        seconds, micro = await self._redis.time()
        return float(seconds) + micro / 1e6
