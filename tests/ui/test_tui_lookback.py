"""Reading the shell's output back: moving, searching, selecting; pure, and in the widget."""

from __future__ import annotations

import base64

import pytest

from tests.ui.test_tui_shell import shell, shown
from tests.ui.tui_app import until
from tutor.terminal.emulator import Position, Screen
from tutor.ui.tui import clipboard
from tutor.ui.tui.shell.lookback import KEYS, Lookback


def reader(text: str, cols: int = 20, rows: int = 5, scrollback: int = 100) -> Lookback:
    screen = Screen(cols, rows, scrollback=scrollback)
    screen.feed(text.replace("\n", "\r\n").encode())
    return Lookback.begin(screen)


def press(back: Lookback, *keys: str) -> str:
    after = "stay"
    for key in keys:
        after = back.key({" ": "space", "/": "slash"}.get(key, key), key if len(key) == 1 else None, 5)
    return after


NUMBERS = "".join(f"line {n}\n" for n in range(30)) + "$ "


def test_moving_stays_inside() -> None:
    back = reader(NUMBERS)
    assert back.cursor == Position(30, 2)
    press(back, "g", "k", "h")
    assert back.cursor == Position(0, 0)
    press(back, "G", "j", "end")
    assert back.cursor.row == 30
    press(back, "pageup", "0")
    assert back.cursor == Position(26, 0)
    press(back, "$")
    assert back.cursor == Position(26, 6)
    press(back, "0", "w")
    assert back.cursor == Position(26, 5)
    press(back, "ctrl+left")
    assert back.cursor == Position(26, 0)


def test_searching_finds_the_newest_first_and_goes_round() -> None:
    back = reader(NUMBERS)
    press(back, "/", *"line 2")
    assert back.words() == "/line 2▏   11 found"
    assert back.cursor == Position(29, 0)
    press(back, "enter", "n")
    assert back.cursor == Position(28, 0)
    assert back.words().startswith("“line 2” 10 of 11")
    press(back, "N", "N")
    assert back.cursor == Position(2, 0)
    press(back, "/", *"nothing", "enter")
    assert back.matches == []
    press(back, "/", *"x", "backspace", "backspace")
    assert back.typing is None
    assert back.words() == KEYS


def test_selecting_by_cells_and_by_lines() -> None:
    back = reader("the quick brown fox\njumps\n$ ")
    press(back, "g", "w", " ", *"llll")
    assert back.text() == "quick"
    assert press(back, "y") == "copy"
    press(back, "V")
    assert back.text() == "the quick brown fox"
    press(back, "j")
    assert back.text() == "the quick brown fox\njumps"
    # Escape takes back one thing at a time.
    assert press(back, "escape") == "stay"
    assert back.text() == ""
    assert press(back, "escape") == "leave"
    assert press(back, "enter") == "leave"


def test_places_go_with_their_text_when_the_scrollback_drops_rows() -> None:
    back = reader(NUMBERS, scrollback=26)
    press(back, "/", *"line 28", "enter", " ")
    before = back.text()
    back.screen.feed(b"more\r\n" * 10)
    back.follow()
    assert back.text() == before == "l"
    assert back.screen.line_at(back.cursor.row).text == "line 28"
    back.screen.feed(b"more\r\n" * 100)
    back.follow()
    assert back.cursor.row == 0


def test_found_cells_of_wrapped_rows() -> None:
    back = reader("abcdefgh\n", cols=5)
    press(back, "/", *"defg", "enter")
    assert back.found_in(0) == [(3, 5)]
    assert back.found_in(1) == [(0, 2)]
    assert back.found_in(2) == []


async def test_in_the_widget_keys_move_the_reader_and_the_program_hears_none() -> None:
    async with shell() as (pilot, view):
        view.shell and view.shell.write(b"seq 100 200; echo needle in a haystack\r")
        await until(pilot, lambda: view.term.text().count("needle in a haystack") and view.at_prompt, "the output")
        before = view.term.text()
        view.look_back(searching=True)
        await pilot.press(*"123")
        await until(pilot, lambda: "123" in shown(view), "the place")
        await pilot.press("enter", "V", "j", "y")
        assert pilot.app.clipboard == "123\n124"
        assert not view.looking_back
        assert view.term.text() == before
        await pilot.press("x")
        await until(pilot, lambda: view.term.text().endswith("x"), "the key in the shell again")


async def test_output_does_not_move_the_reader() -> None:
    async with shell() as (pilot, view):
        view.shell and view.shell.write(b"seq 100 200\r")
        await until(pilot, lambda: "200" in view.term.text().split() and view.at_prompt, "the output")
        view.look_back()
        await pilot.press("pageup", "pageup")
        seen = shown(view)
        view.received(b"\r\nnews\r\n" * 5)
        await pilot.pause()
        assert shown(view) == seen
        await pilot.press("escape")
        assert view.scroll_offset.y == view.max_scroll_y


@pytest.mark.parametrize("text", ["short", "long " * 400])
def test_screen_hands_on_what_it_gets_in_pieces(text: str) -> None:
    plain = "".join(clipboard.sequences(text, {}))
    assert base64.b64decode(plain.removeprefix("\x1b]52;c;").removesuffix("\a")).decode() == text
    pieces = list(clipboard.sequences(text, {"STY": "1.pts"}))
    assert all(len(piece) <= 768 and piece.startswith("\x1bP") and piece.endswith("\x1b\\") for piece in pieces)
    assert "".join(piece[2:-2] for piece in pieces) == plain
    assert list(clipboard.sequences(text, {"STY": "1.pts", "TMUX": "x"})) == [plain]
