"""Ports of this machine that lead to what the seat's containers publish on the host.

So `localhost:8080` means the learner's container, in the browser, for curl and for the judge, as with an engine on
this machine. A port that something here has already stays its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tutor.sandbox.upstream import Api, EngineError, Pool, Upstream

Carry = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_EVENTS = b'GET /events?filters={"type":["container"]} HTTP/1.1\r\nHost: docker\r\n\r\n'.replace(b'"', b"%22")
_AGAIN = 1.0  # seconds until a stream of events that broke off is asked for again
_ALL = 100  # ports at a time


class Doors:
    """Opens and closes them as containers come and go; belongs to one event loop.

    Args:
        engine: The socket that leads to the seat's part of the engine.
        carry: Takes a connection to a port until it ends.
    """

    def __init__(self, engine: Path, carry: Carry) -> None:
        self._engine = engine
        self._carry = carry
        self._open: dict[int, asyncio.Server] = {}
        self._turn = asyncio.Lock()

    async def follow(self) -> None:
        """Keep them as they should be, until cancelled."""
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_unix_connection(str(self._engine))
                try:
                    writer.write(_EVENTS)
                    await reader.readuntil(b"\r\n\r\n")
                    await self.refresh()
                    while await reader.read(65_536):
                        await self.refresh()
                except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                    pass
                finally:
                    writer.close()
            await asyncio.sleep(_AGAIN)

    async def refresh(self) -> None:
        """Look what is published now; where nobody answers, all stays as it is."""
        async with self._turn:
            pool = Pool(Upstream(unix=str(self._engine)))
            try:
                wanted = ports(await Api(pool).get("/containers/json"))
            except EngineError:
                return
            finally:
                pool.close()
            for port in self._open.keys() - wanted:
                self._open.pop(port).close()
            for port in sorted(wanted - self._open.keys())[: _ALL - len(self._open)]:
                with contextlib.suppress(OSError):  # something here has it
                    self._open[port] = await self._door(port)

    def close(self) -> None:
        """Close all."""
        while self._open:
            self._open.popitem()[1].close()

    async def _door(self, port: int) -> asyncio.Server:
        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await self._carry(port, reader, writer)
            except asyncio.CancelledError:
                pass  # the tunnel ends; asyncio would report a cancelled client as an error
            finally:
                writer.close()

        return await asyncio.start_server(client, "127.0.0.1", port)


def ports(listed: Any) -> set[int]:
    """The TCP ports that containers of `GET /containers/json` publish."""
    return {
        int(item["PublicPort"])
        for container in listed or ()
        for item in container.get("Ports") or ()
        if item.get("Type") == "tcp" and item.get("PublicPort")
    }
