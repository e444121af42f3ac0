"""Variables in labs: what differs from machine to machine is written `${port.web}` and bound when a lab opens.

Only the course's own variables are touched: `${image.ROLE}`, `${name.NAME}`, `${port.NAME}`, `${workspace}`, `${lab}`
and `${with.PARAMETER}`. Everything else that begins with `${` belongs to the shell or to Compose and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from tutor.course.models import Chapter
from tutor.course.walk import everything
from tutor.problems import Problem

T = TypeVar("T")

VARIABLE = re.compile(r"\$\{(?:(image|name|port|with)\.([A-Za-z0-9_-]+)|(workspace|lab))\}")
"""A variable of the course: family and key, or the one word."""


class UnknownVariable(Problem):
    """A variable that nothing gives a value to."""

    def __init__(self, variable: str) -> None:
        super().__init__(
            f"Nothing gives the variable ${{{variable}}} a value.",
            "Declare it in the chapter's `images`, `names` or `ports`, or under `with`.",
            code="unknown-variable",
        )
        self.variable = variable


@dataclass(frozen=True)
class Bindings:
    """The values of one lab's variables.

    Attributes:
        images: Catalogue role → reference.
        names: Name in the course → name on the engine.
        ports: Name in the course → port on the host.
        workspace: The learner's working directory.
        lab: The lab's id.
    """

    images: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    workspace: str = ""
    lab: str = ""

    def value(self, family: str, key: str) -> str | None:
        """The value of `family.key`, or None."""
        if family == "image":
            return self.images.get(key)
        if family == "name":
            return self.names.get(key)
        port = self.ports.get(key)
        return None if port is None else str(port)


def bind(value: T, bindings: Bindings, with_: Mapping[str, str] | None = None) -> T:
    """The same value with all variables replaced, in a text or anywhere inside a struct, tuple or dict.

    Args:
        value: A struct of the course, or a text.
        bindings: What the variables stand for.
        with_: Values of `${with.…}`; they may hold other variables.

    Raises:
        UnknownVariable: A variable has no value.
    """
    parameters = with_ or {}

    def replace(match: re.Match[str]) -> str:
        family, key, word = match.groups()
        if word:
            return bindings.workspace if word == "workspace" else bindings.lab
        if family == "with":
            inner = parameters.get(key)
            if inner is None:
                raise UnknownVariable(f"with.{key}")
            # One level only: a parameter's value names no parameters.
            return bind(inner, bindings)
        found = bindings.value(family, key)
        if found is None:
            raise UnknownVariable(f"{family}.{key}")
        return found

    return _map(value, lambda text: VARIABLE.sub(replace, text) if "${" in text else text)  # type: ignore[no-any-return]


def bind_parameters(value: T, with_: Mapping[str, str]) -> T:
    """The same value with `${with.…}` replaced and all other variables left.

    Raises:
        UnknownVariable: A parameter has no value.
    """

    def replace(match: re.Match[str]) -> str:
        if match[1] != "with":
            return match[0]
        if match[2] not in with_:
            raise UnknownVariable(f"with.{match[2]}")
        return with_[match[2]]

    return _map(value, lambda text: VARIABLE.sub(replace, text) if "${" in text else text)  # type: ignore[no-any-return]


def used(value: object) -> frozenset[str]:
    """The variables that occur anywhere in a value, such as `port.web` or `workspace`."""
    return frozenset(match[3] or f"{match[1]}.{match[2]}" for text in texts(value) for match in VARIABLE.finditer(text))


def texts(value: object) -> Iterator[str]:
    """Every text inside a value, keys of mappings included."""
    for _, inner in everything(value):
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, dict):
            yield from inner


def preview(chapter: Chapter, images: Mapping[str, str]) -> Bindings:
    """Bindings to show a chapter with while no lab is open: names as written, ports from 8080 on.

    Args:
        chapter: The chapter to show.
        images: Catalogue role → reference; a role that is missing stands for itself.
    """
    return Bindings(
        images={role: images.get(role, role) for role in chapter.images},
        names={name: name for name in chapter.names},
        ports={name: 8080 + place for place, name in enumerate(chapter.ports)},
        workspace="~/workspace",
        lab=f"{chapter.chapter:02}",
    )


def _map(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, msgspec.Struct):
        changed = {}
        for name in value.__struct_fields__:
            old = getattr(value, name)
            new = _map(old, change)
            if new is not old:
                changed[name] = new
        return msgspec.structs.replace(value, **changed) if changed else value
    if isinstance(value, tuple):
        items = tuple(_map(inner, change) for inner in value)
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    if isinstance(value, dict):
        return {_map(key, change): _map(inner, change) for key, inner in value.items()}
    return value
