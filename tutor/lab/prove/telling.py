"""Turns what happened in a task into results with their places in the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from tutor.lab.prove.assess import LAST, Result, Status
from tutor.lab.prove.plan import Attempt, LabTask, Place, StepTrials, Task


class Teller:
    """Tells the results of one task; every attempt is told once.

    Args:
        on_result: Called with each result.
    """

    def __init__(self, task: Task, on_result: Callable[[Result], None]) -> None:
        self._task = task
        self._on_result = on_result
        self._told: set[tuple[str, str]] = set()

    def tell(self, attempt: Attempt, trial: StepTrials | None, begun: float, why: str, detail: str = "") -> None:
        """An attempt is over; `why` says what is wrong with it, `begun` is the monotonic clock when it began."""
        self._put(attempt, trial, "failed" if why else "passed", time.monotonic() - begun, why, detail)

    def skip(self, trial: StepTrials | None, why: str) -> None:
        """The attempts at a step (or question) that were not tried yet cannot be tried."""
        for attempt, own in self._open():
            if own is trial:
                self._put(attempt, own, "skipped", 0.0, why)

    def leave_out(self, attempts: Iterable[tuple[str, str, str]]) -> None:
        """What cannot be tried on this machine: step (empty for a question), attempt, reason."""
        reasons = {(step, name): why for step, name, why in attempts}
        for attempt, trial in self._open():
            why = reasons.get((trial.step.id if trial else "", attempt.name))
            if why:
                self._put(attempt, trial, "skipped", 0.0, why)

    def rest(self, why: str) -> None:
        """What was being tried has failed, and so the rest of the task cannot be tried."""
        for number, (attempt, trial) in enumerate(self._open()):
            self._put(attempt, trial, "skipped" if number else "failed", 0.0, why)

    def clean(self, begun: float, why: str) -> None:
        """The lab is closed; `why` says what it left or touched. Told once for a lab unless something is wrong."""
        task = self._task
        if isinstance(task, LabTask):
            if not why and not task.walk:
                return
            first = task.trials[0].place
            place, subject = Place(first.chapter, first.section, LAST), "(lab)"
        else:
            place, subject = task.place, task.question.id
        seconds = time.monotonic() - begun
        self._emit(place, LAST, subject, "leaves nothing", "failed" if why else "passed", seconds, why)

    def _open(self) -> list[tuple[Attempt, StepTrials | None]]:
        return [(a, trial) for a, trial in self._all() if (self._subject(trial), a.name) not in self._told]

    def _all(self) -> Iterator[tuple[Attempt, StepTrials | None]]:
        if isinstance(self._task, LabTask):
            yield from ((attempt, trial) for trial in self._task.trials for attempt in trial.attempts)
        else:
            yield from ((attempt, None) for attempt in self._task.attempts)

    def _subject(self, trial: StepTrials | None) -> str:
        if trial is not None:
            return trial.step.id
        return self._task.lab.id if isinstance(self._task, LabTask) else self._task.question.id

    def _put(
        self, attempt: Attempt, trial: StepTrials | None, status: Status, seconds: float, why: str, detail: str = ""
    ) -> None:
        subject = self._subject(trial)
        self._told.add((subject, attempt.name))
        place = trial.place if trial else self._task.place if not isinstance(self._task, LabTask) else Place(0, 0, 0)
        self._emit(place, attempt.order, subject, attempt.name, status, seconds, why, detail)

    def _emit(
        self,
        place: Place,
        order: int,
        subject: str,
        attempt: str,
        status: Status,
        seconds: float,
        why: str,
        detail: str = "",
    ) -> None:
        task = self._task
        section = task.lab.id if isinstance(task, LabTask) else task.section
        self._on_result(
            Result(
                place=place,
                order=order,
                chapter=task.chapter.chapter,
                chapter_id=task.chapter.id,
                section=section,
                subject=subject,
                attempt=attempt,
                status=status,
                seconds=seconds,
                why=why,
                detail=detail,
            )
        )
