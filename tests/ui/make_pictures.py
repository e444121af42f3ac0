"""Pictures of the screens for the README: `python -m tests.ui.make_pictures`, or the names of some.

Textual's own SVG of the screen becomes a PNG by chromium. Lessons are taken on a real engine (DOCKER_HOST); the board
and the projector on a real hub, and need none.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from playwright.async_api import async_playwright, expect
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from tests.ui.class_of import SYLLABUS, happen, records
from tests.ui.rounds_app import an_app, go, lived
from tests.ui.test_tui_journey import COURSE, Learner
from tests.ui.test_tui_rounds_snapshots import skip_to
from tests.ui.tui_app import chapter_of, make_app, running, until
from tests.unit.workshop.hubs import SECRET, Running, serving
from tutor.course.models import Diagram, Lab, Predict, Step, TypeCommand
from tutor.engine.images import resolve
from tutor.lab.verdict import NotYet
from tutor.learner.events import ChapterFinished, ChapterOpened, StepPassed
from tutor.ui.tui.app import TutorApp
from tutor.ui.tui.help.screen import HelpScreen
from tutor.ui.tui.picture import Picture
from tutor.ui.tui.picture.drawn import Drawn
from tutor.ui.tui.progress.screen import ProgressScreen
from tutor.ui.tui.quiz.asking import Asking
from tutor.ui.tui.quiz.page import PredictPage
from tutor.ui.tui.theme import LIGHT
from tutor.ui.tui.workshop.board import BoardApp
from tutor.workshop.log_sqlite import SqliteLog
from tutor.workshop.rooms import Keys

FOLDER = Path(__file__).parent / "pictures"
SIZE = (120, 36)


def png(app: TutorApp, name: str) -> None:
    """The screen as it is now, as a picture."""
    svg = re.sub(r"@font-face \{.*?\}", "", app.export_screenshot(title="docker tutor"), flags=re.DOTALL)
    svg = svg.replace("Fira Code", "DejaVu Sans Mono")
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert found is not None
    width, height = (int(float(number)) + 1 for number in found.groups())
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "screen.svg").write_text(svg, encoding="utf-8")
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--default-background-color=00000000", f"--window-size={width},{height}",
             f"--screenshot={FOLDER / name}.png", f"file://{folder}/screen.svg"],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip


def place(chapter: int, kind: type[object]) -> int:
    """Where the first section of a kind is."""
    return next(n for n, part in enumerate(chapter_of(COURSE, chapter).sections) if isinstance(part, kind))


async def home(folder: Path) -> None:
    app = make_app(folder, course=COURSE)
    for number, done in ((1, True), (2, True), (3, False)):
        chapter = chapter_of(COURSE, number)
        app.desk.record(ChapterOpened(chapter=chapter.id))
        lab = next(part for part in chapter.sections if isinstance(part, Lab))
        for step in lab.steps[: None if done else 1]:
            app.desk.record(StepPassed(chapter=chapter.id, item=step.id))
        if done:
            app.desk.record(ChapterFinished(chapter=chapter.id))
    async with running(app, SIZE) as pilot:
        await pilot.pause()
        png(app, "home")


async def rounds(folder: Path) -> None:
    """Quiz, review, progress, help, the placement test and all commands, of somebody who has begun two chapters."""
    app, clock = an_app(folder, COURSE)
    lived(app, clock)
    async with running(app, SIZE) as pilot:
        quiz = await go(pilot, app, "quiz")
        assert quiz.item is not None
        assert isinstance(quiz.item.task, TypeCommand)
        await until(pilot, lambda: not quiz.query_one(Input).disabled, "the lab", 60)
        posed = quiz.query_one(Asking).question
        assert isinstance(posed, TypeCommand)
        quiz.query_one(Input).value = posed.wrong[0].run
        await pilot.press("enter")
        await until(pilot, lambda: quiz.results, "the grade", 60)
        png(app, "quiz")
        app.pop_screen()
        await skip_to(pilot, await go(pilot, app, "review"), Step)
        png(app, "review")
        app.pop_screen()
        app.action_round("progress")
        await until(pilot, lambda: isinstance(app.screen, ProgressScreen), "the progress")
        png(app, "progress")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "the help")
        png(app, "help")
        app.pop_screen()
        app.pop_screen()
        await go(pilot, app, "placement")
        png(app, "placement")
        app.pop_screen()
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette), "all commands")
        await pilot.press(*"the")
        await until(pilot, lambda: app.screen.query_one(CommandList).option_count, "some of them")
        png(app, "commands")


async def prediction(folder: Path) -> None:
    app = make_app(folder, course=COURSE, chapter=chapter_of(COURSE, 17))
    async with running(app, SIZE) as pilot:
        one = Learner(app, pilot)
        await one.lab_is_open()
        await one.screen.show(place(17, Predict))
        page = one.screen.page
        assert isinstance(page, PredictPage)
        await one.answer(page.asking)
        png(app, "prediction")
        await one.screen.room.close()


async def pipeline(folder: Path) -> None:
    chapter = chapter_of(COURSE, 6)
    app = make_app(folder, course=COURSE, chapter=chapter)
    async with running(app, SIZE) as pilot:
        one = Learner(app, pilot)
        await one.lab_is_open()
        await one.screen.show(place(6, Diagram))
        drawing = one.screen.query_one(Drawn)

        def seen() -> str:
            return " ".join(drawing.render_line(y).text for y in range(drawing.size.height))

        await one.paste(f"docker run -d --name web {resolve('nginx')}")
        await one.until(lambda: "reached the kernel" in seen(), "the way to the kernel")
        await one.leave_shell()
        png(app, "pipeline")
        await one.screen.room.close()


async def lab(folder: Path) -> None:
    app = make_app(folder, course=COURSE, chapter=chapter_of(COURSE, 22))
    async with running(app, SIZE) as pilot:
        one = Learner(app, pilot)
        await one.lab_is_open()
        await one.screen.show(place(22, Lab))
        await one.until(lambda: one.lab.step, "the step")
        session = one.screen.room.session
        assert session is not None
        names, images, ports = session.bindings.names, session.bindings.images, session.bindings.ports
        name, port = names["web"], ports["web"]
        await one.paste(f"docker run -d --name {name} -m 64m --cpus 0.5 -p {port}:8080 {images['nginx']}")
        await one.until(lambda: isinstance(one.lab.verdict, NotYet), "the diagnosis")
        await one.paste(f"curl localhost:{port}")
        await one.until(lambda: "curl: " in one.view.term.text(), "curl's answer")
        picture = one.screen.query_one(Picture)
        await one.until(lambda: picture._look.closed and picture._look.usage, "usage and the broken door")
        await one.leave_shell()
        await pilot.press("m")
        await pilot.pause()
        png(app, "lab")
        app.theme = LIGHT.name
        await pilot.pause()
        png(app, "lab-light")
        app.theme = "tutor-dark"
        await pilot.press("z")
        for tab in ("trace", "layers", "timeline"):
            await shown(one, pilot, tab)
            png(app, tab)
        await one.screen.room.close()


async def shown(one: Learner, pilot: Pilot[int], tab: str) -> None:
    picture = one.screen.query_one(Picture)
    picture.tab = tab
    known: dict[str, Callable[[], object]] = {"layers": lambda: "COPY" in picture.words() or "RUN" in picture.words()}
    await one.until(known.get(tab, lambda: True), f"the tab {tab}")
    await pilot.pause()


@contextlib.asynccontextmanager
async def room(folder: Path) -> AsyncIterator[Running]:
    """A real hub with a class of thirty in the middle of a chapter."""
    async with serving(SqliteLog(folder / "room.sqlite3"), syllabus=SYLLABUS) as hub:
        await happen(hub, records(30, hub.hub.follower.id, time.time()))
        hub.hub.link = "http://192.0.2.7:7000"
        yield hub


async def board(folder: Path) -> None:
    async with room(folder) as hub:
        app = BoardApp(Keys(room="r1", title="Docker", link=hub.http, secret=SECRET), "Instructor", COURSE)
        async with app.run_test(size=SIZE) as pilot:
            listed = app.screen.query_one("#seats", OptionList)
            await until(pilot, lambda: listed.option_count == 30, "the class")
            await until(pilot, lambda: "Poll" in str(app.screen.query_one("#side-text", Static).render()), "the poll")
            await pilot.pause()
            png(app, "board")


async def projector(folder: Path) -> None:
    async with room(folder) as hub, async_playwright() as browsers:
        path = shutil.which("chromium")
        async with await browsers.chromium.launch(executable_path=path, args=["--no-sandbox"]) as browser:
            page = await browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="light")
            await page.goto(f"{hub.http}/screen#{hub.hub.door.screen_key}")
            await expect(page.locator("#options .right").filter(has_text="right")).to_have_count(1)
            await page.screenshot(path=FOLDER / "projector.png")


def main() -> int:
    """Take all pictures, or those that are named."""
    if shutil.which("chromium") is None:
        sys.stderr.write("chromium is not installed (Debian: apt-get install chromium).\n")
        return 1
    FOLDER.mkdir(exist_ok=True)
    for take in (home, rounds, prediction, pipeline, lab, board, projector):
        if sys.argv[1:] and take.__name__ not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory(prefix="dt-", dir="/tmp") as folder:
            os.environ["DOCKER_TUTOR_HOME"] = folder
            asyncio.run(take(Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
