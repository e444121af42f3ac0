"""The Docker CLI plugin: what the docker CLI is told, how its calls are read, how the launcher comes and goes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tutor import plugin
from tutor.problems import Problem

CALLED = {"DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND": "docker"}


@pytest.mark.parametrize(
    ("argv", "environ", "expected"),
    [
        (["list"], {}, (["list"], {})),
        (["tutor", "list"], {}, (["list"], {})),
        (["tutor"], CALLED, ([], {})),
        (["-H", "tcp://h:1", "tutor", "check", "16"], CALLED, (["check", "16"], {"DOCKER_HOST": "tcp://h:1"})),
        (["-H", "tcp://h:1", "tutor", "list"], {}, (["list"], {"DOCKER_HOST": "tcp://h:1"})),
        (["--context=far", "-D", "tutor", "list"], CALLED, (["list"], {"DOCKER_CONTEXT": "far"})),
        (["--tlsverify", "tutor", "list"], CALLED, (["list"], {"DOCKER_TLS_VERIFY": "1"})),
        (["--version"], {}, (["--version"], {})),
        (["learn", "tutor"], {}, (["learn", "tutor"], {})),
    ],
)
def test_arguments(argv: list[str], environ: dict[str, str], expected: object) -> None:
    assert plugin.arguments(argv, environ) == expected


def test_the_docker_cli_lists_and_runs_it(tmp_path: Path) -> None:
    environ = {**os.environ, "DOCKER_CONFIG": str(tmp_path), "DOCKER_TUTOR_HOME": str(tmp_path / "home")}
    path = plugin.install(environ)
    assert plugin.install(environ) == path
    asked = subprocess.run([path, plugin.METADATA_COMMAND], capture_output=True, text=True, env=environ, check=True)
    assert json.loads(asked.stdout)["SchemaVersion"] == "0.1.0"
    listed = subprocess.run(["docker", "--help"], capture_output=True, text=True, env=environ, check=True)
    assert any(line.split()[:1] == ["tutor*"] for line in listed.stdout.splitlines()), listed.stdout
    version = subprocess.run(["docker", "tutor", "--version"], capture_output=True, text=True, env=environ, check=True)
    assert version.stdout.startswith("docker-tutor ")
    assert plugin.uninstall(environ) == path
    assert not path.exists()
    assert plugin.uninstall(environ) is None


def test_something_elses_plugin_is_left_alone(tmp_path: Path) -> None:
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    path = tmp_path / "cli-plugins" / "docker-tutor"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\necho mine\n")
    with pytest.raises(Problem, match="not docker-tutor's"):
        plugin.install(environ)
    with pytest.raises(Problem, match="left alone"):
        plugin.uninstall(environ)
    assert path.read_text() == "#!/bin/sh\necho mine\n"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="cannot be written"):
        plugin.install({"DOCKER_CONFIG": str(tmp_path / "file")})
