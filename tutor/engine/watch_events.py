"""Which objects an engine event is about, and how to get events.

Source: https://docs.docker.com/reference/cli/docker/system/events/ and a running engine. Container events carry the
container's labels, image events those of the image, and volume and network events none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tutor.engine.snapshot import LABEL
from tutor.engine.world import World

if TYPE_CHECKING:
    from tutor.engine.connect import Engine

Named = tuple[str, str]
"""An object to look at again: kind and key, as `snapshot.take` wants them."""

KINDS = ("container", "image", "volume", "network", "service")

ACTIONS = (
    *("create", "start", "restart", "die", "oom", "pause", "unpause", "stop", "rename", "update", "destroy"),
    *("health_status", "commit"),
    *("tag", "untag", "delete", "pull", "load", "import", "prune"),
    *("mount", "unmount"),
    *("connect", "disconnect", "remove"),
)
"""What changes a World. Commands that run inside containers (a health check does so every few seconds) do not."""


def subscribe(engine: Engine, since: int | None = None) -> Iterator[dict[str, Any]]:
    """The stream of events that matter; it has a `close`.

    Args:
        engine: A connection of its own, since the stream blocks.
        since: Begin with what happened from then on, in seconds of the engine's clock.
    """
    api: Any = engine.api
    stream: Iterator[dict[str, Any]] = api.events(since=since, decode=True, filters={"event": list(ACTIONS)})
    return stream


def engine_time(engine: Engine) -> int | None:
    """The engine's clock, in whole seconds: it dates its answers.

    The engine says that a subscription stands a moment before it does. Asking for the events since before closes that
    gap; one that is heard twice does no harm.
    """
    api: Any = engine.api
    response = api._get(api._url("/_ping", versioned_api=False))
    try:
        return int(parsedate_to_datetime(response.headers["Date"]).timestamp())
    except (KeyError, ValueError, TypeError):
        return None


def named(event: Mapping[str, Any], lab: str, world: World) -> set[Named]:
    """The objects of a lab that an event is about; none when it is about others only."""
    actor = event.get("Actor") or {}
    attributes: Mapping[str, str] = actor.get("Attributes") or {}
    kind, key = str(event.get("Type") or ""), str(actor.get("ID") or "")
    action = str(event.get("Action") or "").partition(":")[0]
    if action == "prune":
        return {(kind, "*")} if kind in KINDS else set()
    if kind == "container":
        if attributes.get(LABEL) != lab and key not in world.containers:
            return set()
        found = {("container", key)}
        if action == "commit" and attributes.get("imageID"):
            found.add(("image", attributes["imageID"]))
        if "com.docker.swarm.service.id" in attributes:
            found.add(("service", "*"))
        return found
    if kind == "network":
        found = {("network", key)} if action in {"create", "destroy", "remove"} else set()
        container = attributes.get("container")
        if container in world.containers:
            found.add(("container", str(container)))
        return found
    if kind == "volume":
        # Mounting shows in the container, which has an event of its own.
        return {("volume", key)} if action in {"create", "destroy"} and key else set()
    if kind == "image":
        # The key of a pull is a reference, that of the others an id.
        return {("image", key)} if key else {("image", "*")}
    if kind in {"service", "node"}:
        return {("service", "*")}
    return set()


def unsettled(world: World) -> bool:
    """Whether a service is on its way to what was asked of it."""
    return any(
        service.running != service.replicas or service.update in {"updating", "rollback_started"}
        for service in world.services.values()
    )
