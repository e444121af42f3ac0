"""Polls from the course: any of its questions, and a class's misconception turned into one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tutor.course import variables
from tutor.course.models import (
    Chapter,
    Choose,
    ChooseAll,
    Course,
    Lab,
    Mistake,
    Order,
    Predict,
    Question,
    Quiz,
    ReadOutput,
    SpotMistake,
    Step,
    TypeCommand,
    UseMistake,
)
from tutor.workshop.events import PollOption, PollQuestion
from tutor.workshop.seen import MistakeView

_ORDERS = 4  # orders to choose from
_MISTAKES = 4  # explanations to choose from


def questions(chapter: Chapter) -> list[Question | Predict]:
    """What of a chapter can be asked: its predictions and its quiz."""
    found: list[Question | Predict] = []
    for section in chapter.sections:
        if isinstance(section, Predict):
            found.append(section)
        elif isinstance(section, Quiz):
            found += section.questions
    return found


def of_question(chapter: Chapter, question: Question | Predict, images: Mapping[str, str]) -> PollQuestion:
    """A question as a poll; all kinds become options to choose from.

    Args:
        chapter: The chapter it is in.
        question: A question of its quiz, or a prediction.
        images: Role → reference, for names in its text.
    """
    shown = variables.bind(question, variables.preview(chapter, images))
    match shown:
        case Choose() | ChooseAll():
            options = [PollOption(id=o.id, text=o.text, right=o.right, because=o.because or "") for o in shown.options]
            return PollQuestion(ask=shown.ask, options=tuple(options), several=isinstance(shown, ChooseAll))
        case Order():
            return _order(shown)
        case TypeCommand():
            texts = [PollOption(id="right", text=_code(shown.answers[0]), right=True)]
            texts += [
                PollOption(id=f"wrong-{n}", text=_code(w.run), right=False, because=w.because)
                for n, w in enumerate(shown.wrong, 1)
            ]
            if len(texts) < 2:
                texts.append(PollOption(id="other", text="Another command", right=False))
            return PollQuestion(ask=shown.ask, options=_mixed(texts, shown.id))
        case SpotMistake():
            lines = [
                PollOption(
                    id=f"line-{n}",
                    text=f"{n}  {line}",
                    right=n == shown.line,
                    because=shown.because if n == shown.line else shown.distractors.get(str(n), ""),
                )
                for n, line in enumerate(shown.content.splitlines(), 1)
                if line.strip()
            ]
            return PollQuestion(ask=f"{shown.ask}\n\n{shown.file}", options=tuple(lines))
        case ReadOutput() | Predict():
            # Which one it is, only an engine can tell: run it after the poll.
            guesses = [PollOption(id=g.id, text=g.text) for g in shown.options]
            return PollQuestion(ask=f"{shown.ask}\n\n{shown.run.strip()}", options=tuple(guesses))


def of_mistake(course: Course, seen: MistakeView, images: Mapping[str, str]) -> PollQuestion | None:
    """A misconception as a poll: what was typed, and which of the step's explanations fits.

    Returns:
        None where the step has no other mistake to choose between.
    """
    chapter = next((chapter for chapter in course.chapters if chapter.id == seen.chapter), None)
    step = next((one for one in steps(chapter) if one.id == seen.step), None) if chapter else None
    if chapter is None or step is None:
        return None
    bindings = variables.preview(chapter, images)
    says: dict[str, str] = {}
    typed = ""
    for mistake in step.mistakes:
        identity = mistake.id if isinstance(mistake, Mistake) else mistake.use
        says[identity] = variables.bind(_say(course, mistake), bindings, _with(mistake))
        if identity == seen.mistake:
            typed = variables.bind(mistake.made_by, bindings)
    if seen.mistake not in says or len(set(says.values())) < 2:
        return None
    others = [(identity, say) for identity, say in says.items() if identity != seen.mistake][: _MISTAKES - 1]
    options = [PollOption(id=seen.mistake, text=says[seen.mistake], right=True)]
    options += [PollOption(id=identity, text=say, right=False) for identity, say in others]
    goal = variables.bind(step.goal, bindings)
    ask = f"{goal}\n\nSomebody did this, and it is not right yet. What is the matter?\n\n{typed.strip()}"
    return PollQuestion(ask=ask, options=_mixed(options, seen.mistake))


def steps(chapter: Chapter) -> list[Step]:
    """The steps of a chapter's labs."""
    return [step for section in chapter.sections if isinstance(section, Lab) for step in section.steps]


def _say(course: Course, mistake: Mistake | UseMistake) -> str:
    if isinstance(mistake, UseMistake):
        return mistake.say or course.mistakes[mistake.use].say
    return mistake.say


def _with(mistake: Mistake | UseMistake) -> Mapping[str, str]:
    return mistake.with_ if isinstance(mistake, UseMistake) else {}


def _order(question: Order) -> PollQuestion:
    right = [item.text for item in question.items]
    orders = [right]
    chance = Random(question.id)
    for _ in range(50):
        if len(orders) == _ORDERS:
            break
        other = list(right)
        chance.shuffle(other)
        if other not in orders:
            orders.append(other)
    options = [
        PollOption(id=f"order-{n}", text=" → ".join(order), right=order is right) for n, order in enumerate(orders)
    ]
    return PollQuestion(ask=question.ask, options=_mixed(options, question.id))


def _mixed(options: list[PollOption], seed: str) -> tuple[PollOption, ...]:
    """In an order that does not give the right one away, and is the same at every time it is asked."""
    mixed = list(options)
    Random(seed).shuffle(mixed)
    return tuple(mixed)


def _code(script: str) -> str:
    return script.strip()
