"""Images that a BuildKit build takes its cache from: those of somebody else are as if they were not there.

The engine looks for such an image among its own first, and a step that is found in its cache is not run but copied
from it. Messages: moby/buildkit, `CacheOptions` of `api/services/control/control.proto`, and the options `cache-from`
and `cache-imports` of its reader of Dockerfiles.
"""

from __future__ import annotations

from typing import Any

from tutor.sandbox import _protobuf as pb
from tutor.sandbox import _strict
from tutor.sandbox._protobuf import Field
from tutor.sandbox.objects import Objects
from tutor.sandbox.policy import Refused


class CacheSources:
    """Leaves out what a lab may not read.

    Args:
        objects: Looks up images.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def message(self, fields: list[Field], names: int, entries: int) -> list[Field]:
        """A message without sources that the lab does not see.

        Args:
            fields: The message.
            names: Number of the field with an image's name.
            entries: Number of the field with a source and its attributes.
        """
        kept = []
        for field in fields:
            name = ""
            if field.number == names:
                name = field.text
            elif field.number == entries:
                name = pb.pairs(pb.parse(field.data), 2).get("ref", "")
            if not name or not await self._hidden(name):
                kept.append(field)
        return kept

    async def options(self, fields: list[Field], number: int) -> list[Field]:
        """A message whose map of options names no such source.

        Args:
            fields: The message.
            number: Number of the map.
        """
        kept = []
        for field in fields:
            if field.number == number:
                for key, value in pb.pairs([field], number).items():
                    kept.append(pb.entry(number, key, await self._option(key, value)))
            else:
                kept.append(field)
        return kept

    async def _option(self, key: str, value: str) -> str:
        if not value:
            return value
        if key == "cache-from":
            names = [name for name in value.split(",") if not await self._hidden(name)]
            return ",".join(names)
        if key == "cache-imports":
            items = _strict.loads(value.encode())
            if not isinstance(items, list):
                raise Refused("cache-imports must be a JSON list.", 400, "malformed")
            return _strict.dumps([item for item in items if not await self._hidden(_reference(item))]).decode()
        return value

    async def _hidden(self, name: str) -> bool:
        name = name.strip()
        if not name:
            return False
        try:
            await self._objects.image(name)
        except Refused:
            return await self._objects.exists_image(name)
        return False


def _reference(item: Any) -> str:
    source = _strict.struct(item, {"Type": 0, "Attrs": 0}, "a source of build cache")
    attributes = source.get("Attrs") or {}
    if not isinstance(attributes, dict):
        raise Refused("Attrs must be a JSON object.", 400, "malformed")
    return str(attributes.get("ref") or "")
