"""Looking over a shoulder on a real hub: only with the learner's word, ended by either, kept nowhere."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection

from tests.unit.workshop.hubs import SECRET, Running, instruct, open_socket, push, serving, wait_for
from tests.unit.workshop.seats import sit
from tests.unit.workshop.waiting import until
from tutor.learner.events import WorkshopJoined
from tutor.learner.journal import Journal
from tutor.ui.plain import workshop_seat
from tutor.workshop import protocol, shoulder
from tutor.workshop.cards import Card
from tutor.workshop.events import NamesShown, Said, SeatAllowed
from tutor.workshop.instructor import BoardLink, BoardStatus
from tutor.workshop.log_sqlite import SqliteLog
from tutor.workshop.rooms import Keys
from tutor.workshop.shoulder import Bit, Copy

SECRET_WORDS = "a-line-of-the-shell"
STEP = {"kind": "step-begun", "chapter": "docker-run", "item": "first"}


def screen_of(*lines: str) -> Copy:
    return Copy(rows=tuple((Bit(line),) for line in lines), cursor=(0, 0))


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as running:
        yield running


async def seated(hub: Running, name: str) -> tuple[str, ClientConnection]:
    joined = await hub.join(name)
    socket = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    await wait_for(socket, "welcome")
    return joined.seat, socket


async def board_of(hub: Running, name: str) -> ClientConnection:
    board = await open_socket(hub.ws, "instructor", name, SECRET)
    await wait_for(board, "full")
    return board


async def say(socket: ClientConnection, message: msgspec.Struct) -> None:
    await socket.send(protocol.encode(message).decode())


async def asked(board: ClientConnection, seat: str, learner: ClientConnection) -> str:
    await say(board, protocol.LookAt(seat=seat, on=True))
    assert (await wait_for(board, "look-state"))["state"] == "asked"
    return str((await wait_for(learner, "look-asked"))["id"])


async def everything(socket: ClientConnection, end: str = "end-of-test") -> list[dict[str, Any]]:
    """What a connection is told until these words have come round to it."""
    seen: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while True:
            seen.append(json.loads(await socket.recv()))
            if end in json.dumps(seen[-1]):
                return seen


async def test_a_copy_goes_to_who_asked_and_to_nobody_else_and_into_no_log(hub: Running, tmp_path: Path) -> None:
    ada, learner = await seated(hub, "Ada")
    _, other = await seated(hub, "Eve")
    board, second = await board_of(hub, "Kim"), await board_of(hub, "Lee")
    screen = await open_socket(hub.ws, "screen", "", hub.hub.door.screen_key)
    identity = await asked(board, ada, learner)
    await say(learner, protocol.LookAnswer(id=identity, yes=True))
    assert (await wait_for(board, "look-state"))["state"] == "on"
    await say(learner, protocol.Shown(id=identity, copy=screen_of(SECRET_WORDS, "\x1b[31mred\u202e")))
    seen = await wait_for(board, "look-seen")
    assert seen["seat"] == ada
    assert [row[0][0] for row in seen["copy"]["rows"]] == [SECRET_WORDS, "[31mred"]
    # Another instructor who asks, or ends it, gets neither the copy nor its end.
    await say(second, protocol.LookAt(seat=ada, on=True))
    assert "Another instructor" in (await wait_for(second, "look-state"))["why"]
    await say(second, protocol.LookAt(seat=ada, on=False))
    await say(learner, protocol.Shown(id=identity, copy=screen_of(SECRET_WORDS + "-2")))
    assert SECRET_WORDS + "-2" in json.dumps(await wait_for(board, "look-seen"))
    await instruct(board, NamesShown(on=True))
    await instruct(board, Said(text="end-of-test"))
    for listening, end in ((second, "end-of-test"), (other, "end-of-test"), (screen, '"names": ["Ada')):
        told = json.dumps(await everything(listening, end))
        assert SECRET_WORDS not in told and identity not in told
    # The learner ends it: nothing that is sent after that arrives.
    await say(learner, protocol.LookAnswer(id=identity, yes=False))
    await say(learner, protocol.Shown(id=identity, copy=screen_of("after-the-end")))
    assert await wait_for(board, "look-state") == {
        "type": "look-state",
        "seat": ada,
        "state": "over",
        "why": "They ended it.",
    }
    await say(learner, protocol.LookAnswer(id=identity, yes=True))
    await say(learner, protocol.Shown(id=identity, copy=screen_of("after-the-end")))
    await learner.send(push((1, STEP)))
    await wait_for(learner, "ack")
    await instruct(second, Said(text="really-over"))
    assert "after-the-end" not in json.dumps(await everything(board, "really-over"))
    kept = await asyncio.to_thread(lambda: b"".join(file.read_bytes() for file in tmp_path.iterdir()))
    assert b"really-over" in kept and b"step-begun" in kept
    assert SECRET_WORDS.encode() not in kept and identity.encode() not in kept and b"look" not in kept
    for socket in (learner, other, board, second, screen):
        await socket.close()


async def test_before_the_learner_agrees_nothing_arrives_and_another_seat_cannot_agree_for_them(hub: Running) -> None:
    ada, learner = await seated(hub, "Ada")
    _, eve = await seated(hub, "Eve")
    board = await board_of(hub, "Kim")
    identity = await asked(board, ada, learner)
    await say(learner, protocol.Shown(id=identity, copy=screen_of("too-early")))
    for thief in (protocol.LookAnswer(id=identity, yes=True), protocol.Shown(id=identity, copy=screen_of("forged"))):
        await say(eve, thief)
    await say(eve, protocol.LookAnswer(id=identity, yes=False))  # nor refuse for them
    await eve.send(push((1, STEP)))
    await wait_for(eve, "ack")
    await say(learner, protocol.LookAnswer(id=identity, yes=True))
    assert (await wait_for(board, "look-state"))["state"] == "on"
    await say(eve, protocol.Shown(id=identity, copy=screen_of("forged")))
    await eve.send(push((2, STEP)))
    await wait_for(eve, "ack")
    await say(learner, protocol.Shown(id=identity, copy=screen_of("mine")))
    first = await wait_for(board, "look-seen")
    assert first["copy"]["rows"][0][0][0] == "mine"
    for socket in (learner, eve, board):
        await socket.close()


async def test_an_instructor_who_asks_again_and_again_reaches_the_learner_once(hub: Running) -> None:
    ada, learner = await seated(hub, "Ada")
    board = await board_of(hub, "Kim")
    identity = await asked(board, ada, learner)
    await say(learner, protocol.LookAnswer(id=identity, yes=False))
    assert "rather not" in (await wait_for(board, "look-state"))["why"]
    for _ in range(20):
        await say(board, protocol.LookAt(seat=ada, on=True))
        assert (await wait_for(board, "look-state"))["state"] == "over"
    await board.close()
    again = await board_of(hub, "Kim who connects anew")
    await say(again, protocol.LookAt(seat=ada, on=True))
    assert (await wait_for(again, "look-state"))["state"] == "over"
    await instruct(again, Said(text="end-of-test"))
    assert "look-asked" not in [message["type"] for message in await everything(learner)]
    for socket in (learner, again):
        await socket.close()


@pytest.mark.parametrize(
    "copy",
    [
        {"rows": [[["x"]]] * (shoulder.MAX_ROWS + 1), "cursor": [0, 0]},
        {"rows": [[["x"]] * (shoulder.MAX_COLS + 1)], "cursor": [0, 0]},
        {"rows": [[["x" * 5000]]], "cursor": [0, 0]},
        {"rows": [[["x", -1]]], "cursor": [0, 0]},
        {"rows": [[["x", 1, 2, 999]]], "cursor": [0, 0]},
        {"rows": [[["x", 1, 2, 0, 0, "https://example.com"]]], "cursor": [0, 10**9]},
        {"rows": "no", "cursor": [0, 0]},
        {"rows": [], "cursor": [0, 0], "more": "x" * 100},
    ],
)
async def test_a_copy_that_is_none_ends_its_own_connection_and_the_look(hub: Running, copy: dict[str, Any]) -> None:
    ada, learner = await seated(hub, "Ada")
    board = await board_of(hub, "Kim")
    identity = await asked(board, ada, learner)
    await say(learner, protocol.LookAnswer(id=identity, yes=True))
    assert (await wait_for(board, "look-state"))["state"] == "on"
    await learner.send(json.dumps({"type": "shown", "id": identity, "copy": copy}))
    assert (await wait_for(learner, "bye"))["code"] == "not-understood"
    over = await wait_for(board, "look-state")
    assert over["state"] == "over" and "connection" in over["why"]
    for socket in (learner, board):
        await socket.close()


async def test_more_copies_than_a_few_a_second_are_not_carried(hub: Running) -> None:
    ada, learner = await seated(hub, "Ada")
    board = await board_of(hub, "Kim")
    identity = await asked(board, ada, learner)
    await say(learner, protocol.LookAnswer(id=identity, yes=True))
    for n in range(60):
        await say(learner, protocol.Shown(id=identity, copy=screen_of(f"copy {n}")))
    await learner.send(push((1, STEP)))
    await wait_for(learner, "ack")
    await instruct(learner_board := await board_of(hub, "Lee"), Said(text="end-of-test"))
    told = await everything(board)
    assert 1 <= sum(message["type"] == "look-seen" for message in told) <= 20
    for socket in (learner, board, learner_board):
        await socket.close()


@pytest.mark.parametrize(
    "how", ["instructor leaves", "instructor's connection", "seat's connection", "removed", "elsewhere"]
)
async def test_it_ends_with_either_side(hub: Running, how: str) -> None:
    joined = await hub.join("Ada")
    learner = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    await wait_for(learner, "welcome")
    board, other = await board_of(hub, "Kim"), await board_of(hub, "Lee")
    identity = await asked(board, joined.seat, learner)
    await say(learner, protocol.LookAnswer(id=identity, yes=True))
    assert (await wait_for(board, "look-state"))["state"] == "on"
    sockets = [board, other, learner]
    match how:
        case "instructor leaves":
            await say(board, protocol.LookAt(seat=joined.seat, on=False))
            assert (await wait_for(learner, "look-over"))["id"] == identity
        case "instructor's connection":
            await board.close()
            assert (await wait_for(learner, "look-over"))["id"] == identity
        case "seat's connection":
            await learner.close()
        case "removed":
            await instruct(other, SeatAllowed(seat=joined.seat, allowed=False))
        case _:
            sockets.append(await open_socket(hub.ws, "seat", joined.seat, joined.key))
            await wait_for(sockets[-1], "welcome")
            await say(sockets[-1], protocol.Shown(id=identity, copy=screen_of("of a thief")))
    if how != "instructor's connection":
        assert (await wait_for(board, "look-state"))["state"] == "over"
    assert not hub.hub.relay.looks._looks
    for socket in sockets:
        await socket.close()


async def test_a_projector_and_a_seat_cannot_ask_and_no_seat_that_is_not_there_is_asked(hub: Running) -> None:
    ada, learner = await seated(hub, "Ada")
    _, eve = await seated(hub, "Eve")
    screen = await open_socket(hub.ws, "screen", "", hub.hub.door.screen_key)
    for socket in (eve, screen):
        await say(socket, protocol.LookAt(seat=ada, on=True))
        assert (await wait_for(socket, "bye"))["code"] == "not-understood"
    board = await board_of(hub, "Kim")
    await say(board, protocol.LookAt(seat="nobody", on=True))
    assert "not connected" in (await wait_for(board, "look-state"))["why"]
    await instruct(board, Said(text="end-of-test"))
    assert "look-asked" not in [message["type"] for message in await everything(learner)]
    for socket in (learner, eve, screen, board):
        await socket.close()


async def test_the_real_clients_of_both_sides(hub: Running) -> None:
    seat = await sit(hub.http, hub.hub.door.code, "Ada")
    told: list[BoardStatus] = []
    board = BoardLink(Keys(room="r1", title="Docker", link=hub.http, secret=SECRET), "Kim", told.append)
    task = asyncio.create_task(board.run())
    await until(lambda: board.status.connected and seat.link.status.connected)
    await board.look(seat.card.seat, True)
    await until(lambda: seat.link.status.look is not None)
    assert seat.link.status.look is not None and seat.link.status.look.by == "Kim"
    seat.link.showing.agree(seat.link.status.look.id)
    seat.link.showing.show(screen_of("$ docker ps"))
    await until(lambda: board.status.look is not None and board.status.look.copy is not None)
    assert board.status.look is not None and board.status.look.copy == screen_of("$ docker ps")
    await board.look(seat.card.seat, False)
    await until(lambda: seat.link.status.look is None)
    assert "instructor has ended it" in seat.link.status.look_over and board.status.look is None
    seat.link.showing.show(screen_of("after"))
    # What was agreed on a connection does not hold on the next one.
    hub.hub.relay.looks._refused.clear()
    await board.look(seat.card.seat, True)
    await until(lambda: seat.link.status.look is not None)
    seat.link.showing.agree(seat.link.status.look.id)
    await until(lambda: board.status.look is not None and board.status.look.state == "on")
    hub.hub.teller.seats[seat.card.seat].bye("restart", "The hub ends.")
    await until(lambda: seat.link.status.look is None and board.status.look.state == "over")  # type: ignore[union-attr]
    await until(lambda: seat.link.status.connected)
    seat.link.showing.show(screen_of("after"))
    await seat.stand_up()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert all(s.look is None or s.look.copy != screen_of("after") for s in told)


async def test_in_line_mode_there_is_no_shell_to_see_and_both_are_told(hub: Running, tmp_path: Path) -> None:
    joined = await hub.join("Ada")
    card = Card(hub=hub.http, room=joined.room, title="", seat=joined.seat, name="Ada", key=joined.key)
    out = io.StringIO()
    with Journal(tmp_path / "journal.sqlite3") as journal, Journal(journal.path) as reading:
        journal.append(WorkshopJoined(chapter="", item=card.room, seat=card.seat))
        companion = workshop_seat._Companion(card, journal, reading, out)
        task = asyncio.create_task(companion._link.run())
        await until(lambda: companion._link.status.connected)
        board = await board_of(hub, "Kim")
        await say(board, protocol.LookAt(seat=joined.seat, on=True))
        assert (await wait_for(board, "look-state"))["state"] == "asked"
        over = await wait_for(board, "look-state")
        assert over["state"] == "over" and "line mode" in over["why"]
        assert "Kim asks to see your shell. There is none in line mode: nothing is shown." in out.getvalue()
        await board.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
