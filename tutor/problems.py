"""What goes wrong in words a person can act on."""

from __future__ import annotations

from tutor.printable import printable


class Problem(Exception):
    """An expected failure, told as one sentence and the next step.

    Fronts print `str(problem)` and never a traceback.

    Args:
        sentence: What is wrong, one plain sentence.
        next_step: What the person can do now; empty when there is nothing to do.
        code: Stable machine-readable name for `--json`, in kebab-case.
        status: The exit status a command ends with.
    """

    def __init__(self, sentence: str, next_step: str = "", *, code: str = "problem", status: int = 1) -> None:
        # An engine's own words may stand in it.
        super().__init__(printable(sentence))
        self.sentence = printable(sentence)
        self.next_step = printable(next_step)
        self.code = code
        self.status = status

    def __str__(self) -> str:
        return f"{self.sentence} {self.next_step}".rstrip()
