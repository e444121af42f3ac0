"""How many cells a character takes, and which characters share one cell group.

A cell group is a grapheme cluster in the sense of Unicode's UAX #29, by rules reduced to what
terminals meet: marks, joiners, variation selectors, skin tones, flags, Hangul syllables.
"""

from __future__ import annotations

import re
from functools import lru_cache

from wcwidth import wcswidth, wcwidth

_JOINER = "\u200d"
_EMOJI_PRESENTATION = "\ufe0f"
_TEXT_PRESENTATION = "\ufe0e"
_INVISIBLE = frozenset((_JOINER, _EMOJI_PRESENTATION, _TEXT_PRESENTATION))
_SOFT_HYPHEN = "\xad"

_PLAIN = "[ -~\xa0-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u2500-\u25fc\u2800-\u28ff]+"

plain = re.compile(_PLAIN).fullmatch
"""Matches text in which every character takes one cell and joins nothing: needs no look at single characters."""

pieces = re.compile(f"({_PLAIN})|(.)").finditer
"""Cuts text into plain stretches (group 1) and single other characters (group 2)."""


@lru_cache(8192)
def width(char: str) -> int:
    """Cells of one character on its own: 0 (it joins what precedes), 1 or 2."""
    if _is_flag_half(char):
        return 2
    return 1 if char == _SOFT_HYPHEN else max(wcwidth(char), 0)


@lru_cache(8192)
def joins(cluster: str, char: str) -> bool:
    """Whether `char` belongs to the cell group that `cluster` begins."""
    if width(char) == 0:
        return cluster != " " or char not in _INVISIBLE
    if "\U0001f3fb" <= char <= "\U0001f3ff":
        return _is_pictograph(cluster[0])
    if cluster[-1] == _JOINER:
        return _is_pictograph(cluster[0]) and _is_pictograph(char)
    return len(cluster) == 1 and _is_flag_half(cluster) and _is_flag_half(char)


@lru_cache(8192)
def cluster_width(cluster: str) -> int:
    """Cells of a whole cell group: a variation selector widens an emoji (❤️) or narrows it (⌚︎)."""
    base = width(cluster[0])
    if cluster[-1] == _EMOJI_PRESENTATION and base == 1:
        return 2 if wcswidth(cluster[0] + _EMOJI_PRESENTATION) == 2 else 1
    if cluster[-1] == _TEXT_PRESENTATION and base == 2 and cluster[0] < "\U0001f1e6":
        return 1
    return 2 if len(cluster) > 2 and _EMOJI_PRESENTATION in cluster and wcswidth(cluster[:2]) == 2 else max(base, 1)


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _is_pictograph(char: str) -> bool:
    return (
        "\U0001f000" <= char <= "\U0001faff"
        or "\u2190" <= char <= "\u2bff"
        or char in "\xa9\xae\u3030\u303d\u3297\u3299"
    )
