"""The commands as programs: plan, host, join, board, report, erase."""

from __future__ import annotations

import json
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.workshop.programs import Program, programs, tutor
from tests.unit.workshop.rooms import NOON, OPENED, QUESTION, did, record
from tests.unit.workshop.waiting import waited
from tutor.course import variables
from tutor.course.loader import load_course
from tutor.engine import images
from tutor.learner.events import PollAnswered, StepBegun, StepPassed, StepTried
from tutor.learner.journal import Journal
from tutor.problems import Problem
from tutor.workshop import agenda, polls, report, report_html
from tutor.workshop.events import PollClosed, PollOpened, SeatTaken
from tutor.workshop.links import read_link
from tutor.workshop.seen import MistakeView


@pytest.fixture
def program(home: Path) -> Iterator[Callable[..., Program]]:
    with programs(home) as start:
        yield start


def test_a_workshop_from_plan_to_erasing(home: Path, program: Callable[..., Program], tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    assert (
        tutor(
            home, "workshop", "plan", "--chapters", "17", "22", "--title", "Docker now", "--write", str(plan)
        ).returncode
        == 0
    )
    assert yaml.safe_load(plan.read_text())["title"] == "Docker now"
    host = program("workshop", "host", "--plan", str(plan), "--bind", "127.0.0.1")
    link = host.wait_for(r"join (http://\S+)")[1]
    host.wait_for("ctrl.c ends")
    assert "Plain HTTP" in host.text
    secret_file = next((home / "data" / "rooms").glob("*/instructor.json"))
    assert stat.S_IMODE(secret_file.stat().st_mode) == 0o600
    secret = json.loads(secret_file.read_text())["secret"]
    assert secret not in host.text

    learner_home = tmp_path / "l"
    learner = program("join", link, "--as", "Ada <b>", where=learner_home)
    learner.wait_for("^Connected")
    with Journal(learner_home / "data" / "journal.sqlite3") as journal:
        chapter = next(c for c in load_course().chapters if c.chapter == 17)
        step = _first_step(chapter)
        journal.append(StepBegun(chapter=chapter.id, item=step.id))
        journal.append(StepTried(chapter=chapter.id, item=step.id, findings=1))
    learner.type("hand up")

    def board() -> dict[str, Any]:
        done = tutor(home, "workshop", "board", "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    row = waited(lambda: next((r for r in board()["seats"] if r["tries"] and r["hand"]), None))
    assert row["name"] == "Ada <b>" and row["here"] and row["place"] == "17.1"
    shown = tutor(home, "workshop", "board", "--plain").stdout
    assert "Ada <b>" in shown and "hand up" in shown and "1 of 1 there" in shown

    host.end(signal.SIGKILL)  # the instructor's laptop crashes; the same room goes on
    learner.wait_for("trying again|cannot be reached")
    room = json.loads(secret_file.read_text())["room"]
    again = program("workshop", "host", "--room", room, "--plan", str(plan), "--bind", "127.0.0.1")
    assert again.wait_for(r"join (http://\S+)")[1] == link
    waited(lambda: learner.text.count("Connected.") == 2)
    learner.type("leave")
    learner.wait_for("You have left")
    assert learner.process.wait(30) == 0

    as_csv = tutor(home, "workshop", "report", "--csv").stdout
    assert as_csv.splitlines()[1].startswith("Ada <b>,17,")
    page = tutor(home, "workshop", "report").stdout
    assert "Ada &lt;b&gt;" in page and "<b>" not in page and "://" not in page
    assert json.loads(tutor(home, "workshop", "report", "--json").stdout)["seats"][0]["tries"] == 1
    assert "Ada &lt;b&gt;" in tutor(home, "workshop", "report", "--certificate", "ada <B>").stdout
    assert tutor(home, "workshop", "report", "--certificate", "Nobody").returncode == 1
    assert room in tutor(home, "workshop", "rooms").stdout
    refused = tutor(home, "workshop", "erase", room)
    assert refused.returncode == 1 and "hosts this room already" in refused.stderr
    assert again.end(signal.SIGTERM) == 0
    assert "Go on with it" in again.text
    assert tutor(home, "workshop", "erase", room).returncode == 0
    assert not secret_file.parent.exists()
    assert tutor(home, "workshop", "report", "--room", room).returncode == 1


def _first_step(chapter: Any) -> Any:
    return next(section for section in chapter.sections if hasattr(section, "steps")).steps[0]


def test_doctor_looks_at_the_workshop(home: Path, program: Callable[..., Program]) -> None:
    host = program("workshop", "host", "--chapters", "17", "--bind", "127.0.0.1")
    link = host.wait_for(r"join (http://\S+)")[1]
    done = json.loads(tutor(home, "doctor", "--workshop", link, "--json").stdout)
    found = {check["name"]: check["state"] for check in done["checks"]}
    assert found["workshop"] == found["connection"] == found["chapters"] == "ok"
    assert "workshop images" in found
    host.end()
    gone = json.loads(tutor(home, "doctor", "--workshop", link, "--json").stdout)
    assert {check["name"]: check["state"] for check in gone["checks"]}["workshop"] == "fail"
    assert gone["ok"] is False


def test_what_goes_wrong_is_told_in_a_sentence(home: Path, tmp_path: Path) -> None:
    bad = tmp_path / "plan.yaml"
    bad.write_text("agenda:\n  - {minutes: many}\n")
    secret = tmp_path / "secret"
    secret.write_text("short")
    for arguments, words in (
        (["workshop", "host", "--plan", str(tmp_path / "none.yaml")], "cannot be read"),
        (["workshop", "host", "--plan", str(bad)], "is no plan"),
        (["workshop", "host", "--chapters", "99"], "no chapter 99"),
        (["workshop", "host", "--room", "nowhere"], "no room nowhere"),
        (["workshop", "host", "--secret-file", str(secret)], "too short"),
        (["workshop", "host", "--bind", "192.0.2.1"], "cannot listen"),
        (["workshop", "host", "--bind", "127.0.0.1", "--tls", str(bad), str(bad)], "certificate"),
        (["workshop", "host", "--bind", "127.0.0.1", "--redis", "redis://127.0.0.1:1"], "log"),
        (["workshop", "board"], "hosted on this machine"),
        (["workshop", "report"], "hosted on this machine"),
        (["workshop", "prep"], "how the images"),
        (["join"], "in no workshop"),
        (["join", "nonsense nonsense"], "workshop"),
    ):
        done = tutor(home, *arguments)
        assert done.returncode in (1, 2), (arguments, done.stdout)
        assert words in done.stderr and "Traceback" not in done.stderr, (arguments, done.stderr)
        for left in (home / "data" / "rooms").glob("*"):
            for file in left.iterdir():
                file.unlink()
            left.rmdir()


def test_join_what_lists_what_is_sent(home: Path) -> None:
    told = tutor(home, "join", "--what")
    assert told.returncode == 0 and "never your commands" in told.stdout
    words = " ".join(told.stdout.split())
    assert "Only if an instructor asks to see your shell and you agree: a copy of its screen" in words
    assert "Never at all: files" in words
    assert not (home / "data" / "journal.sqlite3").exists()
    assert "no workshop" in tutor(home, "leave").stdout


def test_the_keys_must_be_private(home: Path) -> None:
    from tutor.workshop import rooms

    here = rooms.new("A title")
    here.keys_file.chmod(0o644)
    with pytest.raises(Problem) as told:
        _ = here.keys
    assert told.value.code == "keys-open"
    with pytest.raises(Problem):
        rooms.new("A title", "../../etc")


def test_links_as_people_type_them() -> None:
    for typed, hub in (
        ("http://192.0.2.7:7000/K7M4QX", "http://192.0.2.7:7000"),
        ("192.0.2.7:7000/k7m4qx", "http://192.0.2.7:7000"),
        (" https://class.example/workshop/K7M4QX/ ", "https://class.example/workshop"),
    ):
        assert read_link(typed) == (hub, "K7M4QX")
    assert read_link("192.0.2.7:7000", "k7m 4qx") == ("http://192.0.2.7:7000", "K7M4QX")
    assert read_link("[2001:db8::7]:7000/K7M4QX") == ("http://[2001:db8::7]:7000", "K7M4QX")


@pytest.mark.parametrize(
    "typed", ["", "http://", "a b", "ftp://x/AAAAAA", "http://[::1/A", "http://x:99999/A", "x\n/A", "u@x"]
)
def test_what_is_no_link_is_told(typed: str) -> None:
    with pytest.raises(Problem) as told:
        read_link(typed)
    assert told.value.code == "no-link"


def test_ready_agendas_fit_their_time_and_plans_are_read_back(tmp_path: Path) -> None:
    course = load_course()
    for name, (minutes, _) in agenda.READY.items():
        plan = agenda.ready(course, name)
        assert plan.chapters and plan.minutes <= minutes
        assert plan.agenda[-1].chapter is not None
        path = tmp_path / f"{name}.yaml"
        path.write_text(agenda.written(plan, course))
        assert agenda.load(path, course) == plan


def test_every_question_of_the_course_can_be_a_poll() -> None:
    course = load_course()
    kinds = set()
    for chapter in course.chapters:
        for question in polls.questions(chapter):
            poll = polls.of_question(chapter, question, images.reference_variables())
            kinds.add(type(question).__name__)
            assert len({option.id for option in poll.options}) == len(poll.options) >= 2
            right = [option for option in poll.options if option.right]
            assert right or all(option.right is None for option in poll.options)
            assert poll.several or len(right) <= 1
            assert not variables.used(poll)
    assert kinds >= {"Choose", "ChooseAll", "Order", "TypeCommand", "ReadOutput", "SpotMistake", "Predict"}


def test_misconceptions_become_polls() -> None:
    course = load_course()
    made = 0
    for chapter in course.chapters:
        for section in chapter.sections:
            for step in getattr(section, "steps", ()):
                for mistake in step.mistakes:
                    identity = getattr(mistake, "use", None) or mistake.id
                    seen = MistakeView(chapter=chapter.id, step=step.id, mistake=identity, words="", seats=1, now=1)
                    poll = polls.of_mistake(course, seen, images.reference_variables())
                    if poll is not None:
                        made += 1
                        assert [option.id for option in poll.options if option.right] == [identity]
                        assert not variables.used(poll)
    assert made > 50


def test_a_report_of_a_small_class() -> None:
    log = [record(0, OPENED), record(1, SeatTaken(seat="s1", name="=Ada", key="k"))]
    log.append(did("s1", 1, StepBegun(chapter="docker-run", item="first"), at=NOON + 10))
    tried = StepTried(chapter="docker-run", item="first", findings=1, mistake="no-name")
    log.append(did("s1", 2, tried, at=NOON + 20))
    log.append(did("s1", 3, StepPassed(chapter="docker-run", item="first"), at=NOON + 70))
    log.append(record(2, PollOpened(poll="p1", round=1, question=QUESTION), at=NOON + 80))
    answer = PollAnswered(chapter="", item="p1", room="r1", round=1, answer=("left",))
    log.append(did("s1", 4, answer, at=NOON + 81))
    log.append(record(3, PollClosed(poll="p1", round=1), at=NOON + 90))
    made = report.of(log)
    seat = made.seats[0]
    assert (seat.passed, seat.tries, seat.mistakes) == (1, 1, {"No name given": 1})
    assert seat.steps["docker-run/first"].seconds == 60
    assert (made.steps[0].step, made.steps[0].begun, made.steps[0].passed) == ("first", 1, 1)
    assert made.polls[0].rounds[0].counts == {"left": 1, "right": 0}
    assert made.progress == (NOON + 70,)
    assert report.as_csv(made).splitlines()[1].startswith("'=Ada,17,A first container,yes,60,1")
    assert "<script" not in report_html.page(made)
    assert report.of([]).seats == ()
    report_html.page(report.of([]))
