"""What a shared engine must not be put through: one that dies and comes back, and a swarm. With daemons of our own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tutor.engine.address import EngineAddress
from tutor.engine.connect import Engine, connect
from tutor.engine.images import resolve
from tutor.engine.snapshot import LABEL, may_manage, take
from tutor.engine.watch import EngineState, Watch
from tutor.engine.world import Change, World
from tutor.problems import Problem

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.getuid() != 0 or not shutil.which("dockerd"), reason="starts a daemon: needs root, dockerd"),
]

PATIENCE = 40.0
LAB = "jw-loss"


LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
fcntl.ioctl(socket.socket(), SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Daemon:
    """A dockerd without networks, which may be killed."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="jd-", dir="/tmp"))
        self.host = f"unix://{self.folder}/d.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Engine:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    # In a network namespace of its own: without a bridge of its own, dockerd would remove docker0.
                    *("unshare", "--net", sys.executable, "-c", LOOPBACK_UP),
                    "dockerd",
                    *("--host", self.host, "--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec"),
                    *("--pidfile", f"{self.folder}/pid", "--bridge", "none", "--iptables=false", "--ip6tables=false"),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return connect(EngineAddress.parse(self.host))
            except Problem:
                log_text = (self.folder / "log").read_text()[-2000:]
                assert self.process.poll() is None and time.monotonic() < deadline, log_text

    def kill(self) -> None:
        """As the kernel would: nothing is tidied up; containerd stays and is taken over by the next one."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        (self.folder / "pid").unlink(missing_ok=True)

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        with suppress(OSError, ValueError):
            os.kill(int((self.folder / "exec/containerd/containerd.pid").read_text()), signal.SIGTERM)
        # A daemon that was killed leaves its mounts of the data root behind, one for each start.
        for mount in (f"{self.folder}/exec/netns/default", f"{self.folder}/data"):
            while subprocess.run(["umount", mount], capture_output=True).returncode == 0:
                pass
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    made = Daemon()
    yield made
    made.end()


class Seen:
    def __init__(self) -> None:
        self.world = World()
        self.states: list[EngineState] = []
        self.condition = threading.Condition()

    def on_world(self, world: World, changes: tuple[Change, ...]) -> None:
        with self.condition:
            self.world = world
            self.condition.notify_all()

    def on_state(self, state: EngineState) -> None:
        with self.condition:
            self.states.append(state)
            self.condition.notify_all()

    def until(self, met: Callable[[], bool]) -> None:
        with self.condition:
            assert self.condition.wait_for(met, PATIENCE), (self.states, self.world.volumes)


def test_an_engine_that_dies_and_comes_back(daemon: Daemon) -> None:
    seen = Seen()
    engine = daemon.start()
    with Watch(engine, LAB, seen.on_world, seen.on_state) as watch:
        engine.api.create_volume("before", labels={LABEL: LAB})
        seen.until(lambda: set(seen.world.volumes) == {"before"})

        daemon.kill()
        seen.until(lambda: [state.kind for state in seen.states] == ["up", "gone"])
        assert "does not answer any more" in seen.states[-1].reason
        # The last World stays: it is what was there.
        assert set(watch.world.volumes) == {"before"}
        with pytest.raises(Problem) as gone:
            take(engine, LAB)
        assert gone.value.code == "engine-gone"

        again = daemon.start()
        again.api.create_volume("after", labels={LABEL: LAB})
        seen.until(lambda: set(seen.world.volumes) == {"before", "after"})
        assert [state.kind for state in seen.states] == ["up", "gone", "back"]

        # And events flow again.
        again.api.remove_volume("before")
        seen.until(lambda: set(seen.world.volumes) == {"after"})
        again.close()
    engine.close()


def test_an_engine_that_hangs_is_gone_and_back(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped, not dead: connections stand and no answer comes."""
    monkeypatch.setattr("tutor.engine.watch.TIMEOUT", 1.0)
    seen = Seen()
    engine = daemon.start()
    assert daemon.process is not None
    with Watch(engine, LAB, seen.on_world, seen.on_state) as watch:
        daemon.process.send_signal(signal.SIGSTOP)
        try:
            threading.Thread(target=watch.refresh, daemon=True).start()
            seen.until(lambda: seen.states[-1].kind == "gone")
            assert "gave no answer in time" in seen.states[-1].reason
        finally:
            daemon.process.send_signal(signal.SIGCONT)
        seen.until(lambda: seen.states[-1].kind == "back")
        engine.api.create_volume("after", labels={LABEL: LAB})
        seen.until(lambda: "after" in seen.world.volumes)
    engine.close()


def test_a_watch_may_begin_before_its_engine(daemon: Daemon) -> None:
    seen = Seen()
    engine = daemon.start()
    daemon.kill()
    watch = Watch(engine, LAB, seen.on_world, seen.on_state)
    try:
        assert not watch.start()
        assert [state.kind for state in seen.states] == ["gone"]
        daemon.start().close()
        seen.until(lambda: seen.states[-1].kind == "back" and bool(seen.world.networks))
    finally:
        watch.stop()
        engine.close()


def test_services_of_a_swarm_come_up(daemon: Daemon, engine: Engine) -> None:
    """Tasks make no events of their own: the watch looks again until a service is as it should be."""
    seen = Seen()
    swarm = daemon.start()
    swarm.api.load_image(b"".join(engine.api.get_image(resolve("shell"))))
    with Watch(swarm, LAB, seen.on_world, seen.on_state):
        assert not may_manage(swarm)
        swarm.api.init_swarm(advertise_addr="127.0.0.1")
        assert may_manage(swarm)

        def docker(*words: str) -> None:
            environment = {**os.environ, "DOCKER_HOST": daemon.host}
            subprocess.run(["docker", "service", *words], env=environment, check=True, capture_output=True)

        docker(
            *("create", "-d", "--name", "web", "--replicas", "2", "--network", "host", "--stop-grace-period", "0s"),
            *("--label", f"{LABEL}={LAB}", "--container-label", f"{LABEL}={LAB}", resolve("shell"), "sleep", "600"),
        )
        seen.until(lambda: any(s.running == s.replicas == 2 for s in seen.world.services.values()))
        assert seen.world.service("web") is not None
        seen.until(lambda: {c.service for c in seen.world.containers.values()} == {"web"})
        docker("scale", "-d", "web=1")
        seen.until(lambda: any(s.running == s.replicas == 1 for s in seen.world.services.values()))
        docker("rm", "web")
        seen.until(lambda: not seen.world.services and not seen.world.containers)
    swarm.api.leave_swarm(force=True)
    swarm.close()
