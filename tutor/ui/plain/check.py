"""`check` and `reset`: an open lab from any terminal."""

from __future__ import annotations

import msgspec

from tutor.course.loader import load_course
from tutor.course.models import Lab
from tutor.engine.address import EngineAddress
from tutor.engine.connect import Engine, connect
from tutor.lab import open_labs, session_commands
from tutor.lab.open_labs import OpenLab
from tutor.lab.session import Session
from tutor.lab.session_lesson import passed
from tutor.lab.verdict import NotYet, Unavailable, Verdict
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
            session = Session.resume(load_course(), record.lab, engine=engine)
            try:
                name = _step_id(session.lab, step) or (session.step.id if session.step else "")
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
        verdicts.tell(Page(), verdict)
    return PASSED if passed(verdict) else CANNOT_TELL if isinstance(verdict, Unavailable) else NOT_YET


def reset(what: str) -> int:
    """Begin a lab again from its first step."""
    record = open_labs.read(session_commands.choose([what])[0]) or open_labs.latest()
    with _engine(record) as engine:
        session = Session.resume(load_course(), record.lab, engine=engine)
        try:
            receipt = session.reset(session.lab.steps[0].id if session.lab else None)
        finally:
            session.leave()
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


def _step_id(lab: Lab | None, step: str | None) -> str | None:
    if step is None or lab is None:
        return None
    if step.isdigit() and 1 <= int(step) <= len(lab.steps):
        return lab.steps[int(step) - 1].id
    return step
