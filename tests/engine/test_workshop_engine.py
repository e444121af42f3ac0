"""An engine that a workshop's host lends: learners with nothing but the tutor and the docker command work on it, and
nobody touches what is not theirs, whatever they send.

The learners' own DOCKER_HOST leads nowhere; where the docker command is used directly, it is what a learner would do
who goes past the tutor and its labs.
"""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from docker_terminal import Terminal
from sandbox_lab import Api
from workshop_people import Host, Seat, instruct, until

from tutor.course.loader import load_course
from tutor.course.models import Lab
from tutor.engine.connect import Engine
from tutor.engine.images import resolve
from tutor.sandbox.policy import SEAT_KEYS
from tutor.sandbox.upstream import Upstream

pytestmark = pytest.mark.engine

COURSE = load_course()
NOWHERE = "unix:///nonexistent/docker.sock"
IMAGE = resolve("shell")

# What a learner's tutor does in its own process, for as long as its input is open.
_WAY = """
import sys
from tutor import cli
cli._carry()
from tutor.engine import carriers
print(carriers.near(carriers.chosen()), flush=True)
sys.stdin.read()
"""


def home() -> Path:
    return Path(tempfile.mkdtemp(prefix="dt-", dir="/tmp"))


@pytest.fixture
def host(engine_host: str, engine: Engine) -> Iterator[Host]:
    made = Host(home(), engine_host, "--chapters", "17", "22", "--seats", "2", "--engine", engine_host)
    made.start()
    yield made
    made.end()
    room = made.room
    erased = made.tutor("workshop", "erase", room)
    assert erased.returncode == 0, erased.stderr
    left = {"label": [f"{SEAT_KEYS[1]}={room}"]}
    assert engine.api.containers(all=True, filters=left) == [] and engine.api.networks(filters=left) == []
    shutil.rmtree(made.home)


class Lent(Seat):
    """A learner on the host's engine."""

    def docker(self, way: str, *words: str, typed: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """The docker command, past the tutor's own sandbox."""
        environment = self.environment(way) | env
        return subprocess.run(
            ["docker", *words], input=typed, env=environment, capture_output=True, text=True, timeout=90, check=False
        )

    def environment(self, way: str) -> dict[str, str]:
        return self.env | {"DOCKER_HOST": way, "DOCKER_CONFIG": str(self.home / "config")}

    @contextmanager
    def way(self) -> Iterator[str]:
        """The address that leads this learner to the engine, as the tutor opens it."""
        process = subprocess.Popen(
            [sys.executable, "-c", _WAY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.env
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            found = process.stdout.readline().strip()
            assert found.startswith("unix://")
            yield found
        finally:
            process.stdin.close()
            process.wait(30)
            process.stdout.close()


@pytest.fixture
def sit(host: Host) -> Iterator[Callable[[str], Lent]]:
    """Seats learners at the host's engine; those whose labs are open close them."""
    seated: list[Lent] = []

    def call(name: str) -> Lent:
        seat = Lent(name, home(), NOWHERE)
        seated.append(seat)
        seat.join(host.link, "--engine")
        return seat

    yield call
    for seat in seated:
        seat.stand_up()
        shutil.rmtree(seat.home)


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, (done.args, done.stdout, done.stderr)
    return done.stdout.strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            return str(answer.read(100), "latin-1")
    except (OSError, urllib.error.URLError) as error:
        return f"! {error}"


@pytest.mark.parametrize("number", [17, 22])
def test_a_learner_without_an_engine_goes_through_a_lab(host: Host, sit: Callable[[str], Lent], number: int) -> None:
    ada = sit("Ada")
    lab = next(s for c in COURSE.chapters if c.chapter == number for s in c.sections if isinstance(s, Lab))
    passed = "for i in $(seq 60); do tutor check | grep -q Passed && break; sleep 0.2; done"
    typed = "\n".join(['eval "$(solution | sed 1d)" < /dev/null', passed, "next"] * len(lab.steps))
    done = ada("shell", str(number), typed=typed + "\n")
    assert "Traceback" not in done.stderr, done.stderr
    until(lambda: host.row("Ada").steps == "p" * len(lab.steps) or number != 17, "the board", 20)
    with ada.journal as journal:
        seen = {entry.event.item for entry in journal.entries() if type(entry.event).__name__ == "StepPassed"}
    assert seen == {step.id for step in lab.steps}, done.stdout[-3000:] + done.stderr[-2000:]
    closed = ada("close", str(number))
    assert closed.returncode == 0, closed.stdout + closed.stderr
    doctor = json.loads(ada("doctor", "--json").stdout)
    assert doctor["engine"]["source"] == "the workshop's host"


def test_seats_see_and_touch_only_their_own(host: Host, sit: Callable[[str], Lent], engine: Engine) -> None:
    token = secrets.token_hex(4)
    ada, bob = sit("Ada"), sit("Bob")
    foreign = engine.api.create_container(IMAGE, ["sleep", "600"], name=f"host-{token}")["Id"]
    try:
        engine.api.start(foreign)
        with ada.way() as hers, bob.way() as his:
            ok(ada.docker(hers, "network", "create", f"net-{token}"))
            named = ("--name", f"web-{token}", "-v", f"vol-{token}:/data")
            ok(ada.docker(hers, "run", "-d", *named, IMAGE, "sleep", "600"))
            for builder in ("0", "1"):
                text = f"FROM {IMAGE}\nRUN echo {token} > /secret\n"
                ok(ada.docker(hers, "build", "-t", f"mine-{token}:{builder}", "-", typed=text, DOCKER_BUILDKIT=builder))
            for name in (f"web-{token}", f"host-{token}", foreign):
                assert f"No such container: {name}" in bob.docker(his, "inspect", "--type", "container", name).stderr
                for words in (["rm", "-f"], ["stop"], ["logs"], ["exec"], ["cp"]):
                    more = {"exec": ["true"], "cp": [str(bob.home)]}.get(words[0], [])
                    target = f"{name}:/etc/hostname" if words == ["cp"] else name
                    refused = bob.docker(his, *words, target, *more)
                    assert "No such container" in refused.stderr, (words, refused.stderr)
                joined = bob.docker(his, "run", "--rm", "--network", f"container:{name}", IMAGE, "true")
                assert joined.returncode != 0
            for words in (
                ["volume", "rm", f"vol-{token}"],
                ["volume", "create", f"vol-{token}"],
                ["run", "--rm", "-v", f"vol-{token}:/x", IMAGE, "true"],
                ["network", "rm", f"net-{token}"],
                ["run", "--rm", "--network", f"net-{token}", IMAGE, "true"],
                ["run", "--rm", f"mine-{token}:1", "cat", "/secret"],
                ["tag", IMAGE, f"mine-{token}:1"],
                ["rmi", IMAGE],
                ["tag", IMAGE.replace(":", "x:"), IMAGE],
                ["run", "--rm", "--privileged", IMAGE, "true"],
                ["run", "--rm", "--pid", "host", IMAGE, "true"],
                ["run", "--rm", "--network", "host", IMAGE, "true"],
                ["run", "--rm", "-v", "/:/host", IMAGE, "true"],
                ["run", "--rm", "-v", f"{host.home}/data:/host", IMAGE, "true"],
                ["run", "--rm", "-v", "/var/run/docker.sock:/s", IMAGE, "true"],
                ["run", "--rm", "--mount", f"type=bind,source={bob.home},target=/x", IMAGE, "true"],
                ["run", "--rm", "--device", "/dev/null", IMAGE, "true"],
                ["volume", "create", "-o", "type=none", "-o", "o=bind", "-o", "device=/", f"root-{token}"],
                ["swarm", "init"],
                ["plugin", "ls", "--filter", "x=y", "--no-trunc", "bad"],
            ):  # fmt: skip
                done = bob.docker(his, *words)
                assert done.returncode != 0 and token not in done.stdout, (words, done.stdout, done.stderr)
            for builder in ("0", "1"):
                text = f"FROM mine-{token}:{builder}\nRUN cat /secret && false\n"
                done = bob.docker(his, "build", "-", typed=text, DOCKER_BUILDKIT=builder, BUILDKIT_PROGRESS="plain")
                assert done.returncode != 0 and f" {token}" not in done.stdout + done.stderr
            # Labels that would make it Ada's, or hide it, are not taken.
            forged = [f"--label={SEAT_KEYS[0]}={host.row('Ada').seat}", f"--label={SEAT_KEYS[1]}=elsewhere"]
            ok(bob.docker(his, "create", "--name", f"forged-{token}", *forged, IMAGE, "true"))
            assert f"forged-{token}" not in ok(ada.docker(hers, "ps", "-a"))
            ok(bob.docker(his, "system", "prune", "-af", "--volumes"))
            assert ok(bob.docker(his, "ps", "-aq")) == "" and ok(bob.docker(his, "volume", "ls", "-q")) == ""
            assert ok(ada.docker(hers, "exec", f"web-{token}", "sh", "-c", "ls -d /data")) == "/data"
            assert len(ok(ada.docker(hers, "images", "-q", f"mine-{token}")).split()) == 2
            mounted = bob.docker(his, "run", "--rm", "-v", f"{bob.home}:/x", IMAGE, "true").stderr
            assert "the workshop's host, which does not have your files" in mounted
        assert engine.api.inspect_container(foreign)["State"]["Running"]
    finally:
        engine.api.remove_container(foreign, force=True)


def test_terminals_input_and_who_leaves(host: Host, sit: Callable[[str], Lent], engine: Engine) -> None:
    ada = sit("Ada")

    def listeners() -> int:
        return int(engine.api.info()["NEventsListener"])

    nobody = listeners()
    with ada.way() as way:
        shell = Terminal(ada.environment(way), "run", "-it", "--rm", "--name", "tty", IMAGE, "sh")
        shell.until("#")
        # The docker command listens for signals once it has told the terminal's first size.
        shell.type("while [ \"$(stty size)\" != '24 80' ]; do sleep 0.1; done; echo seen$((0+1))\n")
        shell.until("seen1")
        shell.size(40, 100)
        shell.process.send_signal(signal.SIGWINCH)
        shell.type("while [ \"$(stty size)\" != '40 100' ]; do sleep 0.1; done; echo seen$((1+1))\n")
        shell.until("seen2")
        shell.type("exit 4\n")
        assert shell.end() == 4
        # All input arrives, and its end; the answer comes after it.
        much = "x" * 3_000_000
        assert ok(ada.docker(way, "run", "-i", "--rm", IMAGE, "wc", "-c", typed=much)) == "3000000"
        # Who only listens and goes away leaves nothing open at the engine, though nothing is ever said.
        tutor = nobody + 1  # for the ports
        until(lambda: listeners() == tutor, "the tutor listens")
        listening = subprocess.Popen(["docker", "events"], env=ada.environment(way), stdout=subprocess.DEVNULL)
        until(lambda: listeners() == tutor + 1, "it listens")
        listening.kill()
        listening.wait()
        until(lambda: listeners() == tutor, "it does not listen any more")
    until(lambda: listeners() == nobody, "nobody listens any more")


def test_labs_of_two_seats_take_other_names_and_ports(host: Host, sit: Callable[[str], Lent]) -> None:
    taken = []
    for seat in (sit("Ada"), sit("Bob")):
        ok(seat("shell", "22", "-c", "true"))
        record = json.loads(next((seat.home / "data" / "labs").glob("22-*/lab.json")).read_bytes())
        taken.append((set(record["names"].values()), set(record["ports"].values())))
        assert record["engine"].startswith("workshop://")
    (names, ports), (other_names, other_ports) = taken
    assert names and ports
    assert not names & other_names and not ports & other_ports
    # What somebody else on the host has is not to be had either, though the learner's machine does not know.
    with seat.way() as way, socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(1)
        number = busy.getsockname()[1]
        assert "already in use" in seat.docker(way, "volume", "create", f"docker-tutor-port-{number}").stderr
        busy.close()
        ok(seat.docker(way, "volume", "create", f"docker-tutor-port-{number}"))


def test_published_ports_are_ports_of_the_learners_machine(host: Host, sit: Callable[[str], Lent]) -> None:
    ada, bob = sit("Ada"), sit("Bob")
    port = free_port()
    serve = "mkdir /w; echo hers > /w/index.html; exec busybox httpd -f -p 80 -h /w"
    with ada.way() as hers, bob.way() as his:
        # The host's side of the port is on another address, as host and learner are one machine here.
        ok(ada.docker(hers, "run", "-d", "--name", "web", "-p", f"127.0.0.2:{port}:80", IMAGE, "sh", "-c", serve))
        assert get(port) != "! <urlopen error [Errno 111] Connection refused>"  # the start is answered when it is open
        until(lambda: get(port) == "hers\n", f"her page: {get(port)}", 20)
        assert ok(bob.docker(his, "ps", "-aq")) == ""
        ok(ada.docker(hers, "rm", "-f", "web"))
        until(lambda: "refused" in get(port), "nobody listens any more", 20)
        # A port that the learner's machine has already stays what it was.
        with socket.socket() as mine:
            mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections to it have just ended
            mine.bind(("127.0.0.1", port))
            mine.listen(1)
            ok(ada.docker(hers, "run", "-d", "--name", "web", "-p", f"127.0.0.2:{port}:80", IMAGE, "sh", "-c", serve))
            with socket.create_connection(("127.0.0.1", port), 5):
                accepted, _ = mine.accept()
                accepted.close()
        ok(ada.docker(hers, "rm", "-f", "web"))


def test_the_hub_is_killed_and_comes_back_with_what_seats_made(host: Host, sit: Callable[[str], Lent]) -> None:
    ada = sit("Ada")
    ok(ada("shell", "17", "-c", "docker run -d --name left busybox:1.37 sleep 600"))
    with ada.way() as way:
        assert "left" in ok(ada.docker(way, "ps"))
        host.end(signal.SIGKILL)
        assert ada.docker(way, "ps").returncode != 0
        host.start()
        until(lambda: ada.docker(way, "ps").returncode == 0, "the engine is there again")
        assert "left" in ok(ada.docker(way, "ps"))
        assert ok(ada("shell", "17", "-c", "docker ps --format '{{.Names}}'")) == "left"
        assert ada("close", "17").returncode == 0
        assert ok(ada.docker(way, "ps", "-aq")) == ""


def test_a_removed_seat_loses_what_it_made_and_places_are_counted(
    host: Host, sit: Callable[[str], Lent], engine: Engine
) -> None:
    ada, bob, cyd = sit("Ada"), sit("Bob"), sit("Cyd")
    with ExitStack() as open_:
        hers, his, third = (open_.enter_context(one.way()) for one in (ada, bob, cyd))
        for one, way in ((ada, hers), (bob, his)):
            ok(one.docker(way, "run", "-d", IMAGE, "sleep", "600"))
            ok(one.docker(way, "volume", "create"))
        refused = cyd.docker(third, "ps")
        assert "All 2 places on the workshop's engine are taken" in refused.stderr
        seat = host.row("Ada").seat
        mine = {"label": [f"{SEAT_KEYS[0]}={seat}"]}
        assert len(engine.api.containers(filters=mine)) == 1
        instruct(host.keys, seat, allowed=False)
        until(lambda: not engine.api.containers(all=True, filters=mine), "her container goes")
        until(lambda: not (engine.api.volumes(filters=mine) or {}).get("Volumes"), "her volume goes")
        assert "The instructor has closed your seat" in ada.docker(hers, "ps").stderr
        assert len(ok(bob.docker(his, "ps", "-q")).split()) == 1
        until(lambda: cyd.docker(third, "ps").returncode == 0, "the place is free")
        instruct(host.keys, seat, allowed=True)
        until(lambda: "places" in ada.docker(hers, "ps").stderr, "she may ask again, and all places are taken")


def test_it_is_offered_only_where_it_is_lent(engine_host: str, engine: Engine) -> None:
    plain = Host(home(), engine_host, "--chapters", "17")
    plain.start()
    try:
        seat = Lent("Ada", home(), NOWHERE)
        refused = seat("join", plain.link, "--as", "Ada", "--plain", "--engine")
        assert refused.returncode == 1 and "lends no engine" in refused.stderr
        assert seat("join", "--engine", "--plain").returncode == 2
        both = plain.tutor("workshop", "host", "--engine", "--redis", "redis://127.0.0.1:1", "--chapters", "17")
        assert both.returncode == 2 and "only hub" in both.stderr
        shutil.rmtree(seat.home)
    finally:
        plain.end()
        assert plain.tutor("workshop", "erase", plain.room).returncode == 0
        shutil.rmtree(plain.home)


def test_a_room_is_not_erased_while_its_engine_is_away(host: Host, sit: Callable[[str], Lent], engine: Engine) -> None:
    ada = sit("Ada")
    with ada.way() as way:
        ok(ada.docker(way, "run", "-d", IMAGE, "sleep", "600"))
    served = host.tutor("workshop", "erase", host.room)
    assert served.returncode != 0 and "hosts this room" in served.stderr
    host.end()
    lent = host.home / "data" / "rooms" / host.room / "lent.json"
    kept = lent.read_bytes()
    lent.write_text(json.dumps({"host": NOWHERE}))
    away = host.tutor("workshop", "erase", host.room)
    assert away.returncode == 1 and "engine" in away.stderr
    lent.write_bytes(kept)
    assert "objects of the seats" in ok(host.tutor("workshop", "erase", host.room))
    assert engine.api.containers(all=True, filters={"label": [SEAT_KEYS[0]]}) == []
    assert not lent.exists()
    host.link = ""
    host.start()  # a new room, for what ends the test


def test_the_sandboxes_socket_is_nobody_elses(host: Host, sit: Callable[[str], Lent]) -> None:
    ada = sit("Ada")
    with ada.way() as way:
        ok(ada.docker(way, "version"))
        for path in (Path(way.removeprefix("unix://")), *(host.home / "run").glob("seat-*/docker.sock")):
            assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
        assert Api(Upstream(unix=way.removeprefix("unix://"))).ask("GET", "/plugins/privileges?remote=x").status == 403
