"""What a classic build says of its steps, without the labels that the sandbox adds: each is a step of its own there."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)", re.DOTALL)
_MADE = re.compile(r" ---> [0-9a-f]{12}\n")


class Steps:
    """Rewrites the lines of a build's progress.

    Args:
        labels: Names of the labels that were added.
        removes: The client wants each step's container removed, and `always`: after a step that failed, too. The
            sandbox removes them anyway, as they carry no label.
    """

    def __init__(self, labels: Collection[str], *, removes: bool, always: bool) -> None:
        self._removes = removes
        self._always = always
        self._starts = tuple(f"LABEL {name}=" for name in labels)
        self._count = len(labels)
        self._hidden = 0
        self._hiding = False
        # A step's last words wait for what follows: an image from which a hidden step goes on is none that is told.
        self._made = self._removed = b""

    def line(self, line: bytes) -> bytes:
        """What to show for a line of JSON; for an empty one, what was kept back."""
        try:
            value = json.loads(line) if line.strip() else None
        except ValueError:
            value = None
        text = value.get("stream") if isinstance(value, dict) and len(value) == 1 else None
        if not isinstance(text, str):
            self._hiding = False
            if isinstance(value, dict) and "errorDetail" in value and not self._always:
                self._removed = b""
            return self._take() + line
        if text.startswith(" ---> Removed intermediate container "):
            if self._removes and not self._hiding:
                self._removed = line
            return b""
        if _MADE.fullmatch(text):
            before, self._removed = self._removed, b""
            self._made = line
            return before
        step = _STEP.fullmatch(text)
        if step and step[3].startswith(self._starts):
            self._hiding = True
            self._hidden += 1
            return b""
        if step:
            self._hiding = False
            shown = f"Step {int(step[1]) - self._hidden}/{int(step[2]) - self._count} : {step[3]}"
            return self._take() + json.dumps({"stream": shown}, ensure_ascii=False).encode() + b"\r\n"
        if self._hiding and not text.startswith("Successfully"):
            return b""
        return self._take() + line

    def _take(self) -> bytes:
        kept = self._removed + self._made
        self._made = self._removed = b""
        return kept
