"""`check` and `reset`: an open lab from any terminal."""

from __future__ import annotations

import itertools

import msgspec

from tutor.course import variables
from tutor.course.models import Lab, Step
from tutor.engine.address import EngineAddress
from tutor.engine.connect import Engine, connect
from tutor.lab import open_labs
from tutor.lab.course import learners_course
from tutor.lab.open_labs import OpenLab
from tutor.lab.session import commands as session_commands
from tutor.lab.session.lesson import passed
from tutor.lab.session.session import Session
from tutor.lab.verdict import NotYet, Unavailable, Verdict
from tutor.learner.events import LabOpened
from tutor.learner.journal import Journal
from tutor.problems import Problem
from tutor.ui.plain import verdicts
from tutor.ui.plain.page import Page

_SETTLING = 4.0  # seconds to wait for what still starts

PASSED, NOT_YET, CANNOT_TELL = 0, 1, 2


def run(chapter: int | None, step: str | None, *, as_json: bool) -> int:
    """Judge a step; the exit status is 0 passed, 1 not yet, 2 cannot tell.

    Args:
        chapter: Its number; the lab that was opened last when left out.
        step: Its id or number in the lab; the current one when left out.
        as_json: Print one JSON object: verdict, mistake, findings, chapter, step, lab.
    """
    try:
        record = open_labs.latest(chapter)
        with _engine(record) as engine:
            session = Session.resume(learners_course(), record.lab, engine=engine)
            try:
                name = _step_id(session.lab, step) or (session.step.id if session.step else "")
                if session.serving and _is_later(session, name):
                    session.begin(name)  # it may have something to prepare, and to allow
                verdict = session.judge(name, wait=_SETTLING)
            finally:
                session.leave()
    except Problem as problem:
        if not as_json:
            problem.status = CANNOT_TELL
            raise
        verdict, record, name = Unavailable(reason=str(problem)), OpenLab(lab="", chapter=chapter or 0), step or ""
    if as_json:
        print(msgspec.json.encode(_document(verdict, record, name)).decode())
    else:
        page = Page()
        verdicts.tell(page, verdict)
        if passed(verdict) and (after := _after(session.lab, name)):
            page.line(f"Next: {after.title}. {variables.bind(after.goal, session.bindings)}")
            page.line(f"Judge it with: docker-tutor check {record.chapter} {after.id}")
    return PASSED if passed(verdict) else CANNOT_TELL if isinstance(verdict, Unavailable) else NOT_YET


def reset(what: str) -> int:
    """Begin a lab again from its first step; its steps count as not passed again."""
    (lab, *_) = session_commands.choose([what])
    record = open_labs.read(lab)
    if record is None:
        raise open_labs.no_such_lab(lab)
    with _engine(record) as engine, Journal() as journal:
        session = Session.resume(learners_course(), lab, engine=engine)
        try:
            receipt = session.reset(session.lab.steps[0].id if session.lab else None)
        finally:
            session.leave()
        journal.append(LabOpened(chapter=session.chapter.id, item=record.section, lab=lab))
    for line in receipt.words():
        print(line)
    print(f"The lab of chapter {record.chapter} begins again.")
    return 0


def _document(verdict: Verdict, record: OpenLab, step: str) -> dict[str, object]:
    document: dict[str, object] = msgspec.to_builtins(verdict)
    findings = document.get("findings", [])
    diagnosis = verdict.mistake if isinstance(verdict, NotYet) else None
    return document | {
        "mistake": diagnosis.id if diagnosis else None,
        "say": diagnosis.say if diagnosis else None,
        "findings": findings,
        "chapter": record.chapter,
        "step": step,
        "lab": record.lab,
    }


def _engine(record: OpenLab) -> Engine:
    """The engine that the lab is on; in the lab's own shell DOCKER_HOST names the sandbox."""
    inside = session_commands.here()
    return connect(EngineAddress.parse(record.engine) if inside and inside.lab == record.lab else None)


def _is_later(session: Session, step: str) -> bool:
    order = [s.id for s in session.lab.steps] if session.lab else []
    now = session.step.id if session.step else ""
    return step in order and (now not in order or order.index(step) > order.index(now))


def _after(lab: Lab | None, step: str) -> Step | None:
    steps = lab.steps if lab else ()
    return next((two for one, two in itertools.pairwise(steps) if one.id == step), None)


def _step_id(lab: Lab | None, step: str | None) -> str | None:
    if step is None or lab is None:
        return None
    if step.isdigit() and 1 <= int(step) <= len(lab.steps):
        return lab.steps[int(step) - 1].id
    return step
