"""A hostile room: guessed codes and keys, stolen and forged ones, each refused."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.unit.workshop.hostile import STEP, besieged, join_from
from tests.unit.workshop.hubs import SECRET, Running, instruct, open_socket, push, serving, wait_for
from tests.unit.workshop.waiting import until
from tutor.workshop import names
from tutor.workshop.events import SeatAllowed
from tutor.workshop.log_sqlite import SqliteLog


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with besieged(tmp_path) as running:
        yield running


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
