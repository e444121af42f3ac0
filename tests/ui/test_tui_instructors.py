"""Two instructors at once, each with a board: what one does the other sees, and what they do against each other settles
the same for both, for the class and in the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from tests.ui.tui_app import until
from tests.unit.workshop.hubs import SECRET, Running, serving
from tests.unit.workshop.seats import Sitting, sit
from tutor.course.loader import load_course
from tutor.ui.tui.workshop.asking import Ask, Choose
from tutor.ui.tui.workshop.board import BoardApp
from tutor.workshop import polls, syllabus, views
from tutor.workshop.events import ChapterSet, PaceSet, PollQuestion, SeatAllowed, TimerSet
from tutor.workshop.log_sqlite import SqliteLog, read_file
from tutor.workshop.room import Room
from tutor.workshop.rooms import Keys
from tutor.workshop.views import Board

COURSE = load_course()
RUN, PORTS = (next(c for c in COURSE.chapters if c.chapter == number) for number in (17, 22))
STEPS = polls.steps(RUN)


def question(ask: str) -> PollQuestion:
    options = (polls.PollOption(id="a", text="One", right=True), polls.PollOption(id="b", text="Other", right=False))
    return PollQuestion(ask=ask, options=options)


@dataclass
class Instructor:
    """One board, and the keys of who sits before it."""

    name: str
    app: BoardApp
    pilot: Pilot[int]

    @property
    def board(self) -> Board:
        found = self.app._board.board
        assert found is not None
        return found

    async def until(self, holds: Callable[[], object], what: str) -> None:
        await until(self.pilot, holds, f"{self.name}: {what}", 30)

    async def list(self, key: str) -> OptionList:
        await self.pilot.press(key)
        await self.until(lambda: isinstance(self.app.screen, Choose), "the list")
        return self.app.screen.query_one("#choices", OptionList)

    async def mark(self, key: str, words: str) -> None:
        """Open a list and put the mark on a row; what was chosen is done by the next `enter`."""
        rows = await self.list(key)
        rows.highlighted = next(n for n, row in enumerate(rows.options) if words in str(row.prompt))

    async def write(self, key: str, text: str) -> None:
        await self.pilot.press(key)
        await self.until(lambda: isinstance(self.app.screen, Ask), "the line")
        self.app.screen.query_one("#line", Input).value = text
        await self.pilot.press("enter")

    def state(self) -> bytes:
        return state(self.board)


def state(board: Board) -> bytes:
    """All of a board that does not say how late it is."""
    rows = sorted(board.seats, key=lambda row: row.seat)
    common = msgspec.structs.replace(board.common, now=0.0)
    return msgspec.json.encode(msgspec.structs.replace(board, common=common, seats=tuple(rows)))


class Room2:
    """A hub, two boards and two seats."""

    def __init__(self, hub: Running, log: Path, kim: Instructor, lee: Instructor, seats: list[Sitting]) -> None:
        self.hub, self.log, self.kim, self.lee, self.seats = hub, log, kim, lee, seats

    async def agree(self, *boards: Instructor) -> None:
        """Until the boards show the same, which is what the log on disk has."""
        for one in boards or (self.kim, self.lee):
            await one.until(lambda one=one: one.state() == self.wanted(), "it shows what the log has")

    def wanted(self) -> bytes:
        return state(views.board(self.told(), time.time(), self.hub.hub.follower.alive))

    def told(self) -> Room:
        """The room as the log on disk has it."""
        room = Room()
        for record in read_file(self.log):
            room.apply(record)
        return room


def _app(hub: Running, name: str) -> BoardApp:
    return BoardApp(Keys(room="r1", title="Docker", link=hub.http, secret=SECRET), name, COURSE)


@pytest.fixture
async def room(home: Path, tmp_path: Path) -> AsyncIterator[Room2]:
    log = tmp_path / "room.sqlite3"
    async with serving(SqliteLog(log), syllabus=syllabus.of(COURSE, (17, 22))) as hub:
        seats = [await sit(hub.http, hub.hub.door.code, name) for name in ("Ada", "Grace")]
        kim, lee = _app(hub, "Kim"), _app(hub, "Lee")
        async with kim.run_test(size=(140, 40)) as left, lee.run_test(size=(140, 40)) as right:
            made = Room2(hub, log, Instructor("Kim", kim, left), Instructor("Lee", lee, right), seats)
            for one in (made.kim, made.lee):
                await one.until(lambda one=one: one.app._board.board and len(one.board.seats) == 2, "two seats")
            yield made
        for seat in seats:
            await seat.stand_up()


async def test_what_one_does_the_other_sees(room: Room2) -> None:
    kim, lee, ada = room.kim, room.lee, room.seats[0]
    await kim.mark("o", "17 · ")
    await kim.pilot.press("enter")
    await lee.until(lambda: [c.number for c in lee.board.common.chapters if c.open] == [17], "the chapter is open")
    await lee.mark("g", STEPS[1].title)
    await lee.pilot.press("enter")
    await kim.until(lambda: kim.board.common.pace == (RUN.id, STEPS[1].id), "the pace")
    await kim.write("a", "From Kim")
    await lee.write("a", "From Lee")
    await room.agree()
    by = {(m.by, m.text) for m in kim.board.common.messages}
    assert by == {("Kim", "From Kim"), ("Lee", "From Lee")}
    await kim.until(lambda: ada.link.status.common and len(ada.link.status.common.messages) == 2, "Ada is told")
    # A question that one asks, the other closes, and the first asks again.
    await kim.app._board._ask(question("Which side?"))
    await lee.until(lambda: lee.board.polls and lee.board.polls[0].open, "the poll")
    await lee.pilot.press("c")
    await kim.until(lambda: not kim.board.polls[0].open, "closed")
    await kim.pilot.press("r")
    await lee.until(lambda: len(lee.board.polls[0].rounds) == 2 and lee.board.polls[0].open, "asked again")
    await room.agree()


async def test_the_same_wish_at_the_same_moment_is_done_once(room: Room2) -> None:
    kim, lee = room.kim, room.lee
    for one in (kim, lee):
        await one.mark("o", "22 · ")  # both see it locked
    await asyncio.gather(kim.pilot.press("enter"), lee.pilot.press("enter"))
    for one in (kim, lee):
        await one.until(lambda one=one: PORTS.id in [c.id for c in one.board.common.chapters if c.open], "open")
    await room.agree()
    assert room.told().chapters[PORTS.id].value is True
    for one in (kim, lee):
        one.app.screen.query_one("#seats", OptionList).highlighted = 0
    assert kim.app._board.seat == lee.app._board.seat
    await asyncio.gather(kim.pilot.press("x"), lee.pilot.press("x"))
    for one in (kim, lee):
        await one.until(lambda one=one: [row.allowed for row in one.board.seats].count(False) == 1, "one is removed")
    await room.agree()


async def test_wishes_against_each_other_settle_the_same_for_all(room: Room2) -> None:
    kim, lee, links = room.kim, room.lee, (room.kim.app._board.link, room.lee.app._board.link)
    seat = kim.board.seats[0].seat
    for turn in range(5):
        done = await asyncio.gather(
            links[turn % 2].do(ChapterSet(chapter=RUN.id, open=True)),
            links[1 - turn % 2].do(ChapterSet(chapter=RUN.id, open=False)),
            links[0].do(PaceSet(chapter=RUN.id, step=STEPS[0].id)),
            links[1].do(PaceSet(chapter=RUN.id, step=STEPS[1].id)),
            links[0].do(TimerSet(ends=4e9 + turn, label="Kim's")),
            links[1].do(TimerSet(ends=5e9 + turn, label="Lee's")),
            links[0].do(SeatAllowed(seat=seat, allowed=False)),
            links[1].do(SeatAllowed(seat=seat, allowed=True)),
        )
        assert done == [""] * 8
        await room.agree()
        settled, common = room.told(), lee.board.common
        assert settled.chapters[RUN.id].value is next(c.open for c in common.chapters if c.id == RUN.id)
        assert settled.pace.value == common.pace
        assert (settled.timer.value.ends, settled.timer.value.label) == (common.timer, common.timer_label)
        assert settled.seat(seat).allowed.value is next(row.allowed for row in lee.board.seats if row.seat == seat)


async def test_two_questions_at_once_are_one_for_the_class_and_both_can_be_closed(room: Room2) -> None:
    kim, lee = room.kim, room.lee
    await asyncio.gather(kim.app._board._ask(question("Kim's?")), lee.app._board._ask(question("Lee's?")))
    for one in (kim, lee):
        await one.until(lambda one=one: len(one.board.polls) == 2, "both polls")
    await room.agree()
    latest = kim.board.polls[0].poll
    for seat in room.seats:
        await kim.until(
            lambda seat=seat: (c := seat.link.status.common) and c.poll and c.poll.poll == latest, "one question"
        )
    await lee.pilot.press("c")
    for one in (kim, lee):
        await one.until(lambda one=one: not any(poll.open for poll in one.board.polls), "both are closed")
    await asyncio.gather(*(one.app._board.action_again().wait() for one in (kim, lee)))
    for one in (kim, lee):
        await one.until(lambda one=one: [r.round for r in one.board.polls[0].rounds] == [1, 2], "asked again, once")
    await room.agree()


async def test_one_leaves_the_other_goes_on_and_who_comes_back_sees_it(room: Room2) -> None:
    kim, lee = room.kim, room.lee
    await kim.pilot.press("q")
    await lee.until(lambda: len(room.hub.hub.teller.boards) == 1, "Kim has gone")
    await lee.mark("o", "22 · ")
    await lee.pilot.press("enter")
    await lee.write("a", "Kim is away")
    await lee.until(lambda: [c.number for c in lee.board.common.chapters if c.open] == [22], "open")
    assert "2 of 2 there" in str(lee.app.screen.query_one("#board-bar", Static).render())
    back = _app(room.hub, "Kim")
    async with back.run_test(size=(140, 40)) as pilot:
        again = Instructor("Kim", back, pilot)
        await again.until(lambda: again.app._board.board, "the board")
        await room.agree(lee, again)
        assert [m.text for m in again.board.common.messages] == ["Kim is away"]
        await again.app._board._ask(question("Back?"))
        await lee.until(lambda: lee.board.polls and lee.board.polls[0].question.ask == "Back?", "the question")
