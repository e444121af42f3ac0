"""Quiz, review, placement, progress and journal as programs: through pipes, without an engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

import pytest

from tutor.course.identity import content_hash
from tutor.course.loader import load_course
from tutor.course.models import Choose, ChooseAll, Course, Order, Quiz, ReadOutput, SpotMistake, TypeCommand
from tutor.learner.events import ChapterOpened, GradeUndone, PlacementDone, QuestionAnswered, ReviewLimitSet
from tutor.learner.journal import Journal
from tutor.learner.schedule import DAY

COURSE: Course = load_course()
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


class Run(Protocol):
    def __call__(self, *arguments: str, keys: str = "", status: int = 0) -> str: ...


@pytest.fixture
def run(home: Path) -> Run:
    def tutor(*arguments: str, keys: str = "", status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tutor", *arguments],
            input=keys,
            capture_output=True,
            text=True,
            env={**os.environ, **NO_ENGINE, "DOCKER_TUTOR_HOME": str(home)},
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == status, done.stderr + done.stdout
        return done.stdout if "--json" not in arguments or arguments[0] != "quiz" else f"{done.stderr}\0{done.stdout}"

    return tutor


def journal(home: Path, ago: float = 0.0) -> Journal:
    return Journal(home / "data" / "journal.sqlite3", clock=lambda: time.time() - ago)


def wrong_answer(home: Path, number: int, ago: float) -> tuple[str, Choose]:
    """A question of a chapter that was answered wrong some time ago."""
    chapter = next(one for one in COURSE.chapters if one.chapter == number)
    question = next(
        q for part in chapter.sections if isinstance(part, Quiz) for q in part.questions if isinstance(q, Choose)
    )
    with journal(home, ago) as kept:
        kept.append(ChapterOpened(chapter=chapter.id))
        kept.append(
            QuestionAnswered(
                chapter=chapter.id, item=question.id, hash=content_hash(question), answer=("x",), credit=0.0
            )
        )
    return chapter.id, question


def test_a_quiz_through_a_pipe_and_as_json(home: Path, run: Run) -> None:
    # Whatever is drawn: letters, numbers, the end of the input.
    keys = "a\n\n" * 40
    out = run("quiz", "16", "22", "--length", "12", "--json", keys=keys)
    told, document = out.split("\0")
    found = json.loads(document)
    assert found["asked"] == len(found["questions"])
    assert "Quiz: 12 questions from chapters 16, 22." in told
    with journal(home) as kept:
        given = [entry.event for entry in kept.entries() if isinstance(entry.event, QuestionAnswered)]
    assert [(event.item, event.credit) for event in given] == [
        (one["id"], pytest.approx(one["credit"], abs=0.001)) for one in found["questions"]
    ]
    kinds = {q.id: q for c in COURSE.chapters for p in c.sections if isinstance(p, Quiz) for q in p.questions}
    for one in found["questions"]:
        assert isinstance(kinds[one["id"]], (Choose, ChooseAll, Order, SpotMistake)), "the others need an engine"
        assert one["taught"]
    assert not any(isinstance(kinds[one["id"]], (TypeCommand, ReadOutput)) for one in found["questions"])


def test_a_review_where_it_was_taught_and_the_grade_taken_back(home: Path, run: Run) -> None:
    _, question = wrong_answer(home, 22, 1.5 * DAY)
    due = json.loads(run("review", "--json"))
    assert [(one["id"], one["kind"]) for one in due["due"]] == [(question.id, "question")]
    out = run("review", keys="a\nr\nu\nb\n\n")
    assert "1 review today." in out
    assert "Taught in chapter 22" in out
    assert "The grade is taken back." in out
    assert "1 review done." in out
    assert "Nothing is due. The next review comes" in out
    with journal(home) as kept:
        kinds = [type(entry.event) for entry in kept.entries()]
    assert kinds == [ChapterOpened, QuestionAnswered, QuestionAnswered, GradeUndone, QuestionAnswered]
    assert json.loads(run("review", "--json"))["due"] == []


def test_the_limit_is_kept(home: Path, run: Run) -> None:
    wrong_answer(home, 22, 1.5 * DAY)
    assert "at most 0 reviews a day" in run("review", "--limit", "0")
    due = json.loads(run("review", "--json"))
    assert (due["due"], due["waiting"], due["limit"]) == ([], 1, 0)
    with journal(home) as kept:
        assert any(isinstance(entry.event, ReviewLimitSet) for entry in kept.entries())
    run("review", "--limit", "501", status=2)


def test_placement_through_a_pipe(home: Path, run: Run) -> None:
    out = run("placement", keys="?\n" * 12)
    assert "0 of 12 right." in out
    assert "Start with chapter 1" in out
    with journal(home) as kept:
        assert [e.event.chapter for e in kept.entries() if isinstance(e.event, PlacementDone)] == [
            COURSE.chapters[0].id
        ]
    assert "says nothing" in run("placement", keys="?\n" * 3, status=1)


def test_progress_in_lines_as_json_and_as_a_page(home: Path, run: Run, tmp_path: Path) -> None:
    assert "Begin with" in run("progress")
    wrong_answer(home, 22, 1.5 * DAY)
    out = run("progress")
    assert "Networking and ports" in out
    assert "1 due for review now" in out
    assert "the latest answer was not right" in out
    assert "${" not in out
    found = json.loads(run("progress", "--json"))
    assert found["due"] == 1
    assert len(found["chapters"]) == len(COURSE.chapters)
    page = tmp_path / "page.html"
    run("progress", "--html", str(page))
    assert page.read_text().startswith("<!doctype html>")
    assert run("progress", "--html", "-").startswith("<!doctype html>")
    run("progress", "--html", "/proc/none/page.html", status=1)


def test_a_journal_goes_to_another_machine(home: Path, run: Run, tmp_path: Path) -> None:
    _, question = wrong_answer(home, 22, 1.5 * DAY)
    file = tmp_path / "journal.jsonl"
    assert "2 events" in run("journal", "export", str(file))
    assert file.read_text() == run("journal", "export")
    (home / "data" / "journal.sqlite3").unlink()
    assert json.loads(run("journal", "import", "--json", str(file))) == {"new": 2, "known": 0}
    assert "0 events are new; 4 were here already." in run("journal", "import", str(file), str(file))
    assert json.loads(run("review", "--json"))["due"][0]["id"] == question.id
    file.write_text("nonsense")
    run("journal", "import", str(file), status=1)
    run("journal", "import", str(tmp_path / "none"), status=1)


def test_a_quiz_of_nothing_says_what_to_do(run: Run) -> None:
    run("quiz", status=1)
    run("quiz", "99", status=2)
    run("quiz", "22", "--length", "0", status=2)
