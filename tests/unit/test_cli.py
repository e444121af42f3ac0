"""The command line as a program: what it imports, how it ends, what it says when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tutor.cli import main
from tutor.course.variables import VARIABLE


def tutor(*arguments: str, env: dict[str, str] | None = None, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tutor", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        timeout=60,
        check=False,
        **options,  # type: ignore[call-overload]
    )


def test_importing_the_command_line_pulls_in_nothing_heavy() -> None:
    code = "import sys, tutor.cli; tutor.cli.parser(); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "tutor.cli" in loaded
    assert not loaded & {"docker", "textual", "rich", "yaml", "requests", "msgspec", "asyncio", "sqlite3"}


def test_opening_the_app_loads_no_parser_and_no_engine_once_the_course_is_kept(home: Path) -> None:
    code = "import sys, tutor.ui.tui.app, tutor.ui.tui.run as r; r.load_contents(); print(*sorted(sys.modules))"
    env = {**os.environ, "DOCKER_TUTOR_HOME": str(home)}
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    loaded = set(done.stdout.split())
    assert {"textual", "msgspec"} < loaded
    assert not loaded & {"docker", "yaml", "requests", "tutor.engine.client", "tutor.lab.shell", "tutor.course.models"}


def test_version_and_help() -> None:
    assert tutor("--version").stdout.startswith("docker-tutor ")
    everything = tutor("--help").stdout
    for command in ("learn", "check", "doctor", "engine", "images", "course", "trace", "context", "plugin"):
        assert command in everything


@pytest.mark.parametrize(
    "arguments", [["learn"], ["check", "x"], ["images"], ["nonsense"], ["course", "prove", "--jobs", "x"]]
)
def test_wrong_usage_is_told_and_is_2(arguments: list[str]) -> None:
    done = tutor(*arguments)
    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_problem_is_one_sentence_with_the_next_step(home: Path) -> None:
    done = tutor("read", "99", env={"DOCKER_TUTOR_HOME": str(home)})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "docker-tutor: The course has no chapter 99. See: docker tutor list\n"


def test_check_without_an_open_lab_cannot_tell(home: Path) -> None:
    env = {"DOCKER_TUTOR_HOME": str(home)}
    assert tutor("check", "16", env=env).returncode == 2
    done = tutor("check", "16", "--json", env=env)
    assert done.returncode == 2
    answer = json.loads(done.stdout)
    assert answer["verdict"] == "unavailable"
    assert "No lab of chapter 16 is open." in answer["reason"]
    assert answer["findings"] == []


def test_without_an_engine_there_is_a_way_on(home: Path) -> None:
    env = {"DOCKER_TUTOR_HOME": str(home), "DOCKER_HOST": f"unix://{home}/none.sock"}
    done = tutor("shell", "16", "-c", "docker ps", env=env)
    assert done.returncode == 1
    assert done.stderr.startswith("docker-tutor: ")
    assert "none.sock" in done.stderr
    assert "Traceback" not in done.stderr


def test_list_and_read_need_no_engine(home: Path) -> None:
    env = {"DOCKER_TUTOR_HOME": str(home), "DOCKER_HOST": "unix:///nowhere.sock"}
    done = tutor("list", "--json", env=env)
    assert {c["state"] for c in json.loads(done.stdout)} == {"new"}
    for chapter in json.loads(done.stdout):
        text = tutor("read", str(chapter["chapter"]), env=env)
        assert text.returncode == 0
        assert chapter["title"] in text.stdout
        assert not VARIABLE.search(text.stdout)


def test_without_a_terminal_it_lists_the_chapters_and_how_to_go_on(home: Path) -> None:
    done = tutor(env={"DOCKER_TUTOR_HOME": str(home)}, stdin=subprocess.DEVNULL)
    assert done.returncode == 0
    assert "Core Docker commands" in done.stdout
    assert "docker-tutor learn" in done.stdout


def test_a_closed_pipe_is_no_error(home: Path) -> None:
    command = f"{sys.executable} -m tutor read 17 | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        env={**os.environ, "DOCKER_TUTOR_HOME": str(home)},
        check=False,
    )
    assert done.stderr == ""


def test_main_returns_the_status(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "99"]) == 1
    assert "no chapter 99" in capsys.readouterr().err
