"""Streams, signals, terminals; clients and engines that die, hang or flood; many at once."""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from docker_terminal import Terminal
from sandbox_lab import Api, Lab, open_lab

from tutor.engine.images import resolve
from tutor.sandbox.policy import Scope
from tutor.sandbox.proxy import Sandbox
from tutor.sandbox.trace import Trace
from tutor.sandbox.upstream import Upstream

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def lab(engine_host: str) -> Iterator[Lab]:
    with open_lab(engine_host, resolve("shell")) as opened:
        opened.ok("run", "-d", "--name", f"{opened.name}-own", opened.image, "sleep", "3600")
        yield opened


def wait_for(what: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.02)


def test_a_shell_in_a_terminal(lab: Lab) -> None:
    shell = Terminal(lab.environment(), "run", "-it", "--rm", "--name", f"{lab.name}-tty", lab.image, "sh")
    shell.until("#")
    shell.type("stty size\n")
    shell.until("24 80")
    shell.size(40, 100)
    shell.process.send_signal(signal.SIGWINCH)
    wait_for(lambda: any(call.words.endswith("the terminal's size") and "h=40" in f"h={call.query.get('h')}"
                         and call.status == 200 for call in lab.calls()))  # fmt: skip
    shell.type("stty size\n")
    shell.until("40 100")
    shell.type("sleep 100\n")
    wait_for(lambda: "sleep 100" in lab.ok("top", f"{lab.name}-tty"))
    shell.type("\x03")
    shell.type("echo after$((1+1))\n")
    shell.until("after2")
    shell.type("exit 4\n")
    assert shell.end() == 4


def test_exec_and_detach_keys(lab: Lab) -> None:
    name = f"{lab.name}-keys"
    shell = Terminal(lab.environment(), "run", "-it", "--name", name, lab.image, "sh")
    shell.until("#")
    shell.type("\x10")
    shell.type("\x11")
    assert shell.end() == 0
    assert lab.ok("inspect", "-f", "{{.State.Running}}", name) == "true"
    again = Terminal(lab.environment(), "attach", name)
    again.type("echo back$((2+3))\n")
    again.until("back5")
    again.type("\x10\x11")
    again.end()
    inside = Terminal(lab.environment(), "exec", "-it", name, "sh")
    inside.until("#")
    inside.type("tty; exit 9\n")
    inside.until("/dev/pts")
    assert inside.end() == 9
    lab.ok("rm", "-f", name)


def test_input_that_ends_and_output_that_goes_on(lab: Lab) -> None:
    for words in (("run", "-i", "--rm", lab.image), ("exec", "-i", f"{lab.name}-own")):
        out = lab.ok(*words, "sh", "-c", "cat >/tmp/x; sleep 0.3; wc -c </tmp/x", stdin=b"x" * 3_000_000)
        assert out == "3000000"


def test_signals_reach_the_process(lab: Lab) -> None:
    command = "trap 'echo caught; exit 3' TERM; echo ready; while true; do sleep 0.1; done"
    run = subprocess.Popen(
        ("docker", "run", "--rm", lab.image, "sh", "-c", command), env=lab.environment(), stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert run.stdout is not None
    assert run.stdout.readline() == "ready\n"
    run.send_signal(signal.SIGTERM)
    assert run.stdout.readline() == "caught\n"
    assert run.wait(20) == 3


def test_logs_that_are_followed(lab: Lab) -> None:
    name = f"{lab.name}-logs"
    lab.ok("run", "-d", "--name", name, lab.image, "sh", "-c", "for i in 1 2 3; do echo line$i; sleep 0.3; done")
    started = time.monotonic()
    follow = subprocess.Popen(("docker", "logs", "-f", name), env=lab.environment(), stdout=subprocess.PIPE, text=True)
    assert follow.stdout is not None
    assert follow.stdout.readline() == "line1\n"
    assert time.monotonic() - started < 5
    assert follow.stdout.read() == "line2\nline3\n"
    assert follow.wait(10) == 0
    lab.ok("rm", name)


def test_a_client_that_leaves_ends_its_call(lab: Lab) -> None:
    follow = subprocess.Popen(
        ("docker", "logs", "-f", f"{lab.name}-own"), env=lab.environment(), stdout=subprocess.DEVNULL
    )
    wait_for(lambda: any("follow" in call.words for call in lab.sandbox.trace.in_flight()))
    follow.kill()
    follow.wait()
    wait_for(lambda: not any("follow" in call.words for call in lab.sandbox.trace.in_flight()))


def test_keep_alive_pipelining_and_half_close(lab: Lab) -> None:
    one = b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n"
    two = b"GET /containers/json HTTP/1.1\r\nHost: d\r\n\r\n"
    head = b"HEAD /_ping HTTP/1.1\r\nHost: d\r\n\r\n"
    gone = f"GET /containers/{lab.name}-no/json HTTP/1.1\r\nHost: d\r\n\r\n".encode()
    answer = lab.api.raw((one + two + head + gone) * 10 + one)
    assert answer.count(b"HTTP/1.1 200 OK") == 31
    assert answer.count(b"HTTP/1.1 404") == 10
    assert answer.endswith(b"OK")


def test_chunked_and_continued_bodies(lab: Lab) -> None:
    body = json.dumps({"Image": lab.image, "Cmd": ["true"]}).encode()
    chunked = b"".join(b"1;ext=1\r\n%s\r\n" % body[i : i + 1] for i in range(len(body))) + b"0\r\nTrail: x\r\n\r\n"
    head = b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
    answer = lab.api.raw(head + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunked, shut=False)
    assert answer.startswith(b"HTTP/1.1 201"), answer
    with lab.api.way.socket() as plain:
        plain.sendall(head + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(body))
        assert plain.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        plain.sendall(body)
        assert plain.recv(1000).startswith(b"HTTP/1.1 201")
    lab.ok("container", "prune", "-f")


def test_an_upgrade_without_the_header(lab: Lab) -> None:
    """Old clients take the connection over without asking for an upgrade."""
    made = lab.api.good("POST", f"/containers/{lab.name}-own/exec", {
        "Cmd": ["cat"], "AttachStdin": True, "AttachStdout": True, "Tty": True})["Id"]  # fmt: skip
    body = b'{"Detach":false,"Tty":true}'
    for extra in (b"", b"Connection: Upgrade\r\nUpgrade: tcp\r\n"):
        if extra:
            made = lab.api.good("POST", f"/containers/{lab.name}-own/exec", {
                "Cmd": ["cat"], "AttachStdin": True, "AttachStdout": True, "Tty": True})["Id"]  # fmt: skip
        with lab.api.way.socket() as plain:
            plain.sendall(
                b"POST /exec/%s/start HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n%sContent-Length: %d"
                b"\r\n\r\n%s" % (made.encode(), extra, len(body), body)
            )
            head = plain.recv(1000)
            assert head.startswith(b"HTTP/1.1 101" if extra else b"HTTP/1.1 200")
            plain.sendall(b"hello\n")
            seen = head.partition(b"\r\n\r\n")[2]
            while seen.count(b"hello") < 2:
                part = plain.recv(1000)
                assert part
                seen += part
            plain.sendall(b"\x04")
            while plain.recv(1000):
                pass


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def test_two_gigabytes_pass_without_growth(lab: Lab) -> None:
    """Out by exec and in by exec, with a reader that is slow at first."""
    size = 2 << 30
    before = _memory(os.getpid())
    peak = before
    out = subprocess.Popen(
        ("docker", "exec", f"{lab.name}-own", "dd", "if=/dev/zero", "bs=1M",
         f"count={size >> 20}"), env=lab.environment(), stderr=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert out.stdout is not None
    time.sleep(1)  # nobody reads: everything between must stand still
    peak = max(peak, _memory(os.getpid()))
    seen = 0
    buffer = bytearray(1 << 20)
    view = memoryview(buffer)
    while count := out.stdout.readinto(view):  # type: ignore[attr-defined]
        seen += count
        if seen % (1 << 26) < count:
            peak = max(peak, _memory(os.getpid()))
    assert out.wait(60) == 0
    assert seen == size
    assert peak - before < 32 << 20


def test_a_large_archive_goes_in_and_out(lab: Lab, tmp_path: Path) -> None:
    big = tmp_path / "big"
    with big.open("wb") as stream:
        stream.truncate(200 << 20)
    before = _memory(os.getpid())
    lab.ok("cp", str(big), f"{lab.name}-own:/tmp/big")
    assert lab.ok("exec", f"{lab.name}-own", "sh", "-c", "wc -c < /tmp/big") == str(200 << 20)
    lab.ok("cp", f"{lab.name}-own:/tmp/big", str(tmp_path / "back"))
    assert (tmp_path / "back").stat().st_size == 200 << 20
    lab.ok("exec", f"{lab.name}-own", "rm", "/tmp/big")
    assert _memory(os.getpid()) - before < 32 << 20


def test_two_hundred_connections_at_once(lab: Lab) -> None:
    # All connect at the same moment, and then send at the same moment.
    gate = threading.Barrier(200)

    def one(_: int) -> int:
        gate.wait(180)
        with lab.api.way.socket(240) as plain:
            gate.wait(180)
            plain.sendall(b"GET /containers/json HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
            data = b""
            while part := plain.recv(65536):
                data += part
            return int(data.split(b" ", 2)[1])

    with ThreadPoolExecutor(200) as pool:
        assert list(pool.map(one, range(200))) == [200] * 200
    assert lab.api.ask("GET", "/_ping").status == 200


def test_clients_that_hang_or_flood_do_not_stop_others(lab: Lab) -> None:
    held = [lab.api.way.socket() for _ in range(60)]
    try:
        for index, plain in enumerate(held):
            plain.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                plain.sendall(
                    (b"GET /_pi", b"POST /images/load HTTP/1.1\r\nHost: d\r\nContent-Length: 99999999\r\n\r\nxx",
                     b"GET /info HTTP/1.1\r\nHost: d\r\n\r\n" * 20000)[index % 3]
                )  # fmt: skip
        began = time.monotonic()
        for _ in range(20):
            assert lab.api.ask("GET", "/_ping").status == 200
        assert time.monotonic() - began < 15
    finally:
        for plain in held:
            plain.close()
    wait_for(lambda: not lab.sandbox.trace.in_flight(), 240)
    assert lab.sandbox.in_flight == 0


# -- an engine that fails ---------------------------------------------------------------------------------------------
class _Broken:
    """An engine that does what a test says with each connection."""

    def __init__(self, folder: Path, behave: Callable[[socket.socket], None]) -> None:
        self.path = folder / "e.sock"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        self._behave = behave
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                threading.Thread(target=self._one, args=(plain,), daemon=True).start()

    def _one(self, plain: socket.socket) -> None:
        with plain, contextlib.suppress(OSError):
            plain.recv(65536)
            self._behave(plain)

    def close(self) -> None:
        self._listener.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500000,
        b"HTTP/1.1 101 X\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ],
)  # fmt: skip
def test_an_engine_that_answers_badly(lab: Lab, home: Path, answer: bytes) -> None:
    engine = _Broken(home, lambda plain: plain.sendall(answer))
    sandbox = Sandbox(Upstream(unix=str(engine.path)), lab.scope, home / "s" / "x.sock", Trace())
    sandbox.start()
    try:
        api = Api(Upstream(unix=str(sandbox.socket)))
        for path in ("/_ping", "/containers/json", "/info", "/events", "/containers/x/json"):
            api.raw(f"GET {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n".encode())
        assert lab.api.ask("GET", "/_ping").status == 200
        wait_for(lambda: not sandbox.trace.in_flight())
    finally:
        sandbox.stop()
        engine.close()


def test_an_engine_that_hangs_then_dies(lab: Lab, home: Path) -> None:
    held: list[socket.socket] = []

    def hang(plain: socket.socket) -> None:
        held.append(plain)
        plain.recv(1)

    engine = _Broken(home, hang)
    sandbox = Sandbox(Upstream(unix=str(engine.path)), lab.scope, home / "s" / "x.sock", Trace())
    sandbox.start()
    try:
        with Upstream(unix=str(sandbox.socket)).socket() as plain:
            plain.sendall(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n")
            wait_for(lambda: held)
            began = time.monotonic()
            assert lab.api.ask("GET", "/_ping").status == 200
            assert time.monotonic() - began < 2
            held[0].shutdown(socket.SHUT_RDWR)
            assert plain.recv(1000).startswith(b"HTTP/1.1 502")
        engine.close()
        engine.path.unlink()
        answer = Api(Upstream(unix=str(sandbox.socket))).ask("GET", "/_ping")
        assert answer.status == 502
        assert "cannot reach the engine" in answer.message
    finally:
        sandbox.stop()


def test_a_socket_left_behind_and_one_in_use(lab: Lab, home: Path) -> None:
    scope = Scope("99-x", "tests", frozenset(), str(home))
    left = home / "s" / "x.sock"
    left.parent.mkdir(mode=0o755)
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(left))
    sandbox = Sandbox(lab.engine, scope, left, Trace())
    sandbox.start()
    with pytest.raises(FileExistsError):
        Sandbox(lab.engine, scope, left, Trace()).start()
    assert left.parent.stat().st_mode & 0o777 == 0o700
    sandbox.stop()
    assert not left.exists()


def test_load_cannot_move_a_foreign_name(lab: Lab, tmp_path: Path) -> None:
    """The name is put back at once; what was loaded is the lab's, and goes with it."""
    other = f"foreign-{lab.name}:1"
    lab.ok("run", "--name", f"{lab.name}-made", lab.image, "touch", "/made")
    new = lab.ok("commit", f"{lab.name}-made", f"{lab.name}:load")
    lab.ok("rm", f"{lab.name}-made")
    lab.ok("save", "-o", str(tmp_path / "a.tar"), f"{lab.name}:load")
    with tarfile.open(tmp_path / "a.tar") as old, tarfile.open(tmp_path / "b.tar", "w") as tar:
        for item in old:
            data = old.extractfile(item)
            content = data.read() if data else b""
            if item.name in {"manifest.json", "repositories", "index.json"}:
                content = content.replace(f"{lab.name}:load".encode(), other.encode())
                item.size = len(content)
            tar.addfile(item, io.BytesIO(content) if data else None)
    lab.ok("rmi", f"{lab.name}:load")
    mine = lab.direct.good("GET", f"/images/{lab.image}/json")["Id"]
    repo, _, tag = other.partition(":")
    lab.direct.good("POST", f"/images/{mine}/tag?repo={repo}&tag={tag}")
    try:
        lab.ok("load", "-i", str(tmp_path / "b.tar"))
        assert lab.direct.good("GET", f"/images/{other}/json")["Id"] == mine
        assert lab.direct.good("GET", f"/images/{new}/json")["Id"] == new
        lab.ok("rmi", new)
    finally:
        lab.direct.ask("DELETE", f"/images/{other}?noprune=1")
