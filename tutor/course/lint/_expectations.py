"""Expectations that say nothing, contradict themselves, or could never hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, singledispatch
from urllib.parse import urlsplit

import msgspec

from tutor.course import expectations as expected
from tutor.course import walk
from tutor.course.lint import _walk
from tutor.course.lint.remark import Context, Remark, error, warning
from tutor.course.models import Chapter, Outcome
from tutor.course.variables import VARIABLE
from tutor.course.walk import Path

_PORT = re.compile(r"\$\{(port|with)\.[A-Za-z0-9_-]+\}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def sane(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """Every expectation of a chapter, wherever it stands."""
    for path, one in _walk.expectations(chapter.sections, ("sections",)):
        yield from check(one, path)
    for inner in walk.everything(chapter.sections, ("sections",)):
        if isinstance(inner.value, Outcome):
            yield from _pattern(inner.value.output, (*inner.path, "output"))


def check(one: expected.Kind, path: Path) -> Iterator[Remark]:
    """One expectation, without those inside it."""
    if one.say is not None and not one.say.strip():
        yield error("empty-say", (*path, "say"), "`say` is empty", "write a sentence, or leave the key out")
    yield from _kind(one, path)


@singledispatch
def _kind(_one: expected.Kind, _path: Path) -> Iterator[Remark]:
    return iter(())


def given(one: msgspec.Struct) -> frozenset[str]:
    """The fields that an expectation sets, `say` left out."""
    defaults = _defaults(type(one))
    return frozenset(name for name in one.__struct_fields__ if name != "say" and getattr(one, name) != defaults[name])


@cache
def _defaults(kind: type[msgspec.Struct]) -> dict[str, object]:
    return {info.name: info.default for info in msgspec.structs.fields(kind)}


@_kind.register
def _container(one: expected.ContainerExpectation, path: Path) -> Iterator[Remark]:
    fields = given(one)
    if not fields:
        yield error("expects-nothing", path, "this fits any container", "say what matters: a name, a state, an image")
    for key, value in (one.publishes or {}).items():
        if re.fullmatch(r"[0-9]+", value):
            yield _fixed((*path, "publishes", key), value)
        elif value != "*" and not VARIABLE.fullmatch(value):
            wrong = f"`{value}` is no host port"
            yield error("bad-port", (*path, "publishes", key), wrong, "write ${port.NAME}, or `*` for any")
    if one.publishes == {} and one.host_ip is not None:
        yield _contradiction((*path, "host_ip"), "it publishes nothing, and has an address to publish on")
    if one.networks and one.only_networks and not set(one.networks) <= set(one.only_networks):
        yield _contradiction((*path, "networks"), "`networks` names one that `only_networks` leaves out")
    running = {"running", "paused"}
    states = {one.state} if isinstance(one.state, str) else set(one.state or ())
    if states and states <= running and one.exit_code is not None:
        yield _contradiction((*path, "exit_code"), "a container that runs has no exit code yet")
    for place, mount in enumerate(one.mounts or ()):
        at = (*path, "mounts", place)
        sources = [name for name in ("volume", "bind") if getattr(mount, name) is not None]
        sources += [name for name in ("anonymous", "tmpfs") if getattr(mount, name)]
        if len(sources) > 1 and sources != ["volume", "anonymous"]:
            yield _contradiction(at, f"a mount has one source, and this has {' and '.join(sources)}")


@_kind.register
def _image(one: expected.ImageExpectation, path: Path) -> Iterator[Remark]:
    for name in ("shared_layers", "new_layers"):
        if getattr(one, name) is not None and one.shares_layers_with is None:
            right = "add `shares_layers_with: ${image.ROLE}`"
            yield error("expects-nothing", (*path, name), "it is not said with which image", right)
    if one.shared_layers is not None and one.shared_layers < 1:
        yield error("always-true", (*path, "shared_layers"), "no layer shared holds always", "write 1 or more")
    if one.new_layers is not None and one.new_layers < 0:
        yield error("never-true", (*path, "new_layers"), "there are never less than none", "write 0 or more")


@_kind.register
def _compose(one: expected.ComposeExpectation, path: Path) -> Iterator[Remark]:
    if not one.services:
        right = "name the services that must be there"
        yield error("expects-nothing", (*path, "services"), "this fits any Compose project", right)


@_kind.register
def _absent(one: expected.AbsentExpectation, path: Path) -> Iterator[Remark]:
    if not given(one):
        right = "name a container, image, volume, network, service or Compose project"
        yield error("expects-nothing", path, "it is not said what must be absent", right)


@_kind.register
def _count(one: expected.CountExpectation, path: Path) -> Iterator[Remark]:
    yield from _bounds(one.exactly, one.at_least, one.at_most, path, "add `exactly`, `at_least` or `at_most`")


def _bounds(
    exactly: int | None, at_least: int | None, at_most: int | None, path: Path, needed: str
) -> Iterator[Remark]:
    bounds = {"exactly": exactly, "at_least": at_least, "at_most": at_most}
    if needed and all(value is None for value in bounds.values()):
        yield error("no-bound", path, "it is not said how many", needed)
    for name, value in bounds.items():
        if value is not None and value < 0:
            yield error("never-true", (*path, name), "there are never less than none", "write 0 or more")
    if exactly is not None and (at_least is not None or at_most is not None):
        yield _contradiction((*path, "exactly"), "`exactly` stands beside `at_least` or `at_most`")
    elif at_least is not None and at_most is not None and at_least > at_most:
        yield _contradiction((*path, "at_least"), f"at least {at_least} and at most {at_most}")
    elif at_least == 0 and at_most is None:
        yield error("always-true", (*path, "at_least"), "at least none holds always", "write 1 or more")


@_kind.register
def _http(one: expected.HttpExpectation, path: Path) -> Iterator[Remark]:
    at = (*path, "url")
    try:
        url = urlsplit(_PORT.sub("1", one.url))
        host, port = url.hostname or "", url.port
    except ValueError:
        yield error("bad-url", at, f"`{one.url}` is no address", "write http://localhost:${port.NAME}/")
        return
    if url.scheme not in ("http", "https"):
        yield error("bad-url", at, "the address begins with neither http:// nor https://", "write http://localhost…")
    elif host not in _LOOPBACK and not host.startswith("127."):
        right = "ask localhost; reach other containers with `exec`"
        yield error("not-loopback", at, f"`{host}` is not the learner's own machine", right)
    elif port is not None and not _PORT.search(one.url):
        yield _fixed(at, str(port))
    if isinstance(one.status, str) and (one.body is not None or one.header):
        yield _contradiction((*path, "status"), "where no answer comes, there is no body and no header")
    elif isinstance(one.status, int) and not 100 <= one.status <= 599:
        yield error("never-true", (*path, "status"), f"{one.status} is no HTTP status", "write 100 to 599")
    yield from _pattern(one.body, (*path, "body"))


@_kind.register
def _tcp(one: expected.TcpExpectation, path: Path) -> Iterator[Remark]:
    if re.fullmatch(r"[0-9]{1,5}", one.port):
        yield _fixed((*path, "port"), one.port)
    elif not _PORT.fullmatch(one.port):
        yield error("bad-port", (*path, "port"), f"`{one.port}` is no port", "write ${port.NAME}")


@_kind.register
def _exec(one: expected.ExecExpectation, path: Path) -> Iterator[Remark]:
    if one.exit_code is None and one.output is None:
        right = "add `exit_code` or `output`"
        yield error("expects-nothing", path, "any result of this command would do", right)
    yield from _pattern(one.output, (*path, "output"))


@_kind.register
def _file(one: expected.FileExpectation, path: Path) -> Iterator[Remark]:
    inner = one.path.removeprefix("${workspace}/")
    if inner.startswith(("/", "~")) or ".." in inner.split("/") or not inner:
        yield error("outside", (*path, "path"), f"`{one.path}` is outside the workspace", "give a path inside it")
    if not one.exists and one.content is not None:
        yield _contradiction((*path, "content"), "a file that must not exist has no content")
    yield from _pattern(one.content, (*path, "content"))


@_kind.register
def _logs(one: expected.LogsExpectation, path: Path) -> Iterator[Remark]:
    if one.output is None and one.missing is None:
        yield error("expects-nothing", path, "any log would do", "add `output` or `missing`")
    yield from _pattern(one.output, (*path, "output"))
    yield from _pattern(one.missing, (*path, "missing"))


@_kind.register
def _changes(one: expected.ChangesExpectation, path: Path) -> Iterator[Remark]:
    fields = given(one)
    if fields <= {"container"}:
        yield error(
            "expects-nothing", path, "any writable layer would do", "add `added`, `changed`, `deleted` or `none`"
        )
    elif one.none and fields - {"container", "none"}:
        yield _contradiction((*path, "none"), "no change at all, and a change that must be there")


@_kind.register
def _asked(one: expected.AskedExpectation, path: Path) -> Iterator[Remark]:
    if re.match(r"/v[0-9]", one.path):
        yield error(
            "bad-path", (*path, "path"), "the path has an API version", "leave the version out: /containers/create"
        )
    elif not one.path.startswith(("/", "*")):
        yield error("bad-path", (*path, "path"), "the path does not begin with `/`", "write it as /containers/create")
    yield from _bounds(None, one.at_least, one.at_most, path, "")


def _pattern(pattern: str | None, path: Path) -> Iterator[Remark]:
    if pattern is None:
        return
    if not pattern:
        yield error("empty-pattern", path, "an empty pattern fits everything", "write one, or leave the key out")
        return
    try:
        # As it will be used: with the variables in it replaced by plain words.
        re.compile(VARIABLE.sub("x", pattern))
    except (re.error, OverflowError, RecursionError) as reason:
        wrong = f"this is no regular expression: {reason}"
        yield error("bad-pattern", path, wrong, "write a backslash before `.` `(` `[` `*` `+` `?` that mean themselves")


def _fixed(path: Path, port: str) -> Remark:
    right = "declare it under `ports` and write ${port.NAME}"
    return warning("fixed-port", path, f"the host port {port} may be taken on some machine", right)


def _contradiction(path: Path, wrong: str) -> Remark:
    return error("contradiction", path, wrong, "keep one of them")


RULES = (sane,)
