"""A hub in a process of its own, to be killed: `python -m tests.unit.workshop.hub_process PORT LOG`.

LOG is a path (SQLite) or the URL of a Redis. Prints `ready` when it serves.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.unit.workshop.hubs import SECRET
from tests.unit.workshop.rooms import SYLLABUS
from tests.unit.workshop.waiting import until
from tutor.workshop.hub import Hub
from tutor.workshop.limits import Gate
from tutor.workshop.log import Log
from tutor.workshop.log_redis import RedisLog
from tutor.workshop.log_sqlite import SqliteLog
from tutor.workshop.server import App
from tutor.workshop.serving import listen, server


class HubProcess:
    """Started, killed and started again on the same port and log."""

    def __init__(self, port: int, log: str) -> None:
        self.port, self.log = port, log
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.unit.workshop.hub_process", str(self.port), self.log]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None


async def main(port: int, place: str) -> None:
    log: Log = RedisLog(place, "r1") if "://" in place else SqliteLog(Path(place))
    gate = Gate(strangers=3000)
    link = f"http://127.0.0.1:{port}"
    hub = Hub(log, room="r1", title="Docker", syllabus=SYLLABUS, secret=SECRET, link=link, gate=gate)
    listening = listen("127.0.0.1", port)
    running = server(App(hub))
    task = asyncio.create_task(running.serve(sockets=[listening]))
    await until(lambda: running.started or task.done())
    print("ready", flush=True)
    await task


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
