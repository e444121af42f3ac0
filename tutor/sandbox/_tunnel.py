"""Connections that were taken over: attach, exec, and the builder's."""

from __future__ import annotations

import asyncio
import contextlib

from tutor.sandbox._entry import Entry
from tutor.sandbox._http2 import BrokenConnection
from tutor.sandbox._wire import Wire
from tutor.sandbox.ask import Tunnel


async def tunnel(
    link: Wire, client: Wire, eyes: Tunnel | None, entry: Entry, early: bytes, first: bytes, *, feeds: bool
) -> None:
    """Hand both connections to each other until the engine's side has ended.

    The client may end its side before (`echo x | docker run -i`): the engine is told, and its output goes on.

    Args:
        link: The engine's connection.
        client: The client's.
        eyes: Looks into what passes and may change it.
        entry: Counts the bytes.
        early, first: What the client, and the engine, sent already.
        feeds: Something in a container reads what the client sends until it ends. Where that end cannot be told
            (asyncio's TLS has no half-closed connections) all of it ends; who feeds nothing keeps hearing the engine.
    """

    async def up() -> None:
        data = early
        with contextlib.suppress(OSError, BrokenConnection):
            while True:
                if data:
                    entry.sent += len(data)
                    out, back = (await eyes.from_client(data)) if eyes else (data, b"")
                    if out:
                        link.write(out)
                        await link.drain()
                    if back:
                        client.write(back)
                        await client.drain()
                data = await client.read()
                if not data:
                    if link.end() or not feeds:
                        return
                    break
        link.close()

    async def down() -> None:
        data = first
        with contextlib.suppress(BrokenConnection):
            while True:
                if data:
                    entry.received += len(data)
                    out, back = (await eyes.from_engine(data)) if eyes else (data, b"")
                    if out:
                        client.write(out)
                        await client.drain()
                    if back:
                        link.write(back)
                        await link.drain()
                data = await link.read()
                if not data:
                    return

    upward = asyncio.create_task(up())
    try:
        with contextlib.suppress(OSError):
            await down()
    finally:
        upward.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await upward
