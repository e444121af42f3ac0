"""Requests that give a name to an image: pull, import, load, tag, commit. A name of somebody else never moves."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from tutor.sandbox import _strict
from tutor.sandbox.ask import Ask, Plan, quoted
from tutor.sandbox.policy import Refused
from tutor.sandbox.references import familiar, has_tag, is_reference, normal, repository
from tutor.sandbox.rules.creation import CONFIG
from tutor.sandbox.upstream import EngineError

_LOADED = re.compile(rb'Loaded image(?: ID)?: ([^\\"]+)\\n')


async def claim(ask: Ask, reference: str) -> None:
    """The lab is about to give this name to an image.

    Raises:
        Refused: The name is in use by an image that the lab did not make.
    """
    full = normal(reference)
    if full in ask.objects.references - ask.record.made.keys():
        raise Refused(
            f"{familiar(full)} is one of the images that the course or you outside of this lab need as they are. "
            "Choose another name.",
            rule="name-taken",
        )
    if await ask.objects.foreign_reference(full):
        raise Refused(
            f"The image name {familiar(full)} is already in use outside of this lab. Choose another name.",
            409,
            "name-taken",
        )


def named(ask: Ask) -> str:
    """The reference that `repo` and `tag` give; empty for none.

    Raises:
        Refused: It is no reference, or has two tags.
    """
    repo, tag = ask.head.first("repo"), ask.head.first("tag")
    return whole(repo, tag) if repo else ""


def whole(name: str, tag: str) -> str:
    """The reference that a name and a tag (or digest) beside it give.

    The engine lets the tag stand for one in the name, and forgives a colon too many: so what a name with both means
    depends on who reads it.

    Raises:
        Refused: It is no reference, or has two tags.
    """
    full = f"{name}{'@' if ':' in tag else ':'}{tag}" if tag else name
    if not is_reference(name) or not is_reference(full):
        raise Refused(f"invalid reference format: {full}", 400, "malformed")
    if tag and has_tag(name):
        raise Refused(f"{name} has a tag already; name one tag only, there or in the parameter tag.", 400, "malformed")
    return full


def keep(ask: Ask, *references: str) -> Any:
    """After the answer: note what the names mean now."""
    since = time.time()

    async def done(status: int) -> None:
        for reference in references:
            await settle(ask, reference, since)

    return done


async def settle(ask: Ask, reference: str, since: float) -> None:
    """Something of the lab's that gives a name to an image has ended: note what the name means now.

    Where somebody else gave it to an image of theirs meanwhile, it is theirs, and is put back if it was taken.

    Args:
        ask: The request.
        reference: The name.
        since: When that began, seconds since 1970.
    """
    full = normal(reference)
    now = await ask.objects.reference_id(full)
    named = await _named_since(ask, full, since)
    theirs = [image for image in named if not await _made_here(ask, image)] if len(set(named) | {now}) > 1 else []
    if theirs:
        ask.record.own_images({now, *named} - {*theirs, ""})
        ask.record.forget(full)
        if now != theirs[-1]:
            await put_back(ask, full, theirs[-1])
        ask.refusal = f"{familiar(full)} was given to another image outside of this lab meanwhile, and stays there."
    elif now:
        ask.record.make(full, now)
    else:
        ask.record.forget(full)


async def _named_since(ask: Ask, full: str, since: float) -> list[str]:
    """Images that got this name, in their order; the engine remembers its last 256 events."""
    query = {"since": f"{since:.9f}", "until": f"{time.time():.9f}", "filters": json.dumps({"event": ["tag"]})}
    status, data = await ask.api.raw("GET", "/events", query)
    images = []
    for line in data.splitlines() if status == 200 else ():
        actor = json.loads(line).get("Actor") or {}
        if normal(str((actor.get("Attributes") or {}).get("name", ""))) == full:
            images.append(str(actor.get("ID", "")))
    return images


async def _made_here(ask: Ask, image: str) -> bool:
    try:
        return ask.objects.view_image(await ask.api.get(quoted("images", image, "json"))).made
    except EngineError:
        return True  # it is gone, and nothing of it is to be put back


async def image_tag(ask: Ask) -> Plan:
    """A further name for an image the lab sees."""
    image = await ask.objects.image(ask.ref)
    target = named(ask)
    ask.touched += [ask.ref, target]
    if target:
        await claim(ask, target)
        known = normal(target) in ask.record.made
        ask.record.make(target)

        async def done(status: int) -> None:
            if status == 201:
                ask.record.make(target, image.id, shared=True)
            elif not known:
                ask.record.forget(target)

        return Plan(path=ask.path(image.id), done=done)
    return Plan(path=ask.path(image.id))


async def image_create(ask: Ask) -> Plan:
    """Pull or import."""
    source = ask.head.first("fromSrc")
    if source:
        return await _import(ask, source)
    image, tag = ask.head.first("fromImage"), ask.head.first("tag")
    if not tag and not has_tag(image):
        # The engine takes this for all tags of the repository, whatever they are and whoever made them.
        raise Refused("Name the tag to pull: all tags of a repository at once are too many for a lab.", 400)
    reference = whole(image, tag)
    ask.touched.append(reference)
    full = normal(reference)
    if await ask.objects.foreign_reference(full):
        return await _borrow(ask, full)
    before = await ask.objects.reference_id(full)
    if not before:
        ask.record.make(full)

    async def done(status: int) -> None:
        now = await ask.objects.reference_id(full)
        if now:
            ask.record.make(full, now, shared=await shared(ask, full))
        else:
            ask.record.forget(full)

    return Plan(done=done)


async def shared(ask: Ask, full: str) -> bool:
    """Whether somebody else, or the catalogue, has a name for this image too."""
    image = ask.objects.view_image(await ask.api.get(quoted("images", full, "json")))
    return bool(image.hidden or image.seen - ask.record.made.keys())


async def _borrow(ask: Ask, full: str) -> Plan:
    """A pull of what is on the machine already: the lab uses it, and will not remove it.

    What was made on the machine has no digest of a registry (with the classic image store) and could not be pulled:
    such an image is its maker's alone.
    """
    name = familiar(full)
    if full not in ask.objects.references:
        info = await ask.api.get(quoted("images", full, "json"))
        if repository(full) not in {repository(item) for item in info.get("RepoDigests") or ()}:
            raise Refused(
                f"The image name {name} is in use outside of this lab, by an image that was made here and not pulled. "
                "The lab leaves it alone; use another name.",
                409,
                "name-taken",
            )
        ask.record.borrow(full)
    tag = full.rpartition(":")[2]
    lines = [
        {"status": f"Pulling from {full.removeprefix('docker.io/').rpartition(':')[0].partition('@')[0]}", "id": tag},
        {"status": f"Status: Image is up to date for {name}"},
    ]
    return Plan(reply=(200, "".join(json.dumps(line) + "\r\n" for line in lines).encode()))


async def _import(ask: Ask, source: str) -> Plan:
    if source != "-":
        raise Refused(
            "The engine itself would fetch that address, from the machine's own network. "
            "Download the archive and import it: docker import FILE.",
            rule="remote",
        )
    target = named(ask)
    ask.head.put("changes", *ask.head.every("changes"), *_label_changes(ask))
    if target:
        ask.touched.append(target)
        await claim(ask, target)
        ask.record.make(target)
    return Plan(body=None, done=keep(ask, target) if target else None)


def _label_changes(ask: Ask) -> list[str]:
    return [f"LABEL {name}={value}" for name, value in ask.scope.image_labels.items()]


async def image_load(ask: Ask) -> Plan:
    """Load an archive; names of somebody else that it carries are put back, and their images are as before."""
    before: set[str] = set()
    foreign: dict[str, str] = {}
    for item in await ask.api.get("/images/json", all="1"):
        before.add(item["Id"])
        for tag in item.get("RepoTags") or ():
            if tag != "<none>:<none>" and normal(tag) not in ask.record.made:
                foreign[normal(tag)] = item["Id"]
    # Kept on disk: if the tutor is killed in the middle, closing the lab puts them back.
    ask.record.repair = foreign
    ask.record.save()
    loaded: set[str] = set()
    rest = b""

    def watch(data: bytes) -> None:
        nonlocal rest
        rest += data
        loaded.update(found.decode("utf-8", "replace") for found in _LOADED.findall(rest))
        rest = rest[-4096:]

    async def done(_: int) -> None:
        moved = set()
        for reference, image in foreign.items():
            now = await ask.objects.reference_id(reference)
            if now != image:
                moved.add(reference)
                await put_back(ask, reference, image)
                ask.record.own_images([now] if now and now not in before else [])
        for name in loaded:
            if name.startswith("sha256:"):
                ask.record.own_images([name] if name not in before else [])
            elif normal(name) in foreign:
                # The archive held what was here already: the lab uses that.
                if normal(name) not in moved | ask.objects.references:
                    ask.record.borrow(name)
            else:
                image = await ask.objects.reference_id(name)
                ask.record.make(name, image, shared=image in before)
        ask.record.repair = {}
        ask.record.save()

    return Plan(body=None, watch=watch, done=done)


async def put_back(ask: Ask, reference: str, image: str) -> None:
    """Give a name back to the image that had it."""
    repo, _, tag = reference.rpartition(":")
    try:
        await ask.api.call("POST", quoted("images", image, "tag"), {"repo": repo, "tag": tag})
    except EngineError as error:
        raise Refused(f"{familiar(reference)} could not be put back: {error.message}", 500) from None


async def commit(ask: Ask) -> Plan:
    """An image from an own container."""
    container = await ask.objects.container(ask.head.first("container"))
    ask.head.put("container", container)
    ask.touched.append(container)
    body = await ask.json()
    data = _strict.dumps(_strict.struct(body, CONFIG, "the configuration")) if body is not None else b""
    ask.head.put("changes", *ask.head.every("changes"), *_label_changes(ask))
    target = named(ask)
    if target:
        ask.touched.append(target)
        await claim(ask, target)
        ask.record.make(target)

    async def answer(value: Any) -> Any:
        ask.record.own_images([value["Id"]])
        return value

    return Plan(body=data, answer=answer, done=keep(ask, target) if target else None)


RULES = {"image_create": image_create, "image_load": image_load, "image_tag": image_tag, "commit": commit}
