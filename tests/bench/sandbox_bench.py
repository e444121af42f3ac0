"""What the sandbox costs, against the engine itself in the same run.

    python tests/bench/sandbox_bench.py

Prints the added time of a call (p50), the rate of `docker save` and the echo of an interactive shell, each direct and
through the sandbox, and exits with 1 where a budget is missed: 0.3 ms a call, 70 % of the rate, 1 ms of echo.
"""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

from sandbox_lab import Lab

from tutor.engine.address import EngineAddress
from tutor.engine.connect import connect
from tutor.engine.images import resolve
from tutor.lab.session.engine import upstream
from tutor.sandbox.policy import Scope
from tutor.sandbox.proxy import Sandbox
from tutor.sandbox.trace import Trace

CALL_BUDGET_MS = 0.3
RATE_BUDGET = 0.70
ECHO_BUDGET_MS = 1.0


class _Served:
    """A sandbox in a process of its own, as the tutor's is one beside the clients."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket


@contextmanager
def served(host: str, shell: str, big: str) -> Iterator[Lab]:
    """A lab whose sandbox runs in another process."""
    way = upstream(EngineAddress.parse(host))
    folder = Path(tempfile.mkdtemp(prefix="sb-", dir="/tmp"))
    (folder / "ws").mkdir()
    name = f"99-{os.getpid():06x}"
    words = (sys.executable, __file__, "serve", host, name, str(folder), shell, big)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        lab = Lab(name, way, cast(Any, _Served(folder / "s" / "docker.sock")), folder, shell)
        try:
            yield lab
        finally:
            process.stdin.close()
            process.wait(20)
            lab.close()
            shutil.rmtree(folder, ignore_errors=True)


def serve(host: str, name: str, folder: str, *images: str) -> None:
    """What the other process does: a sandbox, until its standard input ends."""
    place = Path(folder)
    scope = Scope(name, "tests", frozenset(images), str(place / "ws"))
    way = upstream(EngineAddress.parse(host))
    sandbox = Sandbox(way, scope, place / "s" / "docker.sock", Trace(place / "trace.jsonl"), place / "sandbox.json")
    sandbox.start()
    say("ready")
    sys.stdin.read()
    sandbox.stop()


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def call_times(sockets: dict[str, socket.socket], request: bytes, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of one keep-alive call, the two ways by turns."""
    times: dict[str, list[float]] = {name: [] for name in sockets}
    for _ in range(rounds):
        for name, plain in sockets.items():
            began = time.perf_counter()
            plain.sendall(request)
            _answer(plain)
            times[name].append((time.perf_counter() - began) * 1000)
    return times


def _answer(plain: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += plain.recv(1 << 20)
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            left = int(line.split(b":")[1]) - len(body)
            while left > 0:
                left -= len(plain.recv(1 << 20))
            return
    while not body.endswith(b"0\r\n\r\n"):
        body += plain.recv(1 << 20)


def bench_calls(lab: Lab, rounds: int = 400) -> float:
    """Prints the added milliseconds per kind of call; returns the p50 over all calls."""
    made = lab.ok("create", "--name", f"{lab.name}-bench", lab.image)
    added: list[float] = []
    for what, path in (
        ("ping", "/_ping"), ("list containers", "/v1.45/containers/json?all=1"),
        ("inspect by id", f"/v1.45/containers/{made}/json"), ("logs by id", f"/v1.45/containers/{made}/logs?stdout=1"),
        ("inspect by name", f"/v1.45/containers/{lab.name}-bench/json"),
    ):  # fmt: skip
        sockets = {"direct": lab.engine.socket(), "sandbox": lab.api.way.socket()}
        request = f"GET {path} HTTP/1.1\r\nHost: d\r\n\r\n".encode()
        call_times(sockets, request, 30)
        times = call_times(sockets, request, rounds)
        for plain in sockets.values():
            plain.close()
        direct, through = (statistics.median(times[name]) for name in ("direct", "sandbox"))
        added += [one - other for one, other in zip(times["sandbox"], times["direct"], strict=True)]
        say(f"  {what:<16} direct {direct:6.3f} ms   sandbox {through:6.3f} ms   added {through - direct:6.3f} ms")
    return statistics.median(added)


def bench_save(lab: Lab, image: str, rounds: int = 4) -> float:
    """The rate of `docker save` through the sandbox, as a share of the direct one."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(rounds):
        for direct in (True, False):
            began = time.perf_counter()
            size = 0
            env = lab.environment(direct=direct)
            with subprocess.Popen(("docker", "save", image), stdout=subprocess.PIPE, env=env) as save:
                assert save.stdout is not None
                while part := save.stdout.read1(1 << 20):  # type: ignore[attr-defined]
                    size += len(part)
            rates[direct].append(size / (time.perf_counter() - began) / 1e6)
    direct_rate, through = statistics.median(rates[True]), statistics.median(rates[False])
    say(f"  save {image}: direct {direct_rate:.0f} MB/s   sandbox {through:.0f} MB/s   {through / direct_rate:.0%}")
    return through / direct_rate


def bench_echo(lab: Lab, rounds: int = 300) -> float:
    """Milliseconds that echo takes longer through the sandbox in `docker run -it … cat`."""
    shells = {}
    for direct in (True, False):
        main, child = pty.openpty()
        tty.setraw(main)
        process = subprocess.Popen(
            ("docker", "run", "-it", "--rm", "--name", f"{lab.name}-echo{int(direct)}", lab.image, "cat"),
            stdin=child, stdout=child, stderr=child, env=lab.environment(direct=direct), start_new_session=True,
        )  # fmt: skip
        os.close(child)
        _echo(main, b"~")
        shells[direct] = (main, process)
    times: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(rounds):
        for direct, (main, _) in shells.items():
            began = time.perf_counter()
            _echo(main, b"abcdefgh"[turn % 8 : turn % 8 + 1])
            times[direct].append((time.perf_counter() - began) * 1000)
    for main, process in shells.values():
        os.write(main, b"\n\x04")
        process.wait(20)
        os.close(main)
    direct_ms, through = statistics.median(times[True]), statistics.median(times[False])
    say(f"  echo: direct {direct_ms:.3f} ms   sandbox {through:.3f} ms   added {through - direct_ms:.3f} ms")
    return through - direct_ms


def _echo(main: int, key: bytes) -> None:
    os.write(main, key)
    seen = b""
    while key not in seen:
        select.select([main], [], [], 20)
        seen += os.read(main, 4096)


def main() -> int:
    """Run all; the number of budgets that are missed is the exit status."""
    with connect() as engine:
        host = engine.address.host
        images = [item for item in engine.api.images() if item.get("RepoTags")]
        big = str(max(images, key=lambda item: int(item["Size"]))["RepoTags"][0])
    with served(host, resolve("shell"), big) as lab:
        say("sandbox")
        added, share, echo = bench_calls(lab), bench_save(lab, big), bench_echo(lab)
    missed = [
        text
        for text, wrong in (
            (f"a call takes {added:.3f} ms longer (budget {CALL_BUDGET_MS})", added > CALL_BUDGET_MS),
            (f"save has {share:.0%} of the direct rate (budget {RATE_BUDGET:.0%})", share < RATE_BUDGET),
            (f"echo takes {echo:.3f} ms longer (budget {ECHO_BUDGET_MS})", echo > ECHO_BUDGET_MS),
        )
        if wrong
    ]
    say(json.dumps({"added_ms": round(added, 3), "save_share": round(share, 3), "echo_ms": round(echo, 3)}))
    for text in missed:
        say(f"MISSED: {text}")
    return len(missed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(*sys.argv[2:])
        raise SystemExit
    raise SystemExit(main())
