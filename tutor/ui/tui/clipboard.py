"""Copying out of the terminal, also from inside tmux and GNU screen, which keep OSC 52 to themselves by default."""

from __future__ import annotations

import base64
import contextlib
import subprocess
from collections.abc import Iterator, Mapping

_PIECE = 500  # GNU screen takes strings of at most 768 bytes


def sequences(text: str, env: Mapping[str, str]) -> Iterator[str]:
    """What to write to the terminal so that it takes a text to its clipboard (xterm's OSC 52).

    Args:
        text: What is copied.
        env: The environment: inside GNU screen the sequence is wrapped, so that screen hands it on.
    """
    code = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a"
    if "STY" not in env or "TMUX" in env:
        yield code
        return
    for start in range(0, len(code), _PIECE):
        yield f"\x1bP{code[start : start + _PIECE]}\x1b\\"


def to_tmux(text: str, env: Mapping[str, str]) -> None:
    """Into tmux's own buffer, and through it to the terminal's clipboard, where the tutor runs inside tmux.

    tmux takes OSC 52 from programs only where `set-clipboard` is `on`; its default is `external` (tmux(1)).
    """
    if "TMUX" not in env:
        return
    for words in (["tmux", "load-buffer", "-w", "-"], ["tmux", "load-buffer", "-"]):  # -w came with tmux 3.2
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            if subprocess.run(words, input=text.encode(), capture_output=True, timeout=2, check=False).returncode == 0:
                return
