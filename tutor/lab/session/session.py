"""A lab session: one open lab, its sandbox, its shell, its steps and their verdicts.

Crash-only: whatever ends the process, the lab's record, its trace and its labels on the engine are enough for the next
process to go on (`Session.resume`) or to clean up (`tutor.lab.session.close`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tutor import places
from tutor.course import variables
from tutor.course.models import Chapter, Course, Lab, Predict, ReadOutput, Step, TypeCommand
from tutor.lab import needs, open_labs
from tutor.lab.open_labs import Serving
from tutor.lab.session import mark as session_mark
from tutor.lab.session import setup as session_setup
from tutor.lab.session.core import SessionCore
from tutor.lab.session.lesson import as_step, bound_step, passed, settled
from tutor.lab.verdict import NotYet, Verdict
from tutor.problems import Problem

if TYPE_CHECKING:
    from tutor.engine.connect import Engine
    from tutor.lab.session.follow import Follower, Update
    from tutor.sandbox.receipt import Receipt

Posed = Predict | ReadOutput | TypeCommand

PASS_LIMIT = 30.0
"""Seconds in which an earlier step's own solution has to pass while a step's start is made again."""


class Session(SessionCore):
    """An open lab. Made by `open` or `resume`; ended by `close` (everything goes) or `leave` (the lab stays)."""

    # -- opening -------------------------------------------------------------------------------------------------
    @classmethod
    def open(
        cls,
        course: Course,
        chapter: Chapter,
        *,
        engine: Engine,
        lab: Lab | None = None,
        labs: Path | None = None,
        keep: bool = True,
        progress: Callable[[str], None] = lambda words: None,
    ) -> Session:
        """Open a new lab: names and ports that are free, a workspace, a sandbox, and the lab's `prepare`.

        Args:
            lab: The chapter's lab; None for a prediction or a question.
            labs: The course's folder with the labs' files and its own `images.yaml`; the shipped one when left out.
            keep: Whether its learner may go on with it later; else the next start just closes it.
            progress: Told in words what is being done.

        Raises:
            Problem: `missing-need`, `images-missing`, or what else went wrong in words; what was begun is removed.
        """
        needs.require(engine, chapter)
        session_setup.require_images(engine, chapter, labs)
        progress("Choosing names and ports that are free")
        images, catalogue = session_setup.images(labs)
        record, serving = session_setup.reserve(chapter, lab, engine, images, catalogue, keep=keep)
        session = cls(course, record, engine, serving)
        try:
            if lab and lab.files:
                session._note(files=str((labs or places.labs()) / lab.files))
            progress("Putting the lab's files into its workspace")
            session._fill()
            progress("Starting the sandbox")
            session._serve()
            if lab and lab.prepare:
                progress("Preparing the lab")
                session._prepare(lab.prepare)
            session._note(state="open")
        except BaseException:
            try:
                session.close()
            except Problem:
                # It is gone with the engine for now; the record stays, and the next start closes it.
                session.leave()
            raise
        return session

    @classmethod
    def resume(cls, course: Course, lab: str, *, engine: Engine) -> Session:
        """Go on with an open lab: same names, ports, workspace and step. Where another process serves it, only look.

        Raises:
            Problem: `no-such-lab`; `lab-closing`, when it can only be closed; `wrong-engine`.
        """
        record = open_labs.read(lab)
        if record is None:
            raise open_labs.no_such_lab(lab)
        if record.engine != engine.address.host:
            from tutor.lab.session.close import wrong_engine

            raise wrong_engine(record)
        serving: Serving | None = None
        try:
            serving = Serving(lab)
        except Problem as problem:
            if problem.code != "lab-in-use":
                raise
        # Read again: whoever served it until now may have gone on.
        record = open_labs.read(lab)
        if record is None or record.state != "open":
            if serving:
                serving.release()
            raise Problem(
                f"Lab {lab} was being opened or closed when its tutor ended.",
                f"Close it: docker tutor close {lab}",
                code="lab-closing",
            )
        session = cls(course, record, engine, serving)
        try:
            session._observer.mark = session_mark.read(session._folder)
            if record.step and session.lab and any(step.id == record.step for step in session.lab.steps):
                session.step = session.bound(record.step)
            if serving:
                session._serve()
                session._note()
        except BaseException:
            session.leave()
            raise
        return session

    # -- steps and questions -------------------------------------------------------------------------------------
    def bound(self, step_id: str) -> Step:
        """A step of the lab with its variables bound and its mistakes resolved.

        Raises:
            Problem: `no-such-step`; what is wrong with its variables or mistakes.
        """
        return bound_step(self.course, self.lab, step_id, self.bindings)

    def left_out(self) -> dict[str, str]:
        """Steps of the lab that cannot be done on this machine, and in words what they lack.

        Raises:
            Problem: `engine-gone`.
        """
        steps = self.lab.steps if self.lab else ()
        reasons = {step.id: needs.lacking(self.engine, step.needs, "step") for step in steps if step.needs}
        return {step: words for step, words in reasons.items() if words}

    def begin(self, step_id: str) -> Step:
        """Begin a step: what it allows, its `prepare`, and where it starts. Nothing when it has been begun already.

        Raises:
            Problem: `no-such-step`, `prepare-failed`, `lab-in-use`, `engine-gone`.
        """
        if self.step is None or self.step.id != step_id or self._observer.mark.step != step_id:
            step = self.bound(step_id)
            self._stage(step.id, step.allow, step.prepare)
            self._set_step(step)
            return step
        return self.step

    def begin_again(self) -> None:
        """Begin the current step once more with the lab as it is; for a lab in which nothing has changed since.

        Raises:
            Problem: `engine-gone`, `cannot-write`.
        """
        if self.step is not None:
            self._mark(self.step.id)

    def pose(self, question: Posed) -> Posed:
        """Make a question's or prediction's situation: variables bound, what it allows, its `prepare`.

        To judge what is typed for a `TypeCommand`, use `judge` afterwards.

        Raises:
            Problem: `prepare-failed`, `lab-in-use`, `engine-gone`.
        """
        bound = variables.bind(question, self.bindings)
        self._stage(bound.id, getattr(bound, "allow", ()), bound.prepare)
        self._set_step(as_step(bound) if isinstance(bound, TypeCommand) else None)
        return bound

    def judge(self, step_id: str = "", *, wait: float = 0.0, until: Callable[[Verdict], bool] | None = None) -> Verdict:
        """Judge the current step, or another one, on the engine as it is now.

        Args:
            step_id: The step; the current one when left out.
            wait: Seconds to wait for a verdict that will do.
            until: Which will do; one that is settled when left out.

        Raises:
            Problem: `no-step`, before the first has been begun.
        """
        step = self.bound(step_id) if step_id and not (self.step and self.step.id == step_id) else self.step
        if step is None:
            raise Problem(f"No step of lab {self.lab_id} has been begun.", code="no-step")
        return self._observer.judge_until(step, until or settled, wait) if wait > 0 else self._observer.judge(step)

    def follow(self, on_update: Callable[[Update], None]) -> Follower:
        """Be told of every settled change with the step's verdict, until the follower is stopped or the lab ends.

        Args:
            on_update: Called in a thread of the follower's.
        """
        from tutor.lab.session.follow import Follower

        follower = Follower(self, on_update)
        self._followers.append(follower)
        follower.start()
        return follower

    # -- starting again and ending -------------------------------------------------------------------------------
    def go_to(self, step_id: str, limit: float = PASS_LIMIT) -> Step:
        """Make a step's start from the lab's beginning: earlier steps by their own solutions, then begin it.

        Earlier steps that cannot be done on this machine are left out.

        Args:
            limit: Seconds in which each earlier step's solution has to pass.

        Raises:
            Problem: `no-start`, when an earlier step's solution does not pass; as `begin`.
        """
        left_out = self.left_out()
        # Steps that stand by themselves need nothing of each other.
        for step in self.lab.steps if self.lab and not self.lab.shuffled else ():
            if step.id == step_id:
                break
            if step.id in left_out:
                continue
            begun = self.begin(step.id)
            done = self.run(begun.solutions[0])
            # What has failed will not come right by waiting.
            verdict = self.judge(wait=limit if done.exit_code == 0 else min(limit, 2.0), until=passed)
            if not passed(verdict):
                told = " ".join(finding.summary for finding in verdict.findings) if isinstance(verdict, NotYet) else ""
                raise Problem(
                    f"The start of step `{step_id}` cannot be made: the solution of step `{step.id}` does not pass.",
                    f"{told} It ended with {done.exit_code}: {done.output.strip()[-300:]}".lstrip(),
                    code="no-start",
                )
        return self.begin(step_id)

    def reset(self, step_id: str | None = None, limit: float = PASS_LIMIT) -> Receipt:
        """Remove everything the lab has made and go back to a step's start, with the same id, names and ports.

        Args:
            step_id: The step; the current one when left out; the lab's beginning when there is none.
            limit: Seconds in which each earlier step's solution has to pass.

        Raises:
            Problem: `lab-in-use`, `no-start`, `prepare-failed`, `engine-gone`.
        """
        from tutor.lab.session.close import empty

        self._must_serve()
        assert self._sandbox is not None
        target = step_id if step_id is not None else self.step.id if self.step and self.lab else ""
        self._runner.end_all()
        self._set_step(None)
        trace = self._sandbox.trace
        self._sandbox.stop()
        try:
            with self.waits.on("engine"):
                receipt = empty(self.engine, self._record)
        finally:
            self._serve(trace)
        self._observer.mark = session_mark.Mark()
        self._fill()
        if self.lab and self.lab.prepare:
            self._prepare(self.lab.prepare)
        if target:
            self.go_to(target, limit)
        return receipt

    def close(self) -> Receipt:
        """Remove everything the lab has made, and the lab.

        Raises:
            Problem: `lab-in-use`; `engine-gone`: the lab then stays to be closed later.
        """
        from tutor.lab.session.close import finish

        self._must_serve(sandbox=False)
        assert self._serving is not None
        self._note(state="closing")
        self._end()
        try:
            with self.waits.on("engine"):
                return finish(self.engine, self._record)
        finally:
            self._serving.release()
            self._serving = None

    def leave(self) -> None:
        """Stop serving; the lab stays as it is and can be resumed."""
        self._end()
        if self._serving:
            self._serving.release()
            self._serving = None
