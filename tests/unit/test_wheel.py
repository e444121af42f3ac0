"""The built wheel carries the course and the recipes, and finds them without a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

TOP = Path(__file__).parents[2]


def test_the_wheel_works_by_itself(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    assert "tutor/_shipped/labs/images.yaml" in names
    assert "tutor/_shipped/lessons/mistakes.yaml" in names
    shipped = {Path(name).name for name in names if name.startswith("tutor/_shipped/lessons/")}
    assert shipped == {path.name for path in (TOP / "lessons").iterdir()}
    assert {name for name in names if "/tests/" in name or name.startswith("tests")} == set()
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import tutor; from tutor.cli import main;"
        "assert tutor.__file__.startswith(sys.argv[1]), tutor.__file__; sys.exit(main(sys.argv[2:]))"
    )
    for arguments in (["list"], ["course", "lint"], ["read", "5"]):
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "site"), *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "DOCKER_TUTOR_HOME": str(tmp_path / "home")},
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
