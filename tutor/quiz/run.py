"""Questions that are answered by running something, in a sandbox of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tutor.course.models import Chapter, Course, Guess, Predict, ReadOutput, TypeCommand
from tutor.engine.connect import Engine
from tutor.lab import outcome
from tutor.lab.outcome import Ran
from tutor.lab.session.lesson import reasons
from tutor.lab.session.run import Completed
from tutor.lab.session.session import Session
from tutor.lab.verdict import Passed, Unavailable
from tutor.problems import Problem
from tutor.quiz.grade import Grade

_LIMIT = 90.0  # seconds for a typed command
_SETTLING = 10.0  # seconds for what it started to come to rest


@contextmanager
def sandbox(course: Course, chapter: Chapter, engine: Engine) -> Iterator[Session]:
    """A session for one question or prediction; everything it makes is gone afterwards.

    Raises:
        Problem: It cannot be opened.
    """
    session = Session.open(course, chapter, engine=engine, keep=False)
    try:
        yield session
    finally:
        session.close()


def typed(session: Session, question: TypeCommand, command: str) -> tuple[Grade, Completed]:
    """Run the learner's command in a posed question's sandbox and grade the state it leaves.

    Args:
        question: As `Session.pose` returned it.
        command: What the learner typed.

    Raises:
        Problem: The engine is gone.
    """
    completed = session.run(command, timeout=_LIMIT)
    verdict = session.judge(wait=_SETTLING)
    if isinstance(verdict, Unavailable):
        raise Problem(verdict.reason, "See `docker tutor doctor`.", code="engine-gone", status=2)
    right = question.answers[0].strip()
    if isinstance(verdict, Passed):
        return Grade(credit=1.0, right_answer=right), completed
    return Grade(credit=0.0, reasons=reasons(question, command, verdict), right_answer=right), completed


def compared(session: Session, question: Predict | ReadOutput, option: str) -> tuple[Grade, Ran, Guess | None]:
    """Run a posed prediction and compare the learner's option with the engine's own answer.

    Args:
        question: As `Session.pose` returned it.
        option: Id of the option that the learner chose.

    Returns:
        The grade; what happened; the option that it was (None where none fits).

    Raises:
        Problem: The engine is gone.
    """
    ran = outcome.run(session, question)
    happened = ran.answer(question.options)
    chosen = next(o for o in question.options if o.id == option)
    if happened is None:
        return Grade(credit=0.0, reasons=("The engine did something that none of the options says.",)), ran, None
    reasons = (chosen.because,) if chosen.id == happened.id else (chosen.because, happened.because)
    grade = Grade(credit=float(chosen.id == happened.id), reasons=reasons, right_answer=happened.text)
    return grade, ran, happened
