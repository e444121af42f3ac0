"""A lesson without an engine, to look at it: what the engine would tell is given by the test."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from msgspec.structs import replace

from tests.ui.picture.situations import busy
from tutor.course import variables
from tutor.course.loader import load_course
from tutor.course.models import Chapter, Course, Lab, Step
from tutor.engine.doctor import Check
from tutor.lab.session.session import Session
from tutor.lab.verdict import Diagnosis, Finding, NotYet
from tutor.problems import Problem
from tutor.ui.tui.lesson.room import Room, Words
from tutor.ui.tui.lesson.screen import LessonScreen
from tutor.ui.tui.lesson.steps import LabPage
from tutor.ui.tui.picture import Picture
from tutor.ui.tui.shell.view import ShellView

WRONG = NotYet(
    findings=(
        Finding(
            summary="`web` publishes container port 8080; the application listens on 80.",
            expected="host 8080 → web 80",
            found="host 3000 → web 8080",
            where="container web",
        ),
    ),
    mistake=Diagnosis(
        id="ports-swapped",
        title="Ports the wrong way round",
        say="The container's port comes second, and nginx listens on 80.",
        chapter=7,
    ),
)
TYPED = (
    "\x1b[1mdoors-7 $\x1b[0m docker run -d --name web -p 3000:8080 nginx:1.26\r\n"
    "5f0c9a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7\r\n"
    "\x1b[1mdoors-7 $\x1b[0m curl localhost:3000\r\n"
    "curl: (56) Recv failure: \x1b[31mConnection reset by peer\x1b[0m\r\n"
    "\x1b[1mdoors-7 $\x1b[0m "
)
CHECKS = (
    Check("engine", "ok", "Docker Engine 26.1.5, API 1.45, at unix:///var/run/docker.sock (default socket)."),
    Check("start", "ok", "A container was made, started and removed (412 ms)."),
    Check("images", "warn", "2 lab images are not here yet: node, redis.", "docker tutor images pull"),
    Check("client", "fail", "The docker command is not installed.", "https://docs.docker.com/engine/install/"),
)


class NoEngine(Room):
    """The engine's side of a lesson on a machine that has no engine."""

    async def open(self, progress: Words) -> Session:
        raise Problem("No Docker Engine answers on this machine.", "Start Docker.", code="no-engine")


@cache
def course() -> Course:
    """Twenty-six chapters, all alike."""
    one = load_course(Path(__file__).parent / "course").chapters[0]
    titles = {7: one.title}
    chapters = tuple(
        replace(one, chapter=n, id="doors" if n == 7 else f"chapter-{n}", title=titles.get(n, f"Chapter number {n}"))
        for n in range(1, 27)
    )
    return Course(chapters=chapters, mistakes={})


def lesson_chapter() -> Chapter:
    return course().chapters[6]


def place_of(kind: str) -> int:
    return next(n for n, part in enumerate(lesson_chapter().sections) if part.__struct_config__.tag == kind)


def show_lab(screen: LessonScreen) -> LabPage:
    """What the lesson shows while somebody works in its lab."""
    page = screen.page
    assert isinstance(page, LabPage)
    page.begin(bound_step(screen, "publish"))
    view = screen.query_one(ShellView)
    screen.query_one("#shell-words").display = False
    view.display = True
    screen.draw_shell_line()
    view.received(TYPED.encode())
    picture = screen.query_one(Picture)
    picture.show(busy(), ())
    page.told(WRONG)
    picture.mark(page.where)
    screen.draw_status()
    return page


def bound_step(screen: LessonScreen, step: str) -> Step:
    lab = next(part for part in screen.chapter.sections if isinstance(part, Lab))
    found = next(one for one in lab.steps if one.id == step)
    return variables.bind(found, variables.preview(screen.chapter, {"nginx": "nginx:1.26"}))
