"""Builds: classic, BuildKit through `/build`, and BuildKit through `/grpc`."""

from __future__ import annotations

import re
from typing import Any

from tutor.sandbox import _filters, _strict
from tutor.sandbox.ask import Ask, Plan
from tutor.sandbox.buildkit import Builder
from tutor.sandbox.policy import Refused, relabel
from tutor.sandbox.rules._buildcache import cache_ids, note_cache
from tutor.sandbox.rules.creation import network_name
from tutor.sandbox.rules.tags import claim, keep
from tutor.sandbox.upstream import EngineError

_KNOWN = frozenset(
    {"t", "dockerfile", "q", "nocache", "pull", "rm", "forcerm", "memory", "memswap", "cpushares", "cpuperiod",
     "cpuquota", "cpusetcpus", "cpusetmems", "buildargs", "shmsize", "squash", "labels", "networkmode", "platform",
     "target", "outputs", "version", "session", "buildid", "remote", "cachefrom", "extrahosts", "ulimits", "isolation",
     "cgroupparent", "securityopt", "dumpDebug"}
)  # fmt: skip
# What a classic build says of its images: each step's, and with -q the last one's only.
_STEP = re.compile(rb'"stream":"(?: ---\\u003e |sha256:)([0-9a-f]{12})(?:[0-9a-f]{52})?\\n"')


async def build(ask: Ask) -> Plan:
    """Build an image of the lab."""
    head = ask.head
    for name, value in head.query:
        if name not in _KNOWN:
            raise Refused(f"The sandbox does not know the build option {name}.", rule="unknown-field")
        if value and name in {"cgroupparent", "securityopt", "isolation"} and value not in {"null", "[]", "default"}:
            raise Refused(f"The build option {name} takes away walls around the build. Leave it out.", rule=name)
    buildkit = head.first("version") == "2"
    if head.first("remote") not in ({"", "client-session"} if buildkit else {""}):
        raise Refused(
            "The engine itself would fetch that address, from the machine's own network. "
            "Clone or download it and build from the folder.",
            rule="remote",
        )
    await _network(ask)
    await _cache_from(ask)
    head.put("labels", _strict.dumps(relabel(_object(ask, "labels"), ask.scope.image_labels)).decode())
    if buildkit:
        _outputs(ask)
        arguments = {**_object(ask, "buildargs"), "BUILDKIT_CACHE_MOUNT_NS": ask.scope.lab}
        head.put("buildargs", _strict.dumps(arguments).decode())
    else:
        head.put("rm", "1")
        head.put("forcerm", "1")
    names = [name for name in head.every("t") if name]
    for name in names:
        ask.touched.append(name)
        await claim(ask, name)
    for name in names:
        ask.record.make(name)
    if head.first("buildid"):
        ask.objects.builds.add(head.first("buildid"))
    steps: set[str] = set()
    rest = b""

    def watch(data: bytes) -> None:
        nonlocal rest
        rest += data
        steps.update(found.decode() for found in _STEP.findall(rest))
        rest = rest[-256:]

    before = set() if buildkit else {item["Id"] for item in await ask.api.get("/images/json", all="1")}
    cache = await cache_ids(ask)
    kept = keep(ask, *names)

    async def done(status: int) -> None:
        await kept(status)
        if steps:
            listed = await ask.api.get("/images/json", all="1")
            ask.record.own_images(_made(listed, before, steps))
        await note_cache(ask, cache)

    return Plan(body=None, watch=None if buildkit else watch, done=done)


def _made(listed: list[dict[str, Any]], before: set[str], steps: set[str]) -> set[str]:
    """The new images that a classic build has told of, and the new ones that these stand on."""
    parents = {item["Id"]: str(item.get("ParentId") or "") for item in listed if item["Id"] not in before}
    made = set()
    for image in (image for image in parents if image[7:19] in steps):
        while image in parents and image not in made:
            made.add(image)
            image = parents[image]
    return made


async def _network(ask: Ask) -> None:
    mode = ask.head.first("networkmode")
    if mode == "host":
        if "network-host" not in ask.scope.allow:
            raise Refused(
                "--network host runs the build's steps in the machine's own network. Leave it out.",
                rule="network-host",
            )
    elif mode.startswith("container:"):
        ask.head.put("networkmode", f"container:{await ask.objects.container(mode[len('container:') :])}")
    elif mode not in {"", "default", "bridge", "none"}:
        ask.head.put("networkmode", await network_name(ask, mode))


async def _cache_from(ask: Ask) -> None:
    text = ask.head.first("cachefrom")
    if not text:
        return
    names = _strict.loads(text.encode()) or []
    if ask.head.first("version") != "2":
        kept = []
        for name in names:
            try:
                await ask.objects.image(str(name))
            except Refused:
                continue
            kept.append(name)
        names = kept
    ask.head.put("cachefrom", _strict.dumps(names).decode())


def _object(ask: Ask, name: str) -> dict[str, Any]:
    text = ask.head.first(name)
    value = _strict.loads(text.encode()) if text else {}
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(f"{name} must be a JSON object.", 400, "malformed")
    return value


def _outputs(ask: Ask) -> None:
    text = ask.head.first("outputs")
    if not text:
        return
    kept = []
    for raw in _strict.loads(text.encode()) or ():
        output = _strict.struct(raw, {"Type": 0, "Attrs": 0}, "an output")
        if output.get("Type") not in {"", "moby", "local", "tar", "docker", "oci", "cacheonly"}:
            raise Refused(f"The lab's builds do not write to {output.get('Type')}.", rule="output")
        if any(str(key).casefold() in {"name", "push", "store"} for key in output.get("Attrs") or {}):
            raise Refused("Name the image with -t; the lab reads names there.", rule="output")
        kept.append(output)
    ask.head.put("outputs", _strict.dumps(kept).decode())


# -- build cache ------------------------------------------------------------------------------------------------------
async def build_prune(ask: Ask) -> Plan:
    """Remove what the lab's builds put into the cache, record by record."""
    filters = _filters.read(ask.head)
    wanted = set(filters.get("id", ()))
    deleted: list[str] = []
    space = 0
    ids = {item for item in ask.record.cache if not wanted or any(item.startswith(part) for part in wanted)}
    progress = True
    while ids and progress:
        progress = False
        for item in sorted(ids):
            query = {"all": "1", "filters": _strict.dumps({"id": {f"^{item}$": True}}).decode()}
            try:
                answer = await ask.api.call("POST", "/build/prune", query) or {}
            except EngineError as error:
                raise Refused(error.message, error.status, "engine") from None
            gone = answer.get("CachesDeleted") or ()
            if gone:
                progress = True
                deleted += gone
                space += int(answer.get("SpaceReclaimed", 0))
                ids -= set(gone)
    ask.record.own_cache(drop=deleted)
    return Plan(reply=(200, {"CachesDeleted": deleted or None, "SpaceReclaimed": space}))


async def build_cancel(ask: Ask) -> Plan:
    """Cancel a build of the lab."""
    if ask.head.first("id") not in ask.objects.builds:
        raise Refused("There is no such build in this lab.", 404, "not-found")
    return Plan()


async def session(_: Ask) -> Plan:
    """The builder asks the client for files over this connection; the engine is the one that asks."""
    return Plan(stream=True)


async def grpc(ask: Ask) -> Plan:
    """The builder's own protocol."""
    builder = Builder(ask)
    return Plan(stream=True, tunnel=builder, done=builder.done)


RULES = {
    "build": build,
    "build_prune": build_prune,
    "build_cancel": build_cancel,
    "session": session,
    "grpc": grpc,
}
