"""What a chapter points to must be there: images, names, ports, mistakes, chapters, sections, folders."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from tutor.course import walk
from tutor.course.lint import _walk
from tutor.course.lint.remark import Context, Remark, error, warning
from tutor.course.mistakes import parameters
from tutor.course.models import Chapter, FactCheck, SharedMistake, UseMistake
from tutor.course.needs import OF_THE_ENGINE, needs_of
from tutor.course.variables import VARIABLE, used
from tutor.course.walk import Path

_DOTTED = re.compile(r"\$\{([^}]*)\}?")
_FAMILIES = {"image": "images", "name": "names", "port": "ports"}


def variables(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """Variables that occur are declared, and spelled as variables are."""
    declared = {"image": chapter.images, "name": chapter.names, "port": chapter.ports}
    for placed in walk.everything(chapter):
        path, value = placed
        if isinstance(value, str):
            yield from _text_variables(value, path, declared)
        elif isinstance(value, dict):
            for key in value:
                yield from _text_variables(key, (*path, key), declared, key=True)


def _text_variables(text: str, path: Path, declared: dict[str, tuple[str, ...]], key: bool = False) -> Iterator[Remark]:
    if "${" not in text:
        return
    for match in _DOTTED.finditer(text):
        offset = None if key else match.start()
        known = VARIABLE.match(text, match.start())
        if known is None:
            name = match[1]
            # Prose may show what the shell writes this way; a dot in it can only be a variable of the course.
            if "." in name or not (_walk.is_script(path) or _is_prose(path)):
                right = "use ${image.ROLE}, ${name.NAME}, ${port.NAME}, ${workspace} or ${lab}"
                yield error("unknown-variable", path, f"${{{name}}} is no variable", right, offset=offset, key=key)
            continue
        family, name, word = known.groups()
        if word:
            continue
        if family == "with":
            right = "write the value itself; only mistakes.yaml has parameters"
            yield error("unknown-variable", path, f"${{with.{name}}} has no value here", right, offset=offset, key=key)
        elif name not in declared[family]:
            wrong = f"${{{family}.{name}}} is not declared"
            right = _near(name, declared[family]) or f"add `{name}` to the chapter's `{_FAMILIES[family]}`"
            yield error("undeclared", path, wrong, right, offset=offset, key=key)


_PROSE = frozenset({"body", "ask", "explain", "intro", "goal", "say", "because", "truth", "claim", "words", "drawing"})
_PROSE |= {"hints", "text", "does", "content", "remember", "idea", "title", "distractors"}


def _is_prose(path: Path) -> bool:
    return any(part in _PROSE for part in path[-2:])


def declared(chapter: Chapter, context: Context) -> Iterator[Remark]:
    """What is declared is used, once, and is in the catalogue."""
    occurring = used(chapter.sections) | _shared_use(chapter, context)
    for family, key in _FAMILIES.items():
        names: tuple[str, ...] = getattr(chapter, key)
        for place, name in enumerate(names):
            path = (key, place)
            if name in names[:place]:
                yield error("declared-twice", path, f"`{name}` is declared twice", "keep one of them")
            elif not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
                yield error(
                    "bad-name", path, f"`{name}` cannot be a variable", "use lower-case words joined by hyphens"
                )
            elif f"{family}.{name}" not in occurring:
                wrong = f"${{{family}.{name}}} is nowhere used"
                yield warning("unused", path, wrong, f"remove `{name}` from `{key}`, or use it")
            if family == "name" and len(name) < 2:
                right = "give it two characters or more: Docker refuses names of one"
                yield error("bad-name", path, f"`{name}` is no name for a container", right)
            if family == "image" and context.roles is not None and name not in context.roles:
                right = _near(name, context.roles) or "add it to labs/images.yaml, or use one that is there"
                yield error("unknown-image", path, f"the catalogue has no image `{name}`", right)


def _shared_use(chapter: Chapter, context: Context) -> frozenset[str]:
    """Variables that come in through the shared mistakes a chapter uses."""
    found: set[str] = set()
    for _, step in _walk.steps(chapter):
        for mistake in step.mistakes:
            if isinstance(mistake, UseMistake) and mistake.use in context.course.mistakes:
                found |= used(context.course.mistakes[mistake.use])
    return frozenset(found)


def mistakes(chapter: Chapter, context: Context) -> Iterator[Remark]:
    """Shared mistakes exist and get the parameters they need."""
    if not context.shared_read:
        return
    for path, step in _walk.steps(chapter):
        for place, mistake in enumerate(step.mistakes):
            if not isinstance(mistake, UseMistake):
                continue
            at = (*path, "mistakes", place)
            common = context.course.mistakes.get(mistake.use)
            if common is None:
                right = _near(mistake.use, context.course.mistakes) or "add it to mistakes.yaml"
                yield error("unknown-mistake", (*at, "use"), f"there is no shared mistake `{mistake.use}`", right)
                continue
            needed = parameters(common)
            given = frozenset(mistake.with_)
            for name in sorted(needed - given):
                wrong = f"the shared mistake `{mistake.use}` needs the parameter `{name}`"
                yield error("with-missing", at, wrong, f"add `with: {{{name}: …}}`")
            for name in sorted(given - needed):
                wrong = f"the shared mistake `{mistake.use}` has no parameter `{name}`"
                right = _near(name, needed) or "remove it"
                yield error("with-surplus", (*at, "with", name), wrong, right, key=True)
            yield from _shared_variables(common, chapter, (*at, "use"))


def _shared_variables(common: SharedMistake, chapter: Chapter, path: Path) -> Iterator[Remark]:
    for variable in sorted(used((common.when, common.say))):
        family, _, name = variable.partition(".")
        if family in _FAMILIES and name not in getattr(chapter, _FAMILIES[family]):
            wrong = f"the shared mistake uses ${{{variable}}}, which this chapter does not declare"
            yield error("undeclared", path, wrong, f"add `{name}` to the chapter's `{_FAMILIES[family]}`")


def chapters(chapter: Chapter, context: Context) -> Iterator[Remark]:
    """`builds_on` names earlier chapters that exist."""
    for place, number in enumerate(chapter.builds_on):
        path = ("builds_on", place)
        if number >= chapter.chapter:
            wrong = f"chapter {chapter.chapter} cannot build on chapter {number}"
            yield error("builds-on", path, wrong, "name earlier chapters only")
        elif number in chapter.builds_on[:place]:
            yield warning("builds-on", path, f"chapter {number} is named twice", "name it once")
        elif not context.has(number):
            yield warning("builds-on", path, f"there is no chapter {number}", "name a chapter of this course")


def inside(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """`proved_by` and `taught` point to something in the chapter."""
    seen = [section.id for _, section in _walk.sections(chapter)]
    shows = [step.id for _, step in _walk.steps(chapter)] + [question.id for _, question in _walk.questions(chapter)]
    shows += [part.id for _, part in _walk.guesses(chapter)]
    for path, section in _walk.sections(chapter):
        if isinstance(section, FactCheck) and section.proved_by is not None and section.proved_by not in shows:
            wrong = f"no step, prediction or question is called `{section.proved_by}`"
            right = _near(section.proved_by, shows) or "name one of this chapter, or leave `proved_by` out"
            yield error("proved-by", (*path, "proved_by"), wrong, right)
    for path, question in _walk.questions(chapter):
        if question.taught is not None and question.taught not in seen:
            wrong = f"no section of this chapter is called `{question.taught}`"
            right = _near(question.taught, seen) or "name the section that teaches it"
            yield error("taught", (*path, "taught"), wrong, right)


def folders(chapter: Chapter, context: Context) -> Iterator[Remark]:
    """A lab's `files` are a folder under `labs/`."""
    for path, lab in _walk.labs(chapter):
        if lab.files is None:
            continue
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", lab.files):
            yield error(
                "files", (*path, "files"), f"`{lab.files}` is not the name of a folder", "give a name under labs/"
            )
        elif lab.files not in context.folders:
            right = _near(lab.files, context.folders) or f"make the folder labs/{lab.files}"
            yield error("files", (*path, "files"), f"there is no folder labs/{lab.files}", right)


_FREE = frozenset({"also", "made_by", "wrong", "commands"})
"""Scripts that are not the only way."""


def needs(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """What the scripts use beside the engine is named under `needs`, so that machines without it are told.

    Further ways and mistakes are free: where Compose is missing, the proof leaves out those that use it.
    """
    told: set[str] = set(chapter.needs)
    own = {path: set(step.needs) for path, step in _walk.steps(chapter)}
    for path, script in _walk.scripts(chapter.sections, ("sections",)):
        if _FREE.intersection(path) or (path[-1] != 0 and path[-2] in {"solutions", "answers"}):
            continue
        place = next((place for place in own if path[: len(place)] == place), None)
        for need, found in needs_of(script).items():
            if need in OF_THE_ENGINE or need in told or (place and need in own[place]):
                continue
            told.add(need)
            wrong = f"`{found[0]}` needs `{need}`"
            whose = "the step's `needs`, or to the chapter's" if place else "the chapter's `needs`"
            yield error("need", path, wrong, f"add `{need}` to {whose}", offset=found.start())


def shared(mistake: SharedMistake, place: int, context: Context) -> Iterator[Remark]:
    """A shared mistake of mistakes.yaml: the chapter that teaches it exists, its parameters can be given."""
    path: Path = ("mistakes", place)
    if not context.has(mistake.chapter):
        wrong = f"there is no chapter {mistake.chapter}"
        yield warning("no-chapter", (*path, "chapter"), wrong, "name the chapter that teaches what avoids this mistake")
    for inner in walk.everything(mistake, path):
        value = inner.value
        for text in (value,) if isinstance(value, str) else tuple(value) if isinstance(value, dict) else ():
            for match in _DOTTED.finditer(text):
                if VARIABLE.match(text, match.start()) is None:
                    right = "use ${with.PARAMETER}, ${image.ROLE}, ${name.NAME}, ${port.NAME}, ${workspace} or ${lab}"
                    yield error("unknown-variable", inner.path, f"${{{match[1]}}} is no variable", right)
    uses = any(
        isinstance(one, UseMistake) and one.use == mistake.id
        for chapter in context.course.chapters
        for _, step in _walk.steps(chapter)
        for one in step.mistakes
    )
    if not uses and not context.unread and mistake.chapter in context.numbers:
        wrong = f"no step uses the shared mistake `{mistake.id}`"
        yield warning("unused", (*path, "id"), wrong, "use it in a step, or remove it")


def _near(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"did you mean `{found[0]}`?" if found else ""


RULES = (variables, declared, mistakes, chapters, inside, folders, needs)
