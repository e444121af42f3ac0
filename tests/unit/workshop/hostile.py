"""A hub that is attacked, and the proof that its room goes on."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.unit.workshop.hubs import SECRET, Running, open_socket, push, serving, wait_for
from tutor.workshop.log_sqlite import SqliteLog

STEP = {"kind": "step-begun", "chapter": "docker-run", "item": "first"}


@contextlib.asynccontextmanager
async def besieged(folder: Path) -> AsyncIterator[Running]:
    """A hub whose room still goes on in the end."""
    async with serving(SqliteLog(folder / "room.sqlite3")) as running:
        yield running
        await goes_on(running)


async def goes_on(hub: Running) -> None:
    """Somebody at another address joins, works, and is seen by the instructor."""
    status, answer = await asyncio.to_thread(join_from, hub, "127.0.0.2", hub.hub.door.code, "Grace")
    assert status == 200, answer
    other: dict[str, Any] = {"local_addr": ("127.0.0.2", 0)}
    seat = await open_socket(hub.ws, "seat", answer["seat"], answer["key"], **other)
    await seat.send(push((1, STEP)))
    await wait_for(seat, "ack")
    board = await open_socket(hub.ws, "instructor", "Kim", SECRET, **other)
    rows = (await wait_for(board, "full"))["board"]["seats"]
    assert any(row["name"].startswith("Grace") and row["here"] for row in rows)
    await seat.close()
    await board.close()


def join_from(hub: Running, address: str, code: str, name: str, **headers: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30, source_address=(address, 0))
    body = json.dumps({"code": code, "name": name, "ticket": secrets.token_hex(16)})
    connection.request("POST", "/api/join", body, {"content-type": "application/json"} | headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text)
