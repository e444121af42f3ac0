"""What to say where something that should be there is not: what is there instead, and what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from tutor.course.expectations import ContainerExpectation
from tutor.engine.world import Container
from tutor.lab.findings import words
from tutor.lab.findings.found import Context, Found, Weight
from tutor.lab.findings.match import image_of, made_from, nearest, nearest_reference, normal, tagged
from tutor.lab.findings.words import code
from tutor.lab.observations import ApiCall

_OPTIONS = frozenset({"-d", "-it", "-ti", "-i", "-t", "-p", "-v", "-e", "--rm", "--publish", "--detach", "--network"})
"""Options of `docker run` that a program's own command hardly begins with."""


def no_container(name: str, ctx: Context, e: ContainerExpectation | None = None) -> Found:
    """There is no container of that name."""
    start = f"There is no container {code(name)}"
    summary, found = f"{start}.", "no container of that name"
    others = [c for c in ctx.world.containers.values() if c.name not in ctx.claimed and ctx.is_new(c)]
    close = nearest(name, [c.name for c in others])
    alike = next((c for c in others if c.name == close), None)
    same = next((c for c in _newest(others) if e and e.image and made_from(ctx.world, c, e.image)), None)
    refused = _refused(name, ctx, e.image if e else None)
    if alike is not None:
        summary = f"{start}; there is one called {code(alike.name)}, made from {words.image(alike)}."
        found = f"{alike.name}, made from {words.image(alike)}"
    elif same is not None:
        summary = f"{start}; a container made from {words.image(same)} {words.runs(same)} under the name "
        summary += f"{code(same.name)}{_misplaced(same, name)}."
        found = f"{same.name}, made from {words.image(same)}"
    elif refused:
        summary = words.ended(f"{start}: {refused}")
        found = "a refused attempt"
    elif any(c.name == name for c in ctx.baseline.world.containers.values()):
        summary = f"The container {code(name)} is not there any more."
        found = "removed"
    elif (image := tagged(ctx.world, name)) is not None and image.own:
        summary = f"{start}; {code(name)} is an image so far, and no container was made from it."
        found = f"an image called {name}"
    elif others:
        new = _newest(others)[0]
        summary = f"{start}; the newest, {code(new.name)}, is made from {words.image(new)}{_misplaced(new, name)}."
        found = f"{new.name}, made from {words.image(new)}"
    return Found(summary, "a container of that name", found, f"container {name}", exists(name), weight=Weight.MISSING)


def exists(name: str) -> tuple[str, ...]:
    """The topic of a container's being there."""
    return ("container", name, "exists")


def no_container_from(e: ContainerExpectation, ctx: Context) -> Found:
    """There is no container that an expectation without a name could mean."""
    what = f"of the service {code(e.service)}" if e.service else f"made from {e.image}" if e.image else "of this lab"
    refused = _refused("", ctx, e.image)
    near = ""
    if not refused and e.image:
        others = [c for c in ctx.world.containers.values() if ctx.is_new(c) and c.name not in ctx.claimed]
        newest = next(iter(_newest(others)), None)
        if newest is not None:
            near = f"; {code(newest.name)} is made from {words.image(newest)}"
    return Found(
        words.ended(f"There is no container {what}{f': {refused}' if refused else near}"),
        f"a container {what}",
        "none",
        "",
        ("container", e.service or e.image or "", "any"),
        weight=Weight.MISSING,
    )


def no_image(reference: str, ctx: Context) -> Found:
    """There is no image that goes by that reference."""
    start = f"There is no image {code(reference)}"
    summary, found = f"{start}.", "no image of that name"
    known = {i.id for i in ctx.baseline.world.images.values()}
    new = [i for i in ctx.world.images.values() if i.own and i.id not in known]
    added = {tag for i in new for tag in i.tags} or {tag for i in ctx.world.images.values() if i.own for tag in i.tags}
    plain = normal(reference)
    same_name = next((t for t in sorted(added) if normal(t).rpartition(":")[0] == plain.rpartition(":")[0]), None)
    close = same_name or nearest(reference, added)
    nameless = next((i for i in new if not i.tags), None)
    if close:
        summary, found = f"{start}; there is one called {code(close)}.", close
    elif nameless is not None:
        short = nameless.id.removeprefix("sha256:")[:12]
        summary, found = f"{start}; a new image without a name is there, {code(short)}.", short
    elif asked := _asked_image(ctx):
        typo = nearest_reference(asked, ctx.world, reference)
        summary = words.ended(f"{start}; {code(asked)} was asked for and could not be had{_did_you_mean(typo)}")
        found = f"asked for {asked}"
    elif any(c.name == reference for c in ctx.world.containers.values()):
        summary, found = f"{start}; {code(reference)} is the name of a container.", f"a container called {reference}"
    elif tagged(ctx.baseline.world, reference) is not None:
        summary, found = f"The image {code(reference)} is not there any more.", "removed"
    return Found(
        summary,
        f"an image {reference}",
        found,
        f"image {reference}",
        ("image", reference, "exists"),
        weight=Weight.MISSING_BASE,
    )


def _newest(containers: list[Container]) -> list[Container]:
    return sorted(containers, key=lambda c: c.created, reverse=True)


def _misplaced(c: Container, name: str) -> str:
    """Options after the image are the container's command: the name given there named nothing."""
    first = c.command[0] if c.command else ""
    named = any(word in {f"--name={name}", "--name"} for word in c.command)
    if named or first in _OPTIONS or (first.startswith("-") and not c.entrypoint):
        return f"; what stands after the image, {code(words.command(c.command))}, became its command"
    return ""


def _refused(name: str, ctx: Context, wanted: str | None) -> str:
    """Why the newest attempt to create a container (of that name, from that image) failed, as a sentence's end."""
    for call in reversed(ctx.observations.calls):
        if call.method != "POST" or not call.path.endswith("/containers/create"):
            continue
        asked = _text(call.query.get("name"))
        if call.status is None or call.status < 400 or (name and asked and asked != name):
            return ""
        refusal = getattr(call, "refusal", None)
        if refusal:
            return f"the sandbox refused it. {str(refusal).rstrip('.')}"
        body = call.body if isinstance(call.body, Mapping) else {}
        image = _text(body.get("Image"))
        if call.status == 404 and image and image_of(ctx.world, image) is None:
            typo = nearest_reference(image, ctx.world, wanted)
            return f"the image {code(image)} could not be had{_did_you_mean(typo)}"
        # The engine answers 409 to a missing network and to a taken name alike.
        if absent := _absent_network(body, ctx):
            return absent
        if call.status == 409:
            return f"the name {code(asked or name)} was taken"
        return "the engine refused to create it"
    return ""


def _absent_network(body: Mapping[str, Any], ctx: Context) -> str:
    """Which network, or which container's, is not there for a refused container to use; as the end of a sentence."""
    host = body.get("HostConfig")
    mode = _text(host.get("NetworkMode")) if isinstance(host, Mapping) else ""
    if mode in {"", "default", "bridge", "host", "none"}:
        return ""
    kind, colon, other = mode.partition(":")
    if colon and kind == "container":
        known = any(other and (c.name == other or c.id.startswith(other)) for c in ctx.world.containers.values())
        return "" if known else f"there is no container {code(other)} whose network it could use"
    known = any(n.name == mode or n.id.startswith(mode) for n in ctx.world.networks.values())
    return "" if known else f"there is no network {code(mode)}"


def _asked_image(ctx: Context) -> str:
    """The image that the newest failed pull or create asked for."""
    for call in reversed(ctx.observations.calls):
        reference = _pulled(call)
        if not reference and call.path.endswith("/containers/create") and call.status == 404:
            body = call.body if isinstance(call.body, Mapping) else {}
            reference = _text(body.get("Image"))
        if reference:
            return "" if image_of(ctx.world, reference) else reference
    return ""


def _pulled(call: ApiCall) -> str:
    if call.method != "POST" or not call.path.endswith("/images/create"):
        return ""
    name, tag = unquote(_text(call.query.get("fromImage"))), _text(call.query.get("tag"))
    return f"{name}:{tag}" if name and tag and tag != "latest" and not tag.startswith("sha256:") else name


def _did_you_mean(reference: str | None) -> str:
    if not reference:
        return ""
    return f" — did you mean {code(reference.removesuffix(':latest'))}?"


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    return value if isinstance(value, str) else ""
