"""Probes against real containers and their ports; and the snapshot that goes with them."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator

import pytest

from tutor.course.expectations import (
    ChangesExpectation,
    ContainerExpectation,
    ExecExpectation,
    HttpExpectation,
    LogsExpectation,
    NotExpectation,
    TcpExpectation,
)
from tutor.course.models import Mistake, Step
from tutor.engine.connect import Engine
from tutor.engine.images import resolve
from tutor.engine.inside import run
from tutor.engine.snapshot import LABEL, may_manage, services, take
from tutor.engine.world import World
from tutor.lab.judge import findings, judge
from tutor.lab.observations import Activity, CouldNot, HttpSeen, Observations
from tutor.lab.probes import observe, observe_step
from tutor.lab.probes_net import ask_http
from tutor.lab.verdict import NotYet, Passed
from tutor.problems import Problem

SERVE = "mkdir /www; echo hello > /www/index.html; echo ready; exec httpd -f -p {address}80 -h /www"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def lab(engine: Engine) -> Iterator[str]:
    identity = f"jp-{uuid.uuid4().hex[:6]}"
    yield identity
    for entry in engine.api.containers(all=True, filters={"label": f"{LABEL}={identity}"}):
        engine.api.remove_container(entry["Id"], force=True, v=True)


def start(engine: Engine, lab: str, name: str, script: str, *, inside: int = 80, tty: bool = False) -> int:
    """A container that runs a script; the host port that leads to its port `inside`."""
    port = free_port()
    api = engine.api
    made = api.create_container(
        resolve("shell"),
        ["sh", "-c", script],
        name=f"{lab}-{name}",
        labels={LABEL: lab},
        tty=tty,
        ports=[inside],
        host_config=api.create_host_config(port_bindings={inside: port}),
    )
    api.start(made["Id"])
    return port


@pytest.fixture(scope="module")
def web(engine: Engine, lab: str) -> int:
    port = start(engine, lab, "web", SERVE.format(address=""))
    deadline = time.monotonic() + 20
    while ask_http(f"http://localhost:{port}/") != ask_http(f"http://127.0.0.1:{port}/index.html") or not isinstance(
        ask_http(f"http://localhost:{port}/"), HttpSeen
    ):
        assert time.monotonic() < deadline
    return port


@pytest.mark.engine
def test_everything_that_can_be_asked_of_a_container(engine: Engine, lab: str, web: int) -> None:
    name = f"{lab}-web"
    wanted = (
        ContainerExpectation(name=name, state="running", image=resolve("shell"), publishes={"80": str(web)}),
        HttpExpectation(url=f"http://localhost:{web}/", body="^hello$", header={"content-type": "text/html*"}),
        TcpExpectation(port=str(web)),
        # In which order the two streams arrive, nobody promises.
        ExecExpectation(container=name, command=("sh", "-c", "echo out; echo err >&2"), output="^out$"),
        ExecExpectation(container=name, command=("sh", "-c", "echo out; echo err >&2"), output="^err$"),
        ExecExpectation(container=name, command=("sh", "-c", "exit 3"), exit_code=3),
        LogsExpectation(container=name, output="^ready$", missing="error"),
        ChangesExpectation(container=name, added="/www/*"),
        NotExpectation(all=(ChangesExpectation(container=name, deleted="*"),)),
    )
    world = take(engine, lab)
    assert findings(wanted, world, observe(engine, wanted, world)) == ()


@pytest.mark.engine
@pytest.mark.parametrize(
    ("script", "inside", "sentence"),
    [
        (SERVE.format(address=""), 8080, "`{name}` publishes container port 8080; the application listens on 80."),
        (
            SERVE.format(address="127.0.0.1:"),
            80,
            "The application in `{name}` listens on 127.0.0.1:80, which is the container's own loopback: "
            "nobody outside of it can come in.",
        ),
        ("sleep 600", 80, "`{name}` publishes container port 80, and nothing in it listens on any port."),
    ],
)
def test_why_nobody_answers(engine: Engine, lab: str, script: str, inside: int, sentence: str) -> None:
    name = f"{lab}-{uuid.uuid4().hex[:4]}"
    port = start(engine, lab, name.removeprefix(f"{lab}-"), script, inside=inside)
    probe = HttpExpectation(url=f"http://localhost:{port}/")
    world = take(engine, lab)
    deadline = time.monotonic() + 20
    while True:
        (finding,) = findings([probe], world, observe(engine, [probe], world))
        if finding.summary == sentence.format(name=name):
            break
        assert time.monotonic() < deadline, finding.summary
    assert finding.where == f"container {name}"
    shut = TcpExpectation(port=str(port), open=False)
    assert findings([shut], world, observe(engine, [shut], world)) == ()


@pytest.mark.engine
def test_a_command_that_does_not_end_is_left_alone_in_time(engine: Engine, lab: str, web: int) -> None:
    probe = ExecExpectation(container=f"{lab}-web", command=("sleep", "5"))
    world = take(engine, lab)
    before = time.monotonic()
    seen = observe(engine, [probe], world).of(probe)
    assert time.monotonic() - before < 4
    assert isinstance(seen, CouldNot)


@pytest.mark.engine
@pytest.mark.parametrize("command", ["yes", "head -c 3000000 /dev/zero"])
def test_a_flood_of_output_is_cut(engine: Engine, lab: str, web: int, command: str) -> None:
    container = take(engine, lab).container(f"{lab}-web")
    assert container is not None
    try:
        _, output = run(engine, container.id, ("timeout", "4", *command.split()), 2.0)
    except Problem as problem:
        # `yes` goes on: its exit code does not come in time.
        assert problem.code == "too-slow"
    else:
        assert len(output) <= 256 << 10


@pytest.mark.engine
def test_logs_of_a_container_with_a_terminal(engine: Engine, lab: str) -> None:
    start(engine, lab, "tty", "echo on a terminal; sleep 600", tty=True)
    probe = LogsExpectation(container=f"{lab}-tty", output="on a terminal")
    world = take(engine, lab)
    deadline = time.monotonic() + 20
    while findings([probe], world, observe(engine, [probe], world)):
        assert time.monotonic() < deadline


@pytest.mark.engine
def test_what_is_not_there_is_not_asked(engine: Engine, lab: str) -> None:
    probes = (
        ExecExpectation(container="nobody", command=("true",)),
        LogsExpectation(container="nobody", output="x"),
        ChangesExpectation(container="nobody", none=True),
    )
    assert observe(engine, probes, World()) == Observations()


@pytest.mark.engine
def test_a_container_that_went_away_meanwhile(engine: Engine, lab: str) -> None:
    start(engine, lab, "gone", "sleep 600")
    world = take(engine, lab)
    engine.api.remove_container(f"{lab}-gone", force=True)
    probe = ExecExpectation(container=f"{lab}-gone", command=("true",))
    seen = observe(engine, [probe], world).of(probe)
    assert isinstance(seen, CouldNot) and "No such container" in seen.reason


@pytest.mark.engine
def test_probes_run_side_by_side_and_mistakes_only_where_needed(engine: Engine, lab: str, web: int) -> None:
    name = f"{lab}-web"
    slow = tuple(ExecExpectation(container=name, command=("sleep", f"0.{n}")) for n in (5, 6, 7, 8))
    decided = Mistake(
        id="other-name",
        when=(ContainerExpectation(name="other"), ExecExpectation(container=name, command=("sleep", "1"))),
        say="-",
        made_by="-",
    )
    made = Mistake(id="made", when=(ExecExpectation(container=name, command=("true",)),), say="-", made_by="-")

    def step(*expect: object, mistakes: tuple[Mistake, ...]) -> Step:
        return Step(
            id="s",
            title="Step",
            goal="-",
            expect=expect,  # type: ignore[arg-type]
            hints=("a", "b", "c"),
            solutions=("-",),
            mistakes=mistakes,
        )

    world = take(engine, lab)
    before = time.monotonic()
    passing = step(*slow, mistakes=(made,))
    seen = observe_step(engine, passing, world)
    assert time.monotonic() - before < 2.0
    assert len(seen.seen) == len(slow)
    assert judge(passing, world, seen) == Passed()
    failing = step(ExecExpectation(container=name, command=("false",)), mistakes=(decided, made))
    seen = observe_step(engine, failing, world)
    assert len(seen.seen) == 2
    verdict = judge(failing, world, seen, None, Activity(calls=1))
    assert isinstance(verdict, NotYet) and verdict.mistake and verdict.mistake.id == "made"


@pytest.mark.engine
def test_a_snapshot_leaves_out_what_vanishes_meanwhile(engine: Engine, lab: str) -> None:
    start(engine, lab, "short", "sleep 600")
    world = take(engine, lab)
    (identity,) = (c.id for c in world.containers.values() if c.name == f"{lab}-short")
    engine.api.remove_container(identity, force=True)
    later = take(engine, lab, world, [("container", identity), ("volume", "nobody"), ("network", "0" * 64)])
    assert identity in world.containers and identity not in later.containers
    assert take(engine, lab, world) == later
    assert later.networks.keys() == world.networks.keys()


@pytest.mark.engine
def test_records_that_did_not_change_are_the_same_ones(engine: Engine, lab: str, web: int) -> None:
    world = take(engine, lab, references=[resolve("shell")])
    again = take(engine, lab, world, references=[resolve("shell")])
    assert all(again.images[key] is image for key, image in world.images.items())
    assert all(again.containers[key] is c for key, c in world.containers.items())
    assert isinstance(may_manage(engine), bool)


@pytest.mark.engine
def test_an_engine_that_does_not_say_whether_it_manages_a_swarm_is_asked(
    engine: Engine, lab: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = engine.api._get

    def get(url: str, **options: object) -> object:
        answer = ask(url, **options)
        if url.endswith("/_ping"):
            answer.headers.pop("Swarm", None)
        return answer

    monkeypatch.setattr(engine.api, "_get", get)
    assert may_manage(engine)
    assert services(engine, lab) == []


@pytest.mark.engine
def test_an_unnamed_volume_is_known_by_its_name_in_another_process(engine: Engine, lab: str) -> None:
    api = engine.api
    made = api.create_container(resolve("shell"), "true", volumes=["/data"], labels={LABEL: lab})["Id"]
    (volume,) = take(engine, lab).volumes
    api.remove_container(made)
    try:
        assert not take(engine, lab).volumes
        assert list(take(engine, lab, own_volumes=[volume]).volumes) == [volume]
    finally:
        api.remove_volume(volume)
