"""Running a proof: its tasks side by side, the needs they have, and where the time went."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.course.models import Chapter, Course
from tutor.lab import needs
from tutor.lab.prove import trial
from tutor.lab.prove.assess import Result
from tutor.lab.prove.bystanders import Bystanders
from tutor.lab.prove.plan import Task, alone, in_working_order, lanes, needed, only, possible, tasks
from tutor.lab.prove.report import Report, Times, in_order, second_thoughts
from tutor.lab.prove.telling import Teller
from tutor.lab.session import setup as session_setup

if TYPE_CHECKING:
    from tutor.engine.connect import Engine

FEW = 30
"""Attempts that are tried once more, when nothing runs beside them; where more have failed, something is broken."""

BYSTANDER = "shell"
"""Role of the image that bystanders are made from."""


def prove(
    course: Course,
    chapters: Iterable[Chapter],
    engine: Engine,
    *,
    labs: Path | None = None,
    jobs: int = 0,
    limits: trial.Limits | None = None,
    on_result: Callable[[Result], None] = lambda result: None,
) -> Report:
    """Prove chapters on an engine. The images must be there.

    Args:
        course: The course that they belong to.
        labs: The course's folder with the labs' files.
        jobs: Tasks at the same time; `default_jobs()` when 0.
        limits: Seconds for what may never end.
        on_result: Called with each result as it comes, from any thread, one at a time.

    Returns:
        The report; of an interrupted proof (Ctrl-C) what there was until then, with all labs closed.

    Raises:
        Problem: `engine-gone`, `engine-refused`, when the bystanders cannot be planted.
    """
    begun, computed = time.monotonic(), time.process_time()
    jobs = jobs or default_jobs()
    results: list[Result] = []
    lock = threading.Lock()

    def heard(result: Result) -> None:
        with lock:
            results.append(result)
            on_result(result)

    planned = in_working_order(tasks(chapters))
    lacking = {need: words for need in sorted(needed(planned)) if (words := needs.missing(engine, need))}
    feasible: list[Task] = []
    for task in planned:
        rest, left_out = possible(task, lacking)
        Teller(task, heard).leave_out(left_out)
        if rest is not None:
            feasible.append(rest)
    without = {result.key for result in results}
    with ExitStack() as stack:
        image = session_setup.catalogue()[BYSTANDER].reference
        swarm = any("swarm" in task.chapter.needs for task in feasible)
        bystanders = stack.enter_context(Bystanders(engine, image, swarm=swarm))
        trials = trial.Trials(course, engine, bystanders, heard, labs, limits or trial.Limits())
        clocks = _Clocks()
        pulled = {image.role for image in session_setup.catalogue(labs) if image.mirror_only}
        together, single = alone(feasible)
        interrupted = _side_by_side(
            lanes(together, pulled, buildkit=needs.builds_by_buildkit(engine)), trials, jobs, clocks
        )
        interrupted = interrupted or _side_by_side([single], trials, 1, clocks)
        failed = {result.key for result in results if result.status != "passed"} - without
        again = [rest for task in feasible if (rest := only(task, failed)) is not None]
        if again and len(failed) <= FEW and not interrupted:
            # On a busy machine a server may need longer than anybody waits. Who fails alone as well has failed.
            tried, results[:] = tuple(results), []
            interrupted = _side_by_side([tuple(again)], trials, 1, clocks)
            results[:] = second_thoughts(tried, results)
    wall = time.monotonic() - begun
    waited = trials.waited
    # What the jobs computed is in what is left of their time; the sandboxes' threads compute beside it.
    beside = max(0.0, time.process_time() - computed - clocks.computed)
    known = sum(waited.values())
    times = Times(
        wall=wall,
        busy=clocks.busy,
        commands=waited.get("commands", 0.0),
        engine=waited.get("engine", 0.0),
        settling=waited.get("settling", 0.0),
        own=max(0.0, clocks.busy - known) + beside,
    )
    version = f"{engine.version.name} {engine.version.engine}"
    return Report(in_order(results), times, version, jobs, interrupted)


def default_jobs() -> int:
    """Labs at the same time when nobody says: two for each processor, as labs wait half their time; at most eight."""
    return min(8, 2 * (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))


class _Clocks:
    """What all jobs took and computed, in seconds."""

    def __init__(self) -> None:
        self.busy = 0.0
        self.computed = 0.0
        self._lock = threading.Lock()

    def time(self, work: Callable[[], None]) -> None:
        begun, computed = time.monotonic(), time.thread_time()
        try:
            work()
        finally:
            with self._lock:
                self.busy += time.monotonic() - begun
                self.computed += time.thread_time() - computed


def _side_by_side(rows: Iterable[tuple[Task, ...]], trials: trial.Trials, jobs: int, clocks: _Clocks) -> bool:
    """Run all rows of tasks; whether it was interrupted. Labs are closed either way."""

    def one_by_one(row: tuple[Task, ...]) -> None:
        for task in row:
            clocks.time(lambda task=task: trial.run(task, trials))  # type: ignore[misc]

    with ThreadPoolExecutor(jobs, "prove") as pool:
        pending: set[Future[None]] = {pool.submit(one_by_one, row) for row in rows}
        try:
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
        except BaseException as error:
            trials.interrupt()
            pool.shutdown(wait=True, cancel_futures=True)
            if not isinstance(error, KeyboardInterrupt):
                raise
            return True
    return False
