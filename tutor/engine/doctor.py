"""Is everything here that the tutor needs? Each check is one sentence, and the next step where something is wrong."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tutor import places
from tutor.engine import _tiny
from tutor.engine.connect import Attempt, Engine, attempts, choose
from tutor.problems import Problem

State = Literal["ok", "warn", "fail"]

_GIB = 1 << 30
# The images of the labs take about 2 GB, and builds need room beside them.
_TIGHT_DISK, _LITTLE_DISK = 1 * _GIB, 5 * _GIB


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What was looked at, in a word or two; stable.
        state: `ok`, `warn` (something will be missing) or `fail` (labs cannot run).
        sentence: What was found.
        next_step: What to do; empty when there is nothing to do.
    """

    name: str
    state: State
    sentence: str
    next_step: str = ""


@dataclass
class Report:
    """All that doctor found.

    Attributes:
        tried: Each place where an engine was looked for: how it came up, its address, what came of it.
        checks: What was looked at, in order.
        engine: Address and versions of the engine that is used; None without one.
    """

    tried: list[dict[str, str | None]] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    engine: dict[str, str] | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing failed (warnings do not count)."""
        return all(check.state != "fail" for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        checks = [asdict(check) for check in self.checks]
        return {"ok": self.ok, "engine": self.engine, "tried": self.tried, "checks": checks}


def examine(environ: Mapping[str, str] | None = None, told: Callable[[Check], None] = lambda _: None) -> Report:
    """Look at everything.

    Args:
        environ: Variables to read instead of the process's own.
        told: Takes each check as soon as it is known.
    """
    env = dict(os.environ if environ is None else environ)
    report = Report()

    def add(check: Check) -> None:
        report.checks.append(check)
        told(check)

    tried = attempts(environ, all_of_them=True)
    report.tried = [_told(attempt) for attempt in tried]
    for attempt in tried:
        if attempt.problem and attempt.problem.code == "bad-config":
            add(Check("settings", "warn", attempt.problem.sentence, attempt.problem.next_step))
    try:
        address, pong = choose(tried)
        engine = Engine(address, pong, timeout=60)
    except Problem as problem:
        add(Check("engine", "fail", problem.sentence, problem.next_step))
    else:
        report.engine = {"host": address.host, "source": address.source, "version": pong.engine, "api": pong.api}
        add(Check("engine", "ok", f"{pong.name} {pong.engine}, API {pong.api}, at {address.host} ({address.source})."))
        with engine:
            for check in _engine_checks(engine):
                add(check)
        env |= address.environment()
    for check in (*_client(env), *_folders(), terminal(env, sys.stdout.isatty(), shutil.get_terminal_size())):
        add(check)
    return report


def _told(attempt: Attempt) -> dict[str, str | None]:
    address = attempt.candidate.address
    answer = f"answers: {attempt.pong.engine}" if attempt.pong else "no"
    if attempt.problem:
        answer = attempt.problem.sentence
    path = address.unix_path if address else None
    if path and attempt.problem and attempt.problem.code == "no-engine" and not path.exists():
        answer = "not there"
    return {"source": attempt.candidate.source, "host": address.host if address else None, "answer": answer}


def _engine_checks(engine: Engine) -> Iterator[Check]:
    try:
        with engine.guard():
            info = engine.api.info()
    except Problem as problem:
        yield Check("engine", "fail", problem.sentence, problem.next_step)
        return
    yield operating_system(info)
    yield start_container(engine)
    yield storage(info)
    yield control_groups(info)
    yield disk(info)
    yield lab_images(engine)


def operating_system(info: Mapping[str, Any]) -> Check:
    """Linux containers are what the course is about."""
    system = info.get("OSType", "linux")
    if system != "linux":
        step = "Switch Docker Desktop to Linux containers."
        return Check("containers", "fail", f"The engine runs {system} containers.", step)
    security = ", rootless" if any("rootless" in str(o) for o in info.get("SecurityOptions") or ()) else ""
    return Check(
        "containers",
        "ok",
        f"Linux containers on {info.get('OperatingSystem', 'Linux')}, {info.get('Architecture', '?')}{security}; "
        f"{info.get('Containers', 0)} containers and {info.get('Images', 0)} images are there.",
    )


def start_container(engine: Engine) -> Check:
    """Really start a container, from an image made on the spot, and remove exactly these two."""
    from docker.errors import DockerException

    api = engine.api
    tar = _tiny.root_file_system(engine.version.arch)
    if tar is None:
        return Check("start", "warn", f"Starting a container was not tried: {engine.version.arch} is not known here.")
    image = container = None
    began = time.monotonic()
    try:
        with engine.guard():
            image = _imported(api.import_image_from_data(tar))
            label = {"docker-tutor.doctor": "1"}
            container = api.create_container(image, [_tiny.COMMAND], labels=label)["Id"]
            api.start(container)
            status = api.wait(container, timeout=60)["StatusCode"]
            said = api.logs(container)
    except Problem as problem:
        return Check("start", "fail", problem.sentence, problem.next_step)
    except (DockerException, ValueError, KeyError) as error:
        why = str(getattr(error, "explanation", None) or error)
        return Check("start", "fail", f"A container does not start: {why.strip()}.", "See the engine's own log.")
    finally:
        _remove(engine, container, image)
    took = f"{(time.monotonic() - began) * 1000:.0f} ms"
    if status != 0 or said != _tiny.GREETING:
        return Check("start", "fail", f"A container ran, but ended with status {status} and said {said!r}.")
    return Check("start", "ok", f"A container was made, started and removed ({took}).")


def _imported(answer: str) -> str:
    # One JSON object a line; the last names the image's id.
    lines = [json.loads(line) for line in answer.splitlines() if line.strip()]
    failed = [line["error"] for line in lines if "error" in line]
    if failed:
        raise ValueError(failed[0])
    return str(lines[-1]["status"])


def _remove(engine: Engine, container: str | None, image: str | None) -> None:
    from docker.errors import DockerException

    # What cannot be removed has been told as the check's own failure already.
    if container:
        with contextlib.suppress(Problem, DockerException), engine.guard():
            engine.api.remove_container(container, v=True, force=True)
    if image:
        with contextlib.suppress(Problem, DockerException), engine.guard():
            engine.api.remove_image(image)


def storage(info: Mapping[str, Any]) -> Check:
    """How layers are kept."""
    driver = str(info.get("Driver", "?"))
    if driver == "vfs":
        return Check(
            "storage",
            "warn",
            "The storage driver is vfs: every layer is a full copy, so images take much room and starts are slow.",
            "Put the engine's data root on ext4, xfs or btrfs (docker tutor engine up --data-root PATH).",
        )
    return Check("storage", "ok", f"Storage driver {driver}.")


def control_groups(info: Mapping[str, Any]) -> Check:
    """Whether limits of memory and CPU hold."""
    version = str(info.get("CgroupVersion") or "1")
    lacking = [
        what
        for what, key in (("memory", "MemoryLimit"), ("CPU", "CpuCfsQuota"), ("process count", "PidsLimit"))
        if info.get(key) is False
    ]
    if lacking:
        return Check(
            "cgroups",
            "warn",
            f"cgroup version {version}, but no limits of {' and '.join(lacking)}: labs on limits will not pass.",
            "On rootless Docker see https://docs.docker.com/engine/security/rootless/tips/ (cgroup delegation).",
        )
    return Check("cgroups", "ok", f"cgroup version {version}, driver {info.get('CgroupDriver', '?')}.")


def disk(info: Mapping[str, Any]) -> Check:
    """How much room the engine has."""
    root = Path(str(info.get("DockerRootDir") or "/nowhere"))
    if info.get("Name") != socket.gethostname() or not root.exists():
        return Check("disk", "ok", f"The engine keeps its data elsewhere ({root} in its own machine).")
    free = shutil.disk_usage(root).free
    sentence = f"{free / _GIB:.1f} GB free at {root}."
    step = "Make room: `docker system df` says what takes it."
    if free < _TIGHT_DISK:
        return Check("disk", "fail", sentence, step)
    if free < _LITTLE_DISK:
        return Check("disk", "warn", sentence, step)
    return Check("disk", "ok", sentence)


def lab_images(engine: Engine) -> Check:
    """Whether the images of the labs are on the engine."""
    from tutor.engine import images

    step = "docker tutor images pull (or build, where there is no Docker Hub)"
    try:
        lacking = images.missing(engine)
    except Problem as problem:
        return Check("images", "fail", problem.sentence, problem.next_step)
    if lacking:
        return Check("images", "warn", f"{len(lacking)} lab images are not here yet: {', '.join(lacking)}.", step)
    return Check("images", "ok", "All lab images are here.")


def _client(env: dict[str, str]) -> Iterator[Check]:
    docker = shutil.which("docker", path=env.get("PATH"))
    if docker is None:
        yield Check(
            "client",
            "fail",
            "The docker command is not installed; every lab is done with it.",
            "https://docs.docker.com/engine/install/ (Debian 13: apt-get install docker-cli)",
        )
        return
    yield Check("client", "ok", f"{_first_line([docker, '--version'], env) or 'docker'} ({docker}).")
    for name, title, need in (("compose", "Compose", "chapters on Compose"), ("buildx", "buildx", "builds")):
        version = _first_line([docker, name, "version"], env)
        if version:
            yield Check(name, "ok", f"{version}.")
        else:
            yield Check(
                name,
                "warn",
                f"The plugin {title} is not installed; {need} need it.",
                f"https://docs.docker.com/{'compose/install/linux' if name == 'compose' else 'build/buildx'}/ "
                f"(Debian 13: apt-get install docker-{name})",
            )


def _first_line(command: list[str], env: dict[str, str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, env=env)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.strip().splitlines()
    return lines[0].strip() if done.returncode == 0 and lines else ""


def _folders() -> Iterator[Check]:
    for name, folder in (("data", places.data), ("runtime", places.runtime)):
        try:
            path = folder()
            usable = os.access(path, os.W_OK | os.X_OK)
        except Problem as problem:
            yield Check(name, "fail", problem.sentence, problem.next_step)
            continue
        if usable:
            yield Check(name, "ok", f"The {name} folder is {path}.")
        else:
            yield Check(name, "fail", f"{path} cannot be written.", "Set DOCKER_TUTOR_HOME to a folder of yours.")


def terminal(env: Mapping[str, str], is_terminal: bool, size: os.terminal_size) -> Check:
    """What the terminal can do."""
    if not is_terminal:
        return Check("terminal", "ok", "The output goes to no terminal: the tutor speaks in lines of text.")
    term = env.get("TERM", "")
    colours = "none (NO_COLOR)" if env.get("NO_COLOR") else "16 million" if _true_colour(env) else "256 or fewer"
    sentence = f"{size.columns}×{size.lines}, TERM {term or 'unset'}, colours: {colours}."
    encoding = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""
    if term in ("", "dumb"):
        return Check("terminal", "warn", sentence, "This terminal cannot draw: use docker tutor learn N --plain.")
    if size.columns < 80 or size.lines < 24:
        return Check("terminal", "warn", sentence, "Make the window at least 80 columns wide and 24 lines high.")
    if "utf" not in encoding.lower() and sys.platform != "darwin":
        return Check("terminal", "warn", sentence, "The locale is not UTF-8: export LANG=C.UTF-8.")
    return Check("terminal", "ok", sentence)


def _true_colour(env: Mapping[str, str]) -> bool:
    return env.get("COLORTERM", "") in ("truecolor", "24bit") or "direct" in env.get("TERM", "")


def lines(report: Report) -> Iterator[str]:
    """The places that were tried, as text."""
    for tried in report.tried:
        yield f"  {tried['source']}: {tried['host'] or '?'}: {tried['answer']}"


def line(check: Check) -> str:
    """One check as text."""
    step = f"\n        → {check.next_step}" if check.next_step else ""
    return f"{check.state:<5} {check.name}: {check.sentence}{step}"
