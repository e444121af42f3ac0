"""Containers that are there: listed, looked at, used, removed — the lab's own only."""

from __future__ import annotations

import posixpath
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from tutor.sandbox import _filters, hostconfig
from tutor.sandbox._strict import dumps
from tutor.sandbox.ask import Ask, Plan, quoted
from tutor.sandbox.mounts import host_path
from tutor.sandbox.policy import ANONYMOUS, Refused, Scope, taken


class _Config(msgspec.Struct):
    Labels: dict[str, str] | None = None


class _Inspected(msgspec.Struct):
    Id: str
    Config: _Config
    Name: str = ""


class _Listed(msgspec.Struct):
    Id: str
    Names: list[str] | None = None
    Labels: dict[str, str] | None = None


# Only what is needed to see whose it is; the rest of an answer is passed over.
_INSPECT = msgspec.json.Decoder(_Inspected)
_LIST = msgspec.json.Decoder(list[_Listed])
_LABEL = ANONYMOUS.encode()
"""Stands in an inspect where the sandbox has put a mount of its own into the container."""


async def container_list(ask: Ask) -> Plan:
    """The lab's own."""
    filters = _filters.read(ask.head)
    for key in ("before", "since"):
        if filters.get(key):
            filters[key] = [await ask.objects.container(ref) for ref in filters[key]]
    _filters.own(ask.head, ask.scope.label_filters, filters)

    def fits(body: bytes) -> bool:
        # The engine has gone by the labels already, so mostly all of it is the lab's.
        try:
            items = _LIST.decode(body)
        except msgspec.DecodeError:
            return False
        if not all(ask.scope.owns(item.Labels) for item in items):
            return False
        for item in items:
            ask.objects.own_container(item.Id, (item.Names or [""])[0])
        return True

    async def answer(items: Any) -> Any:
        kept = [item for item in items or () if ask.scope.owns(item.get("Labels"))]
        for item in kept:
            ask.objects.own_container(item["Id"], (item.get("Names") or [""])[0])
        return kept

    return Plan(answer=answer, fits=fits)


async def container_use(ask: Ask) -> Plan:
    """Anything that needs no more than that the container is the lab's."""
    body = None if ask.head.method == "PUT" else b""
    try:
        container = await _own(ask)
    except Refused as refused:
        if refused.status != 404 or body is None:
            raise
        return nowhere(ask)
    return Plan(path=ask.path(container), body=body, failed=as_named(ask.ref, container))


def nowhere(ask: Ask) -> Plan:
    """Let the engine say in its own words that there is no such container: ask for an id that nothing has."""
    nobody = secrets.token_hex(32)

    async def failed(_: int, message: str) -> str:
        return message.replace(nobody, ask.ref)

    return Plan(path=ask.path(nobody), failed=failed)


def as_named(ref: str, container: str) -> Callable[[int, str], Awaitable[str]]:
    """Errors that repeat what the client called the container say so again, though the engine was given the id."""
    pattern = re.compile(rf"(cannot \w+ container:? |in container |^container (?=.*paused, unpause)){container}", re.I)

    async def failed(_: int, message: str) -> str:
        return pattern.sub(lambda found: found[1] + ref, message, count=1)

    return failed


async def container_inspect(ask: Ask) -> Plan:
    """As without the sandbox: what it added to get anonymous volumes labelled is taken out again."""
    if ask.objects.knows(ask.ref):
        ask.touched.append(ask.ref)

        async def known(info: Any) -> Any:
            return hide_mounts(info, ask.scope)

        return Plan(path=ask.path(ask.ref), answer=known, fits=lambda body: _LABEL not in body)

    def fits(body: bytes) -> bool:
        try:
            info = _INSPECT.decode(body)
        except msgspec.DecodeError:
            return False
        if _LABEL in body or not ask.scope.owns(info.Config.Labels):
            return False
        ask.objects.own_container(info.Id, info.Name)
        ask.touched.append(info.Id)
        return True

    async def answer(info: Any) -> Any:
        if not ask.scope.owns((info.get("Config") or {}).get("Labels")):
            # Somebody else's by this name, or by these first digits: is there an own one by them?
            container = await ask.objects.container(ask.ref)
            version = f"/v{ask.head.version}" if ask.head.version else ""
            info = await ask.api.get(f"{version}/containers/{container}/json")
        ask.objects.own_container(info["Id"], str(info.get("Name", "")))
        ask.touched.append(info["Id"])
        return hide_mounts(info, ask.scope)

    return Plan(path=ask.path(ask.ref), answer=answer, fits=fits)


def hide_mounts(info: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """Take the sandbox's mounts for anonymous volumes out of a container's inspect."""
    host = info.get("HostConfig") or {}
    declared = (info.get("Config") or {}).get("Volumes") or {}
    kept, hidden = [], set()
    for mount in host.get("Mounts") or ():
        options = mount.get("VolumeOptions") or {}
        labels = options.get("Labels") or {}
        if scope.keys[0] in labels:
            if not mount.get("Source") and mount.get("Target") in declared:
                hidden.add(mount["Target"])
                continue
            for key in (*scope.keys, ANONYMOUS):
                labels.pop(key, None)
            if not labels:
                options.pop("Labels", None)
            if not options:
                mount.pop("VolumeOptions", None)
        kept.append(mount)
    if "Mounts" in host:
        host["Mounts"] = kept
        if not kept:
            del host["Mounts"]
    for point in info.get("Mounts") or ():
        if point.get("Destination") in hidden:
            point["Mode"] = ""
    return info


async def container_start(ask: Ask) -> Plan:
    """Host paths are looked at again: a link may have been put in the place of a folder since."""
    container = await _own(ask)
    if ask.head.first("checkpoint") or ask.head.first("checkpoint-dir"):
        raise _no_checkpoints()
    await _mounts_again(ask, container)
    return Plan(path=ask.path(container), failed=as_named(ask.ref, container))


async def container_files(ask: Ask) -> Plan:
    """Files in and out: for that the engine mounts all anew, also where the container does not run."""
    plan = await container_use(ask)
    if ask.touched:
        await _mounts_again(ask, ask.touched[0])
    return plan


async def _mounts_again(ask: Ask, container: str) -> None:
    """Look at host paths again.

    Raises:
        Refused: One of them leads out of the lab's folder by now.
    """
    info = await ask.objects.inspect_container(container)
    ask.objects.own_container(container, str(info.get("Name", "")))
    for point in info.get("Mounts") or ():
        source = ""
        if point.get("Type") == "bind":
            source = str(point.get("Source"))
        elif point.get("Type") == "volume" and point.get("Name"):
            # A volume of the local driver can stand for a folder of the lab's.
            volume = await ask.api.get(quoted("volumes", str(point["Name"])))
            source = str((volume.get("Options") or {}).get("device") or "")
        if not source.startswith("/"):
            continue
        found = host_path(source, ask.scope, ask.socket, read_only=not point.get("RW"))
        if found != posixpath.normpath(source):
            raise Refused(f"{source} leads elsewhere by a link now. The lab mounts only its own folder.", rule="bind")


async def container_update(ask: Ask) -> Plan:
    """Limits and the restart policy, judged as for a new container."""
    container = await _own(ask)
    return Plan(path=ask.path(container), body=dumps(hostconfig.check(await ask.json(), ask.scope)))


async def container_rename(ask: Ask) -> Plan:
    """To a name that nothing else has."""
    container = await _own(ask)
    name = ask.head.first("name")

    async def done(status: int) -> None:
        if status == 204:
            ask.objects.own_container(container, name)

    return Plan(path=ask.path(container), failed=name_failed(ask, name), done=done)


def name_failed(ask: Ask, name: str) -> Any:
    """Says that a name is taken, without the id of the container that has it when that is not the lab's."""

    async def failed(status: int, message: str) -> str:
        if status != 409:
            return message
        try:
            await ask.objects.container(name.lstrip("/"))
        except Refused:
            return taken("container", name).message
        return message

    return failed


async def container_attach(ask: Ask) -> Plan:
    """Input and output of an own container."""
    return Plan(path=ask.path(await _own(ask)), stream=True)


async def checkpoint(_: Ask) -> Plan:
    """Not in a lab."""
    raise _no_checkpoints()


async def prune_labelled(ask: Ask) -> Plan:
    """Prune with the lab's label: the engine itself then takes nothing else."""
    _filters.own(ask.head, ask.scope.label_filters)
    return Plan()


def _no_checkpoints() -> Refused:
    return Refused("Checkpoints write a container's memory to a path of the machine; the lab has none.")


async def _own(ask: Ask) -> str:
    container = await ask.objects.container(ask.ref)
    ask.touched.append(container)
    return container


RULES = {
    "container_list": container_list,
    "container_use": container_use,
    "container_inspect": container_inspect,
    "container_start": container_start,
    "container_files": container_files,
    "container_update": container_update,
    "container_rename": container_rename,
    "container_attach": container_attach,
    "checkpoint": checkpoint,
    "prune_labelled": prune_labelled,
}
