"""A course file's text and the places in it: from a path in the document to line and column."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tutor.course._nodes import Node, parse
from tutor.course.errors import CourseError

LIMIT = 256 * 1024
"""Largest course file in bytes; a long chapter has about 40,000."""

_SHOWN = 20
"""So many bad characters of one file are told one by one."""

# What libyaml refuses (YAML 1.1, 5.1), and what it takes for a line break while editors do not.
_BAD = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|\r(?!\n)")

_PLAIN = bytes([9, 10, *range(32, 127)])


@dataclass(frozen=True)
class Source:
    """One file of a course as text.

    Attributes:
        path: Where it is.
        name: How it is called in messages: relative to the current folder where it lies below.
        text: Its content, without byte order mark.
    """

    path: Path
    name: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines as an editor counts them."""
        return self.text.split("\n")

    @cached_property
    def tree(self) -> Node | None:
        """The document as nodes with their places; None when it is not YAML."""
        return parse(self.text)[0]

    def at(self, path: Sequence[str | int], key: bool = False) -> tuple[int, int]:
        """Line and column of a value in the document, or of the nearest one around it that is there.

        Args:
            path: Keys and indexes as they are written in YAML: `("sections", 0, "text", "body")`.
            key: The place of the last key instead of its value.
        """
        node = self.tree
        if node is None:
            return 1, 1
        place = (node.line, node.column)
        for depth, part in enumerate(path):
            if key and depth == len(path) - 1 and isinstance(part, str) and (named := node.key(part)):
                return named.line, named.column
            inner = node.child(part)
            if inner is None:
                return place
            node, place = inner, (inner.line, inner.column)
        return place

    def inside(self, path: Sequence[str | int], offset: int) -> tuple[int, int]:
        """Line and column of a place in a text: exact in a literal block (`|`) and on one line, else where it begins.

        Args:
            path: As for `at`.
            offset: Index of a character in the value.
        """
        node = self.tree
        for part in path:
            node = node.child(part) if node else None
        if node is None or node.kind != "scalar":
            return self.at(path)
        text = str(node.value)
        if node.style == "|":
            line = node.line + 1 + text.count("\n", 0, offset)
            column = offset - (text.rfind("\n", 0, offset) + 1)
            if line <= len(self.lines):
                written = self.lines[line - 1]
                row = text.split("\n")[line - node.line - 1]
                return line, column + 1 + max(0, len(written.rstrip("\r")) - len(row))
        skip = len(node.style)
        if node.line <= len(self.lines) and self.lines[node.line - 1].startswith(text, node.column - 1 + skip):
            return node.line, node.column + skip + offset
        return node.line, node.column

    def error(self, line: int, column: int, path: str, wrong: str, right: str) -> CourseError:
        """An error in this file, its place kept within the file."""
        line = min(max(1, line), len(self.lines))
        column = min(max(1, column), len(self.lines[line - 1]) + 1)
        return CourseError(self.name, line, column, path, wrong, right)


def shown(path: Path) -> str:
    """A path as people call it: relative where it lies in the current folder, else in full."""
    try:
        path = path.absolute().relative_to(Path.cwd())
    except (ValueError, OSError):
        path = path.absolute()
    # A name that is not UTF-8 must not stop the message from being printed.
    return os.fsencode(path).decode("utf-8", "replace")


def read_source(path: Path) -> tuple[Source | None, tuple[CourseError, ...]]:
    """Read one file.

    Returns:
        The source, or None and why its bytes are not the text of a course file.
    """
    name = shown(path)
    try:
        if path.exists() and not path.is_file():
            # A pipe would be waited on for ever.
            return None, (CourseError(name, 1, 1, "", "this is not a file", "give a chapter's file"),)
        with path.open("rb") as file:
            raw = file.read(LIMIT + 1)
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        wrong = f"the file cannot be read: {reason}"
        return None, (CourseError(name, 1, 1, "", wrong, "give a file that can be read"),)
    if len(raw) > LIMIT:
        wrong = f"the file is larger than {LIMIT // 1024} KiB"
        return None, (CourseError(name, 1, 1, "", wrong, "split it into two chapters"),)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8").removeprefix("\ufeff")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        wrong = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            wrong = "the file is UTF-16"
        return None, (CourseError(name, line, column, "", wrong, "save the file as UTF-8"),)
    text = text.removeprefix("\ufeff")
    source = Source(path, name, text)
    if not raw.translate(None, _PLAIN):
        return source, ()
    errors = []
    for match in _BAD.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - (text.rfind("\n", 0, match.start()) + 1) + 1
        errors.append(CourseError(name, line, column, "", *_bad_character(match[0])))
        if len(errors) == _SHOWN:
            break
    return (None if errors else source), tuple(errors)


def _bad_character(character: str) -> tuple[str, str]:
    if character == "\r":
        return "a carriage return without a line feed", "end lines with a line feed"
    if character in "\x85\u2028\u2029":
        return f"the line separator U+{ord(character):04X}, which YAML counts as a new line", "write a plain line break"
    if character == "\0":
        return "a NUL character", "remove it"
    return f"the control character U+{ord(character):04X}", "remove it; in double quotes it may be escaped"
