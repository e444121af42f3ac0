"""Volumes: the lab's own."""

from __future__ import annotations

import re
from typing import Any

from tutor.sandbox import _filters, _strict, claims, mounts
from tutor.sandbox.ask import Ask, Plan
from tutor.sandbox.policy import Refused, missing, relabel, taken

_CREATE = dict.fromkeys(("Name", "Driver", "DriverOpts", "Labels", "ClusterVolumeSpec"))


async def volume_list(ask: Ask) -> Plan:
    """The lab's own."""
    _filters.own(ask.head, ask.scope.label_filters)

    async def answer(value: Any) -> Any:
        kept = [item for item in value.get("Volumes") or () if ask.scope.owns(item.get("Labels"))]
        for item in kept:
            ask.objects.volumes_seen[item["Name"]] = True
        return {**value, "Volumes": kept}

    return Plan(answer=answer)


async def volume_create(ask: Ask) -> Plan:
    """Data that the engine keeps, with the lab's labels."""
    body = _strict.struct(await ask.json(), _CREATE, "the volume")
    if body.get("ClusterVolumeSpec"):
        raise _cluster()
    mounts.check_driver(body.get("Driver"), body.get("DriverOpts"), ask.scope, ask.socket)
    body["Labels"] = relabel(body.get("Labels"), ask.scope.labels)
    name = str(body.get("Name") or "")
    if name:
        ask.touched.append(name)
        try:
            await ask.objects.volume(name)
        except Refused:
            raise taken("volume", name) from None
        if ask.scope.distant and not await claims.free_port(ask.api, name):
            raise taken("volume", name)

    async def answer(value: Any) -> Any:
        if not ask.scope.owns(value.get("Labels")):
            # It appeared between the question and the creation, which changed nothing of it.
            raise taken("volume", name)
        ask.objects.volumes_seen[value["Name"]] = True
        return value

    return Plan(body=_strict.dumps(body), answer=answer)


async def volume_use(ask: Ask) -> Plan:
    """Inspect and remove."""
    if not await ask.objects.volume(ask.ref):
        raise missing("volume", ask.ref)
    ask.touched.append(ask.ref)

    async def failed(_: int, message: str) -> str:
        for container in re.findall(r"[0-9a-f]{64}", message):
            if not await ask.objects.is_own_container(container):
                return f"remove {ask.ref}: volume is in use by a container outside of this lab"
        return message

    return Plan(path=ask.path(ask.ref), failed=failed)


async def refuse_cluster(_: Ask) -> Plan:
    """Not in a lab."""
    raise _cluster()


def _cluster() -> Refused:
    return Refused("Cluster volumes belong to a swarm's storage, not to a lab.", rule="volume-driver")


RULES = {
    "volume_list": volume_list,
    "volume_create": volume_create,
    "volume_use": volume_use,
    "refuse_cluster": refuse_cluster,
}
