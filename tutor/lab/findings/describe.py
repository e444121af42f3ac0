"""What an expectation says, as the end of a sentence: for `not`, which has no finding of its own to show."""

from __future__ import annotations

import msgspec

from tutor.course.expectations import (
    AbsentExpectation,
    AnyExpectation,
    AskedExpectation,
    ChangesExpectation,
    ComposeExpectation,
    ContainerExpectation,
    CountExpectation,
    ExecExpectation,
    Expectation,
    FileExpectation,
    HttpExpectation,
    ImageExpectation,
    LogsExpectation,
    NetworkExpectation,
    NotExpectation,
    ServiceExpectation,
    TcpExpectation,
    VolumeExpectation,
)
from tutor.lab.findings.words import code, codes, command, door, listed


def describe(e: Expectation) -> str:
    """The state that an expectation is about: "`web` is running and publishes host 8080 → web 80"."""
    match e:
        case ContainerExpectation():
            return _container(e)
        case ImageExpectation():
            return f"there is an image {code(e.reference)}{_rest(e, 'reference')}"
        case VolumeExpectation():
            use = f" and {code(e.used_by)} uses it" if e.used_by else " and nobody uses it" if e.unused else ""
            return f"there is a volume {code(e.name)}{use}"
        case NetworkExpectation():
            members = f" with {codes(e.connects)} on it" if e.connects else ""
            return f"there is a network {code(e.name)}{members}"
        case ComposeExpectation():
            project = f" {code(e.project)}" if e.project else ""
            return f"the Compose project{project} has {codes(e.services)} as described"
        case ServiceExpectation():
            return f"there is a service {code(e.name)}{_rest(e, 'name')}"
        case AbsentExpectation():
            gone = [f"{kind} {code(name)}" for kind in _KINDS if (name := getattr(e, kind)) is not None]
            return f"there is no {listed(gone, 'or')}"
        case CountExpectation():
            bounds = [
                text
                for bound, text in (
                    (e.exactly, f"exactly {e.exactly}"),
                    (e.at_least, f"at least {e.at_least}"),
                    (e.at_most, f"at most {e.at_most}"),
                )
                if bound is not None
            ]
            return f"there are {listed(bounds)} {e.of}"
        case HttpExpectation():
            if isinstance(e.status, str):
                return f"nobody answers at {e.url}"
            return f"{e.url} answers {e.status}"
        case TcpExpectation():
            return f"port {e.port} is {'open' if e.open else 'closed'}"
        case ExecExpectation():
            how = f"ends with {e.exit_code}" if e.output is None else f"prints {code(e.output)}"
            return f"{code(command(e.command))} in {code(e.container)} {how}"
        case FileExpectation():
            if not e.exists:
                return f"there is no file {code(e.path)}"
            return f"the file {code(e.path)} " + (f"holds {code(e.content)}" if e.content is not None else "is there")
        case LogsExpectation():
            shown = f"show {code(e.output)}" if e.output is not None else f"do not show {code(e.missing or '')}"
            return f"the logs of {code(e.container)} {shown}"
        case ChangesExpectation():
            if e.none is not None:
                return f"the writable layer of {code(e.container)} {'is empty' if e.none else 'holds changes'}"
            parts = [f"{code(v)} {k}" for k in ("added", "changed", "deleted") if (v := getattr(e, k)) is not None]
            return f"the writable layer of {code(e.container)} has {listed(parts)}"
        case AskedExpectation():
            return f"the call {code(' '.join(filter(None, (e.method, e.path))))} was made"
        case AnyExpectation():
            return listed((describe(member) for member in e.of), "or")
        case NotExpectation():
            return f"it is not so that {listed(describe(member) for member in e.all)}"


_KINDS = ("container", "image", "volume", "network", "service", "compose")


def _container(e: ContainerExpectation) -> str:
    subject = code(e.name) if e.name else f"a container of {code(e.service)}" if e.service else "a container"
    parts = []
    if e.state is not None:
        parts.append(f"is {e.state if isinstance(e.state, str) else listed(e.state, 'or')}")
    if e.image is not None:
        parts.append(f"is made from {code(e.image)}")
    if e.publishes is not None:
        doors = [door(outside, e.name or "container", inside) for inside, outside in e.publishes.items()]
        parts.append(f"publishes {listed(doors)}" if doors else "publishes nothing")
    rest = _rest(e, "name", "service", "state", "image", "publishes")
    if not parts and not rest:
        parts.append("is there")
    return f"{subject} {listed(parts)}{rest}".replace("  ", " ")


def _rest(e: msgspec.Struct, *told: str) -> str:
    """The other fields that are given, each as it stands in the lesson."""
    given = []
    for field in msgspec.structs.fields(e):
        value = getattr(e, field.name)
        if value is None or field.name == "say" or field.name in told:
            continue
        if isinstance(value, dict):
            shown = ", ".join(f"{k}={v}" if v is not None else f"no {k}" for k, v in value.items())
        elif isinstance(value, tuple):
            shown = ", ".join(map(str, value))
        else:
            shown = str(value).lower() if isinstance(value, bool) else str(value)
        given.append(f"{field.name.replace('_', ' ')} {code(shown)}")
    return f" with {listed(given)}" if given else ""
