"""Questions: right answers that are right, wrong ones with their reason, and none that gives itself away."""

from __future__ import annotations

from collections.abc import Iterator

from tutor.course.lint import _walk
from tutor.course.lint.remark import Context, Remark, error, warning
from tutor.course.models import Chapter, Choose, ChooseAll, Option, Order, Outcome, Quiz, SpotMistake, TypeCommand
from tutor.course.walk import Path

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
        yield error("no-wrong-command", path, "no wrong command is tried", right)
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
        yield error("no-distractor", path, "no other line has a reason", right)


def taught(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """Every question names the section that taught it, and that section comes before it."""
    place_of = {section.id: place for place, (_, section) in enumerate(_walk.sections(chapter))}
    for path, question in _walk.questions(chapter):
        if question.taught is None:
            wrong = "it is not said where this was taught"
            yield error(
                "no-taught", path, wrong, "name the section under `taught`: the learner goes there to read it again"
            )
        # A section that there is not is another rule's.
        elif place_of.get(question.taught, -1) >= int(path[1]):
            wrong = f"`{question.taught}` comes after this question"
            yield error("taught-later", (*path, "taught"), wrong, "name a section before the quiz, or move the quiz")


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
    for path, several in _walk.questions(chapter):
        if isinstance(several, ChooseAll):
            yield from _all_longer(path, several)


def _all_longer(path: Path, question: ChooseAll) -> Iterator[Remark]:
    right = [len(option.text) for option in question.options if option.right]
    others = [len(option.text) for option in question.options if not option.right]
    if right and others and min(right) > 1.5 * max(others) and min(right) - max(others) > 12:
        wrong = "every right answer is much longer than every wrong one"
        yield error("gives-away", (*path, "options"), wrong, "make the options alike in length")


def _pattern(path: Path, quiz: Quiz, asked: list[tuple[Path, Choose]], longest: int) -> Iterator[Remark]:
    if len(asked) < POOL[0]:
        return
    if longest == len(asked):
        wrong = f"in all {longest} questions the longest answer is the right one"
        yield error("gives-away", (*path, "questions"), wrong, "lengthen a wrong answer, shorten a right one")
    if all(right < min(others) for right, others in (_lengths(question.options) for _, question in asked)):
        wrong = f"in all {len(asked)} questions the shortest answer is the right one"
        yield error("gives-away", (*path, "questions"), wrong, "shorten a wrong answer, lengthen a right one")
    places = {next(place for place, one in enumerate(question.options) if one.right) for _, question in asked}
    if len(places) == 1:
        wrong = f"in all {len(asked)} questions answer {places.pop() + 1} is the right one"
        yield error("gives-away", (*path, "questions"), wrong, "put right answers in different places")


def _lengths(options: tuple[Option, ...]) -> tuple[int, list[int]]:
    right = next(len(option.text) for option in options if option.right)
    return right, [len(option.text) for option in options if not option.right]


RULES = (pools, answers, taught, outcomes, give_aways)
