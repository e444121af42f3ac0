"""Content hashes: the journal keeps a step's id and hash, and so knows when a course update changed the step.

Fields that have their default do not count: a field that a later version of the schema adds changes no hash.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import msgspec


def content_hash(value: msgspec.Struct) -> str:
    """Sixteen hex digits that stay the same as long as the content does, on every machine and Python."""
    text = msgspec.json.encode(_canonical(value), order="deterministic")
    return hashlib.sha256(text).hexdigest()[:16]


def _canonical(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        kept: dict[str, Any] = {}
        if value.__struct_config__.tag is not None:
            kept[""] = value.__struct_config__.tag
        for info in _fields(type(value)):
            content = getattr(value, info.name)
            if not _is_default(info, content):
                kept[info.encode_name] = _canonical(content)
        return kept
    if isinstance(value, dict):
        return {key: _canonical(inner) for key, inner in value.items()}
    if isinstance(value, (tuple, list)):
        return [_canonical(inner) for inner in value]
    # 1 and 1.0 are the same number to an author.
    return int(value) if isinstance(value, float) and value.is_integer() else value


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _is_default(info: msgspec.structs.FieldInfo, content: Any) -> bool:
    if info.default is not msgspec.NODEFAULT:
        return bool(content == info.default)
    if info.default_factory is not msgspec.NODEFAULT:
        return bool(content == info.default_factory())
    return False
