"""The plumbing of a session: its files, its sandbox, its scripts, its record; `session.py` gives it its use."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tutor.course import variables
from tutor.course.models import Course, Step
from tutor.course.variables import Bindings
from tutor.engine.world import World
from tutor.lab import needs, open_labs, shell
from tutor.lab.open_labs import OpenLab, Serving
from tutor.lab.session import mark as session_mark
from tutor.lab.session import serve as session_serve
from tutor.lab.session import setup as session_setup
from tutor.lab.session import workspace as session_workspace
from tutor.lab.session.lesson import chapter_of, lab_of
from tutor.lab.session.observe import Observer
from tutor.lab.session.run import Completed, Runner
from tutor.lab.session.time import Waits
from tutor.problems import Problem
from tutor.sandbox.proxy import Sandbox
from tutor.sandbox.trace import Call, Trace

if TYPE_CHECKING:
    from tutor.engine.connect import Engine
    from tutor.lab.session.follow import Follower

PREPARE_LIMIT = 180.0
"""Seconds for a lesson's `prepare`."""


class SessionCore:
    """What every session has, whatever it is used for.

    Attributes:
        chapter: The chapter, and `lab`: its lab, None for a prediction or a question; variables not bound.
        bindings: What the lesson's variables stand for.
        workspace: The learner's working directory.
        step: The step that was begun last, bound; None before the first.
        waits: Where the session's time went.
    """

    def __init__(self, course: Course, record: OpenLab, engine: Engine, serving: Serving | None) -> None:
        self.course = course
        self.chapter = chapter_of(course, record.chapter)
        self.lab = lab_of(self.chapter, record.section)
        self.engine = engine
        self.bindings: Bindings = session_setup.bindings(record)
        self.workspace = session_setup.workspace(record.lab)
        self.step: Step | None = None
        self.waits = Waits()
        self._record = record
        self._serving = serving
        self._folder = open_labs.folder(record.lab)
        self._runner = Runner()
        self._sandbox: Sandbox | None = None
        self._followers: list[Follower] = []
        self._observer = Observer(engine, record, self._folder, self.workspace, self.waits, course.mistakes)

    # -- what it is ----------------------------------------------------------------------------------------------
    @property
    def lab_id(self) -> str:
        """The lab's id, such as `22-3fa9c1`."""
        return self._record.lab

    @property
    def record(self) -> OpenLab:
        """What is kept of the lab."""
        return self._record

    @property
    def serving(self) -> bool:
        """Whether this process runs the lab's sandbox."""
        return self._sandbox is not None

    @property
    def world(self) -> World:
        """The World that was seen last; taken now when none was.

        Raises:
            Problem: `engine-gone`, `engine-refused`.
        """
        return self._observer.known or self._observer.world()

    @property
    def observer(self) -> Observer:
        """Takes Worlds, runs probes, asks the judge."""
        return self._observer

    @property
    def trace(self) -> Trace | None:
        """The live trace; None where another process serves the lab (see `calls`)."""
        return self._sandbox.trace if self._sandbox else None

    def calls(self, since: int = 0) -> tuple[Call, ...]:
        """The lab's API calls with an id greater than `since`."""
        return self._observer.calls(since)

    # -- doing ---------------------------------------------------------------------------------------------------
    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of everything that runs in the lab."""
        socket = f"unix://{session_setup.socket(self.lab_id)}"
        env = shell.environment(self.lab_id, socket, self._folder / "shell", self.workspace, base)
        # docker commands from 23 on use BuildKit whatever the engine says it prefers.
        return env if needs.builds_by_buildkit(self.engine) else env | {"DOCKER_BUILDKIT": "0"}

    def shell_command(self) -> list[str]:
        """The words that start the lab's interactive shell, to be run in the workspace with `environment()`."""
        return shell.command(self._folder / "shell")

    def run(
        self,
        script: str,
        *,
        timeout: float = 120.0,
        input: str | None = None,
        on_output: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run a script as a learner would type it in the lab's shell, without a terminal.

        Args:
            script: Bash, variables bound.
            timeout: Seconds until it and what it started is ended.
            input: What it reads; nothing when left out.
            on_output: Called with each piece of output as it comes.

        Raises:
            Problem: `no-bash`, `cannot-run`.
        """
        with self.waits.on("commands"):
            done = self._runner.run(
                script, cwd=self.workspace, env=self.environment(), timeout=timeout, input=input, on_output=on_output
            )
        if not done.left_running:
            self._observer.command_over()
        return done

    def interrupt(self) -> None:
        """End what `run` runs now and has left running; from any thread."""
        self._runner.end_all(running=True)

    # -- inside --------------------------------------------------------------------------------------------------
    def _fill(self) -> None:
        """Fill the workspace and write the shell's start files.

        Raises:
            Problem: `no-files`, `cannot-write`.
        """
        session_workspace.fill(self.workspace, Path(self._record.files) if self._record.files else None)
        name = shell.prompt(self.chapter.chapter, self.chapter.id)
        shell.write(self._folder / "shell", name, self.workspace)

    def _serve(self, trace: Trace | None = None) -> None:
        """Start the sandbox, and look at the lab through its trace."""
        sandbox = session_serve.start(self.engine, self._record, self.step.allow if self.step else (), trace)
        self._sandbox = sandbox
        mark = self._observer.mark
        self._observer = Observer(
            self.engine,
            self._record,
            self._folder,
            self.workspace,
            self.waits,
            self.course.mistakes,
            sandbox.trace,
            sandbox.record,
        )
        self._observer.mark = mark

    def _stage(self, identity: str, allow: tuple[str, ...], prepare: str | None) -> None:
        """Begin something: what it allows, its `prepare`, and a mark of the lab as it is then."""
        self._must_serve()
        assert self._sandbox is not None
        self._sandbox.set_scope(session_serve.scope(self._record, allow))
        if prepare:
            self._prepare(prepare)
        self._mark(identity)
        self._note(step=identity, began=time.time())

    def _mark(self, identity: str) -> None:
        mark = self._observer.take_mark(identity)
        session_mark.write(self._folder, mark)
        self._observer.mark = mark

    def _set_step(self, step: Step | None) -> None:
        self.step = step
        for follower in self._followers:
            follower.look()

    def _prepare(self, script: str) -> None:
        done = self.run(variables.bind(script, self.bindings), timeout=PREPARE_LIMIT)
        if done.exit_code or done.timed_out:
            # What went wrong stands last.
            said = (done.output.strip().splitlines() or ["nothing was said"])[-1]
            how = f"not in {PREPARE_LIMIT:.0f} s" if done.timed_out else f"exit status {done.exit_code}"
            raise Problem(
                f"The lab could not be prepared ({how}): {said[:500]}",
                "See `docker tutor doctor`; the course's author can try it with `docker tutor course prove`.",
                code="prepare-failed",
            )

    def _note(self, **changes: object) -> None:
        self._record = replace(self._record, **{"pid": os.getpid(), **changes})
        open_labs.write(self._record)

    def _must_serve(self, sandbox: bool = True) -> None:
        if self._serving is None or (sandbox and self._sandbox is None):
            raise open_labs.in_use(self.lab_id)

    def _end(self) -> None:
        for follower in self._followers:
            follower.stop()
        self._followers.clear()
        self._runner.end_all()
        if self._sandbox is not None:
            self._sandbox.stop()
            self._sandbox.trace.close()
            self._sandbox = None
