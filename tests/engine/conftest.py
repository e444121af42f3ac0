"""What engine tests share: a connection, and bystanders that every one of them must leave as they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tutor.engine.address import EngineAddress
from tutor.engine.connect import Engine, connect
from tutor.engine.images.access import resolve
from tutor.lab.prove.bystanders import Bystanders


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
