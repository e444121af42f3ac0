"""Hold a document against the course's types and tell everything that does not fit, each at its own place.

Used only once something is wrong (msgspec stops at the first error and knows no lines). The types are read by
`msgspec.inspect` from `models.py`, so there is no second schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from tutor.course import _words
from tutor.course._nodes import Flaw, Node
from tutor.course._scalars import Odd


def flaws(root: Node, type_: Any) -> list[Flaw]:
    """Everything in the document that is not as `type_` wants it, in the order of the file."""
    return sorted(_check(root, _info(type_), ""), key=lambda flaw: flaw[:2])


@cache
def _info(type_: Any) -> inspect.Type:
    return inspect.type_info(type_)


def _flaw(node: Node, path: str, wrong: str, right: str) -> Flaw:
    return Flaw(node.line, node.column, path, wrong, right)


def _check(node: Node, type_: inspect.Type, path: str) -> Iterator[Flaw]:
    if node.flawed:
        return
    if isinstance(type_, inspect.Metadata):
        type_ = type_.type
    if isinstance(type_, inspect.UnionType):
        yield from _union(node, type_, path)
    elif isinstance(type_, inspect.StructType):
        if node.kind != "mapping":
            yield _wrong_kind(node, path, "a mapping", f"write {_words.keys_of(type_)}")
        else:
            yield from _struct(node, type_, path)
    elif isinstance(type_, inspect.VarTupleType):
        yield from _list(node, type_, path)
    elif isinstance(type_, inspect.DictType):
        yield from _dict(node, type_, path)
    else:
        yield from _scalar(node, (type_,), path)


def _wrong_kind(node: Node, path: str, expected: str, right: str) -> Flaw:
    if node.kind == "scalar" and isinstance(node.value, Odd) and not node.value.text:
        return _flaw(node, path, f"nothing stands here; expected {expected}", f"{right}, or leave the key out")
    return _flaw(node, path, f"expected {expected}, found {_words.found(node)}", right)


def _struct(node: Node, type_: inspect.StructType, path: str) -> Iterator[Flaw]:
    """A mapping whose keys are a struct's fields."""
    fields = {field.encode_name: field for field in type_.fields}
    meant: set[str] = set()
    for name, (key, value) in node.entries.items():
        inner = f"{path}.{name}" if path else name
        if key.flawed or not isinstance(key.value, str):
            continue
        if name not in fields:
            near = _words.near(name, fields)
            meant.update(near)
            right = _words.suggest(name, fields, "keys here are")
            yield _flaw(key, inner, f"unknown key `{name}`", right)
        else:
            yield from _check(value, fields[name].type, inner)
    for name, field in fields.items():
        if field.required and name not in node.entries and name not in meant:
            yield _flaw(node, path, f"the key `{name}` is missing", f"add `{name}: {_words.example(field.type)}`")


def _list(node: Node, type_: inspect.VarTupleType, path: str) -> Iterator[Flaw]:
    if node.kind != "sequence":
        yield _wrong_kind(node, path, "a list", "write `[one, two]`, or lines that begin with `- `")
        return
    count = len(node.items)
    least, most = type_.min_length, type_.max_length
    few, many = least is not None and count < least, most is not None and count > most
    if few or many:
        wanted = f"exactly {least}" if least == most else f"at least {least}" if few else f"at most {most}"
        yield _flaw(node, path, f"{_words.entries(count)} in the list", f"write {wanted}")
    for place, item in enumerate(node.items):
        yield from _check(item, type_.item_type, f"{path}[{place}]")


def _dict(node: Node, type_: inspect.DictType, path: str) -> Iterator[Flaw]:
    if node.kind != "mapping":
        yield _wrong_kind(node, path, "a mapping", "write `{name: value}`")
        return
    for name, (key, value) in node.entries.items():
        inner = f"{path}.{name}"
        if not key.flawed and isinstance(key.value, str):
            yield from _scalar(key, (type_.key_type,), inner)
        yield from _check(value, type_.value_type, inner)


def _union(node: Node, type_: inspect.UnionType, path: str) -> Iterator[Flaw]:
    structs = [one for one in type_.types if isinstance(one, inspect.StructType)]
    tags = {str(one.tag): one for one in structs if one.tag is not None}
    if set(tags) == {"own", "shared"}:
        yield from _mistake(node, tags, path)
    elif tags:
        yield from _kind(node, tags, path)
    elif node.kind == "scalar":
        if node.value is None and any(isinstance(one, inspect.NoneType) for one in type_.types):
            return
        scalars = tuple(
            one
            for one in type_.types
            if not isinstance(one, (inspect.StructType, inspect.VarTupleType, inspect.DictType, inspect.NoneType))
        )
        if scalars:
            yield from _scalar(node, scalars, path)
        else:
            others = [one for one in type_.types if not isinstance(one, inspect.NoneType)]
            yield from _check(node, others[0], path)
    else:
        wanted = inspect.VarTupleType if node.kind == "sequence" else (inspect.DictType, inspect.StructType)
        fitting = [one for one in type_.types if isinstance(one, wanted)]
        others = [one for one in type_.types if not isinstance(one, inspect.NoneType)]
        yield from _check(node, (fitting or others)[0], path)


def _mistake(node: Node, tags: dict[str, inspect.StructType], path: str) -> Iterator[Flaw]:
    if node.kind != "mapping":
        yield _wrong_kind(node, path, "a mistake", "write `id`, `when`, `say` and `made_by`; or `use` and `made_by`")
        return
    # `with` tells what was meant where `use` is misspelt.
    shared = "use" in node.entries or "with" in node.entries
    yield from _struct(node, tags["shared" if shared else "own"], path)


def _kind(node: Node, tags: dict[str, inspect.StructType], path: str) -> Iterator[Flaw]:
    """A one-key mapping whose key says what kind it is."""
    some = ", ".join(f"`{tag}`" for tag in list(tags)[:3])
    if node.kind != "mapping" or not node.entries:
        yield _wrong_kind(node, path, f"one of {some}, …", f"write `{next(iter(tags))}: {{…}}`")
        return
    (name, (key, value)), *more = node.entries.items()
    inner = f"{path}.{name}"
    if more:
        also = more[0][0]
        at = more[0][1][0]
        if name in tags and also not in tags:
            wrong, right = f"`{also}` stands beside `{name}`", f"indent it so that it is inside `{name}`"
            yield _flaw(at, f"{path}.{also}", wrong, right)
        else:
            yield _flaw(at, f"{path}.{also}", f"a second key, `{also}`, beside `{name}`", "begin a new entry with `- `")
    if key.flawed:
        return
    if name not in tags:
        yield _flaw(key, inner, f"unknown kind `{name}`", _words.suggest(name, tags, "kinds here are"))
    elif value.kind != "mapping" and not value.flawed:
        yield _wrong_kind(value, inner, "a mapping", f"write {_words.keys_of(tags[name])}")
    else:
        yield from _check(value, tags[name], inner)


def _scalar(node: Node, types: tuple[inspect.Type, ...], path: str) -> Iterator[Flaw]:
    """A scalar that may be one of several types."""
    expected = _words.expected(types)
    value = node.value
    if node.kind != "scalar":
        yield _flaw(node, path, f"expected {expected}, found {_words.found(node)}", f"write {_words.one(types)}")
        return
    if isinstance(value, Odd):
        if not value.text:
            yield _flaw(node, path, f"nothing stands here; expected {expected}", "write a value, or leave the key out")
        else:
            yield _flaw(node, path, f"YAML reads {value.text} as {value.meaning}", _instead(value, types))
        return
    reasons = [reason for one in types for reason in (_misfit(value, one),) if reason is not None]
    if len(reasons) < len(types):
        return
    precise = [reason for reason in reasons if reason]
    if precise:
        yield _flaw(node, path, *precise[0])
        return
    yield _flaw(node, path, f"expected {expected}, found {_words.found(node)}", _words.rewrite(node, types))


def _instead(odd: Odd, types: tuple[inspect.Type, ...]) -> str:
    fits = odd.instead and any(
        isinstance(one, inspect.BoolType) == (odd.instead in ("true", "false"))
        for one in types
        if isinstance(one, (inspect.BoolType, inspect.IntType, inspect.FloatType))
    )
    return f"write {odd.instead}" if fits else f'write "{odd.text}" in quotes'


def _misfit(value: Any, type_: inspect.Type) -> tuple[str, str] | tuple[()] | None:
    """None when the value fits; an empty tuple when its type is another; else what exactly is wrong with it."""
    if isinstance(type_, inspect.StrType):
        return _text(value, type_) if isinstance(value, str) else ()
    if isinstance(type_, inspect.LiteralType):
        if value in type_.values and not isinstance(value, bool):
            return None
        if not isinstance(value, str):
            return ()
        choices = [str(choice) for choice in type_.values]
        wrong = f"`{_words.shorten(value)}` is none of the words that can stand here"
        return wrong, _words.suggest(value, choices, "write one of")
    if isinstance(type_, inspect.BoolType):
        return None if isinstance(value, bool) else ()
    if isinstance(type_, inspect.NoneType):
        return None if value is None else ()
    if isinstance(type_, (inspect.IntType, inspect.FloatType)):
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole and not (isinstance(type_, inspect.FloatType) and isinstance(value, float)):
            return ()
        if type_.ge is not None and value < type_.ge:
            return f"{value} is too small", f"write at least {type_.ge}"
        if type_.le is not None and value > type_.le:
            return f"{value} is too large", f"write at most {type_.le}"
        return None
    raise TypeError(f"the course's types hold {type_!r}, which the checker does not know")


def _text(value: str, type_: inspect.StrType) -> tuple[str, str] | None:
    if type_.min_length is not None and len(value) < type_.min_length:
        return ("the text is empty" if not value else f"the text has {len(value)} characters"), (
            f"write at least {type_.min_length}"
        )
    if type_.max_length is not None and len(value) > type_.max_length:
        return f"the text has {len(value)} characters", f"write at most {type_.max_length}"
    if type_.pattern is not None and not re.search(type_.pattern, value):
        return f"`{_words.shorten(value)}` has not the form that is needed", f"write {_words.form(type_.pattern)}"
    return None


def convert_failed(error: msgspec.ValidationError) -> tuple[tuple[str | int, ...], str]:
    """The path and the message of an error of msgspec, for what the walk above did not find."""
    message, _, place = str(error).partition(" - at `$")
    parts = re.findall(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\[([0-9]+)\]", place)
    return tuple(name or int(index) for name, index in parts), message
