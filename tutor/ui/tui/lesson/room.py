"""The engine's side of a lesson: one thread does everything that may take time, in the order it was asked for.

Nothing here knows of widgets. Calls are awaited; what goes wrong comes out as a Problem.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

from tutor.course.models import Chapter, Course, Lab, Predict, ReadOutput, Step, TypeCommand
from tutor.lab.session.follow import Update
from tutor.lab.session.session import Session

if TYPE_CHECKING:
    from tutor.engine.connect import Engine
    from tutor.engine.images.progress import Step as ImageStep
    from tutor.engine.machine import Machine
    from tutor.lab.outcome import Ran
    from tutor.lab.session.run import Completed
    from tutor.quiz.grade import Grade
    from tutor.sandbox.receipt import Receipt

T = TypeVar("T")
Words = Callable[[str], None]


class Room:
    """One chapter's engine, lab and questions.

    Args:
        course: The course.
        chapter: The chapter.

    Attributes:
        session: The open lab; None until `open` has succeeded.
        fresh: Whether the lab was opened anew rather than resumed.
    """

    def __init__(self, course: Course, chapter: Chapter) -> None:
        self.course = course
        self.chapter = chapter
        self.lab = next((section for section in chapter.sections if isinstance(section, Lab)), None)
        self.session: Session | None = None
        self.engine: Engine | None = None
        self.fresh = False
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="lab")
        # Questions have sandboxes of their own, and must not wait for a lab's reset.
        self._asker = ThreadPoolExecutor(1, thread_name_prefix="question")
        self._asking: Session | None = None
        self._posed: tuple[ExitStack, Session, TypeCommand] | None = None

    # -- the lab -------------------------------------------------------------------------------------------------
    async def open(self, progress: Words) -> Session:
        """Go on with the chapter's open lab, or open one.

        Args:
            progress: Told in words what is being done, in another thread.

        Raises:
            Problem: No engine; an image cannot be had; somebody else serves the lab.
        """
        return await self._run(lambda: self._open(progress))

    def _open(self, progress: Words) -> Session:
        from tutor.lab import open_labs
        from tutor.lab.session import close as session_close

        engine = self._connect(progress)
        progress("Tidying up what an earlier tutor left")
        session_close.recover(engine)
        found = open_labs.find(self.chapter.chapter, self.lab.id) if self.lab else None
        if found and found.engine == engine.address.host:
            progress("Going on with your open lab")
            session = Session.resume(self.course, found.lab, engine=engine)
            if not session.serving:
                session.leave()
                raise open_labs.in_use(found.lab)
        else:
            keep = self.lab is not None
            session = Session.open(self.course, self.chapter, engine=engine, lab=self.lab, keep=keep, progress=progress)
            self.fresh = True
        self.session = session
        return session

    def _connect(self, progress: Words) -> Engine:
        from tutor.engine import images
        from tutor.engine.connect import connect

        if self.engine is None:
            progress("Looking for the engine")
            engine = connect()

            def told(step: ImageStep) -> None:
                share = f" {step.done / step.total:.0%}" if step.total else ""
                progress(f"{step.doing.capitalize()} {step.name}{share}")

            images.ensure(engine, self.chapter.images, told)
            self.engine = engine
        return self.engine

    async def follow(self, on_update: Callable[[Update], None]) -> None:
        """Be told of every change of the lab, in another thread."""
        await self._run(lambda: self._session.follow(on_update))

    async def machine(self) -> Machine:
        """What the engine says of the machine it runs on.

        Raises:
            Problem: `engine-gone`.
        """

        def work() -> Machine:
            from tutor.engine import machine

            return machine.machine(self._session.engine)

        return await self._run(work)

    async def left_out(self) -> dict[str, str]:
        """Steps that cannot be done on this machine, and what they lack.

        Raises:
            Problem: `engine-gone`.
        """
        return await self._run(self._session.left_out)

    async def begin(self, step: str, *, from_the_start: bool = False) -> Step:
        """Begin a step; `from_the_start` makes again what the steps before it left.

        Raises:
            Problem: `prepare-failed`, `no-start`, `engine-gone`.
        """
        return await self._run(lambda: (self._session.go_to if from_the_start else self._session.begin)(step))

    async def reset(self) -> Receipt:
        """Take the current step back to its start.

        Raises:
            Problem: `no-start`, `prepare-failed`, `engine-gone`.
        """
        return await self._run(lambda: self._session.reset())

    async def close(self) -> Receipt:
        """Remove the lab with everything it made.

        Raises:
            Problem: `engine-gone`.
        """
        session, receipt = self._session, await self._run(lambda: self._session.close())
        if self.session is session:
            self.session = None
        return receipt

    async def leave(self) -> None:
        """Let go of everything; the lab stays to be resumed. What runs now is ended first."""
        for session in (self.session, self._asking):
            if session is not None:
                await asyncio.to_thread(session.interrupt)
        await asyncio.get_running_loop().run_in_executor(self._asker, self._drop)
        await self._run(self._leave)
        self._worker.shutdown(wait=False)
        self._asker.shutdown(wait=False, cancel_futures=True)

    def _leave(self) -> None:
        session, self.session = self.session, None
        if session is not None and session.lab is not None:
            session.leave()
        elif session is not None:
            session.close()
        engine, self.engine = self.engine, None
        if engine is not None:
            engine.close()

    @property
    def _session(self) -> Session:
        assert self.session is not None
        return self.session

    # -- questions -----------------------------------------------------------------------------------------------
    async def compare(
        self, question: Predict | ReadOutput, option: str, progress: Words
    ) -> tuple[Predict | ReadOutput, Grade, Ran, str]:
        """Run a prediction for real, in a sandbox of its own.

        Returns:
            The question as it was run, its grade, what happened, and the id of the option that it was (or nothing).

        Raises:
            Problem: No engine; the question could not be prepared.
        """

        def work() -> tuple[Predict | ReadOutput, Grade, Ran, str]:
            from tutor.quiz import run

            with self._sandbox(progress) as session:
                posed = session.pose(question)
                assert isinstance(posed, (Predict, ReadOutput))
                progress("It runs on the engine")
                grade, ran, happened = run.compared(session, posed, option)
                return posed, grade, ran, happened.id if happened else ""

        return await asyncio.get_running_loop().run_in_executor(self._asker, work)

    async def pose(self, question: TypeCommand, progress: Words) -> TypeCommand:
        """Make a question's situation in a sandbox of its own, which stays until `typed`, or until another is posed.

        Returns:
            The question with the names that the sandbox really has.

        Raises:
            Problem: No engine; the question could not be prepared.
        """

        def work() -> TypeCommand:
            self._drop()
            with ExitStack() as stack:
                session = stack.enter_context(self._sandbox(progress))
                posed = session.pose(question)
                assert isinstance(posed, TypeCommand)
                self._posed = (stack.pop_all(), session, posed)
                return posed

        return await asyncio.get_running_loop().run_in_executor(self._asker, work)

    async def typed(self, command: str) -> tuple[Grade, Completed] | None:
        """Run the command that was typed for the question that is posed, and judge what it leaves.

        Returns:
            None when nothing is posed any more.

        Raises:
            Problem: The engine is gone.
        """

        def work() -> tuple[Grade, Completed] | None:
            from tutor.quiz import run

            if self._posed is None:
                return None
            _, session, posed = self._posed
            try:
                return run.typed(session, posed, command)
            finally:
                self._drop()

        return await asyncio.get_running_loop().run_in_executor(self._asker, work)

    def _drop(self) -> None:
        posed, self._posed = self._posed, None
        if posed is not None:
            posed[0].close()

    def _sandbox(self, progress: Words) -> _Asked:
        return _Asked(self, progress)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)


class _Asked:
    """A question's sandbox on a connection of its own; remembered while it lives, so that leaving can interrupt it."""

    def __init__(self, room: Room, progress: Words) -> None:
        self._room, self._progress = room, progress

    def __enter__(self) -> Session:
        from tutor.engine import images
        from tutor.engine.connect import connect
        from tutor.quiz import run

        self._progress("A sandbox of its own is made")
        with ExitStack() as stack:
            engine = stack.enter_context(connect())
            images.ensure(engine, self._room.chapter.images)
            session = stack.enter_context(run.sandbox(self._room.course, self._room.chapter, engine))
            self._stack = stack.pop_all()
        self._room._asking = session
        return session

    def __exit__(self, *_: object) -> None:
        self._room._asking = None
        self._stack.close()
