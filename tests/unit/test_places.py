"""Where things are kept: one home for everything, private, and told in words when that cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tutor import places
from tutor.problems import Problem


def test_one_home_holds_everything_and_is_private(home: Path) -> None:
    for folder in (places.data(), places.cache_folder(), places.runtime()):
        assert folder.is_relative_to(home)
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_long_home_does_not_make_socket_paths_too_long(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_TUTOR_HOME", str(tmp_path / ("x" * 80)))
    assert len(str(places.runtime())) < 60


def test_the_course_is_found_in_the_checkout() -> None:
    assert (places.lessons() / "mistakes.yaml").is_file()
    assert (places.labs() / "images.yaml").is_file()


def test_a_folder_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DOCKER_TUTOR_HOME", str(tmp_path / "file"))
    with pytest.raises(Problem, match="cannot be made") as caught:
        places.data()
    assert caught.value.code == "no-folder"


def test_a_command_tells_it_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    environ = {**os.environ, "DOCKER_TUTOR_HOME": str(tmp_path / "file")}
    done = subprocess.run(
        [sys.executable, "-m", "tutor", "list"], capture_output=True, text=True, env=environ, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("docker-tutor: The folder ")
