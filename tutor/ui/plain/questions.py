"""Questions with fixed answers, asked in lines: show, read an answer, say right or wrong and why."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from tutor.course.models import Choose, ChooseAll, Guess, Item, Option, Order, SpotMistake
from tutor.quiz import grade
from tutor.quiz.grade import Grade
from tutor.ui.plain import ask
from tutor.ui.plain.page import Page

T = TypeVar("T", Option, Guess, Item)

FixedQuestion = Choose | ChooseAll | Order | SpotMistake


def put(page: Page, question: FixedQuestion, shuffle: random.Random) -> tuple[tuple[str, ...], Grade]:
    """Ask a question; the answer (ids, or a line's number) and its grade, both already told to the learner.

    Raises:
        InputEnded: The input ended before an answer came.
    """
    answer, result = take(page, question, shuffle)
    tell(page, result)
    if question.explain:
        page.markdown(question.explain)
    return answer, result


def take(
    page: Page, question: FixedQuestion, shuffle: random.Random, *, may_pass: bool = False
) -> tuple[tuple[str, ...], Grade]:
    """Ask a question and say nothing of the answer.

    Args:
        may_pass: Whether "I do not know" is an answer: no ids, no credit.

    Raises:
        InputEnded: The input ended before an answer came.
    """
    page.markdown(question.ask)
    page.line()
    nothing = (), Grade(credit=0.0)
    match question:
        case Choose():
            options = listed(page, question.options, shuffle)
            picks = ask.choice(len(options), "Your answer: ", may_pass=may_pass)
            if not picks:
                return nothing
            chosen = options[picks[0]]
            return (chosen.id,), grade.choose(question, chosen.id)
        case ChooseAll():
            options = listed(page, question.options, shuffle)
            picks = ask.choice(len(options), "All that are right, such as a c: ", several=True, may_pass=may_pass)
            answer = tuple(options[n].id for n in picks)
            return (answer, grade.choose_all(question, answer)) if answer else nothing
        case Order():
            items = listed(page, question.items, shuffle)
            answer = _order(page, items, may_pass=may_pass)
            return (answer, grade.order(question, answer)) if answer else nothing
        case SpotMistake():
            lines = question.content.splitlines()
            page.line(question.file, "bold")
            page.raw("\n".join(f"{n:>2}  {line}" for n, line in enumerate(lines, 1)))
            line = ask.number(len(lines), "Number of the wrong line: ", may_pass=may_pass)
            return ((str(line),), grade.spot_mistake(question, line)) if line else nothing


def listed(page: Page, options: Sequence[T], shuffle: random.Random) -> list[T]:
    """Show options in a random order, lettered; returns them in that order."""
    shown = list(options)
    shuffle.shuffle(shown)
    for letter, option in zip("abcdefgh", shown, strict=False):
        page.item(f"  {letter})", option.text)
    return shown


def tell(page: Page, result: Grade) -> None:
    """Say whether an answer was right, why not, and what is right."""
    page.line()
    if result.right:
        page.item("✔", "Right.", "bold green")
    elif result.credit > 0:
        page.item("◐", f"Partly right: {result.credit:.0%}.", "bold yellow")
    else:
        page.item("✘", "Not right.", "bold red")
    for reason in result.reasons:
        page.line(reason, indent=2)
    if not result.right and result.right_answer:
        page.line(f"Right: {result.right_answer}", indent=2)


def _order(page: Page, items: Sequence[Item], *, may_pass: bool) -> tuple[str, ...]:
    while True:
        picks = ask.choice(len(items), "All letters, first to last: ", several=True, may_pass=may_pass)
        if len(picks) == len(items) or not picks:
            return tuple(items[n].id for n in picks)
        page.line(f"Please give all {len(items)} letters, each once.")
