"""doctor's judgement of what an engine and a terminal say of themselves."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tutor.engine import _tiny, commands, doctor
from tutor.problems import Problem

SIZE = os.terminal_size((120, 40))
GOOD_TERMINAL = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}


def test_windows_containers_fail() -> None:
    assert doctor.operating_system({"OSType": "windows"}).state == "fail"
    assert doctor.operating_system({"OSType": "linux"}).state == "ok"
    assert "rootless" in doctor.operating_system({"SecurityOptions": ["name=rootless"]}).sentence


def test_vfs_is_warned_of() -> None:
    assert doctor.storage({"Driver": "vfs"}).state == "warn"
    assert doctor.storage({"Driver": "overlay2"}).state == "ok"


def test_limits_that_do_not_hold_are_warned_of() -> None:
    full = {"CgroupVersion": "2", "MemoryLimit": True, "CpuCfsQuota": True, "PidsLimit": True}
    assert doctor.control_groups(full).state == "ok"
    lacking = doctor.control_groups(full | {"MemoryLimit": False, "PidsLimit": False})
    assert lacking.state == "warn" and "memory and process count" in lacking.sentence


@pytest.mark.parametrize(("gigabytes", "state"), [(0.5, "fail"), (3, "warn"), (50, "ok")])
def test_room_on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gigabytes: float, state: str) -> None:
    class Usage:
        free = int(gigabytes * (1 << 30))

    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: Usage)
    assert doctor.disk({"DockerRootDir": str(tmp_path), "Name": socket.gethostname()}).state == state
    # An engine in a machine of its own: its disk is not to be seen from here.
    assert doctor.disk({"DockerRootDir": str(tmp_path), "Name": "docker-desktop"}).state == "ok"


@pytest.mark.parametrize(
    ("change", "size", "state", "words"),
    [
        ({}, SIZE, "ok", "120×40"),
        ({"TERM": "dumb"}, SIZE, "warn", "--plain"),
        ({}, os.terminal_size((79, 40)), "warn", "80 columns"),
        ({}, os.terminal_size((80, 24)), "ok", ""),
        ({"LANG": "C"}, SIZE, "warn", "UTF-8"),
        ({"LC_ALL": "de_DE.utf8", "LANG": "C"}, SIZE, "ok", ""),
        ({"NO_COLOR": "1"}, SIZE, "ok", "NO_COLOR"),
        ({"COLORTERM": "truecolor"}, SIZE, "ok", "16 million"),
    ],
)
def test_terminals(change: dict[str, str], size: os.terminal_size, state: str, words: str) -> None:
    check = doctor.terminal(GOOD_TERMINAL | change, True, size)
    assert check.state == state
    assert words in check.sentence + check.next_step


def test_no_terminal_is_fine() -> None:
    assert doctor.terminal({}, False, SIZE).state == "ok"


def test_without_an_engine_it_fails_and_says_where_it_looked(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    said: list[str] = []
    assert commands.doctor(said.append) == 1
    text = "\n".join(said)
    assert "fail  engine: No engine answers" in text
    assert "DOCKER_HOST: unix://" in text and "not there" in text


def test_without_docker_s_client_it_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Path) -> None:
    report = doctor.examine({"PATH": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    (client,) = [check for check in report.checks if check.name == "client"]
    assert client.state == "fail"
    assert report.as_json()["ok"] is False


def test_the_program_of_the_smallest_image_runs(tmp_path: Path) -> None:
    program = tmp_path / "greet"
    program.write_bytes(_tiny._program(_tiny.MACHINES[os.uname().machine]))
    program.chmod(0o755)
    assert subprocess.run([program], capture_output=True, check=True).stdout == _tiny.GREETING


def test_an_unknown_machine_has_no_smallest_image() -> None:
    assert _tiny.root_file_system("s390x") is None


def _engine(**_: Any) -> Any:
    from tutor.engine.address import EngineAddress

    return EngineAddress("unix:///run/x.sock", None, "default socket"), False


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("import os, sys; sys.exit(0 if os.environ['DOCKER_HOST'] == 'unix:///run/x.sock' else 9)", 0),
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
    ],
)
def test_run_passes_the_engine_and_the_status(monkeypatch: pytest.MonkeyPatch, script: str, status: int) -> None:
    monkeypatch.setattr(commands, "bring_up", _engine)
    assert commands.engine_run([sys.executable, "-c", script], lambda _: None) == status


def test_run_of_a_missing_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "bring_up", _engine)
    with pytest.raises(Problem) as caught:
        commands.engine_run(["/no/such/command"], lambda _: None)
    assert caught.value.status == 127


def test_importing_the_commands_imports_no_sdk() -> None:
    script = (
        "import sys, tutor.engine.commands; print([m for m in ('docker', 'requests', 'textual') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
