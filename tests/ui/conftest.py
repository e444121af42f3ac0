"""What tests of the terminal app share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def labs_closed(home: Path, engine_host: str) -> Iterator[None]:
    """Labs that a failing test has left open are closed; the fixture's folder is theirs."""
    from tutor.engine.address import EngineAddress
    from tutor.engine.connect import connect
    from tutor.lab import open_labs
    from tutor.lab.session import close as session_close

    yield
    with connect(EngineAddress.parse(engine_host)) as engine:
        for record in open_labs.every():
            session_close.close_lab(engine, record.lab)
