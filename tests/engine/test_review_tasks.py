"""A mistake made in a lab comes back as a small live task on a real engine, in line mode and in the app."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from textual import events

from tests.ui.tui_app import until
from tutor.course.contents import contents_of
from tutor.course.identity import content_hash
from tutor.course.loader import load_course
from tutor.course.models import Chapter, Lab, Step
from tutor.lab import open_labs
from tutor.learner.events import StepPassed, StepTried, TaskReviewed
from tutor.learner.journal import Journal
from tutor.learner.remembered import Remembered
from tutor.learner.schedule import DAY
from tutor.ui.tui.app import TutorApp
from tutor.ui.tui.desk import Desk
from tutor.ui.tui.review.screen import ReviewScreen, TaskCard
from tutor.ui.tui.review.task import TaskScreen
from tutor.ui.tui.shell.view import ShellView
from tutor.ui.tui.theme import DARK, Settings

pytestmark = pytest.mark.engine
COURSE = load_course()
SHELL = "busybox:1.37"


def step_of(number: int, name: str) -> tuple[Chapter, Step]:
    chapter = next(one for one in COURSE.chapters if one.chapter == number)
    lab = next(part for part in chapter.sections if isinstance(part, Lab))
    return chapter, next(step for step in lab.steps if step.id == name)


CHAPTER, STEP = step_of(17, "through-a-pipe")


def a_mistake_two_days_ago(home: Path) -> Journal:
    """The journal of somebody who made a mistake in chapter 17 and put it right."""
    clock = [time.time() - 2 * DAY]
    journal = Journal(home / "data" / "journal.sqlite3", clock=lambda: clock[0])
    about = {"chapter": CHAPTER.id, "item": STEP.id, "hash": content_hash(STEP)}
    journal.append(StepTried(**about, findings=1, mistake="as-argument"))
    journal.append(StepPassed(**about))
    clock[0] += 2 * DAY
    return journal


def containers(host: str) -> set[str]:
    listing = ["docker", "-H", host, "ps", "-aq", "--no-trunc"]
    return set(subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split())


def test_in_line_mode_with_the_mistake_once_more(home: Path, engine_host: str) -> None:
    a_mistake_two_days_ago(home).close()
    before = containers(engine_host)
    keys = "\n".join(
        [
            f"docker run -i --name piped {SHELL} echo hello from the pipe < /dev/null",
            "docker rm piped",
            f"echo 'echo hello from the pipe' | docker run -i --name piped {SHELL} sh",
            "next",
            "",
            "",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-m", "tutor", "review", "--plain"],
        input=keys,
        capture_output=True,
        text=True,
        env={**os.environ, "DOCKER_HOST": engine_host},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1 review today, 1 of them to do on the engine." in done.stdout
    assert "Here you met: As argument." in done.stdout
    assert "✎ As argument" in done.stdout
    assert "Done, after a wrong turn." in done.stdout
    with Journal(home / "data" / "journal.sqlite3") as journal:
        kept = [entry.event for entry in journal.entries()]
        made = Remembered(journal).memory().records[CHAPTER.id, STEP.id].mistakes["as-argument"]
    assert [type(event) for event in kept] == [StepTried, StepPassed, TaskReviewed]
    assert isinstance(kept[-1], TaskReviewed)
    assert (kept[-1].passed, kept[-1].mistakes, kept[-1].solution) == (True, ("as-argument",), False)
    assert (made.count, made.overcome) == (2, False)
    assert not open_labs.every()
    assert containers(engine_host) == before


async def test_in_the_app_to_overcome_it(home: Path, engine_host: str) -> None:
    journal = a_mistake_two_days_ago(home)
    desk = Desk(contents_of(COURSE), lambda: COURSE, journal, random.Random(7))
    app = TutorApp(desk, None, Settings(theme=DARK.name, motion=False))
    before = containers(engine_host)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.screen.query(TaskCard), "the card")
        review = app.screen
        assert isinstance(review, ReviewScreen)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TaskScreen), "the task")
        screen = app.screen
        assert isinstance(screen, TaskScreen)
        await until(pilot, lambda: screen.lab_page and screen.lab_page.step, "the step", 120)
        page = screen.lab_page
        assert page is not None and page.step is not None
        assert page.step.id == STEP.id
        view = screen.query_one(ShellView)
        await until(pilot, lambda: view.at_prompt, "the prompt", 60)
        await pilot.press("f6")
        await until(pilot, lambda: app.focused is view, "the shell")
        view.post_message(events.Paste(f"echo 'echo hello from the pipe' | docker run -i --name piped {SHELL} sh"))
        await pilot.press("enter")
        await until(pilot, lambda: page.finished, "the pass", 120)
        await pilot.press("f6")
        await until(pilot, lambda: app.focused is not view, "the lesson")
        await pilot.press("n")
        await until(pilot, lambda: app.screen is review and review.results, "the review", 60)
        assert "Done." in str(review.query_one("#task-said").render())
        await until(pilot, lambda: not open_labs.every(), "the lab to be gone", 120)
    made = Remembered(journal).memory().records[CHAPTER.id, STEP.id].mistakes["as-argument"]
    assert made.overcome
    assert containers(engine_host) == before
    journal.close()
