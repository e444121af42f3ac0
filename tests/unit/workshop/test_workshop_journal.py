"""One learner with a real journal: what is sent, being away, joining late, leaving."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.unit.workshop.hubs import SECRET, free_port, instruct, open_socket, serving
from tests.unit.workshop.rooms import QUESTION
from tests.unit.workshop.waiting import until
from tutor.learner.events import ChapterOpened, StepBegun, StepTried, WorkshopLeft
from tutor.learner.journal import Journal
from tutor.problems import Problem
from tutor.workshop import cards, client
from tutor.workshop.client import Link, Status
from tutor.workshop.events import PollOpened, SeatAllowed
from tutor.workshop.log_sqlite import SqliteLog
from tutor.workshop.outbox import JournalOutbox

TRIED = StepTried(chapter="docker-run", item="first", findings=1, mistake="no-name")


async def stay(card: cards.Card, journal: Path, told: list[Status]) -> tuple[Link, asyncio.Task[None]]:
    link = Link(card, JournalOutbox(Journal(journal), card.room), told.append)
    return link, asyncio.create_task(link.run())


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_only_what_belongs_to_the_workshop_is_sent_from_joining_to_leaving(home: Path, tmp_path: Path) -> None:
    path = home / "data" / "journal.sqlite3"
    begun = StepBegun(chapter="docker-run", item="first")
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as hub:
        with Journal(path) as journal:
            journal.append(begun)  # before: nobody's business
            link = f"{hub.http}/{hub.hub.door.code.lower()}"
            card = await asyncio.to_thread(client.take_seat, link, "Ada", journal)
            told: list[Status] = []
            connection, task = await stay(card, path, told)
            journal.append(StepBegun(chapter="why-docker", item="first"))  # not a chapter of this workshop
            journal.append(TRIED)
            journal.append(client.hand(card, True))
            connection.poke()
            seat = hub.hub.room.seat(card.seat)
            await until(lambda: seat.hand.value)
            assert list(seat.steps) == [("docker-run", "first")]
            assert seat.steps["docker-run", "first"].tries == 1
            client.leave(card, journal)
            journal.append(TRIED)
            sent = sum(len(got) for got in seat.got.values())
            connection.poke()
            await until(lambda: connection._outbox.left)  # type: ignore[attr-defined]
            assert cards.current() is None
            await stop(task)
            # Coming back: the same seat, and nothing of the time between.
            again = await asyncio.to_thread(client.take_seat, link, "Somebody else", journal)
            assert (again.seat, again.name) == (card.seat, "Ada")
            _, task = await stay(again, path, told)
            journal.append(ChapterOpened(chapter="docker-run"))
            await until(lambda: sum(len(got) for got in seat.got.values()) == sent + 1)
            assert seat.steps["docker-run", "first"].tries == 1
            await stop(task)


async def test_two_hours_without_network_and_another_address_of_the_hub(home: Path, tmp_path: Path) -> None:
    path, log = home / "data" / "journal.sqlite3", tmp_path / "room.sqlite3"
    with Journal(path) as journal:
        async with serving(SqliteLog(log)) as hub:
            card = await asyncio.to_thread(client.take_seat, f"{hub.http}/{hub.hub.door.code}", "Ada", journal)
        # No hub at all now; the learner goes on, and the tutor is closed and opened meanwhile.
        told: list[Status] = []
        link, task = await stay(card, path, told)
        for _ in range(250):
            journal.append(TRIED)
        await until(lambda: bool(told) and "cannot be reached" in told[-1].trouble)
        assert not link.status.connected
        await stop(task)
        async with serving(SqliteLog(log)) as hub:  # on another port
            moved = await asyncio.to_thread(client.take_seat, hub.http, "Ada", journal)
            assert moved.seat == card.seat and moved.hub == hub.http
            _, task = await stay(moved, path, told)
            await until(lambda: _tries(hub.hub.room.seat(card.seat)) == 250)
            assert [seat.name.value for seat in hub.hub.room.members()] == ["Ada"]
            await stop(task)


def _tries(seat: object) -> int:
    return sum(work.tries for work in seat.steps.values())  # type: ignore[attr-defined]


async def test_late_joining_sees_what_is_open(home: Path, tmp_path: Path) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as hub:
        board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
        await instruct(board, PollOpened(poll="p1", round=1, question=QUESTION))
        with Journal(home / "data" / "journal.sqlite3") as journal:
            card = await asyncio.to_thread(client.take_seat, f"{hub.http}/{hub.hub.door.code}", "Late", journal)
            told: list[Status] = []
            link, task = await stay(card, journal.path, told)
            await until(lambda: link.status.common is not None)
            assert link.status.common is not None and link.status.common.poll is not None
            journal.append(client.answer(card, "p1", 1, ("left",)))
            link.poke()
            await until(lambda: link.status.you is not None and link.status.you.answers == {"1": ("left",)})
            await instruct(board, SeatAllowed(seat=card.seat, allowed=False))
            await until(lambda: "closed your seat" in link.status.trouble)
            assert link.status.ended == ""  # it asks again, should the instructor let it in
            await stop(task)
        await board.close()


async def test_the_seat_opened_elsewhere_ends_this_one_for_good(home: Path, tmp_path: Path) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as hub:
        with Journal(home / "data" / "journal.sqlite3") as journal:
            card = await asyncio.to_thread(client.take_seat, f"{hub.http}/{hub.hub.door.code}", "Ada", journal)
            first, task = await stay(card, journal.path, [])
            await until(lambda: first.status.connected)
            second, other = await stay(card, journal.path, [])
            await until(lambda: second.status.connected)
            await asyncio.wait_for(task, 30)
            assert "another place" in first.status.ended
            await stop(other)


def test_what_is_wrong_with_a_link_is_told(home: Path) -> None:
    with Journal(home / "data" / "journal.sqlite3") as journal:
        for link, code in (
            ("http://", "no-link"),
            ("ftp://x/AAAAAA", "no-link"),
            (f"127.0.0.1:{free_port()}/AAAAAA", "no-hub"),
        ):
            with pytest.raises(Problem) as told:
                client.take_seat(link, "Ada", journal)
            assert told.value.code == code, link


async def test_the_wrong_code_and_no_code_are_told(home: Path, tmp_path: Path) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as hub:
        with Journal(home / "data" / "journal.sqlite3") as journal:
            for link, code in ((hub.http, "no-code"), (f"{hub.http}/AAAAAA", "wrong-code")):
                with pytest.raises(Problem) as told:
                    await asyncio.to_thread(client.take_seat, link, "Ada", journal)
                assert told.value.code == code
            assert list(journal.entries()) == []


def test_leaving_is_an_event_of_the_journal(home: Path) -> None:
    card = cards.Card(hub="http://x", room="r1", title="", seat="s1", name="Ada", key="k")
    with Journal(home / "data" / "journal.sqlite3") as journal:
        client.leave(card, journal)
        assert list(journal.entries()) == []  # never joined: nothing to leave
        from tutor.learner.events import WorkshopJoined

        journal.append(WorkshopJoined(chapter="", item="r1", seat="s1"))
        client.leave(card, journal)
        assert isinstance(list(journal.entries())[-1].event, WorkshopLeft)
