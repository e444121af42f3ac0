"""The private engine: a Docker Engine of the tutor's own, where the machine has none.

It has its own data root, socket, bridge and address pool, and a registry on loopback as its mirror where
`docker-registry` is installed. It needs no systemd, and root. Its choices (ports, networks, data root) are kept,
so that the next start finds its images again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from tutor import places
from tutor.engine import _daemon, _mirror, _mounts, _network, _process
from tutor.engine._daemon import Folders
from tutor.engine._process import Process
from tutor.engine.address import EngineAddress
from tutor.engine.find import private_sockets, runtime_folder
from tutor.problems import Problem

Say = Callable[[str], None]
"""Takes one line of progress."""

_SYSTEM_DATA = Path("/var/lib/docker-tutor/engine")
# Where layers go when the usual place cannot hold them (an overlay cannot lie on an overlay).
_OTHER_ROOT = Path("/var/tmp/docker-tutor")


@dataclass(frozen=True)
class Status:
    """What is known of the private engine.

    Attributes:
        running: Whether its daemon answers.
        host: Its address in the form of DOCKER_HOST; None when it is not running.
        version: Its version.
        pid: The daemon's process; None when it is not to be seen from here.
        data_root: Where its layers and volumes are.
        socket: Where it listens, or would.
        log: What dockerd says.
        registry: `127.0.0.1:PORT` of its mirror; None without one.
        bridge: Its bridge network's interface.
        subnet: The bridge's network.
        pool: Where its other networks come from.
        notes: What is not as it should be, in words.
    """

    running: bool
    host: str | None
    version: str | None
    pid: int | None
    data_root: str
    socket: str
    log: str
    registry: str | None
    bridge: str | None
    subnet: str | None
    pool: str | None
    notes: tuple[str, ...] = ()

    @property
    def address(self) -> EngineAddress | None:
        """Where it is; None when it is not running."""
        return EngineAddress(self.host, None, "private engine") if self.host else None


@dataclass
class _Choices:
    """What an earlier start chose; kept in the data folder."""

    data_root: str = ""
    subnet: str = ""
    pool: str = ""
    registry_port: int | None = None
    bridge: str = ""
    former: list[str] = field(default_factory=list)
    pools: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    daemon: tuple[int, int] | None = None
    registry: tuple[int, int] | None = None

    @classmethod
    def load(cls, path: Path) -> _Choices:
        """Read them; a file that is missing or damaged counts as none (everything can be chosen anew)."""
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            kept = {k: v for k, v in json.loads(path.read_text(encoding="utf-8")).items() if k in cls.__annotations__}
            choices = cls(**kept)
            for network in (choices.subnet, choices.pool, *choices.pools):
                IPv4Network(network or "0.0.0.0/0")
            choices.daemon, choices.registry = _pair(choices.daemon), _pair(choices.registry)
            return choices
        return cls()

    def save(self, path: Path) -> None:
        """Write them at once or not at all."""
        fresh = path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(self.__dict__, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)


def folders() -> Folders:
    """Where the caller's private engine keeps its things (root's: /var/lib/docker-tutor and /run/docker-tutor)."""
    own = os.geteuid() == 0 and not os.environ.get("DOCKER_TUTOR_HOME")
    return Folders(_SYSTEM_DATA if own else places.data() / "engine", runtime_folder())


def status() -> Status:
    """What the private engine does now. Needs neither root nor the docker SDK."""
    where = folders()
    choices = _Choices.load(_file(where))
    pong = _daemon.answers(where)
    if pong is None and os.geteuid() != 0:
        # One that root started for this machine, which members of the group docker may use.
        for socket in private_sockets():
            other = Folders(_SYSTEM_DATA, socket.parent)
            if socket != where.socket and (pong := _daemon.answers(other)):
                where, choices = other, _Choices.load(_file(other))
                break
    daemon = _daemon_of(where, choices) if pong else None
    mirror = _mirror_of(choices)
    notes = list(choices.notes) if pong else []
    if pong and _mirror_lost(choices):
        notes.append("Its registry has ended; `docker tutor engine up` starts it again.")
    return Status(
        running=pong is not None,
        host=f"unix://{where.socket}" if pong else None,
        version=pong.engine if pong else None,
        pid=daemon.pid if daemon else None,
        data_root=choices.data_root or str(where.data / "docker"),
        socket=str(where.socket),
        log=str(where.log),
        registry=f"127.0.0.1:{mirror.port}" if mirror else None,
        bridge=choices.bridge or None,
        subnet=choices.subnet or None,
        pool=choices.pool or None,
        notes=tuple(notes),
    )


def registry_storage() -> Path:
    """Where the private engine's mirror keeps its images."""
    return folders().data / "registry"


def registry_url() -> str | None:
    """`127.0.0.1:PORT` of the private engine's mirror while it runs; None without one."""
    return status().registry


def up(*, registry: bool = True, data_root: Path | None = None, say: Say = lambda _: None) -> tuple[Status, bool]:
    """Start the private engine, or find it running. Two at once give one engine.

    Args:
        registry: Whether a registry is started beside it as its mirror (where `docker-registry` is installed).
        data_root: Where layers and volumes go; the choice of the last time, or a good place, when None.
        say: Takes lines of progress.

    Returns:
        What runs now, and whether it was this call that started it.

    Raises:
        Problem: `needs-linux`, `needs-root`, `no-dockerd`, `no-network`, `engine-failed`.
    """
    current = status()
    where = folders()
    if current.running and not (registry and os.geteuid() == 0 and _mirror_lost(_Choices.load(_file(where)))):
        return current, False
    _may_start()
    places.runtime()
    with _lock(where, say):
        choices = _Choices.load(_file(where))
        program = _daemon.program()
        if _daemon.answers(where):
            if registry and _mirror_lost(choices):
                _start_mirror(where, choices, say)
                choices.save(_file(where))
            return status(), False
        if program is None:
            raise Problem(
                "No dockerd is installed here.",
                "Run `docker tutor engine up --install` (Debian, Ubuntu), or see https://docs.docker.com/engine/install/",
                code="no-dockerd",
            )
        _sweep(where, choices)
        where.run.mkdir(parents=True, exist_ok=True, mode=0o711)
        choices.notes = []
        _choose(where, choices, data_root, say)
        choices.registry = None
        if registry and _mirror.program():
            _start_mirror(where, choices, say)
        # Written before the start: whatever happens now, the next call knows what to sweep.
        choices.save(_file(where))
        say(f"Starting the private engine ({choices.data_root})")
        argv = _daemon.command(
            program,
            where,
            Path(choices.data_root),
            choices.bridge,
            IPv4Network(choices.pool),
            choices.registry_port if choices.registry else None,
        )
        strangers = _network.interfaces()
        try:
            _add_bridge(choices)
            daemon = _daemon.start(argv, where)
        except BaseException:
            _sweep(where, choices)
            raise
        # dockerd remembers the bridge of its last start, and makes it once more before it takes this one.
        for name in set(choices.former) - {choices.bridge} - strangers:
            _network.remove_bridge(name)
        choices.daemon = (daemon.pid, daemon.started)
        choices.save(_file(where))
        return status(), True


def down(*, say: Say = lambda _: None) -> bool:
    """End the private engine and what it left behind; its data stays.

    Returns:
        Whether there was one.

    Raises:
        Problem: `needs-root`, `not-ours`.
    """
    where = folders()
    current = status()
    if not where.data.exists() and not current.running:
        return False
    if current.running and current.pid is None:
        raise Problem(
            f"An engine answers at {current.socket}, but its process is not to be seen from here.",
            "End it where it was started (as root, or in the container that runs it).",
            code="not-ours" if os.geteuid() == 0 else "needs-root",
        )
    if os.geteuid() != 0:
        if current.running:
            raise Problem("Root started the private engine.", "sudo docker tutor engine down", code="needs-root")
        return False
    with _lock(where, say):
        choices = _Choices.load(_file(where))
        was = _daemon.find(where) is not None
        if was:
            say("Ending the private engine")
        _sweep(where, choices)
        choices.daemon = choices.registry = None
        choices.bridge = ""
        choices.save(_file(where))
        shutil.rmtree(where.run, ignore_errors=True)
    return was


def _may_start() -> None:
    if not sys.platform.startswith("linux"):
        raise Problem(
            "A private engine needs Linux.", "Start Docker Desktop, OrbStack or Colima instead.", code="needs-linux"
        )
    if os.geteuid() != 0:
        installed = _daemon.program() is not None
        step = "sudo docker tutor engine up" + ("" if installed else " --install")
        raise Problem(
            "No engine answers, and starting one needs root: dockerd makes networks and mounts.",
            f"Run: {step}. Or use rootless Docker, which needs no root once it is installed: "
            "https://docs.docker.com/engine/security/rootless/"
            + ("" if installed else " (packages on Debian: docker.io, rootlesskit, uidmap, slirp4netns)."),
            code="needs-root",
        )


@contextlib.contextmanager
def _lock(where: Folders, say: Say) -> Iterator[None]:
    where.data.mkdir(parents=True, exist_ok=True, mode=0o711)
    with (where.data / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another call that starts or ends the engine")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _choose(where: Folders, choices: _Choices, data_root: Path | None, say: Say) -> None:
    """Fill in what the start needs: the earlier choices where they still hold."""
    choices.data_root = str(_data_root(where, choices, data_root, say))
    busy = [*_network.taken(), *_daemon.promised(_process.commands())]
    # Networks that were made in an earlier pool have their addresses still.
    own = [IPv4Network(pool) for pool in choices.pools]
    subnets = _network.choose_blocks([*busy, *own], [choices.subnet] if choices.subnet else [])
    pools = _network.choose_blocks([*busy, *subnets[:1]], [choices.pool] if choices.pool else [])
    if not subnets or not pools:
        raise Problem(
            "No network address range is free for containers: every private range is routed already.",
            "Close the VPN, or start an engine yourself and name it in DOCKER_HOST.",
            code="no-network",
        )
    choices.subnet, choices.pool = str(subnets[0]), str(pools[0])
    choices.pools = [*dict.fromkeys([*choices.pools, choices.pool])]
    # Engines of different homes must not take one bridge for their own.
    prefix = f"dt{where.namespace[-8:-2]}-" if os.environ.get("DOCKER_TUTOR_HOME") else "dtutor"
    choices.bridge = _network.free_name(prefix, subnets[0])
    choices.former = [*dict.fromkeys([*choices.former[-8:], choices.bridge])]


def _add_bridge(choices: _Choices) -> None:
    try:
        _network.add_bridge(choices.bridge, IPv4Network(choices.subnet))
    except OSError as error:
        raise Problem(
            f"The kernel lets nobody make a network here, not even root: {error.strerror}.",
            "In a container this needs `docker run --privileged`; or share an engine: -v /var/run/docker.sock:/var/run/"
            "docker.sock",
            code="no-network",
        ) from error


def _data_root(where: Folders, choices: _Choices, given: Path | None, say: Say) -> Path:
    if given:
        return given.absolute()
    usual = where.data / "docker"
    if choices.data_root and Path(choices.data_root).is_dir():
        return Path(choices.data_root)
    if _mounts.holds_overlay(usual):
        return usual
    # A home of one's own stays in that home.
    if not os.environ.get("DOCKER_TUTOR_HOME") and _only_ours(_OTHER_ROOT) and _mounts.holds_overlay(_OTHER_ROOT):
        say(f"{usual} cannot hold overlay layers; using {_OTHER_ROOT}")
        return _OTHER_ROOT
    note = f"{usual} cannot hold overlay layers, so images take several times their size and starts are slow."
    choices.notes.append(f"{note} Choose another disk with --data-root.")
    say(choices.notes[-1])
    return usual


def _only_ours(folder: Path) -> bool:
    """Make a folder where everybody may make one, and be sure that nobody else did before."""
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not facts.st_mode & 0o022


def _start_mirror(where: Folders, choices: _Choices, say: Say) -> None:
    """Start the registry; an engine without it is still of use, so a failure becomes a note."""
    kept = choices.registry_port
    try:
        mirror = _mirror.start(registry_storage(), where.registry_settings, where.data / "registry.log", kept)
    except Problem as problem:
        choices.notes.append(str(problem))
        say(str(problem))
        return
    if _daemon.answers(where) and mirror.port != kept:
        choices.notes.append(f"The registry moved to port {mirror.port}; restart the engine to use it as its mirror.")
        say(choices.notes[-1])
    choices.registry_port = mirror.port
    choices.registry = (mirror.process.pid, mirror.process.started)


def _sweep(where: Folders, choices: _Choices) -> None:
    """End what runs and remove what an engine that ended or died left behind."""
    _daemon.stop(_daemon_of(where, choices), where)
    registry = _mirror.find(where.registry_settings)
    if registry:
        registry.end(5)
    pool = IPv4Network(choices.pool) if choices.pool else None
    root = Path(choices.data_root) if choices.data_root else where.data / "docker"
    _daemon.clean(where, root, [choices.bridge] if choices.bridge else [], pool)


def _daemon_of(where: Folders, choices: _Choices) -> Process | None:
    kept = Process(*choices.daemon) if choices.daemon else None
    return kept if kept and _daemon.is_ours(kept, where) else _daemon.find(where)


def _mirror_of(choices: _Choices) -> _mirror.Mirror | None:
    if not choices.registry or not choices.registry_port:
        return None
    mirror = _mirror.Mirror(Process(*choices.registry), choices.registry_port)
    return mirror if mirror.answers else None


def _mirror_lost(choices: _Choices) -> bool:
    return choices.registry is not None and _mirror_of(choices) is None


def _file(where: Folders) -> Path:
    return where.data / "engine.json"


def _pair(value: Any) -> tuple[int, int] | None:
    return (int(value[0]), int(value[1])) if value else None
