"""The drawings of chapters 3 and 6 follow what the learner does in the shell, on a real engine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.ui.test_tui_journey import COURSE, Learner
from tests.ui.tui_app import chapter_of, make_app, running
from tutor.course.models import Chapter, Diagram
from tutor.engine.images import resolve
from tutor.ui.tui.picture.drawn import Drawn

LIT_KERNEL = re.compile("║ (Linux )?kernel ")  # a long version leaves no room for the first word

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("labs_closed")]


def place_of_drawing(chapter: Chapter) -> int:
    return next(n for n, part in enumerate(chapter.sections) if isinstance(part, Diagram))


def seen(one: Learner) -> str:
    """All of the drawing in one line: where its sentence is broken does not matter."""
    drawing = one.screen.query_one(Drawn)
    return " ".join(" ".join(drawing.render_line(y).text for y in range(drawing.size.height)).split())


async def test_each_container_gets_its_box_and_loses_it(home: Path, engine_host: str) -> None:
    chapter = chapter_of(COURSE, 3)
    app = make_app(home, course=COURSE, chapter=chapter)
    async with running(app) as pilot:
        one = Learner(app, pilot)
        await one.lab_is_open()
        await one.screen.show(place_of_drawing(chapter))
        await one.until(lambda: "No container of this lab runs yet" in seen(one), "the engine's words")
        engine = one.screen.room.engine
        assert engine is not None
        kernel = engine.api.info()["KernelVersion"].partition("-")[0]
        assert f"kernel {kernel}" in seen(one)
        assert str(engine.api.info()["NCPU"]) in seen(one)
        rows = one.screen.query_one(Drawn).size.height
        await one.paste(f"docker run -d --name one-box {resolve('shell')} sleep 600")
        await one.until(lambda: "● one-box" in seen(one), "the container's box")
        await one.paste(f"for i in 1 2 3 4 5 6; do docker run -d {resolve('shell')} sleep 600; done")
        await one.until(lambda: "7 containers of this lab run, all of them on one" in seen(one), "all of them", 60)
        await one.paste("docker rm -f one-box")
        await one.until(lambda: "one-box" not in seen(one), "the box gone")
        assert one.screen.query_one(Drawn).size.height == rows, "nothing below has moved"
        await one.screen.room.close()


async def test_the_boxes_light_up_as_far_as_a_command_reaches(home: Path, engine_host: str) -> None:
    chapter = chapter_of(COURSE, 6)
    app = make_app(home, course=COURSE, chapter=chapter)
    async with running(app) as pilot:
        one = Learner(app, pilot)
        await one.lab_is_open()
        await one.screen.show(place_of_drawing(chapter))
        engine = one.screen.room.engine
        assert engine is not None
        version = engine.version.engine.partition("+")[0]
        await one.until(lambda: f"dockerd {version}" in seen(one), "the engine's version")
        await one.paste("docker ps")
        await one.until(lambda: "reached dockerd" in seen(one), "a question's way")
        assert not LIT_KERNEL.search(seen(one))
        await one.paste(f"docker run -d --name reached {resolve('nginx')}")
        await one.until(lambda: "reached the kernel" in seen(one), "a start's way")
        assert LIT_KERNEL.search(seen(one))
        await one.paste("docker run --privileged busybox true")
        await one.until(lambda: "refused" in seen(one), "the refusal")
        assert "✗" in seen(one)
        await one.screen.room.close()
