"""The engine as a whole: information, events, disk usage."""

from __future__ import annotations

import re
from typing import Any

from tutor.sandbox.ask import Ask, Plan
from tutor.sandbox.objects import version
from tutor.sandbox.policy import Refused
from tutor.sandbox.references import normal
from tutor.sandbox.rules.images import trim
from tutor.sandbox.sourcepolicy import POLICY_API

_OLD_CLIENT = re.compile(r"Docker-Client/(?:1\d|20)\.")


async def ping(ask: Ask) -> Plan:
    """Passes; where BuildKit cannot be kept to the lab's images, clients are told to use the engine's other builder.

    That is so with engines before 24, and with docker commands before 23: they ask for BuildKit by `/build`, where no
    policy for sources can be given (and take this header's word unless DOCKER_BUILDKIT is set).
    """
    old = _OLD_CLIENT.match(ask.head.header(b"user-agent"))

    def retell(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        told = {name.lower(): value for name, value in headers}
        if not old and version(told.get(b"api-version", b"").decode("latin-1")) >= POLICY_API:
            return headers
        return [(name, b"1" if name.lower() == b"builder-version" else value) for name, value in headers]

    return Plan(retell=retell)


async def ignore(_: Ask) -> Plan:
    """Passes as it is."""
    return Plan()


async def pass_secret(ask: Ask) -> Plan:
    """Passes; its body holds credentials and is not kept."""
    return Plan(body=await ask.read())


async def info(ask: Ask) -> Plan:
    """The engine's own information with the lab's counts."""

    async def answer(value: Any) -> Any:
        containers = await ask.objects.containers()
        states = [item.get("State") for item in containers]
        value["Containers"] = len(states)
        value["ContainersRunning"] = states.count("running")
        value["ContainersPaused"] = states.count("paused")
        value["ContainersStopped"] = len(states) - states.count("running") - states.count("paused")
        images = await ask.api.get("/images/json")
        value["Images"] = sum(ask.objects.view_image(item).visible for item in images)
        return value

    return Plan(answer=answer)


async def disk_usage(ask: Ask) -> Plan:
    """What the lab's objects and images use."""

    async def answer(value: Any) -> Any:
        return await _usage(ask, value)

    return Plan(answer=answer)


async def _usage(ask: Ask, value: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if value.get("Images") is not None:
        images = [trim(ask, item) for item in value["Images"] if ask.objects.view_image(item).visible]
        kept["Images"] = images
        # Layers that images share count once for the engine; the largest shared part is the best guess for a few.
        shared = [max(int(item.get("SharedSize") or 0), 0) for item in images]
        own = [int(item.get("Size") or 0) - part for item, part in zip(images, shared, strict=True)]
        kept["LayersSize"] = sum(own) + max(shared, default=0)
    if value.get("Containers") is not None:
        kept["Containers"] = [item for item in value["Containers"] if ask.scope.owns(item.get("Labels"))]
    if value.get("Volumes") is not None:
        kept["Volumes"] = [item for item in value["Volumes"] if ask.scope.owns(item.get("Labels"))]
    if value.get("BuildCache") is not None:
        kept["BuildCache"] = [item for item in value["BuildCache"] if item.get("ID") in ask.record.cache]
    for key in ("LayersSize", "Images", "Containers", "Volumes", "BuildCache"):
        if key in value and key not in kept:
            kept[key] = value[key] if value[key] is None or key == "LayersSize" else []
    if "BuilderSize" in value:
        kept["BuilderSize"] = sum(int(item.get("Size") or 0) for item in kept.get("BuildCache") or ())
    return kept


async def events(ask: Ask) -> Plan:
    """Events of the lab's own objects."""
    ask.head.headers = [item for item in ask.head.headers if item[0] != b"accept"]

    async def line(event: dict[str, Any]) -> bool:
        return await _own_event(ask, event)

    return Plan(line=line)


async def _own_event(ask: Ask, event: dict[str, Any]) -> bool:
    kind = event.get("Type")
    actor = event.get("Actor") or {}
    name, attributes = str(actor.get("ID", "")), actor.get("Attributes") or {}
    objects = ask.objects
    if kind == "container":
        return ask.scope.owns(attributes)
    if kind == "image":
        names = {name, str(attributes.get("name", ""))}
        return bool(
            {normal(item) for item in names if item} & (objects.references | ask.record.ever)
            or names & ask.record.images
            or ask.scope.made_image(attributes)
        )
    try:
        if kind == "network":
            container = str(attributes.get("container", ""))
            if container and not await objects.is_own_container(container):
                return False
            if name in objects.networks_seen:
                return bool(container) or attributes.get("name") not in {"bridge", "host", "none"}
            await objects.network(name, predefined=bool(container))
            return True
        if kind == "volume":
            return name in objects.volumes_seen or await objects.volume(name)
        if kind in {"service", "secret", "config"} and "swarm" in ask.scope.allow:
            return name in objects.swarm_seen or bool(await objects.swarm(kind, name))
        return kind == "node" and "swarm" in ask.scope.allow
    except Refused:
        return False


RULES = {
    "ping": ping,
    "pass": ignore,
    "pass_secret": pass_secret,
    "info": info,
    "disk_usage": disk_usage,
    "events": events,
}
