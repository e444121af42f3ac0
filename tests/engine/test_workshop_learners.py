"""Five learners work through a real lab beside the board: it says who is where, who is stuck and on what, as their
journals have it."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from workshop_people import Host, Seat, until

from tutor.course.loader import load_course
from tutor.course.models import Lab
from tutor.engine.connect import Engine
from tutor.learner.events import StepBegun, StepPassed, StepTried

pytestmark = pytest.mark.engine

COURSE = load_course()
CHAPTER = next(chapter for chapter in COURSE.chapters if chapter.chapter == 17)
LAB = next(section for section in CHAPTER.sections if isinstance(section, Lab))
NAMES = ("Ada", "Bob", "Cyd", "Dan", "Eve")

_NAME = "NAME=$(goal | grep -o '`[a-z0-9-]*`' | head -n 1 | tr -d '`')\n"
_SOLVE = 'eval "$(solution | sed 1d)" < /dev/null\n'
_PASSED = "for i in $(seq 60); do tutor check | grep -q Passed && break; sleep 0.2; done\n"
_FLAGS = "docker run --name $NAME ubuntu:24.04 -it bash\n"
_INPUT = "docker run --name $NAME ubuntu:24.04 bash\n"
_AWAY = "docker rm -f $NAME\n"


def typed(name: str) -> str:
    """What a learner types into the lab's shell."""
    match name:
        case "Ada":  # goes through all of it
            return _SOLVE + f"{_PASSED}next\n{_SOLVE}" * (len(LAB.steps) - 1) + _PASSED
        case "Bob":  # makes the same mistake again and again, and one other
            return _NAME + f"{_FLAGS}{_AWAY}{_INPUT}{_AWAY}" * 2 + _FLAGS
        case "Cyd":  # does the first step and looks at the second
            return f"{_SOLVE}next\ngoal\n"
        case "Dan":  # reads
            return "goal\n"
        case _:  # puts a mistake right
            return f"{_NAME}{_INPUT}{_AWAY}{_SOLVE}"


@pytest.fixture
def host(engine_host: str) -> Iterator[Host]:
    home = Path(tempfile.mkdtemp(prefix="dt-", dir="/tmp"))
    made = Host(home, engine_host, "--chapters", "17", "--title", "Five", "--seats", "5")
    made.start()
    yield made
    made.end()
    shutil.rmtree(home)


@pytest.fixture
def seats(engine_host: str) -> Iterator[dict[str, Seat]]:
    made = {name: Seat(name, Path(tempfile.mkdtemp(prefix="dt-", dir="/tmp")), engine_host) for name in NAMES}
    yield made

    def end(seat: Seat) -> None:
        seat.stand_up()
        assert seat("close", "--all").returncode == 0
        shutil.rmtree(seat.home)

    with ThreadPoolExecutor(5) as together:
        list(together.map(end, made.values()))


def steps(seat: Seat) -> tuple[str, int, str]:
    """What the board should show of a learner by their journal: a letter a step, tries where they are, mistake."""
    letters = {step.id: "-" for step in LAB.steps}
    tries: dict[str, int] = {}
    mistakes: dict[str, str] = {}
    at = ""
    with seat.journal as journal:
        for event in (entry.event for entry in journal.entries(CHAPTER.id)):
            match event:
                case StepBegun(item=step):
                    at = step
                    letters[step] = max(letters[step], "b")
                case StepTried(item=step, mistake=mistake):
                    letters[step] = "t"
                    tries[step] = tries.get(step, 0) + 1
                    mistakes[step] = mistake
                case StepPassed(item=step):
                    letters[step] = "p"
    working = letters.get(at) != "p"
    return "".join(letters.values()), tries.get(at, 0) if working else 0, mistakes.get(at, "") if working else ""


def test_five_learners_beside_the_board(host: Host, seats: dict[str, Seat], engine: Engine) -> None:
    for seat in seats.values():
        seat.join(host.link)
    until(lambda: sum(row.here for row in host.board().seats) == 5, "five are there")

    def work(name: str) -> None:
        done = seats[name]("shell", "17", typed=typed(name), timeout=80)
        # A shell ends with the status of its last command, and Bob's has failed.
        assert done.returncode == (127 if name == "Bob" else 0), done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr

    with ThreadPoolExecutor(5) as together:
        working = [together.submit(work, name) for name in NAMES]
        # While they work, the board finds who needs help by itself.
        until(lambda: host.row("Bob").stuck, "Bob is stuck", 80)
        for one in working:
            one.result()
    seats["Eve"].say("hand up")
    until(lambda: host.row("Eve").hand, "Eve's hand")

    words = {getattr(m, "use", None) or getattr(m, "id", ""): m for m in LAB.steps[0].mistakes}
    assert {"flags-after-image", "no-input"} <= words.keys()
    for name, seat in seats.items():
        letters, tries, mistake = steps(seat)
        until(
            lambda name=name, letters=letters, tries=tries: (
                (row := host.row(name)) and (row.steps, row.tries) == (letters, tries)
            ),
            f"{name}: {letters} {tries}, and the board has {host.row(name)}",
        )
        assert bool(host.row(name).mistake) is bool(mistake)
    board = host.board()
    rows = {row.name: row for row in board.seats}
    assert rows["Ada"].steps == "p" * len(LAB.steps)
    assert (rows["Bob"].place, rows["Bob"].steps[0]) == ("17.1", "t")
    assert rows["Bob"].tries >= 5 and rows["Bob"].stuck == f"{rows['Bob'].tries} tries on this step"
    assert rows["Bob"].mistake == "Flags after the image"
    assert (rows["Cyd"].place, rows["Cyd"].steps[:2]) == ("17.2", "pb")
    assert (rows["Dan"].place, rows["Dan"].steps) == ("17.1", "b" + "-" * (len(LAB.steps) - 1))
    assert rows["Eve"].steps[0] == "p" and not rows["Eve"].mistake
    assert [name for name, row in rows.items() if row.stuck] == ["Bob"]
    assert board.hands == (rows["Eve"].seat,)
    had = {view.mistake: (view.seats, view.now) for view in board.mistakes}
    assert had["flags-after-image"] == (1, 1)
    assert had["no-input"] == (2, 0)  # Bob had it too, and Eve; nobody has it now
    # And in words, as an instructor reads it who has no screen.
    told = host.tutor("workshop", "board", "--plain").stdout.splitlines()
    line = next(line for line in told if line.startswith("Bob"))
    assert "17.1" in line and "stuck: " in line and "Flags after the image" in line
    assert any(line.endswith("1 now: Flags after the image (docker-run, interactive-shell)") for line in told), told
    # What a report says later is the same.
    report = csv.DictReader(io.StringIO(host.tutor("workshop", "report", "--csv").stdout))
    first = {row["name"]: row for row in report if row["step"] == LAB.steps[0].title}
    assert {name for name, row in first.items() if row["passed"] == "yes"} == {"Ada", "Cyd", "Eve"}
    assert int(first["Bob"]["tries"]) == rows["Bob"].tries
