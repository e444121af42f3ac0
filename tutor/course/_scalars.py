"""What an unquoted YAML scalar means, and when it means something that its writer did not.

YAML 1.1 (https://yaml.org/type/) reads `22:22` as the number 1342, `no` as false and `010` as 8. Later versions do
not, and editors differ. The course's format takes only what every reader takes alike; the rest is an `Odd`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Plain = "str | int | float | bool | Odd | None"


@dataclass(frozen=True)
class Odd:
    """An unquoted scalar that YAML reads in a surprising way.

    Attributes:
        text: As written.
        meaning: What YAML makes of it, in words.
        instead: What to write where not the text is meant; empty when only quotes help.
    """

    text: str
    meaning: str
    instead: str = ""


EMPTY = Odd("", "nothing")

_WORDS: dict[str, bool | Odd | None] = {"true": True, "false": False, "null": None}
for _word in ("yes", "on", "y", "true"):
    for _spelling in (_word, _word.capitalize(), _word.upper()):
        _WORDS.setdefault(_spelling, Odd(_spelling, "true", "true"))
for _word in ("no", "off", "n", "false"):
    for _spelling in (_word, _word.capitalize(), _word.upper()):
        _WORDS.setdefault(_spelling, Odd(_spelling, "false", "false"))
for _spelling in ("~", "Null", "NULL"):
    _WORDS[_spelling] = Odd(_spelling, "null", "null")
_WORDS["<<"] = Odd("<<", "a merge of another mapping")
_WORDS["="] = Odd("=", "a default value")

_LETTERS = frozenset(word[0] for word in _WORDS)
_DIGITS = frozenset("+-.0123456789")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}")
_LONG = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|[-+]?\.[0-9_]+([eE][-+]?[0-9]+)?")
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_OTHER_BASE = re.compile(r"[-+]?0[xbo][0-9a-fA-F_]+")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}"
    r"(\.[0-9]*)?([ \t]*(Z|[-+][0-9]{1,2}(:?[0-9]{2})?))?"
)


def plain(text: str) -> str | int | float | bool | Odd | None:
    """The value of an unquoted scalar."""
    if not text:
        return EMPTY
    first = text[0]
    if first in _LETTERS:
        return text if len(text) > 5 else _WORDS.get(text, text)
    if first not in _DIGITS:
        return text
    if _INTEGER.fullmatch(text) and text != "-0":
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return _odd_number(text)


def _odd_number(text: str) -> str | Odd:
    if _OCTAL.fullmatch(text):
        value = int(text.replace("_", ""), 8)
        return Odd(text, f"the octal number {_digits(value)}", _digits(value))
    if _BASE_60.fullmatch(text):
        return Odd(text, f"a number in base 60{_base_60(text)}")
    if _OTHER_BASE.fullmatch(text):
        return Odd(text, "a number in another base")
    if _LONG.fullmatch(text):
        return Odd(text, "a number", "it as plain digits")
    if _INFINITE.fullmatch(text):
        return Odd(text, "a number without end")
    if _DATE.fullmatch(text):
        return Odd(text, "a date")
    return text


def _base_60(text: str) -> str:
    parts = text.replace("_", "").lstrip("+-").split(":")
    if "." in text or len(text) > 20:
        return ""
    total = 0
    for part in parts:
        total = total * 60 + int(part)
    return f": {'-' if text[0] == '-' else ''}{total}"


def _digits(value: int) -> str:
    return str(value) if abs(value) < 10**18 else "that is very long"
