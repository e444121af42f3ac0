"""Where data of a container may come from: host paths, volumes, and the drivers behind them. Pure."""

from __future__ import annotations

import os
import posixpath
import re
from typing import Any

from tutor.sandbox import _strict
from tutor.sandbox.policy import Refused, Scope

MOUNT = dict.fromkeys(
    ("Target", "Source", "Type", "ReadOnly", "Consistency", "BindOptions", "VolumeOptions", "ImageOptions",
     "TmpfsOptions", "ClusterOptions")
)  # fmt: skip
_BIND = dict.fromkeys(
    ("Propagation", "NonRecursive", "CreateMountpoint", "ReadOnlyNonRecursive", "ReadOnlyForceRecursive")
)
_VOLUME = dict.fromkeys(("NoCopy", "Labels", "DriverConfig", "Subpath"))
_DRIVER = dict.fromkeys(("Name", "Options"))
_SOCKETS = frozenset({"/var/run/docker.sock", "/run/docker.sock"})
_TMPFS = re.compile(r"|ro|rw|(no)?(exec|suid|dev|atime)|(size|nr_inodes|mode|uid|gid)=[0-9]+[kmgKMG%]?")
_PROPAGATION = frozenset({"", "private", "rprivate"})


def host_path(path: str, scope: Scope, socket: str, *, read_only: bool) -> str:
    """The path that may be mounted for what the client named: the real one, all links followed.

    Args:
        path: Absolute host path in any spelling.
        scope: The lab.
        socket: The sandbox's own socket; a container that may have "the" socket gets this one.
        read_only: The container cannot write to it.

    Raises:
        Refused: It lies outside of the lab's folder and the step does not allow it.
    """
    clean = posixpath.normpath(path)
    if clean in _SOCKETS or clean == socket or os.path.realpath(clean) == os.path.realpath(socket):
        if "socket" in scope.allow:
            return socket
        raise Refused(
            "A container that holds the Docker socket can command the engine, and with it the whole machine: "
            "it is root on the host. The lab does not mount it.",
            rule="socket",
        )
    if "\0" not in clean and scope.inside(clean):
        return os.path.realpath(clean)
    if scope.distant:
        raise Refused(
            "The engine is on the workshop's host, which does not have your files: it cannot mount them. Use a volume, "
            "copy with docker cp, or build an image.",
            rule="bind",
        )
    real = os.path.realpath(clean.replace("\0", ""))
    for name in scope.allow:
        kind, _, allowed = name.partition(":")
        if kind == "mount-readonly" and allowed and _below(real, os.path.realpath(allowed)):
            if read_only:
                return real
            raise Refused(f"In this step {allowed} may be mounted read-only: add :ro (or ,readonly).", rule="bind")
    raise Refused(
        f"The lab mounts only its own folder, {scope.folder}. A mount of {path} would let the container change "
        "files of this machine. Use a path in that folder, or a volume.",
        rule="bind",
    )


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def parse_bind(text: str) -> tuple[str, str, str]:
    """`source:target:mode` of a bind; the source is empty for an anonymous volume.

    Raises:
        Refused: It has more parts than that.
    """
    parts = text.split(":")
    if len(parts) == 1:
        return "", parts[0], ""
    if len(parts) > 3:
        raise Refused(f"invalid volume specification: '{text}'", 400, "malformed")
    return parts[0], parts[1], parts[2] if len(parts) == 3 else ""


def check_mode(mode: str) -> bool:
    """Whether the options of a bind make it read-only.

    Raises:
        Refused: Mounts would travel between the container and the machine.
    """
    options = [option.strip().lower() for option in mode.split(",") if option]
    _propagation(next((option for option in options if "shared" in option or "slave" in option), ""))
    return any(option in {"ro", "readonly"} for option in options)


def _propagation(value: str) -> None:
    if value.lower() not in _PROPAGATION:
        raise Refused(
            f"Mount propagation {value} lets mounts travel between the container and this machine. "
            "Leave it out: the default is private.",
            rule="propagation",
        )


def check_mount(raw: Any, scope: Scope, socket: str) -> dict[str, Any]:
    """A mount in the API's spelling, with its host path checked; named volumes are left to the caller.

    Raises:
        Refused: It leaves the sandbox.
    """
    mount = _strict.struct(raw, MOUNT, "a mount")
    kind = mount.get("Type") or "volume"
    if not isinstance(kind, str) or kind not in {"bind", "volume", "tmpfs", "image"}:
        raise Refused(f"The lab has mounts of the kinds bind, volume, tmpfs and image, not {kind}.", rule="mount-type")
    source = mount.get("Source") or ""
    if not isinstance(source, str) or not isinstance(mount.get("Target") or "", str):
        raise Refused("A mount's Source and Target are strings.", 400, "malformed")
    if mount.get("ClusterOptions"):
        raise Refused("Cluster volumes belong to a swarm's storage, not to a lab.", rule="mount-type")
    options = _strict.struct(mount.get("BindOptions"), _BIND, "BindOptions")
    if kind == "bind":
        _propagation(str(options.get("Propagation") or ""))
        mount["Source"] = host_path(source, scope, socket, read_only=mount.get("ReadOnly") is True)
    if options:
        mount["BindOptions"] = options
    if mount.get("VolumeOptions") is not None or kind == "volume":
        volume = _strict.struct(mount.get("VolumeOptions"), _VOLUME, "VolumeOptions")
        driver = _strict.struct(volume.get("DriverConfig"), _DRIVER, "DriverConfig")
        if driver:
            check_driver(driver.get("Name"), driver.get("Options"), scope, socket)
            volume["DriverConfig"] = driver
        if kind == "volume" and source.startswith("/"):
            raise Refused(f'invalid volume name: "{source}"', 400, "malformed")
        mount["VolumeOptions"] = volume or None
    return {key: value for key, value in mount.items() if value is not None}


def check_driver(name: Any, options: Any, scope: Scope, socket: str) -> None:
    """Whether a volume's driver stays inside; a bind of a path in the lab's folder and tmpfs do.

    Raises:
        Refused: The volume would be something else than data kept by the engine.
    """
    if name not in (None, "", "local"):
        raise Refused(
            f"The volume driver {name} is a plugin that keeps data elsewhere. The lab uses the engine's own: local.",
            rule="volume-driver",
        )
    if not options:
        return
    if not isinstance(options, dict) or not all(isinstance(value, str) for value in options.values()):
        raise Refused("Driver options must be a JSON object of strings.", 400, "malformed")
    rest = set(options) - {"type", "device", "o", "size"}
    kind, device = options.get("type", ""), options.get("device", "")
    words = {word.strip() for word in options.get("o", "").split(",")}
    if not rest and kind == "tmpfs" and device in {"", "tmpfs"} and all(_TMPFS.fullmatch(word) for word in words):
        return
    if not rest and kind in {"none", "bind", ""} and words <= {"bind", "rbind", "ro", "rw", ""} and device:
        if host_path(device, scope, socket, read_only="ro" in words) == os.path.normpath(device):
            return
        raise Refused(f"{device} leads elsewhere by a link; name the folder itself.", rule="bind")
    raise Refused(
        "These options of the local driver mount something of this machine or of the network under the name of a "
        "volume. In the lab a volume is data that the engine keeps; leave the options out.",
        rule="volume-driver",
    )
