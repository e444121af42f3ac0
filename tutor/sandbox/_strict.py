"""JSON as a guard has to read it: one meaning for every reader.

Go's `encoding/json` matches the keys of a struct without regard to case and lets the last of two win, so `"privileged"`
reaches the engine as `Privileged`. Bodies are therefore read strictly, brought to the spelling of the API, and only
what was read is sent on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tutor.sandbox.policy import MAX_JSON, Refused

_DEPTH = 64


def loads(data: bytes) -> Any:
    """Parse a body.

    Raises:
        Refused: It is no JSON, has a key twice, is nested deeper than 64, or is not UTF-8.
    """
    if len(data) > MAX_JSON:
        raise Refused("This request's JSON is larger than 1 MiB; the sandbox does not read more.", 413, "too-large")
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_constant)
        _check(value, 0)
    except Refused:
        raise
    except (ValueError, RecursionError) as error:
        raise Refused(f"The request's body is not valid JSON: {error}", 400, "malformed") from None
    return value


def dumps(value: Any) -> bytes:
    """Write a body that every reader understands alike."""
    return json.dumps(value, separators=(",", ":")).encode()


def struct(value: Any, fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Bring the keys of a JSON object to the API's spelling.

    Args:
        value: The parsed object; None counts as an empty one.
        fields: The known fields, by their API spelling.
        where: What the object is, for the refusal.

    Raises:
        Refused: It is no object, a field is unknown, or two spellings of one field are given.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(f"{where} must be a JSON object.", 400, "malformed")
    known = _folded(fields)
    result: dict[str, Any] = {}
    for key, item in value.items():
        name = known.get(key.casefold())
        if name is None:
            raise Refused(
                f'The sandbox does not know the field "{key}" of {where} and cannot tell whether it is safe. '
                "Leave it out, or do this on your own engine, outside of the lab.",
                403,
                "unknown-field",
            )
        if name in result:
            raise Refused(f'{where} has the field "{name}" twice.', 400, "malformed")
        result[name] = item
    return result


_CACHE: dict[int, tuple[Mapping[str, Any], dict[str, str]]] = {}


def _folded(fields: Mapping[str, Any]) -> dict[str, str]:
    found = _CACHE.get(id(fields))
    if found is None or found[0] is not fields:
        found = _CACHE[id(fields)] = (fields, {name.casefold(): name for name in fields})
    return found[1]


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Refused("The request's JSON has the same key twice.", 400, "malformed")
    return result


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _check(value: Any, depth: int) -> None:
    if depth > _DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        for key, item in value.items():
            key.encode("utf-8")
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, str):
        value.encode("utf-8")
