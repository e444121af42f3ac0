"""What engine tests share: a connection, and bystanders that every one of them must leave as they are."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tutor.engine.address import EngineAddress
from tutor.engine.connect import Engine, connect
from tutor.engine.images.access import resolve
from tutor.engine.images.registry import Registry
from tutor.lab.prove.bystanders import Bystanders
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


@pytest.fixture(autouse=True)
def _bystanders_stay(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test that uses the shared engine changes a bystander."""
    if not {"engine", "engine_host", "bystanders"} & set(request.fixturenames):
        yield
        return
    planted: Bystanders = request.getfixturevalue("bystanders")
    yield
    assert planted.changes() == ()


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
