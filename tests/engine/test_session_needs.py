"""A step that needs what this machine lacks is passed over, in words, and the rest of the lab can be done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs
from rich.console import Console

from tutor.course.loader import load_course
from tutor.course.models import Course, Lab
from tutor.engine.connect import Engine
from tutor.lab import needs
from tutor.lab.session.session import Session
from tutor.ui.plain.guide import Guide
from tutor.ui.tui.lesson.steps import LabPage

pytestmark = pytest.mark.engine

SAMPLE = Path(__file__).parent.parent / "course" / "sample"


def _needing(place: int) -> tuple[Course, Lab]:
    """The sample, with Compose needed by one step of its lab."""
    course = load_course(SAMPLE)
    chapter = course.chapters[0]
    at, lab = next((n, part) for n, part in enumerate(chapter.sections) if isinstance(part, Lab))
    steps = list(lab.steps)
    steps[place] = structs.replace(steps[place], needs=("compose",))
    lab = structs.replace(lab, steps=tuple(steps))
    sections = (*chapter.sections[:at], lab, *chapter.sections[at + 1 :])
    return structs.replace(course, chapters=(structs.replace(chapter, sections=sections),)), lab


@pytest.mark.parametrize("place", [0, -1])
def test_a_step_that_cannot_be_done_here_is_passed_over(
    home: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    monkeypatch.setattr(needs, "missing", lambda engine, need: f"No {need} here.")
    course, lab = _needing(place)
    session = Session.open(course, course.chapters[0], engine=engine, lab=lab, labs=SAMPLE / "labs", keep=False)
    try:
        assert session.left_out() == {lab.steps[place].id: "This step needs Docker Compose. No compose here."}
        others = {step.id for step in lab.steps} - {lab.steps[place].id}
        console = Console(width=200)
        guide = Guide(session, lab, others - {lab.steps[1].id} if place == 0 else set(), lambda event: None, console)
        said = guide.begin()
        if place == 0:
            assert "Step 1 is left out: This step needs Docker Compose. No compose here." in " ".join(said.split())
            assert session.step is not None and session.step.id == lab.steps[1].id
        assert not guide.finished
        guide.passed |= others
        assert guide.finished

        page = LabPage(lab)
        page.left_out = session.left_out()
        assert page.waiting == next(step.id for step in lab.steps if step.id in others)
        page.passed |= others
        assert page.finished and page.waiting is None
    finally:
        session.close()


def test_a_step_that_can_be_done_here_is_there(home: Path, engine: Engine) -> None:
    course, lab = _needing(0)
    session = Session.open(course, course.chapters[0], engine=engine, lab=lab, labs=SAMPLE / "labs", keep=False)
    try:
        assert session.left_out() == {}
        assert session.begin(lab.steps[0].id).id == lab.steps[0].id
    finally:
        session.close()


def test_with_an_old_engine_labs_build_with_its_other_builder(
    home: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    course, lab = _needing(0)
    session = Session.open(course, course.chapters[0], engine=engine, lab=lab, labs=SAMPLE / "labs", keep=False)
    try:
        assert "DOCKER_BUILDKIT" not in session.environment()
        monkeypatch.setattr(engine, "version", replace(engine.version, engine="20.10.24", api="1.41"))
        assert session.environment()["DOCKER_BUILDKIT"] == "0"
        words = "This step needs BuildKit. Engine 20.10.24 is older than 24: labs build with its other builder there."
        assert needs.lacking(engine, ["buildkit"], "step") == words
    finally:
        session.close()


def test_whether_privileged_containers_can_be_started_is_tried(engine: Engine) -> None:
    def there() -> set[str]:
        return {one["Id"] for one in engine.api.containers(all=True)}

    before = there()
    assert needs.missing(engine, "privileged") in {"", needs.NOT_PRIVILEGED}
    assert there() == before
