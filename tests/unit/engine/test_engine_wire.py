"""The first words with whatever listens: each failure has its own words. Small servers stand in for strange engines."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tutor.engine._wire import ask
from tutor.engine.address import EngineAddress, TlsFiles
from tutor.problems import Problem


@contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[EngineAddress]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield EngineAddress.parse(f"tcp://127.0.0.1:{server.server_port}", "DOCKER_HOST")
        finally:
            server.shutdown()
            thread.join()


def version(**fields: str) -> bytes:
    return json.dumps({"Version": "26.1.5", "ApiVersion": "1.45", "MinAPIVersion": "1.24"} | fields).encode()


def refused(address: EngineAddress) -> Problem:
    with pytest.raises(Problem) as caught:
        ask(address, timeout=2)
    return caught.value


def test_an_engine_says_who_it_is() -> None:
    with answering(version(Arch="arm64", Os="linux")) as address:
        pong = ask(address)
    assert (pong.engine, pong.api, pong.use_api, pong.arch, pong.name) == ("26.1.5", "1.45", "1.45", "arm64", "Docker")


def test_too_old_says_what_is_needed_and_what_is_there() -> None:
    with answering(version(Version="19.03.15", ApiVersion="1.40")) as address:
        problem = refused(address)
    assert problem.code == "too-old"
    assert "19.03.15" in problem.sentence and "1.40" in problem.sentence and "1.41" in problem.sentence
    assert "20.10" in problem.next_step


def test_oldest_that_will_do() -> None:
    with answering(version(Version="20.10.24", ApiVersion="1.41", MinAPIVersion="1.12")) as address:
        assert ask(address).use_api == "1.41"


def test_a_newer_engine_is_spoken_to_in_what_we_know() -> None:
    with answering(version(Version="29.0.0", ApiVersion="1.52", MinAPIVersion="1.44")) as address:
        assert ask(address).use_api == "1.51"


def test_too_new() -> None:
    with answering(version(Version="40", ApiVersion="2.3", MinAPIVersion="2.0")) as address:
        assert refused(address).code == "too-new"


def test_podman_is_told_apart() -> None:
    body = json.loads(version()) | {"Components": [{"Name": "Podman Engine"}]}
    with answering(json.dumps(body).encode()) as address:
        assert ask(address).name == "Podman"


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b"{}", b'{"ApiVersion": "new"}', b'{"ApiVersion": null}'])
def test_something_else_answers(body: bytes) -> None:
    with answering(body) as address:
        problem = refused(address)
    assert problem.code == "no-engine"
    assert "no Docker Engine" in problem.sentence


def test_an_error_answers() -> None:
    with answering(b"no", status=500) as address:
        assert "500" in refused(address).sentence


def test_nobody_listens(tmp_path: Path) -> None:
    missing = refused(EngineAddress.parse(f"unix://{tmp_path}/none.sock", "context work"))
    assert missing.code == "no-engine"
    assert "context work" in missing.sentence and "no such file" in missing.sentence
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        closed = EngineAddress.parse(f"tcp://127.0.0.1:{sock.getsockname()[1]}")
        assert "refused" in refused(closed).sentence


def test_silence_ends(home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        path = home / "s"
        sock.bind(str(path))
        sock.listen()
        with pytest.raises(Problem, match="no answer in time"):
            ask(EngineAddress.parse(f"unix://{path}"), timeout=0.05)


def test_hanging_up_is_told(home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        path = home / "s"
        sock.bind(str(path))
        sock.listen()

        def hang_up() -> None:
            sock.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert refused(EngineAddress.parse(f"unix://{path}")).code == "no-engine"
        thread.join()


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed, and only root can become one")
def test_no_permission_says_how_to_join_the_group(home: Path) -> None:
    """A real socket of root's, mode 0600, asked by the user nobody in a process of its own."""
    home.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as sock:
        path = home / "docker.sock"
        sock.bind(str(path))
        path.chmod(0o600)
        sock.listen()
        script = (
            "import os, sys; from tutor.engine._wire import ask; from tutor.engine.address import EngineAddress;"
            "import http.client, json, socket, ssl, subprocess, encodings.idna; from tutor.problems import Problem\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "try: ask(EngineAddress.parse('unix://' + sys.argv[1], 'default socket'))\n"
            "except Problem as problem: print(problem.code, problem)"
        )
        done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("no-permission ")
    assert "sudo usermod -aG docker $USER" in done.stdout
    assert "rootless" in done.stdout


def test_tls_against_a_plain_port(tmp_path: Path) -> None:
    with answering(version()) as address:
        problem = refused(EngineAddress(address.host, TlsFiles(tmp_path, verify=False), "DOCKER_HOST"))
    assert problem.code == "tls"
    assert str(tmp_path) in problem.next_step


def test_missing_ssh_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "ssh" in refused(EngineAddress.parse("ssh://me@far")).sentence
