"""The hub with honest guests: joining, telling, keeping."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.workshop.hubs import SECRET, Running, ask, instruct, open_socket, push, serving, wait_for
from tests.unit.workshop.rooms import QUESTION
from tests.unit.workshop.waiting import until
from tutor.workshop.events import ChapterSet, NamesShown, PollClosed, PollOpened, Said, SeatAllowed, TimerSet
from tutor.workshop.log_sqlite import SqliteLog
from tutor.workshop.room import Room

STEP = {"kind": "step-begun", "chapter": "docker-run", "item": "first"}
PASSED = {"kind": "step-passed", "chapter": "docker-run", "item": "first"}


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as running:
        yield running


async def test_a_seat_is_welcomed_with_the_room_and_its_events_reach_the_board(hub: Running) -> None:
    joined = await hub.join("Ada")
    assert joined.name == "Ada" and joined.room == "r1"
    board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
    full = await wait_for(board, "full")
    assert [row["name"] for row in full["board"]["seats"]] == ["Ada"]
    assert full["code"] == hub.hub.door.code
    seat = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    welcome = await wait_for(seat, "welcome")
    assert welcome["have"] == 0
    assert [c["number"] for c in welcome["common"]["chapters"]] == [17, 21]
    await seat.send(push((3, STEP), (5, PASSED)))
    assert (await wait_for(seat, "ack"))["upto"] == 5
    while True:
        row = (await wait_for(board, "rows"))["rows"][0]
        if row["steps"] == "p-":
            break
    assert row["here"] and row["place"] == "17.1"
    await seat.close()
    await board.close()


async def test_asking_to_join_twice_with_the_same_ticket_gives_one_seat(hub: Running) -> None:
    ticket = secrets.token_hex(16)
    first, second = await hub.join("Ada", ticket), await hub.join("Ada", ticket)
    assert first == second
    assert (await hub.join("Ada")).name == "Ada (2)"
    assert len(hub.hub.room.members()) == 2


async def test_what_was_pushed_twice_is_kept_once(hub: Running, tmp_path: Path) -> None:
    joined = await hub.join("Ada")
    seat = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    tried = {"kind": "step-tried", "chapter": "docker-run", "item": "first", "findings": 1, "mistake": "no-name"}
    for _ in range(3):
        await seat.send(push((1, STEP), (2, tried)))
        await wait_for(seat, "ack")
    await seat.close()
    again = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    assert (await wait_for(again, "welcome"))["have"] == 2
    assert hub.hub.room.seat(joined.seat).steps["docker-run", "first"].tries == 1
    await again.close()


async def test_a_seat_opened_elsewhere_closes_the_first_connection(hub: Running) -> None:
    joined = await hub.join("Ada")
    first = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    await wait_for(first, "welcome")
    second = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    await wait_for(second, "welcome")
    assert (await wait_for(first, "bye"))["code"] == "elsewhere"
    await second.send(push((1, STEP)))
    await wait_for(second, "ack")
    assert hub.hub.room.seat(joined.seat).is_here({hub.hub.follower.id})
    await second.close()


async def test_instructions_reach_everybody_and_a_repeated_one_is_done_once(hub: Running) -> None:
    joined = await hub.join("Ada")
    seat = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    await wait_for(seat, "welcome")
    board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
    assert (await instruct(board, ChapterSet(chapter="docker-run", open=True)))["refused"] == ""
    news = await wait_for(seat, "news")
    assert news["common"]["chapters"][0]["open"]
    for _ in range(2):
        assert (await instruct(board, Said(text="Pause\x1b[31m at eleven"), "same-id"))["refused"] == ""
    await instruct(board, TimerSet(ends=1_800_000_000.0, label="Lab"))
    while (news := await wait_for(seat, "news"))["common"]["timer"] is None:
        pass
    assert [m["text"] for m in news["common"]["messages"]] == ["Pause[31m at eleven"]
    assert news["common"]["messages"][0]["by"] == "Kim"
    assert "no such seat" in (await instruct(board, Said(to="nobody", text="x")))["refused"]
    await seat.close()
    await board.close()


async def test_a_poll_from_question_to_second_round(hub: Running) -> None:
    joined = await hub.join("Ada")
    seat = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    await wait_for(seat, "welcome")
    board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
    screen = await open_socket(hub.ws, "screen", "", hub.hub.door.screen_key)
    for number, answer in ((1, "right"), (2, "left")):
        await instruct(board, PollOpened(poll="p1", round=number, question=QUESTION))
        poll = (await wait_for(seat, "news"))["common"]["poll"]
        assert poll["open"] and all(option["right"] is None for option in poll["question"]["options"])
        event = {
            "kind": "poll-answered",
            "chapter": "",
            "item": "p1",
            "room": "r1",
            "round": number,
            "answer": [answer],
        }
        await seat.send(push((number, event)))
        while str(number) not in (await wait_for(seat, "news"))["you"]["answers"]:
            pass
        await instruct(board, PollClosed(poll="p1", round=number))
        while (news := await wait_for(seat, "news")).get("common") is None:
            pass
    assert [r["counts"] for r in news["common"]["poll"]["rounds"]] == [{"left": 0, "right": 1}, {"left": 1, "right": 0}]
    while True:
        shown = (await wait_for(screen, "show"))["screen"]["poll"]
        if shown and not shown["open"] and len(shown["rounds"]) == 2:
            break
    for socket in (seat, board, screen):
        await socket.close()


async def test_the_projector_shows_no_names_until_the_instructor_says_so(hub: Running) -> None:
    joined = await hub.join("Ada")
    seat = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    screen = await open_socket(hub.ws, "screen", "", hub.hub.door.screen_key)
    while (shown := await wait_for(screen, "show"))["screen"]["there"] == 0:
        pass
    assert shown["screen"]["names"] == [] and "Ada" not in json.dumps(shown)
    board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
    await instruct(board, NamesShown(on=True))
    while not (shown := await wait_for(screen, "show"))["screen"]["names"]:
        pass
    assert shown["screen"]["names"] == ["Ada"]
    for socket in (seat, board, screen):
        await socket.close()


async def test_a_seat_is_removed_and_let_in_again(hub: Running) -> None:
    joined = await hub.join("Ada")
    seat = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    await wait_for(seat, "welcome")
    board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
    await instruct(board, SeatAllowed(seat=joined.seat, allowed=False))
    assert (await wait_for(seat, "bye"))["code"] == "removed"
    refused = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    assert (await wait_for(refused, "bye"))["code"] == "removed"
    await instruct(board, SeatAllowed(seat=joined.seat, allowed=True))
    await until(lambda: hub.hub.room.seat(joined.seat).allowed.value)
    back = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    await wait_for(back, "welcome")
    for socket in (back, board):
        await socket.close()


async def test_a_hub_that_starts_again_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "room.sqlite3"
    async with serving(SqliteLog(path)) as first:
        joined = await first.join("Ada")
        seat = await open_socket(first.ws, "seat", joined.seat, joined.key)
        await seat.send(push((1, STEP), (2, PASSED)))
        await wait_for(seat, "ack")
        before, code = first.hub.room, first.hub.door.code
        await seat.close()
    async with serving(SqliteLog(path)) as second:
        assert second.hub.door.code == code
        assert second.hub.room.seat(joined.seat).steps == before.seat(joined.seat).steps
        again = await open_socket(second.ws, "seat", joined.seat, joined.key)
        assert (await wait_for(again, "welcome"))["have"] == 2
        await again.close()


async def test_times_are_the_hubs_and_a_seats_wrong_clock_does_not_matter(hub: Running) -> None:
    joined = await hub.join("Ada")
    seat = await open_socket(hub.ws, "seat", joined.seat, joined.key)
    now = hub.hub.follower.now()
    hub.hub.room.seat(joined.seat).joined = now - 3600
    wrong = 12_345.0  # a clock that believes it is 1970
    items = [{"n": 1, "at": wrong - 600, "event": STEP}, {"n": 2, "at": wrong, "event": PASSED}]
    await seat.send(json.dumps({"type": "push", "now": wrong, "items": items}))
    await wait_for(seat, "ack")
    await until(lambda: hub.hub.room.seat(joined.seat).have("j1") == 2)
    work = hub.hub.room.seat(joined.seat).steps["docker-run", "first"]
    assert work.begun is not None and work.passed is not None
    assert abs(work.passed - now) < 30
    assert work.passed - work.begun == pytest.approx(600)
    await seat.close()


async def test_pages_and_facts_by_http(hub: Running) -> None:
    status, facts = await asyncio.to_thread(ask, f"{hub.http}/api/room", None, {})
    assert status == 200 and facts["chapters"] == [17, 21]
    for path in ("/", f"/{hub.hub.door.code}", "/page.css", "/join.js"):
        assert (await asyncio.to_thread(ask, hub.http + path, None, {}))[0] == 200
    assert (await asyncio.to_thread(ask, f"{hub.http}/health", None, {}))[1]["text"] == "ok\n"


def test_a_room_of_a_log_is_that_of_the_hub(tmp_path: Path) -> None:
    async def play() -> Room:
        async with serving(SqliteLog(tmp_path / "room.sqlite3")) as running:
            joined = await running.join("Ada")
            seat = await open_socket(running.ws, "seat", joined.seat, joined.key)
            await seat.send(push((1, STEP)))
            await wait_for(seat, "ack")
            await seat.close()
        return running.hub.room

    from tutor.workshop.log_sqlite import read_file

    room = asyncio.run(play())
    written = Room.of(read_file(tmp_path / "room.sqlite3"))
    for seat in room.seats.values():
        assert written.seats[seat.id].steps == seat.steps
