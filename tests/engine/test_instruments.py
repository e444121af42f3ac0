"""Real usage, doors with nobody behind, and how images were made: as a real engine and its kernel tell."""

from __future__ import annotations

import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator

import pytest

from tutor.engine import gauge
from tutor.engine.connect import Engine
from tutor.engine.images import resolve
from tutor.engine.snapshot import LABEL, take
from tutor.engine.world import Container, World
from tutor.lab.instruments import Instruments, Reading
from tutor.lab.probes import parse_listeners

pytestmark = pytest.mark.engine
PATIENCE = 30.0


class Lab:
    """Containers with a label of one test's own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.id = f"in-{uuid.uuid4().hex[:6]}"

    def docker(self, *words: str) -> str:
        command = ["docker", "-H", self.engine.address.host, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()

    def run(self, name: str, *words: str, command: str) -> str:
        label = f"--label={LABEL}={self.id}"
        return self.docker(
            "run", "-d", label, "--name", f"{self.id}-{name}", *words, resolve("shell"), "sh", "-c", command
        )

    def world(self) -> World:
        return take(self.engine, self.id, references=[resolve("shell")])

    def container(self, id: str) -> Container:
        return self.world().containers[id]


@pytest.fixture
def lab(engine: Engine) -> Iterator[Lab]:
    made = Lab(engine)
    yield made
    ids = made.docker("ps", "-aq", "--filter", f"label={LABEL}={made.id}").split()
    if ids:
        made.docker("rm", "-fv", *ids)


class Readings:
    """The newest reading, and a way to wait for one."""

    def __init__(self) -> None:
        self.all: list[Reading] = []
        self.condition = threading.Condition()

    def __call__(self, reading: Reading) -> None:
        with self.condition:
            self.all.append(reading)
            self.condition.notify_all()

    def until(self, holds: Callable[[Reading], object]) -> Reading:
        with self.condition:
            assert self.condition.wait_for(lambda: self.all and holds(self.all[-1]), PATIENCE), self.all[-1:]
            return self.all[-1]


def test_usage_and_doors_of_what_runs(lab: Lab) -> None:
    busy = lab.run("busy", "--cpus", "0.5", "--memory", "64m", "--pids-limit", "20", command="while :; do :; done")
    serving = "mkdir /tmp/w; exec httpd -f -p {}80 -h /tmp/w"
    open_ = lab.run("open", "-p", "127.0.0.1::80", command=serving.format(""))
    shut = lab.run("shut", "-p", "127.0.0.1::8080", command=serving.format(""))
    inner = lab.run("inner", "-p", "127.0.0.1::80", command=serving.format("127.0.0.1:"))
    doors = {id: lab.container(id).published[0].host_port for id in (open_, shut, inner)}
    readings = Readings()
    instruments = Instruments(lab.engine, lab.world, lambda world: [], readings)
    instruments.start()
    try:
        instruments.look("world")
        wanted = {doors[shut]: "nobody listens", doors[inner]: "listens on 127.0.0.1 only"}
        readings.until(lambda r: r.closed == wanted)
        used = readings.until(lambda r: r.usage[busy].cpus > 0.02).usage[busy]
        assert used.cpus < 1.0, "the limit is half a CPU"
        assert 0 < used.memory < 64 << 20
        assert used.pids == 1
        told = int(lab.docker("exec", f"{lab.id}-open", "cat", "/proc/1/statm").split()[1])
        assert told > 0
        lab.docker("rm", "-fv", shut)
        instruments.stir()
        readings.until(lambda r: r.closed == {doors[inner]: "listens on 127.0.0.1 only"} and shut not in r.usage)
    finally:
        instruments.stop()
    before = len(readings.all)
    instruments.stir()
    assert len(readings.all) == before, "no reading after the end"


def test_nothing_is_asked_while_nobody_looks(lab: Lab) -> None:
    lab.run("idle", command="exec sleep 600")
    asked: list[bool] = []

    def world() -> World:
        asked.append(True)
        return lab.world()

    readings = Readings()
    instruments = Instruments(lab.engine, world, lambda world: [], readings)
    instruments.start()
    instruments.stir()
    instruments.look("world")
    readings.until(lambda r: r.usage)
    instruments.look("")
    instruments.stop()
    assert asked


def test_layers_have_their_history_and_containers_what_they_wrote(lab: Lab) -> None:
    image = lab.world().image(resolve("shell"))
    assert image is not None
    writer = lab.run("writer", command="head -c 300000 /dev/zero > /blob; exec sleep 600")
    readings = Readings()
    instruments = Instruments(lab.engine, lab.world, lambda world: [image.id], readings)
    instruments.start()
    try:
        instruments.look("layers")
        reading = readings.until(lambda r: r.written.get(writer, 0) >= 300_000 or instruments.stir())
    finally:
        instruments.stop()
    history = reading.histories[image.id]
    assert sum(size for size, _ in history) == image.size
    assert [by for _, by in history if by]


def test_sockets_come_from_the_kernel_or_from_inside(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    id = lab.run("web", command="exec httpd -f -p 80 -h /")
    container = lab.container(id)
    monkeypatch.setattr(gauge, "_from_kernel", lambda container: "")
    assert gauge.sockets(lab.engine, container, may_run=False) == ""
    heard: list[int] = []
    for _ in range(100):
        heard = [one.port for one in parse_listeners(gauge.sockets(lab.engine, container, may_run=True))]
        if heard:
            break
    assert heard == [80]
    monkeypatch.undo()
    if kernel := gauge._from_kernel(container):
        assert [one.port for one in parse_listeners(kernel)] == [80]
