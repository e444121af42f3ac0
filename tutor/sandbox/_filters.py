"""The `filters` parameter: a JSON object of names to values, in two spellings."""

from __future__ import annotations

import json
from functools import lru_cache

from tutor.sandbox import _strict
from tutor.sandbox._head import Head
from tutor.sandbox.policy import Refused

Filters = dict[str, list[str]]


def read(head: Head) -> Filters:
    """The filters as names to lists of values.

    Raises:
        Refused: They are not what the API describes.
    """
    text = head.first("filters")
    if not text:
        return {}
    raw = _strict.loads(text.encode())
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise Refused("filters must be a JSON object.", 400, "malformed")
    result: Filters = {}
    for key, values in raw.items():
        if isinstance(values, dict):
            items = [value for value, wanted in values.items() if wanted]
        elif isinstance(values, list):
            items = values
        else:
            raise Refused("filters must name lists of values.", 400, "malformed")
        if not all(isinstance(item, str) for item in items):
            raise Refused("Values of filters are strings.", 400, "malformed")
        result[key] = list(items)
    return result


def write(head: Head, filters: Filters) -> None:
    """Put the filters back."""
    wanted = {key: dict.fromkeys(values, True) for key, values in filters.items() if values}
    if wanted:
        head.put("filters", json.dumps(wanted, separators=(",", ":")))
    else:
        head.put("filters")


@lru_cache(maxsize=64)
def _only(labels: tuple[str, ...]) -> str:
    return json.dumps({"label": dict.fromkeys(labels, True)}, separators=(",", ":"))


def own(head: Head, labels: list[str], filters: Filters | None = None) -> None:
    """Ask for the lab's own only: label filters must all fit.

    Args:
        head: Gets the filters.
        labels: As `name=value`.
        filters: What the client asked for, where it has been read already.
    """
    filters = read(head) if filters is None else filters
    if not filters:
        head.put("filters", _only(tuple(labels)))
        return
    write(head, {**filters, "label": [*filters.get("label", ()), *labels]})
