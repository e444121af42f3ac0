"""How fast a long journal opens: 100,000 events, to the progress of every chapter and the number of reviews due.

Each run is a process of its own, so nothing is warm but the file. Beside it stand what appending costs, and how long
it takes to work everything out again from the events alone.

Run: `python -m tests.bench.journal_open`. Prints one line of JSON; ends with 1 when opening takes more than 0.3 s.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace

from tutor.course.identity import content_hash
from tutor.course.loader import load_course
from tutor.course.models import Predict, Step
from tutor.course.tasks import tasks
from tutor.learner import memory
from tutor.learner.events import (
    AnyEvent,
    ChapterOpened,
    Entry,
    PredictionMade,
    QuestionAnswered,
    SectionReached,
    StepBegun,
    StepPassed,
    StepTried,
)
from tutor.learner.journal import Journal
from tutor.learner.remembered import Remembered

BUDGET_S = 0.3
EVENTS = 100_000
ROUNDS = 9

# The table of contents is loaded before the clock starts: that has a budget of its own.
OPEN = """
import sys, time
from pathlib import Path
from tutor.course.loader import load_contents
from tutor.learner import progress, review
from tutor.learner.journal import Journal
from tutor.learner.remembered import Remembered
contents = load_contents()
begun = time.perf_counter()
with Journal(Path(sys.argv[1])) as journal:
    remembered = Remembered(journal)
    done = progress.of_course(contents, remembered.memory())
    due = review.count(contents, remembered.memory(), journal.now())
    print(time.perf_counter() - begun, len(done), due)
"""


def history(events: int) -> list[Entry]:
    """Years of a learner who goes through the course again and again."""
    chance = random.Random(1)
    chapters = load_course().chapters
    work = [(chapter, [(task, content_hash(task)) for task in tasks(chapter)]) for chapter in chapters]
    found: list[Entry] = []
    at = 0.0

    def put(event: AnyEvent, seconds: float) -> None:
        nonlocal at
        at += seconds
        found.append(Entry(seq=len(found) + 1, id=f"{len(found):032x}", at=at, event=event))

    while len(found) < events:
        chapter, todo = chance.choice(work)
        put(ChapterOpened(chapter=chapter.id), chance.uniform(3_600, 90_000))
        put(SectionReached(chapter=chapter.id, item=chance.choice(chapter.sections).id), 30)
        for task, digest in todo:
            about = {"chapter": chapter.id, "item": task.id, "hash": digest}
            right = chance.random() < 0.8
            if isinstance(task, Predict):
                put(PredictionMade(**about, option="a", outcome="b", right=right), 40)
            elif isinstance(task, Step):
                put(StepBegun(**about), 20)
                put(StepTried(**about, findings=2, mistake="no-publish" if not right else ""), 40)
                put(StepPassed(**about), 40)
            else:
                put(QuestionAnswered(**about, answer=("a",), credit=float(right)), 40)
    found = found[:events]
    shift = time.time() - 2 * 86_400 - found[-1].at
    return [replace(entry, at=entry.at + shift) for entry in found]


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite3"
        entries = history(EVENTS)
        with Journal(path) as journal:
            journal.take_in(entries)
            begun = time.perf_counter()
            remembered = Remembered(journal)
            remembered.memory()
            rebuilt = time.perf_counter() - begun
            remembered.keep()
            begun = time.perf_counter()
            for number in range(200):
                journal.append(SectionReached(chapter="bench", item=str(number)))
            append_ms = (time.perf_counter() - begun) / 200 * 1000
            Remembered(journal).keep()
            assert remembered.memory().records == memory.fold(journal.entries()).records
        runs = []
        for _ in range(ROUNDS):
            done = subprocess.run(
                [sys.executable, "-c", OPEN, str(path)], capture_output=True, text=True, check=True
            ).stdout.split()
            runs.append(float(done[0]))
        size = path.stat().st_size
    median = statistics.median(runs)
    sys.stdout.write(
        json.dumps(
            {
                "bench": "journal_open",
                "events": EVENTS,
                "megabytes": round(size / 1e6, 1),
                "open_s": round(median, 4),
                "slowest_s": round(max(runs), 4),
                "budget_s": BUDGET_S,
                "rebuild_s": round(rebuilt, 2),
                "append_ms": round(append_ms, 3),
                "due": int(done[2]),
            }
        )
        + "\n"
    )
    return 0 if median <= BUDGET_S else 1


if __name__ == "__main__":
    sys.exit(main())
