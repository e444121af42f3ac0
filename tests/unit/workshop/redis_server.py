"""A real Redis server for a test: on a socket of its own, keeping every write before it answers."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.unit.workshop.waiting import waited

NEEDED = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="redis-server is not installed (Debian: apt-get install redis-server)"
)


class RedisServer:
    """Started, killed and started again on the same files."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dr-", dir="/tmp"))
        self.url = f"unix://{self.folder}/redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        socket = self.folder / "redis.sock"
        socket.unlink(missing_ok=True)
        options = (
            f"--port 0 --unixsocket {socket} --dir {self.folder} --appendonly yes --appendfsync always --daemonize no"
        )
        self._process = subprocess.Popen(["redis-server", *options.split(), "--save", ""], stdout=subprocess.DEVNULL)
        process, ping = self._process, ["redis-cli", "-s", str(socket), "ping"]

        def answers() -> bool:
            assert process.poll() is None, "redis-server has ended"
            return subprocess.run(ping, capture_output=True).stdout == b"PONG\n"

        waited(answers, 30, lambda: "redis-server does not answer")

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
