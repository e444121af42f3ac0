"""A hub with 30, 200 and 1,000 seats: from a learner's event to the instructor's board, memory and CPU a seat.

Run: `python -m tests.bench.workshop_hub [SEATS …]`. Hub, crowd and board are processes of their own on this machine;
every seat is the real client. Measured is from the moment a seat's event is put into its outbox until the board has
its row, twice: at a class's rate (every seat tries its step once in 15 seconds) and in a rush (all answer a poll
within two seconds). The same follows with two hubs on Redis, half of the seats on each. Prints one line of JSON for
each; ends with 1 when 1,000 seats do not keep the budget: 99 of 100 within 100 ms, 200 KB a seat.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.unit.workshop.hub_process import HubProcess
from tests.unit.workshop.hubs import SECRET
from tests.unit.workshop.redis_server import RedisServer
from tests.unit.workshop.rooms import QUESTION
from tutor.workshop.events import PollOpened
from tutor.workshop.instructor import BoardLink, BoardStatus
from tutor.workshop.rooms import Keys
from tutor.workshop.seen import SeatRow
from tutor.workshop.serving import listen

SECONDS, EVERY = 20.0, 15.0
P99_MS, SEAT_KB = 100.0, 200.0
_TICK = os.sysconf("SC_CLK_TCK")


class Watcher:
    """A board that notes when it learnt what."""

    def __init__(self, link: str) -> None:
        self.seen: dict[tuple[str, int | None], float] = {}
        self._rows: dict[str, SeatRow] = {}
        self.board = BoardLink(Keys(room="r1", title="", link=link, secret=SECRET), "Bench", self._told)
        self.task = asyncio.create_task(self.board.run())

    def _told(self, status: BoardStatus) -> None:
        now = time.monotonic()
        for row in status.board.seats if status.board else ():
            before = self._rows.get(row.seat)
            if row is before:
                continue
            self._rows[row.seat] = row
            for number in range((before.tries if before else 0) + 1, row.tries + 1):
                self.seen.setdefault((row.seat, number), now)
            if row.answered:
                self.seen.setdefault((row.seat, None), now)

    async def all_of(self, done: list[tuple[str, int | None, float]]) -> list[float]:
        """Milliseconds of each event, once all have come."""
        async with asyncio.timeout(60):
            while not all((seat, number) in self.seen for seat, number, _ in done):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return [(self.seen[seat, number] - at) * 1000 for seat, number, at in done]


def memory_kb(pid: int) -> int:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def cpu_seconds(pid: int) -> float:
    """Time on a processor, of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


async def measure(count: int, hubs: list[HubProcess]) -> dict[str, object]:
    """One room with so many seats."""
    for hub in hubs:
        await asyncio.to_thread(hub.start)
    pids = [hub.process.pid for hub in hubs if hub.process]
    empty = sum(map(memory_kb, pids))
    links = [f"http://127.0.0.1:{hub.port}" for hub in hubs]
    watcher = Watcher(links[0])
    while not watcher.board.status.code:  # noqa: ASYNC110 - the board's first message
        await asyncio.sleep(0.02)
    command = [sys.executable, "-m", "tests.unit.workshop.crowd", watcher.board.status.code, str(count), *links]
    began = time.monotonic()
    crowd = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert crowd.stdin is not None and crowd.stdout is not None

    async def ask(line: str) -> list[tuple[str, int | None, float]]:
        crowd.stdin.write(line + "\n")  # type: ignore[union-attr]
        crowd.stdin.flush()  # type: ignore[union-attr]
        answer = await asyncio.to_thread(crowd.stdout.readline)  # type: ignore[union-attr]
        return [(seat, number, at) for seat, number, at in json.loads(answer)]

    try:
        await asyncio.to_thread(crowd.stdout.readline)
        joined = time.monotonic() - began
        before, start = sum(map(cpu_seconds, pids)), time.monotonic()
        at_rate = await watcher.all_of(await ask(f"rate {SECONDS} {EVERY}"))
        share = (sum(map(cpu_seconds, pids)) - before) / (time.monotonic() - start) * 100
        asked = asyncio.create_task(ask("rush"))
        await watcher.board.do(PollOpened(poll="p1", round=1, question=QUESTION))
        in_rush = await watcher.all_of(await asked)
        full = sum(map(memory_kb, pids))
    finally:
        watcher.task.cancel()
        for hub in hubs:
            hub.kill()
        crowd.kill()
        crowd.wait()
        crowd.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            crowd.stdin.close()
    return {
        "bench": "workshop-hub",
        "seats": count,
        "hubs": len(hubs),
        "log": "redis" if len(hubs) > 1 else "sqlite",
        "all_seated_s": round(joined, 1),
        "events": len(at_rate),
        "rate_p50_ms": round(statistics.median(at_rate), 1),
        "rate_p99_ms": round(statistics.quantiles(at_rate, n=100)[98], 1),
        "rush_p50_ms": round(statistics.median(in_rush), 1),
        "rush_p99_ms": round(statistics.quantiles(in_rush, n=100)[98], 1),
        "kb_a_seat": round((full - empty) / count, 1),
        "cpu_percent": round(share, 1),
        "cpu_ms_a_seat_and_minute": round(share / 100 * 60_000 / count, 2),
    }


def free_port() -> int:
    """A port that nobody listens on."""
    with listen("127.0.0.1", 0) as one:
        return int(one.getsockname()[1])


def main(counts: list[int]) -> int:
    """Measure and print."""
    kept = True
    folder = Path(tempfile.mkdtemp(prefix="dw-", dir="/tmp"))
    try:
        for count in counts:
            results = [asyncio.run(measure(count, [HubProcess(free_port(), str(folder / f"{count}.sqlite3"))]))]
            if shutil.which("redis-server"):
                redis = RedisServer()
                try:
                    redis.start()
                    results.append(asyncio.run(measure(count, [HubProcess(free_port(), redis.url) for _ in range(2)])))
                finally:
                    redis.remove()
            for result in results:
                sys.stdout.write(json.dumps(result) + "\n")
                sys.stdout.flush()
                if count >= 1000:
                    worst = max(float(str(result["rate_p99_ms"])), float(str(result["rush_p99_ms"])))
                    kept &= worst <= P99_MS and float(str(result["kb_a_seat"])) <= SEAT_KB
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]] or [30, 200, 1000]))
