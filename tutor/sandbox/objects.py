"""Whose is it: from what a client names to an object of the lab, asked of the engine.

A name is looked up among the lab's own objects as if there were no others, and the request goes on with the object's
full id, so that nothing can take the name's place in between.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network
from typing import Any

from tutor.sandbox.policy import PREDEFINED_NETWORKS, SWARM_NETWORKS, Refused, Scope, missing
from tutor.sandbox.references import Record, is_id, normal, repository
from tutor.sandbox.upstream import Api, EngineError, segment

Routes = Callable[[], Iterable[IPv4Network]]
_REMEMBER = 4096


@dataclass(frozen=True, slots=True)
class Image:
    """An image as the lab sees it.

    Attributes:
        id: `sha256:…`.
        seen: Its references that the lab sees, full forms.
        hidden: Its references that are somebody else's and not seen.
        made: It was made, pulled or loaded by the lab.
        info: The engine's inspect.
    """

    id: str
    seen: frozenset[str]
    hidden: frozenset[str]
    made: bool
    info: dict[str, Any]

    @property
    def visible(self) -> bool:
        """Whether the lab may use it."""
        return self.made or bool(self.seen)


@lru_cache(maxsize=64)
def catalogue(images: frozenset[str]) -> frozenset[str]:
    """The catalogue's references in full form."""
    return frozenset(normal(image) for image in images)


class Objects:
    """Looks things up for one lab.

    Args:
        api: The engine.
        record: What the lab knows of images.
        scope: The lab; replaced when a step allows something else.
        routes: Tells which address ranges the engine's machine uses itself.
    """

    def __init__(self, api: Api, record: Record, scope: Scope, routes: Routes = tuple) -> None:
        self.api = api
        self.record = record
        self.scope = scope
        self.routes = routes
        self._containers: OrderedDict[str, bool] = OrderedDict()
        self._names: OrderedDict[str, str] = OrderedDict()
        self._execs: OrderedDict[str, str] = OrderedDict()
        self.commands: OrderedDict[str, str] = OrderedDict()  # exec instance → its command, for words
        self.networks_seen: OrderedDict[str, bool] = OrderedDict()
        self.volumes_seen: OrderedDict[str, bool] = OrderedDict()
        self.builds: set[str] = set()
        self._engine_api: tuple[int, int] | None = None
        self.swarm_seen: OrderedDict[str, bool] = OrderedDict()

    # -- containers -----------------------------------------------------------------------------------------------
    def own_container(self, container: str, name: str = "") -> None:
        """Remember a full id as the lab's (labels of a container never change), and the name for words."""
        _remember(self._containers, container, True)
        if name:
            _remember(self._names, container, name.lstrip("/"))

    def knows(self, container: str) -> bool:
        """Whether this full id is known to be the lab's."""
        return bool(self._containers.get(container))

    def name(self, ref: str) -> str:
        """What to call a container in words: its name when it is known."""
        if ref in self._names:
            return self._names[ref]
        if len(ref) >= 12:
            return next((name for key, name in self._names.items() if key.startswith(ref)), ref)
        return ref

    async def container(self, ref: str) -> str:
        """The full id of an own container.

        Raises:
            Refused: 404 in the engine's words.
        """
        if self._containers.get(ref):
            return ref
        info = await self._try(f"/containers/{segment(ref)}/json")
        if info and self.scope.owns(info.get("Config", {}).get("Labels")):
            self.own_container(info["Id"], str(info.get("Name", "")))
            return str(info["Id"])
        if info and info.get("Id") == ref:
            raise missing("container", ref)
        for item in await self.containers():
            if ref in (item["Id"], *(name.lstrip("/") for name in item.get("Names") or ())):
                return str(item["Id"])
        found = [item["Id"] for item in await self.containers() if item["Id"].startswith(ref)]
        if len(found) != 1 or ref.startswith("/"):
            raise missing("container", ref)
        self.own_container(found[0])
        return str(found[0])

    async def containers(self) -> list[dict[str, Any]]:
        """The engine's list of all own containers."""
        filters = _json({"label": self.scope.label_filters})
        return list(await self.api.get("/containers/json", all="1", filters=filters) or ())

    async def inspect_container(self, ref: str) -> dict[str, Any]:
        """The engine's inspect of an own container."""
        return dict(await self.api.get(f"/containers/{await self.container(ref)}/json"))

    async def is_own_container(self, container: str) -> bool:
        """Whether a full id is an own container's; also remembers the answer no."""
        known = self._containers.get(container)
        if known is None:
            try:
                await self.container(container)
                known = True
            except Refused:
                known = False
                _remember(self._containers, container, False)
        return known

    async def exec(self, ref: str) -> str:
        """An exec instance in an own container; returns the container's id."""
        found = self._execs.get(ref)
        if found is None:
            info = await self._try(f"/exec/{segment(ref)}/json")
            container = str(info.get("ContainerID")) if info else ""
            if not container or not await self.is_own_container(container):
                raise missing("exec", ref)
            found = container
            self.own_exec(ref, found)
        return found

    def own_exec(self, ref: str, container: str, command: str = "") -> None:
        """Remember an exec instance, and its command for words."""
        _remember(self._execs, ref, container)
        if command:
            _remember(self.commands, ref, command)

    # -- networks, volumes ----------------------------------------------------------------------------------------
    async def network(self, ref: str, *, predefined: bool = True) -> dict[str, Any]:
        """The engine's inspect of an own network, or of a predefined one.

        Raises:
            Refused: 404 in the engine's words.
        """
        if ref == "default":
            ref = "bridge"
        info = await self._try(f"/networks/{segment(ref)}")
        if info and self._sees_network(info, predefined):
            self.networks_seen[info["Id"]] = True
            return info
        items = [item for item in await self.api.get("/networks") if self._sees_network(item, predefined)]
        for found in (
            [item for item in items if item["Id"] == ref],
            [item for item in items if item["Name"] == ref],
            [item for item in items if ref and item["Id"].startswith(ref)],
        ):
            if len(found) == 1:
                return dict(found[0])
        raise missing("network", ref)

    def _sees_network(self, info: dict[str, Any], predefined: bool) -> bool:
        return self.owns_network(info) or (predefined and self.predefined(info))

    def owns_network(self, info: dict[str, Any]) -> bool:
        """Whether a network of the engine's list or inspect is the lab's."""
        return self.scope.owns(info.get("Labels"))

    def predefined(self, info: dict[str, Any]) -> bool:
        """Whether it is one of the networks every engine has."""
        name = info.get("Name")
        return name in PREDEFINED_NETWORKS or (
            "swarm" in self.scope.allow and name in SWARM_NETWORKS and not info.get("Labels")
        )

    async def volume(self, name: str) -> bool:
        """Whether an own volume has this name; False when the name is free.

        Raises:
            Refused: 404 when it is somebody else's.
        """
        info = await self._try(f"/volumes/{segment(name)}")
        if info is None:
            return False
        if not self.scope.owns(info.get("Labels")):
            raise missing("volume", name)
        _remember(self.volumes_seen, name, True)
        return True

    # -- swarm ----------------------------------------------------------------------------------------------------
    async def swarm(self, kind: str, ref: str) -> str:
        """The id of an own service, secret or config.

        Raises:
            Refused: 404 in the engine's words.
        """
        info = await self._try(f"/{kind}s/{segment(ref)}")
        if info and self.scope.owns((info.get("Spec") or {}).get("Labels")):
            _remember(self.swarm_seen, str(info["ID"]), True)
            return str(info["ID"])
        raise missing(kind, ref)

    # -- images ---------------------------------------------------------------------------------------------------
    @property
    def references(self) -> frozenset[str]:
        """All references that the lab sees, full forms."""
        return catalogue(self.scope.images) | self.record.references

    def view_image(self, info: dict[str, Any]) -> Image:
        """Look at an image of the engine's list or inspect with the lab's eyes."""
        tags = frozenset(normal(tag) for tag in info.get("RepoTags") or () if tag != "<none>:<none>")
        labels = info.get("Labels") or (info.get("Config") or {}).get("Labels")
        seen = tags & self.references
        made = self.scope.made_image(labels) or info["Id"] in self.record.images
        return Image(info["Id"], seen, tags - seen, made, info)

    async def image(self, ref: str) -> Image:
        """An image the lab sees, by reference or id.

        Raises:
            Refused: 404 in the engine's words.
        """
        info = await self._try(f"/images/{segment(ref)}/json")
        if info:
            image = self.view_image(info)
            if image.visible and (normal(ref) in self.references or self._by_id(ref, image) or _by_digest(ref, image)):
                return image
        if is_id(ref):
            found = {
                item["Id"]
                for item in await self.api.get("/images/json", all="1")
                if item["Id"].removeprefix("sha256:").startswith(ref.removeprefix("sha256:"))
                and self.view_image(item).visible
            }
            if len(found) == 1:
                return self.view_image(await self.api.get(f"/images/{found.pop()}/json"))
        raise missing("image", ref)

    @staticmethod
    def _by_id(ref: str, image: Image) -> bool:
        return is_id(ref) and image.id.removeprefix("sha256:").startswith(ref.removeprefix("sha256:"))

    async def exists_image(self, ref: str) -> bool:
        """Whether the engine finds an image by a name or an id, whoever's it is."""
        return await self._try(f"/images/{segment(ref)}/json") is not None

    async def reference_id(self, ref: str) -> str:
        """The image id that a reference names on the engine, whoever made it; empty when there is none."""
        info = await self._try(f"/images/{segment(normal(ref))}/json")
        return str(info["Id"]) if info else ""

    async def foreign_reference(self, ref: str) -> str:
        """The image id when a reference exists and the lab did not make it (the catalogue's too); else empty."""
        if normal(ref) in self.record.made:
            return ""
        return await self.reference_id(ref)

    async def foreign_references(self) -> list[str]:
        """All references on the engine that name an image by somebody else's name, or one that the lab does not see."""
        found: set[str] = set()
        for item in await self.api.get("/images/json"):
            image = self.view_image(item)
            found |= image.hidden
            if not image.visible:
                found.update(normal(name) for name in item.get("RepoDigests") or () if not name.startswith("<none>"))
        return sorted(found)

    async def engine_api(self) -> tuple[int, int]:
        """The newest API version that the engine speaks."""
        if self._engine_api is None:
            self._engine_api = version(str((await self.api.get("/version")).get("ApiVersion", "")))
        return self._engine_api

    async def _try(self, path: str) -> dict[str, Any] | None:
        try:
            found = await self.api.get(path)
        except EngineError as error:
            if error.status == 502:
                raise Refused(error.message, 502, "engine") from None
            return None
        return found if isinstance(found, dict) else None


def version(text: str) -> tuple[int, int]:
    """`1.45` as numbers; zeros for what is no version."""
    major, _, minor = text.partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else (0, 0)


def _by_digest(ref: str, image: Image) -> bool:
    return "@" in ref and repository(ref) in {repository(seen) for seen in image.seen}


def _remember(table: OrderedDict[str, Any], key: str, value: Any) -> None:
    table[key] = value
    table.move_to_end(key)
    while len(table) > _REMEMBER:
        table.popitem(last=False)


def _json(value: Any) -> str:
    return json.dumps(value)
