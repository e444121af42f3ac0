"""A container against what is expected of it."""

from __future__ import annotations

from tutor.course.expectations import ContainerExpectation
from tutor.engine.world import Container, normal_reference
from tutor.lab.findings import words
from tutor.lab.findings.found import Context, Found, Topic, Weight
from tutor.lab.findings.match import fits, image_of, made_from, normal
from tutor.lab.findings.missing import no_container, no_container_from
from tutor.lab.findings.places import mount_findings, network_findings
from tutor.lab.findings.ports import port_findings
from tutor.lab.findings.settings import setting_findings
from tutor.lab.findings.state import state_findings
from tutor.lab.findings.words import code


def container_findings(e: ContainerExpectation, ctx: Context) -> tuple[Found, ...]:
    """What is not yet as expected; nothing when a container fits."""
    best: tuple[Found, ...] | None = None
    nearest: Container | None = None
    for c in _candidates(e, ctx):
        found = fields(e, c, ctx)
        if not found:
            return ()
        # A container that has been there all along is less likely the one that is being worked on.
        if best is None or _distance(found, c, ctx, e) < _distance(best, nearest or c, ctx, e):
            best, nearest = found, c
    if best is None or nearest is None or (not e.name and _is_another(e, nearest, ctx)):
        return (no_container(e.name, ctx, e) if e.name else no_container_from(e, ctx),)
    return best


def fields(e: ContainerExpectation, c: Container, ctx: Context) -> tuple[Found, ...]:
    """What of one container is not as expected."""
    return (
        *state_findings(e, c, ctx),
        *_image(e, c, ctx),
        *port_findings(e, c, ctx),
        *network_findings(e, c, ctx),
        *mount_findings(e, c),
        *setting_findings(e, c, ctx),
    )


def _candidates(e: ContainerExpectation, ctx: Context) -> list[Container]:
    everything = sorted(ctx.world.containers.values(), key=lambda c: c.created, reverse=True)
    if e.name:
        everything = [c for c in everything if fits(e.name, c.name)]
    if e.service:
        everything = [c for c in everything if fits(e.service, c.service)]
    if ctx.diagnosing and not e.name:
        # What went wrong in an earlier step may still lie about, and was told then.
        everything = [c for c in everything if ctx.is_of_this_step(c)]
    return everything


def _is_another(e: ContainerExpectation, c: Container, ctx: Context) -> bool:
    """Whether the nearest container has so little to do with what is expected that its faults are nobody's."""
    return bool(e.image) and not e.service and not made_from(ctx.world, c, e.image or "")


def _distance(found: tuple[Found, ...], c: Container, ctx: Context, e: ContainerExpectation) -> tuple[int, int, int]:
    other_image = int(any(f.topic[-1:] == ("image",) for f in found))
    old = int(not ctx.is_new(c) or (not e.name and c.name in ctx.claimed))
    return other_image, old, len(found)


def _image(e: ContainerExpectation, c: Container, ctx: Context) -> list[Found]:
    if e.image is None or made_from(ctx.world, c, e.image):
        return []
    wanted = image_of(ctx.world, e.image)
    name = code(c.name)
    moot: tuple[Topic, ...] = (("image", e.image, "exists"),)
    there = words.image(c)
    if wanted is not None and c.image and normal(c.image) == normal_reference(e.image):
        summary = f"{name} was made from an earlier {code(e.image)}: the image has been replaced since."
        there = f"an earlier {e.image}"
        moot = ()
    else:
        summary = f"{name} is made from {code(there)}, not from {code(e.image)}."
    return [
        Found(
            summary,
            f"image {e.image}",
            f"image {there}",
            f"container {c.name}",
            ("container", c.name, "image"),
            moot,
            Weight.IMAGE,
        )
    ]
