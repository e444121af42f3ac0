"""From the engine's inspect data to the World's records. Pure; nothing is assumed to be there.

Source of the fields: https://docs.docker.com/reference/api/engine/version/v1.45/ and a running engine. Where inspect
says the same in several ways (`--tmpfs` and `--mount type=tmpfs`, `--cpus` and `--cpu-quota`), a record says it in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tutor.engine.world import (
    Attachment,
    Container,
    Image,
    MountPoint,
    Network,
    PublishedPort,
    Service,
    Volume,
)

PREDEFINED = frozenset({"bridge", "host", "none", "docker_gwbridge", "ingress"})
"""Networks that an engine makes for itself (the last two in Swarm mode)."""

_ANONYMOUS = re.compile(r"^[0-9a-f]{64}$")
_NEVER = "0001-01-01T00:00:00Z"
_MOUNT_TYPES = frozenset({"bind", "volume", "tmpfs", "npipe", "cluster", "image"})


def container(data: Mapping[str, Any]) -> Container:
    """A container's record from `GET /containers/{id}/json`."""
    config, host, state = _sub(data, "Config"), _sub(data, "HostConfig"), _sub(data, "State")
    settings = _sub(data, "NetworkSettings")
    policy = _sub(host, "RestartPolicy")
    identity = str(data.get("Id") or "")
    path = str(data.get("Path") or "")
    health = _sub(state, "Health").get("Status") or "none"
    return Container(
        id=identity,
        name=str(data.get("Name") or "").removeprefix("/"),
        image=str(config.get("Image") or ""),
        image_id=str(data.get("Image") or ""),
        state=str(state.get("Status") or "created"),
        created=_time(data.get("Created")),
        started=_time(state.get("StartedAt")),
        finished=_time(state.get("FinishedAt")),
        pid=int(state.get("Pid") or 0),
        exit_code=int(state.get("ExitCode") or 0),
        oom_killed=bool(state.get("OOMKilled")),
        error=str(state.get("Error") or ""),
        health=str(health),
        entrypoint=_words(config.get("Entrypoint")),
        command=_words(config.get("Cmd")),
        process=(*((path,) if path else ()), *_words(data.get("Args"))),
        env=_env(config.get("Env")),
        published=_published(host, settings, str(state.get("Status") or "")),
        exposed=tuple(sorted(_sub(config, "ExposedPorts"))),
        mounts=_mounts(data, host),
        attachments=_attachments(settings, identity),
        memory=int(host.get("Memory") or 0),
        cpus=_cpus(host),
        pids=max(0, int(host.get("PidsLimit") or 0)),
        user=str(config.get("User") or ""),
        working_dir=str(config.get("WorkingDir") or ""),
        hostname=str(config.get("Hostname") or ""),
        read_only=bool(host.get("ReadonlyRootfs")),
        privileged=bool(host.get("Privileged")),
        cap_add=_words(host.get("CapAdd")),
        cap_drop=_words(host.get("CapDrop")),
        tty=bool(config.get("Tty")),
        stdin=bool(config.get("OpenStdin")),
        init=bool(host.get("Init")),
        auto_remove=bool(host.get("AutoRemove")),
        restart=str(policy.get("Name") or "no"),
        restart_count=int(data.get("RestartCount") or 0),
        pid_mode=str(host.get("PidMode") or ""),
        network_mode=str(host.get("NetworkMode") or ""),
        ipc_mode=str(host.get("IpcMode") or ""),
        labels=_labels(config),
        size_rw=data.get("SizeRw"),
    )


def image(data: Mapping[str, Any], *, own: bool = False) -> Image:
    """An image's record from `GET /images/{name}/json`."""
    config = _sub(data, "Config")
    return Image(
        id=str(data.get("Id") or ""),
        tags=tuple(sorted(tag for tag in _words(data.get("RepoTags")) if tag != "<none>:<none>")),
        digests=tuple(sorted(_words(data.get("RepoDigests")))),
        created=_time(data.get("Created")),
        size=int(data.get("Size") or 0),
        layers=_words(_sub(data, "RootFS").get("Layers")),
        env=_env(config.get("Env")),
        cmd=_words(config.get("Cmd")),
        entrypoint=_words(config.get("Entrypoint")),
        working_dir=str(config.get("WorkingDir") or ""),
        user=str(config.get("User") or ""),
        exposed=tuple(sorted(_sub(config, "ExposedPorts"))),
        volumes=tuple(sorted(_sub(config, "Volumes"))),
        labels=_labels(config),
        own=own,
    )


def volume(data: Mapping[str, Any]) -> Volume:
    """A volume's record from `GET /volumes/{name}` or an entry of the list."""
    name = str(data.get("Name") or "")
    labels = _labels(data)
    return Volume(
        name=name,
        driver=str(data.get("Driver") or "local"),
        created=_time(data.get("CreatedAt")),
        labels=labels,
        anonymous="com.docker.volume.anonymous" in labels or is_anonymous(name),
    )


def network(data: Mapping[str, Any]) -> Network:
    """A network's record from `GET /networks/{id}` or an entry of the list."""
    name = str(data.get("Name") or "")
    subnets = (_sub(data, "IPAM").get("Config")) or []
    return Network(
        id=str(data.get("Id") or ""),
        name=name,
        driver=str(data.get("Driver") or ""),
        internal=bool(data.get("Internal")),
        subnets=tuple(str(entry["Subnet"]) for entry in subnets if entry and entry.get("Subnet")),
        labels=_labels(data),
        predefined=name in PREDEFINED,
    )


def service(data: Mapping[str, Any]) -> Service:
    """A Swarm service's record from an entry of `GET /services?status=true`."""
    spec, status = _sub(data, "Spec"), _sub(data, "ServiceStatus")
    mode = _sub(spec, "Mode")
    wanted = _sub(mode, "Replicated").get("Replicas")
    reference = str(_sub(_sub(spec, "TaskTemplate"), "ContainerSpec").get("Image") or "")
    return Service(
        id=str(data.get("ID") or ""),
        name=str(spec.get("Name") or ""),
        image=reference.partition("@")[0],
        replicas=int(wanted if wanted is not None else status.get("DesiredTasks") or 0),
        running=int(status.get("RunningTasks") or 0),
        update=str(_sub(data, "UpdateStatus").get("State") or ""),
        labels=_labels(spec),
    )


def is_anonymous(name: str) -> bool:
    """Whether a volume's name is one that the engine made up."""
    return bool(_ANONYMOUS.match(name))


def _sub(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def _labels(data: Mapping[str, Any]) -> Mapping[str, str]:
    return {str(key): str(value) for key, value in _sub(data, "Labels").items()}


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(word) for word in value or ())


def _env(entries: Iterable[str] | None) -> Mapping[str, str]:
    pairs = (entry.partition("=") for entry in entries or ())
    return {name: value for name, mark, value in pairs if mark}


def _time(value: Any) -> str:
    text = str(value or "")
    return "" if text.startswith(_NEVER[:10]) else text


def _cpus(host: Mapping[str, Any]) -> float:
    nano = int(host.get("NanoCpus") or 0)
    if nano:
        return nano / 1e9
    quota = int(host.get("CpuQuota") or 0)
    return quota / (int(host.get("CpuPeriod") or 0) or 100_000) if quota > 0 else 0.0


def _published(host: Mapping[str, Any], settings: Mapping[str, Any], state: str) -> tuple[PublishedPort, ...]:
    """The ports in force where there are any, else as configured (a stopped container has none in force).

    One that runs may have none in force though some are configured: on a network without a way out, or as a client of
    the API bound a port that it had not exposed. Then nothing is published.

    The engine lists a port without address once for IPv4 and once for IPv6: that is one port to a learner.
    """
    live = {port: answers for port, answers in _sub(settings, "Ports").items() if answers}
    ports: dict[tuple[str, str, str], PublishedPort] = {}
    configured = {} if state in {"running", "paused"} else _sub(host, "PortBindings")
    for port, answers in (live or configured).items():
        for answer in answers or ():
            address = str(answer.get("HostIp") or "")
            found = PublishedPort(
                container=port,
                host_ip="0.0.0.0" if address in {"", "::"} else address,
                host_port=str(answer.get("HostPort") or ""),
            )
            ports[(found.container, found.host_ip, found.host_port)] = found
    return tuple(ports[key] for key in sorted(ports))


def _mounts(data: Mapping[str, Any], host: Mapping[str, Any]) -> tuple[MountPoint, ...]:
    found = {}
    for entry in data.get("Mounts") or ():
        kind = str(entry.get("Type") or "bind")
        name = str(entry.get("Name") or "")
        point = MountPoint(
            type=kind if kind in _MOUNT_TYPES else "bind",  # type: ignore[arg-type]
            destination=str(entry.get("Destination") or ""),
            source=str(entry.get("Source") or ""),
            name=name,
            anonymous=kind == "volume" and is_anonymous(name),
            read_only=entry.get("RW") is False,
        )
        found[point.destination] = point
    for path in _sub(host, "Tmpfs"):
        found.setdefault(path, MountPoint(type="tmpfs", destination=path))
    return tuple(found[path] for path in sorted(found))


def _attachments(settings: Mapping[str, Any], identity: str) -> tuple[Attachment, ...]:
    networks = _sub(settings, "Networks")
    return tuple(
        Attachment(
            network=name,
            network_id=str(networks[name].get("NetworkID") or ""),
            address=str(networks[name].get("IPAddress") or networks[name].get("GlobalIPv6Address") or ""),
            aliases=tuple(a for a in _words(networks[name].get("Aliases")) if not identity.startswith(a)),
        )
        for name in sorted(networks)
        if isinstance(networks[name], Mapping)
    )
