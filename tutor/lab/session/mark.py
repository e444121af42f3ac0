"""Where a step began: kept on disk, so that any process can judge the step afterwards."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tutor.lab import open_labs
from tutor.lab.observations import Baseline

_FILE = "baseline.json"


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The beginning of a step or a question.

    Attributes:
        step: Its id; empty before the first.
        baseline: The lab as it was then.
        since: The trace's last call by then: what has a greater id is the learner's.
    """

    step: str = ""
    baseline: Baseline = Baseline()
    since: int = 0


def write(folder: Path, mark: Mark) -> None:
    """Keep it in the lab's folder.

    Raises:
        Problem: `cannot-write`.
    """
    open_labs.place(folder / _FILE, msgspec.json.encode(mark))


def read(folder: Path) -> Mark:
    """The mark of a lab; an empty one when there is none that can be read."""
    try:
        return msgspec.json.decode((folder / _FILE).read_bytes(), type=Mark)
    except (OSError, msgspec.MsgspecError):
        return Mark()
