"""Pull images from a registry: progress in bytes, failures in words. What arrived stays, so a second call goes on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tutor.engine.connect import Engine
from tutor.engine.images.catalogue_file import Image
from tutor.engine.images.progress import Report, Step, silent, size
from tutor.problems import Problem

# Seconds without a word from the engine: unpacking a large layer on a slow disk says nothing meanwhile.
PATIENCE = 900.0

OTHERWISE = (
    "Without a registry: `docker tutor images build` makes them from Debian packages, "
    "`docker tutor images load FILE` takes them from a pack."
)
# The engine says these where the registry, or the way to it, is missing.
_UNREACHABLE = (
    "dial tcp",
    "no such host",
    "i/o timeout",
    "connection refused",
    "connection reset",
    "network is unreachable",
    "client.timeout exceeded",
    "context deadline exceeded",
    "tls handshake",
    "x509:",
    "temporary failure in name resolution",
    "server misbehaving",
    "proxyconnect",
    ": eof",
    "bad gateway",
    "service unavailable",
)


def pull(engine: Engine, image: Image, report: Report = silent) -> None:
    """Pull one image under its own reference (one for the mirror goes by its private name afterwards).

    Raises:
        Problem: `no-registry`, `rate-limited`, `not-in-registry`, `disk-full`, `pull-failed`, `engine-gone`.
    """
    from docker.errors import APIError

    had = image.mirror_only and _has(engine, image.reference)
    if not had:
        report(Step(image.reference, "pulling"))
        with engine.fresh(timeout=PATIENCE) as patient, patient.guard():
            try:
                # One that is kept for the mirror is not the learner's: it leaves under its public name again.
                _follow(image, patient.api.pull(image.repository, image.tag, stream=True, decode=True), report)
            except APIError as error:
                raise failure(image.reference, str(error.explanation or error)) from error
    if image.mirror_only:
        private, _, tag = image.local.rpartition(":")
        with engine.guard():
            engine.api.tag(image.reference, private, tag)
            if not had:
                engine.api.remove_image(image.reference, noprune=True)


def _has(engine: Engine, reference: str) -> bool:
    with engine.guard():
        return bool(engine.api.images(name=reference))


def _follow(image: Image, events: Iterable[dict[str, Any]], report: Report) -> None:
    layers: dict[str, tuple[int, int]] = {}
    for event in events:
        if "error" in event:
            raise failure(image.reference, str(event["error"]))
        detail = event.get("progressDetail") or {}
        if event.get("status") == "Downloading" and detail.get("total"):
            layers[event["id"]] = (int(detail.get("current", 0)), int(detail["total"]))
        elif event.get("id") in layers and event.get("status") in ("Download complete", "Pull complete"):
            total = layers[event["id"]][1]
            layers[event["id"]] = (total, total)
        else:
            continue
        done, total = (sum(part) for part in zip(*layers.values(), strict=True))
        report(Step(image.reference, "pulling", done, total))
    fetched = sum(total for _, total in layers.values())
    report(Step(image.reference, "pulling", finished=f"pulled, {size(fetched)}" if fetched else "pulled"))


def failure(reference: str, said: str) -> Problem:
    """What the engine said of a failed pull, as a sentence and a next step (pure)."""
    low = said.lower()
    if "toomanyrequests" in low or "rate limit" in low:
        return Problem(
            f"Docker Hub has served this address enough for now: {reference} was refused (its pull rate limit).",
            "Sign in with `docker login`, wait up to six hours, or see `docker tutor images budget`. " + OTHERWISE,
            code="rate-limited",
        )
    if "no space left" in low:
        return Problem(
            f"The engine's disk is full: {reference} could not be stored.",
            "Make room (`docker system df` shows what takes it), then call again.",
            code="disk-full",
        )
    if any(word in low for word in _UNREACHABLE):
        return Problem(f"The engine cannot reach a registry to pull {reference}.", OTHERWISE, code="no-registry")
    if "not found" in low or "manifest unknown" in low or "does not exist" in low or "access denied" in low:
        return Problem(f"The registry has no {reference}.", OTHERWISE, code="not-in-registry")
    return Problem(f"{reference} could not be pulled: {said.strip()}", OTHERWISE, code="pull-failed")
