"""The JSON Schema of course files as authors write them, made from the types: there is no second schema to keep."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Any, Literal

import msgspec

from tutor.course import expectations, models
from tutor.course.models import Chapter, SharedMistakes

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TITLES = {"chapter": "A chapter of docker tutor", "mistakes": "Mistakes that a course's chapters share"}


def schema(what: Literal["chapter", "mistakes"] = "chapter") -> dict[str, Any]:
    """The schema of `NN-slug.yaml`, or of `mistakes.yaml`.

    Kinds are one-key mappings, as in YAML (`- http: {url: …}`), and descriptions come from the types' docstrings.
    """
    (root,), parts = msgspec.json.schema_components(
        [Chapter if what == "chapter" else SharedMistakes], ref_template="#/$defs/{name}"
    )
    kinds = {name: part["properties"].pop("kind")["enum"][0] for name, part in parts.items() if _is_kind(part)}
    definitions = {name: _definition(name, _as_written(part, kinds)) for name, part in sorted(parts.items())}
    return {"$schema": DRAFT, "title": _TITLES[what], **_as_written(root, kinds), "$defs": definitions}


def _is_kind(part: dict[str, Any]) -> bool:
    return "enum" in part.get("properties", {}).get("kind", {})


def _as_written(part: Any, kinds: dict[str, str]) -> Any:
    """A piece of msgspec's schema with tags turned into keys."""
    if isinstance(part, list):
        return [_as_written(inner, kinds) for inner in part]
    if not isinstance(part, dict):
        return part
    if "discriminator" in part:
        names = [choice["$ref"].rsplit("/", 1)[1] for choice in part["anyOf"]]
        return _one_of(names, kinds)
    written = {key: _as_written(inner, kinds) for key, inner in part.items() if key != "default"}
    if "required" in written:
        written["required"] = [name for name in written["required"] if name != "kind"]
    return written


def _one_of(names: list[str], kinds: dict[str, str]) -> dict[str, Any]:
    if {kinds[name] for name in names} == {"own", "shared"}:
        return {
            "if": {"required": ["use"]},
            "then": {"$ref": "#/$defs/UseMistake"},
            "else": {"$ref": "#/$defs/Mistake"},
        }
    return {
        "type": "object",
        "properties": {kinds[name]: {"$ref": f"#/$defs/{name}"} for name in names},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _definition(name: str, part: dict[str, Any]) -> dict[str, Any]:
    type_: Any = getattr(models, name, None) or getattr(expectations, name)
    summary, attributes = _docstring(inspect.getdoc(type_) or "")
    part["description"] = summary
    for key, text in attributes.items():
        if key in part["properties"]:
            # 2020-12 allows a description beside `$ref`.
            part["properties"][key]["description"] = text
    return part


def _docstring(text: str) -> tuple[str, dict[str, str]]:
    """The summary, and the text of each name under `Attributes:`."""
    summary, _, rest = text.partition("Attributes:")
    found: dict[str, str] = {}
    entry = re.compile(r"(?m)^(\w+(?:, \w+)*): (.*(?:\n[ \t]+.*)*)")
    for match in entry.finditer(textwrap.dedent(rest.strip("\n"))):
        for name in match[1].split(", "):
            found[name.rstrip("_")] = " ".join(match[2].split())
    return " ".join(summary.split()), found
