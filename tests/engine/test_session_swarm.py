"""Chapters with services: Swarm mode is there while a lab is open, and the engine is left as it was found."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tutor.course.loader import load_course
from tutor.course.models import Chapter, Course
from tutor.engine.connect import Engine
from tutor.engine.images import resolve
from tutor.lab import needs, open_labs
from tutor.lab.prove.residue import residue
from tutor.lab.session import close as session_close
from tutor.lab.session.session import Session
from tutor.problems import Problem
from tutor.sandbox import swarm_mode
from tutor.sandbox.policy import SWARM_NETWORKS

pytestmark = pytest.mark.engine

SAMPLE = Path(__file__).parent.parent / "course" / "sample"


@pytest.fixture
def course() -> Course:
    return load_course(SAMPLE)


@pytest.fixture
def chapter(course: Course) -> Chapter:
    """The sample's chapter, as one that needs services."""
    return structs.replace(course.chapters[0], needs=("swarm",))


def _state(engine: Engine) -> dict[str, Any]:
    swarm = engine.api.info()["Swarm"]
    return {key: swarm.get(key) for key in ("LocalNodeState", "NodeID", "ControlAvailable")}


def _networks(engine: Engine) -> set[str]:
    return {network["Name"] for network in engine.api.networks()}


@pytest.fixture
def outside(home: Path, engine: Engine) -> Iterator[None]:
    """An engine in no swarm; whatever fails, it is in none afterwards, and the test's labs are gone."""
    if _state(engine)["LocalNodeState"] != "inactive":
        pytest.skip("This engine is in a swarm, and a test leaves nobody's swarm.")
    before = _networks(engine)
    yield
    session_close.recover(engine)
    for record in open_labs.every():
        session_close.close_lab(engine, record.lab)
    if _state(engine)["LocalNodeState"] == "active":
        engine.api.leave_swarm(force=True)
        pytest.fail("the engine was left in Swarm mode")
    assert _networks(engine) == before


def test_a_lab_finds_a_swarm_and_takes_it_along(
    outside: None, course: Course, chapter: Chapter, engine: Engine
) -> None:
    networks = _networks(engine)
    session = Session.open(course, chapter, engine=engine, keep=False)
    assert _networks(engine) >= SWARM_NETWORKS, "what comes by itself is there, so that it is not taken for an attempt"
    created = session.run(f"docker service create -q --name s-{session.lab_id} busybox:1.37 sleep 300")
    assert created.exit_code == 0, created.output
    seen = session.observer.world().service(f"s-{session.lab_id}")
    assert seen is not None and seen.running == 1
    assert residue(engine, session.lab_id)[-2:] == (f"service s-{session.lab_id}", "swarm mode")

    session.reset("")
    assert session.run("docker node ls -q").exit_code == 0, "the lab's beginning is in Swarm mode too"
    receipt = session.close()

    assert receipt.clean, receipt.words()
    assert "swarm mode" in receipt.removed["services"]
    assert _state(engine)["LocalNodeState"] == "inactive"
    assert _networks(engine) == networks
    assert residue(engine, session.lab_id) == ()


def test_other_chapters_know_nothing_of_swarms(outside: None, course: Course, engine: Engine) -> None:
    session = Session.open(course, course.chapters[0], engine=engine, keep=False)
    try:
        refused = session.run("docker swarm init")
        assert refused.exit_code and "closed here" in refused.output
        assert _state(engine)["LocalNodeState"] == "inactive"
    finally:
        session.close()


def test_a_swarm_that_was_there_is_used_and_stays(
    outside: None, course: Course, chapter: Chapter, engine: Engine
) -> None:
    gateway = swarm_mode.NETWORK in _networks(engine)
    engine.api.init_swarm(advertise_addr="127.0.0.1", listen_addr="127.0.0.1:2377")
    try:
        found = _state(engine)
        assert needs.missing(engine, "swarm") == ""
        session = Session.open(course, chapter, engine=engine, keep=False)
        name = f"s-{session.lab_id}"
        assert session.run(f"docker service create -q --name {name} busybox:1.37 sleep 300").exit_code == 0
        placement = engine.api.inspect_service(name)["Spec"]["TaskTemplate"]["Placement"]
        assert placement["Constraints"] == [f"node.id=={found['NodeID']}"], "tasks stay where they are cleaned up"
        assert session.run(f"docker service update -q --env-add A=b {name}").exit_code == 0
        placement = engine.api.inspect_service(name)["Spec"]["TaskTemplate"]["Placement"]
        assert placement["Constraints"] == [f"node.id=={found['NodeID']}"]
        assert "stays in it" in session.run("docker swarm leave --force").output
        session.reset("")
        assert session.close().clean
        assert _state(engine) == found
        assert engine.api.services() == []
    finally:
        engine.api.leave_swarm(force=True)
        if not gateway:
            engine.api.remove_network(swarm_mode.NETWORK)


def test_the_last_of_several_labs_leaves_it(outside: None, course: Course, chapter: Chapter, engine: Engine) -> None:
    first = Session.open(course, chapter, engine=engine, keep=False)
    second = Session.open(course, chapter, engine=engine, keep=False)
    assert "stays in it" in second.run("docker swarm leave --force").output, "it is the first one's"
    assert first.close().clean
    again = second.run(f"docker service create -q --name s-{second.lab_id} busybox:1.37 sleep 300")
    assert again.exit_code == 0, again.output
    assert session_close.recover(engine) == session_close.Recovery(), "a swarm in use is nobody's remains"
    assert second.close().clean
    assert _state(engine)["LocalNodeState"] == "inactive"


@pytest.mark.parametrize("where", ["tutor.sandbox.swarm_mode:enter", "tutor.sandbox.cleanup:_Closing._services"])
@pytest.mark.parametrize("folder", ["there", "thrown away"])
def test_killed_in_swarm_mode_the_next_start_leaves_it(
    outside: None, engine: Engine, engine_host: str, where: str, folder: str
) -> None:
    child = Path(__file__).parent / "session_child.py"
    done = subprocess.run(
        [sys.executable, str(child), where, "after"],
        env={**os.environ, "DOCKER_HOST": engine_host, "NEEDS": "swarm"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr + done.stdout
    assert _state(engine)["LocalNodeState"] == "active"
    (record,) = open_labs.every()
    if folder == "thrown away":
        open_labs.forget(record.lab)
    recovery = session_close.recover(engine)
    assert [receipt.lab for receipt in recovery.closed] == [record.lab]
    assert _state(engine)["LocalNodeState"] == "inactive"
    assert session_close.recover(engine) == session_close.Recovery()


@dataclass(frozen=True)
class Neighbours:
    """Two containers of somebody that find each other by name.

    Attributes:
        front: The one that asks. `back`: the one that is asked for.
    """

    engine: Engine
    front: str
    back: str

    def find_each_other(self) -> bool:
        """Whether the name is known."""
        api: Any = self.engine.api
        call = api.exec_create(self.front, ["nslookup", self.back, "127.0.0.11"])["Id"]
        api.exec_start(call)
        return bool(api.exec_inspect(call)["ExitCode"] == 0)

    def stop(self) -> None:
        """They run no more."""
        for name in (self.front, self.back):
            self.engine.api.kill(name)


@pytest.fixture
def neighbours(outside: None, engine: Engine) -> Iterator[Callable[[], Neighbours]]:
    """Somebody starts two containers on a network."""
    api: Any = engine.api
    token = secrets.token_hex(4)
    made: list[str] = []

    def start() -> Neighbours:
        api.create_network(token)
        for name in (f"{token}-front", f"{token}-back"):
            host = api.create_host_config(network_mode=token)
            api.create_container(resolve("shell"), ["sleep", "1000"], name=name, host_config=host)
            made.append(name)
            api.start(name)
        return Neighbours(engine, *made)

    yield start
    for name in made:
        api.remove_container(name, force=True)
    if made:
        api.remove_network(token)


def test_no_lab_enters_swarm_mode_beside_somebodys_containers_with_names(
    neighbours: Callable[[], Neighbours], course: Course, chapter: Chapter, engine: Engine, monkeypatch: Any
) -> None:
    theirs = neighbours()
    with pytest.raises(Problem, match=f"forgets the names of running containers .{theirs.back}, {theirs.front}."):
        Session.open(course, chapter, engine=engine, keep=False)
    # They may have come between the question and the lab's beginning.
    monkeypatch.setattr(needs, "missing", lambda engine, need: "")
    with pytest.raises(Problem, match="docker tutor engine up") as raised:
        Session.open(course, chapter, engine=engine, keep=False)
    assert raised.value.code == "no-swarm"
    assert _state(engine)["LocalNodeState"] == "inactive"
    assert theirs.find_each_other()
    theirs.stop()
    assert Session.open(course, chapter, engine=engine, keep=False).close().clean


def test_no_lab_leaves_swarm_mode_beside_somebodys_containers_with_names(
    neighbours: Callable[[], Neighbours], course: Course, chapter: Chapter, engine: Engine
) -> None:
    session = Session.open(course, chapter, engine=engine, keep=False)
    theirs = neighbours()
    refused = session.run("docker swarm leave --force")
    assert refused.exit_code, refused.output
    assert f"{theirs.back}, {theirs.front}" in refused.output
    receipt = session.close()
    assert len(receipt.left) == 1
    assert "docker swarm leave --force" in receipt.left[0]
    assert _state(engine)["LocalNodeState"] == "active"
    assert theirs.find_each_other()
    theirs.stop()
    assert session_close.recover(engine).closed, "the next start leaves it"
    assert _state(engine)["LocalNodeState"] == "inactive"


def test_a_lab_with_names_keeps_its_own_when_another_one_leaves(
    outside: None, course: Course, chapter: Chapter, engine: Engine
) -> None:
    plain = Session.open(course, course.chapters[0], engine=engine, keep=False)
    try:
        net = f"net-{plain.lab_id}"
        run = f"docker run -d --name b-{net} --network {net} busybox:1.37 sleep 300"
        made = plain.run(f"docker network create {net} && {run}")
        assert made.exit_code == 0, made.output
        left = Session.open(course, chapter, engine=engine, keep=False).close().left
        assert left == (), left
        found = plain.run(f"docker run --rm --network {net} busybox:1.37 nslookup b-{net} 127.0.0.11")
        assert found.exit_code == 0, found.output
    finally:
        closed = plain.close()
    assert closed.clean, closed.words()
    session_close.recover(engine)
    assert _state(engine)["LocalNodeState"] == "inactive"


@pytest.mark.parametrize(
    ("swarm", "words"),
    [
        ({"LocalNodeState": "inactive"}, ""),
        ({"LocalNodeState": "active", "ControlAvailable": True}, ""),
        ({"LocalNodeState": "active", "ControlAvailable": False}, "worker"),
        ({"LocalNodeState": "locked"}, "`locked`"),
        ({}, "no Swarm mode"),
    ],
)
def test_an_engine_on_which_it_cannot_be_says_why(swarm: dict[str, Any], words: str) -> None:
    said = swarm_mode.obstacle({"Swarm": swarm}, (), "me")
    assert words in said if words else not said


def test_a_lab_that_cannot_have_a_swarm_is_not_opened(
    outside: None, course: Course, chapter: Chapter, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swarm_mode, "obstacle", lambda *_: "This engine is a worker.")
    with pytest.raises(Problem, match=r"This chapter needs Swarm mode\. This engine is a worker") as raised:
        Session.open(course, chapter, engine=engine, keep=False)
    assert raised.value.code == "missing-need"
    # It may have become one between the question and the lab's beginning.
    monkeypatch.setattr(needs, "missing", lambda engine, need: "")
    with pytest.raises(Problem, match="This engine is a worker") as raised:
        Session.open(course, chapter, engine=engine, keep=False)
    assert raised.value.code == "no-swarm"
    assert open_labs.every() == ()
