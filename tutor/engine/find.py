"""Where an engine may be, in the order of the docker CLI.

DOCKER_HOST comes before DOCKER_CONTEXT, and that before the current context of `config.json` (tried with
docker CLI 28: an empty variable counts as unset). After these come the places where engines are known to listen.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tutor import places
from tutor.engine import carriers
from tutor.engine.address import DEFAULT_SOCKET, EngineAddress, TlsFiles
from tutor.problems import Problem

LAB_CONTEXT = "docker-tutor"
"""Our own context: it leads into a lab's sandbox, never to an engine."""

_SETTINGS = "Docker's settings"


@dataclass(frozen=True)
class Candidate:
    """A place where an engine may answer.

    Attributes:
        source: How it came up, in words.
        address: Where it is; None when what names it cannot be read.
        final: Somebody chose it by a variable, so that nothing else may be used instead.
        problem: Why there is no address.
    """

    source: str
    address: EngineAddress | None
    final: bool = False
    problem: Problem | None = None


def find(environ: Mapping[str, str] | None = None) -> list[Candidate]:
    """Every place to try, best first; sockets that do not exist are listed too.

    Args:
        environ: Variables to read instead of the process's own.
    """
    env = os.environ if environ is None else environ
    # Whoever joins a workshop with its engine has chosen that later than any variable.
    if environ is None and (host := carriers.chosen()):
        return [_read("the workshop's host", host, None, final=True)]
    chosen = _chosen(env)
    if chosen and chosen.final:
        return [chosen]
    found = [chosen] if chosen else []
    if chosen is None or chosen.source == _SETTINGS:
        found += _known_sockets(env)
    found += [_private(path) for path in private_sockets(env)]
    return _once(found)


def private_sockets(environ: Mapping[str, str] | None = None) -> list[Path]:
    """Where private engines listen: the caller's own, then the one that root started for the machine."""
    env = os.environ if environ is None else environ
    own = runtime_folder(env) / "docker.sock"
    system = SYSTEM_RUN / "docker.sock"
    # A home of one's own (DOCKER_TUTOR_HOME) is a world of its own: the machine's engine is no part of it.
    return [own] if own == system or env.get("DOCKER_TUTOR_HOME") else [own, system]


SYSTEM_RUN = Path("/run/docker-tutor/engine")


def runtime_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where the caller's private engine keeps its socket, pid file and mounts; not made here.

    Root's is the machine's (`/run/docker-tutor/engine`, where members of the group `docker` reach the socket).
    """
    env = os.environ if environ is None else environ
    home = env.get("DOCKER_TUTOR_HOME")
    if not home:
        return SYSTEM_RUN if os.geteuid() == 0 else places.runtime() / "engine"
    top = Path(home).expanduser().absolute()
    # dockerd puts sockets of up to 45 more bytes below this folder, and a socket's path ends at 107.
    if len(str(top)) < 45:
        return top / "run" / "engine"
    return places.runtime() / f"engine-{hashlib.sha256(str(top).encode()).hexdigest()[:8]}"


def _chosen(env: Mapping[str, str]) -> Candidate | None:
    """What the person's own settings name, as the docker CLI reads them."""
    host = env.get("DOCKER_HOST", "")
    if host and not _is_lab(host):
        return _read("DOCKER_HOST", host, _tls_of(env), final=True)
    name = env.get("DOCKER_CONTEXT", "")
    if name and name != LAB_CONTEXT:
        return None if name == "default" else _context(name, env, final=True)
    current = _current_context(env)
    if isinstance(current, Problem):
        return Candidate(_SETTINGS, None, problem=current)
    if current in ("", "default", LAB_CONTEXT):
        return None
    return _context(current, env, final=False)


def _known_sockets(env: Mapping[str, str]) -> Iterator[Candidate]:
    home = Path(env.get("HOME") or "~").expanduser()
    runtime = Path(env.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    yield _at("default socket", DEFAULT_SOCKET)
    yield _at("rootless Docker", runtime / "docker.sock")
    yield _at("Docker Desktop", home / ".docker/run/docker.sock")
    yield _at("Docker Desktop", home / ".docker/desktop/docker.sock")
    yield _at("Colima", home / ".colima/default/docker.sock")
    yield _at("Colima", home / ".config/colima/default/docker.sock")
    yield _at("OrbStack", home / ".orbstack/run/docker.sock")
    yield _at("Podman", runtime / "podman/podman.sock")
    yield _at("Podman", Path("/run/podman/podman.sock"))


def _at(source: str, path: Path) -> Candidate:
    return Candidate(source, EngineAddress(f"unix://{path}", None, source))


def _private(path: Path) -> Candidate:
    return _at("private engine", path)


def _read(source: str, host: str, tls: TlsFiles | None, *, final: bool) -> Candidate:
    try:
        return Candidate(source, EngineAddress.parse(host, source, tls), final)
    except Problem as problem:
        return Candidate(source, None, final, problem)


def _tls_of(env: Mapping[str, str]) -> TlsFiles | None:
    verify = bool(env.get("DOCKER_TLS_VERIFY"))
    if not verify and not env.get("DOCKER_TLS"):
        return None
    return TlsFiles(Path(env.get("DOCKER_CERT_PATH") or config_folder(env)), verify)


def config_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The docker CLI's own folder: DOCKER_CONFIG or `~/.docker`."""
    env = os.environ if environ is None else environ
    given = env.get("DOCKER_CONFIG")
    return Path(given) if given else Path(env.get("HOME") or "~").expanduser() / ".docker"


def _current_context(env: Mapping[str, str]) -> str | Problem:
    path = config_folder(env) / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        return Problem(
            f"Docker's settings in {path} cannot be read: {_why(error)}.", "Repair or move the file.", code="bad-config"
        )
    name = config.get("currentContext") if isinstance(config, dict) else None
    return name if isinstance(name, str) else ""


def _context(name: str, env: Mapping[str, str], *, final: bool) -> Candidate:
    """Read one context of the CLI's store: folders are named by the SHA-256 of the context's name."""
    source = f"context {name}"
    key = hashlib.sha256(name.encode()).hexdigest()
    store = config_folder(env) / "contexts"
    try:
        meta = json.loads((store / "meta" / key / "meta.json").read_text(encoding="utf-8"))
        endpoint = meta["Endpoints"]["docker"]
        host = endpoint["Host"]
        if not isinstance(host, str):
            raise TypeError("its host is no text")
        verify = not endpoint.get("SkipTLSVerify", False)
    except FileNotFoundError:
        step = "Choose one of `docker context ls`: `docker context use default`, or set DOCKER_CONTEXT."
        return Candidate(
            source, None, final, Problem(f"The Docker context {name!r} does not exist.", step, code="bad-address")
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        step = f"Look at `docker context inspect {name}`, or use another with `docker context use default`."
        return Candidate(
            source,
            None,
            final,
            Problem(f"The Docker context {name!r} cannot be read: {_why(error)}.", step, code="bad-address"),
        )
    folder = store / "tls" / key / "docker"
    tls = TlsFiles(folder, verify) if folder.is_dir() else None
    return _read(source, host, tls, final=final)


def _is_lab(host: str) -> bool:
    """Whether this is a lab's sandbox: a shell of a lab has it in DOCKER_HOST, and it is no engine."""
    if not host.startswith("unix://"):
        return False
    path = Path(host.removeprefix("unix://"))
    try:
        runtime = places.runtime()
    except Problem:
        return False
    return runtime in path.parents and not path.parent.name.startswith("engine")


def _once(found: list[Candidate]) -> list[Candidate]:
    seen: set[str] = set()
    kept = []
    for candidate in found:
        key = candidate.address.host if candidate.address else candidate.source
        if key not in seen:
            seen.add(key)
            kept.append(candidate)
    return kept


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
