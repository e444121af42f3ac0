"""Watch a lab: engine events become new Worlds, of which only what an event names is looked at again.

Two threads: one does nothing but read events (an engine drops those that a slow reader leaves lying), one refreshes.
When nothing happens both sleep.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tutor.engine import watch_events
from tutor.engine.snapshot import take
from tutor.engine.watch_events import Named
from tutor.engine.world import Change, World, diff
from tutor.problems import Problem

if TYPE_CHECKING:
    from tutor.engine.connect import Engine

TIMEOUT = 10.0
"""Seconds an engine may take for an answer before it counts as gone."""

_COALESCE = 0.005
"""Seconds to wait after the first event for those that belong to it."""

_APART = 0.015
"""Seconds between two Worlds at least: a storm of events is not a storm of pictures."""

_FIRST_RETRY, _LAST_RETRY = 0.1, 3.0
_FIRST_SERVICE_LOOK, _LAST_SERVICE_LOOK = 0.3, 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineState:
    """Whether the engine answers: `up` at first, `gone` with the reason, `back` after that."""

    kind: Literal["up", "gone", "back"]
    reason: str = ""


class Watch:
    """Keeps a lab's World up to date.

    Both callbacks are called from the watch's own thread, one at a time; they should be quick.

    Args:
        engine: The engine; the watch opens connections of its own.
        lab: The lab's id.
        on_world: Called with each new World and what changed; the first time with all there is.
        on_state: Called when the engine is there, gone, or back again.
        own_images: Gives what `snapshot.take` wants to know as own images, each time.
        references: Gives the catalogue's references that the lab may see, each time.
        own_volumes: Gives the names of the lab's volumes that lack its label, each time.
        world: A World to start from: the first changes are those since then.
    """

    def __init__(
        self,
        engine: Engine,
        lab: str,
        on_world: Callable[[World, tuple[Change, ...]], None],
        on_state: Callable[[EngineState], None] = lambda state: None,
        *,
        own_images: Callable[[], Collection[str]] = tuple,
        references: Callable[[], Collection[str]] = tuple,
        own_volumes: Callable[[], Collection[str]] = tuple,
        world: World | None = None,
    ) -> None:
        self._engine, self._lab = engine, lab
        self._on_world, self._on_state = on_world, on_state
        self._own_images, self._references, self._own_volumes = own_images, references, own_volumes
        self._world = world or World()
        self._changed_at = time.monotonic()
        self._pending: set[Named] = set()
        self._first_at = 0.0
        self._condition = threading.Condition()
        self._asked = self._answered = 0
        self._look = _FIRST_SERVICE_LOOK
        self._state: EngineState | None = None
        self._lost = self._told = self._suspicion = ""
        self._published = self._stopped = False
        self._ready = threading.Event()
        self._stream: Any = None
        self._threads: list[threading.Thread] = []

    @property
    def world(self) -> World:
        """The newest World."""
        return self._world

    @property
    def state(self) -> EngineState | None:
        """Whether the engine answers, as told last; None before the first answer."""
        return self._state

    @property
    def last_change_age(self) -> float:
        """Seconds since the World last changed."""
        return time.monotonic() - self._changed_at

    def start(self, timeout: float = 5.0) -> bool:
        """Begin to watch.

        Args:
            timeout: Seconds to wait for the first World (or for the news that the engine is gone).

        Returns:
            Whether the first World is there.
        """
        for target, name in ((self._read, "events"), (self._work, "world")):
            thread = threading.Thread(target=target, name=f"watch {name} {self._lab}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._ready.wait(timeout)
        return self._state is not None and self._state.kind != "gone"

    def stop(self) -> None:
        """End watching; no callback comes after this, but for one that is being called."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
        self._close_stream()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(2.0)

    def refresh(self, *kinds: str, timeout: float = TIMEOUT) -> World:
        """Look at everything (or at all objects of these kinds) now, and wait for it.

        For what no event tells of: an image without a tag that was built, what the sandbox has just taken note of.

        Args:
            kinds: `container`, `image`, `volume`, `network`, `service`; all when left out.
            timeout: Seconds to wait.

        Returns:
            The newest World (an old one when the engine is gone, or the time was over).
        """
        with self._condition:
            self._add((kind, "*") for kind in kinds or watch_events.KINDS)
            self._asked += 1
            mine = self._asked
            self._condition.notify_all()
            if threading.current_thread() in self._threads:
                return self._world  # From a callback: it comes when the callback is done.
            self._condition.wait_for(lambda: self._answered >= mine or self._stopped or bool(self._lost), timeout)
        return self._world

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- reading events ------------------------------------------------------------------------------------------
    def _read(self) -> None:
        pause = _FIRST_RETRY
        while not self._stopped:
            try:
                with self._engine.guard(), self._subscribe() as events:
                    with self._condition:
                        self._lost = ""
                        # Only now: what happens from here on comes as an event, what was before is looked at.
                        self._add((kind, "*") for kind in watch_events.KINDS)
                        self._condition.notify_all()
                    for event in events:
                        pause = _FIRST_RETRY
                        self._hear(event)
                reason = self._engine.gone().sentence
            except Problem as problem:
                reason = problem.sentence
            except Exception as error:
                # Whatever a broken stream brings up: the engine is asked again, and says then how it is.
                _log.debug("event stream", exc_info=error)
                reason = self._engine.gone().sentence
            with self._condition:
                if self._stopped:
                    return
                self._lost = self._suspicion or reason
                self._suspicion = ""
                self._condition.notify_all()
                self._condition.wait_for(lambda: self._stopped, pause)
            pause = min(pause * 2, _LAST_RETRY)

    @contextlib.contextmanager
    def _subscribe(self) -> Iterator[Iterable[dict[str, Any]]]:
        with self._engine.fresh(timeout=TIMEOUT) as engine:
            since = watch_events.engine_time(engine)
            stream = watch_events.subscribe(engine, since)
            with self._condition:
                self._stream = stream
                stopped = self._stopped
            try:
                yield () if stopped else stream
            finally:
                self._close_stream()

    def _close_stream(self) -> None:
        with self._condition:
            stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(OSError, AttributeError, ValueError):
                stream.close()

    def _hear(self, event: dict[str, Any]) -> None:
        world = self._world
        named = watch_events.named(event, self._lab, world)
        if named:
            with self._condition:
                self._add(named)
                self._condition.notify_all()

    def _add(self, named: Iterable[Named]) -> None:
        if not self._pending:
            self._first_at = time.monotonic()
        self._pending.update(named)

    # -- refreshing ----------------------------------------------------------------------------------------------
    def _work(self) -> None:
        engine = self._engine.fresh(timeout=TIMEOUT)
        published = 0.0
        try:
            while self._wait():
                if self._lost:
                    self._told = self._lost
                    if self._state is None or self._state.kind != "gone":
                        self._tell(EngineState("gone", self._told))
                    self._ready.set()
                    continue
                self._told = ""
                self._pause(published)
                with self._condition:
                    batch, self._pending = self._pending, set()
                    asked = self._asked
                if batch and self._refresh(engine, batch, asked):
                    published = time.monotonic()
        finally:
            engine.close()

    def _wait(self) -> bool:
        """Wait until there is something to do; False when the watch was stopped."""
        with self._condition:
            moving = watch_events.unsettled(self._world) and not self._lost
            self._look = min(self._look * 1.5, _LAST_SERVICE_LOOK) if moving else _FIRST_SERVICE_LOOK
            woken = self._condition.wait_for(self._has_work, self._look if moving else None)
            if not woken and not self._lost:
                # Tasks of a service make no events of their own.
                self._add([("service", "*")])
            return not self._stopped

    def _has_work(self) -> bool:
        return self._stopped or self._lost != self._told or (bool(self._pending) and not self._lost)

    def _refresh(self, engine: Engine, batch: set[Named], asked: int) -> bool:
        try:
            new = take(
                engine,
                self._lab,
                self._world,
                batch,
                own_images=self._own_images(),
                references=self._references(),
                own_volumes=self._own_volumes(),
            )
        except Exception as error:
            self._again(batch, error)
            return False
        if self._state is None or self._state.kind == "gone":
            self._tell(EngineState("up" if self._state is None else "back"))
        self._publish(new)
        with self._condition:
            self._answered = max(self._answered, asked)
            self._condition.notify_all()
        self._ready.set()
        return True

    def _pause(self, published: float) -> None:
        """Let the events that belong together come in."""
        until = max(self._first_at + _COALESCE, published + _APART)
        with self._condition:
            self._condition.wait_for(lambda: self._stopped, max(0.0, until - time.monotonic()))

    def _again(self, batch: set[Named], error: Exception) -> None:
        """A refresh failed: keep what is to be looked at. When the engine is gone, the reader finds out as well."""
        _log.debug("refresh", exc_info=error)
        with self._condition:
            self._add(batch)
            if isinstance(error, Problem) and not self._lost:
                self._condition.wait_for(lambda: self._stopped or bool(self._lost), 1.0)
            else:
                self._condition.wait_for(lambda: self._stopped, _FIRST_RETRY)
        if isinstance(error, Problem) and not self._lost:
            # The stream still stands, but nobody answers: subscribing anew shows which of the two is true.
            self._suspicion = error.sentence
            self._close_stream()

    def _publish(self, new: World) -> None:
        changes = diff(self._world, new)
        self._world = new
        if changes or not self._published:
            self._published = True
            self._changed_at = time.monotonic()
            self._call(lambda: self._on_world(new, changes))

    def _tell(self, state: EngineState) -> None:
        self._state = state
        self._call(lambda: self._on_state(state))

    def _call(self, callback: Callable[[], None]) -> None:
        if self._stopped:
            return
        try:
            callback()
        except Exception:
            # A front that stumbles must not end the watch for the rest of the session.
            _log.exception("a callback of the watch failed")
