"""What somebody else printed cannot steer the learner's terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.lab.verdict import Finding
from tutor.printable import printable
from tutor.problems import Problem

SAID = {
    "colour": ("\x1b[1;31mred\x1b[0m", "red"),
    "window title": ("a\x1b]0;owned\x07b", "ab"),
    "clipboard": ("a\x1b]52;c;cm0gLXJm\x1b\\b", "ab"),
    "a string that never ends": ("kept\x1b]52;c;cm0gLXJm", "kept"),
    "device control": ("a\x1bP1$r0m\x1b\\b", "ab"),
    "eight-bit controls": ("a\x9b2Jb\x9d0;t\x9cc", "abc"),
    "cursor": ("\x1b[2J\x1b[1;1Hgone", "gone"),
    "a progress bar": ("10 %\r50 %\rdone\n", "done\n"),
    "line ends of Windows": ("one\r\ntwo\r\n", "one\ntwo\n"),
    "bell and backspace": ("a\a\bb\x7f", "ab"),
    "escape at the end": ("a\x1b", "a"),
    "character set": ("\x1b(0lqk\x1b(B", "lqk"),
    "turned around": ("a\u202egpj.exe\u202c", "agpj.exe"),
    "tabs and wide characters": ("a\tb\n日本 é", "a\tb\n日本 é"),
}


@pytest.mark.parametrize(("said", "shown"), SAID.values(), ids=SAID)
def test_what_is_left(said: str, shown: str) -> None:
    assert printable(said) == shown


@given(st.text(st.sampled_from("ab\x1b[];P0m\\\r\n\t\a\x9b\x9d\x9c\u202e日")))
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    shown = printable(text)
    assert all(char.isprintable() or char in "\n\t" for char in shown)
    assert printable(shown) == shown


@given(st.text(st.characters(exclude_categories=("C",))))
def test_ordinary_text_stays(text: str) -> None:
    assert printable(text) == text


def test_an_engines_words_in_findings_and_problems() -> None:
    found = Finding(summary="`web` says \x1b]0;x\x07hello.", expected="a", found="\x1b[31mb")
    assert (found.summary, found.expected, found.found) == ("`web` says hello.", "a", "b")
    assert str(Problem("No such image: \x1b[2Jx.", "Pull \x9b1mit.")) == "No such image: x. Pull it."
