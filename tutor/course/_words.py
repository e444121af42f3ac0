"""Words for what was expected in a course file and what was found."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from msgspec import inspect

from tutor.course._nodes import Node

_FORMS = (
    ("^[a-z][a-z0-9]*(-", "lower-case words joined by hyphens, such as `first-container`"),
    ("^https://", "an address that begins with https://"),
    ("^[0-9]+(", "a size such as `64m`, or `0`"),
    ("port\\.", "a container's port such as `80/tcp`, or `*`"),
)


def form(pattern: str) -> str:
    """A pattern in words."""
    return next((words for part, words in _FORMS if part in pattern), f"a text that fits {pattern}")


def shorten(text: str) -> str:
    """At most forty characters of a text, on one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 40 else flat[:39] + "…"


def suggest(name: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean …?`, or the known ones."""
    names = list(known)
    for one in near(name, names):
        return f"did you mean `{one}`?"
    return f"{otherwise} " + ", ".join(f"`{one}`" for one in names)


def near(name: str, known: Iterable[str]) -> list[str]:
    """The known name that was probably meant, if any."""
    return difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)


def entries(count: int) -> str:
    """How many entries."""
    return "no entry" if count == 0 else "1 entry" if count == 1 else f"{count} entries"


def found(node: Node) -> str:
    """What a node is, in words."""
    if node.kind == "sequence":
        return "a list"
    if node.kind == "mapping":
        return "a mapping"
    if isinstance(node.value, str):
        return f"the text `{shorten(node.value)}`" if node.value else "an empty text"
    if not node.written:
        return "nothing"
    number = isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
    return f"the number `{shorten(node.written)}`" if number else f"`{shorten(node.written)}`"


def expected(types: Iterable[inspect.Type]) -> str:
    """What may stand here, in words."""
    return " or ".join(dict.fromkeys(_name(one) for one in types))


def one(types: Iterable[inspect.Type]) -> str:
    """An example of what may stand here."""
    return example(next(iter(types)))


def example(type_: inspect.Type) -> str:
    """A short example of a value."""
    if isinstance(type_, inspect.UnionType):
        structs = [inner for inner in type_.types if isinstance(inner, inspect.StructType) and inner.tag]
        return "…" if structs else example(type_.types[0])
    if isinstance(type_, inspect.VarTupleType):
        return "[…]"
    if isinstance(type_, (inspect.DictType, inspect.StructType)):
        return "{…}"
    if isinstance(type_, inspect.LiteralType):
        return str(type_.values[0])
    if isinstance(type_, inspect.IntType):
        return "10"
    if isinstance(type_, inspect.FloatType):
        return "0.5"
    if isinstance(type_, inspect.BoolType):
        return "true"
    if isinstance(type_, inspect.StrType) and type_.pattern and type_.pattern.startswith("^[a-z]"):
        return "a-name"
    return "a text"


def keys_of(type_: inspect.StructType) -> str:
    """The keys that a mapping needs, as YAML."""
    needed = [field.encode_name for field in type_.fields if field.required]
    names = needed or [field.encode_name for field in type_.fields][:2]
    return "`{" + ", ".join(f"{name}: …" for name in names[:4]) + "}`"


def rewrite(node: Node, types: tuple[inspect.Type, ...]) -> str:
    """How to write a scalar of the wrong type."""
    value = node.value
    if any(isinstance(kind, inspect.StrType) for kind in types) and value is not None:
        return f'write "{node.written}" in quotes'
    if isinstance(value, str) and any(isinstance(kind, (inspect.IntType, inspect.FloatType)) for kind in types):
        return "write digits, without quotes" if value.strip().isdecimal() else f"write a number, such as {one(types)}"
    if isinstance(value, str) and value in ("true", "false"):
        return f"write {value} without quotes"
    if any(isinstance(kind, inspect.BoolType) for kind in types):
        return "write true or false"
    return f"write {one(types)}"


def _name(type_: inspect.Type) -> str:
    if isinstance(type_, inspect.StrType):
        return "a text"
    if isinstance(type_, inspect.IntType):
        return "a whole number"
    if isinstance(type_, inspect.FloatType):
        return "a number"
    if isinstance(type_, inspect.BoolType):
        return "true or false"
    if isinstance(type_, inspect.LiteralType):
        return "one of " + ", ".join(f"`{value}`" for value in type_.values)
    return "null"
