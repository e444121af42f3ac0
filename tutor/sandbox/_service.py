"""A Swarm service's specification: its tasks are containers, and judged as such."""

from __future__ import annotations

from typing import Any

from tutor.sandbox import _strict, hostconfig, mounts, swarm_mode
from tutor.sandbox.ask import Ask
from tutor.sandbox.policy import OWNER, Refused, relabel, taken
from tutor.sandbox.rules.creation import make_volume

_SERVICE = dict.fromkeys(
    ("Name", "Labels", "TaskTemplate", "Mode", "UpdateConfig", "RollbackConfig", "Networks", "EndpointSpec")
)
_TASK = dict.fromkeys(
    ("ContainerSpec", "PluginSpec", "NetworkAttachmentSpec", "Resources", "RestartPolicy", "Placement", "Networks",
     "LogDriver", "ForceUpdate", "Runtime")
)  # fmt: skip
_CONTAINER = dict.fromkeys(
    ("Image", "Labels", "Command", "Args", "Hostname", "Env", "Dir", "User", "Groups", "Privileges", "Init",
     "StopSignal", "TTY", "OpenStdin", "ReadOnly", "Mounts", "StopGracePeriod", "Healthcheck", "Hosts", "DNSConfig",
     "Secrets", "Configs", "Isolation", "Sysctls", "CapabilityAdd", "CapabilityDrop", "Ulimits", "OomScoreAdj")
)  # fmt: skip
_FILE = dict.fromkeys(("File", "Runtime", "SecretID", "SecretName", "ConfigID", "ConfigName"))


async def service_spec(ask: Ask, raw: Any) -> dict[str, Any]:
    """A service's specification in the API's spelling, labelled and judged.

    Raises:
        Refused: It leaves the sandbox.
    """
    spec = _strict.struct(raw, _SERVICE, "the service")
    spec["Labels"] = relabel(spec.get("Labels"), ask.scope.labels)
    task = _strict.struct(spec.get("TaskTemplate"), _TASK, "TaskTemplate")
    runtime = task.get("Runtime") or "container"
    if task.get("PluginSpec") or task.get("NetworkAttachmentSpec") or runtime != "container":
        raise Refused("The lab's services run containers, not plugins.", rule="plugin")
    task["ContainerSpec"] = await _container(ask, task.get("ContainerSpec"))
    hostconfig.log_config(task.get("LogDriver"), ask.scope)
    for place in (spec, task):
        place["Networks"] = await _networks(ask, place.get("Networks"))
    resources = task.get("Resources")
    if isinstance(resources, dict) and "genericresources" in str(resources).casefold():
        raise Refused("Generic resources are devices of this machine.", rule="device")
    await _stay_here(ask, task)
    spec["TaskTemplate"] = task
    return {key: value for key, value in spec.items() if value is not None}


async def _stay_here(ask: Ask, task: dict[str, Any]) -> None:
    """In somebody's swarm the lab's tasks stay on this machine: on others nobody would clean up after them."""
    if (await swarm_mode.labels_of(ask.api)).get(OWNER) == ask.scope.owner:
        return
    swarm = (await ask.api.get("/info")).get("Swarm") or {}
    fields = dict.fromkeys(("Constraints", "Preferences", "MaxReplicas", "Platforms"))
    placement = _strict.struct(task.get("Placement"), fields, "Placement")
    here = f"node.id=={swarm.get('NodeID')}"
    placement["Constraints"] = [*(item for item in placement.get("Constraints") or () if item != here), here]
    task["Placement"] = placement


async def _networks(ask: Ask, raw: Any) -> list[dict[str, Any]] | None:
    if not raw:
        return None
    result = []
    for item in raw:
        network = _strict.struct(item, {"Target": 0, "Aliases": 0, "DriverOpts": 0}, "a network")
        info = await ask.objects.network(str(network.get("Target") or ""))
        if network.get("DriverOpts") or (info["Name"] == "host" and "network-host" not in ask.scope.allow):
            raise Refused("The machine's own network has no walls; the lab does not join it.", rule="network-host")
        network["Target"] = info["Id"]
        result.append(network)
    return result


async def _container(ask: Ask, raw: Any) -> dict[str, Any]:
    spec = _strict.struct(raw, _CONTAINER, "ContainerSpec")
    spec["Labels"] = relabel(spec.get("Labels"), ask.scope.labels)
    hostconfig.capabilities(spec.get("CapabilityAdd"), ask.scope)
    hostconfig.check({"OomScoreAdj": spec.get("OomScoreAdj"), "Isolation": None}, ask.scope)
    privileges = _strict.struct(
        spec.get("Privileges"),
        dict.fromkeys(("CredentialSpec", "SELinuxContext", "Seccomp", "AppArmor", "NoNewPrivileges")),
        "Privileges",
    )
    for name, value in privileges.items():
        if name != "NoNewPrivileges" and value:
            raise Refused(f"{name} changes the walls around the service's containers.", rule="security-opt")
    listed = []
    for item in spec.get("Mounts") or ():
        mount = mounts.check_mount(item, ask.scope, ask.socket)
        if (mount.get("Type") or "volume") == "volume":
            options = mount.get("VolumeOptions") or {}
            options["Labels"] = relabel(options.get("Labels"), ask.scope.labels)
            mount["VolumeOptions"] = options
            await _volume(ask, str(mount.get("Source") or ""), options)
        elif mount.get("Type") == "image":
            await ask.objects.image(str(mount.get("Source")))
        listed.append(mount)
    covered = {mount.get("Target") for mount in listed}
    for target in await _declared(ask, str(spec.get("Image") or "")):
        if target not in covered:
            listed.append({"Type": "volume", "Target": target, "VolumeOptions": {"Labels": ask.scope.labels}})
    if listed:
        spec["Mounts"] = listed
    for name, kind in (("Secrets", "secret"), ("Configs", "config")):
        kept = []
        for item in spec.get(name) or ():
            ref = _strict.struct(item, _FILE, f"a {kind}")
            key = "SecretID" if kind == "secret" else "ConfigID"
            ref[key] = await ask.objects.swarm(kind, str(ref.get(key) or ""))
            kept.append(ref)
        if kept:
            spec[name] = kept
    return spec


async def _volume(ask: Ask, name: str, options: dict[str, Any]) -> None:
    if not name:
        return
    try:
        if not await ask.objects.volume(name):
            await make_volume(ask, name, options)
    except Refused as refused:
        if refused.status == 404:
            raise taken("volume", name) from None
        raise


async def _declared(ask: Ask, image: str) -> list[str]:
    if not image:
        return []
    # The client may have pinned the image by digest: the name before it is what the lab knows. A swarm that cannot pull
    # takes what the engine finds by the words it was given, ids too.
    found = None
    for ref in dict.fromkeys((image.partition("@")[0], image)):
        try:
            found = found or await ask.objects.image(ref)
        except Refused:
            if await ask.objects.exists_image(ref):
                raise
    return list((found.info.get("Config") or {}).get("Volumes") or ()) if found else []  # the swarm will pull it
