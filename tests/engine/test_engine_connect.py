"""A connection to the real engine, and doctor on it."""

from __future__ import annotations

import datetime
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from tutor.engine import commands, doctor
from tutor.engine.address import EngineAddress
from tutor.engine.connect import Engine, attempts, connect, reachable
from tutor.engine.machine import machine
from tutor.problems import Problem

pytestmark = pytest.mark.engine


def ids(engine: Engine) -> tuple[set[str], set[str]]:
    containers = {c["Id"] for c in engine.api.containers(all=True)}
    return containers, {i["Id"] for i in engine.api.images(all=True)}


def test_the_sdk_speaks_the_version_that_was_agreed(engine: Engine) -> None:
    engine.ping()
    assert engine.api.api_version == engine.version.use_api
    assert engine.api.version()["Version"] == engine.version.engine


def test_the_machine_is_as_the_docker_command_tells_it(engine: Engine, engine_host: str) -> None:
    def ask(*words: str) -> str:
        said = subprocess.run(["docker", "-H", engine_host, *words], check=True, capture_output=True, text=True)
        return said.stdout.strip()

    found = machine(engine)
    system, kernel, cpus, memory = ask(
        "info", "--format", "{{.OperatingSystem}}\n{{.KernelVersion}}\n{{.NCPU}}\n{{.MemTotal}}"
    ).split("\n")
    assert (found.system, found.cpus, found.memory) == (system, int(cpus), int(memory))
    assert found.kernel
    assert kernel.startswith(found.kernel)
    parts = ask("version", "--format", "{{range .Server.Components}}{{.Name}} {{.Version}}\n{{end}}")
    told = dict(line.split(" ", 1) for line in parts.splitlines())
    assert found.containerd
    assert found.containerd in told["containerd"]
    assert found.runc
    assert found.runc in told["runc"]


def test_it_is_found_by_docker_host(engine_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine_host)
    with connect() as engine:
        assert engine.address.source == "DOCKER_HOST"
        with engine.fresh() as second:
            second.ping()


def test_it_is_found_by_a_context_that_the_docker_cli_made(
    engine_host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    docker = ["docker", "context"]
    subprocess.run([*docker, "create", "for-tutor", "--docker", f"host={engine_host}"], check=True, capture_output=True)
    subprocess.run([*docker, "use", "for-tutor"], check=True, capture_output=True)
    with connect() as engine:
        assert engine.address.host == engine_host
        assert engine.address.source == "context for-tutor"


def test_an_engine_behind_ssh(engine_host: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ssh` is a script that does what sshd would: it runs the rest of its command line; the engine is real."""
    asked = tmp_path / "asked"
    ssh = tmp_path / "ssh"
    ssh.write_text(
        f'#!/bin/sh\necho "$*" >> {asked}\nwhile [ "$1" != "--" ]; do shift; done; shift 2\n'
        f'export DOCKER_HOST={engine_host}\nexec "$@"\n'
    )
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    address = EngineAddress.parse("ssh://me@far:2222", "DOCKER_HOST")
    with connect(address) as engine:
        assert engine.address == address
        engine.ping()
        stream = engine.api.events(filters={"event": "none"}, decode=True)
        stream.close()
    assert asked.read_text().splitlines()[0] == "-o ConnectTimeout=10 -T -l me -p 2222 -- far docker system dial-stdio"
    near = reachable(address).unix_path
    assert near and len(str(near)) < 100
    assert stat.S_IMODE(near.parent.stat().st_mode) == 0o700


def test_ssh_to_a_machine_without_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\nexit 127\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problem, match="ssh me@far docker version") as caught:
        connect(EngineAddress.parse("ssh://me@far"))
    assert caught.value.code == "no-engine"


def test_what_the_engine_refuses_passes_through_the_guard(engine: Engine) -> None:
    from docker.errors import NotFound

    with pytest.raises(NotFound), engine.guard():
        engine.api.inspect_container("no-such-container-here")


def test_doctor_really_starts_a_container_and_leaves_nothing(engine: Engine) -> None:
    began = _now(engine)
    check = doctor.start_container(engine)
    assert check.state == "ok", check.sentence
    events = list(
        engine.api.events(
            since=began,
            until=_now(engine) + 1,
            decode=True,
            filters={"label": "docker-tutor.doctor=1", "type": "container"},
        )
    )
    assert {"create", "start", "die", "destroy"} <= {event["Action"] for event in events}
    made = {event["Actor"]["ID"] for event in events}
    images = {event["Actor"]["Attributes"]["image"] for event in events}
    containers, left = ids(engine)
    assert not made & containers
    assert not images & left


def _now(engine: Engine) -> int:
    text = engine.api.info()["SystemTime"]
    return int(datetime.datetime.fromisoformat(text[:19] + "+00:00").timestamp())


def test_doctor_as_json(engine_host: str, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine_host)
    said: list[str] = []
    status = commands.doctor(said.append, as_json=True)
    report = json.loads("\n".join(said))
    names = [check["name"] for check in report["checks"]]
    assert names[:3] == ["engine", "containers", "start"]
    assert {"storage", "cgroups", "disk", "images", "client", "compose", "buildx", "data", "terminal"} <= set(names)
    assert report["engine"]["host"] == engine_host
    assert report["tried"][0]["source"] == "DOCKER_HOST"
    assert all(check["next_step"] for check in report["checks"] if check["state"] == "fail")
    assert report["ok"] is (status == 0)


def test_up_uses_the_engine_that_is_there(engine_host: str, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine_host)
    said: list[str] = []
    assert commands.engine_up(said.append, said.append, install=True, host_only=True) == 0
    assert said == [engine_host]
    assert list(home.rglob("engine.json")) == []
    said.clear()
    assert commands.engine_status(said.append, as_json=True) == 0
    status = json.loads("\n".join(said))
    assert (status["host"], status["running"], status["private"]) == (engine_host, False, False)


def test_every_place_can_be_tried(engine_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine_host)
    (only,) = attempts(all_of_them=True)
    assert only.pong and only.candidate.final
