"""An image against what is expected of it."""

from __future__ import annotations

from tutor.course.expectations import ImageExpectation
from tutor.engine.world import Image
from tutor.lab.findings.found import Context, Found, Weight
from tutor.lab.findings.match import image_of, mapping
from tutor.lab.findings.match import port as full
from tutor.lab.findings.match import size as in_bytes
from tutor.lab.findings.missing import no_image
from tutor.lab.findings.settings import same_user, variables, words_finding
from tutor.lab.findings.words import code, disk_size, number, plural

EMPTY = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
"""The layer that holds nothing (1,024 zero bytes, as a tar ends). BuildKit makes it for a WORKDIR that is there."""


def image_findings(e: ImageExpectation, ctx: Context) -> tuple[Found, ...]:
    """What is not yet as expected; nothing when the image fits."""
    image = image_of(ctx.world, e.reference)
    if image is None:
        return (no_image(e.reference, ctx),)
    return (*_config(e, image), *_layers(e, image, ctx))


def common_layers(one: Image, other: Image) -> int:
    """How many lowest layers two images share."""
    count = 0
    for mine, theirs in zip(one.layers, other.layers, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _config(e: ImageExpectation, image: Image) -> list[Found]:
    name, where, topic = code(e.reference), f"image {e.reference}", ("image", e.reference)
    found: list[Found] = []
    if e.env is not None:
        found += variables(e.env, image.env, name, where, topic)
    if e.cmd is not None:
        found += words_finding("command", e.cmd, image.cmd, name, where, (*topic, "cmd"))
    if e.entrypoint is not None:
        found += words_finding("entry point", e.entrypoint, image.entrypoint, name, where, (*topic, "entrypoint"))
    if e.working_dir is not None and (image.working_dir or "/") != (e.working_dir or "/"):
        there = image.working_dir or "/"
        summary = f"The working directory of {name} is {code(there)}, not {code(e.working_dir)}."
        found.append(_found(e, "working dir", summary, e.working_dir, there))
    if e.user is not None and not same_user(e.user, image.user):
        there = image.user or "root"
        found.append(_found(e, "user", f"Containers of {name} run as {code(there)}.", e.user, there))
    for port in e.exposes or ():
        if port != "*" and full(port) not in image.exposed:
            there = ", ".join(map(number, image.exposed)) or "none"
            summary = f"{name} does not expose port {number(full(port))}."
            found.append(_found(e, f"exposes {port}", summary, f"exposes {port}", f"exposes {there}"))
    for label, wanted, value in mapping(e.labels or {}, image.labels):
        summary = f"The label {code(label)} of {name} is {'not set' if value is None else code(value)}."
        found.append(_found(e, f"label {label}", summary, f"{label}={wanted}", f"{label}={value or ''}"))
    return found


def _layers(e: ImageExpectation, image: Image, ctx: Context) -> list[Found]:
    name = code(e.reference)
    found: list[Found] = []
    if e.built_on is not None:
        base = _other(e.built_on, ctx, found)
        if base is not None and (common_layers(image, base) < len(base.layers) or image.id == base.id):
            summary = f"{name} is not built on {code(e.built_on)}."
            if image.id == base.id:
                summary = f"{name} is {code(e.built_on)} itself under a second name."
            shared = plural(common_layers(image, base), "shared layer")
            found.append(_found(e, "base", summary, f"all {len(base.layers)} layers of {e.built_on}", shared))
    if e.shares_layers_with is not None:
        other = _other(e.shares_layers_with, ctx, found)
        if other is not None:
            common = common_layers(image, other)
            wanted = e.shared_layers
            if (wanted is None and common < 1) or (wanted is not None and common != wanted):
                expected = "at least 1 shared layer" if wanted is None else plural(wanted, "shared layer")
                what = "no layer" if not common else f"the lowest {plural(common, 'layer')}"
                summary = f"{name} and {code(e.shares_layers_with)} share {what}."
                found.append(_found(e, "shared", summary, expected, plural(common, "shared layer")))
            new = sum(layer != EMPTY for layer in image.layers[common:])
            if e.new_layers is not None and new != e.new_layers:
                summary = f"{name} has {plural(new, 'layer')} that {code(e.shares_layers_with)} does not have."
                found.append(_found(e, "new", summary, plural(e.new_layers, "new layer"), plural(new, "new layer")))
    if e.same_as is not None:
        other = _other(e.same_as, ctx, found)
        if other is not None and other.id != image.id:
            summary = f"{name} and {code(e.same_as)} are two different images."
            found.append(_found(e, "same", summary, "the same image id", f"{_short(image)} and {_short(other)}"))
    if e.layers is not None and len(image.layers) != e.layers:
        summary = f"{name} has {plural(len(image.layers), 'layer')}, not {e.layers}."
        found.append(_found(e, "layers", summary, plural(e.layers, "layer"), plural(len(image.layers), "layer")))
    if e.smaller_than is not None:
        limit = in_bytes(e.smaller_than)
        if limit is None:
            other = _other(e.smaller_than, ctx, found)
            limit = other.size if other else None
        if limit is not None and image.size >= limit:
            than = code(e.smaller_than) if in_bytes(e.smaller_than) is None else e.smaller_than
            summary = f"{name} takes {disk_size(image.size)}, which is not less than {than}."
            found.append(_found(e, "size", summary, f"less than {disk_size(limit)}", disk_size(image.size)))
    return found


def _other(reference: str, ctx: Context, found: list[Found]) -> Image | None:
    image = image_of(ctx.world, reference)
    if image is None:
        found.append(no_image(reference, ctx))
    return image


def _short(image: Image) -> str:
    return image.id.removeprefix("sha256:")[:12]


def _found(e: ImageExpectation, what: str, summary: str, expected: str, found: str) -> Found:
    return Found(summary, expected, found, f"image {e.reference}", ("image", e.reference, what), weight=Weight.SETTINGS)
