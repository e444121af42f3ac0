"""A hostile room: other sites' pages and paths that lead elsewhere."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.unit.workshop.hostile import besieged
from tests.unit.workshop.hubs import Running
from tutor.workshop import server


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with besieged(tmp_path) as running:
        yield running


async def test_another_sites_page_can_neither_connect_nor_join(hub: Running) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(hub.ws, origin="http://evil.example")  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403
    own = await connect(hub.ws, origin=hub.http)  # type: ignore[arg-type]
    await own.close()
    body = json.dumps({"code": hub.hub.door.code, "name": "x", "ticket": secrets.token_hex(16)}).encode()
    assert (await hub.post("/api/join", body, origin="http://evil.example"))[0] == 403
    assert (await hub.post("/api/join", body, **{"content-type": "text/plain"}))[0] == 415
    assert len(hub.hub.room.members()) == 0


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/page.css/../../hub.py",
        "/page.css%00.html",
        "/web/page.css",
        "/..\\..\\hub.py",
        "/server.py",
        "/%c0%ae%c0%ae/etc/passwd",
        "http://evil.example/etc/passwd",
        "/A2C4E%2f",
    ],
)
async def test_paths_lead_to_no_file(hub: Running, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{hub.port}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 30)
    assert answer.split(b" ")[1] in (b"404", b"400"), answer[:200]
    assert b"root:" not in answer and b"import" not in answer
    writer.close()


async def test_pages_may_load_nothing_from_elsewhere(hub: Running) -> None:
    def get(path: str) -> tuple[http.client.HTTPResponse, str]:
        connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer, text

    for path in server._PAGES:
        answer, text = await asyncio.to_thread(get, path)
        assert "default-src 'none'" in (answer.getheader("content-security-policy") or "")
        assert answer.getheader("x-content-type-options") == "nosniff"
        # Names of other hosts; the namespace of SVG is a name that nobody fetches.
        assert not re.search(r"//[a-z0-9]", text.replace("http://www.w3.org/", ""), re.IGNORECASE), path
