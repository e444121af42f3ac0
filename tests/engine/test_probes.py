"""Probes against real containers, ports and files; and the snapshot that goes with them."""

from __future__ import annotations

import os
import socket
import socketserver
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tutor.course.expectations import (
    AnyExpectation,
    ChangesExpectation,
    ContainerExpectation,
    ExecExpectation,
    FileExpectation,
    HttpExpectation,
    LogsExpectation,
    NotExpectation,
    TcpExpectation,
)
from tutor.course.models import Mistake, Step
from tutor.engine.connect import Engine
from tutor.engine.images import resolve
from tutor.engine.inside import demultiplex, run
from tutor.engine.snapshot import LABEL, is_manager, take
from tutor.engine.world import World
from tutor.lab.judge import findings, judge
from tutor.lab.observations import Activity, CouldNot, FileSeen, HttpSeen, Listener, Observations
from tutor.lab.probes import observe, observe_step, parse_listeners, read_file
from tutor.lab.probes_net import ask_http, try_tcp
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
        ExecExpectation(container=name, command=("sh", "-c", "echo out; echo err >&2"), output="out\nerr"),
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
    assert isinstance(is_manager(engine), bool)


# -- ports of this machine, without an engine --------------------------------------------------------------------------
class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "http://example.org/")
            self.end_headers()
            return
        if self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            stop = threading.Event()
            try:
                while not stop.wait(0.05):
                    self.wfile.write(b"x")
            except OSError:
                return
        body = b"y" * (3 << 20) if self.path == "/large" else f"{self.headers['Host']}{self.path}".encode()
        self.send_response(404 if self.path == "/none" else 200)
        self.send_header("X-Kind", "test")
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as serving:
        serving.daemon_threads = True
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://localhost:{serving.server_address[1]}"
        serving.shutdown()


def http(url: str, limit: float = 1.5) -> HttpSeen:
    seen = ask_http(url, limit)
    assert isinstance(seen, HttpSeen), seen
    return seen


def test_an_answer(server: str) -> None:
    seen = http(f"{server}/a?b=c")
    assert (seen.status, seen.failure, seen.headers["x-kind"]) == (200, "", "test")
    assert seen.body == f"{server.removeprefix('http://')}/a?b=c"
    assert http(f"{server}/none").status == 404
    assert http(f"{server}/moved").status == 302


def test_a_long_answer_is_cut_and_a_slow_one_ends_in_time(server: str) -> None:
    assert len(http(f"{server}/large").body) == 256 << 10
    before = time.monotonic()
    seen = http(f"{server}/drip", 0.6)
    assert seen.status == 200 and seen.body.startswith("xx")
    assert time.monotonic() - before < 2


def test_names_under_localhost_lead_here(server: str) -> None:
    port = server.rpartition(":")[2]
    assert http(f"http://shop.localhost:{port}/").body == f"shop.localhost:{port}/"


@pytest.mark.parametrize("url", ["http://example.org/", "http://192.0.2.1/", "file:///etc/passwd", "http://[::1", "x"])
def test_only_this_machine_is_asked(url: str) -> None:
    assert isinstance(ask_http(url), CouldNot)


def test_nobody_has_the_port() -> None:
    port = free_port()
    assert http(f"http://localhost:{port}/").failure == "refused"
    seen = try_tcp(str(port))
    assert not isinstance(seen, CouldNot) and (seen.open, seen.failure) == (False, "refused")


class HangUp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        return


def test_somebody_accepts_and_hangs_up() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), HangUp) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        port = serving.server_address[1]
        assert http(f"http://localhost:{port}/").failure == "reset"
        seen = try_tcp(str(port))
        assert not isinstance(seen, CouldNot) and (seen.open, seen.failure) == (False, "reset")
        serving.shutdown()


def test_somebody_accepts_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        before = time.monotonic()
        assert http(f"http://localhost:{port}/", 0.4).failure == "no-answer"
        assert time.monotonic() - before < 2
        seen = try_tcp(str(port))
        assert not isinstance(seen, CouldNot) and seen.open


@pytest.mark.parametrize("port", ["0", "70000", "web", ""])
def test_ports_that_are_none(port: str) -> None:
    assert isinstance(try_tcp(port), CouldNot)


# -- files of the workspace --------------------------------------------------------------------------------------------
def test_files(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    (workspace / "sub").mkdir(parents=True)
    (workspace / "sub/a.txt").write_text("hello\n")
    (workspace / "binary").write_bytes(b"\x7fELF\0\0")
    (workspace / "large").write_bytes(b"x" * (2 << 20))
    (workspace / "inner").symlink_to("sub/a.txt")
    assert read_file(workspace, "sub/a.txt") == FileSeen(exists=True, content="hello\n")
    assert read_file(workspace, "inner") == FileSeen(exists=True, content="hello\n")
    assert read_file(workspace, "sub") == FileSeen(exists=True)
    assert read_file(workspace, "binary") == FileSeen(exists=True)
    assert read_file(workspace, "none") == FileSeen(exists=False)
    assert read_file(workspace, "sub/a.txt/none") == FileSeen(exists=False)
    large = read_file(workspace, "large")
    assert isinstance(large, FileSeen) and large.content is not None and len(large.content) == 1 << 20


def test_what_lies_outside_is_not_read(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (tmp_path / "secret").write_text("secret")
    (workspace / "link").symlink_to("../secret")
    (workspace / "out").symlink_to("..")
    (workspace / "loop").symlink_to("loop")
    os.mkfifo(workspace / "pipe")
    for path in ("link", "out/secret", "../secret", "/etc/passwd", "pipe", "loop", "a\0b"):
        assert isinstance(read_file(workspace, path), CouldNot), path


def test_files_need_no_engine(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    probe = AnyExpectation(of=(FileExpectation(path="a", content="x"), FileExpectation(path="b")))
    seen = observe(None, [probe], World(), tmp_path)
    assert len(seen.seen) == 2 and findings([probe], World(), seen) == ()


# -- what listens inside -----------------------------------------------------------------------------------------------
def test_the_kernels_table_of_sockets() -> None:
    table = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0B00007F:A2C1 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3
   3: 020011AC:0050 010011AC:C350 01 00000000:00000000 00:00000000 00000000     0        0 4
  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:00000000
   2: 0000000000000000FFFF00000100007F:0BB9 00000000000000000000000000000000:0000 0A 00000000:00000000
   3: nonsense 0A
"""
    found = parse_listeners(table)
    assert found == (
        Listener(address="0.0.0.0", port=80),
        Listener(address="::", port=80),
        Listener(address="::1", port=3000),
        Listener(address="127.0.0.1", port=3001),
        Listener(address="127.0.0.1", port=8080),
    )
    assert [entry.loopback for entry in found] == [False, False, True, True, True]


def test_frames_of_a_stream() -> None:
    frame = lambda data: b"\1\0\0\0" + len(data).to_bytes(4, "big") + data  # noqa: E731
    assert demultiplex(frame(b"ab") + frame(b"") + frame(b"c")) == b"abc"
    assert demultiplex(frame(b"abcdef")[:-2]) == b"abcd"
    assert demultiplex(b"") == b""
