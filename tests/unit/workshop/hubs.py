"""A real hub on a free port of loopback, and raw connections to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket as sockets
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from tests.unit.workshop.rooms import SYLLABUS
from tests.unit.workshop.waiting import until
from tutor.workshop import names, protocol
from tutor.workshop.events import Instruction
from tutor.workshop.hub import Hub
from tutor.workshop.lending import Lender, Lending
from tutor.workshop.limits import Gate
from tutor.workshop.log import Log
from tutor.workshop.protocol import Joined, Offer
from tutor.workshop.server import App
from tutor.workshop.serving import listen, server
from tutor.workshop.syllabus import Syllabus

SECRET = "the instructor's own secret"


class Running:
    """A hub that serves."""

    def __init__(self, hub: Hub, port: int, *, tls: bool = False) -> None:
        self.hub, self.port = hub, port
        self.http = f"http{'s' * tls}://127.0.0.1:{port}"
        self.ws = f"ws{'s' * tls}://127.0.0.1:{port}/ws"

    async def post(self, path: str, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
        return await asyncio.to_thread(ask, self.http + path, body, {"content-type": "application/json"} | headers)

    async def join(self, name: str, ticket: str = "") -> Joined:
        asked = {"code": self.hub.door.code, "name": name, "ticket": ticket or secrets.token_hex(16)}
        status, answer = await self.post("/api/join", json.dumps(asked).encode())
        assert status == 200, answer
        return msgspec.convert(answer, Joined)


def ask(url: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text, status = answer.read(), answer.status
    except urllib.error.HTTPError as error:
        text, status = error.read(), error.code
    try:
        return status, json.loads(text)
    except ValueError:
        return status, {"text": text.decode()}


@contextlib.asynccontextmanager
async def serving(
    log: Log,
    *,
    gate: Gate | None = None,
    port: int = 0,
    behind_proxy: bool = False,
    room: str = "r1",
    syllabus: Syllabus = SYLLABUS,
    offer: Offer | None = None,
    tls: tuple[Path, Path] | None = None,
    lender: Lender | None = None,
) -> AsyncIterator[Running]:
    listening = listen("127.0.0.1", port)
    port = listening.getsockname()[1]
    hub = Hub(
        log,
        room=room,
        title="Docker",
        syllabus=syllabus,
        secret=SECRET,
        link=f"http{'s' * (tls is not None)}://127.0.0.1:{port}",
        gate=gate,
    )
    files = (str(tls[0]), str(tls[1])) if tls else None
    lending = Lending(hub, lender) if lender else None
    running = server(App(hub, behind_proxy=behind_proxy, offer=offer, lending=lending), tls=files)
    task = asyncio.create_task(running.serve(sockets=[listening]))
    try:
        await until(lambda: running.started or task.done())
        assert running.started, task
        yield Running(hub, port, tls=tls is not None)
    finally:
        running.should_exit = True
        await task
        listening.close()


async def open_socket(
    url: str, role: str, identity: str, key: str, stream: str = "j1", **options: Any
) -> ClientConnection:
    """A connection that has said hello, with the right proof for this key."""
    socket = await connect(url, max_size=None, **options)
    challenge = json.loads(await socket.recv())
    shown = key if role == "screen" else names.proof(key, challenge["nonce"], role, identity)
    hello = {"type": "hello", "role": role, "id": identity, "proof": shown, "stream": stream}
    await socket.send(json.dumps(hello))
    return socket


async def wait_for(socket: ClientConnection, kind: str, seconds: float = 30) -> dict[str, Any]:
    """The next message of a kind; fails with what came instead when the connection ends."""
    seen: list[str] = []
    async with asyncio.timeout(seconds):
        try:
            while True:
                message: dict[str, Any] = json.loads(await socket.recv())
                seen.append(message["type"])
                if message["type"] == kind:
                    return message
        except Exception as error:
            raise AssertionError(f"no {kind}, but {seen}") from error


async def instruct(board: ClientConnection, what: Instruction, identity: str = "") -> dict[str, Any]:
    await board.send(protocol.encode(protocol.Do(id=identity or secrets.token_hex(8), what=what)).decode())
    return await wait_for(board, "done")


def push(*events: tuple[int, dict[str, Any]], now: float = 1_700_000_000.0) -> str:
    items = [{"n": n, "at": now, "event": event} for n, event in events]
    return json.dumps({"type": "push", "now": now, "items": items})


def free_port() -> int:
    with sockets.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
