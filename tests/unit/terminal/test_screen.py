"""What the oracle does not judge: strings, answers, marks, and the places where we differ on purpose."""

from __future__ import annotations

import base64

import pytest

from tutor.terminal.emulator import BOLD, REVERSE, TRUE_COLOUR, Host, Screen, Style, rgb


class Notes(Host):
    def __init__(self) -> None:
        self.replies = b""
        self.notes: list[tuple[str, object]] = []

    def reply(self, data: bytes) -> None:
        self.replies += data

    def bell(self) -> None:
        self.notes.append(("bell", None))

    def title(self, text: str) -> None:
        self.notes.append(("title", text))

    def copy(self, text: str) -> None:
        self.notes.append(("copy", text))

    def directory(self, url: str) -> None:
        self.notes.append(("directory", url))

    def command_started(self, text: str) -> None:
        self.notes.append(("started", text))

    def command_ended(self, status: int | None) -> None:
        self.notes.append(("ended", status))


def make(cols: int = 20, rows: int = 5) -> tuple[Screen, Notes]:
    notes = Notes()
    return Screen(cols, rows, host=notes), notes


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (b"\x1b[c", b"\x1b[?62;22;52c"),
        (b"\x1bZ", b"\x1b[?62;22;52c"),
        (b"\x1b[>c", b"\x1b[>1;10;0c"),
        (b"\x1b[>0q", b"\x1bP>|docker-tutor\x1b\\"),
        (b"\x1b[18t", b"\x1b[8;5;20t"),
        (b"\x1b[?6n", b"\x1b[?1;1;1R"),
        (b"\x1b[?2027$p", b"\x1b[?2027;3$y"),
        (b"\x1b]11;?\x07", b"\x1b]11;rgb:1010/1414/1818\x07"),
        (b"\x1b]10;?;?\x1b\\", b"\x1b]10;rgb:d8d8/dede/e9e9\x1b\\\x1b]11;rgb:1010/1414/1818\x1b\\"),
        (b"\x1b]4;1;?;999;?;x;?\x07", b"\x1b]4;1;rgb:cdcd/0000/0000\x07"),
        (b"\x1b]4;21;?\x07", b"\x1b]4;21;rgb:0000/0000/ffff\x07"),
        (b"\x1b[1;4:3;38;2;1;2;3;48;5;9m\x1bP$qm\x1b\\", b"\x1bP1$r0;1;4:3;38:2::1:2:3;101m\x1b\\"),
        (b"\x1bP$qx\x1b\\", b"\x1bP0$r\x1b\\"),
        (b"\x1bP+q436f;zz;524742\x1b\\", b"\x1bP1+r436f=323536\x1b\\\x1bP0+r\x1b\\\x1bP1+r524742=382F382F38\x1b\\"),
        (b"\x1b]52;c;?\x07", b""),  # the clipboard is not for programs to read
        (b"\x1b[?u", b""),  # no kitty keyboard
        (b"\x1b[14t\x1b[21t", b""),  # no pixels, and a title is never sent back
        (b"\x05", b""),
    ],
)  # fmt: skip
def test_answers(asked: bytes, answer: bytes):
    screen, notes = make()
    screen.feed(asked)
    assert notes.replies == answer
    assert screen.text() == ""


def test_titles_and_their_stack():
    screen, notes = make()
    screen.feed(b"\x1b]0;one\x07\x1b[22;0t\x1b]2;two \xc3\xbc\x1b\\\x1b[23;0t\x1b[23;0t")
    assert notes.notes == [("title", "one"), ("title", "two ü"), ("title", "one")]
    screen.feed(b"\x1b]0;bad\x01\n\x7fname\x07")
    assert screen.title == "badname"


def test_clipboard_can_be_written():
    screen, notes = make()
    text = "größe " * 16_000
    screen.feed(b"\x1b]52;c;" + base64.b64encode(text.encode()) + b"\x07\x1b]52;c;not base64!\x07")
    assert notes.notes == [("copy", text)]


def test_links():
    screen, _ = make()
    screen.feed(b"a\x1b]8;id=1;http://example.com/\x1b\\b\x1b[1mc\x1b[0md\x1b]8;;\x1b\\e")
    assert [style.link for style in screen.lines[0].styles()[:5]] == [None, *["http://example.com/"] * 3, None]
    assert screen.lines[0].style(2).flags == BOLD


def test_strings_that_mean_nothing_here_leave_no_trace():
    screen, notes = make()
    screen.feed(
        b"a\x1bPq#0;2;0;0;0~-\x1b\\\x1b_Gf=100;data\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\\x1b]1337;File=:xx\x07\x1b]9;hi\x07b"
    )
    assert screen.text() == "ab"
    assert notes.notes == [] and notes.replies == b""


def test_bell_directory_and_cancelled_sequences():
    screen, notes = make()
    screen.feed(b"\x07\x1b]7;file://lab/tmp\x07\x1b]0;never\x18x\x1b[31\x18y")
    assert notes.notes == [("bell", None), ("directory", "file://lab/tmp")]
    assert screen.text() == "xy"
    assert screen.directory == "file://lab/tmp"


def test_prompt_marks_tell_the_command():
    screen, notes = make(20, 8)
    prompt = b"\x1b]133;A\x07$ \x1b]133;B\x07"
    screen.feed(prompt + b"docker run --rm hello-world\r\n\x1b]133;C\x07")
    assert screen.running == "docker run --rm hello-world"
    screen.feed(b"output\r\n\x1b]133;D;125\x07" + prompt)
    assert screen.running is None and screen.last_status == 125
    screen.feed(b"for i in 1; do\r\n> ls\r\n> done\r\n\x1b]133;C\x07\x1b]133;D\x07")
    assert notes.notes == [
        ("started", "docker run --rm hello-world"),
        ("ended", 125),
        ("started", "for i in 1; do\n> ls\n> done"),
        ("ended", None),
    ]
    assert [screen.line_at(row).text[:3] for row in screen.prompts()] == ["$ d", "$ f"]


def test_prompt_marks_survive_a_resize():
    screen, _ = make(40, 6)
    screen.feed(b"old\r\n\x1b]133;A\x07user@lab:/long/path$ \x1b]133;B\x07docker ps --all")
    screen.resize(15, 6)
    assert [screen.line_at(row).text for row in screen.prompts()] == ["user@lab:/long/"]
    screen.feed(b"\r\n\x1b]133;C\x07")
    assert screen.running == "docker ps --all"
    screen.feed(b"\x1b]133;D;0\x07\x1b]133;C;cmdline_url=docker%20ps\x07")
    assert screen.running == "docker ps"


def test_modes_that_the_view_needs():
    screen, _ = make()
    assert (screen.mouse, screen.synchronized, screen.cursor_visible, screen.app_keypad) == (0, False, True, False)
    screen.feed(b"\x1b[?1000;1002;1006h\x1b[?2026h\x1b[?25l\x1b[?2004;1004;1h\x1b=\x1b[5 q")
    assert (screen.mouse, screen.synchronized, screen.cursor_visible, screen.app_keypad) == (1002, True, False, True)
    assert {1, 1004, 1006, 2004} <= screen.modes
    assert screen.cursor_style == 5
    screen.feed(b"\x1b[?2004s\x1b[?2004l\x1b[?1002l\x1b[?2004r\x1b[?31337h")
    assert 2004 in screen.modes and screen.mouse == 0 and 31337 not in screen.modes


def test_soft_reset_keeps_text_and_cursor():
    screen, _ = make()
    screen.feed(b"\x1b[2;4r\x1b[?6h\x1b[4h\x1b[1;31m\x1b(0\x1b[2;3H\x1b[!pqx")
    assert screen.lines[2].text == "  qx"
    assert screen.lines[2].style(2) == Style()
    assert (screen.top, screen.bottom, screen.origin, screen.insert_mode) == (0, 4, False, False)


def test_zero_is_one():
    screen, _ = make()
    screen.feed(b"a\r\nb\x1b[0A\x1b[0Cx\x1b[0D\x1b[0Dy\x1b[0;0Hz\x1b[0L")
    assert screen.text() == "\nz yx\nb".replace("z yx", "zyx")


def test_line_drawing_keeps_other_characters():
    screen, _ = make()
    screen.feed("\x1b(0lqk你\x1b(Bq\x1b)0\x0ex\x0fx".encode())
    assert screen.text() == "┌─┐你q│x"


def test_delete_and_c1_draw_nothing():
    screen, _ = make()
    screen.feed("a\x7fb\x9b31mc".encode())
    assert screen.text() == "ab31mc"


def test_kitty_sequences_do_not_move_the_cursor():
    screen, _ = make()
    screen.feed(b"\x1b[sab\x1b[>1u\x1b[<u\x1b[=1;1uc")
    assert screen.text() == "abc"


def test_colours_in_every_form():
    screen, _ = make()
    screen.feed(
        b"\x1b[38;5;200;48;2;1;2;300ma\x1b[38:2::9:8:7mb\x1b[38:2:9:8:7mc\x1b[38:5:77md\x1b[0;97;107me\x1b[0;7;58;2;1;2;3mf\x1b[38mg"
    )
    looks = screen.lines[0].styles()
    assert (looks[0].fg, looks[0].bg) == (200, TRUE_COLOUR | 0x01022C)
    assert looks[1].fg == looks[2].fg == TRUE_COLOUR | 0x090807
    assert rgb(looks[1].fg or 0) == (9, 8, 7)
    assert looks[3].fg == 77
    assert looks[4] == Style(15, 15)
    assert looks[5] == looks[6] == Style(flags=REVERSE)


def test_alternate_screens_cursor_and_scrollback():
    screen, _ = make(10, 3)
    screen.feed(b"1\r\n2\r\n3\r\n4\x1b[?1049h\x1b[Hfull\r\n\n\n\n\nscreen")
    assert screen.total == 3 and screen.text() == "\n\nscreen"
    screen.feed(b"\x1b[?1049l!")
    assert screen.text() == "2\n3\n4!" and screen.total == 4


def test_scrollback_has_a_limit():
    screen = Screen(10, 3, scrollback=5)
    screen.feed(b"".join(b"%d\r\n" % number for number in range(100)))
    assert [screen.line_at(row).text for row in range(screen.total)] == ["93", "94", "95", "96", "97", "98", "99", ""]
    assert screen.dropped == 93
    with pytest.raises(IndexError):
        screen.line_at(8)
    with pytest.raises(IndexError):
        screen.line_at(-1)
    screen.feed(b"\x1b[3J")
    assert screen.total == 3 and screen.dropped == 98
    assert Screen(10, 3, scrollback=0).total == 3
