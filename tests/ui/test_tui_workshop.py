"""The workshop in the terminal app: the learner's line and panel, the instructor's board, on a real hub."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from tests.ui.tui_app import make_app, running, until
from tests.ui.tui_rooms import NoEngine
from tests.unit.workshop.hubs import SECRET, Running, instruct, open_socket, serving
from tests.unit.workshop.seats import Sitting, sit
from tutor.course.loader import load_course
from tutor.learner.events import HandSet, PollAnswered, StepBegun, StepTried, WorkshopLeft
from tutor.ui.tui.app import TutorApp
from tutor.ui.tui.lesson.screen import LessonScreen
from tutor.ui.tui.shell.view import ShellView
from tutor.ui.tui.workshop import drawing
from tutor.ui.tui.workshop.asking import Ask, Choose
from tutor.ui.tui.workshop.board import BoardApp
from tutor.ui.tui.workshop.keeper import WorkshopLine
from tutor.ui.tui.workshop.panel import JoinBox, WorkshopPanel
from tutor.ui.tui.workshop.shoulder import CopyView, LookScreen
from tutor.workshop import cards, client, polls, syllabus
from tutor.workshop.events import ChapterSet, PaceSet, PollClosed, PollOpened, PollQuestion, Said, TimerSet
from tutor.workshop.log_sqlite import SqliteLog
from tutor.workshop.protocol import Offer
from tutor.workshop.rooms import Keys
from tutor.workshop.seen import SeatRow

COURSE = load_course()
CHAPTER = next(chapter for chapter in COURSE.chapters if chapter.chapter == 17)
STEP = polls.steps(CHAPTER)[0]
MISTAKE = next(getattr(m, "use", None) or getattr(m, "id", "") for m in STEP.mistakes)
QUESTION = PollQuestion(
    ask="Which one? [b]not markup[/b]",
    options=(
        polls.PollOption(id="left", text="The left one [red]", right=True),
        polls.PollOption(id="right", text="The right one", right=False),
    ),
)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(SqliteLog(tmp_path / "room.sqlite3"), syllabus=syllabus.of(COURSE, (17, 22))) as started:
        yield started


def shown(app: App[int], selector: str) -> str:
    return str(app.screen.query_one(selector, Static).render())


def line(app: TutorApp) -> str:
    found = app.screen.query(WorkshopLine)
    return str(found.first().render()) if found else ""


def options(app: App[int], selector: str) -> list[str]:
    return [str(option.prompt) for option in app.screen.query_one(selector, OptionList).options]


# -- the learner ------------------------------------------------------------------------------------------------------
async def test_a_learner_joins_in_the_app_and_leaves_again(home: Path, hub: Running) -> None:
    app = make_app(home)
    async with running(app) as pilot:
        await pilot.press("f4")
        assert isinstance(app.screen, JoinBox)
        app.screen.query_one("#link", Input).value = f"{hub.http}/WRONG2"
        app.screen.query_one("#name", Input).value = "Ada"
        app.screen.query_one("#name").focus()
        await pilot.press("enter")
        await until(pilot, lambda: "not the join code" in shown(app, "#join-trouble"), "the refusal")
        app.screen.query_one("#link", Input).value = f"{hub.http}/{hub.hub.door.code}"
        app.screen.query_one("#name").focus()
        await pilot.press("enter")
        await until(pilot, lambda: "open: nothing yet" in line(app), "the line")
        assert [seat.name.value for seat in hub.hub.room.members()] == ["Ada"]
        board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
        await instruct(board, ChapterSet(chapter=CHAPTER.id, open=True))
        await instruct(board, TimerSet(ends=time.time() + 130, label="Lab"))
        await until(pilot, lambda: "open: 17" in line(app) and "Lab 2:" in line(app), "chapter and timer")
        assert "class at" not in line(app)
        await instruct(board, PaceSet(chapter=CHAPTER.id, step=polls.steps(CHAPTER)[1].id))
        await until(pilot, lambda: "class at 17.2 " in line(app), "the pace")
        await pilot.press("f4")
        assert isinstance(app.screen, WorkshopPanel)
        second = polls.steps(CHAPTER)[1].title
        await until(pilot, lambda: f"The class should be at 17.2 {second}" in shown(app, "#stands"), "its words")
        await until(pilot, lambda: any("17 · " in row for row in options(app, "#open")), "the open chapter")
        await pilot.press("h")
        await until(pilot, lambda: hub.hub.room.members()[0].hand.value, "the hand")
        await pilot.press("l")
        await until(pilot, lambda: app.workshop is None, "leaving")
        assert not isinstance(app.screen, WorkshopPanel)
        events = [entry.event for entry in app.desk.journal.entries()]
        assert any(isinstance(event, HandSet) for event in events) and isinstance(events[-1], WorkshopLeft)
        await until(pilot, lambda: not app.screen.query(WorkshopLine), "no line any more")
        await board.close()


async def test_who_joins_in_the_app_is_told_where_images_are(home: Path, tmp_path: Path) -> None:
    offer = Offer(mirror="192.0.2.7:5000", images={"busybox:1.37": f"sha256:{'0' * 64}"})
    app = make_app(home)
    async with serving(SqliteLog(tmp_path / "other.sqlite3"), offer=offer) as hub, running(app) as pilot:
        await pilot.press("f4")
        app.screen.query_one("#link", Input).value = f"{hub.http}/{hub.hub.door.code}"
        app.screen.query_one("#name").focus()
        await pilot.press("enter")
        said = f"docker-tutor images pull --from {hub.http}"
        await until(pilot, lambda: any(said in note.message for note in app._notifications), "where images are")
        assert app.workshop is not None


async def test_a_learner_answers_a_poll_and_sees_the_result(home: Path, hub: Running) -> None:
    app = make_app(home)
    await asyncio.to_thread(client.take_seat, f"{hub.http}/{hub.hub.door.code}", "Ada", app.desk.journal)
    async with running(app) as pilot:  # the seat is found by itself when the tutor starts
        await until(pilot, lambda: "open: nothing yet" in line(app), "the line")
        board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
        await instruct(board, PollOpened(poll="p1", round=1, question=QUESTION))
        await instruct(board, Said(text="Read [the] question"))
        await until(pilot, lambda: "a question waits" in line(app), "the question")
        await pilot.press("f4")
        await until(pilot, lambda: len(options(app, "#options")) == 2, "options")
        assert "[b]not markup[/b]" in shown(app, "#question") and "Choose one." in shown(app, "#question")
        await until(pilot, lambda: "Kim: Read [the] question" in shown(app, "#messages"), "the message")
        app.screen.query_one("#options").focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: options(app, "#options")[1].startswith("●"), "the mark")
        seat = hub.hub.room.members()[0]
        await until(pilot, lambda: hub.hub.room.polls["p1"].rounds[1].final(seat.id) == ("right",), "the answer")
        await pilot.press("up", "enter")
        await until(pilot, lambda: hub.hub.room.polls["p1"].rounds[1].final(seat.id) == ("left",), "another answer")
        await instruct(board, PollClosed(poll="p1", round=1))
        await until(pilot, lambda: "✓ right" in options(app, "#options")[0], "the result")
        assert "The left one [red]  1" in options(app, "#options")[0]
        kept = [e.event for e in app.desk.journal.entries() if isinstance(e.event, PollAnswered)]
        assert [event.answer for event in kept] == [("right",), ("left",)]
        await pilot.press("escape")
        await board.close()


async def test_the_line_is_on_every_screen_and_says_when_the_hub_is_away(home: Path, tmp_path: Path) -> None:
    app = make_app(home)
    async with serving(SqliteLog(tmp_path / "room.sqlite3"), syllabus=syllabus.of(COURSE, (17,))) as hub:
        await asyncio.to_thread(client.take_seat, f"{hub.http}/{hub.hub.door.code}", "Ada", app.desk.journal)
        async with running(app, (80, 24)) as pilot:
            await until(pilot, lambda: "open: nothing yet" in line(app), "the line")
            app.action_doctor()
            await until(pilot, lambda: "open: nothing yet" in line(app), "the line on another screen")
            for peer in list(hub.hub.teller.seats.values()):
                peer.bye("removed", "The instructor has closed your seat.")
            await until(pilot, lambda: "closed your seat" in line(app), "the trouble")
    assert cards.current() is not None


# -- the instructor ---------------------------------------------------------------------------------------------------
class Class:
    """A board and some seats."""

    def __init__(self, app: BoardApp, pilot: Pilot[int], hub: Running, seats: list[Sitting]) -> None:
        self.app, self.pilot, self.hub, self.seats = app, pilot, hub, seats

    async def until(self, holds: Callable[[], object], what: str) -> None:
        await until(self.pilot, holds, what, 30)

    async def choose(self, key: str, words: str) -> None:
        await self.pilot.press(key)
        await self.until(lambda: isinstance(self.app.screen, Choose), "the list")
        rows = options(self.app, "#choices")
        place = next(n for n, row in enumerate(rows) if words in row)
        self.app.screen.query_one("#choices", OptionList).highlighted = place
        await self.pilot.press("enter")

    async def write(self, key: str, text: str) -> None:
        await self.pilot.press(key)
        await self.until(lambda: isinstance(self.app.screen, Ask), "the line")
        self.app.screen.query_one("#line", Input).value = text
        await self.pilot.press("enter")


@pytest.fixture
async def klass(home: Path, hub: Running) -> AsyncIterator[Class]:
    seats = [await sit(hub.http, hub.hub.door.code, name) for name in ("Ada [b]", "Grace", "Linus")]
    app = BoardApp(Keys(room="r1", title="Docker", link=hub.http, secret=SECRET), "Kim", COURSE)
    async with app.run_test(size=(140, 40)) as pilot:
        made = Class(app, pilot, hub, seats)
        await made.until(lambda: len(options(app, "#seats")) == 3, "three seats")
        yield made
    for seat in seats:
        await seat.stand_up()


async def test_the_board_shows_who_needs_help_first(klass: Class) -> None:
    begun = StepBegun(chapter=CHAPTER.id, item=STEP.id)
    tried = StepTried(chapter=CHAPTER.id, item=STEP.id, findings=1, mistake=MISTAKE)
    klass.seats[1].do(begun, time.time())
    for _ in range(6):
        klass.seats[1].do(tried, time.time())
    klass.seats[2].do(HandSet(chapter="", item="r1", up=True), time.time())
    await klass.until(lambda: options(klass.app, "#seats")[0].startswith("! Linus"), "the hand first")
    rows = options(klass.app, "#seats")
    assert rows[1].startswith("▲ Grace") and "6 tries" in rows[1] and "17.1" in rows[1]
    assert "Ada [b]" in rows[2]
    await klass.until(lambda: "Linus" in shown(klass.app, "#side-text"), "the queue")
    assert "3 of 3 there" in shown(klass.app, "#board-bar")
    await klass.pilot.press("e")
    await klass.until(lambda: bool(klass.hub.hub.room.polls), "the mistake as a poll")
    question = next(iter(klass.hub.hub.room.polls.values())).question.value
    assert question is not None
    assert [option.id for option in question.options if option.right] == [MISTAKE]
    await klass.until(lambda: klass.seats[0].link.status.common.poll is not None, "asked")  # type: ignore[union-attr]


async def test_the_board_opens_paces_times_and_tells(klass: Class) -> None:
    room = klass.hub.hub.room
    await klass.choose("o", "17 · ")
    await klass.until(lambda: room.chapters[CHAPTER.id].value, "open")
    await klass.choose("g", STEP.title)
    await klass.until(lambda: room.pace.value == (CHAPTER.id, STEP.id), "pace")
    await klass.write("t", "5 Try it")
    await klass.until(lambda: room.timer.value.ends is not None and room.timer.value.label == "Try it", "timer")
    await klass.write("a", "Look here")
    await klass.until(lambda: any(m.text == "Look here" and not m.to for m in room.messages.values()), "to all")
    klass.app.screen.query_one("#seats", OptionList).highlighted = 0
    await klass.write("h", "The host's side comes first")
    await klass.until(lambda: any(m.kind == "hint" and m.to for m in room.messages.values()), "a hint to one")
    await klass.pilot.press("n")
    await klass.until(lambda: room.names.value, "names")
    await klass.pilot.press("d")
    await klass.until(lambda: not room.door.value, "door")
    await klass.pilot.press("x")
    removed = [seat for seat in room.members() if not seat.allowed.value]
    await klass.until(lambda: [s for s in room.members() if not s.allowed.value], "removed")
    await klass.until(lambda: options(klass.app, "#seats")[-1].startswith("✘"), "removed seats come last")
    assert removed == [] or len(removed) == 1


async def test_a_poll_of_the_course_asked_twice(klass: Class) -> None:
    room = klass.hub.hub.room
    await klass.choose("p", f"{CHAPTER.chapter} · ")
    await klass.until(lambda: bool(room.polls), "a poll")
    name, poll = next(iter(room.polls.items()))
    question = poll.question.value
    assert question is not None

    def answer(seat: Sitting, number: int, option: int) -> None:
        chosen = (question.options[option].id,)
        event = PollAnswered(chapter="", item=name, room="r1", round=number, answer=chosen)
        seat.do(event, time.time())

    for seat in klass.seats:
        answer(seat, 1, 0)
    await klass.until(lambda: "(open, 3 answers)" in shown(klass.app, "#side-text"), "three answers")
    await klass.until(lambda: bool(klass.app.screen.board.polls), "known")  # type: ignore[attr-defined]
    await klass.pilot.press("r")
    await klass.until(lambda: 2 in poll.rounds and not poll.rounds[1].open, "asked again")
    await klass.until(lambda: all(len(s.link.status.common.poll.rounds) == 2 for s in klass.seats), "told")  # type: ignore[union-attr]
    for seat in klass.seats:
        answer(seat, 2, 1)
    await klass.until(lambda: "(open, 3 → 3 answers)" in shown(klass.app, "#side-text"), "both rounds side by side")
    await klass.pilot.press("c")
    await klass.until(lambda: not poll.rounds[2].open, "closed")


async def test_the_board_says_when_the_hub_is_away(home: Path, hub: Running) -> None:
    app = BoardApp(Keys(room="r1", title="Docker", link="http://127.0.0.1:1", secret=SECRET), "Kim", COURSE)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "cannot be reached" in shown(app, "#trouble"), "the trouble")
    app = BoardApp(Keys(room="r1", title="Docker", link=hub.http, secret="another secret"), "Kim", COURSE)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "does not fit" in shown(app, "#trouble"), "the refusal")


# -- looking over a shoulder ------------------------------------------------------------------------------------------
async def test_an_instructor_looks_over_a_shoulder_when_the_learner_agrees(home: Path, hub: Running) -> None:
    learner = make_app(home, course=COURSE)
    await asyncio.to_thread(client.take_seat, f"{hub.http}/{hub.hub.door.code}", "Ada", learner.desk.journal)
    board = BoardApp(Keys(room="r1", title="Docker", link=hub.http, secret=SECRET), "Kim", COURSE)

    def look() -> LookScreen:
        assert isinstance(board.screen, LookScreen)
        return board.screen

    def copied() -> str:
        view = look().query_one(CopyView)
        return "\n".join(view.render_line(y).text.rstrip() for y in range(view.size.height))

    def stands() -> str:
        return shown(board, "#look-stands") if isinstance(board.screen, LookScreen) else ""

    def said() -> str:
        return " ".join(note.message for note in learner._notifications)

    async with board.run_test(size=(120, 36)) as far, running(learner) as near:
        await until(near, lambda: "open: nothing yet" in line(learner), "the line")
        await until(far, lambda: len(options(board, "#seats")) == 1, "the seat")
        # Without a shell of the workshop's there is nothing to see.
        await far.press("s")
        await until(far, lambda: "No shell of the workshop" in stands(), "no shell")
        assert "None of the workshop's is open here" in said()
        await far.press("escape")
        hub.hub.relay.looks._refused.clear()  # the time until they may be asked again

        lesson = LessonScreen(learner.desk, CHAPTER, NoEngine(COURSE, CHAPTER))
        await learner.push_screen(lesson)
        view = lesson.query_one(ShellView)
        await view.start(("cat",))
        view.received(b"$ echo \x1b[31mred\x1b[0m \x1b[8mhidden\x1b[0m\r\n")
        await far.press("s")
        await until(far, lambda: "is asked" in stands(), "asked")
        await until(near, lambda: "Kim asks to see your shell" in line(learner), "the line that cannot be missed")
        assert "Kim asks to see your shell" in said()
        assert lesson.query_one(WorkshopLine).has_class("-urgent")
        assert copied().strip() == ""
        await near.press("f4")
        assert isinstance(learner.screen, WorkshopPanel)
        await until(near, lambda: "no answer is no" in shown(learner, "#look-asked"), "the question")
        assert "plain HTTP" in shown(learner, "#look-asked")
        await near.press("y")
        await until(near, lambda: "Kim sees your shell" in line(learner), "the mark")
        await until(far, lambda: "$ echo red" in copied() and "says all the time" in stands(), "the copy")
        assert "hidden" not in copied()
        red = [s for s in look().query_one(CopyView).render_line(0) if s.text == "red"]
        assert red and red[0].style is not None and red[0].style.color is not None
        view.received(b"a second line")
        await until(far, lambda: "a second line" in copied(), "what has changed")
        # The mark goes with the learner, and ends with their word.
        learner.action_doctor()
        await until(near, lambda: "Kim sees your shell" in line(learner), "the mark on another screen")
        await near.press("escape")
        await until(near, lambda: learner.screen is lesson, "the lesson")
        await near.press("f4", "n")
        await until(near, lambda: "sees your shell" not in line(learner), "no mark any more")
        view.received(b"\r\nafter the end")
        await until(far, lambda: "They ended it" in stands() and not copied().strip(), "the end")
        await far.press("escape")
        hub.hub.relay.looks._refused.clear()

        # Agreed again: leaving the chapter ends it.
        await near.press("escape")
        await far.press("s")
        await until(near, lambda: "Kim asks to see your shell" in line(learner), "asked again")
        await near.press("f4", "y")
        await until(far, lambda: "after the end" in copied(), "the copy")
        await until(near, lambda: learner.screen is lesson, "the lesson")
        await lesson.show(len(CHAPTER.sections))
        await until(far, lambda: "They left the chapter" in stands(), "the end of the chapter")
        await far.press("escape")
        hub.hub.relay.looks._refused.clear()

        # So does going home.
        await lesson.show(0)
        await far.press("s")
        await until(near, lambda: "Kim asks to see your shell" in line(learner), "asked again")
        await near.press("f4", "y")
        await until(far, lambda: "after the end" in copied(), "the copy")
        learner.pop_screen()
        await until(far, lambda: "They left the chapter" in stands(), "going home")
        await until(near, lambda: "open: nothing yet" in line(learner), "the line as before")
        await far.press("escape")


@pytest.mark.parametrize("count", [5, 30, 200])
def test_a_class_of_any_size_can_be_read(count: int) -> None:
    rows = [
        SeatRow(
            seat=f"s{n}",
            name=f"Learner {n}",
            here=n % 7 != 0,
            allowed=True,
            steps="pt-"[: n % 3 + 1],
            place="17.2",
            since=1000.0,
            tries=n % 4,
            mistake="",
            stuck="9 min on this step" if n % 29 == 3 else "",
            hand=n % 31 == 4,
            answered=False,
        )
        for n in range(count)
    ]
    ordered = drawing.by_need(rows)
    needy = sum(row.hand or bool(row.stuck) for row in rows)
    assert all(row.hand or row.stuck for row in ordered[:needy])
    assert all(len(drawing.seat(row, 1600.0, 90).plain) <= 90 for row in rows)
    drawn = drawing.seats_map(rows, 80).plain
    assert len(drawn.replace("\n", "")) == count and all(len(part) <= 80 for part in drawn.splitlines())
