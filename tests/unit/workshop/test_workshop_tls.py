"""A workshop over HTTPS, as programs: a certificate of the room's own authority, trusted once and kept; wrong ones."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.workshop.certificates import NEEDED, Authority
from tests.unit.workshop.hubs import SECRET, free_port, serving
from tests.unit.workshop.programs import Program, programs, tutor
from tests.unit.workshop.waiting import until, waited
from tutor.learner.journal import Journal
from tutor.problems import Problem
from tutor.workshop import client, trust
from tutor.workshop.client import Link
from tutor.workshop.instructor import once
from tutor.workshop.log_sqlite import SqliteLog
from tutor.workshop.outbox import JournalOutbox
from tutor.workshop.rooms import Keys

pytestmark = NEEDED


@pytest.fixture
def program(home: Path) -> Iterator[Callable[..., Program]]:
    with programs(home) as start:
        yield start


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_a_session_over_https(
    home: Path, tmp_path: Path, authority: Authority, program: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = authority.sign("DNS:localhost")
    port = free_port()
    served = ("--bind", "127.0.0.1", "--port", str(port), "--tls", str(certificate), str(key))
    hub = program("workshop", "host", "--chapters", "4", *served, "--link", f"https://localhost:{port}")
    link = hub.wait_for(r"tutor join (https://localhost:\S+) --as").group(1)
    assert f"Projector:  https://localhost:{port}/screen#" in hub.text and "Plain HTTP" not in hub.text

    # Not trusted: one sentence with the next step, from every command.
    learner = tmp_path / "learner"
    for command in (("join", link, "--as", "Ada"), ("images", "pull", "--from", link)):
        refused = tutor(learner, *command)
        assert refused.returncode == 1
        assert "is not trusted (unable to get local issuer certificate)" in refused.stderr
        assert "--ca FILE" in refused.stderr and "Traceback" not in refused.stderr
    checks = json.loads(tutor(learner, "doctor", "--workshop", link, "--json").stdout)["checks"]
    assert "is not trusted" in next(check["sentence"] for check in checks if check["name"] == "workshop")
    other = Authority(tmp_path, "Other")
    assert "is not trusted" in tutor(learner, "join", link, "--as", "Ada", "--ca", str(other.file)).stderr
    for text, said in (("nothing", "holds no certificate"), (None, "cannot be read")):
        file = tmp_path / "bad.pem"
        file.write_text(text) if text else file.unlink()
        refused = tutor(learner, "join", link, "--as", "Ada", "--ca", str(file))
        assert refused.returncode == 2 and said in refused.stderr

    # Trusted once: the preflight, the seat, and the seat that comes back.
    told = json.loads(tutor(learner, "doctor", "--workshop", link, "--ca", str(authority.file), "--json").stdout)
    checked = {check["name"]: check["state"] for check in told["checks"]}
    assert checked["workshop"] == checked["connection"] == "ok"
    seat = program("join", link, "--as", "Ada", where=learner)
    seat.wait_for("You sit in")
    seat.type("hand up")

    def board(*more: str, where: Path = home) -> dict[str, object]:
        done = tutor(where, "workshop", "board", "--json", *more)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    # The board on the host's own machine trusts the hub's certificate as it is.
    waited(lambda: [(row["name"], row["here"], row["hand"]) for row in board()["seats"]] == [("Ada", True, True)])  # type: ignore[attr-defined]
    room = re.search(r"--room (\S+)", hub.text)
    assert room is not None
    keys = home / "data" / "rooms" / room.group(1) / "instructor.json"
    beside = ("--keys", str(keys))
    elsewhere = tmp_path / "instructor"
    refused = tutor(elsewhere, "workshop", "board", "--json", *beside)
    assert refused.returncode == 1 and json.loads(refused.stdout)["next"].endswith("--ca FILE")
    assert board(*beside, "--ca", str(certificate), where=elsewhere)["hands"]  # its own certificate will do
    assert board(*beside, where=elsewhere)["hands"]

    # The hub ends and comes back: so does the seat.
    assert hub.end() == 0
    again = program("workshop", "host", "--room", room.group(1), *served, "--link", f"https://localhost:{port}")
    again.wait_for("Join code")
    waited(lambda: [row["here"] for row in board()["seats"]] == [True])  # type: ignore[attr-defined]
    assert seat.end() == 0

    # Another name than the certificate's, and what the environment trusts.
    by_number = link.replace("localhost", "127.0.0.1")
    mismatch = tutor(learner, "join", by_number, "--as", "Ada", "--ca", str(authority.file))
    assert "certificate is not valid for '127.0.0.1'" in mismatch.stderr and "Use the name" in mismatch.stderr
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    told = json.loads(tutor(tmp_path / "third", "doctor", "--workshop", link, "--json").stdout)
    assert {check["name"]: check["state"] for check in told["checks"]}["connection"] == "ok"


def test_a_certificate_that_cannot_be_served_is_told(home: Path, tmp_path: Path, authority: Authority) -> None:
    certificate, _ = authority.sign("DNS:localhost")
    _, other = Authority(tmp_path, "Other").sign("DNS:localhost")
    done = tutor(home, "workshop", "host", "--bind", "127.0.0.1", "--tls", str(certificate), str(other))
    assert done.returncode == 1 and "The certificate or its key cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


async def test_https_to_a_hub_without_it_is_told(home: Path, tmp_path: Path) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as hub:
        with pytest.raises(Problem, match="does not speak HTTPS") as caught:
            await asyncio.to_thread(client.room_at, hub.http.replace("http", "https"))
        assert "http://" in caught.value.next_step


@contextlib.asynccontextmanager
async def proxy(port: int, certificate: Path, key: Path) -> AsyncIterator[int]:
    """Ends TLS before a hub, and passes on the bytes."""
    secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secure.load_cert_chain(certificate, key)

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, back), copy(there, writer))

    listening = await asyncio.start_server(carry, "127.0.0.1", 0, ssl=secure)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


async def test_behind_a_proxy_that_ends_tls(home: Path, tmp_path: Path, authority: Authority) -> None:
    async with (
        serving(SqliteLog(tmp_path / "room.sqlite3"), behind_proxy=True) as hub,
        proxy(hub.port, *authority.sign("DNS:localhost")) as port,
    ):
        link = f"https://localhost:{port}"
        trust.remember(link, authority.file)
        path = home / "data" / "journal.sqlite3"
        with Journal(path) as journal, Journal(path) as reading:
            card = await asyncio.to_thread(client.take_seat, f"{link}/{hub.hub.door.code}", "Ada", journal)
            seat = Link(card, JournalOutbox(reading, card.room))
            task = asyncio.create_task(seat.run())
            await until(lambda: seat.status.connected)
            journal.append(client.hand(card, True))
            seat.poke()
            await until(lambda: hub.hub.room.seat(card.seat).hand.value)
            status = await once(Keys(room="r1", title="Docker", link=link, secret=SECRET))
            assert status.board is not None and [row.hand for row in status.board.seats] == [True]
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
