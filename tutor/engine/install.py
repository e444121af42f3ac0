"""Install Docker Engine with apt, and leave the machine's apt configuration as it was.

Tried on Debian 12, which ships Engine 20.10 without Compose v2 and buildx: the packages of the next release run on it,
but for runc, which wants a newer libc and stays at this release's.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tutor.engine import _apt
from tutor.engine._process import system_environment
from tutor.problems import Problem

Say = Callable[[str], None]

_PLUGIN_FOLDERS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
_POLICY = Path("/usr/sbin/policy-rc.d")

# Newer Debian releases and Ubuntu have all of it in one release.
_NAMES = {
    "dockerd": "docker.io",
    "docker": "docker-cli",
    "compose": "docker-compose",
    "buildx": "docker-buildx",
    "registry": "docker-registry",
    "mmdebstrap": "mmdebstrap",
    "iptables": "iptables",
    "ps": "procps",  # `docker top` asks the host's
    "curl": "curl",  # chapters ask servers and the engine with it
}
_UBUNTU_NAMES = {**_NAMES, "docker": "docker.io", "compose": "docker-compose-v2"}
# What Debian 12 takes from the release after it.
_NEWER = ("docker.io", "containerd", "docker-cli", "docker-compose", "docker-buildx")


@dataclass(frozen=True)
class Plan:
    """What apt is asked for.

    Attributes:
        packages: As `apt-get install` takes them.
        sources: The sources to use, in the deb822 form.
        preferences: Pins that go with them.
    """

    packages: tuple[str, ...]
    sources: str
    preferences: str = ""


def missing() -> list[str]:
    """What is not installed of: dockerd, docker, compose, buildx, registry, mmdebstrap, iptables, ps, curl."""
    path = system_environment()["PATH"]
    programs = {"dockerd": "dockerd", "docker": "docker", "registry": "docker-registry"}
    programs |= {name: name for name in ("mmdebstrap", "iptables", "ps", "curl")}
    folders = [*_PLUGIN_FOLDERS, str(Path.home() / ".docker" / "cli-plugins")]
    found = [what for what, name in programs.items() if shutil.which(name, path=path)]
    found += [p for p in ("compose", "buildx") if any(Path(f, f"docker-{p}").exists() for f in folders)]
    return [what for what in _NAMES if what not in found]


def plan(release: dict[str, str], sources: Iterable[_apt.Source], wanted: Iterable[str]) -> Plan:
    """Decide what to ask apt for.

    Args:
        release: The fields of /etc/os-release.
        sources: The machine's package sources.
        wanted: What is missing, as `missing` names it.

    Raises:
        Problem: `cannot-install`: this distribution or release is not known, or it has no sources.
    """
    system, codename = release.get("ID", ""), release.get("VERSION_CODENAME", "")
    if system not in ("debian", "ubuntu") or not codename:
        name = release.get("PRETTY_NAME", "this system")
        raise _cannot(f"{name} is neither Debian nor Ubuntu")
    names = _UBUNTU_NAMES if system == "ubuntu" else _NAMES
    packages = sorted({names[what] for what in wanted})
    own = _apt.of_release(sources, codename)
    if not own:
        raise _cannot(f"apt has no source for {codename}")
    text = "\n".join(source.stanza() for source in own)
    version = release.get("VERSION_ID", "").partition(".")[0]
    if system != "debian" or not version.isdigit() or int(version) > 12:
        return Plan(tuple(packages), text)
    if int(version) < 12:
        raise _cannot(f"{release.get('PRETTY_NAME')} is too old")
    newer = _apt.other_release(own, codename, "trixie")
    if newer is None:
        raise _cannot(f"apt has no source for {codename} itself")
    if "docker.io" in packages:
        packages += ["containerd", "runc"]
    asked = tuple(f"{name}/trixie" if name in _NEWER else name for name in packages)
    pin = "Package: *\nPin: release n=trixie\nPin-Priority: 100\n"
    return Plan(asked, f"{text}\n{newer.stanza()}", pin)


def install(say: Say, log: Path) -> list[str]:
    """Install what is missing.

    Args:
        say: Takes lines of progress.
        log: Where everything apt says is written.

    Returns:
        The packages asked for; none when nothing was missing.

    Raises:
        Problem: `cannot-install` or `install-failed`.
    """
    wanted = missing()
    if not wanted:
        return []
    if os.geteuid() != 0 or not shutil.which("apt-get", path=system_environment()["PATH"]):
        raise _cannot("this needs root and apt")
    todo = plan(_release(), _apt.read_sources(), wanted)
    say(f"Installing with apt: {' '.join(todo.packages)}")
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="docker-tutor-apt-") as name, _no_services(), log.open("w") as file:
        options = _options(Path(name), todo)
        _run(["apt-get", *options, "update"], say, file, log)
        # Nothing that is installed may go, and services are ours to start.
        choices = ["--yes", "--no-install-recommends", "--no-remove"]
        _run(["apt-get", *options, *choices, "install", *todo.packages], say, file, log)
    return list(todo.packages)


def _options(folder: Path, todo: Plan) -> list[str]:
    """Write sources and pins into a folder and point apt there, so that /etc/apt and its lists stay as they are."""
    folder.chmod(0o755)
    for part in ("sources", "preferences", "lists/partial", "archives/partial"):
        (folder / part).mkdir(parents=True)
    (folder / "sources" / "all.sources").write_text(todo.sources, encoding="utf-8")
    machine = Path("/etc/apt/preferences.d")
    for pins in (Path("/etc/apt/preferences"), *(machine.iterdir() if machine.is_dir() else ())):
        # apt itself goes by these endings.
        if pins.is_file() and pins.suffix in ("", ".pref"):
            shutil.copy(pins, folder / "preferences" / pins.name)
    if todo.preferences:
        (folder / "preferences" / "zz-docker-tutor").write_text(todo.preferences, encoding="utf-8")
    where = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": folder / "sources",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": folder / "preferences",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache::archives": folder / "archives",
        "Dpkg::Use-Pty": 0,
        "DPkg::Lock::Timeout": 120,
        "Acquire::Retries": 3,
    }
    return ["--quiet", *(word for name, value in where.items() for word in ("-o", f"{name}={value}"))]


def _run(argv: list[str], say: Say, file: IO[str], log: Path) -> None:
    environ = {**system_environment(), "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ
    )
    errors: list[str] = []
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            if line.startswith("E: "):
                errors.append(line[3:].strip())
            short = progress(line)
            if short:
                say(short)
    if process.returncode != 0:
        why = " ".join(errors) or f"it ended with status {process.returncode}"
        raise Problem(f"apt-get failed: {why}", f"All it said is in {log}.", code="install-failed")


def progress(line: str) -> str | None:
    """What is worth showing of a line that apt writes."""
    if line.startswith(("Need to get", "Fetched")):
        return "  " + line.strip().rstrip(".")
    match = re.match(r"(?:Setting up|Unpacking) ([^ :]+)", line)
    return f"  {line.split()[0].lower()} {match[1]}" if match and line.startswith("Unpacking") else None


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Keep packages from starting their services: https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def _release() -> dict[str, str]:
    import platform

    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _cannot(why: str) -> Problem:
    return Problem(
        f"Docker Engine cannot be installed from here: {why}.",
        "Install it as https://docs.docker.com/engine/install/ says, start it, and try again.",
        code="cannot-install",
    )
