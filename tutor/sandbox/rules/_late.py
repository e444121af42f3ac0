"""Images that were not on the engine when a classic build began: what it then pulls is its own, what somebody else
has put there meanwhile is not. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping

from tutor.sandbox import _dockerfile
from tutor.sandbox.policy import Refused
from tutor.sandbox.references import familiar, normal

_STEP = re.compile(r"Step \d+/\d+ : (.*)", re.DOTALL)
_AT = re.compile(r" ---> ([0-9a-f]{12})\n")
_PULLED = re.compile(r"Status: (?:Downloaded newer image|Image is up to date) for (\S+)")


class Late:
    """Follows what a build says.

    Args:
        text, arguments: Its Dockerfile, and the arguments that the client gives.
        unread: Images it may name that were not on the engine.
        seen: First twelve digits of the images that the lab may use.

    Attributes:
        pulled: Full references that the build has pulled.
        theirs: First twelve digits of the images of somebody else that it stood on.
    """

    def __init__(self, text: str, arguments: Mapping[str, str], unread: Collection[str], seen: Collection[str]) -> None:
        self._text = text
        self._arguments = arguments
        self._unread = frozenset(normal(name) for name in unread)
        self._seen = set(seen)
        self._waiting: frozenset[str] = frozenset()
        self._base = False
        self.pulled: set[str] = set()
        self.theirs: set[str] = set()

    def line(self, line: bytes) -> None:
        """Look at one line of its progress.

        Raises:
            Refused: It uses an image that came while it ran, and that it has not pulled.
        """
        try:
            value = json.loads(line) if self._unread else None
        except ValueError:
            return
        if not isinstance(value, dict):
            return
        said = str(value.get("stream", ""))
        if pulled := _PULLED.fullmatch(str(value.get("status", ""))):
            self.pulled.add(normal(pulled[1]))
        elif step := _STEP.fullmatch(said):
            named = _dockerfile.images(step[1], self._arguments, self._text)
            self._waiting = self._unread & {normal(item.name) for item in named}
            self._base = any(item.base for item in named)
        elif at := _AT.fullmatch(said):
            missing = self._waiting - self.pulled
            # A base with a variable in its name may be another one, which the lab sees.
            if missing and not (self._base and at[1] in self._seen):
                if self._base:
                    self.theirs.add(at[1])
                raise Refused(
                    f"{familiar(min(missing))} was not here when the build began, and somebody else has put it here "
                    "meanwhile. The lab does not build from it.",
                    rule="foreign-image",
                )
            self._seen.add(at[1])
            self._waiting = frozenset()
