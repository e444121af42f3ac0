"""A connection that was taken over, to an engine behind TLS: there no half of it ends by itself."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.unit.workshop.certificates import NEEDED, Authority
from tutor.sandbox._entry import Entry
from tutor.sandbox._tunnel import tunnel
from tutor.sandbox._wire import Wire

pytestmark = NEEDED


@pytest.mark.parametrize(("feeds", "heard"), [(False, b"late"), (True, b"")])
async def test_who_feeds_nothing_hears_the_engine_to_its_end(tmp_path: Path, feeds: bool, heard: bytes) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.sign("IP:127.0.0.1")
    asked = asyncio.Event()
    serves = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serves.load_cert_chain(certificate, key)

    async def engine(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked.wait()
        writer.write(b"late")
        writer.close()

    server = await asyncio.start_server(engine, "127.0.0.1", 0, ssl=serves)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    trusts = ssl.create_default_context(cafile=str(authority.file))
    _, link = await loop.create_connection(Wire, "127.0.0.1", port, ssl=trusts)
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    _, client = await loop.create_connection(Wire, sock=ours)
    entry = cast(Entry, SimpleNamespace(sent=0, received=0))
    carrying: asyncio.Task[Any] = asyncio.create_task(tunnel(link, client, None, entry, b"", b"", feeds=feeds))
    theirs.shutdown(socket.SHUT_WR)
    async with asyncio.timeout(20):
        while not client._eof:  # noqa: ASYNC110 - one turn of the loop after the other
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        asked.set()
        await carrying
        client.close()
        assert await loop.sock_recv(theirs, 100) == heard
    for end in (link, theirs, server):
        end.close()
