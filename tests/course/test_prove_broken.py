"""A proof finds what is wrong with a course: one broken variant of the sample after the other."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tutor.engine.address import EngineAddress
from tutor.engine.connect import Engine, connect
from tutor.lab import open_labs
from tutor.lab.prove import command, trial
from tutor.lab.prove.residue import residue
from tutor.lab.session import close as session_close
from tutor.problems import Problem

pytestmark = pytest.mark.engine

SAMPLE = Path(__file__).parent / "sample"


@pytest.fixture(scope="module")
def engine(engine_host: str) -> Iterator[Engine]:
    with connect(EngineAddress.parse(engine_host)) as connection:
        yield connection


@pytest.fixture
def prove(home: Path, tmp_path: Path, engine: Engine) -> Callable[..., dict[str, Any]]:
    """Proves the sample with one text replaced by another, and returns the JSON report."""
    limits = trial.Limits(script=8, verdict=4, rest=4)

    def call(old: str = "", new: str = "", *, keep: str = "", **more: Any) -> dict[str, Any]:
        folder = tmp_path / "course"
        shutil.copytree(SAMPLE, folder, dirs_exist_ok=True)
        file = folder / "01-sample.yaml"
        text = file.read_text()
        assert not old or text.count(old) == 1, "the variant breaks exactly one place"
        file.write_text(_only(text.replace(old, new) if old else text, keep))
        written: list[str] = []
        status = command.prove(
            [str(folder)], engine=engine, as_json=True, limits=limits, write=written.append, jobs=2, **more
        )
        report: dict[str, Any] = json.loads("".join(written))
        assert status == (0 if report["ok"] else 1)
        return report

    return call


def _only(text: str, section: str) -> str:
    """The sample with one of its tried sections only, to be quick."""
    if not section:
        return text
    head, *parts = text.split("\n  - ")
    kept = [part for part in parts if f"id: {section}" in part or part.startswith(("recap", "text"))]
    return "\n  - ".join([head, *kept])


def _failures(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(r["step"], r["attempt"], r["why"]) for r in report["results"] if r["status"] == "failed"]


def test_the_sample_is_proven(prove: Callable[..., dict[str, Any]], engine: Engine, tmp_path: Path) -> None:
    lines: list[str] = []
    report = prove(junit=tmp_path / "out" / "junit.xml", tell=lines.append)
    assert report["ok"], _failures(report)
    assert report["counts"] == {"passed": 23, "failed": 0, "skipped": 0}
    assert len(lines) == 23
    suite = ElementTree.parse(tmp_path / "out" / "junit.xml").getroot()
    assert suite.get("tests") == "23" and suite.get("failures") == "0"
    seconds = report["seconds"]
    assert seconds["busy"] == pytest.approx(
        seconds["commands"] + seconds["engine"] + seconds["settling"] + seconds["own"], rel=0.25
    )
    assert open_labs.every() == ()


BROKEN = [
    pytest.param(
        *("work", "- container: {name: \"${name.box}\", state: running, image: \"${image.shell}\"}\n", ""),
        ("start", "empty state", "passes in its empty state"),
        id="nothing to do",
    ),
    pytest.param(
        *("work", "{image.shell} sleep 1000\n          also", "{image.shell} sleep 0\n          also"),
        ("start", "solution 1", "It does not pass: it is diagnosed as `ended`."),
        id="solution does not pass",
    ),
    pytest.param(
        *("work", "sleep 1000 && docker start ${name.box}", "sleep 1000 && docker start ${name.box} && false"),
        ("start", "also 1", "It passes, but its exit status is 1, not 0."),
        id="other way ends badly",
    ),
    pytest.param(
        *("work", "state: exited}\n              say:", "image: \"${image.shell}\"}\n              say:"),
        ("start", "mistake only-created", "diagnosed as `ended`, where `only-created` is expected"),
        id="one mistake taken for another",
    ),
    pytest.param(
        *("work", "sh -c 'cat > /greeting.txt' < greeting.txt", "sh -c 'cat > /greeting.txt; sleep 99' < greeting.txt"),
        ("write", "solution 2", "It did not end within"),
        id="solution without end",
    ),
    pytest.param(
        *("work", "docker cp greeting.txt ${name.box}:/tmp/", "docker cp greeting.txt ${name.box}:/greeting.txt"),
        ("write", "mistake wrong-place", "It passes, although it makes the mistake `wrong-place`."),
        id="mistake passes",
    ),
    pytest.param(
        *("work", "docker volume rm ${name.keep}", "docker volume ls"),
        ("write", "mistake volume-gone", "gets no diagnosis, where `volume-gone` is expected"),
        id="mistake that changes nothing",
    ),
    pytest.param(
        *("work", "prepare: echo prepared > prepared.txt", "prepare: echo oh no; exit 3"),
        ("start", "empty state", "could not be prepared (exit status 3): oh no"),
        id="cannot be prepared",
    ),
    pytest.param(
        *("exit-status", "{exit_code: 0}", "{exit_code: 3, output: ''}"),
        ("exit-status", "outcome", "More than one option is what happened: three, zero."),
        id="two options are right",
    ),
    pytest.param(
        *("exit-status", "{exit_code: 3}", "{exit_code: 4}"),
        ("exit-status", "outcome", "None of the options is what happened (exit status 3)."),
        id="no option is right",
    ),
    pytest.param(
        *("quiz", "{run: \"docker stop ${name.box}\"", "{run: \"docker rm -f ${name.box}\""),
        ("stop-it", "wrong 1", "It passes, although it is listed as wrong."),
        id="wrong command passes",
    ),
    pytest.param(
        *("quiz", "state: exited}}] # known", "state: paused}}] # known"),
        ("stop-it", "wrong 2", "It is not known by what it leaves: its `when` does not hold."),
        id="wrong command is not recognised",
    ),
    pytest.param(
        *("quiz", "state: exited}}] # known", "state: [created, exited]}}] # known"),
        ("stop-it", "wrong 1", "It leaves what `when` of wrong 2 says, and would get that one's reason."),
        id="wrong command gets another's reason",
    ),
    pytest.param(
        *("quiz", "- docker container prune --force", "- docker container ls"),
        ("stop-it", "answer 2", "It does not pass."),
        id="answer does not pass",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("section", "old", "new", "expected"), BROKEN)
def test_what_is_wrong_is_told(
    prove: Callable[..., dict[str, Any]], section: str, old: str, new: str, expected: tuple[str, str, str]
) -> None:
    report = prove(old, new, keep=section)
    assert not report["ok"]
    step, attempt, words = expected
    why = [why for s, a, why in _failures(report) if (s, a) == (step, attempt)]
    assert len(why) == 1 and words in why[0], _failures(report)
    assert open_labs.every() == ()


def test_what_an_author_needs_is_shown(prove: Callable[..., dict[str, Any]]) -> None:
    report = prove(
        "${name.box} ${image.shell} true\n            - use",
        "${name.box} ${image.shell} false\n            - use",
        keep="work",
    )
    assert report["ok"], "exit status of a mistake does not matter"
    report = prove(
        "docker cp greeting.txt ${name.box}:/greeting.txt", "echo not so; docker exec ${name.box} false", keep="work"
    )
    (detail,) = [r["detail"] for r in report["results"] if (r["step"], r["attempt"]) == ("write", "solution 1")]
    for words in ("docker exec box", "exit status 1", "not so", "/greeting.txt", "not yet"):
        assert words in detail
    skipped = [r for r in report["results"] if r["status"] == "skipped"]
    assert not skipped, "the last step has none after it"


def test_an_object_that_a_lab_leaves_is_found(
    prove: Callable[..., dict[str, Any]], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clean-up that forgets volumes: the proof must not rest on the clean-up's own word."""
    from tutor.sandbox import cleanup

    original = cleanup.Engine.list

    def forgetful(self: Any, *path: str, **query: str) -> Any:
        return [] if path == ("volumes",) else original(self, *path, **query)

    monkeypatch.setattr(cleanup.Engine, "list", forgetful)
    report = prove(keep="work")
    whys = [why for _, attempt, why in _failures(report) if attempt == "leaves nothing"]
    assert whys and all("The lab left behind: volume keep" in why for why in whys)
    monkeypatch.undo()
    session_close.recover(engine)


def test_a_bystander_that_is_touched_is_found(
    prove: Callable[..., dict[str, Any]], engine: Engine, engine_host: str
) -> None:
    """A lesson that goes round the sandbox: what it does to others is seen."""
    # Only this proof's own bystander: others may be proving on the same engine.
    stop = (
        "docker run -d --name ${name.box} ${image.shell} sleep 1000; "
        "for token in $DOCKER_TUTOR_HOME/data/bystanders/*; do "
        f"docker -H {engine_host} restart -t 0 bystander-${{token##*/}}-running; done\n"
    )
    report = prove("docker run -d --name ${name.box} ${image.shell} sleep 1000\n", stop, keep="work")
    whys = [why for _, attempt, why in _failures(report) if attempt == "leaves nothing"]
    assert whys and "What is not the lab's was touched: the running container has changed" in whys[0]


def test_what_the_engine_lacks_is_skipped_with_the_reason(
    prove: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tutor.lab.prove import run

    monkeypatch.setattr(run.needs, "missing", lambda engine, need: f"No {need} here.")
    report = prove("names: [box, keep]", "names: [box, keep]\nneeds: [buildx]", keep="exit-status")
    assert [r["status"] for r in report["results"]] == ["skipped"]
    assert report["results"][0]["why"] == "No buildx here."
    assert not report["ok"], "nothing was proven"


def test_another_way_that_cannot_be_gone_here_is_skipped_alone(
    prove: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tutor.lab.prove import run

    monkeypatch.setattr(run.needs, "missing", lambda engine, need: f"No {need} here." if need == "compose" else "")
    report = prove("          also:\n", "          also:\n            - docker compose up -d\n", keep="work")
    skipped = [(r["attempt"], r["why"]) for r in report["results"] if r["status"] == "skipped"]
    assert skipped == [("also 1", "No compose here.")]
    assert report["ok"], "all else was tried and is right"


def test_needs_are_looked_for(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from msgspec import structs

    from tutor.course.loader import load_course
    from tutor.lab import needs
    from tutor.lab.session.session import Session

    monkeypatch.setattr(needs, "_found", set())
    monkeypatch.setenv("PATH", "/nowhere")
    assert needs.missing(engine, "compose") == "The docker command is not installed."
    chapter = structs.replace(load_course(SAMPLE).chapters[0], needs=("compose",))
    with pytest.raises(Problem, match="This chapter needs Docker Compose") as caught:
        Session.open(load_course(SAMPLE), chapter, engine=engine)
    assert caught.value.code == "missing-need"
    monkeypatch.undo()
    assert needs.missing(engine, "compose") == "" and needs.missing(engine, "buildx") == ""
    needs.require(engine, chapter)


def test_chapters_are_chosen_by_number_name_or_file(engine: Engine) -> None:
    from tutor.course.loader import load_course

    course = load_course(SAMPLE)
    assert command.split([str(SAMPLE), "1"]) == (SAMPLE, ["1"])
    for word in ("1", "01", "sample"):
        assert command.choose(course, [word]) == course.chapters
    with pytest.raises(Problem) as caught:
        command.choose(course, ["7"])
    assert (caught.value.code, caught.value.status) == ("no-such-chapter", 2)
    with pytest.raises(Problem) as caught:
        command.split(["./a", "./b"])
    assert caught.value.status == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_closes_all_labs(home: Path, engine: Engine, engine_host: str, number: signal.Signals) -> None:
    script = (
        "import sys\nfrom tutor.engine.connect import connect\nfrom tutor.lab.prove.command import prove\n"
        "sys.exit(prove(sys.argv[1:], engine=connect(), jobs=2))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(SAMPLE)],
        env={**os.environ, "DOCKER_HOST": engine_host},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        owner = {"label": f"docker-tutor.owner={open_labs.installation()}"}
        deadline = time.monotonic() + 30
        while not engine.api.containers(all=True, filters=owner):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        labs = [record.lab for record in open_labs.every()]
        child.send_signal(number)
        out, _ = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 130
    assert "interrupted" in out
    assert labs and open_labs.every() == ()
    assert all(residue(engine, lab) == () for lab in labs)
