"""Which images a Dockerfile could read, for the classic builder. Pure.

Not a parser: whatever a parser makes of the text, every image that it would read is found here. So each line counts as
the beginning of an instruction (it may be the body of a here-document), each way to join lines and to strip quotes is
tried, and a variable stands for every value that it could have. What is found beside that costs nothing, unless
somebody else's image has that very name.
Syntax: https://docs.docker.com/reference/dockerfile/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from tutor.sandbox.policy import Refused

_ESCAPES = "\\`"
_QUOTES = re.compile(r"[\\'\"`]")
_FROM = re.compile(r"\s*(?:ONBUILD\s+)*FROM\s+(.*)", re.IGNORECASE | re.DOTALL)
_FLAG = re.compile(r"from=([^\s,\]]+)", re.IGNORECASE)
_ARG = re.compile(r"\s*(?:ONBUILD\s+)*(?:ARG|ENV)\s+(.*)", re.IGNORECASE | re.DOTALL)
_DEFAULT = re.compile(r"\s*ARG\s+([A-Za-z_]\w*)=[^\s\\'\"`]*\s*", re.IGNORECASE)
_ADD = re.compile(r"\s*(?:ONBUILD\s+)*ADD\s+(.*)", re.IGNORECASE | re.DOTALL)
_BETWEEN = re.compile(r"[\s,\"']+")
_STAGE = re.compile(r"\s*FROM\s+(?:--\S+\s+)*\S+\s+AS\s+([a-z][a-z0-9_.-]*)\s*", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:(\d+|[^\W\d]\w*)|\{(\w+)(?:(:?[-+])([^{}$]*))?\})")
_SCHEMES = ("http://", "https://")
_MOST = 256
_LONGEST = 200
_PLATFORM = {"TARGETOS": "linux", "BUILDOS": "linux"}


@dataclass(frozen=True, slots=True)
class Named:
    """An image that the Dockerfile could read.

    Attributes:
        name: As it is written, variables replaced.
        base: It stands in a `FROM`: the build may begin with it, and run what it holds for that (`ONBUILD`).
    """

    name: str
    base: bool


def images(text: str, arguments: Mapping[str, str], around: str = "") -> list[Named]:
    """Every image that a build of this Dockerfile could read; stages of its own are left out.

    Args:
        text: The Dockerfile, or a part of it.
        arguments: Build arguments that the client gives.
        around: Where it is a part, the whole of it.

    Raises:
        Refused: A name is put together in a way that cannot be told beforehand.
    """
    lines = _lines(text)
    plain = "<<" not in text
    values = _values(_lines(around or text), arguments)
    stages: dict[str, int] = {}
    found: dict[Named, None] = {}
    before: str = ""
    for at, line in enumerate(lines):
        begins = plain and not before.rstrip(" \t\r").endswith(tuple(_ESCAPES))
        for joined in _joined(lines, at):
            for written, base in _written(joined):
                for name in _expand(written, values):
                    if _is_stage(name, stages, base=base) or name in {"", "scratch"}:
                        continue
                    found[Named(name, base)] = None
        stage = _STAGE.fullmatch(line)
        if begins and stage and not _QUOTES.search(line):
            stages.setdefault(stage[1].lower(), at)
        if line.strip() and not line.lstrip().startswith("#"):
            before = line
    return list(found)


def addresses(text: str, arguments: Mapping[str, str]) -> list[str]:
    """Every address from which a build of this Dockerfile could add a file.

    Args:
        text: The Dockerfile.
        arguments: Build arguments that the client gives.

    Raises:
        Refused: An address is put together in a way that cannot be told beforehand.
    """
    lines = _lines(text)
    values = _values(lines, arguments)
    found: dict[str, None] = {}
    for at in range(len(lines)):
        for joined in _joined(lines, at):
            for plain in dict.fromkeys((joined, _QUOTES.sub("", joined))):
                added = _ADD.fullmatch(plain)
                # As a list (`["…", "…"]`) or as words; an address itself may have brackets.
                words = [word.lstrip("[") for word in _BETWEEN.split(added[1])] if added else []
                for word in dict.fromkeys((*words, *(word.rstrip("]") for word in words))):
                    if _could_be_address(word):
                        found |= dict.fromkeys(filter(_could_be_address, _expand(word, values)))
    return list(found)


def _lines(text: str) -> list[str]:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")


def _could_be_address(word: str) -> bool:
    fixed = word.partition("$")[0].lower()
    return fixed.startswith(_SCHEMES) or ("$" in word and any(scheme.startswith(fixed) for scheme in _SCHEMES))


def _is_stage(name: str, stages: Mapping[str, int], *, base: bool) -> bool:
    # A number after --from counts stages; only a FROM may begin with the digits of an image's id.
    return name.lower() in stages or (not base and name.isdecimal())


def _joined(lines: list[str], at: int) -> Iterator[str]:
    """The instruction that may begin at a line, with as many of the following lines as could belong to it."""
    for escape in _ESCAPES:
        text, end = lines[at], at
        yield text
        while text.rstrip(" \t\r").endswith(escape) and end + 1 < len(lines) and end - at < _LONGEST:
            end += 1
            if lines[end].strip() == "" or lines[end].lstrip().startswith("#"):
                continue
            text = text.rstrip(" \t\r").removesuffix(escape) + lines[end]
            yield text


def _written(line: str) -> Iterator[tuple[str, bool]]:
    for text in dict.fromkeys((line, _QUOTES.sub("", line))):
        found = _FROM.fullmatch(text)
        if found:
            words = found[1].split()
            names = [word for word in words if not word.startswith("--")][:1]
            # With quotes a flag may hold spaces, so that what looks like the name is not the name.
            for name in words if _QUOTES.search(line) else names:
                yield name, True
        for name in _FLAG.findall(text):
            yield name, False


def _values(lines: list[str], arguments: Mapping[str, str]) -> dict[str, set[str]]:
    values: dict[str, set[str]] = {name: {value} for name, value in (_PLATFORM | dict(arguments)).items()}
    for at in range(len(lines)):
        for joined in _joined(lines, at):
            found = _ARG.fullmatch(joined)
            if found is None:
                continue
            default = _DEFAULT.fullmatch(joined)
            if default and default[1] in arguments:
                continue  # what the client gives is used instead of it
            words = found[1].split()
            for word in (*words, *(_QUOTES.sub("", word) for word in words)):
                name, equals, value = word.partition("=")
                if equals:
                    values.setdefault(name, set()).add(value)
            for name, value in pairwise(words):  # ENV name value
                values.setdefault(name, set()).add(value)
    return values


def _expand(text: str, values: Mapping[str, set[str]]) -> Iterable[str]:
    done: dict[str, None] = {}
    seen: set[str] = set()
    waiting = [text]
    while waiting:
        item = waiting.pop()
        if item in seen:
            continue
        seen.add(item)
        if len(seen) > _MOST or len(item) > 4096:
            raise _unclear(text)
        found = _VARIABLE.search(item)
        if found is None:
            if "$" in item:
                raise _unclear(text)
            done[item] = None
            continue
        name, word = found[1] or found[2], found[4]
        for value in {"", *values.get(name, ()), *([word] if word is not None else [])}:
            waiting.append(item[: found.start()] + value + item[found.end() :])
    return done


def _unclear(text: str) -> Refused:
    return Refused(
        f"The sandbox cannot tell what {text[:80]} will be in this build. Write it out, or use a plain ${{NAME}}.",
        rule="builder",
    )
