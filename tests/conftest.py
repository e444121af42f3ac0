"""What all tests share: a home of their own, and the engine they were given."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples at each run; `pytest --hypothesis-profile=explore` looks for new ones.
settings.register_profile("tutor", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=2000)
settings.load_profile("tutor")


@pytest.fixture(scope="session", autouse=True)
def _home() -> Iterator[Path]:
    """A folder of the tests' own for all that the tutor writes; short, as sockets live in it."""
    # Whoever runs tests in the background may ignore ctrl-c for all that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("NO_COLOR", "FORCE_COLOR", "TEXTUAL_THEME", "COLORTERM"):
        os.environ.pop(name, None)
    home = Path(tempfile.mkdtemp(prefix="dt-", dir="/tmp"))
    # A docker command that is ended in the middle of a build leaves its copies behind, and tmux its sockets.
    (home / "tmp").mkdir()
    before = {name: os.environ.get(name) for name in ("DOCKER_TUTOR_HOME", "TMPDIR", "TMUX_TMPDIR")}
    os.environ.update(DOCKER_TUTOR_HOME=str(home), TMPDIR=str(home / "tmp"), TMUX_TMPDIR=str(home / "tmp"))
    yield home
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh home for one test."""
    folder = Path(tempfile.mkdtemp(prefix="dt-", dir="/tmp"))
    monkeypatch.setenv("DOCKER_TUTOR_HOME", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def engine_host() -> str:
    """The engine to test against, in the form of DOCKER_HOST; `make test` brings one up where none answers."""
    host = os.environ.get("DOCKER_HOST")
    if host:
        return host
    from tutor.engine.connect import connect

    with connect() as engine:
        return engine.address.host
