"""Go through a course's values, with the path that each has in its YAML file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

Path = tuple[str | int, ...]
"""Keys and indexes as they are written in YAML: `("sections", 0, "text", "body")`."""

_UNTAGGED = frozenset({"own", "shared"})
"""Tags that are no key in YAML."""


class Placed(NamedTuple):
    """A value and its path."""

    path: Path
    value: object


def everything(value: object, path: Path = ()) -> Iterator[Placed]:
    """A value and all values inside it, outer ones first; keys of mappings are not among them."""
    yield Placed(path, value)
    if isinstance(value, msgspec.Struct):
        for name, written in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            inner = getattr(value, name)
            if inner is not None:
                yield from everything(inner, (*path, written))
    elif isinstance(value, tuple):
        for place, inner in enumerate(value):
            yield from everything(inner, (*path, *item(place, inner)))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from everything(inner, (*path, key))


def item(place: int, value: object) -> Path:
    """The path's end at an item of a list: its place, and its tag where YAML writes one."""
    tag = value.__struct_config__.tag if isinstance(value, msgspec.Struct) else None
    return (place, tag) if isinstance(tag, str) and tag not in _UNTAGGED else (place,)
