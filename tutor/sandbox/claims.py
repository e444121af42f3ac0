"""Names and ports that labs of different people want at the same time: who asks the engine first has them.

A claim is an empty volume that is named for what is claimed. The engine makes a volume of one name once, and whoever
asks for it again is given the one that is there, with the labels of who made it: so its answer tells whose the claim
is, whatever two labs do at the same moment. Claims do not carry the labels of a lab's objects, so no lab sees them, and
closing removes them. Without one, nothing breaks but this courtesy.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Mapping
from typing import Any

from tutor.sandbox._plain import Engine
from tutor.sandbox.upstream import Api, EngineError, Upstream

CLAIM = "docker-tutor.claim"
"""Label of a claim: the lab that has it."""

_OWNER = "docker-tutor.claim.owner"
_PORT = re.compile(r"docker-tutor-port-([0-9]{1,5})")
_ODD = re.compile(r"[^a-zA-Z0-9_.-]")


def is_claim(labels: object) -> bool:
    """Whether a volume with these labels is a claim of any lab."""
    return isinstance(labels, Mapping) and CLAIM in labels


async def free_port(api: Api, claim: str) -> bool:
    """Whether the port that a claim of this name is for can be published; true for claims of names.

    A seat's tutor is on another machine, and cannot look here which ports are in use.
    """
    found = _PORT.fullmatch(claim)
    if found is None:
        return True
    port = int(found[1])
    for container in await api.get("/containers/json"):
        if any(item.get("PublicPort") == port for item in container.get("Ports") or ()):
            return False
    with socket.socket() as probe:
        # As the engine binds: a connection that has just ended must not count as a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except (OSError, OverflowError):
            return False
    return True


class Claims:
    """The claims of one lab.

    Args:
        engine: Where it listens.
        lab: The lab's id.
        owner: The installation's id.
    """

    def __init__(self, engine: Upstream, lab: str, owner: str) -> None:
        self._engine = Engine(engine)
        self._labels = {CLAIM: lab, _OWNER: owner}

    def take(self, kind: str, what: str | int) -> bool:
        """Claim something; whether the lab has it now.

        Args:
            kind: `name` or `port`.
            what: The name or number.

        Raises:
            EngineError: The engine makes no volumes.
            Problem: It is not reachable.
        """
        name = f"docker-tutor-{kind}-{_ODD.sub('_', str(what))}"
        try:
            made = self._engine.call("POST", "volumes", "create", body={"Name": name, "Labels": self._labels})
        except EngineError as error:
            if error.status == 409:  # a seat of a workshop is not shown what others have
                return False
            raise
        return self._owns(made)

    def release(self) -> None:
        """Give up all that the lab has claimed.

        Raises:
            Problem: The engine is not reachable.
        """
        for item in self._engine.list("volumes", filters=_filters(self._labels)):
            if self._owns(item):
                with contextlib.suppress(EngineError):  # another process of the same installation was quicker
                    self._engine.call("DELETE", "volumes", item["Name"])

    def _owns(self, item: Any) -> bool:
        return self._labels.items() <= _labels(item).items()


def held(engine: Upstream, owner: str) -> frozenset[str]:
    """Labs of this installation that have claims on the engine.

    Raises:
        Problem: The engine is not reachable.
    """
    items = Engine(engine).list("volumes", filters=_filters({_OWNER: owner}))
    return frozenset(str(_labels(item)[CLAIM]) for item in items if is_claim(_labels(item)))


def _labels(item: Any) -> dict[str, str]:
    return dict((item or {}).get("Labels") or {})


def _filters(labels: Mapping[str, str]) -> str:
    return json.dumps({"label": [f"{key}={value}" for key, value in labels.items()]})
