"""How hard a text is to read: the Flesch-Kincaid grade, with syllables counted by their vowels.

The formula: Kincaid, Fishburne, Rogers, Chissom, "Derivation of New Readability Formulas", 1975:
0.39 × words per sentence + 11.8 × syllables per word − 15.59. The count of syllables is an estimate.
"""

from __future__ import annotations

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\]\([^)]*\)")
_WORD = re.compile(r"[A-Za-zÀ-ɏ]+(?:['’-][A-Za-zÀ-ɏ]+)*")
_END = re.compile(r"[.!?…:;](?=[\s\"'”’)*_]|$)|\n\s*\n|\n(?=\s*(?:(?:[-*+]|\d+[.)])\s|\|))")
_VOWELS = re.compile(r"[aeiouyà-ÿ]+")


def prose(markdown: str, keep_length: bool = False) -> str:
    """The text without its code: blocks go, a code span counts as one short word.

    Args:
        markdown: The text.
        keep_length: Replace by blanks of the same length, so that places stay where they were.
    """

    def blank(found: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", found[0])

    if keep_length:
        return _LINK.sub(blank, _CODE.sub(blank, _FENCE.sub(blank, markdown)))
    return _LINK.sub("", _CODE.sub("it", _FENCE.sub("\n\n", markdown)))


def words(text: str) -> list[str]:
    """The words of a text."""
    return _WORD.findall(text)


def sentences(text: str) -> list[str]:
    """The sentences of a text; list entries, paragraphs and rows of a table end one too."""
    return [part for part in _END.split(text) if words(part)]


def syllables(word: str) -> int:
    """About how many syllables an English word has; at least one."""
    lower = word.lower()
    count = len(_VOWELS.findall(lower))
    silent_e = lower.endswith("e") and not lower.endswith(("le", "ee"))
    silent_ed = lower.endswith("ed") and not lower.endswith(("ted", "ded"))
    if silent_e or silent_ed:
        count -= 1
    return max(1, count)


def grade(text: str) -> float:
    """Years of school that the text takes; 0 for a text without words."""
    found = words(text)
    if not found:
        return 0.0
    per_sentence = len(found) / max(1, len(sentences(text)))
    per_word = sum(syllables(word) for word in found) / len(found)
    return 0.39 * per_sentence + 11.8 * per_word - 15.59
