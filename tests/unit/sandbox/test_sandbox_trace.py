from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from tutor.sandbox import _redact, commands
from tutor.sandbox.receipt import Census, Receipt
from tutor.sandbox.trace import Call, Trace, follow, read


def _call(number: int, **fields: object) -> Call:
    return Call(**{"id": number, "at": 1.0, "method": "GET", "path": "/x", **fields})  # type: ignore[arg-type]


def test_calls_are_kept_told_and_written(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "t.jsonl")
    heard: list[Call] = []
    stop = trace.subscribe(heard.append)
    first = trace.new_id()
    trace.put(_call(first))
    assert [call.id for call in trace.in_flight()] == [first]
    trace.put(_call(first, status=200, duration_ms=1.5))
    stop()
    trace.put(_call(trace.new_id(), status=404))
    assert [call.status for call in heard] == [None, 200]
    assert [call.status for call in trace.calls()] == [200, 404]
    assert trace.calls(first)[0].status == 404
    assert trace.in_flight() == ()
    trace.close()
    assert read(tmp_path / "t.jsonl") == trace.calls()
    again = Trace(tmp_path / "t.jsonl")
    assert again.new_id() == 3
    assert (tmp_path / "t.jsonl").stat().st_mode & 0o777 == 0o600


def test_memory_and_disk_are_bounded(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "t.jsonl")
    for _ in range(9000):
        trace.put(_call(trace.new_id(), status=200, words="w" * 1000))
    assert len(trace.calls()) == 4000
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 10 << 20
    assert read(tmp_path / "t.jsonl")[-1].id == 9000


def test_broken_lines_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_bytes(b'{"id":1,"at":1,"method":"GET","path":"/a"}\n{"id":2,"at"\n\xff\n')
    assert [call.path for call in read(tmp_path / "t.jsonl")] == ["/a"]


def test_following_sees_what_comes_and_survives_rotation(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    seen: list[int] = []
    done = threading.Event()

    def reader() -> None:
        for call in follow(path, stop=lambda: 3 in seen, every=0.01):
            seen.append(call.id)
        done.set()

    threading.Thread(target=reader, daemon=True).start()
    trace = Trace(path)
    trace.put(_call(1))
    first = threading.Event()
    while 1 not in seen:
        first.wait(0.01)
    path.replace(tmp_path / "t.jsonl.1")
    trace.close()
    other = Trace(path)
    other.put(_call(2))
    other.put(_call(3))
    assert done.wait(20)
    assert {1, 2, 3} <= set(seen)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["docker", "run", "-e", "DB_PASSWORD=x", "i"], "docker run -e DB_PASSWORD=… i"),
        (["docker", "run", "--env=API_TOKEN=x", "i"], "docker run --env=API_TOKEN=… i"),
        (["docker", "login", "-u", "me", "-p", "x"], "docker login -u me -p …"),
        (["docker", "login", "--password", "x", "host"], "docker login --password … host"),
        (["docker", "login", "--password=x"], "docker login --password=…"),
        (["docker", "run", "-p", "80:80", "i"], "docker run -p 80:80 i"),
        (["docker", "pull", "https://me:x@host/i"], "docker pull https://…@host/i"),
        (["docker", "run", "i", "sh", "-c", "echo 'hi'"], "docker run i sh -c 'echo '\\''hi'\\'''"),
    ],
)  # fmt: skip
def test_command_lines_without_secrets(words: list[str], shown: str) -> None:
    assert _redact.command(words) == shown


def test_bodies_and_queries_without_secrets() -> None:
    body = {"Env": ["A=b", "SECRET_KEY=x"], "Cmd": ["run", "--token", "x"], "Labels": {"apikey": "x", "a": "b"},
            "HostConfig": {"Memory": 1}, "auth": {"password": "x"}}  # fmt: skip
    clean = _redact.body(body)
    assert clean["Env"] == ["A=b", "SECRET_KEY=…"]
    assert clean["Cmd"] == ["run", "--token", "…"]
    assert clean["Labels"] == {"apikey": "…", "a": "b"}
    assert clean["HostConfig"] == {"Memory": 1}
    assert clean["auth"] == "…"
    assert _redact.body({"x": ["y" * 4000] * 100}) is None
    query = _redact.query([("buildargs", json.dumps({"NPM_TOKEN": "x", "A": "b"})), ("t", "a"), ("t", "b")])
    assert query == {"buildargs": json.dumps({"NPM_TOKEN": "…", "A": "b"}, ensure_ascii=False), "t": "a"}


def test_lines_of_the_trace(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "t.jsonl")
    trace.put(_call(1, status=403, duration_ms=2.0, words="create container `a`", refusal="No.", command="docker x"))
    lines: list[str] = []
    commands.show_trace(tmp_path / "t.jsonl", lines.append)
    assert lines[0] == "$ docker x"
    assert "create container `a`" in lines[1]
    assert lines[1].endswith("refused: No.")


def test_receipts() -> None:
    receipt = Receipt("22-a", {"containers": ("web", "db"), "build cache": ("x",)}, ("volume v: in use",),
                      Census(containers=1, running=1), Census(containers=2))  # fmt: skip
    assert receipt.words() == [
        "removed  2 containers: web, db",
        "removed  1 record of the build cache",
        "left     volume v: in use",
        "yours    before: 1 container (1 running), no images, no volumes, no networks",
        "         now:    2 containers (0 running), no images, no volumes, no networks",
    ]
    assert not receipt.clean
    assert Receipt("22-a").words()[-1].endswith(": as before")
