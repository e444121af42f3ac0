"""Who a lab is, what is its own, and how the sandbox says no.

Pure: nothing here talks to the engine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

LAB = "docker-tutor.lab"
"""Label: the lab that made the object."""

SEAT_KEYS = ("docker-tutor.seat", "docker-tutor.room")
"""Labels of what the seats of a workshop make on the engine of its host: they stand beside those of the seats' labs."""

OWNER = "docker-tutor.owner"
"""Label: the installation of the tutor that made the object.

Containers, networks, volumes and swarm objects are the lab's only when both labels fit. Images made in a lab carry
`LAB` and, as owner, `IMAGE_OWNER`: a container inherits the labels of its image, and a container that the learner
makes outside of the lab from an image built in it must not be taken for the lab's.
"""

IMAGE_OWNER = "image"
"""Value of `OWNER` on images made in a lab."""

ANONYMOUS = "com.docker.volume.anonymous"
"""Label that the engine puts on anonymous volumes (moby, volume/service)."""

PREDEFINED_NETWORKS = frozenset({"bridge", "none", "host"})

SWARM_NETWORKS = frozenset({"ingress", "docker_gwbridge"})
"""Networks that an engine makes for itself when it becomes a swarm."""

MAX_JSON = 1 << 20
"""Bytes of a JSON body that the sandbox reads and writes anew."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Who the lab is and what it may touch.

    Args:
        lab: The lab's id, value of the label `docker-tutor.lab`.
        owner: The installation's id, value of the label `docker-tutor.owner`.
        images: References of the catalogue: usable, and never removed or tagged over by the lab.
        folder: Absolute path of the lab's workspace; the only host path that may be mounted.
        allow: Exceptions by name, for the step that is open: `privileged`, `pid-host`, `network-host`, `ipc-host`,
            `uts-host`, `userns-host`, `cgroupns-host`, `mount-readonly:/path`, `cap-add:NET_ADMIN`,
            `security-opt:seccomp=unconfined`, `device:/dev/fuse`, `socket` (the engine's socket in a container:
            it gets the lab's own), `swarm`.
        keys: The two labels that tell its objects: `LAB` and `OWNER`, or `SEAT_KEYS` for a seat of a workshop. A
            seat's clients are sandboxes of their own, on machines whose files are not here: nothing can be mounted.
    """

    lab: str
    owner: str
    images: frozenset[str]
    folder: str
    allow: frozenset[str] = frozenset()
    keys: tuple[str, str] = (LAB, OWNER)

    def allowing(self, *names: str) -> Scope:
        """The same lab with these exceptions and no others."""
        return replace(self, allow=frozenset(names))

    @property
    def labels(self) -> dict[str, str]:
        """Labels of everything the lab makes, but images."""
        return {self.keys[0]: self.lab, self.keys[1]: self.owner}

    @property
    def image_labels(self) -> dict[str, str]:
        """Labels of images the lab makes."""
        return {self.keys[0]: self.lab, self.keys[1]: IMAGE_OWNER}

    @property
    def distant(self) -> bool:
        """Whether its clients are on other machines than the engine."""
        return self.keys == SEAT_KEYS

    @property
    def label_filters(self) -> list[str]:
        """Values of an engine `label` filter that select what is the lab's."""
        return [f"{key}={value}" for key, value in self.labels.items()]

    def owns(self, labels: object) -> bool:
        """Whether an object with these labels is the lab's (not for images)."""
        return isinstance(labels, Mapping) and self.labels.items() <= labels.items()

    def made_image(self, labels: object) -> bool:
        """Whether an image with these labels was made in the lab."""
        return isinstance(labels, Mapping) and self.image_labels.items() <= labels.items()

    def inside(self, path: str) -> bool:
        """Whether a host path, followed through all links, lies in the lab's folder; never for a distant lab."""
        if self.distant:
            return False
        real, folder = os.path.realpath(path), os.path.realpath(self.folder)
        return real == folder or real.startswith(folder.rstrip("/") + "/")


class Refused(Exception):
    """The sandbox answers instead of the engine.

    Args:
        message: A sentence for the learner; clients print it as the engine's answer.
        status: HTTP status of the answer.
        rule: Stable name of the reason, for traces and tests.
    """

    def __init__(self, message: str, status: int = 403, rule: str = "refused") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.rule = rule


def missing(kind: str, ref: str) -> Refused:
    """The engine's own words for an object that is not there (tried on Engine 26.1)."""
    words = {
        "container": f"No such container: {ref}",
        "network": f"network {ref} not found",
        "volume": f"get {ref}: no such volume",
        "exec": f"No such exec instance: {ref}",
        "image": f"No such image: {_with_tag(ref)}",
    }
    return Refused(words.get(kind, f"{kind} {ref} not found"), 404, "not-found")


def _with_tag(ref: str) -> str:
    if "@" in ref or ref.startswith("sha256:"):
        return ref
    return ref if ":" in ref.rpartition("/")[2] else f"{ref}:latest"


def taken(kind: str, name: str) -> Refused:
    """A name that something outside of the lab has, without saying what."""
    return Refused(
        f'Conflict. The {kind} name "{name}" is already in use outside of this lab. Choose another name.',
        409,
        "name-taken",
    )


def relabel(labels: Any, own: Mapping[str, str]) -> dict[str, str]:
    """Labels of a new object: the client's, and the lab's over them."""
    if labels is not None and not isinstance(labels, Mapping):
        raise Refused("Labels must be a JSON object of strings.", 400, "malformed")
    return {**{str(key): value for key, value in (labels or {}).items()}, **own}
