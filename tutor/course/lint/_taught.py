"""Nothing is used before it was taught: commands, options and words, by the chapter that introduces them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.course import walk
from tutor.course.lint import _commands, _walk
from tutor.course.lint._readability import prose
from tutor.course.lint.remark import Context, Remark, error, warning
from tutor.course.models import Chapter, FactCheck, Text
from tutor.course.walk import Path

_SHOWN = frozenset({"body", "ask", "explain", "intro", "truth", "goal", "hints", "remember", "idea"})


def uses(chapter: Chapter) -> Iterator[tuple[Path, _commands.Use]]:
    """The docker commands that the learner is shown or must find: texts, first solutions, predictions, answers."""
    for path, value in walk.everything(chapter.sections, ("sections",)):
        if not isinstance(value, str):
            continue
        key = path[-1] if isinstance(path[-1], str) else path[-2]
        first_solution = key == "solutions" and path[-1] == 0
        if first_solution or key == "answers" or (key == "run" and "wrong" not in path):
            yield from ((path, use) for use in _commands.in_script(value))
        elif key in _SHOWN:
            yield from ((path, use) for use in _commands.in_prose(value))


def names(use: _commands.Use) -> Iterator[tuple[str, str]]:
    """What a use must have been introduced as: the command, and each option with its command or alone."""
    if use.command != "docker":
        yield use.command, ""
    for option in use.options:
        for letter in _commands.letters(option):
            yield f"{_commands.family(use.command)} {letter}", letter


def commands(chapter: Chapter, context: Context) -> Iterator[Remark]:
    """Docker's commands and options are introduced by this chapter or an earlier one."""
    known = context.commands
    whole = context.numbers >= set(range(1, chapter.chapter + 1))
    told: set[str] = set()
    for path, use in uses(chapter):
        for name, option in names(use):
            firsts = [known[part] for part in (name, option) if part in known]
            first = min(firsts, default=None)
            if name in told or (first is not None and first <= chapter.chapter) or (first is None and not whole):
                continue
            told.add(name)
            where = f"chapter {first} introduces it" if first is not None else "no chapter introduces it"
            what = f"`{option}` of `{use.command}`" if option else f"`{name}`"
            right = "add it to `introduces.commands` of the chapter that teaches it"
            # In a text it may be a foretaste; nothing may be asked before it was taught. (Answers beside the first are
            # other ways that count; nobody has to know them.)
            other_way = len(path) > 1 and path[-2] == "answers" and path[-1] != 0
            told_as = error if "questions" in path and not other_way else warning
            yield told_as("not-taught", path, f"{what} is used, and {where}", right, offset=use.offset)


def words(chapter: Chapter, context: Context) -> Iterator[Remark]:
    """Words of the trade are not used in texts before the chapter that introduces them."""
    later = {word: number for word, number in context.words.items() if number > chapter.chapter}
    if not later:
        return
    longest_first = sorted(later, key=len, reverse=True)
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, longest_first)) + r")s?\b", re.IGNORECASE)
    told: set[str] = set()
    for path, section in _walk.sections(chapter):
        if not isinstance(section, (Text, FactCheck)):
            continue
        key = "body" if isinstance(section, Text) else "truth"
        text = prose(section.body if isinstance(section, Text) else section.truth, keep_length=True)
        for found in pattern.finditer(text):
            word = found[1].lower()
            if word not in told:
                told.add(word)
                wrong = f"the word “{found[0]}” is used, and chapter {later[word]} introduces it"
                right = "introduce it here, or say it in plain words"
                yield warning("not-taught", (*path, key), wrong, right, offset=found.start())


def introduced(chapter: Chapter, context: Context) -> Iterator[Remark]:
    """What a chapter introduces is new, and occurs in it."""
    known = context.commands
    shown = {part for _, use in uses(chapter) for pair in names(use) for part in pair}
    for place, command in enumerate(chapter.introduces.commands):
        path: Path = ("introduces", "commands", place)
        parts = list(_commands.parts(command))
        old = [known[part] for part in parts if known.get(part, chapter.chapter) < chapter.chapter]
        if parts and len(old) == len(parts):
            yield warning("introduced-twice", path, f"chapter {old[0]} introduces `{command}`", "introduce it once")
        missing = [part for part in parts if part.startswith(("-", "docker ")) and part not in shown]
        if missing:
            wrong = f"`{missing[0]}` is introduced, and nowhere used in the chapter"
            yield warning("introduced-unused", path, wrong, "show it in a text or a solution, or remove it")


RULES = (commands, words, introduced)
