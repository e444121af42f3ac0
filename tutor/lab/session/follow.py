"""Following a lab live: every change of its World with the step's verdict, as soon as it is worth saying."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tutor.course.expectations import FileExpectation
from tutor.course.models import Step
from tutor.engine.watch import EngineState, Watch
from tutor.engine.world import Change, World
from tutor.lab.probes import leaves
from tutor.lab.session import activity as session_activity
from tutor.lab.session import workspace as session_workspace
from tutor.lab.verdict import NotYet, Unavailable, Verdict
from tutor.sandbox.references import Record
from tutor.sandbox.trace import Call

if TYPE_CHECKING:
    from tutor.lab.session.session import Session

CALM = 0.4
"""Seconds after the last change before a "not yet" is said: a learner's next call may come at once."""

_FIRST_LOOK, _LAST_LOOK = 0.5, 5.0
"""Seconds until probes are asked again where no event will come: a server begins to listen, a file is written."""

_SOON = 0.1
"""Seconds until a look again where all is well, if it only stays so."""

_GLANCE = 1.0
"""Seconds between two looks at the workspace, in steps that expect a file."""

_IMAGE_CALLS = ("/images/", "/build", "/commit", "/grpc", "/session")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Update:
    """What a front draws.

    Attributes:
        world: The lab now.
        changes: What became different since the update before.
        verdict: The step's verdict, when there is a new one to say; else None.
        state: Whether the engine answers.
        step: Id of the step that the verdict is about; empty before the first.
    """

    world: World
    changes: tuple[Change, ...] = ()
    verdict: Verdict | None = None
    state: EngineState = field(default_factory=lambda: EngineState("up"))
    step: str = ""


class Follower:
    """Watches a session's lab in threads of its own. Start it with `Session.follow`.

    Args:
        session: The session.
        on_update: Called in the follower's thread; it should be quick.
    """

    def __init__(self, session: Session, on_update: Callable[[Update], None]) -> None:
        self._session = session
        self._on_update = on_update
        self._condition = threading.Condition()
        self._stopped = False
        self._dirty = True
        self._images_moved = False
        self._changes: list[Change] = []
        self._state = EngineState("up")
        self._told_state: EngineState | None = None
        self._told: tuple[str, Verdict | None] = ("", None)
        self._changed_at = time.monotonic()
        self._unsubscribe: Callable[[], None] = lambda: None
        record = session.record
        images = self._images
        self._watch = Watch(
            session.engine,
            session.lab_id,
            self._on_world,
            self._on_state,
            own_images=lambda: {*images().made, *images().images},
            references=lambda: {*record.catalogue, *images().borrowed},
            world=session.observer.known,
        )
        self._thread = threading.Thread(target=self._work, name=f"follow {session.lab_id}", daemon=True)

    def start(self) -> None:
        """Begin; the first update comes as soon as the engine has answered."""
        if trace := self._session.trace:
            self._unsubscribe = trace.subscribe(self._on_call)
        self._thread.start()

    def stop(self) -> None:
        """End; no update comes after this, but for one that is being told."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
        self._unsubscribe()
        self._watch.stop()
        if self._thread is not threading.current_thread():
            self._thread.join(10.0)

    def look(self) -> None:
        """Judge now: the step has changed, or the learner asks."""
        self._stir(now=True)

    # -- hearing -------------------------------------------------------------------------------------------------
    def _on_world(self, world: World, changes: tuple[Change, ...]) -> None:
        self._session.observer.see(world)
        with self._condition:
            self._changes += changes
        self._stir()

    def _on_state(self, state: EngineState) -> None:
        with self._condition:
            self._state = state
        self._stir()

    def _on_call(self, call: Call) -> None:
        if call.status is None or not (session_activity.changing(call) or call.path in {"/grpc", "/session"}):
            return
        if any(part in call.path for part in _IMAGE_CALLS):
            # What the sandbox has taken note of just now (a pulled image is the lab's), no event tells.
            with self._condition:
                self._images_moved = True
        self._stir()

    def _stir(self, now: bool = False) -> None:
        with self._condition:
            self._dirty = True
            self._changed_at = time.monotonic() - (CALM if now else 0.0)
            self._condition.notify_all()

    def _images(self) -> Record:
        # A reset gives the session another observer.
        return self._session.observer.images()

    # -- telling -------------------------------------------------------------------------------------------------
    def _work(self) -> None:
        self._watch.start()
        look_at: float | None = None
        gap = _FIRST_LOOK
        glance = self._glance()
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._dirty or self._stopped, self._pause(look_at))
                if self._stopped:
                    return
                stirred, self._dirty = self._dirty, False
                images, self._images_moved = self._images_moved, False
            if images:
                self._watch.refresh("image")
            if not stirred:
                seen = self._glance()
                if seen != glance:
                    glance, stirred = seen, True
                    self._changed_at = time.monotonic()
                elif look_at is None or time.monotonic() < look_at:
                    continue
            gap = _FIRST_LOOK if stirred else min(gap * 1.6, _LAST_LOOK)
            wait = self._tell(gap)
            look_at = None if wait is None else time.monotonic() + wait

    def _pause(self, look_at: float | None) -> float | None:
        """Seconds to sleep at most; None until something happens."""
        until = None if look_at is None else max(0.0, look_at - time.monotonic())
        if self._expects_files():
            return _GLANCE if until is None else min(_GLANCE, until)
        return until

    def _tell(self, gap: float) -> float | None:
        """Judge and tell what is new; in how many seconds to look again, None when only an event can change it."""
        step, state = self._session.step, self._state
        world = self._watch.world
        if step is None:
            self._say(world, None, state, "")
            return None
        probing = any(True for _ in leaves(step.conditions))
        if probing and self._changes:
            # Probes may take seconds; the picture does not wait for them.
            self._say(world, None, state, step.id)
        if state.kind == "gone":
            verdict: Verdict = Unavailable(reason=state.reason)
        else:
            verdict = self._session.observer.judge(step, world)
        if not isinstance(verdict, NotYet):
            self._say(world, verdict, state, step.id)
            return gap if probing and isinstance(verdict, Unavailable) else None
        calm = CALM - (time.monotonic() - self._changed_at)
        if verdict.settled and calm <= 0:
            self._say(world, verdict, state, step.id)
            return gap if probing else None
        self._say(world, None, state, step.id)
        if verdict.settled:
            return max(0.02, calm)
        return gap if verdict.findings else _SOON

    def _say(self, world: World, verdict: Verdict | None, state: EngineState, step: str) -> None:
        with self._condition:
            changes, self._changes = tuple(self._changes), []
        new = verdict if (step, verdict) != self._told else None
        if verdict is not None:
            self._told = (step, verdict)
        if not changes and new is None and state == self._told_state:
            return
        self._told_state = state
        try:
            self._on_update(Update(world, changes, new, state, step))
        except Exception:
            # A front that stumbles must not end the judging for the rest of the session.
            _log.exception("an update could not be shown")

    def _glance(self) -> tuple[tuple[str, int, int], ...]:
        return session_workspace.glance(self._session.workspace) if self._expects_files() else ()

    def _expects_files(self) -> bool:
        return expects_files(self._session.step)


def expects_files(step: Step | None) -> bool:
    """Whether a step, or a mistake in it, looks at the workspace."""
    if step is None:
        return False
    wanted = [*step.conditions, *(e for mistake in step.mistakes for e in getattr(mistake, "when", ()))]
    return any(isinstance(probe, FileExpectation) for probe in leaves(wanted))
