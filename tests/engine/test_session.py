"""A lab session on a real engine: opening, steps, judging, starting again, leaving, closing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tutor.course.loader import load_course
from tutor.course.models import Course, Lab, TypeCommand
from tutor.engine.connect import Engine
from tutor.engine.images import resolve
from tutor.lab import open_labs, outcome
from tutor.lab.prove.residue import residue
from tutor.lab.session import close as session_close
from tutor.lab.session.session import Session
from tutor.lab.verdict import NotYet, Passed, Unattempted
from tutor.problems import Problem

pytestmark = pytest.mark.engine

SAMPLE = Path(__file__).parent.parent / "course" / "sample"
Open = Callable[..., Session]


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(SAMPLE)


@pytest.fixture
def opened(home: Path, engine: Engine, course: Course) -> Iterator[Open]:
    """Opens the sample's lab; whatever a test leaves open is closed."""

    def call(lab: bool = True, **more: object) -> Session:
        chapter = course.chapters[0]
        section = next(part for part in chapter.sections if isinstance(part, Lab)) if lab else None
        return Session.open(course, chapter, engine=engine, lab=section, labs=SAMPLE / "labs", **more)  # type: ignore[arg-type]

    sessions: list[Session] = []

    def remembered(lab: bool = True, **more: object) -> Session:
        sessions.append(call(lab, **more))
        return sessions[-1]

    yield remembered
    for session in sessions:
        if session._serving is not None:
            session.close()
    for record in open_labs.every():
        session_close.close_lab(engine, record.lab)


def test_a_lab_from_its_beginning_to_its_receipt(opened: Open, engine: Engine) -> None:
    said: list[str] = []
    session = opened(progress=said.append)
    assert said and open_labs.find(1) == session.record
    assert (session.workspace / "greeting.txt").is_file() and (session.workspace / "prepared.txt").is_file()

    step = session.begin("start")
    assert "${" not in repr(step)
    assert session.judge() == Unattempted()
    assert session.run(step.mistakes[0].made_by).exit_code == 0
    verdict = session.judge(wait=10)
    assert isinstance(verdict, NotYet) and verdict.mistake and verdict.mistake.id == "ended"
    session.run(f"docker rm {session.bindings.names['box']}")
    session.run(step.mistakes[1].made_by)
    verdict = session.judge(wait=10)
    assert isinstance(verdict, NotYet) and verdict.mistake
    assert (verdict.mistake.id, verdict.mistake.title, verdict.mistake.chapter) == (
        "only-created",
        "Created and not started",
        1,
    )
    session.run(f"docker start {session.bindings.names['box']}")
    assert session.judge(wait=10) == Passed()

    receipt = session.close()
    assert receipt.clean and receipt.removed["containers"] == (session.bindings.names["box"],)
    assert residue(engine, session.lab_id) == ()
    assert open_labs.every() == () and not session.workspace.exists()


def test_names_and_ports_of_the_learners_and_of_other_labs_are_left_alone(opened: Open, engine: Engine) -> None:
    # Others may use this engine too: take the name that would be free.
    free = opened(lab=False)
    name = free.bindings.names["box"]
    free.close()
    existing = engine.api.create_container(resolve("shell"), ["true"], name=name)["Id"]
    try:
        first, second = opened(), opened()
        names = [name, first.bindings.names["box"], second.bindings.names["box"]]
        assert len(set(names)) == 3, "also what is kept for the first, which has made nothing yet"
        step = first.begin("start")
        assert first.run(step.solutions[0]).exit_code == 0
        assert first.judge(wait=10) == Passed()
        assert second.run("docker ps -aq").output == ""
    finally:
        engine.api.remove_container(existing, force=True)


def test_the_labs_shell_meets_the_sandbox_whatever_is_set_outside(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "nowhere")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "mine")
    session = opened(lab=False)
    ids = session.run("docker create --name box-in-shell ${X:-" + resolve("shell") + "} true").output.strip()
    labels = session.engine.api.inspect_container(ids)["Config"]["Labels"]
    assert labels["docker-tutor.lab"] == session.lab_id
    assert session.run("docker compose version && docker buildx version && echo $DOCKER_TUTOR_LAB").output.endswith(
        f"{session.lab_id}\n"
    )
    done = subprocess.run(
        session.shell_command(),
        input="docker ps -aq --no-trunc\n",
        env=session.environment(),
        cwd=session.workspace,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout.strip() == ids


def test_reset_goes_back_to_the_start_of_the_step(opened: Open) -> None:
    session = opened()
    session.go_to("write")
    inode = session.workspace.stat().st_ino
    box, keep = session.bindings.names["box"], session.bindings.names["keep"]
    session.run(
        f"docker rm -f {box}; docker volume rm {keep}; echo changed > greeting.txt; touch new; docker network create x"
    )
    receipt = session.reset()
    assert receipt.removed["networks"] == ("x",)
    assert session.step and session.step.id == "write"
    assert session.judge() == Unattempted()
    assert session.workspace.stat().st_ino == inode, "a shell may be standing in it"
    assert sorted(path.name for path in session.workspace.iterdir()) == ["greeting.txt", "prepared.txt"]
    assert session.run(session.step.solutions[0]).exit_code == 0
    assert session.judge(wait=10) == Passed()
    session.reset("start")
    assert session.judge() == Unattempted() and not session.world.containers


def test_a_lab_is_gone_on_with_where_it_was_left(opened: Open, course: Course, engine: Engine) -> None:
    session = opened()
    step = session.begin("start")
    session.run(step.mistakes[1].made_by)
    socket = Path(session.environment()["DOCKER_HOST"].removeprefix("unix://"))
    session.leave()
    assert not socket.exists()
    again = Session.resume(course, session.lab_id, engine=engine)
    try:
        assert again.serving and again.bindings == session.bindings
        assert again.begin("start") == step, "not begun a second time"
        verdict = again.judge(wait=10)
        assert isinstance(verdict, NotYet) and verdict.mistake and verdict.mistake.id == "only-created"
        again.run(f"docker start {again.bindings.names['box']}")
        assert again.judge(wait=10) == Passed()
    finally:
        again.leave()


def test_another_process_can_judge_and_run_but_not_serve(opened: Open, engine_host: str) -> None:
    session = opened()
    step = session.begin("start")
    session.run(step.mistakes[1].made_by)
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tutor.course.loader import load_course\n"
        "from tutor.engine.connect import connect\n"
        "from tutor.lab.session.session import Session\n"
        "from tutor.problems import Problem\n"
        "session = Session.resume(load_course(Path(sys.argv[1])), sys.argv[2], engine=connect())\n"
        "print(session.serving, session.judge(wait=10).mistake.id)\n"
        "print(session.run('docker start ' + session.bindings.names['box']).exit_code, session.judge(wait=10))\n"
        "for what in (lambda: session.begin('write'), session.reset, session.close):\n"
        "    try: what()\n"
        "    except Problem as problem: print(problem.code)\n"
        "session.leave()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(SAMPLE), session.lab_id],
        env={**os.environ, "DOCKER_HOST": engine_host},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == ["False only-created", "0 Passed()", *["lab-in-use"] * 3], done.stderr
    assert session.judge() == Passed() and session.serving


def test_a_lab_of_another_engine_or_half_closed_is_not_gone_on_with(
    opened: Open, course: Course, engine: Engine
) -> None:
    session = opened()
    session.leave()
    for changes, code in (({"engine": "tcp://other:1"}, "wrong-engine"), ({"state": "closing"}, "lab-closing")):
        open_labs.write(open_labs.OpenLab(**{**_fields(session.record), **changes}))
        with pytest.raises(Problem) as caught:
            Session.resume(course, session.lab_id, engine=engine)
        assert caught.value.code == code
    open_labs.write(session.record)
    with pytest.raises(Problem) as caught:
        Session.resume(course, "01-000000", engine=engine)
    assert caught.value.code == "no-such-lab"


def _fields(record: open_labs.OpenLab) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def test_a_lab_that_cannot_be_prepared_leaves_nothing(opened: Open, course: Course, engine: Engine) -> None:
    from msgspec.structs import replace

    chapter = course.chapters[0]
    lab = next(part for part in chapter.sections if isinstance(part, Lab))
    broken = replace(lab, prepare="docker create --name ${name.box} ${image.shell} true; exit 4")
    sections = tuple(broken if part is lab else part for part in chapter.sections)
    changed = replace(course, chapters=(replace(chapter, sections=sections),))
    with pytest.raises(Problem) as caught:
        Session.open(changed, changed.chapters[0], engine=engine, lab=broken, labs=SAMPLE / "labs")
    assert caught.value.code == "prepare-failed" and "exit status 4" in str(caught.value)
    assert open_labs.every() == ()
    missing = replace(lab, files="nowhere")
    with pytest.raises(Problem) as caught:
        Session.open(course, chapter, engine=engine, lab=missing, labs=SAMPLE / "labs")
    assert caught.value.code == "no-files"
    assert open_labs.every() == ()


def test_a_missing_image_is_told_before_anything_is_made(opened: Open, course: Course, engine: Engine) -> None:
    from msgspec.structs import replace

    labs = open_labs.root() / "own"
    labs.mkdir()
    (labs / "images.yaml").write_text(
        "images:\n  shell:\n    reference: not-here:1\n    about: None.\n    chapters: [1]\n    size_mb: 1\n"
        "    build: {suite: trixie}\n"
    )
    with pytest.raises(Problem) as caught:
        Session.open(course, replace(course.chapters[0]), engine=engine, labs=labs)
    assert caught.value.code == "images-missing" and "not-here:1" in str(caught.value)
    assert open_labs.every() == ()


def test_predictions_and_questions_are_answered_by_the_engine(opened: Open, course: Course) -> None:
    session = opened(lab=False)
    assert open_labs.find(1) is None, "nobody goes on with a prediction's lab"
    status, state = (part for part in course.chapters[0].sections if type(part).__name__ == "Predict")
    posed = session.pose(status)
    ran = outcome.run(session, posed)  # type: ignore[arg-type]
    assert ran.holding == ("three",) and ran.answer(posed.options).id == "three"  # type: ignore[union-attr]
    session.reset()
    ran = outcome.run(session, session.pose(state))  # type: ignore[arg-type]
    assert ran.holding == ("exited",), "not what it was for an instant"
    session.reset()
    quiz = course.chapters[0].sections[-2]
    question = next(q for q in quiz.questions if isinstance(q, TypeCommand))  # type: ignore[union-attr]
    session.pose(question)
    assert session.judge() == Unattempted()
    session.run(f"docker stop -t 0 {session.bindings.names['box']}")
    assert isinstance(session.judge(wait=10), NotYet)
    session.run(f"docker rm {session.bindings.names['box']}")
    assert session.judge(wait=10) == Passed()


def test_files_that_a_container_wrote_can_be_removed_by_one(opened: Open, engine: Engine) -> None:
    session = opened(lab=False)
    session.run(f"docker run --rm -v $PWD:/w {resolve('shell')} sh -c 'mkdir /w/deep; touch /w/deep/.x /w/..y /w/.z'")
    assert (session.workspace / "deep" / ".x").exists()
    session_close.empty_by_container(engine, session.record, session.workspace)
    assert list(session.workspace.iterdir()) == []
    assert residue(engine, session.lab_id) == ()
