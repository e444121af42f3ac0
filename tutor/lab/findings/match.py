"""When a value fits what was expected of it: patterns, references, sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from functools import lru_cache
from posixpath import normpath

from tutor.engine.world import Container, Image, World, normal_reference

_SIZE = re.compile(r"^([0-9]+(?:\.[0-9]+)?)([bkmg]?)$")
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def fits(pattern: str, value: str) -> bool:
    """Whether a value is the one expected, or fits the pattern (`*`, `?`, `[ab]`)."""
    return pattern == value or fnmatchcase(value, pattern)


def fit_words(patterns: Sequence[str], words: Sequence[str]) -> bool:
    """Whether the words of a command fit, one pattern a word; `**` stands for any number of words."""
    if not patterns:
        return not words
    if patterns[0] == "**":
        rest = patterns[1:]
        if not rest:
            return True
        return any(fit_words(rest, words[start:]) for start in range(len(words) + 1))
    return bool(words) and fits(patterns[0], words[0]) and fit_words(patterns[1:], words[1:])


def size(text: str) -> int | None:
    """`64m` in bytes; None when it is no size."""
    match = _SIZE.match(text.lower())
    return int(float(match[1]) * _UNITS[match[2]]) if match else None


def port(text: str) -> str:
    """A container's port written out: `80` is `80/tcp`."""
    return text if "/" in text or text == "*" else f"{text}/tcp"


@lru_cache(1024)
def expression(text: str) -> re.Pattern[str] | None:
    """A regular expression, `^` and `$` at each line; None when it is none."""
    try:
        return re.compile(text, re.MULTILINE)
    except (re.error, OverflowError, RecursionError):
        return None


def search(pattern: str, text: str) -> bool:
    """Whether a regular expression is found in a text; one that is none is searched as plain text."""
    compiled = expression(pattern)
    return bool(compiled.search(text)) if compiled else pattern in text


def path(text: str) -> str:
    """A path without what does not matter."""
    return normpath(text) if text else text


def same_folder(pattern: str, source: str) -> bool:
    """Whether a bind mount's source is the folder meant. Docker Desktop shows the host's folders under /host_mnt."""
    return any(fits(path(pattern), candidate) for candidate in (path(source), path(source.removeprefix("/host_mnt"))))


@lru_cache(4096)
def normal(reference: str) -> str:
    """`normal_reference`, remembered: a judge asks for the same few again and again."""
    return normal_reference(reference)


def tagged(world: World, reference: str) -> Image | None:
    """The image that has this name, or (for `repository@sha256:…`) this digest."""
    wanted = normal(reference)
    for image in world.images.values():
        if any(normal(name) == wanted for name in image.tags) or any(normal(d) == wanted for d in image.digests):
            return image
    return None


def image_of(world: World, reference: str) -> Image | None:
    """The image that a reference or an id names."""
    return tagged(world, reference) or (world.image(reference) if is_id(reference) else None)


def is_id(reference: str) -> bool:
    """Whether a reference can be an image's id or its beginning."""
    return bool(re.fullmatch(r"(sha256:)?[0-9a-f]{12,64}", reference))


def made_from(world: World, container: Container, reference: str) -> bool:
    """Whether a container was made from the image meant: by id where the image is known, else by the reference."""
    image = image_of(world, reference)
    if image is not None:
        return image.id == container.image_id
    return bool(container.image) and normal(container.image) == normal(reference)


def nearest(name: str, names: Iterable[str], least: float = 0.6) -> str | None:
    """The name most like this one, as somebody who mistyped it would have meant it."""
    best, ratio = None, least
    for candidate in sorted(set(names)):
        if candidate == name:
            continue
        found = SequenceMatcher(None, name.lower(), candidate.lower()).ratio()
        # Two letters changed places: the commonest slip of all, and one that a ratio thinks little of in short names.
        if len(name) > 2 and sorted(name.lower()) == sorted(candidate.lower()):
            found = max(found, 0.95)
        if found >= ratio and (best is None or found > ratio):
            best, ratio = candidate, found
    return best


def nearest_reference(reference: str, world: World, wanted: str | None = None) -> str | None:
    """The known image that somebody may have meant who wrote this reference.

    Args:
        reference: What was written.
        world: The images that are known.
        wanted: The image that was asked for: the likeliest where the names are the same and the tags are not.
    """
    name, _, tag = _repository(reference)
    if wanted and _repository(wanted)[0] == name and _repository(wanted)[2] != tag and tagged(world, wanted):
        return wanted
    known: dict[str, str] = {}
    for image in world.images.values():
        for full in image.tags:
            known.setdefault(_repository(full)[0], full)
            if _repository(full)[0] == name and _repository(full)[2] != tag:
                return full
    close = nearest(name, known, 0.7)
    return known[close] if close else None


def repository(reference: str) -> str:
    """The reference without its tag or digest, in short: `nginx` of `docker.io/library/nginx:1.27`."""
    return _repository(reference)[0]


def _repository(reference: str) -> tuple[str, str, str]:
    full = normal(reference).partition("@")[0]
    slash = full.rfind("/")
    colon = full.rfind(":")
    name, tag = (full[:colon], full[colon + 1 :]) if colon > slash else (full, "")
    short = name.removeprefix("docker.io/").removeprefix("library/")
    return short, ":", tag


def mapping(wanted: Mapping[str, str | None], present: Mapping[str, str]) -> list[tuple[str, str | None, str | None]]:
    """The entries that do not fit: name, expected (None: must not be there), found (None: is not there)."""
    wrong = []
    for name, pattern in wanted.items():
        value = present.get(name)
        if (pattern is None) != (value is None) or (
            pattern is not None and value is not None and not fits(pattern, value)
        ):
            wrong.append((name, pattern, value))
    return wrong
