"""Where an engine is looked for, and in which order."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tutor import places
from tutor.engine._wire import Pong
from tutor.engine.address import EngineAddress
from tutor.engine.connect import attempts, choose
from tutor.engine.find import find
from tutor.problems import Problem

PONG = Pong("26.1.5", "1.45", "1.24", "1.45", "linux", "amd64", "Docker")


@pytest.fixture
def env(tmp_path: Path, home: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "DOCKER_TUTOR_HOME": str(home), "XDG_RUNTIME_DIR": str(tmp_path / "run")}


def add_context(env: dict[str, str], name: str, host: object, *, tls: bool = False, skip: bool = False) -> Path:
    key = hashlib.sha256(name.encode()).hexdigest()
    store = Path(env["HOME"]) / ".docker" / "contexts"
    meta = store / "meta" / key / "meta.json"
    meta.parent.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": skip}
    meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    folder = store / "tls" / key / "docker"
    if tls:
        folder.mkdir(parents=True)
        for file in ("ca.pem", "cert.pem", "key.pem"):
            (folder / file).touch()
    return folder


def use_context(env: dict[str, str], name: str) -> None:
    path = Path(env["HOME"]) / ".docker" / "config.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"currentContext": name}))


def sources(env: dict[str, str]) -> list[str]:
    return [candidate.source for candidate in find(env)]


def test_known_places_come_in_order_and_ours_is_last(env: dict[str, str]) -> None:
    assert sources(env) == [
        "default socket",
        "rootless Docker",
        "Docker Desktop",
        "Docker Desktop",
        "Colima",
        "Colima",
        "OrbStack",
        "Podman",
        "Podman",
        "private engine",
    ]


def test_docker_host_wins_and_is_final(env: dict[str, str]) -> None:
    add_context(env, "work", "tcp://work:1")
    found = find(env | {"DOCKER_HOST": "tcp://here:1", "DOCKER_CONTEXT": "work"})
    assert [(c.source, c.address.host if c.address else None, c.final) for c in found] == [
        ("DOCKER_HOST", "tcp://here:1", True)
    ]


def test_docker_host_with_tls(env: dict[str, str]) -> None:
    found = find(env | {"DOCKER_HOST": "tcp://here", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"})
    address = found[0].address
    assert address and address.host == "tcp://here:2376"
    assert address.tls and address.tls.folder == Path("/certs") and address.tls.verify


def test_variable_for_context_wins_over_the_current_one(env: dict[str, str]) -> None:
    add_context(env, "work", "tcp://work:1")
    add_context(env, "home", "tcp://home:1")
    use_context(env, "home")
    assert sources(env) == ["context home", "private engine"]
    chosen = find(env | {"DOCKER_CONTEXT": "work"})
    assert [c.source for c in chosen] == ["context work"] and chosen[0].final
    assert sources(env | {"DOCKER_CONTEXT": "default"})[0] == "default socket"


def test_context_brings_its_tls_files(env: dict[str, str]) -> None:
    folder = add_context(env, "work", "tcp://work:1", tls=True, skip=True)
    use_context(env, "work")
    address = find(env)[0].address
    assert address and address.tls
    assert (address.tls.ca, address.tls.cert, address.tls.key) == tuple(
        folder / name for name in ("ca.pem", "cert.pem", "key.pem")
    )
    assert not address.tls.verify


@pytest.mark.parametrize("host", [None, 5, "ftp://x"])
def test_damaged_context_is_told(env: dict[str, str], host: object) -> None:
    add_context(env, "work", host)
    found = find(env | {"DOCKER_CONTEXT": "work"})
    assert found[0].address is None
    assert found[0].problem and found[0].problem.code == "bad-address"


def test_missing_context_is_told(env: dict[str, str]) -> None:
    with pytest.raises(Problem, match="does not exist"):
        choose(attempts(env | {"DOCKER_CONTEXT": "nowhere"}))


@pytest.mark.parametrize("text", ["{", "[]", '{"currentContext": 3}', ""])
def test_damaged_settings_do_not_stop_the_search(env: dict[str, str], text: str) -> None:
    path = Path(env["HOME"]) / ".docker" / "config.json"
    path.parent.mkdir()
    path.write_text(text)
    assert "default socket" in sources(env)


def test_a_lab_is_never_taken_for_an_engine(env: dict[str, str]) -> None:
    sandbox = f"unix://{places.runtime()}/22-3fa9c1/docker.sock"
    assert sources(env | {"DOCKER_HOST": sandbox})[0] == "default socket"
    assert sources(env | {"DOCKER_CONTEXT": "docker-tutor"})[0] == "default socket"
    use_context(env, "docker-tutor")
    assert sources(env)[0] == "default socket"
    private = f"unix://{places.runtime()}/engine/docker.sock"
    assert sources(env | {"DOCKER_HOST": private}) == ["DOCKER_HOST"]


def _problem(code: str) -> Problem:
    return Problem(f"told {code}", code=code)


def test_first_that_answers_is_used(env: dict[str, str]) -> None:
    def ask(address: EngineAddress) -> Pong:
        if address.source == "Colima":
            return PONG
        raise _problem("no-engine")

    tried = attempts(env, ask=ask)
    assert [a.candidate.source for a in tried][-2:] == ["Docker Desktop", "Colima"]
    assert choose(tried)[0].source == "Colima"


def test_the_reason_nearest_to_working_is_told(env: dict[str, str]) -> None:
    codes = {"default socket": "no-permission", "Podman": "too-old"}

    def ask(address: EngineAddress) -> Pong:
        raise _problem(codes.get(address.source, "no-engine"))

    with pytest.raises(Problem, match="told no-permission"):
        choose(attempts(env, ask=ask))


def test_nothing_at_all(env: dict[str, str]) -> None:
    def ask(address: EngineAddress) -> Pong:
        raise _problem("no-engine")

    with pytest.raises(Problem, match="docker tutor engine up") as caught:
        choose(attempts(env, ask=ask))
    assert caught.value.code == "no-engine"


def test_a_dead_context_falls_to_the_private_engine_only(env: dict[str, str]) -> None:
    add_context(env, "work", "tcp://work:1")
    use_context(env, "work")

    def ask(address: EngineAddress) -> Pong:
        if address.source == "private engine":
            return PONG
        raise _problem("no-engine")

    assert choose(attempts(env, ask=ask))[0].source == "private engine"
    with pytest.raises(Problem, match="docker context use default"):
        choose(attempts(env, ask=lambda address: (_ for _ in ()).throw(_problem("no-engine"))))
