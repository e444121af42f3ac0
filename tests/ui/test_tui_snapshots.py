"""Every screen, looked at once and kept: at three sizes, in both themes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import pytest
from msgspec.structs import replace
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from tests.ui.picture.situations import CALLS, MACHINE, USAGE, busy
from tests.ui.tui_app import make_app, running, until
from tests.ui.tui_rooms import CHECKS, NoEngine, course, lesson_chapter, place_of, show_lab
from tutor.course.models import Diagram
from tutor.engine.doctor import Check
from tutor.lab.verdict import Passed
from tutor.learner.events import ChapterFinished, ChapterOpened, QuestionAnswered, StepPassed
from tutor.ui.tui.app import TutorApp
from tutor.ui.tui.doctor.screen import DoctorScreen
from tutor.ui.tui.lesson.screen import LessonScreen
from tutor.ui.tui.picture.drawn import Drawn
from tutor.ui.tui.picture.widget import Picture
from tutor.ui.tui.quiz.page import QuizPage
from tutor.ui.tui.shell.view import ShellView
from tutor.ui.tui.theme import DARK, LIGHT

SIZES = [(80, 24), (120, 36), (200, 50)]
Look = Callable[[Pilot[int], TutorApp], Awaitable[None]]


async def lesson(pilot: Pilot[int], app: TutorApp, kind: str) -> LessonScreen:
    screen = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
    await app.push_screen(screen)
    await screen.show(place_of(kind))
    await pilot.pause()
    return screen


async def home(pilot: Pilot[int], app: TutorApp) -> None:
    await pilot.pause()


async def search(pilot: Pilot[int], app: TutorApp) -> None:
    await pilot.press("slash", *"wall", "enter")


async def text(pilot: Pilot[int], app: TutorApp) -> None:
    await lesson(pilot, app, "text")


async def drawing(pilot: Pilot[int], app: TutorApp) -> None:
    await lesson(pilot, app, "diagram")


async def live_drawing(pilot: Pilot[int], app: TutorApp, what: Literal["stack", "pipeline"]) -> None:
    """The page of a drawing that is alive, with what an engine tells."""
    chapter = lesson_chapter()
    sections = tuple(replace(part, live=what) if isinstance(part, Diagram) else part for part in chapter.sections)
    screen = LessonScreen(app.desk, replace(chapter, sections=sections), NoEngine(course(), chapter))
    await app.push_screen(screen)
    await screen.show(place_of("diagram"))
    screen.query_one(Drawn).show(MACHINE, busy(), CALLS)
    await pilot.pause()


async def stack(pilot: Pilot[int], app: TutorApp) -> None:
    await live_drawing(pilot, app, "stack")


async def pipeline(pilot: Pilot[int], app: TutorApp) -> None:
    await live_drawing(pilot, app, "pipeline")


async def prediction(pilot: Pilot[int], app: TutorApp) -> None:
    await lesson(pilot, app, "predict")


async def lab_not_yet(pilot: Pilot[int], app: TutorApp) -> None:
    show_lab(await lesson(pilot, app, "lab"))


async def lab_helped(pilot: Pilot[int], app: TutorApp) -> None:
    page = show_lab(await lesson(pilot, app, "lab"))
    page.open_hint()
    page.open_solution()
    page.told(Passed())
    assert isinstance(app.screen, LessonScreen)
    app.screen.draw_status()
    await pilot.pause()


async def shell_tab(pilot: Pilot[int], app: TutorApp) -> None:
    show_lab(await lesson(pilot, app, "lab"))
    await pilot.press("f6")


async def picture_enlarged(pilot: Pilot[int], app: TutorApp) -> None:
    screen = await lesson(pilot, app, "lab")
    show_lab(screen)
    picture = screen.query_one(Picture)
    picture.mark("container web")
    picture.show_reading(USAGE, {"8443": "listens on 127.0.0.1 only"}, {})
    await pilot.press("z")


async def shell_searched(pilot: Pilot[int], app: TutorApp) -> None:
    show_lab(await lesson(pilot, app, "lab"))
    await pilot.press("slash", *"recv", "enter")


async def quiz_answered(pilot: Pilot[int], app: TutorApp) -> None:
    screen = await lesson(pilot, app, "quiz")
    await pilot.press("1")
    await pilot.pause()
    assert isinstance(screen.page, QuizPage)
    assert screen.page.asking.answered


async def recap(pilot: Pilot[int], app: TutorApp) -> None:
    await lesson(pilot, app, "recap")


async def doctor(pilot: Pilot[int], app: TutorApp) -> None:
    def examine(*, told: Callable[[Check], None]) -> None:
        for check in CHECKS:
            told(check)

    screen = DoctorScreen(examine)
    await app.push_screen(screen)
    await app.workers.wait_for_complete()
    await pilot.pause()


async def help_screen(pilot: Pilot[int], app: TutorApp) -> None:
    await lesson(pilot, app, "text")
    await pilot.press("question_mark")


LOOKS: list[Look] = [
    home, search, text, drawing, stack, pipeline, prediction, lab_not_yet, lab_helped, shell_tab, shell_searched,
    picture_enlarged, quiz_answered, recap, doctor, help_screen,
]  # fmt: skip


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.__name__)
async def test_screen(snapshot: SnapshotAssertion, tmp_path: Path, look: Look) -> None:
    """One app a screen: it is turned to every size and theme, as a person may do it."""
    app = make_app(tmp_path, course=course())
    chapters = course().chapters
    for chapter in chapters[:3]:
        app.desk.record(ChapterOpened(chapter=chapter.id))
        app.desk.record(StepPassed(chapter=chapter.id, item="publish"))
    app.desk.record(QuestionAnswered(chapter=chapters[0].id, item="a-call", answer=(), credit=1.0))
    app.desk.record(ChapterFinished(chapter=chapters[0].id))
    kept = snapshot.use_extension(SVGImageExtension)
    async with running(app, SIZES[0]) as pilot:
        await pilot.pause()
        await look(pilot, app)
        for size in SIZES:
            await pilot.resize_terminal(*size)
            for theme in (DARK.name, LIGHT.name):
                app.theme = theme
                await until(pilot, lambda: app.screen.size == size, "the size")  # noqa: B023
                # The shell waits for a resize to settle.
                await until(pilot, lambda: settled(app), "the shell's size")
                name = f"{look.__name__}-{size[0]}x{size[1]}-{theme}"
                assert kept(name=name) == app.export_screenshot(title=name)


def settled(app: TutorApp) -> bool:
    views = [view for view in app.screen.query(ShellView) if view.scrollable_content_region.size]
    return all((view.term.cols, view.term.rows) == view.scrollable_content_region.size for view in views)
