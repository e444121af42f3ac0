"""Scripts in a lab: output, input, exit status, limits, and what they leave running."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tutor.lab.session.run import KEPT, Completed, Runner


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Completed]:
    runner = Runner()

    def call(script: str, timeout: float = 20.0, **more: Any) -> Completed:
        return runner.run(script, cwd=tmp_path, env=dict(os.environ), timeout=timeout, **more)

    return call


def _alive(number: int) -> bool:
    try:
        stat = Path(f"/proc/{number}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _gone(number: int, limit: float = 5.0) -> bool:
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if not _alive(number):
            return True
        time.sleep(0.01)
    return False


def test_both_outputs_in_order_and_the_exit_status(run: Callable[..., Completed]) -> None:
    done = run("echo one; echo two >&2; echo three; exit 7")
    assert (done.exit_code, done.output, done.timed_out) == (7, "one\ntwo\nthree\n", False)


def test_a_script_reads_nothing_unless_something_is_given(run: Callable[..., Completed]) -> None:
    assert run("cat; echo end").output == "end\n"
    big = "x" * 300_000
    assert run("wc -c", input=big).output.strip() == "300000"
    assert run("true", input=big).exit_code == 0


def test_output_comes_as_it_is_printed_and_characters_stay_whole(run: Callable[..., Completed]) -> None:
    pieces: list[str] = []
    done = run(r"printf '\xe2\x82'; sleep 0.2; printf '\xac\n'", on_output=pieces.append)
    assert "".join(pieces) == done.output == "€\n"


def test_a_flood_keeps_its_beginning_and_its_end(run: Callable[..., Completed]) -> None:
    done = run("echo first; yes | head -c 5000000; echo last")
    assert done.output.startswith("first\n") and done.output.endswith("last\n")
    assert "bytes left out" in done.output
    assert len(done.output) < KEPT + 100


def test_the_limit_ends_everything_the_script_started(run: Callable[..., Completed], tmp_path: Path) -> None:
    start = time.monotonic()
    done = run("trap '' TERM; sleep 600 & echo $! > child; sleep 600", timeout=0.5)
    assert done.timed_out and done.exit_code != 0
    assert time.monotonic() - start < 10
    assert _gone(int((tmp_path / "child").read_text()))


def test_a_closed_output_does_not_hide_the_limit(run: Callable[..., Completed]) -> None:
    assert run("exec >&- 2>&-; sleep 600", timeout=0.5).timed_out


def test_what_runs_on_in_the_background_is_ended_on_closing(tmp_path: Path) -> None:
    runner = Runner()
    done = runner.run("sleep 600 & echo $!", cwd=tmp_path, env=dict(os.environ), timeout=20)
    number = int(done.output)
    assert not done.timed_out and done.seconds < 5
    assert _alive(number)
    runner.end_all()
    assert _gone(number)
