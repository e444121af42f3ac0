"""What must not enter the trace."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

HIDDEN = "…"
_SECRET = re.compile(r"pass(word|wd|phrase)?|secret|token|key|credential|auth|private", re.IGNORECASE)
_ENV = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_URL = re.compile(r"(\w+://)[^/@\s]+@")
_MAX_BODY = 64 << 10
_MAX_TEXT = 4096


def body(value: Any) -> Any:
    """A request's JSON without values of what is named like a secret; None when it is larger than 64 KiB."""
    clean = _clean(value)
    return clean if len(json.dumps(clean)) <= _MAX_BODY else None


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _hide(item) if _names_secret(key) else _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return words(value) if all(isinstance(item, str) for item in value) else [_clean(item) for item in value]
    return text(value) if isinstance(value, str) else value


def _names_secret(key: str) -> bool:
    # Docker's own fields of such names are references and settings, never values.
    return bool(_SECRET.search(key)) and key not in {"Secrets", "SecretID", "SecretName", "DetachKeys", "Privileges"}


def _hide(value: Any) -> Any:
    return HIDDEN if value not in (None, "", [], {}) else value


def text(value: str) -> str:
    """`NAME=value` without the value when the name is a secret's; addresses without passwords; bounded."""
    found = _ENV.fullmatch(value)
    if found and _SECRET.search(found[1]):
        value = f"{found[1]}={HIDDEN}"
    elif "://" in value:
        value = _URL.sub(rf"\1{HIDDEN}@", value)
    return value[:_MAX_TEXT]


def words(line: Sequence[str]) -> list[str]:
    """The words of a command line without secrets."""
    result: list[str] = []
    hide = False
    for word in line:
        result.append(HIDDEN if hide else _option(word))
        hide = not hide and ((word in {"-p", "--password"} and "login" in line) or _is_secret_option(word))
    return result


def _is_secret_option(word: str) -> bool:
    return word.startswith("--") and "=" not in word and bool(_SECRET.search(word)) and word != "--password-stdin"


def _option(word: str) -> str:
    name, equals, value = word.partition("=")
    if equals and name.startswith("-"):
        return f"{name}={HIDDEN}" if _SECRET.search(name) else f"{name}={text(value)}"
    return text(word)


def command(line: Sequence[str]) -> str:
    """A command line without secrets, as one would type it."""
    result = " ".join(_quote(word) for word in words(line))
    return result if len(result) <= _MAX_TEXT else result[: _MAX_TEXT - 1] + "…"


def _quote(word: str) -> str:
    return word if word and not re.search(r"[\s'\"$`\\|&;<>()*?]", word) else "'" + word.replace("'", "'\\''") + "'"


def query(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Parameters, first values, without secrets (build arguments are a JSON object of such)."""
    result: dict[str, str] = {}
    for key, value in pairs:
        if key in result:
            continue
        if key in {"buildargs", "labels"}:
            try:
                value = json.dumps(_clean(json.loads(value)), ensure_ascii=False)
            except ValueError:
                value = HIDDEN
        result[key] = HIDDEN if _SECRET.search(key) else text(value)
    return result
