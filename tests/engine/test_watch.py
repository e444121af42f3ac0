"""The watch against a real engine's events."""

from __future__ import annotations

import os
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tutor.engine.connect import Engine
from tutor.engine.images import resolve
from tutor.engine.snapshot import LABEL, take
from tutor.engine.watch import EngineState, Watch
from tutor.engine.world import Change, World

pytestmark = pytest.mark.engine

PATIENCE = 20.0


class Seen:
    """What a watch told, and a way to wait for it."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.worlds: list[World] = []
        self.states: list[EngineState] = []
        self.condition = threading.Condition()

    def on_world(self, world: World, changes: tuple[Change, ...]) -> None:
        with self.condition:
            self.worlds.append(world)
            self.changes += changes
            self.condition.notify_all()

    def on_state(self, state: EngineState) -> None:
        with self.condition:
            self.states.append(state)
            self.condition.notify_all()

    def until(self, holds: Callable[[World], bool]) -> World:
        """Wait for a World of which something holds."""
        with self.condition:
            met = self.condition.wait_for(lambda: bool(self.worlds) and holds(self.worlds[-1]), PATIENCE)
            assert met, self.worlds[-1:]
            return self.worlds[-1]


class Lab:
    """Names and labels of one test, and the docker CLI."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.id = f"jw-{uuid.uuid4().hex[:6]}"
        self.label = f"--label={LABEL}={self.id}"

    def docker(self, *words: str) -> str:
        environment = {**os.environ, "DOCKER_HOST": self.host, "DOCKER_CLI_HINTS": "false"}
        done = subprocess.run(["docker", *words], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def clean(self) -> None:
        for kind in ("container", "volume", "network", "image"):
            everything = ["-a"] if kind == "container" else []
            for key in self.docker(kind, "ls", *everything, "-q", f"--filter=label={LABEL}={self.id}").split():
                with suppress(AssertionError):
                    self.docker(kind, "rm", *([] if kind == "network" else ["-f"]),
                                *(["-v"] if kind == "container" else []), key)  # fmt: skip


@pytest.fixture
def lab(engine_host: str) -> Iterator[Lab]:
    made = Lab(engine_host)
    yield made
    made.clean()


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def watch(engine: Engine, lab: Lab, seen: Seen) -> Iterator[Watch]:
    with Watch(engine, lab.id, seen.on_world, seen.on_state, references=lambda: [resolve("shell")]) as watching:
        yield watching


def test_the_first_world_holds_what_is_nobodys(watch: Watch, seen: Seen) -> None:
    assert seen.states == [EngineState("up")]
    assert {n.name for n in watch.world.networks.values()} >= {"bridge", "host", "none"}
    assert [i.own for i in watch.world.images.values()] == [False]
    assert not watch.world.containers and not watch.world.volumes


def test_the_life_of_a_container(watch: Watch, seen: Seen, lab: Lab) -> None:
    name = f"{lab.id}-c"
    lab.docker("create", lab.label, "--name", name, "-v", "/data", resolve("shell"), "sleep", "600")
    world = seen.until(lambda w: w.container(name) is not None)
    assert [v.anonymous for v in world.volumes.values()] == [True]
    for verb, state in (("start", "running"), ("pause", "paused"), ("unpause", "running")):
        lab.docker(verb, name)
        seen.until(lambda w, state=state: w.container(name).state == state)  # type: ignore[misc,union-attr]
    lab.docker("rename", name, f"{name}2")
    seen.until(lambda w: w.container(f"{name}2") is not None)
    lab.docker("update", "--restart", "always", f"{name}2")
    seen.until(lambda w: w.container(f"{name}2").restart == "always")  # type: ignore[union-attr]
    lab.docker("kill", f"{name}2")
    seen.until(lambda w: w.container(f"{name}2").exit_code == 137)  # type: ignore[union-attr]
    lab.docker("rm", f"{name}2")
    world = seen.until(lambda w: not w.containers)
    # The unnamed volume stays behind, and with it the record.
    (volume,) = world.volumes
    lab.docker("volume", "rm", volume)
    seen.until(lambda w: not w.volumes)


def test_networks_and_who_is_on_them(watch: Watch, seen: Seen, lab: Lab) -> None:
    lab.docker("run", "-d", lab.label, "--name", f"{lab.id}-c", resolve("shell"), "sleep", "600")
    lab.docker("network", "create", lab.label, f"{lab.id}-n")
    seen.until(lambda w: w.network(f"{lab.id}-n") is not None)
    on = lambda w: {a.network for c in w.containers.values() for a in c.attachments}  # noqa: E731
    lab.docker("network", "connect", f"{lab.id}-n", f"{lab.id}-c")
    seen.until(lambda w: on(w) == {"bridge", f"{lab.id}-n"})
    lab.docker("network", "disconnect", "bridge", f"{lab.id}-c")
    seen.until(lambda w: on(w) == {f"{lab.id}-n"})
    lab.docker("rm", "-f", f"{lab.id}-c")
    lab.docker("network", "rm", f"{lab.id}-n")
    seen.until(lambda w: w.network(f"{lab.id}-n") is None)


def test_images_by_tag_commit_and_build(watch: Watch, seen: Seen, lab: Lab) -> None:
    name = f"{lab.id}-i"
    lab.docker("run", "-d", lab.label, "--name", f"{lab.id}-c", resolve("shell"), "sleep", "600")
    lab.docker("commit", f"{lab.id}-c", f"{name}:one")
    first = seen.until(lambda w: w.image(f"{name}:one") is not None).image(f"{name}:one")
    lab.docker("commit", "--change", "ENV A=b", f"{lab.id}-c", f"{name}:two")
    seen.until(lambda w: w.image(f"{name}:two") is not None)
    # Moving a tag tells of the image that gets it only.
    lab.docker("tag", f"{name}:two", f"{name}:one")
    world = seen.until(lambda w: w.image(f"{name}:one").env.get("A") == "b")  # type: ignore[union-attr]
    assert first is not None and world.images[first.id].tags == ()
    lab.docker("rmi", f"{name}:one", f"{name}:two", first.id)
    seen.until(lambda w: not any(i.own for i in w.images.values()))


def test_health_comes_without_asking(watch: Watch, seen: Seen, lab: Lab) -> None:
    check = ("--health-cmd", "true", "--health-interval", "1s")
    lab.docker("run", "-d", lab.label, *check, "--name", f"{lab.id}-c", resolve("shell"), "sleep", "600")
    seen.until(lambda w: any(c.health == "starting" for c in w.containers.values()))
    seen.until(lambda w: any(c.health == "healthy" for c in w.containers.values()))


def test_what_is_others_is_not_seen(watch: Watch, seen: Seen, engine_host: str, lab: Lab) -> None:
    other = Lab(engine_host)
    try:
        other.docker("run", "-d", other.label, "--name", f"{other.id}-c", "-v", f"{other.id}-v:/d", resolve("shell"),
                     "sleep", "600")  # fmt: skip
        other.docker("network", "create", other.label, f"{other.id}-n")
        lab.docker("volume", "create", lab.label, f"{lab.id}-v")
        world = seen.until(lambda w: bool(w.volumes))
        assert list(world.volumes) == [f"{lab.id}-v"]
        assert not world.containers and world.network(f"{other.id}-n") is None
    finally:
        other.clean()
        other.docker("volume", "rm", "-f", f"{other.id}-v")


def freeze_and_thaw(engine: Engine, container: str) -> None:
    """Pause and unpause; a busy engine may need a moment to know of either."""
    engine.api.pause(container)
    known(engine, container, "paused")
    engine.api.unpause(container)
    known(engine, container, "running")


def known(engine: Engine, container: str, status: str) -> None:
    end = time.monotonic() + PATIENCE
    while engine.api.inspect_container(container)["State"]["Status"] != status:
        assert time.monotonic() < end, f"the engine does not say that it is {status}"


def test_a_storm_of_events_loses_nothing(watch: Watch, seen: Seen, lab: Lab, engine: Engine) -> None:
    """240 events and more in a few seconds: fewer Worlds than events, and the last one is what is there."""
    before = len(seen.worlds)
    names = [f"{lab.id}-v{number}" for number in range(120)]
    for name in names:
        engine.api.create_volume(name, labels={LABEL: lab.id})
    seen.until(lambda w: len(w.volumes) == 120)
    for name in names[:60]:
        engine.api.remove_volume(name)
    container = engine.api.create_container(resolve("shell"), "sleep 600", labels={LABEL: lab.id})["Id"]
    engine.api.start(container)
    for _ in range(30):
        freeze_and_thaw(engine, container)
    world = seen.until(lambda w: len(w.volumes) == 60 and len(w.containers) == 1)
    world = seen.until(lambda w: w.containers[container].state == "running")
    assert sorted(world.volumes) == sorted(names[60:])
    assert watch.refresh() == take(engine, lab.id, references=[resolve("shell")])
    assert len(seen.worlds) - before < 240
    engine.api.remove_container(container, force=True)


def test_many_at_once_are_one_world_or_few(watch: Watch, seen: Seen, lab: Lab, engine: Engine) -> None:
    """Events that come together are one refresh: twelve removed by one command are not twelve pictures."""
    made = [engine.api.create_container(resolve("shell"), "true", labels={LABEL: lab.id})["Id"] for _ in range(12)]
    seen.until(lambda w: len(w.containers) == 12)
    before = len(seen.worlds)
    lab.docker("rm", *made)
    seen.until(lambda w: not w.containers)
    assert len(seen.worlds) - before <= 12


def test_what_no_event_tells_of_comes_with_a_refresh(engine: Engine, lab: Lab, seen: Seen) -> None:
    known: set[str] = set()
    with Watch(engine, lab.id, seen.on_world, references=lambda: known) as watch:
        assert not watch.world.images
        known.add(resolve("shell"))
        assert watch.refresh("image").image(resolve("shell")) is not None


def test_a_callback_that_fails_does_not_end_the_watch(engine: Engine, lab: Lab) -> None:
    told = threading.Semaphore(0)

    def fails(world: World, changes: tuple[Change, ...]) -> None:
        told.release()
        raise RuntimeError("a front stumbles")

    with Watch(engine, lab.id, fails):
        assert told.acquire(timeout=PATIENCE)
        lab.docker("volume", "create", lab.label, f"{lab.id}-v")
        assert told.acquire(timeout=PATIENCE)


def test_nothing_is_done_while_nothing_happens(watch: Watch, lab: Lab) -> None:
    """Idle: at most 1 % of a processor, in the quietest of some seconds, as others use the engine as well."""
    idle, shares = threading.Event(), []
    while len(shares) < 10 and min(shares, default=1.0) > 0.01:
        before, start = time.process_time(), time.monotonic()
        idle.wait(1.0)
        shares.append((time.process_time() - before) / (time.monotonic() - start))
    assert min(shares) <= 0.01, shares


def test_stopping_ends_the_threads(engine: Engine, lab: Lab, seen: Seen) -> None:
    watch = Watch(engine, lab.id, seen.on_world)
    watch.start()
    watch.stop()
    assert not any(thread.is_alive() for thread in threading.enumerate() if lab.id in thread.name)
    count = len(seen.worlds)
    lab.docker("volume", "create", lab.label, f"{lab.id}-v")
    assert len(seen.worlds) == count
