"""How long the judge takes: a step of six expectations and two mistakes on a World of 50 containers.

Run: `python -m tests.bench.judge_verdict`. Prints one line of JSON; ends with 1 when the median is over 2 ms.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

import msgspec

from tests.unit.judge.steps import container, http, seen, step
from tests.unit.world.worlds import SHELL, WEB, world
from tutor.course.expectations import (
    CountExpectation,
    ExecExpectation,
    ImageExpectation,
    NetworkExpectation,
)
from tutor.course.models import Mistake
from tutor.engine.world import World
from tutor.lab.judge import judge
from tutor.lab.observations import Activity, Baseline, ExecSeen, HttpSeen

BUDGET_MS = 2.0
ROUNDS = 500


def crowd() -> World:
    """50 containers, 40 images, 10 volumes, 10 networks."""
    one = world("on-network")
    web = one.container("web")
    assert web is not None
    containers = {
        f"{number:064x}": msgspec.structs.replace(web, id=f"{number:064x}", name=f"job-{number}")
        for number in range(48)
    }
    images = {
        f"sha256:{n:064x}": msgspec.structs.replace(i, id=f"sha256:{n:064x}", tags=(f"team/app-{n}:1.{n}",))
        for n, i in enumerate(list(one.images.values()) * 20)
    }
    networks = {
        f"{n:064x}": msgspec.structs.replace(next(iter(one.networks.values())), id=f"{n:064x}", name=f"net-{n}")
        for n in range(10)
    }
    return World(
        containers={**one.containers, **containers},
        images={**one.images, **images},
        volumes=world("mounts").volumes,
        networks={**one.networks, **networks},
    )


def main() -> int:
    """Measure and print."""
    here = crowd()
    page = http()
    run = ExecExpectation(container="web", command=("true",))
    mistakes = tuple(
        Mistake(id=f"m-{port}", when=(container(publishes={port: "*"}),), say="-", made_by="-")
        for port in ("8080", "3000")
    )
    asked = step(
        container(state="running", image=WEB, publishes={"80/tcp": "8080"}, networks=("shop",), env={"MODE": "live"}),
        container(name="db", state="running", image=SHELL, networks=("shop",)),
        NetworkExpectation(name="shop", connects=("web", "db")),
        CountExpectation(of="containers", state="running", image=WEB, at_least=3),
        ImageExpectation(reference="shop:1", built_on=WEB),
        page,
        run,
        mistakes=mistakes,
    )
    observations = seen((page, HttpSeen(failure="refused")), (run, ExecSeen(exit_code=0)))
    before, activity = Baseline(world=world("nothing")), Activity(calls=3)
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        judge(asked, here, observations, before, activity)
        times.append((time.perf_counter() - start) * 1000)
    median, worst = statistics.median(times), statistics.quantiles(times, n=100)[98]
    sys.stdout.write(
        json.dumps({"bench": "judge", "containers": len(here.containers), "p50_ms": round(median, 3),
                    "p99_ms": round(worst, 3), "budget_p50_ms": BUDGET_MS}) + "\n"
    )  # fmt: skip
    return 0 if median <= BUDGET_MS else 1


if __name__ == "__main__":
    sys.exit(main())
