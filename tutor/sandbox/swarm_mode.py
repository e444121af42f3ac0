"""Swarm mode for labs: entered where the engine is in none, and left by the last lab that used it.

A swarm that a lab made says so itself, by the labels in its specification (`POST /swarm/init` takes them, Docker Engine
API 1.24 and newer). So it is known for what it is after any crash, and one without them is somebody's and stays.

An engine that leaves a swarm forgets the names of all containers that run on networks of their own: they do not find
each other any more until they are started again (https://github.com/moby/moby/issues/45144; so it is with Docker Engine
20.10.24, 26.1.5 and 28.5.2). So no lab enters Swarm mode beside somebody's containers of that kind, and none leaves it
beside any.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tutor.problems import Problem
from tutor.sandbox._plain import Engine, until
from tutor.sandbox.policy import OWNER, SWARM_NETWORKS
from tutor.sandbox.upstream import EngineError, Upstream

if TYPE_CHECKING:
    from tutor.sandbox.references import Record
    from tutor.sandbox.upstream import Api

GATEWAY = "docker-tutor.gateway"
"""Label of a lab's swarm: the network `docker_gwbridge` came with it, which leaving does not remove."""

NETWORK = "docker_gwbridge"
_WITHOUT_NAMES = {"bridge", "host", "none", *SWARM_NETWORKS}
_TOLD = 3
_NEXT = "Use an engine of your own for this chapter: docker tutor engine up"
_WAYS = "Stop them for this chapter, or use an engine of your own: docker tutor engine up."
_LOOPBACK = "127.0.0.1"

_PATIENCE = 10.0
"""Seconds for an engine to make a new swarm's networks; a lab can begin without them."""


def obstacle(info: Mapping[str, Any], running: Iterable[Mapping[str, Any]], owner: str) -> str:
    """Why a lab can have no services on an engine, in a sentence; empty when it can.

    Args:
        info: The engine's answer to `GET /info`.
        running: Its answer to `GET /containers/json`.
        owner: The installation's id.
    """
    swarm = info.get("Swarm") or {}
    state = str(swarm.get("LocalNodeState") or "")
    if not state:
        return "This engine has no Swarm mode."
    if state == "active" and swarm.get("ControlAvailable"):
        return ""
    if state == "inactive":
        names = named(_foreign(running, owner))
        return f"On leaving it again, this engine forgets the names of {names}. {_WAYS}" if names else ""
    if state == "active":
        return "This engine is a worker in a swarm, and services are made on a manager."
    return f"This engine's Swarm mode is in the state `{state}`."


def named(running: Iterable[Mapping[str, Any]]) -> str:
    """Those of the running containers that others find by their names, in words; empty for none.

    Args:
        running: Items of the engine's `GET /containers/json`.
    """
    found = [
        str((item.get("Names") or ["/" + item["Id"][:12]])[0]).lstrip("/")
        for item in running
        if ((item.get("NetworkSettings") or {}).get("Networks") or {}).keys() - _WITHOUT_NAMES
    ]
    more = f" and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    return f"running containers ({', '.join(sorted(found)[:_TOLD])}{more})" if found else ""


def labels(own: Mapping[str, str], *, gateway: bool) -> dict[str, str]:
    """Labels of a swarm that a lab makes.

    Args:
        own: The lab's labels.
        gateway: Whether there is no network `docker_gwbridge` yet.
    """
    return {**own, GATEWAY: "new"} if gateway else dict(own)


def specification(raw: Mapping[str, Any], own: Mapping[str, str]) -> dict[str, Any]:
    """The body of `POST /swarm/init` for a swarm of one node that nobody else can reach.

    Args:
        raw: What the client asked for.
        own: The swarm's labels.
    """
    spec = dict(raw.get("Spec") or {})
    return {
        **raw,
        "ListenAddr": f"{_LOOPBACK}:2377",
        "AdvertiseAddr": _LOOPBACK,
        "DataPathAddr": _LOOPBACK,
        "Spec": {**spec, "Labels": {**(spec.get("Labels") or {}), **own}},
    }


def enter(upstream: Upstream, own: Mapping[str, str], owner: str) -> bool:
    """Make sure that the engine manages a swarm: the one it is in, or else one of the lab's.

    Args:
        own: The lab's labels, for a swarm that is made.
        owner: The installation's id.

    Returns:
        Whether a swarm was made.

    Raises:
        Problem: `no-swarm`, in words; `engine-unreachable`.
    """
    engine = Engine(upstream)
    try:
        info = engine.call("GET", "info")
        if words := obstacle(info, engine.list("containers", "json"), owner):
            raise Problem(words, "" if words.endswith(_WAYS) else _NEXT, code="no-swarm")
        if info["Swarm"]["LocalNodeState"] == "active":
            return False
        new = all(item["Name"] != NETWORK for item in engine.list("networks"))
        engine.call("POST", "swarm", "init", body=specification({}, labels(own, gateway=new)))
        _settled(engine)
    except EngineError as error:
        raise Problem(
            f"This engine does not enter Swarm mode: {error.message}.",
            _NEXT,
            code="no-swarm",
        ) from error
    return True


def _settled(engine: Engine) -> None:
    """Wait for the networks that the engine makes for a new swarm: they come by themselves, and are nobody's doing."""
    until(lambda: {item["Name"] for item in engine.list("networks")} >= SWARM_NETWORKS, _PATIENCE)


def made_by(engine: Engine) -> dict[str, str]:
    """The labels of the swarm that the engine manages; empty where there is none."""
    try:
        return dict((engine.call("GET", "swarm").get("Spec") or {}).get("Labels") or {})
    except EngineError:
        return {}


async def labels_of(api: Api) -> dict[str, str]:
    """As `made_by`, asked from inside the sandbox."""
    try:
        return dict(((await api.get("/swarm")).get("Spec") or {}).get("Labels") or {})
    except EngineError:
        return {}


def leave(engine: Engine, owner: str, record: Record) -> tuple[bool, str]:
    """Leave a swarm that a lab of this installation made, and remove the network that came with it.

    Args:
        owner: The installation's id.
        record: The lab's record, so that a crash in the middle leaves no network behind.

    Returns:
        Whether a swarm was left, and in words why it was not, when it should have been.

    Raises:
        EngineError: The engine does not leave it.
    """
    own = made_by(engine)
    left = False
    if own.get(OWNER) == owner:
        found = [item["Spec"] for kind in ("services", "secrets", "configs") for item in engine.list(kind)]
        if found:
            foreign = any((spec.get("Labels") or {}).get(OWNER) != owner for spec in found)
            return False, "the swarm that the lab made: other services run in it now" if foreign else ""
        running = engine.list("containers", "json")
        if names := named(_foreign(running, owner)):
            return False, _stays(names)
        if named(running):
            # Those of the installation's other labs: the next start without them leaves it.
            return False, ""
        record.gateway = GATEWAY in own
        record.save()
        engine.call("POST", "swarm", "leave", force="1")
        left = True
    if record.gateway and (left or not own):
        _without_gateway(engine)
    record.gateway = False
    return left, ""


def give_up(upstream: Upstream, own: Mapping[str, str]) -> None:
    """Leave the swarm that was made with these labels, if the engine is in it and forgets nobody's name thereby.

    Raises:
        EngineError: The engine does not leave it.
        Problem: `engine-unreachable`.
    """
    engine = Engine(upstream)
    found = made_by(engine)
    if not own.items() <= found.items() or named(engine.list("containers", "json")):
        return
    engine.call("POST", "swarm", "leave", force="1")
    if GATEWAY in found:
        _without_gateway(engine)


def _without_gateway(engine: Engine) -> None:
    with contextlib.suppress(EngineError):
        engine.call("DELETE", "networks", NETWORK)


def _foreign(running: Iterable[Mapping[str, Any]], owner: str) -> list[Mapping[str, Any]]:
    return [item for item in running if (item.get("Labels") or {}).get(OWNER) != owner]


def _stays(names: str) -> str:
    return (
        f"Swarm mode: on leaving it, the engine would forget the names of {names}. "
        "Once they are stopped: docker swarm leave --force"
    )
