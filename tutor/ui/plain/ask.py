"""Questions to the person at the keyboard, read without taking more from the input than one line.

The lab's shell reads from the same input, so nothing may be buffered past the line that was asked for.
"""

from __future__ import annotations

import os
import sys

from tutor.ui.plain.page import Page


class InputEnded(Exception):
    """There are no more lines: the pipe is empty, or ctrl-d was pressed."""


def read_line(prompt: str) -> str:
    """Show a prompt and read one line, stripped.

    Raises:
        InputEnded: The input is at its end.
    """
    sys.stdout.write(prompt)
    sys.stdout.flush()
    if sys.stdin.isatty():
        try:
            return input().strip()
        except EOFError:
            sys.stdout.write("\n")
            raise InputEnded from None
    line = bytearray()
    descriptor = sys.stdin.fileno()
    while True:
        byte = os.read(descriptor, 1)
        if not byte and not line:
            sys.stdout.write("\n")
            raise InputEnded
        if not byte or byte == b"\n":
            break
        line += byte
    text = line.decode("utf-8", "replace").strip()
    sys.stdout.write(f"{text}\n")  # so that a transcript of a pipe reads like a conversation
    return text


def pause(page: Page, prompt: str = "Press Enter to go on, or q to leave: ") -> bool:
    """Wait for Enter; False when the learner wants to leave."""
    page.line()
    return read_line(prompt).lower() not in {"q", "quit", "leave"}


PASS = "?"
"""What is typed for "I do not know"."""


def choice(count: int, prompt: str, *, several: bool = False, may_pass: bool = False) -> list[int]:
    """Ask for one letter, or for several, among the first `count`; returns indexes. Asks again until it can be read.

    Args:
        may_pass: Whether `PASS` is an answer too: no index.
    """
    letters = [chr(ord("a") + n) for n in range(count)]
    while True:
        text = read_line(prompt).lower().replace(",", " ")
        if may_pass and text == PASS:
            return []
        wanted = text.split() if " " in text or not several else list(text)
        indexes = [letters.index(w) for w in wanted if w in letters]
        if len(indexes) == len(wanted) == len(set(indexes)) and (len(indexes) == 1 or (several and indexes)):
            return indexes
        example = "letters, such as a c" if several else "one letter"
        sys.stdout.write(f"Please type {example}, from {letters[0]} to {letters[-1]}.\n")


def key(page: Page, choices: dict[str, str], prompt: str = "") -> str:
    """Ask for one of some keys, told with what they do; Enter is the empty key. Asks again until it can be read."""
    page.line()
    words = prompt or ", ".join(f"{name or 'Enter'} {does}" for name, does in choices.items())
    while True:
        text = read_line(f"{words}: ").lower()
        if text in choices:
            return text
        sys.stdout.write(f"Please type {', '.join(name for name in choices if name)}, or Enter.\n")


def number(last: int, prompt: str, *, may_pass: bool = False) -> int:
    """Ask for a whole number from 1 to `last`; 0 for `PASS`, where that is allowed."""
    while True:
        text = read_line(prompt)
        if may_pass and text == PASS:
            return 0
        if text.isascii() and text.isdigit() and 1 <= int(text) <= last:
            return int(text)
        sys.stdout.write(f"Please type a number from 1 to {last}.\n")
