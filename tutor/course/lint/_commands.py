"""Find docker commands, with their options, in scripts and in prose.

Not a shell: good enough to say which subcommands and options a text uses. What comes after the image in `docker run`,
or after the container in `docker exec`, belongs to the command in the container and is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

GROUPS = frozenset(
    (
        *("builder", "buildx", "compose", "config", "container", "context", "image", "manifest", "network", "node"),
        *("plugin", "secret", "service", "stack", "swarm", "system", "trust", "volume"),
    )
)
"""Commands of docker that take a command of their own."""

_PASS_ON = frozenset(
    (
        *("docker run", "docker create", "docker exec", "docker service create"),
        *("docker container run", "docker container create", "docker container exec"),
        *("docker compose run", "docker compose exec"),
    )
)
"""Commands whose first plain word is followed by somebody else's command."""

_SWITCHES = frozenset(
    (
        *("-d", "-i", "-t", "-T", "-P", "-q", "--detach", "--interactive", "--tty", "--publish-all", "--quiet"),
        *("--rm", "--init", "--privileged", "--read-only", "--no-healthcheck", "--oom-kill-disable", "--sig-proxy"),
        *("--no-TTY", "--no-deps", "--build", "--service-ports", "--remove-orphans", "--help"),
        *("--with-registry-auth", "--no-resolve-image"),
    )
)
"""Options of those commands that take no value."""

_GLOBAL_VALUES = frozenset({"-H", "--host", "-c", "--context", "--config", "-l", "--log-level"})
_COMPOSE_VALUES = frozenset({"-f", "--file", "-p", "--project-name", "--profile", "--env-file", "--project-directory"})
_TOKEN = re.compile(r"""\\\n|\n|"(?:\\.|[^"\\])*"|'[^']*'|\$\((?=docker\b)|[;&|()]+|[^\s;&|()"']+|["']""")
_BEFORE = frozenset({"sudo", "time", "!", "exec", "then", "do", "else", "if", "while", "until", "watch"})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_WORD = re.compile(r"[a-z][a-z-]*")


class Use(NamedTuple):
    """A command that occurs: its words, its options as written, and where it begins in the text."""

    command: str
    options: tuple[str, ...]
    offset: int


def in_script(script: str) -> Iterator[Use]:
    """The docker commands of a script, in order."""
    command: list[tuple[str, int]] = []
    for match in _TOKEN.finditer(_without_documents(script)):
        token = match[0]
        if token == "\\\n":
            continue
        if token[0] in "\n;&|()$" and (token[0] != "$" or token == "$("):
            yield from _command(command)
            command = []
        elif token.startswith("#") and not command:
            command = [("#", match.start())]
        else:
            command.append((token, match.start()))
    yield from _command(command)


def _without_documents(script: str) -> str:
    """The script with the lines of here-documents blanked."""

    def blank(found: re.Match[str]) -> str:
        return found[1] + re.sub(r"[^\n]", " ", found[3])

    return re.sub(r"(<<-?\s*['\"]?(\w+)['\"]?[^\n]*\n)(.*?^\s*\2$)", blank, script, flags=re.DOTALL | re.MULTILINE)


def _command(tokens: list[tuple[str, int]]) -> Iterator[Use]:
    place = 0
    while place < len(tokens) and (tokens[place][0] in _BEFORE or _ASSIGNMENT.match(tokens[place][0])):
        place += 1
    if place >= len(tokens) or tokens[place][0] != "docker":
        return
    offset = tokens[place][1]
    words = [token for token, _ in tokens[place + 1 :]]
    name = ["docker"]
    options: list[str] = []
    words = _skip(words, _GLOBAL_VALUES, options)
    if words and _WORD.fullmatch(words[0]):
        name.append(words.pop(0))
        if name[1] in GROUPS:
            words = _skip(words, _COMPOSE_VALUES if name[1] == "compose" else frozenset(), options)
            if words and _WORD.fullmatch(words[0]):
                name.append(words.pop(0))
    yield Use(" ".join(name), (*options, *_options(words, " ".join(name) in _PASS_ON)), offset)


def _skip(words: list[str], with_value: frozenset[str], options: list[str]) -> list[str]:
    """Leave out the options that stand before a command's name; they are noted."""
    while words and words[0].startswith("-"):
        option, equals, _ = words.pop(0).partition("=")
        options.append(option)
        if option in with_value and not equals and words:
            words.pop(0)
    return words


def _options(words: list[str], passes_on: bool) -> Iterator[str]:
    skip = False
    for word in words:
        if skip:
            skip = False
            continue
        if not word.startswith("-") or word in ("-", "--"):
            if passes_on:
                return
            continue
        option, equals, _ = word.partition("=")
        if re.fullmatch(r"-[A-Za-z]+|--[a-z][a-zA-Z-]*", option):
            yield option
            cluster = not option.startswith("--") and len(option) > 2
            switch = option in _SWITCHES or (cluster and all(f"-{letter}" in _SWITCHES for letter in option[1:]))
            skip = passes_on and not equals and not switch


_SPAN = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)\n(.*?)(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_SHELLS = frozenset({"", "sh", "bash", "shell", "console"})


def in_prose(markdown: str) -> Iterator[Use]:
    """The docker commands in a text's code spans and in its code blocks that show a shell."""
    rest = markdown
    for fence in _FENCE.finditer(markdown):
        rest = rest[: fence.start()] + " " * len(fence[0]) + rest[fence.end() :]
        if fence[2].strip().lower() in _SHELLS:
            # A prompt is not part of the command.
            body = re.sub(r"(?m)^([ \t]*)([$#]) ", r"\1  ", fence[3])
            for use in in_script(body):
                yield use._replace(offset=use.offset + fence.start(3))
    for span in _SPAN.finditer(rest):
        for use in in_script(span[2].replace("\n", " ")):
            yield use._replace(offset=use.offset + span.start(2))


def parts(entry: str) -> Iterator[str]:
    """What an entry of `introduces.commands` introduces.

    `docker rm -f` is the command and its option `docker rm -f`; a lone `-p` is that option of any command.
    """
    words = entry.split()
    name = " ".join(word for word in words if not word.startswith("-"))
    if name and name != "docker":
        yield name
    for word in words:
        if word.startswith("-"):
            for letter in letters(word.partition("=")[0]):
                yield f"{family(name)} {letter}" if name else letter


def letters(option: str) -> Iterator[str]:
    """`-it` is `-i` and `-t`."""
    if option.startswith("--") or len(option) == 2:
        yield option
    else:
        yield from (f"-{letter}" for letter in option[1:])


def family(command: str) -> str:
    """The command whose options these are: create takes run's, and `docker container run` is `docker run`."""
    short = command.replace("docker container ", "docker ")
    return "docker run" if short == "docker create" else short
