"""Objects that are nobody's lab's, planted before a proof: whatever a lesson does, they must stay as they are."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tutor import places
from tutor.lab import open_labs
from tutor.lab.session.engine import refused, upstream
from tutor.problems import Problem
from tutor.sandbox import swarm_mode
from tutor.sandbox.upstream import EngineError

if TYPE_CHECKING:
    from tutor.engine.connect import Engine

LABEL = "docker-tutor.bystander"
"""Label of bystanders: they carry no label of a lab, as the learner's own objects do not."""


class Bystanders:
    """A container that runs, one that is stopped, a named and an unnamed volume, a network, an image of its own.

    Where chapters need services, a swarm too. Labs use it and stay in it: an engine that leaves a swarm forgets the
    names of all that runs beside (`tutor.sandbox.swarm_mode`), so none can do that while others are proven.

    Attributes:
        token: Value of their label.

    Use as a context manager: they are removed at the end. What a killed proof left is removed by the next one.
    """

    def __init__(self, engine: Engine, image: str, *, swarm: bool = False) -> None:
        """Plan them.

        Args:
            image: An image that has `sleep`; it must be on the engine.
            swarm: Whether the engine shall be in a swarm.
        """
        self._swarm = swarm
        self._api: Any = engine.api
        self._engine = engine
        self._image = image
        self.token = secrets.token_hex(4)
        self._path = Path()
        self._lock = -1
        self._unnamed = ""
        self._inspect: dict[str, Callable[[], Any]] = {}
        self._before: dict[str, Any] = {}

    def __enter__(self) -> Bystanders:
        """Plant them, and look at them.

        Raises:
            Problem: `engine-gone`, `engine-refused`.
        """
        self._path = _folder() / self.token
        self._lock = _hold(self._path)
        try:
            with self._engine.guard():
                remove_stale(self._engine)
                self._plant()
                self._before = {name: _still(inspect()) for name, inspect in self._inspect.items()}
        except OSError as error:
            self.remove()
            raise refused(error) from error
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def changes(self) -> tuple[str, ...]:
        """What is different of them now, in words.

        Raises:
            Problem: `engine-gone`.
        """
        found: list[str] = []
        with self._engine.guard():
            for name, inspect in self._inspect.items():
                try:
                    now = _still(inspect())
                except OSError as error:
                    found.append(f"the {name} is not there any more ({getattr(error, 'explanation', None) or error})")
                    continue
                paths = tuple(_differing(self._before[name], now))
                if paths:
                    found.append(f"the {name} has changed: {', '.join(paths[:4])}")
        return tuple(found)

    def remove(self) -> None:
        """Remove them."""
        with contextlib.suppress(OSError, EngineError, Problem):
            _remove(self._engine, self.token)
        if self._unnamed:
            # Gone with its container, unless somebody has taken only that.
            with contextlib.suppress(OSError):
                self._api.remove_volume(self._unnamed)
        if self._lock >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1

    def _plant(self) -> None:
        api, labels, name = self._api, {LABEL: self.token}, f"bystander-{self.token}"
        network = api.create_network(name, labels=labels)["Id"]
        volume = api.create_volume(name, labels=labels)["Name"]
        common = {"image": self._image, "command": ["sleep", "1000000"], "labels": labels}
        mounts = [{"Type": "volume", "Source": volume, "Target": "/named"}, {"Type": "volume", "Target": "/unnamed"}]
        running = api.create_container(
            **common,
            name=f"{name}-running",
            host_config=api.create_host_config(mounts=mounts),
        )["Id"]
        api.start(running)
        # On the network is the one that does not run: beside names that are in use no lab has a swarm.
        stopped = api.create_container(
            **common, name=f"{name}-stopped", host_config=api.create_host_config(network_mode=name)
        )["Id"]
        mounted = api.inspect_container(running)["Mounts"]
        unnamed = self._unnamed = next(mount["Name"] for mount in mounted if mount["Destination"] == "/unnamed")
        image = api.commit(stopped, repository=name, tag="1", changes=[f"LABEL {LABEL}={self.token}"])["Id"]
        self._inspect = {
            "running container": lambda: api.inspect_container(running),
            "stopped container": lambda: api.inspect_container(stopped),
            "network": lambda: api.inspect_network(network),
            "named volume": lambda: api.inspect_volume(volume),
            "unnamed volume": lambda: api.inspect_volume(unnamed),
            "image": lambda: api.inspect_image(image),
            "image's name": lambda: api.inspect_image(f"{name}:1")["Id"],
        }
        if self._swarm:
            with open_labs.swarm_mode():
                swarm_mode.enter(upstream(self._engine.address), labels, open_labs.installation())
            self._inspect["swarm"] = lambda: api.inspect_swarm()["ID"]


def remove_stale(engine: Engine) -> None:
    """Remove bystanders of proofs of this installation that were killed.

    Raises:
        OSError: The engine does not answer.
    """
    for path in _folder().iterdir():
        try:
            handle = _hold(path)
        except BlockingIOError:
            continue  # Its proof is at work.
        try:
            _remove(engine, path.name)
            path.unlink(missing_ok=True)
        finally:
            os.close(handle)


def _remove(engine: Engine, token: str) -> None:
    api: Any = engine.api
    mine = {"label": f"{LABEL}={token}"}
    for container in api.containers(all=True, filters=mine):
        # With its unnamed volumes; the named one has the label.
        api.remove_container(container["Id"], force=True, v=True)
    for volume in api.volumes(filters=mine).get("Volumes") or ():
        api.remove_volume(volume["Name"])
    for network in api.networks(filters=mine):
        api.remove_network(network["Id"])
    for image in api.images(filters=mine):
        api.remove_image(image["Id"], force=True)
    # Its name, if somebody has put it on another image.
    with contextlib.suppress(OSError):
        api.remove_image(f"bystander-{token}:1", noprune=True)
    swarm_mode.give_up(upstream(engine.address), {LABEL: token})


def _folder() -> Path:
    folder = places.data() / "bystanders"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _hold(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


def _still(data: Any) -> Any:
    """Inspect data without what is in no order."""
    if isinstance(data, dict):
        return {key: _still(value) for key, value in data.items()}
    if isinstance(data, list):
        return sorted((_still(value) for value in data), key=repr)
    return data


def _differing(before: Any, now: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys()):
            yield from _differing(before.get(key), now.get(key), f"{path}.{key}" if path else str(key))
    elif before != now:
        yield f"{path or 'value'} was {before!r}, is {now!r}"
