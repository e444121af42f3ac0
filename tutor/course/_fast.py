"""YAML text to plain values in one pass over the parser's events: the way every correct course file takes.

Nothing is explained here: whatever is not regular raises `Irregular`, and the slow way (`_nodes`, `_shape`) says
what is wrong and where. Events and not nodes, because libyaml composes nodes by recursion and overflows the
C stack on deep nesting, and because events show anchors, aliases and tags.
"""

from __future__ import annotations

from typing import Any

import yaml

from tutor.course._scalars import Odd, plain

Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser, or PyYAML's own where libyaml is missing (ten times slower)."""

DEPTH = 32
"""How deep a course file may nest; the format itself needs about sixteen."""

KIND_LISTS = frozenset({"sections", "questions", "expect", "cause", "when", "state", "of", "all"})
"""Keys whose lists hold one-key mappings `kind: {…}`."""


class Irregular(Exception):
    """The text is not a regular course file; says nothing more."""


def read(text: str, own_or_shared: bool) -> Any:
    """The document as plain values, with kinds turned into the `kind` field.

    Args:
        text: One YAML document.
        own_or_shared: Whether entries of `mistakes` are of the two kinds that steps have.

    Raises:
        Irregular: Duplicate keys, surprises, anchors, tags, several documents, too deep, …
        yaml.YAMLError: It is not YAML.
    """
    return _tagged(_values(text), "", own_or_shared)


def _values(text: str) -> Any:
    get = Parser(text).get_event
    scalar, mapping, sequence = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent
    mapping_end, sequence_end = yaml.MappingEndEvent, yaml.SequenceEndEvent
    stack: list[tuple[Any, str | None]] = []
    holder: Any = None
    key: str | None = None
    documents = 0
    root: Any = None
    while True:
        event = get()
        what = event.__class__
        if what is scalar:
            if event.tag is not None or event.anchor is not None:
                raise Irregular
            value: Any = event.value
            if not event.style:
                value = plain(value)
                if value.__class__ is Odd:
                    raise Irregular
            if holder.__class__ is dict:
                if key is None:
                    if value.__class__ is not str or value in holder:
                        raise Irregular
                    key = value
                else:
                    holder[key] = value
                    key = None
            elif holder is None:
                root = value
            else:
                holder.append(value)
        elif what is mapping or what is sequence:
            if event.tag is not None or event.anchor is not None or len(stack) >= DEPTH:
                raise Irregular
            value = {} if what is mapping else []
            if holder.__class__ is dict:
                if key is None:
                    raise Irregular
                holder[key] = value
            elif holder is None:
                root = value
            else:
                holder.append(value)
            stack.append((holder, None))
            holder, key = value, None
        elif what is mapping_end or what is sequence_end:
            holder, key = stack.pop()
        elif what is yaml.AliasEvent:
            raise Irregular
        elif what is yaml.DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise Irregular
        elif event is None:
            return root


def _tagged(value: Any, under: str, own_or_shared: bool) -> Any:
    """Turn `- http: {…}` into `{kind: http, …}` wherever kinds are listed, in place."""
    if value.__class__ is dict:
        for key, inner in value.items():
            if inner.__class__ is dict or inner.__class__ is list:
                value[key] = _tagged(inner, key, own_or_shared)
    elif value.__class__ is list:
        kinds = under in KIND_LISTS
        mistakes = own_or_shared and under == "mistakes"
        for place, inner in enumerate(value):
            if inner.__class__ is not dict:
                continue
            _tagged(inner, "", own_or_shared)
            if kinds:
                value[place] = _kind(inner)
            elif mistakes:
                if "kind" in inner:
                    raise Irregular
                inner["kind"] = "shared" if "use" in inner else "own"
    return value


def _kind(one: dict[str, Any]) -> dict[str, Any]:
    if len(one) != 1:
        raise Irregular
    ((kind, fields),) = one.items()
    if fields.__class__ is not dict or "kind" in fields:
        raise Irregular
    fields["kind"] = kind
    return fields
