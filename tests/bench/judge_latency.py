"""From a change on the engine to a new World and to a verdict; and what watching costs when nothing happens.

Run: `DOCKER_HOST=… python -m tests.bench.judge_latency`. A container is paused and unpaused. Measured is from the
engine's answer to the call (the change is then made) to the callback with the World that shows it, and on to the
verdict of a step with an HTTP probe. Idle is the quietest of some seconds, as others may use the same engine.
Prints one line of JSON; ends with 1 when a budget is not kept: World 15 ms, verdict 30 ms (median) and 100 ms (99 of
100), idle 1 % of a processor.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import statistics
import sys
import time
import uuid

from tests.unit.judge.steps import container, step
from tutor.course.expectations import HttpExpectation
from tutor.engine.address import EngineAddress
from tutor.engine.connect import connect
from tutor.engine.images import resolve
from tutor.engine.snapshot import LABEL
from tutor.engine.watch import Watch
from tutor.engine.world import Change, World
from tutor.lab.judge import judge
from tutor.lab.observations import Activity
from tutor.lab.probes import observe_step

ROUNDS = 100
IDLE_SECONDS = 5


def main() -> int:
    """Measure and print."""
    engine = connect(EngineAddress.parse(os.environ["DOCKER_HOST"]))
    lab = f"jb-{uuid.uuid4().hex[:6]}"
    api = engine.api
    made = api.create_container(resolve("shell"), "sleep 3600", name=lab, labels={LABEL: lab})["Id"]
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://localhost:{nobody.getsockname()[1]}/"
    asked = step(container(name=lab, state="paused"), HttpExpectation(url=url, status="refused"))
    worlds: queue.Queue[tuple[World, float]] = queue.Queue()

    def on_world(world: World, changes: tuple[Change, ...]) -> None:
        worlds.put((world, time.perf_counter()))

    to_world, to_verdict = [], []
    try:
        api.start(made)
        with Watch(engine, lab, on_world) as watch:
            for number in range(ROUNDS):
                call, state = (api.unpause, "running") if number % 2 else (api.pause, "paused")
                call(made)
                start = time.perf_counter()
                while True:
                    world, at = worlds.get(timeout=10)
                    if made in world.containers and world.containers[made].state == state:
                        break
                to_world.append((at - start) * 1000)
                seen = observe_step(engine, asked, world, None)
                judge(asked, world, seen, None, Activity())
                to_verdict.append((time.perf_counter() - start) * 1000)
            idle = 100.0
            for _ in range(IDLE_SECONDS):
                cpu, begun = time.process_time(), time.monotonic()
                time.sleep(1.0)
                idle = min(idle, (time.process_time() - cpu) / (time.monotonic() - begun) * 100)
            watch.refresh()
    finally:
        api.remove_container(made, force=True)
        engine.close()
    result = {
        "bench": "latency",
        "world_p50_ms": round(statistics.median(to_world), 2),
        "world_p99_ms": round(statistics.quantiles(to_world, n=100)[98], 2),
        "verdict_p50_ms": round(statistics.median(to_verdict), 2),
        "verdict_p99_ms": round(statistics.quantiles(to_verdict, n=100)[98], 2),
        "idle_cpu_percent": round(idle, 3),
    }
    sys.stdout.write(json.dumps(result) + "\n")
    kept = (
        result["world_p50_ms"] <= 15
        and result["verdict_p50_ms"] <= 30
        and result["verdict_p99_ms"] <= 100
        and result["idle_cpu_percent"] <= 1
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
