"""A learner's way through a whole chapter in the terminal app, on a real engine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.tui_app import chapter_of, make_app, running, until
from tutor.course.loader import load_course
from tutor.course.models import Chapter, Lab, Predict, Quiz
from tutor.engine.world import World
from tutor.lab import open_labs
from tutor.lab.session.session import Session
from tutor.lab.verdict import NotYet
from tutor.learner.events import (
    ChapterFinished,
    HintOpened,
    LabOpened,
    PredictionMade,
    QuestionAnswered,
    SolutionOpened,
    StepPassed,
    StepTried,
)
from tutor.ui.tui.app import TutorApp
from tutor.ui.tui.home.screen import HomeScreen
from tutor.ui.tui.lesson.pages import EndPage
from tutor.ui.tui.lesson.screen import LessonScreen
from tutor.ui.tui.lesson.steps import LabPage
from tutor.ui.tui.picture.views import WorldTab
from tutor.ui.tui.quiz.asking import Asking
from tutor.ui.tui.quiz.choices import Choices
from tutor.ui.tui.quiz.page import PredictPage, QuizPage
from tutor.ui.tui.shell.view import ShellView

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("labs_closed")]
COURSE = load_course()

# The first step wants an image that has to come from a registry; where there is none, one of that name is built.
BUILD = "printf 'FROM busybox:1.37\\nCMD echo Hello\\n' | docker build -qt hello-world -"
PULL = f"docker pull -q hello-world:latest || {BUILD}"


class Learner:
    """Somebody at the keyboard."""

    def __init__(self, app: TutorApp, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def screen(self) -> LessonScreen:
        assert isinstance(self.app.screen, LessonScreen)
        return self.app.screen

    @property
    def view(self) -> ShellView:
        return self.screen.query_one(ShellView)

    @property
    def lab(self) -> LabPage:
        assert isinstance(self.screen.page, LabPage)
        return self.screen.page

    @property
    def mistake(self) -> str:
        verdict = self.lab.verdict
        return verdict.mistake.id if isinstance(verdict, NotYet) and verdict.mistake else ""

    async def until(self, holds: object, what: str, seconds: float = 30.0) -> None:
        assert callable(holds)
        try:
            await until(self.pilot, holds, what, seconds)
        except AssertionError as error:
            if isinstance(self.app.screen, LessonScreen):
                error.add_note(self.view.term.text())
                page = self.screen.page
                error.add_note(repr(page.verdict if isinstance(page, LabPage) else page))
                if isinstance(page, QuizPage):
                    error.add_note(f"{page.asking.question.id} busy {page.busy()} answered {page.asking.answered}")
                error.add_note(f"focus {self.app.focused!r}, screen {self.app.screen!r}")
            raise

    async def lab_is_open(self) -> None:
        await self.until(lambda: isinstance(self.app.screen, LessonScreen), "the lesson")
        await self.until(lambda: self.view.shell is not None and "$" in self.view.term.text(), "the shell's prompt")

    async def go_on(self) -> None:
        before = self.screen.page
        await self.pilot.press("n")
        await self.until(lambda: self.screen.page is not before, "the next part")

    async def type(self, command: str) -> None:
        """Into the shell: by a key for each letter."""
        await self.focus_shell()
        for letter in command:
            await self.pilot.press("space" if letter == " " else letter)
        await self.pilot.press("enter")

    async def paste(self, command: str) -> None:
        await self.focus_shell()
        await self.until(lambda: self.view.at_prompt, "the prompt")
        self.view.post_message(events.Paste(command))
        await self.pilot.press("enter")

    async def focus_shell(self) -> None:
        if self.app.focused is not self.view:
            await self.pilot.press("f6")
            await self.until(lambda: self.app.focused is self.view, "the shell's focus")

    async def leave_shell(self) -> None:
        if self.app.focused is self.view:
            await self.pilot.press("f6")
            await self.until(lambda: self.app.focused is not self.view, "leaving the shell")

    async def answer(self, asking: Asking) -> None:
        await self.until(
            lambda: isinstance(self.app.focused, (Choices, Input)) and asking in self.app.focused.ancestors,
            "the question's focus",
        )
        if isinstance(self.app.focused, Input):
            await self.pilot.press(*"docker", "space", *"ps", "enter")
        else:
            for number in range(1, len(getattr(asking.question, "items", "x")) + 1):
                await self.pilot.press(str(number))
            if self.app.focused is not None and not asking.answered:
                await self.pilot.press("end", "enter")
        await self.until(lambda: asking.answered, f"the grade of {asking.question.id}", 60)
        await self.until(lambda: self.app.focused is self.screen.query_one("#lesson"), "the keyboard back")


async def test_chapter_16_from_its_first_part_to_its_receipt(home: Path, engine_host: str) -> None:
    chapter = chapter_of(COURSE, 16)
    app = make_app(home, course=COURSE, chapter=chapter)
    async with running(app) as pilot:
        one = Learner(app, pilot)
        await one.lab_is_open()
        while not isinstance(one.screen.page, LabPage):
            if isinstance(one.screen.page, PredictPage):
                await one.answer(one.screen.page.asking)
            await one.go_on()
        await one.until(lambda: one.lab.step is not None, "the first step")

        # Two wrong turns, each told by its name, and then the way.
        await one.type("docker pull hello-wrold")
        await one.until(lambda: one.mistake == "typo-in-reference", "the first diagnosis")
        await one.paste(PULL)
        await one.until(lambda: one.lab.step and one.lab.step.id in one.lab.passed, "the first pass", 60)
        await one.leave_shell()
        await one.pilot.press("n")
        await one.until(lambda: one.lab.step and one.lab.step.id == "run-to-the-end", "the second step")
        session = one.screen.room.session
        assert session is not None
        name = session.bindings.names["hello"]
        await one.paste(f"docker create --name {name} hello-world:latest")
        await one.until(lambda: one.mistake == "only-created", "the second diagnosis")
        await one.paste(f"docker start {name}")
        await one.until(lambda: "run-to-the-end" in one.lab.passed, "the second pass")

        # The others by the solution, put into the shell with a key.
        for step in chapter_lab(chapter).steps[2:]:
            await one.leave_shell()
            await one.pilot.press("n")
            await one.until(lambda: one.lab.step and one.lab.step.id == step.id, f"step {step.id}", 60)  # noqa: B023
            await one.pilot.press("h", "s")
            await one.until(lambda: one.view.at_prompt, "the prompt")
            await one.pilot.press("p")
            assert app.focused is one.view
            await one.pilot.press("enter")
            await one.until(lambda: step.id in one.lab.passed, f"{step.id} to pass", 60)  # noqa: B023
        assert one.lab.finished
        lab = session.lab_id

        await one.leave_shell()
        await one.go_on()
        while not isinstance(one.screen.page, EndPage):
            page = one.screen.page
            if isinstance(page, QuizPage):
                while not page.over:
                    asking = page.asking
                    await one.answer(asking)
                    if not page.over:
                        await one.pilot.press("n")
                        await one.until(lambda: page.asking is not asking, "the next question")  # noqa: B023
            await one.go_on()
        receipt = one.screen.query_one("#receipt")
        await one.until(lambda: "yours" in str(receipt.render()), "the receipt", 60)
        await one.until(lambda: one.screen.query_one(WorldTab).world == World(), "a picture without the lab")
        entries = [entry.event for entry in app.desk.journal.entries()]

    def items(kind: type) -> list[str]:
        return [event.item for event in entries if isinstance(event, kind)]

    steps = [step.id for step in chapter_lab(chapter).steps]
    assert items(StepPassed) == steps
    mistakes = [event.mistake for event in entries if isinstance(event, StepTried) and event.mistake]
    # A diagnosis is told again when something else about the step has changed meanwhile.
    named = [m for m in dict.fromkeys(mistakes) if m in ("typo-in-reference", "only-created")]
    assert named == ["typo-in-reference", "only-created"]
    assert items(SolutionOpened) == items(HintOpened) == steps[2:]
    assert items(PredictionMade) == [part.id for part in chapter.sections if isinstance(part, Predict)]
    assert items(QuestionAnswered) == [
        q.id for part in chapter.sections if isinstance(part, Quiz) for q in part.questions
    ]
    assert len(items(LabOpened)) == len(items(ChapterFinished)) == 1
    assert open_labs.find(16) is None
    assert containers_of(engine_host, lab) == []


async def test_leaving_in_the_middle_and_coming_back(home: Path, engine_host: str) -> None:
    """The place, the passed steps, the lab with its container, and the shell's workspace are there again."""
    chapter = chapter_of(COURSE, 17)
    app = make_app(home, course=COURSE, chapter=chapter)
    async with running(app) as pilot:
        one = Learner(app, pilot)
        await one.lab_is_open()
        place = next(n for n, part in enumerate(chapter.sections) if isinstance(part, Lab))
        await one.screen.show(place)
        await one.until(lambda: one.lab.step is not None, "the first step")
        await one.paste("docker run -d --name kept busybox:1.37 sleep 600; echo note > here")
        await one.until(lambda: "kept" in {c.name for c in session_of(one).world.containers.values()}, "the container")
        lab = session_of(one).lab_id
        await one.leave_shell()
        await pilot.press("q")
        await one.until(lambda: isinstance(app.screen, HomeScreen), "the home screen")
        await pilot.press("c")
        await one.lab_is_open()
        await one.until(lambda: one.lab.step is not None, "the step again")
        assert session_of(one).lab_id == lab
        assert one.screen.page is one.lab
        await one.paste("ls; docker ps --format '{{.Names}}'")
        await one.until(lambda: {"here", "kept"} <= set(one.view.term.text().split()), "what was left")
        await one.leave_shell()
        await pilot.press("r")
        await one.until(lambda: not session_of(one).world.containers and not one.lab.busy(), "the reset", 60)
        await one.screen.room.close()
    assert containers_of(engine_host, lab) == []


def containers_of(host: str, lab: str) -> list[str]:
    listing = ["docker", "-H", host, "ps", "-aq", "--filter", f"label=docker-tutor.lab={lab}"]
    return subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split()


def session_of(one: Learner) -> Session:
    session = one.screen.room.session
    assert session is not None
    return session


def chapter_lab(chapter: Chapter) -> Lab:
    return next(part for part in chapter.sections if isinstance(part, Lab))
