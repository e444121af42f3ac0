"""Whenever a tutor dies, the next start can go on with the lab or clean it up, and nothing else is touched."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tutor.course.loader import load_course
from tutor.engine.connect import Engine
from tutor.lab import open_labs
from tutor.lab.prove.residue import residue
from tutor.lab.session import close as session_close
from tutor.lab.session import setup as session_setup
from tutor.lab.session.session import Session
from tutor.lab.verdict import Passed

pytestmark = pytest.mark.engine

SAMPLE = Path(__file__).parent.parent / "course" / "sample"
CHILD = Path(__file__).parent / "session_child.py"


def _run(engine_host: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(CHILD), *arguments],
        env={**os.environ, "DOCKER_HOST": engine_host},
        capture_output=True,
        text=True,
        timeout=120,
    )


def _everything(engine: Engine) -> set[str]:
    """Everything that carries a label of this test's installation, and its built image."""
    owner = {"label": f"docker-tutor.owner={open_labs.installation()}"}
    api = engine.api
    found = {c["Id"] for c in api.containers(all=True, filters=owner)} | {n["Id"] for n in api.networks(filters=owner)}
    found |= {v["Name"] for v in api.volumes(filters=owner)["Volumes"] or ()}
    claims = {"label": f"docker-tutor.claim.owner={open_labs.installation()}"}
    found |= {v["Name"] for v in api.volumes(filters=claims)["Volumes"] or ()}
    return found | {i["Id"] for i in api.images(f"built-{open_labs.installation()}")}


@pytest.fixture(autouse=True)
def _nothing_stays(home: Path, engine: Engine) -> Iterator[None]:
    """Whatever fails, this test's labs go."""
    yield
    session_close.recover(engine)
    for record in open_labs.every():
        session_close.close_lab(engine, record.lab)


POINTS = [
    ("tutor.lab.session.setup:Serving", "before", "closed"),
    ("tutor.lab.session.setup:Serving", "after", "closed"),
    ("tutor.sandbox.claims:Claims.take", "1", "closed"),
    ("tutor.sandbox.claims:Claims.take", "2", "closed"),
    ("tutor.lab.open_labs:write", "1", "closed"),
    ("tutor.lab.session.workspace:fill", "after", "closed"),
    ("tutor.lab.session.serve:start", "after", "closed"),
    ("tutor.lab.session.core:SessionCore._prepare", "before", "closed"),
    ("tutor.lab.session.core:SessionCore._prepare", "1", "closed"),
    ("tutor.lab.session.core:SessionCore._prepare", "2", "left"),
    ("tutor.lab.session.mark:write", "before", "left"),
    ("tutor.lab.session.mark:write", "2", "left"),
    ("tutor.lab.session.core:SessionCore.run", "3", "left"),
    ("tutor.lab.session.core:SessionCore.run", "5", "left"),
    ("tutor.lab.session.close:finish", "before", "closed"),
    ("tutor.sandbox.cleanup:_Closing._containers", "after", "closed"),
    ("tutor.sandbox.cleanup:_Closing._images", "before", "closed"),
    ("tutor.sandbox.claims:Claims.release", "before", "closed"),
    ("tutor.lab.open_labs:forget", "before", "closed"),
    ("tutor.lab.open_labs:forget", "after", "nothing"),
]


@pytest.mark.parametrize(("where", "when", "then"), POINTS, ids=[f"{w.partition(':')[2]}-{n}" for w, n, _ in POINTS])
def test_killed_at_any_point(home: Path, engine: Engine, engine_host: str, where: str, when: str, then: str) -> None:
    done = _run(engine_host, where, when)
    assert done.returncode == -signal.SIGKILL, done.stderr + done.stdout
    known = [record.lab for record in open_labs.every()]
    assert len(known) == (then != "nothing")
    assert open_labs.orphans() == open_labs.every(), "its right to serve died with it"
    recovery = session_close.recover(engine)
    assert (len(recovery.closed), len(recovery.left)) == {"closed": (1, 0), "left": (0, 1), "nothing": (0, 0)}[then]
    for record in recovery.left:
        _goes_on(engine, record.lab)
    assert open_labs.every() == () and _everything(engine) == set()
    for lab in known:
        assert residue(engine, lab) == ()
        assert not session_setup.socket(lab).parent.exists()
    assert session_close.recover(engine) == session_close.Recovery()


def _goes_on(engine: Engine, lab: str) -> None:
    """The lab works: from its step's start on, the step can be done."""
    session = Session.resume(load_course(SAMPLE), lab, engine=engine)
    session.reset("write")
    assert session.step is not None
    assert session.run(session.step.solutions[0]).exit_code == 0
    assert session.judge(wait=10) == Passed()
    session.close()


def test_without_being_killed_it_survives(home: Path, engine: Engine, engine_host: str) -> None:
    done = _run(engine_host, "tutor.lab.open_labs:forget", "99")
    assert done.stdout == "survived\n", done.stderr
    assert open_labs.every() == () and _everything(engine) == set()


def test_a_lab_whose_folder_was_thrown_away_is_found_by_its_labels(
    home: Path, engine: Engine, engine_host: str
) -> None:
    _run(engine_host, "tutor.lab.session.core:SessionCore.run", "5")
    (record,) = open_labs.every()
    shutil.rmtree(open_labs.folder(record.lab))
    assert _everything(engine)
    recovery = session_close.recover(engine)
    assert [receipt.lab for receipt in recovery.closed] == [record.lab]
    assert set(recovery.closed[0].removed) >= {"containers", "networks", "volumes"}
    # Without the lab's record nobody can tell that the learner has not built something of their own on the image.
    (image,) = _everything(engine)
    engine.api.remove_image(image, force=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_leave_a_lab_that_can_be_resumed_or_cleaned(
    home: Path, engine: Engine, engine_host: str, number: signal.Signals
) -> None:
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from tutor.course.loader import load_course\nfrom tutor.course.models import Lab\n"
        "from tutor.engine.connect import connect\nfrom tutor.lab.session.session import Session\n"
        f"sample = Path({str(SAMPLE)!r})\ncourse = load_course(sample)\n"
        "lab = next(part for part in course.chapters[0].sections if isinstance(part, Lab))\n"
        "session = Session.open(course, course.chapters[0], engine=connect(), lab=lab, labs=sample / 'labs')\n"
        "session.begin('start')\n"
        "session.run('docker run --rm busybox:1.37 sleep 1000')\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "DOCKER_HOST": engine_host}, stderr=subprocess.DEVNULL
    )
    try:
        _until(lambda: bool(engine.api.containers(filters={"label": f"docker-tutor.owner={open_labs.installation()}"})))
        child.send_signal(number)
        assert child.wait(30) != 0
    finally:
        child.kill()
        child.wait()
    (record,) = session_close.recover(engine).left
    assert record.step == "start"
    _goes_on(engine, record.lab)
    assert _everything(engine) == set()


def _until(condition: Callable[[], bool], limit: float = 30.0) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
