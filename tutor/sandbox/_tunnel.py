"""Connections that were taken over: attach, exec, and the builder's."""

from __future__ import annotations

import asyncio
import contextlib

from tutor.sandbox._entry import Entry
from tutor.sandbox._http2 import BrokenConnection
from tutor.sandbox.ask import Tunnel
from tutor.sandbox.upstream import CHUNK, Link


async def tunnel(
    link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, eyes: Tunnel | None, entry: Entry,
    early: bytes, first: bytes,
) -> None:  # fmt: skip
    """Hand both connections to each other until the engine's side has ended.

    The client may end its side before (`echo x | docker run -i`): the engine is told, and its output goes on.

    Args:
        link: The engine's connection.
        reader, writer: The client's.
        eyes: Looks into what passes and may change it.
        entry: Counts the bytes.
        early, first: What the client, and the engine, sent already.
    """

    async def up() -> None:
        data = early
        with contextlib.suppress(OSError, BrokenConnection):
            while True:
                if data:
                    entry.sent += len(data)
                    out, back = (await eyes.from_client(data)) if eyes else (data, b"")
                    if out:
                        link.writer.write(out)
                        await link.writer.drain()
                    if back:
                        writer.write(back)
                        await writer.drain()
                data = await reader.read(CHUNK)
                if not data:
                    if link.writer.can_write_eof():
                        link.writer.write_eof()
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
                        writer.write(out)
                        await writer.drain()
                    if back:
                        link.writer.write(back)
                        await link.writer.drain()
                data = await link.reader.read(CHUNK)
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
