"""Text of somebody else, made safe to print: a program's output, an engine's message, a label of an image.

Control characters in it would be obeyed by the learner's terminal: they move the cursor out of the picture, rename the
window, or write to the clipboard.
"""

from __future__ import annotations

import re

# ECMA-48: control sequences, control strings with their terminator (or without one, to the end), other escapes.
_ESCAPES = (
    r"(?s)(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[P\]X^_]|[\x90\x9d\x98\x9e\x9f]).*?(?:\x07|\x1b\\|\x9c|\Z)"
    r"|\x1b[ -/]*[0-~]?"
)
# Bidirectional overrides and isolates turn what is read around.
_CONTROLS = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
_OVERWRITTEN = r"[^\r\n]*\r(?=[^\r\n])"


def printable(text: str) -> str:
    """The text without escape sequences and control characters; line breaks and tabs stay.

    Where a line was written over from its beginning (a progress bar), what was written last stays.
    """
    if text.isprintable():
        return text
    text = re.sub(_ESCAPES, "", text).replace("\r\n", "\n")
    return re.sub(_CONTROLS, "", re.sub(_OVERWRITTEN, "", text))
