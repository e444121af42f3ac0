"""Labs of people who do not know of each other do not get the same names and ports, also at the same moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tutor.engine.connect import Engine
from tutor.lab.session.engine import upstream
from tutor.sandbox.claims import CLAIM, Claims, held
from tutor.sandbox.cleanup import census
from tutor.sandbox.upstream import Upstream

pytestmark = pytest.mark.engine

CHILD = Path(__file__).parent / "claims_child.py"


def _claims(engine: Engine) -> list[str]:
    return sorted(item["Name"] for item in engine.api.volumes(filters={"label": CLAIM})["Volumes"] or ())


@pytest.fixture
def way(engine: Engine) -> Iterator[Upstream]:
    way = upstream(engine.address)
    yield way
    for number in range(16):
        Claims(way, f"98-{number:06x}", "claims-test").release()


def test_one_of_many_has_it(way: Upstream, engine: Engine) -> None:
    """Sixteen at the same moment, again and again: exactly one has the name, and still has it when it asks again."""
    claims = [Claims(way, f"98-{number:06x}", "claims-test") for number in range(16)]
    gate = threading.Barrier(16)
    before = census(way, "", "")

    def take(one: Claims) -> list[bool]:
        won = []
        for turn in range(5):
            gate.wait(60)
            won.append(one.take("name", f"claims-test-{turn}"))
        return won

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(take, claims))
    for turn in range(5):
        winners = [number for number, won in enumerate(results) if won[turn]]
        assert len(winners) == 1
        assert claims[winners[0]].take("name", f"claims-test-{turn}")
    assert census(way, "", "") == before  # nobody's volumes
    winner = next(number for number, won in enumerate(results) if won[0])
    assert f"98-{winner:06x}" in held(way, "claims-test")
    claims[winner].release()
    assert f"98-{winner:06x}" not in held(way, "claims-test")
    assert claims[(winner + 1) % 16].take("name", "claims-test-0")


def test_names_that_are_no_volume_names(way: Upstream) -> None:
    one, other = Claims(way, "98-000000", "claims-test"), Claims(way, "98-000001", "claims-test")
    assert one.take("name", "claims-test/a b")
    assert not other.take("name", "claims-test/a b")
    assert one.take("port", 65001)
    assert not other.take("port", 65001)


def test_homes_that_open_the_same_chapter_at_once(engine: Engine, tmp_path: Path) -> None:
    before = _claims(engine)
    with ExitStack() as stack:
        tutors = []
        for number in range(3):
            environment = {**os.environ, "DOCKER_HOST": engine.address.host}
            environment["DOCKER_TUTOR_HOME"] = str(tmp_path / str(number))
            process = subprocess.Popen(
                (sys.executable, str(CHILD)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
            )
            stack.enter_context(process)
            tutors.append(process)
        for process in tutors:
            assert _line(process) == "ready"
        for process in tutors:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        told: list[dict[str, Any]] = [json.loads(_line(process)) for process in tutors]
        for kind in ("names", "ports"):
            given = [value for one in told for value in one[kind].values()]
            assert given
            assert len(set(given)) == len(given), told
        # Each lab has made a volume in its `prepare` at most; the claims are in no list, and no prune took them.
        assert not [name for one in told for name in one["volumes"] if name.startswith("docker-tutor-")]
        wanted = sum(len(one["names"]) + len(one["ports"]) for one in told)
        assert len(set(_claims(engine)) - set(before)) >= wanted
        ends = [json.loads(process.communicate(timeout=240)[0].splitlines()[-1]) for process in tutors]
    assert all(end["clean"] for end in ends), ends
    assert all("docker-tutor-" not in "".join(end["words"]) for end in ends)
    assert _claims(engine) == before


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()
