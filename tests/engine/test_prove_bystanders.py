"""Bystanders see everything that is done to them, and are gone afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tutor.engine.connect import Engine
from tutor.engine.images import resolve
from tutor.engine.snapshot import swarm_labels
from tutor.lab.prove.bystanders import LABEL, Bystanders, remove_stale

pytestmark = pytest.mark.engine


def _all(engine: Engine) -> set[str]:
    found = {c["Id"] for c in engine.api.containers(all=True, filters={"label": LABEL})}
    found |= {v["Name"] for v in engine.api.volumes(filters={"label": LABEL})["Volumes"] or ()}
    found |= {n["Id"] for n in engine.api.networks(filters={"label": LABEL})}
    found |= {"swarm"} if swarm_labels(engine).get(LABEL) else set()
    found |= {tag for i in engine.api.images() for tag in i["RepoTags"] or () if tag.startswith("bystander-")}
    return found | {i["Id"] for i in engine.api.images(filters={"label": LABEL})}


def test_what_is_left_alone_shows_no_change_and_goes_at_the_end(home: Path, engine: Engine) -> None:
    before = _all(engine)
    volumes = len(engine.api.volumes()["Volumes"] or ())
    with Bystanders(engine, resolve("shell")) as planted:
        assert len(_all(engine) - before) == 6
        assert planted.changes() == ()
    assert _all(engine) == before
    assert len(engine.api.volumes()["Volumes"] or ()) == volumes


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("docker restart -t 0 {name}-running", "the running container has changed"),
        ("docker rm -f {name}-stopped", "the stopped container is not there any more"),
        ("docker start {name}-stopped", "the stopped container has changed"),
        ("docker network connect {name} {name}-running", "the network has changed"),
        ("docker network disconnect --force {name} {name}-stopped", "the stopped container has changed"),
        ("docker rmi {name}:1", "the image is not there any more"),
        ("docker rm -fv {name}-running && docker volume rm {name}", "the named volume is not there any more"),
        ("docker rm -fv {name}-running", "the unnamed volume is not there any more"),
        ("docker tag {shell} {name}:1", "the image's name has changed"),
    ],
)
def test_every_kind_of_damage_is_seen(home: Path, engine: Engine, engine_host: str, command: str, words: str) -> None:
    before = _all(engine)
    with Bystanders(engine, resolve("shell")) as planted:
        (name,) = (n["Name"] for n in engine.api.networks(filters={"label": f"{LABEL}={planted.token}"}))
        script = command.format(name=name, shell=resolve("shell"))
        subprocess.run(
            script, shell=True, check=True, capture_output=True, env={**os.environ, "DOCKER_HOST": engine_host}
        )
        assert any(words in change for change in planted.changes()), planted.changes()
    assert _all(engine) == before


def test_a_swarm_where_one_is_wanted(home: Path, engine: Engine) -> None:
    if engine.api.info()["Swarm"]["LocalNodeState"] != "inactive":
        pytest.skip("This engine is in a swarm, and a test leaves nobody's swarm.")
    networks = {network["Name"] for network in engine.api.networks()}
    with Bystanders(engine, resolve("shell"), swarm=True) as planted:
        assert "swarm" in _all(engine)
        assert planted.changes() == ()
        engine.api.leave_swarm(force=True)
        assert "the swarm is not there any more" in planted.changes()[0]
    with Bystanders(engine, resolve("shell"), swarm=True):
        assert "swarm" in _all(engine)
    assert engine.api.info()["Swarm"]["LocalNodeState"] == "inactive"
    assert {network["Name"] for network in engine.api.networks()} - {"docker_gwbridge"} == networks - {
        "docker_gwbridge"
    }


def test_what_a_killed_proof_left_goes_with_the_next(home: Path, engine: Engine, engine_host: str) -> None:
    before = _all(engine)
    script = (
        "import os\n"
        "from tutor.engine.connect import connect\n"
        "from tutor.engine.images import resolve\n"
        "from tutor.lab.prove.bystanders import Bystanders\n"
        "with Bystanders(connect(), resolve('shell'), swarm=True): os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "DOCKER_HOST": engine_host})
    assert done.returncode == -9
    assert len(_all(engine) - before) == 7
    remove_stale(engine)
    assert _all(engine) == before
