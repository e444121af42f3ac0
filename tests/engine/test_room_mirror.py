"""A workshop's images on their way: from one engine through a mirror in the room into another engine."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine_machine import machine

from tests.unit.workshop.hubs import free_port
from tests.unit.workshop.programs import Program, programs, tutor
from tutor.engine import _mirror
from tutor.engine.images import catalogue

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(_mirror.program() is None, reason="docker-registry is not installed"),
]
SHELL = catalogue()["shell"]


@pytest.fixture
def program(home: Path) -> Iterator[Callable[..., Program]]:
    with programs(home) as start:
        yield start


def test_what_the_room_lacks_comes_from_the_instructors_machine(
    engine_host: str, home: Path, program: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine_host)
    port = free_port()
    mirror = program("workshop", "prep", "--chapters", "4", "--mirror", str(port))
    mirror.wait_for(rf"The mirror for the room: \S+:{port} \(read only", 300)
    hub = program("workshop", "host", "--chapters", "4", "--bind", "127.0.0.1", "--mirror", f"127.0.0.1:{port}")
    link = hub.wait_for(r"images pull --from (\S+) \(the mirror at").group(1)

    # A learner's engine, on a network of its own: the images reach it by the tutor alone.
    with machine() as learner:
        monkeypatch.setenv("DOCKER_HOST", learner.up("--no-registry")["host"])
        theirs = learner.home

        def checks() -> dict[str, dict[str, str]]:
            told = json.loads(tutor(theirs, "doctor", "--workshop", link, "--json").stdout)
            return {check["name"]: check for check in told["checks"]}

        def held(*, host: str = "") -> str:
            env = {**os.environ, **({"DOCKER_HOST": host} if host else {})}
            command = ["docker", "image", "inspect", "--format", "{{.Id}}", SHELL.reference]
            return subprocess.run(command, env=env, capture_output=True, text=True, check=False).stdout.strip()

        assert held() == ""
        before = checks()
        assert before["mirror"]["state"] == "ok"
        assert before["workshop images"]["next_step"] == f"docker tutor images pull --from {link}"

        done = tutor(theirs, "images", "pull", "--from", link)
        assert done.returncode == 0, done.stderr
        assert f"From the mirror at 127.0.0.1:{port}: shell." in done.stdout
        assert held() == held(host=engine_host) != ""
        run = ["docker", "run", "--rm", "--network", "none", SHELL.reference, "echo", "it runs"]
        assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "it runs\n"
        assert checks()["workshop images"]["state"] == "ok"
        assert "Nothing is missing." in tutor(theirs, "images", "pull", "--from", link).stdout

        # Whoever changes a byte on its way is found out, and nothing of it reaches the engine.
        subprocess.run(["docker", "image", "rm", SHELL.reference], check=True, capture_output=True)
        blobs = (home / "data" / "room-mirror").rglob("blobs/sha256/*/*/data")
        layer = max(blobs, key=lambda file: file.stat().st_size)
        content = bytearray(layer.read_bytes())
        content[len(content) // 2] ^= 1
        layer.write_bytes(content)
        done = tutor(theirs, "images", "pull", "--from", link)
        assert done.returncode == 1 and "is not what the workshop uses" in done.stderr
        assert held() == ""

        assert mirror.end() == 0 and "The mirror has ended" in mirror.text
        assert "No registry answers" in checks()["mirror"]["sentence"]
        done = tutor(theirs, "images", "pull", "--from", link)
        assert done.returncode == 1 and "No registry answers" in done.stderr
