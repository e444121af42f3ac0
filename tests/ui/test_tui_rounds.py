"""Quiz, review, placement and progress in the terminal app, without an engine."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Button

from tests.ui.rounds_app import CHAPTER, an_app, go, lived
from tests.ui.tui_app import NOON, until
from tutor.course.models import Choose, Step
from tutor.learner.events import (
    AnyEvent,
    GradeUndone,
    PlacementAnswered,
    PlacementDone,
    QuestionAnswered,
    ReviewLimitSet,
    TaskReviewed,
)
from tutor.learner.placement import QUESTIONS
from tutor.ui.tui.app import TutorApp
from tutor.ui.tui.home.screen import HomeScreen
from tutor.ui.tui.placement.screen import PlacementScreen
from tutor.ui.tui.progress.screen import ProgressScreen
from tutor.ui.tui.quiz.asking import CommandLine
from tutor.ui.tui.quiz.choices import Choices
from tutor.ui.tui.quiz.screen import QuizScreen
from tutor.ui.tui.review.screen import ReviewScreen, TaskCard
from tutor.ui.tui.rounds.screen import RoundScreen
from tutor.ui.tui.rounds.taught import TaughtScreen


def events(app: TutorApp, kind: type) -> list[AnyEvent]:
    return [entry.event for entry in app.desk.journal.entries() if isinstance(entry.event, kind)]


class Sheet(App[None]):
    """A typed command on a page, beside something else that takes keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("n", "next", "Go on")]

    def __init__(self) -> None:
        super().__init__()
        self.went = 0

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="page"):
            yield CommandLine()
        yield Button("the shell")

    def action_next(self) -> None:
        self.went += 1


async def test_tab_leaves_a_typed_command_to_its_page() -> None:
    app = Sheet()
    async with app.run_test() as pilot:
        line = app.query_one(CommandLine)
        line.disabled = False
        line.focus()
        await pilot.press("n", "tab")
        assert (line.value, app.went) == ("n", 0)
        assert app.focused is app.query_one("#page")
        await pilot.press("n", "tab", "n")
        assert (line.value, app.went) == ("nn", 1)


def fixed(question: object) -> bool:
    return isinstance(question, Choose)


async def answer(pilot: Pilot[int], screen: RoundScreen, *, right: bool) -> None:
    """By keys, whatever the order of the rows."""
    assert screen.item is not None
    task = screen.item.task
    assert isinstance(task, Choose)
    wanted = next(option.id for option in task.options if option.right == right)
    await until(pilot, lambda: isinstance(screen.app.focused, Choices), "the choices")
    choices = screen.query_one(Choices)
    place = next(n for n, (key, _) in enumerate(choices._rows, 1) if key == wanted)
    await pilot.press(str(place))


async def to_choose(pilot: Pilot[int], screen: RoundScreen) -> None:
    """Leave out what needs an engine."""
    while screen.item is not None and not fixed(screen.item.task):
        before = screen.item
        await pilot.press("n", "n")
        await until(pilot, lambda: screen.item is not before, "the next")  # noqa: B023


async def test_a_quiz_by_keys(tmp_path: Path) -> None:
    app, clock = an_app(tmp_path)
    lived(app, clock)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await go(pilot, app, "quiz")
        assert isinstance(screen, QuizScreen)
        await to_choose(pilot, screen)
        await answer(pilot, screen, right=False)
        await until(pilot, lambda: screen.results, "the grade")
        item = screen.item
        assert item is not None
        given = events(app, QuestionAnswered)[-1]
        assert (given.chapter, given.item) == (item.chapter.id, item.task.id)
        assert isinstance(given, QuestionAnswered)
        assert given.answer in [(option.id,) for option in item.task.options if not option.right]  # type: ignore[union-attr]
        assert given.credit == 0.0

        # Where it was taught, and back.
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, TaughtScreen), "the part")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "the question again")
        assert screen.item is item

        # Taken back, and answered once more.
        await pilot.press("u")
        await until(pilot, lambda: not screen.results, "the grade to be gone")
        assert len(events(app, GradeUndone)) == 1
        assert screen.item is item
        await answer(pilot, screen, right=True)
        await until(pilot, lambda: screen.results, "the new grade")
        assert app.desk.remembered.memory().records[item.chapter.id, item.task.id].right
        await pilot.press("n")
        await until(pilot, lambda: screen.item is not item, "the next")
    app.desk.journal.close()


async def test_a_quiz_needs_something_that_was_begun(tmp_path: Path) -> None:
    app, _ = an_app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.pause()
        app.action_round("quiz")
        await until(pilot, lambda: app._notifications, "the reason")
        assert isinstance(app.screen, HomeScreen)
    app.desk.journal.close()


async def test_a_review_brings_what_is_due_and_a_mistake_as_a_task(tmp_path: Path) -> None:
    app, clock = an_app(tmp_path)
    lived(app, clock)
    async with app.run_test(size=(120, 36)) as pilot:
        home = app.screen
        assert isinstance(home, HomeScreen)
        await until(pilot, lambda: "due" in str(home.query_one("#chapters").border_subtitle), "what is due, on home")
        screen = await go(pilot, app, "review")
        assert isinstance(screen, ReviewScreen)
        due = screen.today().due
        assert {type(one.task) for one in due} & {Step}

        # To the live task; it is done elsewhere, and its outcome comes back.
        while screen.item is not None and not isinstance(screen.item.task, Step):
            before = screen.item
            await pilot.press("n", "n")
            await until(pilot, lambda: screen.item is not before, "the next")  # noqa: B023
        item = screen.item
        assert item is not None
        screen.query_one(TaskCard)
        screen._back(TaskReviewed(chapter=item.chapter.id, item=item.task.id, passed=True))
        await until(pilot, lambda: screen.results, "the result")
        made = app.desk.remembered.memory().records[item.chapter.id, item.task.id].mistakes["no-publish"]
        assert made.overcome
        count = len(events(app, TaskReviewed))
        assert count == 1

        # The limit is the learner's.
        await pilot.press("plus")
        await until(pilot, lambda: events(app, ReviewLimitSet), "the limit")
        assert app.desk.remembered.memory().limit == 25
    app.desk.journal.close()


async def test_nothing_due_says_when_there_is_something(tmp_path: Path) -> None:
    app, clock = an_app(tmp_path)
    lived(app, clock)
    clock.now = NOON + 2000
    async with app.run_test() as pilot:
        screen = await go(pilot, app, "review")
        assert screen.over
        assert "tomorrow" in str(screen.ending()) or "later today" in str(screen.ending())
    app.desk.journal.close()


async def test_the_placement_test_says_where_to_start(tmp_path: Path) -> None:
    app, _ = an_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await go(pilot, app, "placement")
        assert isinstance(screen, PlacementScreen)
        for number in range(QUESTIONS):
            before = len(screen._asked)
            await pilot.press("x")
            await until(pilot, lambda: len(screen._asked) > before, f"answer {number}")  # noqa: B023
        await until(pilot, lambda: screen.over, "the end")
        assert len(events(app, PlacementAnswered)) == QUESTIONS
        assert [event.chapter for event in events(app, PlacementDone)] == [CHAPTER.id]
        assert app.desk.remembered.memory().records == {}
    app.desk.journal.close()


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_progress_shows_everything_and_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    app, clock = an_app(tmp_path)
    lived(app, clock)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.action_round("progress")
        await until(pilot, lambda: isinstance(app.screen, ProgressScreen), "progress")
        await pilot.press("p")
        await until(pilot, lambda: (tmp_path / "docker-tutor-progress.html").exists(), "the page")
    app.desk.journal.close()
