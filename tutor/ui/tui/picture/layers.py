"""What is known of images' layers: sizes, what made them, and who shares them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tutor.engine.world import Container, Image, World
from tutor.ui.tui.picture import speech
from tutor.ui.tui.picture import world_parts as parts

History = Mapping[str, Sequence[tuple[int, str]]]
"""By image id: size in bytes and what created it, newest first, as `docker history` lists them."""

_MAKERS = re.compile(r"\b(RUN|COPY|ADD|WORKDIR)\b|^/bin/sh -c (?!#\(nop\))|#\(nop\) +(ADD|COPY)")
_NOISE = re.compile(r"^(/bin/sh -c )?#\(nop\)\s*|\s*# buildkit$|^RUN /bin/sh -c |^RUN \|\d+ .*?/bin/sh -c ")


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of an image: its size in bytes and what made it, where that is known."""

    digest: str
    size: int | None = None
    made_by: str = ""


def layers(image: Image, histories: History) -> tuple[Layer, ...]:
    """An image's layers, lowest first; sizes only where its history tells them without doubt."""
    told = list(reversed(histories.get(image.id, ())))
    for chosen in (
        [entry for entry in told if entry[0] > 0],
        [entry for entry in told if entry[0] > 0 or _MAKERS.search(entry[1])],
        told,
    ):
        if chosen and len(chosen) == len(image.layers):
            return tuple(
                Layer(digest, size, _instruction(by)) for digest, (size, by) in zip(image.layers, chosen, strict=True)
            )
    return tuple(Layer(digest) for digest in image.layers)


def _instruction(created_by: str) -> str:
    shell = created_by.startswith(("RUN ", "/bin/sh -c ")) and "#(nop)" not in created_by
    bare = _NOISE.sub("", _NOISE.sub("", created_by.strip())).removeprefix("/bin/sh -c ").strip()
    return f"RUN {bare.removeprefix('RUN ')}" if shell else bare


def told(world: World) -> tuple[list[Image], int]:
    """The images whose layers tell something here, those with a common base beside each other; and how many do not.

    They are the lab's own, those that containers are made from, and what these stand on.
    """
    found, others = parts.images(world)
    ids = {image.id for image in found}
    if others:
        bases = [
            image
            for image in world.images.values()
            if image.id not in ids and any(_stands_on(top, image) for top in found)
        ]
        found, others = found + bases, others - len(bases)
    return sorted(found, key=lambda i: (i.layers, i.created, i.id)), others


def _stands_on(top: Image, base: Image) -> bool:
    return bool(base.layers) and top.layers[: len(base.layers)] == base.layers


def common(one: Image, two: Image) -> int:
    """How many layers, from the lowest on, two images share."""
    for number, (a, b) in enumerate(zip(one.layers, two.layers, strict=False)):
        if a != b:
            return number
    return min(len(one.layers), len(two.layers))


def sharers(digest: str, image: Image, images: Sequence[Image]) -> list[Image]:
    """The other images that have a layer."""
    return [other for other in images if other.id != image.id and digest in other.layers]


def writable(image: Image, world: World) -> list[Container]:
    """The containers whose writable layers lie on an image."""
    return parts.users_of(image, world)


def stories(images: Sequence[Image], histories: History) -> list[str]:
    """What the layers tell, in sentences with `names`: what stands on what, and what a build could reuse."""
    said: list[str] = []
    by_age = sorted(images, key=lambda i: (i.created, i.id))
    for image in by_age:
        name = speech.image_name(image)
        older = [o for o in by_age if o.id != image.id and (o.created, o.id) < (image.created, image.id)]
        same_tags = [o for o in older if _repository(o) and _repository(o) == _repository(image)]
        twins = [o for o in older if o.layers == image.layers and o.layers]
        bases = [o for o in older if _stands_on(image, o) and len(o.layers) < len(image.layers)]
        if twins:
            said.append(f"`{name}` has the same layers as `{speech.image_name(twins[-1])}`: only settings differ.")
        elif same_tags and (shared := common(image, same_tags[-1])):
            known = layers(image, histories)
            first = known[shared].made_by if shared < len(known) else ""
            new = f"; new from layer {shared + 1} on{f': {first}' if first else ''}" if shared < len(known) else ""
            count = len(image.layers)
            said.append(
                f"`{name}` has {shared} of its {speech.plural(count, 'layer')} from "
                f"`{speech.image_name(same_tags[-1])}`: the build could reuse them{new}."
            )
        elif bases:
            base = max(bases, key=lambda o: len(o.layers))
            own = len(image.layers) - len(base.layers)
            said.append(f"`{name}` stands on `{speech.image_name(base)}` and adds {speech.plural(own, 'layer')}.")
    return said


def _repository(image: Image) -> str:
    tag = image.tags[0] if image.tags else ""
    return tag.rpartition(":")[0] if ":" in tag.rpartition("/")[2] else tag
