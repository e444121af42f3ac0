from __future__ import annotations

import pytest

from tutor.terminal.keys import (
    Action,
    Key,
    Mouse,
    encode_focus,
    encode_key,
    encode_mouse,
    encode_paste,
    encode_wheel_as_keys,
)


@pytest.mark.parametrize(
    ("chord", "character", "expected"),
    [
        ("a", "a", b"a"),
        ("A", "A", b"A"),
        ("upper_a", "A", b"A"),
        ("ä", "ä", "ä".encode()),
        ("space", " ", b" "),
        ("enter", "\r", b"\r"),
        ("tab", "\t", b"\t"),
        ("shift+tab", None, b"\x1b[Z"),
        ("escape", "\x1b", b"\x1b"),
        ("backspace", "\x7f", b"\x7f"),
        ("alt+backspace", None, b"\x1b\x7f"),
        ("ctrl+backspace", None, b"\b"),
        ("up", None, b"\x1b[A"),
        ("end", None, b"\x1b[F"),
        ("ctrl+left", None, b"\x1b[1;5D"),
        ("shift+alt+home", None, b"\x1b[1;4H"),
        ("meta+b", None, b"\x1bb"),
        ("alt+B", None, b"\x1bB"),
        ("alt+enter", None, b"\x1b\r"),
        ("delete", None, b"\x1b[3~"),
        ("ctrl+pagedown", None, b"\x1b[6;5~"),
        ("f1", None, b"\x1bOP"),
        ("shift+f3", None, b"\x1b[1;2R"),
        ("f5", None, b"\x1b[15~"),
        ("ctrl+f12", None, b"\x1b[24;5~"),
        ("ctrl+c", "\x03", b"\x03"),
        ("ctrl+c", None, b"\x03"),
        ("ctrl+p", None, b"\x10"),
        ("ctrl+q", None, b"\x11"),
        ("ctrl+z", None, b"\x1a"),
        ("ctrl+space", None, b"\0"),
        ("ctrl+@", None, b"\0"),
        ("ctrl+left_square_bracket", None, b"\x1b"),
        ("ctrl+backslash", None, b"\x1c"),
        ("ctrl+right_square_bracket", None, b"\x1d"),
        ("ctrl+circumflex_accent", None, b"\x1e"),
        ("ctrl+underscore", None, b"\x1f"),
        ("ctrl+slash", None, b"\x1f"),
        ("ctrl+question_mark", None, b"\x7f"),
        ("ctrl+alt+c", None, b"\x1b\x03"),
        ("ctrl+enter", None, b"\r"),
        ("+", "+", b"+"),
        ("ctrl++", None, b""),
        ("super+a", "a", b""),
        ("menu", None, b""),
        ("ctrl+shift+c", None, b"\x03"),
        ("left_square_bracket", "[", b"["),
        ("alt+full_stop", None, b"\x1b."),
    ],
)
def test_keys(chord: str, character: str | None, expected: bytes):
    assert encode_key(Key.parse(chord, character)) == expected


def test_modes_change_keys():
    assert encode_key(Key("up"), app_cursor=True) == b"\x1bOA"
    assert encode_key(Key("up", shift=True), app_cursor=True) == b"\x1b[1;2A"
    assert encode_key(Key("enter"), newline=True) == b"\r\n"


def test_every_control_key_reaches_the_program():
    for letter in "abcdefghijklmnopqrstuvwxyz":
        assert encode_key(Key.parse(f"ctrl+{letter}")) == bytes([ord(letter) & 0x1F])


@pytest.mark.parametrize(
    ("mouse", "modes", "expected"),
    [
        (Mouse(Action.PRESS, 4, 2, 1), {1000, 1006}, b"\x1b[<0;5;3M"),
        (Mouse(Action.RELEASE, 4, 2, 1), {1000, 1006}, b"\x1b[<0;5;3m"),
        (Mouse(Action.RELEASE, 4, 2, 3), {1000}, b"\x1b[M\x23\x25\x23"),
        (Mouse(Action.PRESS, 4, 2, 3, ctrl=True), {1000, 1006}, b"\x1b[<18;5;3M"),
        (Mouse(Action.PRESS, 4, 2, 2, shift=True, alt=True), {1000, 1006}, b"\x1b[<13;5;3M"),
        (Mouse(Action.WHEEL_UP, 0, 0), {1000, 1006}, b"\x1b[<64;1;1M"),
        (Mouse(Action.WHEEL_DOWN, 0, 0), {1000}, b"\x1b[M\x61\x21\x21"),
        (Mouse(Action.MOVE, 4, 2, 1), {1002, 1006}, b"\x1b[<32;5;3M"),
        (Mouse(Action.MOVE, 4, 2, 1), {1000, 1006}, b""),
        (Mouse(Action.MOVE, 4, 2), {1002, 1006}, b""),
        (Mouse(Action.MOVE, 4, 2), {1003, 1006}, b"\x1b[<35;5;3M"),
        (Mouse(Action.PRESS, 300, 2, 1), {1000, 1006}, b"\x1b[<0;301;3M"),
        (Mouse(Action.PRESS, 300, 2, 1), {1000}, b""),
        (Mouse(Action.PRESS, 4, 2, 1, ctrl=True), {9}, b"\x1b[M\x20\x25\x23"),
        (Mouse(Action.RELEASE, 4, 2, 1), {9}, b""),
        (Mouse(Action.PRESS, 4, 2, 1), {1006}, b""),
        (Mouse(Action.PRESS, -1, 2, 1), {1000}, b""),
    ],
)
def test_mouse(mouse: Mouse, modes: set[int], expected: bytes):
    assert encode_mouse(mouse, modes) == expected


def test_wheel_as_keys():
    assert encode_wheel_as_keys(-3) == b"\x1b[A" * 3
    assert encode_wheel_as_keys(2, app_cursor=True) == b"\x1bOB" * 2


def test_paste_cannot_leave_its_bracket():
    evil = "ls\x1b[201~\nrm -rf /\x03\x9b201~\x7f"
    assert encode_paste(evil, bracketed=True) == b"\x1b[200~ls[201~\rrm -rf /201~\x1b[201~"
    assert encode_paste("a\tb\r\nc\nd", bracketed=False) == b"a\tb\rc\rd"
    assert encode_paste("half \ud83d", bracketed=False) == b"half ?"


def test_a_big_paste_stays_whole():
    text = "ünï " * 25_000
    assert encode_paste(text, bracketed=True) == b"\x1b[200~" + text.encode() + b"\x1b[201~"


def test_focus():
    assert (encode_focus(True), encode_focus(False)) == (b"\x1b[I", b"\x1b[O")
