"""Questions: right answers that are right, wrong ones with their reason, and none that gives itself away."""

from __future__ import annotations

from collections.abc import Iterator

from tutor.course.lint import _walk
from tutor.course.lint.remark import Context, Path, Remark, error, warning
from tutor.course.models import Chapter, Choose, ChooseAll, Option, Order, Outcome, Quiz, SpotMistake, TypeCommand

POOL = (4, 8)
"""How many questions a quiz has."""


def pools(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """A quiz has four to eight questions."""
    for path, quiz in _walk.quizzes(chapter):
        count = len(quiz.questions)
        if count < POOL[0]:
            wrong = f"the quiz has {count} question{'s' if count != 1 else ''}"
            yield error("small-pool", (*path, "questions"), wrong, f"write {POOL[0]} to {POOL[1]}")
        elif count > POOL[1]:
            yield warning("large-pool", (*path, "questions"), f"the quiz has {count} questions", "keep eight of them")


def answers(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """Each kind of question has what it needs to be graded and explained."""
    for path, question in _walk.questions(chapter):
        if isinstance(question, (Choose, ChooseAll)):
            yield from _options(question, path)
        elif isinstance(question, Order):
            yield from _distinct([item.text for item in question.items], (*path, "items"), "text")
        elif isinstance(question, TypeCommand):
            yield from _commands(question, path)
        elif isinstance(question, SpotMistake):
            yield from _spot(question, path)


def _options(question: Choose | ChooseAll, path: Path) -> Iterator[Remark]:
    right = [option for option in question.options if option.right]
    at = (*path, "options")
    if isinstance(question, Choose) and len(right) != 1:
        found = "no option is right" if not right else f"{len(right)} options are right"
        fix = "mark exactly one with `right: true`" if not right else "keep one, or make the question a `choose_all`"
        yield error("right-answers", at, found, fix)
    elif not right:
        yield error("right-answers", at, "no option is right", "mark each right one with `right: true`")
    elif isinstance(question, ChooseAll) and len(right) == len(question.options):
        yield warning("right-answers", at, "every option is right", "add one that is wrong")
    for place, option in enumerate(question.options):
        if not option.right and option.because is None:
            wrong = f"the wrong option `{option.id}` has no reason"
            yield error("no-reason", (*at, place), wrong, "say under `because` why it is wrong")
    yield from _distinct([option.text for option in question.options], at, "text")


def _distinct(texts: list[str], path: Path, key: str) -> Iterator[Remark]:
    seen: list[str] = []
    for place, text in enumerate(texts):
        flat = " ".join(text.lower().split())
        if flat in seen:
            yield error("same-text", (*path, place, key), "another one reads the same", "write something different")
        seen.append(flat)


def _commands(question: TypeCommand, path: Path) -> Iterator[Remark]:
    if not question.wrong:
        right = "add commands that learners may well type, each with its reason"
        yield warning("no-wrong-command", path, "no wrong command is tried", right)
    right_ones = {" ".join(answer.split()) for answer in question.answers}
    for place, wrong in enumerate(question.wrong):
        if " ".join(wrong.run.split()) in right_ones:
            at = (*path, "wrong", place, "run")
            yield error("wrong-is-right", at, "this command is one of the answers", "keep it in one place")


def _spot(question: SpotMistake, path: Path) -> Iterator[Remark]:
    count = len(question.content.rstrip("\n").split("\n"))
    if question.line > count:
        wrong = f"line {question.line} is the mistake, and the file has {count}"
        yield error("no-such-line", (*path, "line"), wrong, f"write 1 to {count}")
    for key in question.distractors:
        at = (*path, "distractors", key)
        if not key.isascii() or not key.isdecimal() or not 1 <= int(key[:9]) <= count:
            yield error("no-such-line", at, f"the file has no line `{key}`", f'write "1" to "{count}"', key=True)
        elif int(key) == question.line:
            yield error(
                "no-such-line", at, f"line {key} is the mistake itself", "give reasons for other lines", key=True
            )
    if not question.distractors:
        right = "say under `distractors` why a line that looks wrong is not"
        yield warning("no-distractor", path, "no other line has a reason", right)


def outcomes(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """The options of a prediction can be told apart by what the engine answers."""
    for path, part in _walk.guesses(chapter):
        seen: list[Outcome] = []
        for place, option in enumerate(part.options):
            at = (*path, "options", place, "when")
            if option.when == Outcome():
                yield error("no-outcome", at, "every outcome fits this option", "add `exit_code`, `output` or `state`")
            elif option.when in seen:
                yield error("same-outcome", at, "another option has the same outcome", "say what tells them apart")
            seen.append(option.when)
        yield from _distinct([option.text for option in part.options], (*path, "options"), "text")


def give_aways(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """The right answer is not known by its length or by its place."""
    for path, quiz in _walk.quizzes(chapter):
        asked = [
            ((*path, "questions", place, "choose"), question)
            for place, question in enumerate(quiz.questions)
            if isinstance(question, Choose) and sum(option.right for option in question.options) == 1
        ]
        longest = 0
        for at, question in asked:
            right, others = _lengths(question.options)
            longest += right > max(others)
            if right > 1.6 * max(others) and right - max(others) > 25:
                wrong = "the right answer is much longer than all others"
                place = next(place for place, option in enumerate(question.options) if option.right)
                yield error("gives-away", (*at, "options", place, "text"), wrong, "make the options alike in length")
        yield from _pattern(path, quiz, asked, longest)


def _pattern(path: Path, quiz: Quiz, asked: list[tuple[Path, Choose]], longest: int) -> Iterator[Remark]:
    if len(asked) < POOL[0]:
        return
    if longest == len(asked):
        wrong = f"in all {longest} questions the longest answer is the right one"
        yield error("gives-away", (*path, "questions"), wrong, "lengthen a wrong answer, shorten a right one")
    places = {next(place for place, one in enumerate(question.options) if one.right) for _, question in asked}
    if len(places) == 1:
        wrong = f"in all {len(asked)} questions answer {places.pop() + 1} is the right one"
        yield error("gives-away", (*path, "questions"), wrong, "put right answers in different places")


def _lengths(options: tuple[Option, ...]) -> tuple[int, list[int]]:
    right = next(len(option.text) for option in options if option.right)
    return right, [len(option.text) for option in options if not option.right]


RULES = (pools, answers, outcomes, give_aways)
