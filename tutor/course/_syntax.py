"""What a YAML parser's complaint means to an author, and where its cause is."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml


class _Cause(NamedTuple):
    """What a complaint means.

    Attributes:
        pattern: What the parser says: its context and its problem.
        wrong, right: The two halves of the message.
        at_context: The cause is where the context begins, not where the parser gave up.
    """

    pattern: str
    wrong: str
    right: str
    at_context: bool = False


_COMMAS = "put texts that hold a comma, a bracket or `: ` in quotes"
_CAUSES = (
    _Cause(r"quoted scalar .*(end of stream|document)", "the quote that begins here never ends", "close it", True),
    _Cause(r"character '\\?t'|tab character", "a tab", "indent with spaces"),
    _Cause(r"cannot start any token", "a character that cannot begin a value", "put the text in quotes"),
    _Cause(
        r"mapping values are not allowed",
        "a colon where no key can be",
        "put a text that holds `: ` in quotes; or check the indentation",
    ),
    _Cause(
        r"simple key.*could not find expected ':'",
        "a line that is neither `key: value` nor a list entry",
        "add the colon; or check the indentation",
        True,
    ),
    _Cause(r"could not find expected ':'", "a key without its colon", "write `key: value`"),
    _Cause(r"flow (sequence|mapping).*(end|start)", "the bracket that opens here is never closed", "close it", True),
    _Cause(r"flow sequence", "the list in brackets is broken here", f"write `[one, two]`; {_COMMAS}"),
    _Cause(r"flow mapping", "the mapping in braces is broken here", f"write `{{key: value}}`; {_COMMAS}"),
    _Cause(
        r"expected key|block mapping.*<block end>",
        "this does not belong to the mapping around it",
        "indent it as the keys beside it; put a value in quotes that begins or ends oddly",
    ),
    _Cause(
        r"expected '-' indicator|block collection|parsing a block sequence",
        "this does not belong to the list around it",
        "begin it with `- `, indented as the entries beside it",
    ),
    _Cause(r"sequence entries are not allowed", "a list entry where none can be", "begin the list on its own line"),
    _Cause(r"block scalar", "the text after `|` or `>` begins in an odd way", "indent all its lines alike"),
    _Cause(
        r"unknown escape|escape sequence|hexdecimal|hexadecimal|Unicode character",
        "an escape that YAML does not have",
        "in double quotes write `\\\\` for a backslash; or use single quotes",
    ),
    _Cause(r"anchor|alias", "a text that begins with `*` or `&`", "put it in quotes"),
    _Cause(r"\btag\b", "a tag", "put a text that begins with `!` in quotes"),
    _Cause(r"directive", "a line that begins with `%`", "put the text in quotes"),
    _Cause(r"document start", "something after the end of the document", "check the indentation"),
)


def explain(error: yaml.YAMLError, text: str) -> tuple[int, int, str, str, str]:
    """Line, column, path (empty), what is wrong and what would be right."""
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed")
    context = str(getattr(error, "context", None) or "")
    mark: Any = getattr(error, "problem_mark", None)
    begin: Any = getattr(error, "context_mark", None)
    wrong, right, at_context = f"this is not YAML: {problem}", "check quotes, colons and indentation", False
    for cause in _CAUSES:
        if re.search(cause.pattern, f"{context} {problem}"):
            _, wrong, right, at_context = cause
            break
    last = text.rstrip("\n").count("\n")
    if mark is None or (begin is not None and (at_context or mark.line > last)):
        mark = begin or mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    if mark is not None and _at_tab(text, mark.line, mark.column):
        wrong, right = "a tab", "indent with spaces"
    return line, column, "", wrong, right


def _at_tab(text: str, line: int, column: int) -> bool:
    lines = text.split("\n")
    return line < len(lines) and lines[line][column : column + 1] == "\t"
