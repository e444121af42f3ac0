"""What the picture shows beside the World: real usage, doors behind which nobody listens, how images were made.

One thread, which sleeps while nobody looks or nothing runs.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tutor.engine import gauge
from tutor.engine.gauge import Meter, Usage
from tutor.engine.world import Container, World
from tutor.lab.probes import parse_listeners
from tutor.problems import Problem

if TYPE_CHECKING:
    from tutor.engine.connect import Engine
    from tutor.lab.observations import Listener

APART = 2.0
"""Seconds between two readings while something runs."""

_SOON = 0.3
"""Seconds after a change until the first reading: what belongs together comes in by then."""

_PATIENCE = 1.0
"""Seconds that a program may take until it listens, before its door counts as one with nobody behind it."""

_MAY_RUN = 10.0
"""Seconds after its start in which `cat` may be run in a container, where the kernel cannot be asked."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """What was read; every mapping is whole, not only what is new.

    Attributes:
        usage: By container id.
        closed: By published host port: why nobody answers behind it.
        histories: By image id: bytes and `created by`, newest first.
        written: By container id: bytes in its writable layer.
    """

    usage: Mapping[str, Usage] = field(default_factory=dict)
    closed: Mapping[str, str] = field(default_factory=dict)
    histories: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    written: Mapping[str, int] = field(default_factory=dict)


class Instruments:
    """Reads while somebody looks.

    Args:
        engine: The lab's engine; a connection of its own is opened.
        world: Gives the World that was seen last.
        images: Which images' histories are wanted, by id.
        on_reading: Called in the instruments' thread with each reading that differs; it should be quick.
    """

    def __init__(
        self,
        engine: Engine,
        world: Callable[[], World],
        images: Callable[[World], Iterable[str]],
        on_reading: Callable[[Reading], None],
    ) -> None:
        self._engine = engine
        self._world, self._images, self._on_reading = world, images, on_reading
        self._condition = threading.Condition()
        self._wanted = ""
        self._stirred = self._stopped = False
        self._since: dict[tuple[str, int], float] = {}
        self._told = Reading()
        self._thread = threading.Thread(target=self._work, name="instruments", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; no reading comes after this, but for one that is being told."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
        if self._thread is not threading.current_thread() and self._thread.is_alive():
            self._thread.join(10.0)

    def look(self, wanted: str) -> None:
        """What is looked at now: `world` (usage and doors), `layers` (histories and writable layers), or nothing."""
        with self._condition:
            if wanted != self._wanted:
                self._wanted, self._stirred = wanted, True
                self._condition.notify_all()

    def stir(self) -> None:
        """The World has changed."""
        with self._condition:
            self._stirred = True
            self._condition.notify_all()

    # -- the thread ----------------------------------------------------------------------------------------------
    def _work(self) -> None:
        with contextlib.closing(self._engine.fresh(timeout=10.0)) as engine:
            meter = Meter(engine)
            while self._wait():
                try:
                    self._read(engine, meter)
                except Problem as problem:
                    # An engine that is gone is told by the one who follows the lab.
                    _log.debug("instruments: %s", problem)
                except Exception:
                    # The picture without its gauges is better than no picture.
                    _log.exception("a reading failed")

    def _wait(self) -> bool:
        """Wait until it is time for a reading; False when it is over."""
        with self._condition:
            self._condition.wait_for(lambda: self._stopped or self._stirred, self._pause())
            if self._stirred and not self._stopped:
                self._condition.wait_for(lambda: self._stopped, _SOON)
            self._stirred = False
            return not self._stopped

    def _pause(self) -> float | None:
        return APART if self._wanted and running(self._world()) else None

    def _read(self, engine: Engine, meter: Meter) -> None:
        world, told = self._world(), self._told
        if self._wanted == "world":
            new = Reading(meter.read(running(world)), self._doors(engine, running(world)), told.histories, told.written)
        elif self._wanted == "layers":
            histories = {i: told.histories.get(i) or _history(engine, i) for i in self._images(world)}
            written = {c.id: size for c in world.containers.values() if (size := _written(engine, c)) is not None}
            new = Reading(told.usage, told.closed, histories, written)
        else:
            return
        if new != told and not self._stopped:
            self._told = new
            self._on_reading(new)

    def _doors(self, engine: Engine, containers: list[Container]) -> dict[str, str]:
        now = time.monotonic()
        self._since = {(c.id, c.pid): self._since.get((c.id, c.pid), now) for c in containers}
        closed: dict[str, str] = {}
        for container in containers:
            age = now - self._since[container.id, container.pid]
            if not container.published:
                continue
            if age < _PATIENCE:
                self.stir()
                continue
            if table := gauge.sockets(engine, container, may_run=age < _MAY_RUN):
                closed |= closed_doors(container, parse_listeners(table))
            else:
                closed |= {p.host_port: why for p in container.published if (why := self._told.closed.get(p.host_port))}
        return closed


def running(world: World) -> list[Container]:
    """The containers whose process runs."""
    return [c for c in world.containers.values() if c.state == "running"]


def closed_doors(container: Container, listeners: Iterable[Listener]) -> dict[str, str]:
    """The published TCP ports behind which nobody can answer, by host port, with the reason."""
    heard = tuple(listeners)
    closed: dict[str, str] = {}
    for port in container.published:
        number, _, protocol = port.container.partition("/")
        if protocol not in {"", "tcp"} or not port.host_port:
            continue
        here = [listener for listener in heard if str(listener.port) == number]
        if not here:
            closed[port.host_port] = "nobody listens"
        elif all(listener.loopback for listener in here):
            closed[port.host_port] = f"listens on {here[0].address} only"
    return closed


def _history(engine: Engine, image: str) -> tuple[tuple[int, str], ...]:
    try:
        return gauge.history(engine, image)
    except Problem:
        return ()


def _written(engine: Engine, container: Container) -> int | None:
    try:
        return gauge.written(engine, container.id)
    except Problem:
        return None
