"""The World: an immutable snapshot of what a lab's sandbox holds.

Records are built from the engine's inspect data (`tutor.engine.records`) and carry Docker's own words. Pictures,
verdicts and reports are functions of a World; nothing here talks to an engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What all records share."""


class PublishedPort(Record, frozen=True, kw_only=True):
    """A container port (`80/tcp`) and where the host answers for it."""

    container: str
    host_ip: str
    host_port: str


class MountPoint(Record, frozen=True, kw_only=True):
    """A mount as inspect shows it. `name` is the volume's; `anonymous` when nobody named it."""

    type: Literal["bind", "volume", "tmpfs", "npipe", "cluster", "image"]
    destination: str
    source: str = ""
    name: str = ""
    anonymous: bool = False
    read_only: bool = False


class Attachment(Record, frozen=True, kw_only=True):
    """A container's place on a network."""

    network: str
    network_id: str
    address: str = ""
    aliases: tuple[str, ...] = ()


class Container(Record, frozen=True, kw_only=True):
    """A container. Times are the engine's RFC 3339 strings, empty when they have not come.

    Attributes:
        image: The reference it was made from, as given. `image_id`: what that was.
        published: Ports published by `-p` or `-P`, as configured (also when it is stopped).
        exposed: Ports of EXPOSE and `--expose`.
        memory: Limit in bytes, 0 for none. `cpus`: limit, 0.0 for none. `pids`: limit, 0 for none.
        health: `none` when there is no health check.
        size_rw: Bytes in the writable layer when the engine was asked, else None.
    """

    id: str
    name: str
    image: str
    image_id: str
    state: str
    created: str = ""
    started: str = ""
    finished: str = ""
    pid: int = 0
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    health: str = "none"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    process: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    published: tuple[PublishedPort, ...] = ()
    exposed: tuple[str, ...] = ()
    mounts: tuple[MountPoint, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    memory: int = 0
    cpus: float = 0.0
    pids: int = 0
    user: str = ""
    working_dir: str = ""
    hostname: str = ""
    read_only: bool = False
    privileged: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    tty: bool = False
    stdin: bool = False
    init: bool = False
    auto_remove: bool = False
    restart: str = "no"
    restart_count: int = 0
    pid_mode: str = ""
    network_mode: str = ""
    ipc_mode: str = ""
    labels: Mapping[str, str] = {}
    size_rw: int | None = None

    @property
    def project(self) -> str:
        """The Compose project it belongs to, or nothing."""
        return self.labels.get("com.docker.compose.project", "")

    @property
    def service(self) -> str:
        """The Compose or Swarm service it belongs to, or nothing."""
        compose = self.labels.get("com.docker.compose.service", "")
        return compose or self.labels.get("com.docker.swarm.service.name", "")


class Image(Record, frozen=True, kw_only=True):
    """An image. `layers`: digests of the layers' content (RootFS.Layers), lowest first."""

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    created: str = ""
    size: int = 0
    layers: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    cmd: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    working_dir: str = ""
    user: str = ""
    exposed: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    own: bool = False
    """Built, pulled or committed by the lab, as against one of the catalogue."""


class Volume(Record, frozen=True, kw_only=True):
    """A volume."""

    name: str
    driver: str = "local"
    created: str = ""
    labels: Mapping[str, str] = {}
    anonymous: bool = False


class Network(Record, frozen=True, kw_only=True):
    """A network. `predefined`: bridge, host or none, which are nobody's."""

    id: str
    name: str
    driver: str = "bridge"
    internal: bool = False
    subnets: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    predefined: bool = False


class Service(Record, frozen=True, kw_only=True):
    """A Swarm service. `replicas`: wanted; `running`: tasks that run; `update`: state of the last update."""

    id: str
    name: str
    image: str
    replicas: int = 0
    running: int = 0
    update: str = ""
    labels: Mapping[str, str] = {}


class World(Record, frozen=True, kw_only=True):
    """All a lab holds, by id (volumes by name). Predefined networks and the catalogue's images are in it too."""

    containers: Mapping[str, Container] = {}
    images: Mapping[str, Image] = {}
    volumes: Mapping[str, Volume] = {}
    networks: Mapping[str, Network] = {}
    services: Mapping[str, Service] = {}

    def container(self, name: str) -> Container | None:
        """The container of that name or id."""
        return next((c for c in self.containers.values() if c.name == name), None) or self.containers.get(name)

    def image(self, reference: str) -> Image | None:
        """The image that a reference names (`nginx`, `docker.io/library/nginx:1.27`), or an id or its beginning."""
        wanted = normal_reference(reference)
        for image in self.images.values():
            if wanted in {normal_reference(tag) for tag in image.tags}:
                return image
        bare = reference.removeprefix("sha256:")
        if len(bare) < 6:
            return None
        return next((i for i in self.images.values() if i.id.removeprefix("sha256:").startswith(bare)), None)

    def network(self, name: str) -> Network | None:
        """The network of that name or id."""
        return next((n for n in self.networks.values() if n.name == name), None) or self.networks.get(name)

    def service(self, name: str) -> Service | None:
        """The Swarm service of that name or id."""
        return next((s for s in self.services.values() if s.name == name), None) or self.services.get(name)


class Change(Record, frozen=True, kw_only=True):
    """What became different of one object between two Worlds.

    Attributes:
        object: `container`, `image`, `volume`, `network` or `service`.
        what: `added`, `removed` or `changed`.
        fields: Names of the fields that changed.
    """

    object: str
    key: str
    name: str
    what: Literal["added", "removed", "changed"]
    fields: tuple[str, ...] = ()


def diff(old: World, new: World) -> tuple[Change, ...]:
    """The changes from one World to the next, in the order containers, images, volumes, networks, services."""
    changes: list[Change] = []
    for field in ("containers", "images", "volumes", "networks", "services"):
        before: Mapping[str, Record] = getattr(old, field)
        after: Mapping[str, Record] = getattr(new, field)
        kind = field.removesuffix("s")
        for key in before.keys() | after.keys():
            one, two = before.get(key), after.get(key)
            if one is two or one == two:
                continue
            fields = (
                tuple(f for f in one.__struct_fields__ if getattr(one, f) != getattr(two, f)) if one and two else ()
            )
            what: Literal["added", "removed", "changed"] = "changed" if one and two else "added" if two else "removed"
            changes.append(Change(object=kind, key=key, name=_name(two or one), what=what, fields=fields))
    return tuple(changes)


def normal_reference(reference: str) -> str:
    """A reference written out: `nginx` is `docker.io/library/nginx:latest`.

    Source: https://docs.docker.com/reference/cli/docker/image/tag/ (default registry, namespace and tag).
    """
    name, at, digest = reference.partition("@")
    first, slash, rest = name.partition("/")
    if not slash or ("." not in first and ":" not in first and first != "localhost"):
        first, rest = "docker.io", name
    if first in {"docker.io", "index.docker.io"}:
        first = "docker.io"
        if "/" not in rest:
            rest = f"library/{rest}"
    if ":" not in rest.rpartition("/")[2] and not at:
        rest += ":latest"
    return f"{first}/{rest}{at}{digest}"


def _name(record: Record | None) -> str:
    if isinstance(record, Image):
        return record.tags[0] if record.tags else record.id[:19]
    return str(getattr(record, "name", ""))
