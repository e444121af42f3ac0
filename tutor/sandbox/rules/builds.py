"""Builds: classic through `/build`, and BuildKit through `/grpc` and `/session`."""

from __future__ import annotations

import re
from typing import Any

from tutor.sandbox import _filters, _strict
from tutor.sandbox._steps import Steps
from tutor.sandbox.ask import Ask, Plan
from tutor.sandbox.buildkit import Builder
from tutor.sandbox.policy import Refused, relabel
from tutor.sandbox.rules._classic import take_context
from tutor.sandbox.rules._late import Late
from tutor.sandbox.rules.creation import network_name
from tutor.sandbox.rules.tags import claim, keep, shared
from tutor.sandbox.upstream import EngineError

_SHARED = b"x-docker-expose-session-sharedkey"
_KNOWN = frozenset(
    {"t", "dockerfile", "q", "nocache", "pull", "rm", "forcerm", "memory", "memswap", "cpushares", "cpuperiod",
     "cpuquota", "cpusetcpus", "cpusetmems", "buildargs", "shmsize", "squash", "labels", "networkmode", "platform",
     "target", "outputs", "version", "session", "buildid", "remote", "cachefrom", "extrahosts", "ulimits", "isolation",
     "cgroupparent", "securityopt", "dumpDebug"}
)  # fmt: skip
_TRIGGERS = re.compile(rb'"stream":"# Executing [0-9]+ build trigger')
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
    if head.first("version") == "2":
        raise Refused(
            "This docker command is older than 23 and asks for BuildKit in a way in which the engine cannot be told "
            "what images the lab may read. Use docker buildx build, or build without DOCKER_BUILDKIT.",
            rule="builder",
        )
    if head.first("remote"):
        raise Refused(
            "The engine itself would fetch that address, from the machine's own network. "
            "Clone or download it and build from the folder.",
            rule="remote",
        )
    await _network(ask)
    await _cache_from(ask)
    head.put("labels", _strict.dumps(relabel(_object(ask, "labels"), ask.scope.image_labels)).decode())
    progress = Steps(
        ask.scope.image_labels, removes=not head.first("rm") or head.flag("rm"), always=head.flag("forcerm")
    )
    head.put("rm", "1")
    head.put("forcerm", "1")
    # The classic builder would move the names of images that are here already, whoever has them.
    head.put("pull")
    names = [name for name in head.every("t") if name]
    for name in names:
        ask.touched.append(name)
        await claim(ask, name)
    context = await take_context(ask)
    if context.unread and head.flag("q"):
        context.spool.close()
        raise Refused(
            f"With -q the builder does not say whether it pulls {', '.join(context.unread)}, which is not here yet. "
            "Pull it first (docker pull), or leave out -q.",
            rule="builder",
        )
    for name in names:
        ask.record.make(name)
    steps: set[str] = set()
    listed = await ask.api.get("/images/json", all="1")
    before = {item["Id"] for item in listed}
    seen = {item["Id"][7:19] for item in listed if ask.objects.view_image(item).visible}
    late = Late(context.text, context.arguments, context.unread, seen)

    refused = bytearray()  # what the builder says after a refusal

    def rewrite(line: bytes) -> bytes:
        steps.update(found.decode() for found in _STEP.findall(line))
        late.line(line)
        if context.unread and _TRIGGERS.search(line):
            raise Refused(
                f"{', '.join(context.unread)} was not here when the build began, and it brings build steps of its own "
                "(ONBUILD) that the sandbox has not read. Pull it first: docker pull.",
                rule="builder",
            )
        return progress.line(line)

    kept = keep(ask, *names)

    async def done(status: int) -> None:
        await kept(status)
        for name in late.pulled:
            # What the build pulled by itself stays on the engine, unlike what BuildKit fetches.
            image = await ask.objects.reference_id(name)
            if image:
                ask.record.make(name, image, shared=await shared(ask, name))
                steps.add(image[7:19])
        steps.update(found.decode() for found in _STEP.findall(refused))
        if steps:
            new = [item for item in await ask.api.get("/images/json", all="1") if item["Id"] not in before]
            new = [item for item in new if item["Id"][7:19] not in late.theirs]
            ask.record.own_images(_made(new, steps, after=bool(refused)))

    return Plan(body=None, spool=context.spool, rewrite=rewrite, watch=refused.extend, done=done)


def _made(new: list[dict[str, Any]], steps: set[str], *, after: bool) -> set[str]:
    """The new images that a classic build has told of, and the new ones that these stand on.

    Args:
        new: Images of the engine's list.
        steps: First twelve digits of those it has told of.
        after: Also those that stand on these: of its last steps a build that was stopped does not tell.
    """
    parents = {item["Id"]: str(item.get("ParentId") or "") for item in new}
    made: set[str] = set()
    for image in (image for image in parents if image[7:19] in steps):
        while image in parents and image not in made:
            made.add(image)
            image = parents[image]
    while after and (more := {image for image, parent in parents.items() if parent in made} - made):
        made |= more
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
    kept = []
    for name in _strict.loads(text.encode()) or []:
        try:
            await ask.objects.image(str(name))
        except Refused:
            continue
        kept.append(name)
    ask.head.put("cachefrom", _strict.dumps(kept).decode())


def _object(ask: Ask, name: str) -> dict[str, Any]:
    text = ask.head.first(name)
    value = _strict.loads(text.encode()) if text else {}
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(f"{name} must be a JSON object.", 400, "malformed")
    return value


# -- build cache ------------------------------------------------------------------------------------------------------
async def build_prune(ask: Ask) -> Plan:
    """Remove what the lab's builds put into the cache, record by record."""
    filters = _filters.read(ask.head)
    wanted = set(filters.get("id", ()))
    deleted: list[str] = []
    space = 0
    # `^id$` is how another sandbox, or closing a lab, asks for exactly this one.
    ids = {item for item in ask.record.cache if not wanted or any(_asked(item, part) for part in wanted)}
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


def _asked(item: str, pattern: str) -> bool:
    if pattern.startswith("^") and pattern.endswith("$"):
        return item == pattern[1:-1]
    return item.startswith(pattern)


async def build_cancel(ask: Ask) -> Plan:
    """Cancel a build of the lab."""
    if ask.head.first("id") not in ask.objects.builds:
        raise Refused("There is no such build in this lab.", 404, "not-found")
    return Plan()


async def session(ask: Ask) -> Plan:
    """The builder asks the client for files over this connection; the engine is the one that asks."""
    # The builder keeps what it got under this key, and takes what looks unchanged from there: never another's files.
    key = f"{ask.scope.lab}:{ask.head.header(_SHARED)}".encode()
    ask.head.headers = [item for item in ask.head.headers if item[0] != _SHARED] + [(_SHARED, key)]
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
