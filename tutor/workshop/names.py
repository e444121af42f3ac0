"""Names and other words of strangers made harmless, join codes, and proofs of who somebody is. Pure but for chance."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Collection

LETTERS = "234679ACDEFGHJKMNPQRTUVWXY"
"""What join codes are made of: no two that are easily taken for each other (0 O, 1 I L, 5 S, 8 B, Z 2)."""

CODE_LENGTH = 6
NAME_LENGTH = 32
_MARKS = 2  # combining marks after one letter


def clean(text: str, limit: int) -> str:
    """One line of visible text: no control, format or private characters, no stacked marks, spaces collapsed.

    Args:
        text: Whatever somebody sent.
        limit: Characters that are kept.
    """
    kept: list[str] = []
    marks = 0
    for char in unicodedata.normalize("NFC", text[: limit * 8]):
        category = unicodedata.category(char)
        if category[0] == "Z" or char in "\t\n\r":
            char, category = " ", "Zs"
        if category[0] == "C":
            continue
        marks = marks + 1 if category[0] == "M" else 0
        if marks <= _MARKS:
            kept.append(char)
    return " ".join("".join(kept).split())[:limit].strip()


def free_name(wanted: str, taken: Collection[str]) -> str:
    """A name that nobody in the room has: `Ada`, then `Ada (2)`."""
    name = clean(wanted, NAME_LENGTH) or "Somebody"
    folded = {one.casefold() for one in taken}
    number = 1
    shown = name
    while shown.casefold() in folded:
        number += 1
        shown = f"{name[: NAME_LENGTH - 6]} ({number})"
    return shown


def new_code() -> str:
    """A join code."""
    return "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))


def read_code(typed: str) -> str:
    """A join code as somebody typed it: case, spaces and hyphens do not matter."""
    return "".join(char for char in typed.upper() if char.isalnum())[:16]


def shown_code(code: str) -> str:
    """A join code in two groups."""
    return f"{code[:3]} {code[3:]}"


def proof(key: str, nonce: str, role: str, identity: str) -> str:
    """Shows that one has a key without sending it; good for one connection, as each has a nonce of its own."""
    return hmac.new(key.encode(), f"{nonce}\n{role}\n{identity}".encode(), hashlib.sha256).hexdigest()


def derived(secret: str, what: str) -> str:
    """A key that follows from the instructor's secret and does not give it away."""
    return hmac.new(secret.encode(), what.encode(), hashlib.sha256).hexdigest()[:40]
