"""Record situations from a real engine for the judge's tests: `python tests/unit/world/record.py [NAME…]`.

Each situation is a few commands; what the engine then says of the objects they made is written to `recorded/NAME.json`,
without what only tells of the machine it ran on. The engine comes from DOCKER_HOST; it must have the images
`busybox:1.37` and `nginx:1.26`. Everything made carries a label of its own and is removed again.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LAB = "docker-tutor.lab=22-000000"
SHELL, WEB = "busybox:1.37", "nginx:1.26"

# `RUN` and `CREATE` are `docker run` and `docker create` with the lab's label; ports 38080, 33000, 30080 are free ones
# that become 8080, 3000 and 80; `kind_morse` stands for a name that Docker makes up.
SITUATIONS: dict[str, str] = {
    "nothing": "",
    "web": f"RUN -d --name web -p 38080:80 {WEB}",
    "swapped": f"RUN -d --name web -p 30080:38080 {WEB}",
    "unpublished": f"RUN -d --name web {WEB}",
    "wrong-inside": f"RUN -d --name web -p 33000:38080 {WEB}",
    "wrong-host-port": f"RUN -d --name web -p 33000:80 {WEB}",
    "one-address": f"RUN -d --name web -p 127.0.0.1:38080:80 {WEB}",
    "all-ports": f"RUN -d --name web -P {WEB}",
    "udp": f"RUN -d --name web -p 38080:80/udp {WEB}",
    "typo-in-name": f"RUN -d --name wbe -p 38080:80 {WEB}",
    "made-up-name": f"RUN -d --name kind_morse -p 38080:80 {WEB}",
    "options-after-image": f"RUN -d --name kind_morse {WEB} --name web -p 38080:80",
    "flags-after-image": f"RUN --name kind_morse {SHELL} -it sh",
    "idle-shell": f"RUN --name web {SHELL}",
    "created": f"CREATE --name web -p 38080:80 {WEB}",
    "paused": f"RUN -d --name web -p 38080:80 {WEB}; docker pause web",
    "stopped": f"RUN -d --name web -p 38080:80 {WEB}; docker stop web",
    "started-again": f"RUN -d --name web {WEB}; docker stop web; docker start web",
    "killed": f"RUN -d --name web {SHELL} sleep 600; docker stop -t 0 web",
    "terminated": f"RUN -d --init --name web {SHELL} sleep 600; docker stop web",
    "failed": f"RUN --name web {SHELL} sh -c 'echo no such file >&2; exit 3'",
    "crashed": f"RUN --name web {SHELL} sh -c 'sh -c \"kill -SEGV \\$\\$\"; exit $?'",
    "no-program": f"RUN --name web {SHELL} servr",
    "oom": f"RUN --name web -m 16m --memory-swap 16m {SHELL} sh -c 'tail /dev/zero'",
    "falls-over": f"RUN -d --name web --restart always {SHELL} sh -c 'exit 3'; UNTIL restarting web",
    "port-taken": f"RUN -d --name old -p 38080:80 {WEB}; RUN -d --name web -p 38080:80 {WEB}",
    "on-bridge": f"docker network create @LAB shop; RUN -d --name db --network shop {SHELL} sleep 600; "
    f"RUN -d --name web {WEB}",
    "on-network": f"docker network create @LAB shop; RUN -d --name db --network shop {SHELL} sleep 600; "
    f"RUN -d --name web --network shop {WEB}",
    "internal": "docker network create --internal @LAB shop",
    "mounts": "docker volume create @LAB notes; "
    f"RUN -d --name web -v notes:/data:ro -v /log --tmpfs /run -v $PWD/site:/site {SHELL} sleep 600",
    "wrong-path": f"docker volume create @LAB notes; RUN -d --name web -v notes:/dta {SHELL} sleep 600",
    "bind-for-volume": f"docker volume create @LAB notes; RUN -d --name web -v $PWD/notes:/data {SHELL} sleep 600",
    "anonymous": f"RUN -d --name web -v /data {SHELL} sleep 600",
    "anonymous-left": f"RUN -d --name web -v /data {SHELL} sleep 600",
    "settings": f"RUN -d --name web -e MODE=dev -m 64m --cpus 0.5 --pids-limit 20 --user 1000 -w /srv -h box "
    "--read-only --cap-drop ALL --cap-add NET_BIND_SERVICE --init -it --restart on-failure --label team=shop "
    f"{SHELL} sleep 600",
    "shared-namespaces": f"RUN -d --name web {WEB}; RUN -d --name side --pid container:web --network container:web "
    f"--ipc host {SHELL} sleep 600",
    "health-starting": f"RUN -d --name web --health-cmd true --health-interval 60s {SHELL} sleep 600",
    "healthy": f"RUN -d --name web --health-cmd true --health-interval 1s {SHELL} sleep 600; HEALTH healthy web",
    "unhealthy": f"RUN -d --name web --health-cmd false --health-interval 1s --health-retries 1 {SHELL} sleep 600; "
    "HEALTH unhealthy web",
    "built": "BUILD 'RUN echo one > /one' 'RUN echo two > /two' 'ENV MODE=live' -t shop:1",
    "built-other-tag": "BUILD 'RUN echo one > /one' -t shop:latest",
    "built-nameless": "BUILD 'RUN echo one > /one' -q",
    "built-not-run": "BUILD 'RUN echo one > /one' -t web",
    "two-builds": "BUILD 'RUN echo one > /one' 'RUN echo two > /two' -t shop:1; "
    "BUILD 'RUN echo one > /one' 'RUN echo three > /two' -t shop:2; docker tag shop:2 shop:best",
    "rebuilt": "BUILD 'CMD sleep 600' 'LABEL v=1' -t shop:1; RUN -d --name web shop:1; "
    "BUILD 'CMD sleep 600' 'LABEL v=2' -t shop:1",
    "compose": "COMPOSE shop",
    "other-project": "COMPOSE wrong",
    "three": f"RUN -d --name one {SHELL} sleep 600; RUN -d --name two {SHELL} sleep 600; CREATE --name three {SHELL}",
}

_MACHINE = re.compile(r"^docker-tutor\.(image|recipe|stand-in|owner)$|config_files$|working_dir$|hash$")
"""Labels that tell of the machine or of how the catalogue was built."""

_COMPOSE = f"""\
services:
  web: {{image: "{WEB}", labels: {{docker-tutor.lab: 22-000000}}, ports: ["38080:80"]}}
  db: {{image: "{SHELL}", command: sleep 600, labels: {{docker-tutor.lab: 22-000000}}, deploy: {{replicas: 2}}}}
networks: {{default: {{labels: {{docker-tutor.lab: 22-000000}}}}}}
"""

_HELPERS = f"""\
RUN() {{ docker run --label {LAB} "$@" </dev/null; }}
CREATE() {{ docker create --label {LAB} "$@"; }}
UNTIL() {{ until [ "$(docker inspect -f '{{{{.State.Status}}}}' $2)" = $1 ]; do :; done; }}
HEALTH() {{ until [ "$(docker inspect -f '{{{{.State.Health.Status}}}}' $2)" = $1 ]; do :; done; }}
BUILD() {{ printf 'FROM {SHELL}\\n' >Dockerfile
  while [ "${{1#-}}" = "$1" ]; do printf '%s\\n' "$1" >>Dockerfile; shift; done
  docker build --label {LAB} "$@" .; }}
COMPOSE() {{ docker compose -p $1 -f compose.yaml up -d; }}
"""


def record(name: str) -> dict[str, list[Any]]:
    """Make a situation, ask the engine for all of it, and remove it."""
    with tempfile.TemporaryDirectory(prefix="rec-") as folder:
        for part in ("site", "notes"):
            (Path(folder) / part).mkdir()
        (Path(folder) / "compose.yaml").write_text(_COMPOSE)
        script = _HELPERS + SITUATIONS[name].replace("@LAB", f"--label {LAB}")
        subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True)
        mounted: set[str] = set()
        try:
            mounted = {m["Name"] for c in _containers() for m in c["Mounts"] if m["Type"] == "volume"}
            if name.endswith("-left"):
                _docker("rm", "-f", *_lines("ps", "-aq", "--filter", f"label={LAB}"))
            found = _all(mounted)
            return json.loads(_scrub(json.dumps(_tidy(found)), folder))
        finally:
            _remove(mounted)


def _containers() -> list[Any]:
    return _inspect("container", _lines("ps", "-aq", "--filter", f"label={LAB}"))


def _all(mounted: set[str]) -> dict[str, list[Any]]:
    containers = _containers()
    volumes = mounted | set(_lines("volume", "ls", "-q", "--filter", f"label={LAB}"))
    images = set(_lines("image", "ls", "-q", "--no-trunc", "--filter", f"label={LAB}"))
    networks = _lines("network", "ls", "-q", "--filter", f"label={LAB}")
    return {
        "containers": containers,
        "images": _inspect("image", [SHELL, WEB, *sorted(images | {c["Image"] for c in containers})]),
        "volumes": _inspect("volume", sorted(volumes)),
        "networks": _inspect("network", ["bridge", "host", "none", *networks]),
    }


def _remove(mounted: set[str]) -> None:
    containers = _lines("ps", "-aq", "--filter", f"label={LAB}")
    if containers:
        _docker("rm", "-fv", *containers)
    for kind in ("volume", "network", "image"):
        for key in _lines(kind, "ls", "-q", "--filter", f"label={LAB}"):
            _docker(kind, "rm", *(("-f",) if kind == "image" else ()), key)
    for volume in mounted & set(_lines("volume", "ls", "-q")):
        _docker("volume", "rm", volume)


def _tidy(found: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Keep what records are made from, and of that what is not empty."""
    keep = {
        "containers": (
            "Id",
            "Name",
            "Created",
            "Path",
            "Args",
            "State",
            "Image",
            "Config",
            "HostConfig",
            "Mounts",
            "NetworkSettings",
            "RestartCount",
        ),
        "images": ("Id", "RepoTags", "Created", "Size", "RootFS", "Config"),
        "volumes": ("Name", "Driver", "CreatedAt", "Labels"),
        "networks": ("Id", "Name", "Driver", "Internal", "IPAM", "Labels"),
    }
    host = ("MaskedPaths", "ReadonlyPaths", "LogConfig", "ConsoleSize", "CgroupnsMode", "ShmSize", "Runtime")
    network = ("SandboxID", "SandboxKey", "EndpointID", "MacAddress", "Gateway", "IPPrefixLen", "DNSNames")
    tidy = {}
    for kind, entries in found.items():
        unique = {entry.get("Id", entry.get("Name")): entry for entry in entries}
        tidy[kind] = [{k: entry[k] for k in keep[kind] if k in entry} for entry in unique.values()]
    for container in tidy["containers"]:
        settings = container["NetworkSettings"]
        container["NetworkSettings"] = {"Ports": settings["Ports"], "Networks": settings["Networks"]}
        container["HostConfig"] = {k: v for k, v in container["HostConfig"].items() if v and k not in host}
        container["Config"] = {k: v for k, v in container["Config"].items() if v}
        container["State"].get("Health", {}).pop("Log", None)
        for each in container["NetworkSettings"]["Networks"].values():
            for key in network:
                each.pop(key, None)
    for entry in (*tidy["containers"], *tidy["images"]):
        labels = entry["Config"].get("Labels") or {}
        entry["Config"]["Labels"] = {k: v for k, v in labels.items() if not _MACHINE.search(k)}
    for image in tidy["images"]:
        ours = LAB.partition("=")[0] in image["Config"]["Labels"]
        image["RepoTags"] = [tag for tag in image["RepoTags"] if ours or tag in (SHELL, WEB)]
        image["Config"] = {k: v for k, v in image["Config"].items() if v}
    return tidy


def _scrub(text: str, folder: str) -> str:
    """Take out what is this machine's: paths and ports."""
    text = text.replace(folder, "/home/me/lab").replace(Path(folder).resolve().as_posix(), "/home/me/lab")
    text = re.sub(r'"[^" ]*/volumes/', '"/var/lib/docker/volumes/', text)
    for ours, theirs in (("38080", "8080"), ("33000", "3000"), ("30080", "80")):
        text = text.replace(ours, theirs)
    return text


def _inspect(kind: str, keys: list[str]) -> list[Any]:
    return list(json.loads(_docker(kind, "inspect", *keys))) if keys else []


def _lines(*words: str) -> list[str]:
    return _docker(*words).split()


def _docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Record the situations named on the command line, or all."""
    for name in sys.argv[1:] or SITUATIONS:
        path = HERE / "recorded" / f"{name}.json"
        text = json.dumps(record(name), indent=1, sort_keys=True)
        # One line an object keeps the files short and a change in them readable.
        path.write_text(re.sub(r"\n {3,}", " ", text) + "\n")
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    os.environ.setdefault("DOCKER_BUILDKIT", "1")
    main()
