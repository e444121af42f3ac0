"""What a person does, as the bytes a program of TERM=xterm-256color expects.

Sequences after https://invisible-island.net/xterm/ctlseqs/ctlseqs.html ("PC-Style Function Keys",
"Mouse Tracking", "Bracketed Paste Mode").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

_CURSOR = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}
_FUNCTION = {"f1": "P", "f2": "Q", "f3": "R", "f4": "S"}
_TILDE = {
    "insert": 2,
    "delete": 3,
    "pageup": 5,
    "pagedown": 6,
    "f5": 15,
    "f6": 17,
    "f7": 18,
    "f8": 19,
    "f9": 20,
    "f10": 21,
    "f11": 23,
    "f12": 24,
    # xterm's terminfo has the shifted ones as further keys.
    "f13": 25,
    "f14": 26,
    "f15": 28,
    "f16": 29,
    "f17": 31,
    "f18": 32,
    "f19": 33,
    "f20": 34,
}
_NAMED = {"enter": "\r", "return": "\r", "tab": "\t", "escape": "\x1b", "backspace": "\x7f", "space": " "}
_CONTROL = {
    "space": "\0",
    "2": "\0",
    "3": "\x1b",
    "4": "\x1c",
    "5": "\x1d",
    "6": "\x1e",
    "7": "\x1f",
    "8": "\x7f",
    "/": "\x1f",
    "-": "\x1f",
    "?": "\x7f",
    "backspace": "\b",
}
_PUNCTUATION = {
    "at": "@",
    "backslash": "\\",
    "circumflex_accent": "^",
    "comma": ",",
    "full_stop": ".",
    "grave_accent": "`",
    "hyphen": "-",
    "left_square_bracket": "[",
    "minus": "-",
    "question_mark": "?",
    "right_square_bracket": "]",
    "slash": "/",
    "tilde": "~",
    "underscore": "_",
}
_MODIFIERS = ("shift", "alt", "ctrl", "meta", "super", "hyper")
_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Key:
    """A key press.

    Args:
        name: The key in lower case: `a`, `7`, `up`, `f5`, `enter`, `left_square_bracket` …
        character: What it types, when it types something.
        shift, alt, ctrl: Modifiers held.
        foreign: A modifier is held that terminals know nothing of (super, hyper).
    """

    name: str
    character: str | None = None
    shift: bool = False
    alt: bool = False
    ctrl: bool = False
    foreign: bool = False

    @classmethod
    def parse(cls, chord: str, character: str | None = None) -> Key:
        """A key from a chord such as `ctrl+shift+left`."""
        parts = chord.split("+")
        held: set[str] = set()
        while len(parts) > 1 and parts[0] in _MODIFIERS:
            held.add(parts.pop(0))
        name = "+".join(parts) or "+"
        return cls(
            name if len(name) == 1 else name.lower(),
            character,
            shift="shift" in held,
            alt=bool(held & {"alt", "meta"}),
            ctrl="ctrl" in held,
            foreign=bool(held & {"super", "hyper"}),
        )


def encode_key(key: Key, *, app_cursor: bool = False, newline: bool = False) -> bytes:
    """The bytes of a key press; empty when terminals have none for it.

    Args:
        key: What was pressed.
        app_cursor: Mode 1, `1 in Screen.modes`.
        newline: Newline mode, `Screen.newline_mode`: enter sends CR LF.
    """
    if key.foreign:
        return b""
    modifier = 1 + key.shift + 2 * key.alt + 4 * key.ctrl
    if final := _CURSOR.get(key.name):
        if modifier > 1:
            return f"\x1b[1;{modifier}{final}".encode()
        return f"\x1b{'O' if app_cursor else '['}{final}".encode()
    if final := _FUNCTION.get(key.name):
        return (f"\x1b[1;{modifier}{final}" if modifier > 1 else f"\x1bO{final}").encode()
    if number := _TILDE.get(key.name):
        return (f"\x1b[{number};{modifier}~" if modifier > 1 else f"\x1b[{number}~").encode()
    if key.name == "tab" and key.shift:
        return b"\x1b\x1b[Z" if key.alt else b"\x1b[Z"
    text = _control(key) if key.ctrl else _typed(key)
    if text == "\r" and newline:
        text = "\r\n"
    return f"\x1b{text}".encode() if key.alt and text else text.encode()


def _typed(key: Key) -> str:
    if key.name in _NAMED:
        return _NAMED[key.name]
    if key.character:
        return key.character
    name = _PUNCTUATION.get(key.name, key.name)
    if len(name) != 1:
        return ""
    return name.upper() if key.shift else name


def _control(key: Key) -> str:
    name = _PUNCTUATION.get(key.name, key.name)
    if name in _CONTROL:
        return _CONTROL[name]
    if len(name) == 1 and "@" <= name.upper() <= "_":
        return chr(ord(name.upper()) & 0x1F)
    return _typed(replace(key, ctrl=False)) if name in _NAMED else ""


class Action(Enum):
    """What a mouse did."""

    PRESS = "press"
    RELEASE = "release"
    MOVE = "move"
    WHEEL_UP = "wheel up"
    WHEEL_DOWN = "wheel down"
    WHEEL_LEFT = "wheel left"
    WHEEL_RIGHT = "wheel right"


_WHEEL = {Action.WHEEL_UP: 64, Action.WHEEL_DOWN: 65, Action.WHEEL_LEFT: 66, Action.WHEEL_RIGHT: 67}


@dataclass(frozen=True, slots=True)
class Mouse:
    """A mouse event on the screen.

    Args:
        action: What happened.
        column, row: Where, from 0.
        button: 1 left, 2 middle, 3 right; 0 for moving with none held.
        shift, alt, ctrl: Modifiers held.
    """

    action: Action
    column: int
    row: int
    button: int = 0
    shift: bool = False
    alt: bool = False
    ctrl: bool = False


def encode_mouse(mouse: Mouse, modes: Iterable[int]) -> bytes:
    """The bytes of a mouse event; empty when the program did not ask for it.

    Args:
        mouse: The event.
        modes: `Screen.modes`.
    """
    modes = frozenset(modes)
    tracking = max(modes & {9, 1000, 1002, 1003}, default=0)
    moving, released = mouse.action is Action.MOVE, mouse.action is Action.RELEASE
    if not tracking or mouse.row < 0 or mouse.column < 0:
        return b""
    if moving and (tracking < 1002 or (tracking == 1002 and not mouse.button)):
        return b""
    if tracking == 9 and mouse.action is not Action.PRESS:
        return b""
    code = _WHEEL.get(mouse.action, mouse.button - 1 if mouse.button else 3)
    code += 32 * moving
    if tracking != 9:
        code += 4 * mouse.shift + 8 * mouse.alt + 16 * mouse.ctrl
    column, row = mouse.column + 1, mouse.row + 1
    if 1006 in modes:
        return f"\x1b[<{code};{column};{row}{'m' if released else 'M'}".encode()
    if max(column, row) > 223:
        return b""  # one byte each is all the old form has
    if released:
        code |= 3
    return b"\x1b[M" + bytes((32 + code, 32 + column, 32 + row))


def encode_wheel_as_keys(lines: int, *, app_cursor: bool = False) -> bytes:
    """The wheel as cursor keys, for full-screen programs that did not ask for a mouse (mode 1007).

    Args:
        lines: How far; negative is up.
        app_cursor: Mode 1.
    """
    return encode_key(Key("up" if lines < 0 else "down"), app_cursor=app_cursor) * abs(lines)


def encode_paste(text: str, *, bracketed: bool) -> bytes:
    """Text from a clipboard, as if typed.

    Control characters but tab and line ends are left out: an escape in it could end the bracket and
    run what follows. Line ends become what Enter sends.

    Args:
        text: The clipboard.
        bracketed: `2004 in Screen.modes`.
    """
    clean = _UNSAFE.sub("", text.replace("\r\n", "\r").replace("\n", "\r"))
    data = clean.encode("utf-8", "replace")
    return b"\x1b[200~" + data + b"\x1b[201~" if bracketed else data


def encode_focus(focused: bool) -> bytes:
    """Focus came or went, for programs that set mode 1004."""
    return b"\x1b[I" if focused else b"\x1b[O"
