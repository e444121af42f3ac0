"""HostConfig, field by field: what keeps a container in, and what would let it out. Pure.

Fields that name other objects (networks, containers, volumes, host paths) are looked up by the rules for containers;
here they pass. A field that is not listed is refused: the engine of next year must not open a door unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tutor.sandbox import _strict
from tutor.sandbox.policy import Refused, Scope

_Check = Callable[[Any, Scope], None]

DEFAULT_CAPABILITIES = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW",
     "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)  # fmt: skip
"""What a container has anyway (moby, oci/caps/defaults.go): adding one of them gives nothing new."""

_LOG_DRIVERS = frozenset({"", "json-file", "local", "none"})
_LOG_OPTIONS = frozenset(
    {"max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag", "mode", "max-buffer-size"}
)
_SECURITY = frozenset(
    {"no-new-privileges", "no-new-privileges=true", "no-new-privileges:true", "seccomp=builtin", "seccomp:builtin",
     "apparmor=docker-default", "apparmor:docker-default"}
)  # fmt: skip


def _fine(_: Any, __: Scope) -> None:
    """Stays inside whatever it says."""


def _empty(why: str, rule: str) -> _Check:
    def check(value: Any, _: Scope) -> None:
        if value:
            raise Refused(why, rule=rule)

    return check


def _privileged(value: Any, scope: Scope) -> None:
    if value and "privileged" not in scope.allow:
        raise Refused(
            "--privileged hands the container all of the machine's devices and capabilities: nothing is isolated "
            "any more. The lab does not allow it here. Mostly one capability or none is enough.",
            rule="privileged",
        )


def capabilities(value: Any, scope: Scope) -> None:
    """Capabilities that are added.

    Raises:
        Refused: One of them is not in Docker's default set, and the step does not allow it.
    """
    for name in _strings(value, "CapAdd"):
        plain = name.upper().removeprefix("CAP_")
        if plain not in DEFAULT_CAPABILITIES and f"cap-add:{plain}" not in scope.allow:
            raise Refused(
                f"The capability {plain} gives the container a right over this machine that Docker takes away on "
                "purpose. The lab adds only capabilities from Docker's default set.",
                rule="cap-add",
            )


def _security(value: Any, scope: Scope) -> None:
    for option in _strings(value, "SecurityOpt"):
        if option not in _SECURITY and f"security-opt:{option}" not in scope.allow:
            raise Refused(
                f"The security option {option.split('{')[0][:60]} takes away a wall between container and machine. "
                "The lab accepts no-new-privileges only.",
                rule="security-opt",
            )


def _namespace(kind: str, flag: str, plain: frozenset[str], what: str) -> _Check:
    def check(value: Any, scope: Scope) -> None:
        text = _text(value, kind)
        if text in plain or text.startswith("container:"):
            return
        if text == "host" and f"{flag}-host" in scope.allow:
            return
        raise Refused(
            f"--{flag} {text} puts the container into the machine's own {what}, where it is isolated no more. "
            + ("Use container:NAME to share that of another container." if flag in {"pid", "ipc"} else "Leave it out."),
            rule=f"{flag}-host",
        )

    return check


def _network(value: Any, scope: Scope) -> None:
    if _text(value, "NetworkMode") == "host" and "network-host" not in scope.allow:
        raise Refused(
            "--network host gives the container the machine's own network: every port and interface, with no wall "
            "between. Publish a port with -p, or use a network of the lab.",
            rule="network-host",
        )


def log_config(value: Any, _: Scope) -> None:
    """Where a container's output goes.

    Raises:
        Refused: To another machine, or by a plugin.
    """
    config = _strict.struct(value, {"Type": 0, "Config": 0, "Name": 0, "Options": 0}, "LogConfig")
    driver = config.get("Type") or config.get("Name") or ""
    options = config.get("Config") or config.get("Options") or {}
    if driver not in _LOG_DRIVERS:
        raise Refused(
            f"The log driver {driver} sends the output elsewhere. The lab keeps it: json-file, local or none.",
            rule="log-driver",
        )
    for name in options if isinstance(options, dict) else ():
        if name not in _LOG_OPTIONS:
            raise Refused(f"The log option {name} is not one of the lab's.", rule="log-driver")


def _runtime(value: Any, _: Scope) -> None:
    if value not in (None, "", "runc", "io.containerd.runc.v2"):
        raise Refused(
            f"The runtime {value} replaces the program that builds the walls. The lab uses runc.", rule="runtime"
        )


def _oom_score(value: Any, _: Scope) -> None:
    if isinstance(value, int | float) and value < 0:
        raise Refused(
            "A negative OOM score makes the kernel kill the machine's programs before this container.", rule="oom-score"
        )


def _oom_kill(value: Any, _: Scope) -> None:
    if value:
        raise Refused(
            "With the OOM killer disabled a container that is full can hang the machine. Leave it on.", rule="oom-score"
        )


def devices(value: Any, scope: Scope) -> None:
    """Devices of the machine in a container.

    Raises:
        Refused: One is not allowed by the step.
    """
    for item in value or ():
        device = _strict.struct(item, {"PathOnHost": 0, "PathInContainer": 0, "CgroupPermissions": 0}, "a device")
        if f"device:{device.get('PathOnHost')}" not in scope.allow:
            raise Refused(
                f"{device.get('PathOnHost')} is a device of this machine; who has it can reach what is behind it, "
                "past every wall. The lab gives no devices to containers.",
                rule="device",
            )


def _masked(value: Any, scope: Scope) -> None:
    if value is not None and "privileged" not in scope.allow:
        raise Refused(
            "Docker hides parts of /proc and /sys that would tell about or change the machine. The lab leaves them "
            "hidden.",
            rule="masked-paths",
        )


_NO_DEVICE = _empty("Limits on devices of this machine are not for a lab.", "device")

FIELDS: dict[str, _Check] = {
    # Limits: they only take away.
    **dict.fromkeys(
        (
            "CpuShares",
            "Memory",
            "BlkioWeight",
            "CpuPeriod",
            "CpuQuota",
            "CpusetCpus",
            "CpusetMems",
            "KernelMemory",
            "KernelMemoryTCP",
            "MemoryReservation",
            "MemorySwap",
            "MemorySwappiness",
            "NanoCpus",
            "Init",
            "PidsLimit",
            "Ulimits",
            "CpuCount",
            "CpuPercent",
            "IOMaximumIOps",
            "IOMaximumBandwidth",
            "ShmSize",
        ),
        _fine,
    ),
    "CgroupParent": _empty("A cgroup parent moves the container out of the limits Docker set for it.", "cgroup-parent"),
    "BlkioWeightDevice": _NO_DEVICE,
    "BlkioDeviceReadBps": _NO_DEVICE,
    "BlkioDeviceWriteBps": _NO_DEVICE,
    "BlkioDeviceReadIOps": _NO_DEVICE,
    "BlkioDeviceWriteIOps": _NO_DEVICE,
    "CpuRealtimePeriod": _empty("Realtime CPU time is taken from the whole machine.", "realtime"),
    "CpuRealtimeRuntime": _empty("Realtime CPU time is taken from the whole machine.", "realtime"),
    "Devices": devices,
    "DeviceCgroupRules": _empty("A device rule opens devices of this machine to the container.", "device"),
    "DeviceRequests": _empty("The lab gives no devices (GPUs) of this machine to containers.", "device"),
    "OomKillDisable": _oom_kill,
    "OomScoreAdj": _oom_score,
    # Names of other objects and host paths: looked up by the rules for containers.
    **dict.fromkeys(("Binds", "Mounts", "VolumesFrom", "Links", "VolumeDriver"), _fine),
    "NetworkMode": _network,
    # Its own affair.
    **dict.fromkeys(
        (
            "ContainerIDFile",
            "PortBindings",
            "RestartPolicy",
            "AutoRemove",
            "ConsoleSize",
            "CapDrop",
            "Dns",
            "DnsOptions",
            "DnsSearch",
            "ExtraHosts",
            "GroupAdd",
            "PublishAllPorts",
            "ReadonlyRootfs",
            "Tmpfs",
            "Sysctls",
        ),
        _fine,
    ),
    "Annotations": _empty("Annotations speak to the runtime behind Docker's back.", "annotations"),
    "LogConfig": log_config,
    "CapAdd": capabilities,
    "Capabilities": _empty("Exact capability lists are not part of Docker's API any more.", "cap-add"),
    "CgroupnsMode": _namespace("CgroupnsMode", "cgroupns", frozenset({"", "private"}), "cgroup tree"),
    "IpcMode": _namespace("IpcMode", "ipc", frozenset({"", "none", "private", "shareable"}), "shared memory"),
    "PidMode": _namespace("PidMode", "pid", frozenset({""}), "list of processes"),
    "UTSMode": _namespace("UTSMode", "uts", frozenset({""}), "host name"),
    "UsernsMode": _namespace("UsernsMode", "userns", frozenset({""}), "users"),
    "Cgroup": _empty("Sharing a cgroup is not part of Docker's API any more.", "cgroup-parent"),
    "Privileged": _privileged,
    "SecurityOpt": _security,
    "StorageOpt": _empty("Storage options are the engine's affair.", "storage-opt"),
    "Runtime": _runtime,
    "Isolation": _empty("Isolation modes exist on Windows only.", "isolation"),
    "MaskedPaths": _masked,
    "ReadonlyPaths": _masked,
}


def check(raw: Any, scope: Scope) -> dict[str, Any]:
    """A HostConfig in the API's spelling.

    Raises:
        Refused: A field would let the container out, or is not known.
    """
    config = _strict.struct(raw, FIELDS, "HostConfig")
    for name, value in config.items():
        FIELDS[name](value, scope)
    return config


def _text(value: Any, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(f"{where} must be a string.", 400, "malformed")
    return value


def _strings(value: Any, where: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Refused(f"{where} must be a list of strings.", 400, "malformed")
    return value
