"""A new container: labelled, kept in, and joined to own objects only."""

from __future__ import annotations

import posixpath
from typing import Any

from tutor.sandbox import _strict, hostconfig, mounts
from tutor.sandbox.ask import Ask, Plan, quoted
from tutor.sandbox.policy import ANONYMOUS, Refused, relabel, taken
from tutor.sandbox.rules.containers import name_failed
from tutor.sandbox.upstream import EngineError

CONFIG = dict.fromkeys(
    ("Hostname", "Domainname", "User", "AttachStdin", "AttachStdout", "AttachStderr", "ExposedPorts", "Tty",
     "OpenStdin", "StdinOnce", "Env", "Cmd", "Healthcheck", "ArgsEscaped", "Image", "Volumes", "WorkingDir",
     "Entrypoint", "NetworkDisabled", "MacAddress", "OnBuild", "Labels", "StopSignal", "StopTimeout", "Shell",
     "HostConfig", "NetworkingConfig", "Platform", "Name")
)  # fmt: skip
ENDPOINT = dict.fromkeys(
    ("IPAMConfig", "Links", "Aliases", "MacAddress", "DriverOpts", "GwPriority", "NetworkID", "EndpointID", "Gateway",
     "IPAddress", "IPPrefixLen", "IPv6Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen", "DNSNames")
)  # fmt: skip
_MODES = ("IpcMode", "PidMode", "UTSMode", "UsernsMode", "CgroupnsMode", "NetworkMode")
_PLAIN_NETWORKS = frozenset({"", "default", "bridge", "none", "host"})


async def container_create(ask: Ask) -> Plan:
    """Create a container of the lab."""
    body = _strict.struct(await ask.json(), CONFIG, "the container's configuration")
    host = hostconfig.check(body.get("HostConfig"), ask.scope)
    image = body.get("Image") or ""
    if not isinstance(image, str):
        raise Refused("Image must be a string.", 400, "malformed")
    config: dict[str, Any] = {}
    if image:
        found = await ask.objects.image(image)
        config = found.info.get("Config") or {}
    body["Labels"] = relabel(body.get("Labels"), ask.scope.labels)
    await _neighbours(ask, host)
    try:
        await _namespaces(ask, host)
        body["NetworkingConfig"] = await networking(ask, body.get("NetworkingConfig"))
    except Refused as refused:
        # The engine notices this when the container starts. To the docker command a 404 here means a missing image.
        raise Refused(refused.message, 409 if refused.status == 404 else refused.status, refused.rule) from None
    created = await _data(ask, body, host, config)
    body["HostConfig"] = host
    name = ask.head.first("name")
    if name:
        ask.touched.append(name.lstrip("/"))
    conflict = name_failed(ask, name)

    async def answer(value: Any) -> Any:
        ask.objects.own_container(value["Id"], name)
        ask.touched.append(value["Id"])
        return value

    async def failed(status: int, message: str) -> str:
        for volume in created:
            try:
                await ask.api.call("DELETE", quoted("volumes", volume))
            except EngineError:
                continue
        return str(await conflict(status, message))

    return Plan(body=_strict.dumps(body), answer=answer, failed=failed)


async def _namespaces(ask: Ask, host: dict[str, Any]) -> None:
    for field in _MODES:
        value = host.get(field)
        if isinstance(value, str) and value.startswith("container:"):
            host[field] = f"container:{await ask.objects.container(value[len('container:') :])}"
    mode = host.get("NetworkMode") or ""
    if mode not in _PLAIN_NETWORKS and not mode.startswith("container:"):
        host["NetworkMode"] = await network_name(ask, mode)


async def network_name(ask: Ask, ref: str) -> str:
    """What to call a network that the lab may join: as the client did when that is clear, else by its id."""
    info = await ask.objects.network(ref)
    if info["Name"] == "host" and "network-host" not in ask.scope.allow:
        hostconfig.check({"NetworkMode": "host"}, ask.scope)
    return ref if ref in (info["Name"], info["Id"]) else str(info["Id"])


async def _neighbours(ask: Ask, host: dict[str, Any]) -> None:
    for field in ("VolumesFrom", "Links"):
        result = []
        for text in host.get(field) or ():
            if not isinstance(text, str):
                raise Refused(f"{field} must be a list of strings.", 400, "malformed")
            ref, colon, rest = text.partition(":")
            result.append(f"{await ask.objects.container(ref.lstrip('/'))}{colon}{rest}")
            if field == "Links" and not colon:
                result[-1] += f":{ref.lstrip('/')}"
        if result:
            host[field] = result
    if host.get("VolumeDriver") not in (None, "", "local"):
        mounts.check_driver(host["VolumeDriver"], None, ask.scope, ask.socket)


async def networking(ask: Ask, raw: Any) -> dict[str, Any] | None:
    """The networks a container joins, own or predefined ones."""
    if raw is None:
        return None
    config = _strict.struct(raw, {"EndpointsConfig": 0}, "NetworkingConfig")
    endpoints = config.get("EndpointsConfig")
    if endpoints is None:
        return config
    if not isinstance(endpoints, dict):
        raise Refused("EndpointsConfig must be a JSON object.", 400, "malformed")
    result = {}
    for name, value in endpoints.items():
        key = name if name in _PLAIN_NETWORKS - {"host"} else await network_name(ask, name)
        result[key] = await endpoint(ask, value)
    return {"EndpointsConfig": result}


async def endpoint(ask: Ask, raw: Any) -> dict[str, Any] | None:
    """A container's place in one network."""
    if raw is None:
        return None
    settings = _strict.struct(raw, ENDPOINT, "a network endpoint")
    if settings.get("DriverOpts"):
        raise Refused("Driver options of a network endpoint reach into the machine's network; leave them out.")
    if settings.get("NetworkID"):
        settings["NetworkID"] = (await ask.objects.network(str(settings["NetworkID"])))["Id"]
    links = []
    for text in settings.get("Links") or ():
        ref, colon, alias = str(text).partition(":")
        links.append(f"{await ask.objects.container(ref.lstrip('/'))}:{alias if colon else ref}")
    if links:
        settings["Links"] = links
    return settings


# -- data -------------------------------------------------------------------------------------------------------------
async def _data(ask: Ask, body: dict[str, Any], host: dict[str, Any], image: dict[str, Any]) -> list[str]:
    """Judge and label all mounts; returns the volumes made for this container."""
    taken_places: set[str] = set()
    anonymous: list[str] = []
    named: dict[str, dict[str, Any]] = {}
    binds = []
    for text in _strings(host.get("Binds"), "Binds"):
        source, target, mode = mounts.parse_bind(text)
        read_only = mounts.check_mode(mode)
        if not source:
            anonymous.append(target)
            continue
        taken_places.add(_clean(target))
        if source.startswith("/"):
            source = mounts.host_path(source, ask.scope, ask.socket, read_only=read_only)
            if ":" in source:
                raise Refused("A path with a colon cannot be bound with -v; use --mount.", 400)
        else:
            named.setdefault(source, {})
        binds.append(":".join(part for part in (source, target, mode) if part))
    listed = []
    for raw in host.get("Mounts") or ():
        mount = mounts.check_mount(raw, ask.scope, ask.socket)
        taken_places.add(_clean(str(mount.get("Target") or "")))
        if (mount.get("Type") or "volume") == "volume":
            options = mount.get("VolumeOptions") or {}
            if mount.get("Source"):
                named.setdefault(mount["Source"], options)
            else:
                mount["VolumeOptions"] = {**options, "Labels": _anonymous_labels(ask, options.get("Labels"))}
        elif mount.get("Type") == "image":
            await ask.objects.image(str(mount.get("Source")))
        listed.append(mount)
    taken_places |= {_clean(target) for target in host.get("Tmpfs") or ()}
    for text in host.get("VolumesFrom") or ():
        info = await ask.objects.inspect_container(text.partition(":")[0])
        taken_places |= {_clean(str(point.get("Destination"))) for point in info.get("Mounts") or ()}
    declared = body.get("Volumes") or {}
    if not isinstance(declared, dict):
        raise Refused("Volumes must be a JSON object.", 400, "malformed")
    for target in dict.fromkeys([*anonymous, *declared, *(image.get("Volumes") or ())]):
        if _clean(target) not in taken_places:
            taken_places.add(_clean(target))
            listed.append(
                {"Type": "volume", "Target": target, "VolumeOptions": {"Labels": _anonymous_labels(ask, None)}}
            )
    if binds or host.get("Binds"):
        host["Binds"] = binds
    if listed:
        host["Mounts"] = listed
        # So that inspect can tell the sandbox's mounts from the client's.
        body["Volumes"] = {**declared, **{target: {} for target in anonymous}} or None
    return await _volumes(ask, named)


async def _volumes(ask: Ask, named: dict[str, dict[str, Any]]) -> list[str]:
    created = []
    for name, options in named.items():
        try:
            if await ask.objects.volume(name):
                continue
        except Refused:
            raise taken("volume", name) from None
        if await make_volume(ask, name, options):
            created.append(name)
    return created


async def make_volume(ask: Ask, name: str, options: dict[str, Any]) -> bool:
    """Create a named volume with the lab's labels before the engine would do it without."""
    driver = options.get("DriverConfig") or {}
    value = {
        "Name": name,
        "Driver": driver.get("Name") or "local",
        "DriverOpts": driver.get("Options") or {},
        "Labels": relabel(options.get("Labels"), ask.scope.labels),
    }
    try:
        made = await ask.api.call("POST", "/volumes/create", None, value)
    except EngineError as error:
        raise Refused(error.message, error.status, "engine") from None
    if not ask.scope.owns((made or {}).get("Labels")):
        raise taken("volume", name)
    ask.objects.volumes_seen[name] = True
    return True


def _anonymous_labels(ask: Ask, labels: Any) -> dict[str, str]:
    return {**relabel(labels, ask.scope.labels), ANONYMOUS: ""}


def _clean(path: str) -> str:
    return posixpath.normpath("/" + path)


def _strings(value: Any, where: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Refused(f"{where} must be a list of strings.", 400, "malformed")
    return value


RULES = {"container_create": container_create}
