"""Shared mistakes: named once for the whole course, used in a step with that step's own names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tutor.course.models import Course, Mistake, SharedMistake, Step, UseMistake
from tutor.course.variables import bind_parameters, used
from tutor.problems import Problem


class UnknownMistake(Problem):
    """A step uses a shared mistake that the course does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The course has no shared mistake called `{name}`.",
            "See the course's mistakes.yaml for those it has.",
            code="unknown-mistake",
        )


# How words that ids have in small letters are written.
_WRITTEN = {word: word.upper() for word in ("api", "arg", "cli", "cmd", "env", "id", "json", "pid", "smtp")} | {
    "ids": "IDs"
}


def title(name: str, known: Mapping[str, SharedMistake] | None = None) -> str:
    """A mistake in a few words: a shared one has a title, a step's own says it by its id.

    `door-to-smtp` is shown as "Door to SMTP".

    Args:
        name: Its id.
        known: The course's shared mistakes.
    """
    if known and name in known:
        return known[name].title
    words = " ".join(_WRITTEN.get(word, word) for word in name.split("-")).replace(" s ", "'s ")
    return words[:1].upper() + words[1:]


def titles(names: Iterable[str], course: Course) -> list[str]:
    """Mistakes in a few words each."""
    return [title(name, course.mistakes) for name in names]


def shared(use: UseMistake, course: Course) -> SharedMistake:
    """The shared mistake behind a use: its title and the chapter that teaches what avoids it.

    Raises:
        UnknownMistake: There is none of that id.
    """
    try:
        return course.mistakes[use.use]
    except KeyError:
        raise UnknownMistake(use.use) from None


def resolve(use: UseMistake, course: Course) -> Mistake:
    """A shared mistake as a step's own: parameters filled in, other variables still to bind.

    Raises:
        UnknownMistake: There is none of that id.
        tutor.course.variables.UnknownVariable: A parameter is missing under `with`.
    """
    common = shared(use, course)
    filled = bind_parameters(Mistake(id=common.id, when=common.when, say=use.say or common.say, made_by="-"), use.with_)
    # The script is the step's own and holds no parameters: it must not be searched for them.
    return Mistake(id=filled.id, when=filled.when, say=filled.say, made_by=use.made_by)


def resolve_step(step: Step, course: Course) -> tuple[Mistake, ...]:
    """All mistakes of a step in order of precedence, shared ones resolved.

    Raises:
        UnknownMistake: A shared mistake is not in the course.
        tutor.course.variables.UnknownVariable: A parameter is missing under `with`.
    """
    return tuple(resolve(mistake, course) if isinstance(mistake, UseMistake) else mistake for mistake in step.mistakes)


def parameters(mistake: SharedMistake) -> frozenset[str]:
    """The names that a use must give under `with`."""
    return frozenset(name.removeprefix("with.") for name in used((mistake.when, mistake.say)) if name[:5] == "with.")
