"""What shall be true on the engine, as typed data; never a shell script.

Every field that is left out does not matter. Objects are looked for among the lab's own only.
Values that may be patterns are `fnmatch` patterns (`*`, `?`, `[ab]`); all others are compared as Docker means them:
image references by the image they name, sizes as `64m`, durations as `10s`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

State = Literal["created", "running", "paused", "restarting", "removing", "exited", "dead"]
Health = Literal["healthy", "unhealthy", "starting", "none"]
Restart = Literal["no", "always", "unless-stopped", "on-failure"]
Size = Annotated[str, msgspec.Meta(pattern=r"^[0-9]+(\.[0-9]+)?[bkmg]?$(?!\n)")]
"""Bytes, with Docker's suffixes b, k, m, g (powers of 1024)."""

Port = Annotated[str, msgspec.Meta(pattern=r"^(\$\{(port|with)\.[a-z0-9-]+\}|[0-9]{1,5}|\*)(/(tcp|udp))?$(?!\n)")]
"""A container's port such as `80/tcp`; the protocol is tcp when left out; `*` is any."""


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What all expectations share.

    Attributes:
        say: Replaces the finding's own sentence where the lesson can say it better.
    """

    say: str | None = None


class Mount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mount of a container: `at` is the path inside; one of the sources, `*` for any."""

    at: str
    volume: str | None = None
    anonymous: bool | None = None
    bind: str | None = None
    tmpfs: bool | None = None
    read_only: bool | None = None


class ContainerExpectation(Kind, frozen=True, kw_only=True, tag="container"):
    """A container of the lab.

    Attributes:
        name: Its name; without it, any container that the rest fits.
        state: One state, or several of which one must be true.
        image: Reference of the image it was made from (compared by image id).
        publishes: Container port → host port (`*`: any). An empty mapping: publishes nothing.
        host_ip: Address that the published ports are bound to on the host.
        command: The words of the command given to it (Cmd); patterns allowed, `**` for any rest.
        entrypoint: Same for the entry point.
        process: The words of what really runs: entry point and command together.
        env: Variable → value pattern, or null: must not be set.
        networks: Networks it must be on. `only_networks`: exactly these.
        memory, cpus, pids: Limits; "0" or 0 for none.
        restarted: Has been started more than once.
        restarts: At least so many restarts by the restart policy.
        error: Pattern that the engine's start error must fit.
        pid_of, network_of, ipc_of: Shares that namespace with this container, or `host`.
        service: It belongs to this Compose service.
    """

    name: str | None = None
    state: State | tuple[State, ...] | None = None
    image: str | None = None
    publishes: dict[Port, str] | None = None
    host_ip: str | None = None
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    process: tuple[str, ...] | None = None
    exit_code: int | None = None
    oom_killed: bool | None = None
    error: str | None = None
    env: dict[str, str | None] | None = None
    mounts: tuple[Mount, ...] | None = None
    networks: tuple[str, ...] | None = None
    only_networks: tuple[str, ...] | None = None
    memory: Size | None = None
    cpus: float | None = None
    pids: int | None = None
    user: str | None = None
    working_dir: str | None = None
    hostname: str | None = None
    read_only: bool | None = None
    privileged: bool | None = None
    cap_add: tuple[str, ...] | None = None
    cap_drop: tuple[str, ...] | None = None
    tty: bool | None = None
    stdin: bool | None = None
    init: bool | None = None
    auto_remove: bool | None = None
    restart: Restart | None = None
    restarted: bool | None = None
    restarts: int | None = None
    health: Health | None = None
    labels: dict[str, str] | None = None
    pid_of: str | None = None
    network_of: str | None = None
    ipc_of: str | None = None
    service: str | None = None


class ImageExpectation(Kind, frozen=True, kw_only=True, tag="image"):
    """An image, by reference.

    Attributes:
        env, cmd, entrypoint, working_dir, user, exposes, labels: The image's configuration.
        built_on: Its lowest layers are all layers of this image.
        shares_layers_with: Image it shares layers with; at least `shared_layers` of them (1 when left out).
        shared_layers: Exactly so many lowest layers are the same ones.
        new_layers: Exactly so many of its layers are not that image's: what a build could not take from the cache.
            Layers that hold nothing do not count.
        same_as: Reference that names the same image id (a second tag).
        layers: Number of layers.
        smaller_than: Size limit, or the reference of an image that is larger.
    """

    reference: str
    env: dict[str, str | None] | None = None
    cmd: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    working_dir: str | None = None
    user: str | None = None
    exposes: tuple[Port, ...] | None = None
    labels: dict[str, str] | None = None
    built_on: str | None = None
    shares_layers_with: str | None = None
    shared_layers: int | None = None
    new_layers: int | None = None
    same_as: str | None = None
    layers: int | None = None
    smaller_than: str | None = None


class VolumeExpectation(Kind, frozen=True, kw_only=True, tag="volume"):
    """A volume; `used_by`: container that mounts it; `unused`: no container does."""

    name: str
    driver: str | None = None
    labels: dict[str, str] | None = None
    used_by: str | None = None
    unused: bool | None = None


class NetworkExpectation(Kind, frozen=True, kw_only=True, tag="network"):
    """A network; `connects`: containers that are on it, by name."""

    name: str
    driver: str | None = None
    internal: bool | None = None
    connects: tuple[str, ...] | None = None


class ComposeService(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a Compose service's containers must be."""

    state: State | None = None
    health: Health | None = None
    replicas: int | None = None
    image: str | None = None


class ComposeExpectation(Kind, frozen=True, kw_only=True, tag="compose"):
    """A Compose project with services; without a project name, any project of the lab."""

    project: str | None = None
    services: dict[str, ComposeService]


class ServiceExpectation(Kind, frozen=True, kw_only=True, tag="service"):
    """A Swarm service. `running`: tasks that run now; `updated`: the last update is completed."""

    name: str
    image: str | None = None
    replicas: int | None = None
    running: int | None = None
    updated: bool | None = None


class AbsentExpectation(Kind, frozen=True, kw_only=True, tag="absent"):
    """None of these is there (an image: not tagged so)."""

    container: str | None = None
    image: str | None = None
    volume: str | None = None
    network: str | None = None
    service: str | None = None
    compose: str | None = None


class CountExpectation(Kind, frozen=True, kw_only=True, tag="count"):
    """How many of the lab's objects fit a filter; one of `exactly`, `at_least`, `at_most`."""

    of: Literal["containers", "volumes", "networks", "images"]
    name: str | None = None
    state: State | tuple[State, ...] | None = None
    image: str | None = None
    anonymous: bool | None = None
    exactly: int | None = None
    at_least: int | None = None
    at_most: int | None = None


# -- probes: questions that go beyond what inspect says ---------------------------------------------------------------
class HttpExpectation(Kind, frozen=True, kw_only=True, tag="http"):
    """An HTTP request from the learner's machine.

    Attributes:
        url: Loopback only.
        status: Expected status code; `refused` when no connection may be possible, `reset` when it breaks at once.
        body: Regular expression searched in the body's first 256 KiB.
    """

    url: str
    status: int | Literal["refused", "reset", "no-answer"] = 200
    body: str | None = None
    header: dict[str, str] | None = None


class TcpExpectation(Kind, frozen=True, kw_only=True, tag="tcp"):
    """A TCP connection to a loopback port: open or not."""

    port: str
    open: bool = True


class ExecExpectation(Kind, frozen=True, kw_only=True, tag="exec"):
    """A command in a running container of the lab (through the engine's exec; it must change nothing)."""

    container: str
    command: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    exit_code: int | None = 0
    output: str | None = None


class FileExpectation(Kind, frozen=True, kw_only=True, tag="file"):
    """A file in the workspace."""

    path: str
    exists: bool = True
    content: str | None = None


class LogsExpectation(Kind, frozen=True, kw_only=True, tag="logs"):
    """A container's logs: `output` is a regular expression, `missing` one that must not occur."""

    container: str
    output: str | None = None
    missing: str | None = None


class ChangesExpectation(Kind, frozen=True, kw_only=True, tag="changes"):
    """What a container's writable layer holds over its image (`docker diff`)."""

    container: str
    added: str | None = None
    changed: str | None = None
    deleted: str | None = None
    none: bool | None = None


class AskedExpectation(Kind, frozen=True, kw_only=True, tag="asked"):
    """An API call that the learner's commands made, as the sandbox's trace has it.

    Attributes:
        method, path: `POST`, `/containers/create` (no version, `*` patterns allowed).
        status: HTTP status of the answer.
        query: Parameter → pattern.
        body: Dotted field → pattern (`HostConfig.Memory`).
        program: Pattern of the client's name: `docker`, `docker-compose`, `curl`, `python*`.
        at_least, at_most: How often since the step began (once, when both are left out).
    """

    method: Literal["GET", "HEAD", "POST", "PUT", "DELETE"] | None = None
    path: str
    status: int | None = None
    query: dict[str, str] | None = None
    body: dict[str, str] | None = None
    program: str | None = None
    at_least: int | None = None
    at_most: int | None = None


# -- combinations -----------------------------------------------------------------------------------------------------
class AnyExpectation(Kind, frozen=True, kw_only=True, tag="any"):
    """At least one of these holds."""

    of: Annotated[tuple[Expectation, ...], msgspec.Meta(min_length=2)]


class NotExpectation(Kind, frozen=True, kw_only=True, tag="not"):
    """These do not all hold."""

    all: Annotated[tuple[Expectation, ...], msgspec.Meta(min_length=1)]


Probe = (
    HttpExpectation
    | TcpExpectation
    | ExecExpectation
    | FileExpectation
    | LogsExpectation
    | ChangesExpectation
    | AskedExpectation
)
"""Expectations that need more than the World."""

Expectation = (
    ContainerExpectation
    | ImageExpectation
    | VolumeExpectation
    | NetworkExpectation
    | ComposeExpectation
    | ServiceExpectation
    | AbsentExpectation
    | CountExpectation
    | HttpExpectation
    | TcpExpectation
    | ExecExpectation
    | FileExpectation
    | LogsExpectation
    | ChangesExpectation
    | AskedExpectation
    | AnyExpectation
    | NotExpectation
)
