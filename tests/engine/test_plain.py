"""Line mode as a learner uses it: whole chapters through a pipe, labs from any terminal, leaving and coming back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from plain_learner import Learner, answers, answers_to

from tutor.course.contents import heading_of
from tutor.course.loader import load_course
from tutor.course.models import Lab, Quiz
from tutor.learner.events import ChapterFinished, PredictionMade, QuestionAnswered, StepPassed, StepTried
from tutor.learner.progress import of_chapter

pytestmark = pytest.mark.engine
COURSE = load_course()


@pytest.fixture
def learner(home: Path, engine_host: str) -> Iterator[Learner]:
    one = Learner(home, engine_host)
    yield one
    assert one("close", "--all").returncode == 0


@pytest.mark.parametrize("number", [c.chapter for c in COURSE.chapters])
def test_a_whole_chapter_through_a_pipe(learner: Learner, number: int) -> None:
    chapter = next(c for c in COURSE.chapters if c.chapter == number)
    done = learner("learn", str(number), "--plain", typed=answers(chapter))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert f"Chapter {number} is done." in done.stdout, done.stdout[-3000:] + done.stderr[-2000:]
    with learner.journal as journal:
        events = [e.event for e in journal.entries()]
        progress = of_chapter(heading_of(chapter), journal.entries())
    assert any(isinstance(e, ChapterFinished) for e in events)
    steps = {s.id for section in chapter.sections if isinstance(section, Lab) for s in section.steps}
    questions = {q.id for section in chapter.sections if isinstance(section, Quiz) for q in section.questions}
    assert {e.item for e in events if isinstance(e, StepPassed)} == steps
    assert {e.item for e in events if isinstance(e, QuestionAnswered)} == questions
    unforeseen = [e.item for e in events if isinstance(e, PredictionMade) and not e.outcome]
    assert unforeseen == [], done.stdout
    assert (progress.state, progress.share, progress.updated) == ("finished", 1.0, frozenset())
    assert list((learner.home / "data" / "labs").glob("[0-9]*")) == []


def test_wrong_turns_hints_leaving_and_coming_back(learner: Learner) -> None:
    chapter = next(c for c in COURSE.chapters if c.chapter == 17)
    place = next(n for n, s in enumerate(chapter.sections) if isinstance(s, Lab))
    before = "\n".join(line for section in chapter.sections[:place] for line in [*answers_to(section), ""])
    lab = chapter.sections[place]
    assert isinstance(lab, Lab)
    name = "$(goal | grep -o '`[a-z0-9-]*`' | head -n 1 | tr -d '`')"
    mistake = f'docker run --name "{name}" ubuntu:24.04 -it bash\n'
    done = learner("learn", "17", "--plain", typed=f"{before}\nhint\n{mistake}goal\ntutor leave\n")
    assert "Not yet." in done.stdout
    assert "Flags after the image" in done.stdout, done.stdout[-3000:]
    assert lab.steps[0].title in done.stdout
    assert "Your place is kept." in done.stdout
    with learner.journal as journal:
        assert [e.event.mistake for e in journal.entries() if isinstance(e.event, StepTried)] == ["flags-after-image"]
    judged = learner("check", "17", "--json")
    assert judged.returncode == 1
    answer = json.loads(judged.stdout)
    assert (answer["verdict"], answer["mistake"], answer["step"]) == ("not-yet", "flags-after-image", lab.steps[0].id)
    assert answer["findings"]
    back = learner("learn", "17", "--plain", typed='tutor reset\neval "$(solution | sed 1d)"\ntutor leave\n')
    assert "You go on where you were" in back.stdout
    assert "The step begins again." in back.stdout
    assert "Passed" in back.stdout, back.stdout
    assert learner("check", "17", lab.steps[0].id).returncode == 0
    assert learner("check", "17", "2").returncode == 1
    closed = learner("close", "17")
    assert closed.returncode == 0
    assert "removed" in closed.stdout
    assert learner("check", "17").returncode == 2


def test_a_labs_shell_stays_open_between_calls(learner: Learner) -> None:
    image = "busybox:1.37"
    made = learner("shell", "16", "-c", f"docker run -d --name left {image} sleep 300 && echo there > note")
    assert made.returncode == 0, made.stderr
    again = learner("shell", "16", "-c", "docker ps --format '{{.Names}}'; cat note; exit 7")
    assert (again.returncode, again.stdout) == (7, "left\nthere\n"), again.stderr
    piped = learner("shell", "16", "-c", "cat | tr a-z A-Z", typed="through\n")
    assert piped.stdout == "THROUGH\n"
    trace = learner("trace", "16")
    assert "left" in trace.stdout
    assert learner("reset", "16").returncode == 0
    empty = learner("shell", "16", "-c", "docker ps -a -q; ls")
    assert empty.stdout == ""
    assert learner("close", "16").returncode == 0
    assert learner("close", "16").returncode == 1


def test_the_shell_interactively_through_a_pipe(learner: Learner) -> None:
    typed = "echo count=$(docker images -q | wc -l)\necho lab=$DOCKER_TUTOR_LAB\nnonsense-word\nexit 3\n"
    done = learner("shell", "5", typed=typed)
    assert done.returncode == 3
    lines = dict(line.split("=") for line in done.stdout.splitlines() if line.startswith(("count=", "lab=")))
    assert int(lines["count"]) > 0
    assert lines["lab"].startswith("05-")
    assert "nonsense-word: command not found" in done.stderr


def test_a_lab_without_the_lesson(learner: Learner) -> None:
    """Shell and check alone go through a lab: every passed step names the next."""
    lab = next(s for c in COURSE.chapters if c.chapter == 17 for s in c.sections if isinstance(s, Lab))
    for number, step in enumerate(lab.steps, 1):
        assert learner("check", "17", step.id).returncode != 0
        typed = 'eval "$(solution | sed 1d)"\nnext\n'
        assert learner("shell", "17", typed=typed).returncode == 0
        judged = learner("check", "17", str(number))
        assert judged.returncode == 0, judged.stdout
        if number < len(lab.steps):
            assert f"docker-tutor check 17 {lab.steps[number].id}" in judged.stdout
    assert learner("reset", "17").returncode == 0
    again = learner("shell", "17", typed="goal\n")
    assert f"Step 1 of {len(lab.steps)}" in again.stdout
