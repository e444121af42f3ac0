"""What an answer, or a live task that was done, becomes in the journal."""

from __future__ import annotations

from collections.abc import Iterable

from tutor.course.identity import content_hash
from tutor.course.models import Chapter, Predict, Question, Step
from tutor.learner.events import (
    AnyEvent,
    HintOpened,
    PredictionMade,
    QuestionAnswered,
    SolutionOpened,
    StepPassed,
    StepTried,
    TaskReviewed,
)
from tutor.quiz.grade import Grade


def answered(
    chapter: Chapter, asked: Question | Predict, answer: tuple[str, ...], grade: Grade, outcome: str = ""
) -> QuestionAnswered | PredictionMade:
    """An answer.

    Args:
        asked: The question as the course has it: bound values differ from machine to machine.
        answer: Ids of what was chosen, or a line's number; empty for a typed command.
        outcome: For a prediction: id of the option that it was.
    """
    if isinstance(asked, Predict):
        return PredictionMade(
            chapter=chapter.id,
            item=asked.id,
            hash=content_hash(asked),
            option=answer[0],
            outcome=outcome,
            right=grade.right,
        )
    return QuestionAnswered(
        chapter=chapter.id, item=asked.id, hash=content_hash(asked), answer=answer, credit=grade.credit
    )


def reviewed(chapter: Chapter, step: Step, happened: Iterable[AnyEvent]) -> TaskReviewed:
    """A live task, from what happened while it was worked on."""
    mistakes: dict[str, None] = {}
    passed = solution = False
    hints = 0
    for event in happened:
        if event.item != step.id:
            continue
        match event:
            case StepTried(mistake=mistake) if mistake and not passed:
                mistakes[mistake] = None
            case StepPassed():
                passed = True
            case HintOpened(number=number) if not passed:
                hints = max(hints, number)
            case SolutionOpened() if not passed:
                solution = True
            case _:
                pass
    return TaskReviewed(
        chapter=chapter.id,
        item=step.id,
        hash=content_hash(step),
        passed=passed,
        mistakes=tuple(mistakes),
        hints=hints,
        solution=solution,
    )


def words(done: TaskReviewed) -> tuple[bool, str]:
    """Whether a live task was done by the learner, and what is said of it."""
    if not done.passed or done.solution:
        return False, "Not done by yourself; it comes back tomorrow."
    if done.mistakes:
        return True, "Done, after a wrong turn. It comes back soon."
    return True, "Done, with a hint. It comes back soon." if done.hints else "Done."
