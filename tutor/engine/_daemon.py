"""dockerd itself: its command line, its start, its end, and what it leaves behind."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from tutor.engine import _mounts, _network, _process, _rules, _wire
from tutor.engine._process import Process
from tutor.engine.address import EngineAddress
from tutor.problems import Problem

START_SECONDS = 90.0
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Folders:
    """Where a private engine keeps its things.

    Attributes:
        data: What stays: choices, logs, images in the registry.
        run: What is gone after a stop: socket, pid file, mounts.
    """

    data: Path
    run: Path

    @property
    def socket(self) -> Path:
        """Where the engine listens."""
        return self.run / "docker.sock"

    @property
    def pidfile(self) -> Path:
        """dockerd's own pid file; its path also marks the daemon as ours."""
        return self.run / "dockerd.pid"

    @property
    def exec_root(self) -> Path:
        """State of running containers, and containerd's sockets."""
        return self.run / "exec"

    @property
    def namespace(self) -> str:
        """The name of our containers' namespace in containerd."""
        return f"docker-tutor-{hashlib.sha256(str(self.run).encode()).hexdigest()[:8]}"

    @property
    def log(self) -> Path:
        """What dockerd says."""
        return self.data / "dockerd.log"

    @property
    def registry_settings(self) -> Path:
        """The registry's settings file; its path also marks the registry as ours."""
        return self.run / "registry.yml"


def program() -> str | None:
    """Where dockerd is; None where it is not installed."""
    return shutil.which("dockerd", path=_process.system_environment()["PATH"])


def command(
    path: str, folders: Folders, data_root: Path, bridge: str, pool: IPv4Network, mirror: int | None
) -> list[str]:
    """The daemon's command line: everything named, so that nothing is shared with another daemon of the machine."""
    argv = [
        path,
        f"--data-root={data_root}",
        f"--exec-root={folders.exec_root}",
        f"--pidfile={folders.pidfile}",
        f"--host=unix://{folders.socket}",
        f"--bridge={bridge}",
        f"--default-address-pool=base={pool},size=24",
        # Where the machine's containerd runs dockerd uses it: then in a namespace of its own.
        f"--containerd-namespace={folders.namespace}",
        f"--containerd-plugins-namespace={folders.namespace}-plugins",
        # The machine's settings file is for the machine's daemon, and options given twice are an error.
        f"--config-file={folders.run / 'daemon.json'}",
        "--shutdown-timeout=10",
    ]
    return argv if mirror is None else [*argv, f"--registry-mirror=http://127.0.0.1:{mirror}"]


def promised(commands: Iterable[list[str]]) -> list[IPv4Network]:
    """Address pools that running engines will take networks from: no route tells of them before the first one.

    Args:
        commands: Command lines of the machine's processes.
    """
    option = "--default-address-pool=base="
    pools = []
    for argv in commands:
        for text in (word.removeprefix(option) for word in argv if word.startswith(option)):
            with contextlib.suppress(ValueError):
                pools.append(IPv4Network(text.partition(",")[0]))
    return pools


def find(folders: Folders) -> Process | None:
    """The daemon that runs with our pid file."""
    mark = f"--pidfile={folders.pidfile}"
    return next(_process.running(lambda argv: mark in argv and Path(argv[0]).name == "dockerd"), None)


def is_ours(process: Process, folders: Folders) -> bool:
    """Whether a remembered process is still alive and still our daemon."""
    return process.alive and f"--pidfile={folders.pidfile}" in _process.command(process.pid)


def answers(folders: Folders) -> _wire.Pong | None:
    """What the daemon says of itself; None when it does not answer."""
    with contextlib.suppress(Problem):
        return _wire.ask(EngineAddress(f"unix://{folders.socket}", None, "private engine"), 3.0)
    return None


def start(argv: list[str], folders: Folders) -> Process:
    """Start the daemon and wait until it answers.

    Raises:
        Problem: `engine-failed`, with dockerd's own last words.
    """
    if folders.log.exists():
        folders.log.replace(folders.log.with_suffix(".log.1"))
    (folders.run / "daemon.json").write_text("{}\n", encoding="utf-8")
    rules = _rules.snapshot()
    try:
        process = _process.start_detached(argv, folders.log, _process.system_environment())
        if _process.wait_until(lambda: answers(folders) is not None, process, START_SECONDS):
            return process
        process.end(STOP_SECONDS)
    finally:
        _rules.put_back(rules)
    raise Problem(
        f"dockerd does not start: {last_words(folders.log)}", f"All it said is in {folders.log}.", code="engine-failed"
    )


def last_words(log: Path) -> str:
    """The last complaint in the daemon's log."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "it said nothing"
    # Its errors are plain lines at the end; what went before is in logfmt with a level.
    plain = [line for line in lines if line.strip() and not line.startswith("time=")]
    loud = [line.partition("msg=")[2] for line in lines if "level=error" in line or "level=fatal" in line]
    return (plain or loud or ["it said nothing"])[-1].strip()


def stop(process: Process | None, folders: Folders) -> None:
    """End the daemon; without one, end the containers that it left when it died."""
    if process:
        process.end(STOP_SECONDS)
    # A shim that is killed leaves its container running, so the container's first process goes first.
    for shim in list(_process.running(lambda argv: folders.namespace in argv and "containerd-shim" in argv[0])):
        for child in _process.children(shim):
            child.end(0)
        shim.end(2)
    # containerd itself, and what it or a shim has just started (runc, a message for containerd).
    for helper in list(_process.running(lambda argv: _is_helper(argv, str(folders.exec_root)))):
        helper.end(5)


def clean(folders: Folders, data_root: Path, bridges: Iterable[str], pool: IPv4Network | None) -> None:
    """Remove what a daemon leaves behind: mounts, run-time files, bridges and packet filter rules of our networks."""
    _mounts.unmount_below(folders.exec_root)
    _mounts.unmount_below(data_root)
    shutil.rmtree(folders.exec_root, ignore_errors=True)
    for path in (folders.socket, folders.pidfile, folders.run / "daemon.json"):
        path.unlink(missing_ok=True)
    names = {*bridges, *_network.bridges_of(data_root / "network" / "files" / "local-kv.db", pool)}
    for name in names:
        _network.remove_bridge(name)
    _rules.forget(names)


def _is_helper(argv: list[str], folder: str) -> bool:
    return bool(argv) and Path(argv[0]).name in ("containerd", "runc") and any(folder in part for part in argv)
