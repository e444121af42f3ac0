"""Grading: an answer and a question give a grade with its reasons. Pure.

Questions that are answered by running something (`type_command`, `read_output`) are judged by the lab
(`tutor.quiz.run`); here they are only told apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tutor.course.models import Choose, ChooseAll, Order, SpotMistake


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer is worth.

    Attributes:
        credit: 1.0 is right; between is partly right; 0.0 is wrong.
        reasons: One sentence each: why what was chosen is wrong, or what was missed.
        right_answer: The right answer in words.
    """

    credit: float
    reasons: tuple[str, ...] = ()
    right_answer: str = ""

    @property
    def right(self) -> bool:
        """Whether nothing is missing and nothing is wrong."""
        return self.credit >= 1.0


def choose(question: Choose, option: str) -> Grade:
    """Grade one chosen option, by id."""
    by_id = {o.id: o for o in question.options}
    right = next(o for o in question.options if o.right)
    chosen = by_id[option]
    reasons = (chosen.because,) if chosen.because else ()
    return Grade(credit=float(chosen.right), reasons=reasons, right_answer=right.text)


def choose_all(question: ChooseAll, options: Sequence[str]) -> Grade:
    """Grade the chosen options, by id: each option that is rightly chosen or rightly left counts the same."""
    chosen = set(options)
    wrong = [o for o in question.options if o.right != (o.id in chosen)]
    reasons = tuple(
        f"{o.text} — {o.because}"
        if o.because
        else f"{o.text} — this {'belongs' if o.right else 'does not belong'} to it."
        for o in wrong
    )
    credit = 1 - len(wrong) / len(question.options)
    if not chosen or (all(o.id in chosen for o in question.options) and wrong):
        credit = 0.0  # nothing or everything ticked tells nothing
    return Grade(credit=credit, reasons=reasons, right_answer="; ".join(o.text for o in question.options if o.right))


def order(question: Order, items: Sequence[str]) -> Grade:
    """Grade an order of item ids: full credit for the right one, else by the share of pairs in the right order."""
    right = [item.id for item in question.items]
    answer = "; ".join(f"{n}. {item.text}" for n, item in enumerate(question.items, 1))
    if list(items) == right:
        return Grade(credit=1.0, right_answer=answer)
    rank = {item: n for n, item in enumerate(right)}
    places = [rank[item] for item in items if item in rank]
    pairs = [(a, b) for n, a in enumerate(places) for b in places[n + 1 :]]
    total = len(right) * (len(right) - 1) // 2
    credit = min(sum(a < b for a, b in pairs) / total, 0.99) if total else 0.0
    first = next((n for n, (a, b) in enumerate(zip(items, right, strict=False)) if a != b), len(items))
    text = {item.id: item for item in question.items}
    expected = text[right[min(first, len(right) - 1)]]
    reason = f"Place {first + 1} is “{expected.text}”." + (f" {expected.because}" if expected.because else "")
    return Grade(credit=credit if credit >= 0.5 else 0.0, reasons=(reason,), right_answer=answer)


def spot_mistake(question: SpotMistake, line: int) -> Grade:
    """Grade the number of the line that was pointed at, from 1."""
    shown = question.content.splitlines()[question.line - 1].strip()
    answer = f"Line {question.line}: {shown}"
    if line == question.line:
        return Grade(credit=1.0, reasons=(question.because,), right_answer=answer)
    why = question.distractors.get(str(line), f"Line {line} is all right.")
    return Grade(credit=0.0, reasons=(why, question.because), right_answer=answer)
