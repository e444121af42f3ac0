"""A hostile room: each attack is tried, each is refused, and the room goes on."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
import secrets
import socket as sockets
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.unit.workshop.hubs import SECRET, Running, instruct, open_socket, push, serving, until, wait_for
from tests.unit.workshop.rooms import QUESTION
from tutor.workshop import names, server
from tutor.workshop.events import PollOpened, Said, SeatAllowed
from tutor.workshop.limits import Gate, network
from tutor.workshop.log_sqlite import SqliteLog

STEP = {"kind": "step-begun", "chapter": "docker-run", "item": "first"}


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as running:
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


# -- the join code ----------------------------------------------------------------------------------------------------
async def test_guessing_the_join_code_is_slowed_down_until_it_is_hopeless(hub: Running) -> None:
    statuses = []
    for _ in range(60):
        statuses.append((await asyncio.to_thread(join_from, hub, "127.0.0.1", names.new_code(), "x"))[0])
    assert set(statuses) == {403, 429}
    assert statuses.count(403) <= 22
    # What an address sends then is not even looked at: the right code would not show itself.
    assert (await asyncio.to_thread(join_from, hub, "127.0.0.1", hub.hub.door.code, "x"))[0] == 429
    # 26 letters, 6 places, a try every six seconds: nearly six years for one in ten of the codes.
    assert len(names.LETTERS) ** names.CODE_LENGTH / 10 * 6 / (365 * 86_400) > 5
    assert len(hub.hub.room.members()) == 0


async def test_a_forged_forwarded_address_does_not_help(hub: Running) -> None:
    for number in range(40):
        forged = {"x-forwarded-for": f"198.51.100.{number}"}
        status, _ = await asyncio.to_thread(join_from, hub, "127.0.0.1", "AAAAAA", "x", **forged)
    assert status == 429


async def test_behind_a_proxy_only_its_own_word_counts(tmp_path: Path) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3"), behind_proxy=True) as hub:
        for number in range(40):
            forged = {"x-forwarded-for": f"198.51.100.{number}, 203.0.113.9"}
            status, _ = await asyncio.to_thread(join_from, hub, "127.0.0.1", "AAAAAA", "x", **forged)
        assert status == 429
        other = {"x-forwarded-for": "203.0.113.10"}
        assert (await asyncio.to_thread(join_from, hub, "127.0.0.1", hub.hub.door.code, "Ada", **other))[0] == 200


async def test_guessing_keys_is_slowed_down_too(hub: Running) -> None:
    codes = []
    for _ in range(30):
        socket = await open_socket(hub.ws, "instructor", "Kim", secrets.token_hex(16))
        codes.append((await wait_for(socket, "bye"))["code"])
        await socket.close()
    assert codes[0] == "not-you" and codes[-1] == "too-many-tries"


# -- who is who -------------------------------------------------------------------------------------------------------
async def test_a_recorded_hello_is_worth_nothing_on_another_connection(hub: Running) -> None:
    joined = await hub.join("Ada")
    async with connect(hub.ws) as first:
        nonce = json.loads(await first.recv())["nonce"]
        proof = names.proof(joined.key, nonce, "seat", joined.seat)
        recorded = json.dumps({"type": "hello", "role": "seat", "id": joined.seat, "proof": proof, "stream": "j1"})
        await first.send(recorded)
        await wait_for(first, "welcome")
        async with connect(hub.ws) as thief:
            await thief.recv()
            await thief.send(recorded)
            assert (await wait_for(thief, "bye"))["code"] == "not-you"
        await first.send(push((1, STEP)))
        await wait_for(first, "ack")


async def test_a_stolen_key_is_noticed_and_can_be_made_worthless(hub: Running) -> None:
    joined = await hub.join("Ada")
    owner = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    await wait_for(owner, "welcome")
    thief = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    await wait_for(thief, "welcome")
    assert (await wait_for(owner, "bye"))["code"] == "elsewhere"  # the owner is told
    board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
    await instruct(board, SeatAllowed(seat=joined.seat, allowed=False))
    assert (await wait_for(thief, "bye"))["code"] == "removed"
    again = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    assert (await wait_for(again, "bye"))["code"] == "removed"
    for socket in (owner, thief, board, again):
        await socket.close()


async def test_nobody_gets_in_with_a_key_of_another_role_or_seat(hub: Running) -> None:
    ada, eve = await hub.join("Ada"), await hub.join("Eve")
    for role, identity, key in (
        ("seat", ada.seat, eve.key),
        ("instructor", "Kim", eve.key),
        ("instructor", eve.seat, eve.key),
        ("screen", "", eve.key),
        ("seat", "s0000000000", eve.key),
        ("seat", "", ""),
        ("instructor", "Kim", hub.hub.door.screen_key),
    ):
        socket = await open_socket(hub.ws, role, identity, key)
        assert (await wait_for(socket, "bye"))["code"] == "not-you", (role, identity)
        await socket.close()


@pytest.mark.parametrize(
    "message",
    [
        '{"type":"push","now":1,"items":[{"n":1,"at":1,"seat":"SEAT","event":{"kind":"step-begun","chapter":"docker-run","item":"first"}}]}',
        '{"type":"push","now":1,"seat":"SEAT","items":[{"n":1,"at":1,"event":{"kind":"step-begun","chapter":"docker-run","item":"first"}}]}',
        '{"type":"do","id":"x","what":{"what":"seat-allowed","seat":"SEAT","allowed":false}}',
        '{"type":"do","id":"x","what":{"what":"names-shown","on":true}}',
        '{"type":"did","seat":"SEAT"}',
        '{"type":"hello","role":"instructor","proof":"x"}',
        "[" * 20_000,
        '{"type":"push","now":NaN,"items":[]}',
        '{"type":"push","now":1e999,"items":[{"n":1,"at":1,"event":{"kind":"chapter-opened","chapter":"docker-run"}}]}',
        '{"type":"push","now":1,"items":[{"n":-5,"at":1,"event":{"kind":"chapter-opened","chapter":"docker-run"}}]}',
        "\x00\xff not json",
        "",
    ],
)
async def test_a_learner_can_neither_write_as_another_nor_instruct(hub: Running, message: str) -> None:
    ada, eve = await hub.join("Ada"), await hub.join("Eve")
    socket = await open_socket(hub.ws, "seat", eve.seat, eve.key)
    await wait_for(socket, "welcome")
    await socket.send(message.replace("SEAT", ada.seat))
    assert (await wait_for(socket, "bye"))["code"] == "not-understood"
    room = hub.hub.room
    assert room.seat(ada.seat).steps == {} and room.seat(ada.seat).allowed.value and not room.names.value
    await socket.close()


async def test_events_that_do_not_belong_here_are_not_kept(hub: Running) -> None:
    joined = await hub.join("Eve")
    socket = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    events: list[dict[str, Any]] = [
        {"kind": "step-begun", "chapter": "no-such", "item": "first"},
        {"kind": "step-begun", "chapter": "docker-run", "item": "no-such"},
        {"kind": "step-begun", "chapter": "docker-run", "item": "first", "hash": "x" * 5000},
        {"kind": "hint-opened", "chapter": "docker-run", "item": "first", "number": 10**12},
        {"kind": "question-answered", "chapter": "docker-run", "item": "q1", "answer": ["a" * 5000], "credit": 1.0},
        {"kind": "question-answered", "chapter": "docker-run", "item": "q1", "answer": ["a"], "credit": 99.0},
        {
            "kind": "prediction-made",
            "chapter": "docker-run",
            "item": "q1",
            "option": "x" * 999,
            "outcome": "",
            "right": True,
        },
        {"kind": "poll-answered", "chapter": "", "item": "p9", "room": "r1", "round": 1, "answer": ["left"]},
        {"kind": "hand-set", "chapter": "", "item": "another-room", "up": True},
        {"kind": "lab-opened", "chapter": "docker-run", "item": "lab", "lab": "17-abc"},
        {"kind": "workshop-joined", "chapter": "", "item": "r1", "seat": "s1"},
    ]
    await socket.send(push(*enumerate(events, 1)))
    await wait_for(socket, "ack")  # they are not asked for again
    made_up = {
        "kind": "step-tried",
        "chapter": "docker-run",
        "item": "first",
        "findings": 1,
        "mistake": "<b>made up</b>",
    }
    await socket.send(push((50, made_up)))
    await wait_for(socket, "ack")
    await until(lambda: hub.hub.room.seat(joined.seat).have("j1") == 50)
    seat = hub.hub.room.seat(joined.seat)
    assert list(seat.steps) == [("docker-run", "first")] and seat.steps["docker-run", "first"].mistakes == {}
    assert seat.answered == {} and not seat.hand.value and hub.hub.room.polls == {}
    await socket.close()


# -- polls ------------------------------------------------------------------------------------------------------------
async def test_answers_cannot_be_read_before_the_poll_closes(hub: Running) -> None:
    ada, eve = await hub.join("Ada"), await hub.join("Eve")
    board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
    await instruct(board, PollOpened(poll="p1", round=1, question=QUESTION))
    honest = await open_socket(hub.ws, "seat", ada.seat, ada.key)
    answer = {"kind": "poll-answered", "chapter": "", "item": "p1", "room": "r1", "round": 1, "answer": ["left"]}
    await honest.send(push((1, answer)))
    await wait_for(honest, "ack")
    socket = await open_socket(hub.ws, "seat", eve.seat, eve.key)
    heard = [await wait_for(socket, "welcome")]
    wrong: list[tuple[int, dict[str, Any]]] = []
    for number, chosen in enumerate((["left", "right"], [], ["nothing"], ["left", "left"]), 1):
        wrong.append((number, answer | {"answer": chosen}))
    wrong.append((9, answer | {"round": 2}))
    await socket.send(push(*wrong))
    await wait_for(socket, "ack")
    await socket.send(push((10, answer)))
    heard.append(await wait_for(socket, "news"))
    poll = heard[0]["common"]["poll"]
    assert poll["rounds"][0]["counts"] == {} and all(o["right"] is None for o in poll["question"]["options"])
    assert '"counts":{"' not in json.dumps(heard).replace(" ", "")
    await until(lambda: len(hub.hub.room.polls["p1"].rounds[1].answers) == 2)
    assert len(hub.hub.room.polls["p1"].rounds[1].answers[eve.seat]) == 1
    for one in (honest, socket, board):
        await one.close()


# -- words ------------------------------------------------------------------------------------------------------------
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\x1b[2J\x1b[31mred\x07",
    "\u202egnirts desrever",
    "a\u200b\u200c\u200d\ufeffb",
    "line\nbreak\r\nand\ttab",
    "Z" + "\u0335" * 400 + "algo",
    "x" * 100_000,
    "[bold red]markup[/]",
    "${name.web} %s {0} `id` $(id) ; rm -rf /",
    "\ud7ff\ue000private",
    " \u00a0\u2003 ",
    "名前 👩‍🚀 Ünïcødé",
]


@pytest.mark.parametrize("name", HOSTILE)
async def test_names_are_one_line_of_visible_text(hub: Running, name: str) -> None:
    status, answer = await asyncio.to_thread(join_from, hub, "127.0.0.3", hub.hub.door.code, name[:190])
    assert status == 200
    assert 1 <= len(answer["name"]) <= names.NAME_LENGTH
    assert not [c for c in answer["name"] if unicodedata.category(c)[0] == "C" or c in "\n\r\u2028\u2029"]


def test_cleaning_any_text_gives_one_line_of_visible_text() -> None:
    from hypothesis import given
    from hypothesis import strategies as st

    @given(st.text(), st.integers(1, 40))
    def check(text: str, limit: int) -> None:
        cleaned = names.clean(text, limit)
        assert len(cleaned) <= limit
        assert not [c for c in cleaned if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]
        assert names.clean(cleaned, limit) == cleaned

    check()


async def test_messages_are_cleaned_too(hub: Running) -> None:
    board = await open_socket(hub.ws, "instructor", "K\x1b[31mim\u202e", SECRET)
    await instruct(board, Said(text="\x1b]0;title\x07Look\u202e here"))
    await until(lambda: bool(hub.hub.room.messages))
    message = next(iter(hub.hub.room.messages.values()))
    assert (message.text, message.by) == ("]0;titleLook here", "K[31mim")
    await board.close()


# -- too much ---------------------------------------------------------------------------------------------------------
async def test_ten_megabytes_are_not_taken(hub: Running) -> None:
    joined = await hub.join("Eve")
    socket = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    await wait_for(socket, "welcome")
    with contextlib.suppress(ConnectionClosed):
        await socket.send("x" * 10_000_000)
    with pytest.raises(ConnectionClosed) as ended:
        while True:
            await asyncio.wait_for(socket.recv(), 30)
    assert ended.value.rcvd is None or ended.value.rcvd.code == 1009
    with contextlib.suppress(OSError):  # it may end the connection while we still send
        status, _ = await hub.post("/api/join", b"{" + b" " * 10_000_000 + b"}")
        assert status == 413


async def test_a_flood_of_messages_ends_the_connection(hub: Running) -> None:
    joined = await hub.join("Eve")
    socket = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    await wait_for(socket, "welcome")
    with contextlib.suppress(ConnectionClosed):
        for number in range(1, 2000):
            await socket.send(push((number, STEP)))
    assert (await wait_for(socket, "bye"))["code"] == "too-fast"


async def test_ten_thousand_connections_from_one_address(tmp_path: Path) -> None:
    gate = Gate(strangers=100, everybody=600)
    async with serving(SqliteLog(tmp_path / "room.sqlite3"), gate=gate) as hub:
        joined = await hub.join("Ada")
        seat = await open_socket(hub.ws, "seat", joined.seat, joined.key)
        await wait_for(seat, "welcome")

        async def knock() -> sockets.socket | None:
            one = sockets.socket()
            one.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", hub.port))
            except OSError:
                one.close()
                return None
            return one

        def let_in(one: sockets.socket) -> bool:
            try:
                one.recv(1)
            except BlockingIOError:
                return True
            except OSError:
                pass
            return False  # it was ended

        held: list[sockets.socket] = []
        for _ in range(100):
            held += [one for one in await asyncio.gather(*(knock() for _ in range(100))) if one]
            kept = [one for one in held if let_in(one)]
            for one in set(held) - set(kept):
                one.close()
            held = kept
        await until(lambda: sum(map(let_in, held)) <= 100)
        assert any(map(let_in, held))
        await seat.send(push((1, STEP)))  # who is in stays in
        await wait_for(seat, "ack")
        await goes_on(hub)  # and another address still gets in
        for one in held:
            one.close()
        await seat.close()


async def test_who_connects_and_says_nothing_is_sent_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.3)
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as hub:
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")  # and never ends
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 30) == b""
        writer.close()
        async with connect(hub.ws) as silent:
            assert (await wait_for(silent, "bye"))["code"] == "too-late"


def test_a_late_look_at_a_connection_leaves_the_next_one_on_its_port_alone() -> None:
    class Connection:
        aborted = False

        def is_closing(self) -> bool:
            return self.aborted

        def abort(self) -> None:
            self.aborted = True

    gate, first, second = Gate(), Connection(), Connection()
    assert gate.enter("192.0.2.7", 40_000, first)
    gate.leave("192.0.2.7", 40_000)
    assert gate.enter("192.0.2.7", 40_000, second)
    gate.overdue("192.0.2.7", 40_000, first)
    assert not second.aborted
    gate.overdue("192.0.2.7", 40_000, second)
    assert second.aborted


def test_an_ipv6_network_counts_as_one_address() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff:2") != network("2001:db8:0:1::1")
    assert network("::ffff:192.0.2.7") == network("192.0.2.7")


# -- browsers ---------------------------------------------------------------------------------------------------------
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
