"""Images that are there: the catalogue's and the lab's are seen, the lab's own can go."""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from typing import Any

from tutor.sandbox import _filters
from tutor.sandbox.ask import Ask, Plan, quoted
from tutor.sandbox.objects import Image
from tutor.sandbox.policy import Refused, missing
from tutor.sandbox.references import familiar, has_tag, is_id, normal, repository
from tutor.sandbox.upstream import EngineError

_LABELLED = re.compile(r"#\(nop\) +LABEL ([^\s=]+)=\S*$")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|m|s)")


async def image_list(ask: Ask) -> Plan:
    """Images the lab sees, by the names it sees."""
    filters = _filters.read(ask.head)
    for key in ("before", "since"):
        if filters.get(key):
            filters[key] = [(await ask.objects.image(ref)).id for ref in filters[key]]
    _filters.write(ask.head, filters)

    async def answer(items: Any) -> Any:
        return [trim(ask, item) for item in items or () if ask.objects.view_image(item).visible]

    return Plan(answer=answer)


def trim(ask: Ask, info: dict[str, Any]) -> dict[str, Any]:
    """An image of the engine's list or inspect without names that are somebody else's."""
    references = ask.objects.references
    tags = [tag for tag in info.get("RepoTags") or () if normal(tag) in references]
    repositories = {repository(tag) for tag in tags}
    digests = [name for name in info.get("RepoDigests") or () if repository(name) in repositories]
    if info.get("RepoTags") is not None:
        info["RepoTags"] = tags
    if info.get("RepoDigests") is not None:
        info["RepoDigests"] = digests
    return info


async def image_inspect(ask: Ask) -> Plan:
    """An image the lab sees."""
    image = await _seen(ask)

    async def answer(info: Any) -> Any:
        return trim(ask, info)

    return Plan(path=ask.path(_address(ask, image)), answer=answer)


async def image_history(ask: Ask) -> Plan:
    """How it was made; names of layers that are somebody else's are left out."""
    image = await _seen(ask)

    async def answer(items: Any) -> Any:
        for item in items or ():
            tags = [tag for tag in item.get("Tags") or () if normal(tag) in ask.objects.references]
            item["Tags"] = tags or None
        return _without_labels(items, ask.scope.keys)

    return Plan(path=ask.path(_address(ask, image)), answer=answer)


def _without_labels(items: Any, keys: Collection[str]) -> Any:
    """A history without the steps that gave the image the lab's labels; they hold nothing."""
    found = ((item, _LABELLED.search(str(item.get("CreatedBy")))) for item in items or ())
    kept = [item for item, label in found if label is None or label[1] not in keys]
    if kept and items[0] is not kept[0]:
        kept[0] = {**kept[0], "Id": items[0].get("Id"), "Tags": items[0].get("Tags")}
    return kept or items


async def image_save(ask: Ask) -> Plan:
    """Names without a tag mean all tags: here, all that the lab sees."""
    names: list[str] = []
    for ref in [ask.ref] if ask.ref else [part for value in ask.head.every("names") for part in value.split(",")]:
        image = await ask.objects.image(ref) if has_tag(ref) or is_id(ref) else None
        ask.touched.append(ref)
        if image is not None:
            names.append(ref)
            continue
        seen = []
        for item in await ask.api.get("/images/json"):
            view = ask.objects.view_image(item)
            seen += [familiar(tag) for tag in sorted(view.seen) if repository(tag) == repository(ref)]
        if not seen:
            raise missing("image", ref)
        names += seen
    ask.head.put("names", *names)
    return Plan(path="/images/get")


async def image_push(ask: Ask) -> Plan:
    """What the lab made, by the name the lab gave."""
    tag = ask.head.first("tag")
    name = f"{ask.ref}:{tag}" if tag else ask.ref
    await ask.objects.image(name)
    ask.touched.append(name)
    if not tag and not has_tag(ask.ref):
        raise Refused("Name the tag to push: without one, all tags of the name would be pushed.", 400)
    if normal(name) not in ask.record.made:
        raise Refused(
            f"{name} was not made in this lab, so the lab does not push it. Give it a name of your own first: "
            "docker tag.",
            rule="image-push",
        )
    return Plan(path=ask.path(ask.ref), body=await ask.read())


async def image_remove(ask: Ask) -> Plan:
    """Remove names (and with the last name the image) that are the lab's; nothing else moves."""
    image = await _seen(ask)
    force = ask.head.flag("force")
    by_name = not _by_id(ask.ref, image)
    references = [normal(ask.ref)] if by_name else sorted(image.seen)
    made = [ref for ref in references if ref in ask.record.made]
    borrowed = [ref for ref in references if ref in ask.record.borrowed]
    if not by_name and len(made) > 1 and not force:
        raise Refused(
            f"conflict: unable to delete {ask.ref} (must be forced) - image is referenced in multiple repositories",
            409,
            "conflict",
        )
    result: list[dict[str, str]] = []
    for ref in borrowed:
        # It was on the machine before the lab: the lab forgets it, the machine keeps it.
        result.append({"Untagged": familiar(ref)})
    ask.record.forget(*borrowed)
    if (by_name and not made and not borrowed) or (not by_name and references and not made and not borrowed):
        raise _keeps(ask.ref)
    used_outside = force and await _used_outside(ask, image)
    for ref in made:
        gone = await _delete(ask, ref, force=force and not used_outside)
        ask.record.forget(ref)
        result += gone
        if any("Deleted" in item for item in gone):
            result += await _steps(ask, str(image.info.get("Parent") or ""))
    if not by_name and not image.hidden and not (image.seen - set(made) - set(borrowed)) and image.made and not made:
        result += await _delete(ask, image.id, force=force and not used_outside)
        ask.record.own_images(drop=[image.id])
    return Plan(reply=(200, result))


async def _delete(ask: Ask, ref: str, *, force: bool) -> list[dict[str, str]]:
    # noprune: untagged parents may be steps of a build that the learner made outside of the lab.
    query = {"noprune": "1"} | ({"force": "1"} if force else {})
    try:
        return list(await ask.api.call("DELETE", quoted("images", ref), query) or ())
    except EngineError as error:
        raise Refused(await _own_words(ask, error.message), error.status, "engine") from None


async def _steps(ask: Ask, parent: str) -> list[dict[str, str]]:
    """Remove the nameless steps of the lab's own classic build that an image stood on."""
    result: list[dict[str, str]] = []
    while parent in ask.record.images:
        try:
            info = await ask.api.get(quoted("images", parent, "json"))
            if info.get("RepoTags"):
                break
            result += await ask.api.call("DELETE", quoted("images", parent), {"noprune": "1"}) or ()
        except EngineError:
            break  # another image stands on it
        ask.record.own_images(drop=[parent])
        parent = str(info.get("Parent") or "")
    return result


async def _own_words(ask: Ask, message: str) -> str:
    """An error of the engine without the id of a container that is not the lab's."""
    for found in re.findall(r"container ([0-9a-f]{12,64})", message):
        try:
            await ask.objects.container(found)
        except Refused:
            return "conflict: the image is in use by a container outside of this lab"
    return message


async def _used_outside(ask: Ask, image: Image) -> bool:
    items = await ask.api.get("/containers/json", all="1")
    return any(item.get("ImageID") == image.id and not ask.scope.owns(item.get("Labels")) for item in items)


def _keeps(ref: str) -> Refused:
    return Refused(
        f"{ref} belongs to the course's images, which other labs use as well, so the lab keeps it. "
        "What you pull, build or tag in a lab you can remove.",
        rule="catalogue",
    )


async def image_prune(ask: Ask) -> Plan:
    """Dangling images (or all unused ones) that the lab made."""
    filters = _filters.read(ask.head)
    dangling_only = filters.pop("dangling", ["true"])[:1] not in (["false"], ["0"])
    until = filters.pop("until", [])
    labels = filters.pop("label", [])
    without = filters.pop("label!", [])
    if filters:
        raise Refused(f"invalid filter '{next(iter(filters))}'", 400, "malformed")
    before = _moment(until[0]) if until else None
    used = {item.get("ImageID") for item in await ask.api.get("/containers/json", all="1")}
    deleted: list[dict[str, str]] = []
    space = 0
    for item in await ask.api.get("/images/json"):
        image = ask.objects.view_image(item)
        mine = image.seen & ask.record.made.keys()
        dangling = not image.seen and not image.hidden
        if item["Id"] in used or (before is not None and item.get("Created", 0) >= before):
            continue
        if not _has_labels(item, labels) or (without and _has_labels(item, without)):
            continue
        if dangling and image.made:
            targets = [image.id]
        elif not dangling_only and mine:
            targets = sorted(mine)
        else:
            continue
        for target in targets:
            try:
                gone = await _delete(ask, target, force=False)
            except Refused:
                continue
            deleted += gone
            ask.record.forget(target)
            space += int(item.get("Size", 0)) if any("Deleted" in part for part in gone) else 0
    return Plan(reply=(200, {"ImagesDeleted": deleted or None, "SpaceReclaimed": space}))


def _has_labels(item: dict[str, Any], wanted: list[str]) -> bool:
    have = item.get("Labels") or {}
    for label in wanted:
        key, equals, value = label.partition("=")
        if key not in have or (equals and have[key] != value):
            return False
    return True


def _moment(text: str) -> float:
    parts = _DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return time.time() - sum(float(number) * {"h": 3600, "m": 60, "s": 1}[unit] for number, unit in parts)
    try:
        return float(text)
    except ValueError:
        raise Refused(f"The lab reads until as a duration such as 24h, not {text}.", 400, "malformed") from None


def _by_id(ref: str, image: Image) -> bool:
    if normal(ref) in image.seen:
        return False
    return is_id(ref) and image.id.removeprefix("sha256:").startswith(ref.removeprefix("sha256:"))


def _address(ask: Ask, image: Image) -> str:
    return image.id if _by_id(ask.ref, image) else ask.ref


async def _seen(ask: Ask) -> Image:
    image = await ask.objects.image(ask.ref)
    ask.touched.append(ask.ref)
    return image


RULES = {
    "image_list": image_list,
    "image_inspect": image_inspect,
    "image_history": image_history,
    "image_save": image_save,
    "image_push": image_push,
    "image_remove": image_remove,
    "image_prune": image_prune,
}
