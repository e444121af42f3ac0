"""Probes that need no engine: ports of this machine, files of the workspace, what the kernel and the engine write."""

from __future__ import annotations

import os
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tutor.course.expectations import AnyExpectation, FileExpectation
from tutor.engine.inside import demultiplex
from tutor.engine.world import World
from tutor.lab.judge import findings
from tutor.lab.observations import CouldNot, FileSeen, HttpSeen, Listener
from tutor.lab.probes import observe, parse_listeners, read_file
from tutor.lab.probes_net import ask_http, try_tcp


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- ports of this machine ---------------------------------------------------------------------------
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
