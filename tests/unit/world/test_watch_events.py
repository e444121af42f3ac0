"""Which objects an event is about. The events are as an engine sent them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.world.worlds import LAB, world
from tutor.engine.watch_events import ACTIONS, named, unsettled
from tutor.engine.world import Service, World

HERE = world("web")
(WEB_ID,) = HERE.containers
OURS = {"docker-tutor.lab": LAB, "name": "web"}


def event(kind: str, action: str, key: str = "x", **attributes: str) -> dict[str, Any]:
    return {"Type": kind, "Action": action, "Actor": {"ID": key, "Attributes": attributes}, "timeNano": 1}


@pytest.mark.parametrize(
    ("heard", "about"),
    [
        (event("container", "start", "c1", **OURS), {("container", "c1")}),
        (event("container", "health_status: healthy", "c1", **OURS), {("container", "c1")}),
        (event("container", "destroy", WEB_ID), {("container", WEB_ID)}),
        (event("container", "start", "c1", **{"docker-tutor.lab": "17-ffffff"}), set()),
        (event("container", "start", "c1"), set()),
        (event("container", "commit", "c1", imageID="sha256:1", **OURS), {("container", "c1"), ("image", "sha256:1")}),
        (event("container", "die", "c1", **OURS, **{"com.docker.swarm.service.id": "s"}),
         {("container", "c1"), ("service", "*")}),
        (event("container", "prune", ""), {("container", "*")}),
        (event("network", "create", "n1", name="shop", type="bridge"), {("network", "n1")}),
        (event("network", "connect", "n1", container=WEB_ID), {("container", WEB_ID)}),
        (event("network", "disconnect", "n1", container="of others"), set()),
        (event("volume", "create", "notes", driver="local"), {("volume", "notes")}),
        (event("volume", "mount", "notes", container=WEB_ID), set()),
        (event("image", "tag", "sha256:1", name="shop:1"), {("image", "sha256:1")}),
        (event("image", "pull", "nginx:1.26", name="nginx"), {("image", "nginx:1.26")}),
        (event("image", "prune", ""), {("image", "*")}),
        (event("service", "update", "s1", name="web"), {("service", "*")}),
        (event("node", "update", "n"), {("service", "*")}),
        (event("daemon", "reload"), set()),
        (event("builder", "prune", ""), set()),
        ({}, set()),
    ],
)  # fmt: skip
def test_what_an_event_is_about(heard: dict[str, Any], about: set[tuple[str, str]]) -> None:
    assert named(heard, LAB, HERE) == about


def test_commands_in_containers_are_not_listened_to() -> None:
    assert not any(action.startswith("exec") for action in ACTIONS)
    assert {"health_status", "oom", "die", "destroy", "connect", "tag", "pull"} <= set(ACTIONS)


@pytest.mark.parametrize(
    ("running", "update", "moving"), [(3, "", False), (2, "", True), (3, "updating", True), (3, "completed", False)]
)
def test_services_on_their_way(running: int, update: str, moving: bool) -> None:
    service = Service(id="s", name="web", image="x", replicas=3, running=running, update=update)
    assert unsettled(World(services={"s": service})) is moving
