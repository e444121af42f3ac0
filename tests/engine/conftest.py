"""What engine tests share: a connection, and bystanders that every one of them must leave as they are."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sandbox_lab import Api

from tutor.engine.address import EngineAddress
from tutor.engine.connect import Engine, connect
from tutor.engine.images import resolve
from tutor.engine.images.registry_api import Registry
from tutor.lab.prove.bystanders import Bystanders
from tutor.lab.session.engine import upstream
from tutor.problems import Problem


@pytest.fixture(scope="session")
def engine(engine_host: str) -> Iterator[Engine]:
    """A connection to the engine to test against."""
    with connect(EngineAddress.parse(engine_host)) as connection:
        yield connection


@pytest.fixture(scope="session")
def bystanders(engine: Engine) -> Iterator[Bystanders]:
    """Objects as a learner may have them: containers running and stopped, volumes, a network, an image."""
    with Bystanders(engine, resolve("shell")) as planted:
        yield planted


@pytest.fixture(scope="session")
def build_cache(engine: Engine) -> Iterator[Callable[[], dict[str, Any]]]:
    """A build cache as a learner may have it; the function says what there is of it now."""
    token = secrets.token_hex(8)
    before = {item["ID"] for item in _cached(engine)}
    subprocess.run(
        ("docker", "build", "--no-cache", "-q", "-"),
        input=f"FROM {resolve('shell')}\nRUN echo {token} > /token\n",
        env={**os.environ, "DOCKER_HOST": engine.address.host, "DOCKER_BUILDKIT": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    image = next(item["Id"] for item in engine.api.images(filters={"dangling": True}) if _built(engine, item, token))
    ours = [item for item in _cached(engine) if item["ID"] not in before and token in item["Description"]]
    assert ours

    def now() -> dict[str, Any]:
        kept = {item["ID"]: item for item in _cached(engine)}
        return {item["ID"]: [kept.get(item["ID"], {}).get(key) for key in _LASTING] for item in ours}

    yield now
    engine.api.remove_image(image, noprune=True)
    for item in ours:
        engine.api.prune_builds(filters={"id": f"^{item['ID']}$"}, all=True)


_LASTING = ("ID", "Type", "Description", "Shared", "Size", "CreatedAt", "Parents")


def _cached(engine: Engine) -> list[dict[str, Any]]:
    return list(Api(upstream(engine.address)).good("GET", "/system/df?type=build-cache").get("BuildCache") or ())


def _built(engine: Engine, item: dict[str, Any], token: str) -> bool:
    return any(token in str(step.get("CreatedBy")) for step in engine.api.history(item["Id"]))


@pytest.fixture(autouse=True)
def _bystanders_stay(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test that uses the shared engine changes a bystander."""
    if not {"engine", "engine_host", "bystanders"} & set(request.fixturenames):
        yield
        return
    planted: Bystanders = request.getfixturevalue("bystanders")
    cache: Callable[[], dict[str, Any]] = request.getfixturevalue("build_cache")
    before = cache()
    yield
    assert planted.changes() == ()
    assert cache() == before


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry of the test's own, on the loopback address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = tmp_path / "registry.yml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: '{tmp_path}/registry'}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    with (tmp_path / "registry.log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(settings)], stdout=log, stderr=log)
    try:
        end = time.monotonic() + 20
        while not _answers(Registry(address)):
            assert process.poll() is None
            assert time.monotonic() < end, "the registry does not start"
            time.sleep(0.05)
        yield Registry(address)
    finally:
        process.terminate()
        process.wait(20)


def _answers(registry: Registry) -> bool:
    try:
        return registry.manifest("none", "latest") is None
    except Problem:
        return False
