"""Repairs of the doctor that take minutes: they say how far they are, and leaving ends them."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ui.tui_app import make_app, running, until
from tests.ui.tui_rooms import CHECKS, course
from tutor.engine.doctor import Check
from tutor.problems import Problem
from tutor.ui.tui.doctor import screen as doctor_screen
from tutor.ui.tui.doctor.repair import Repair
from tutor.ui.tui.doctor.screen import DoctorScreen
from tutor.ui.tui.home.screen import HomeScreen

# Says something, starts another program, and tidies up when it is interrupted.
_LONG = """
import pathlib, subprocess, sys, time
child = subprocess.Popen(["sleep", "600"])
print("Building one …", child.pid, flush=True)
try:
    time.sleep(600)
except KeyboardInterrupt:
    pathlib.Path(sys.argv[1]).write_text("tidy")
"""


def look(*, told: Callable[[Check], None]) -> None:
    for check in CHECKS:
        told(check)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # Nobody may have collected it yet.
    return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] == "Z"


def eventually(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


def test_what_it_says_is_handed_on_and_a_failure_is_its_last_word() -> None:
    said: list[str] = []
    Repair("print('one'); print(); print('two')", program=(sys.executable, "-c")).run(said.append)
    assert said == ["one", "two"]
    with pytest.raises(Problem, match="no room"):
        Repair("print('no room'); raise SystemExit(1)", program=(sys.executable, "-c")).run(said.append)


def test_a_problem_that_it_tells_keeps_its_own_next_step() -> None:
    program = "print('docker-tutor: No registry answers. Build them.'); raise SystemExit(1)"
    with pytest.raises(Problem) as caught:
        Repair(program, program=(sys.executable, "-c")).run(lambda _: None)
    assert str(caught.value) == "No registry answers. Build them."


async def test_what_takes_long_says_for_how_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_screen, "_LONG", 1.0)
    program = (sys.executable, "-c", _LONG, str(tmp_path / "note"))
    monkeypatch.setattr(doctor_screen, "Repair", lambda *words: Repair(program=program))
    app = make_app(tmp_path, course=course())
    async with running(app) as pilot:
        await app.push_screen(DoctorScreen(look))
        await until(pilot, lambda: "to be put right" in said(app.screen), "the checks")
        await pilot.press("i")
        await until(pilot, lambda: re.search(r"Building one … \d+ \d s", said(app.screen)), "the seconds")


async def test_a_pull_that_fails_points_to_the_key_that_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (sys.executable, "-c", "print('No registry answers.'); raise SystemExit(1)")
    monkeypatch.setattr(doctor_screen, "Repair", lambda *words: Repair(program=program))
    app = make_app(tmp_path, course=course())
    async with running(app) as pilot:
        await app.push_screen(DoctorScreen(look))
        await until(pilot, lambda: "to be put right" in said(app.screen), "the checks")
        await pilot.press("p")
        await until(pilot, lambda: "i builds them instead" in said(app.screen), "the other way")


def test_stopping_ends_it_with_all_that_it_started_and_lets_it_tidy_up(tmp_path: Path) -> None:
    repair = Repair(_LONG, str(tmp_path / "note"), program=(sys.executable, "-c"))
    said: list[str] = []
    thread = threading.Thread(target=repair.run, args=(said.append,))
    thread.start()
    assert eventually(lambda: bool(said))
    repair.stop()
    thread.join(20)
    assert not thread.is_alive()
    assert (tmp_path / "note").read_text() == "tidy"
    assert eventually(lambda: gone(int(said[0].split()[-1])))
    repair.run(said.append)
    assert len(said) == 1, "what was stopped does not begin again"


async def test_leaving_the_doctor_takes_two_presses_while_images_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (sys.executable, "-c", _LONG, str(tmp_path / "note"))
    monkeypatch.setattr(doctor_screen, "Repair", lambda *words: Repair(program=program))
    app = make_app(tmp_path, course=course())
    async with running(app) as pilot:
        await app.push_screen(DoctorScreen(look))
        await until(pilot, lambda: "to be put right" in said(app.screen), "the checks")
        await pilot.press("i")
        await until(pilot, lambda: "Building one" in said(app.screen), "the building")
        await pilot.press("q")
        assert isinstance(app.screen, DoctorScreen)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen), "home")
        await until(pilot, lambda: (tmp_path / "note").exists(), "the end of the building")


def said(screen: object) -> str:
    assert isinstance(screen, DoctorScreen)
    return str(screen.query_one("#doing").render())
