"""Made-up programs, drawn by us and by libghostty.

What the generator leaves out is where we differ on purpose: `DIFFERENCES`, each with who else draws it as we do.
C1 characters (as UTF-8) are no control for either, and are no part of this.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from terminal_oracle import Replies, assert_same, both, feed_both, our_picture, their_picture

from tutor.terminal.emulator import Position, Screen

_SIZES = st.sampled_from([(10, 5), (20, 6), (7, 3), (13, 8)])
_COUNT = st.sampled_from(["", "1", "2", "3", "5", "9", "30"])
_TEXT = st.text("abcdefg XYZ", min_size=1, max_size=40)
_WIDE = st.sampled_from(
    ["你好", "é", "e\u0301", "👍🏽", "👨\u200d👩\u200d👧", "─│", "🇩🇪", "❤️", "x\u0301", "文", "⌚\ufe0e"]
)
_C0 = st.sampled_from(["\r\n", "\n", "\r", "\b", "\t"])
_CODES = """0 1 2 3 4 5 7 8 9 21 22 23 24 27 29 31 42 53 55 95 103 39 49
38;5;200 48;2;1;2;3 4:3 4:0 38:2::9:8:7 38:5:77 58;5;3"""
_SGR = st.lists(st.sampled_from(_CODES.split()), min_size=1, max_size=3).map(lambda codes: f"\x1b[{';'.join(codes)}m")
_GO = st.tuples(_COUNT, _COUNT).map(lambda place: f"\x1b[{place[0]};{place[1]}H")
_REGION = st.tuples(_COUNT, _COUNT).map(lambda place: f"\x1b[{place[0]};{place[1]}r")
_ERASE = st.tuples(st.sampled_from(["", "0", "1", "2"]), st.sampled_from("JK")).map(lambda it: f"\x1b[{it[0]}{it[1]}")
_ESC = st.sampled_from(
    ["\x1b7", "\x1b8", "\x1bM", "\x1bD", "\x1bE", "\x1b[s", "\x1b[u", "\x1bH", "\x1b[0g", "\x1b[3g", "\x1b[D\x1b[2Z"]
)
_SCREENS = st.tuples(st.sampled_from(["25", "47", "1047", "1048", "1049"]), st.sampled_from("hl")).map(
    lambda it: f"\x1b[?{it[0]}{it[1]}"
)


# What is fed to ten by six cells; how we draw it; why that is right.
DIFFERENCES = {
    "an explicit 0 is 1 (ECMA-48; xterm, tmux)": ("a\r\nb\x1b[1;1H\x1b[0L", "\na\nb", (0, 0)),
    "DECSTR ends origin mode (VT510 manual; xterm)": ("\x1b[3;5r\x1b[?6h\x1b[!p\x1b[1;1HX", "X", (1, 0)),
    "DEL draws nothing (xterm, tmux)": ("ab\x7fc", "abc", (3, 0)),
    "line drawing is for ASCII only (xterm)": ("\x1b(0a你q", "▒你─", (4, 0)),
    "CBT at a pending wrap goes back (xterm, tmux)": ("0123456789\x1b[ZX", "01234567X9", (9, 0)),
    "CHA in origin mode keeps the row (xterm, tmux)": ("\x1b[3;5r\x1b[?6h\x1b[2;2H\x1b[5GX", "\n\n\n    X", (5, 3)),
    "HPA in origin mode keeps the row (xterm)": ("\x1b[3;5r\x1b[?6h\x1b[2;2H\x1b[5`X", "\n\n\n    X", (5, 3)),
    "HPR in origin mode keeps the row (xterm)": ("\x1b[3;5r\x1b[?6h\x1b[2;2H\x1b[2aX", "\n\n\n   X", (4, 3)),
    "VPR in origin mode goes down by one (xterm)": ("\x1b[3;5r\x1b[?6h\x1b[1;2H\x1b[1eX", "\n\n\n X", (2, 3)),
    "an inserted wide character that wraps is inserted (xterm)": (
        "\x1b[2;1Hxyz\x1b[1;10H\x1b[4h你",
        "\n你xyz",
        (2, 1),
    ),
}


def moves(finals: str) -> st.SearchStrategy[str]:
    return st.tuples(_COUNT, st.sampled_from(finals)).map(lambda it: f"\x1b[{it[0]}{it[1]}")


_COMMON = [_TEXT, _C0, _SGR, _GO, _REGION, _ERASE, _ESC, _SCREENS, st.sampled_from(["\x0e", "\x0f", "\x1b#8"])]
_WITH_WIDE = st.lists(st.one_of(*_COMMON, _WIDE, _WIDE, moves("ABCDEFGdX@PLMSTIab")), max_size=40)
_WITH_ORIGIN = st.lists(
    st.one_of(
        *_COMMON,
        moves("ABCDEFdX@PLMSTIb"),
        st.sampled_from(["\x1b[?6h", "\x1b[?6l", "\x1b[?7h", "\x1b[?7l", "\x1b[4h", "\x1b[4l"]),
    ),
    max_size=40,
)


@settings(max_examples=400, deadline=None)
@given(_WITH_WIDE, _SIZES)
def test_wide_characters_and_clusters(parts: list[str], size: tuple[int, int]):
    assert_same(*feed_both("".join(parts).encode(), *size))


@settings(max_examples=400, deadline=None)
@given(_WITH_ORIGIN, _SIZES)
def test_origin_wrap_and_insert_modes(parts: list[str], size: tuple[int, int]):
    assert_same(*feed_both("".join(parts).encode(), *size))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.text("abcdefg ", max_size=33), st.sampled_from(["\r\n", "\r\n", "你好文字\r\n"])), max_size=12
    ),
    _SIZES,
    st.lists(_SIZES, min_size=1, max_size=3),
)
def test_resizing_keeps_the_text(lines: list[tuple[str, str]], size: tuple[int, int], sizes: list[tuple[int, int]]):
    # A written blank and one never written are the same to us, so lines do not begin with blanks here.
    ours, theirs = feed_both("".join(text.strip() + end for text, end in lines).encode(), *size)
    for cols, rows in sizes:
        ours.resize(cols, rows)
        theirs.resize(cols, rows)
    ours.feed(b"END")  # the cursor has come along
    theirs.feed(b"END")
    text = ours.text_between(Position(0, 0), Position(ours.total - 1, ours.cols)).strip()
    assert [line.rstrip() for line in text.split("\n")] == [
        line.rstrip() for line in theirs.contents().strip().split("\n")
    ]


@pytest.mark.parametrize("why", DIFFERENCES)
def test_where_we_differ_on_purpose(why: str):
    data, text, cursor = DIFFERENCES[why]
    ours, theirs = feed_both(data.encode(), 10, 6)
    mine, judge = our_picture(ours, looks=False), their_picture(theirs, looks=False)
    assert ("\n".join(mine.text), mine.cursor) == (text, cursor)
    assert (mine.text, mine.cursor) != (judge.text, judge.cursor), "no difference any more: take it off the list"


# What a selector or a joiner does to a character that was lost, terminals do not agree on.
_ALONE = _WIDE.filter(lambda text: not {"\ufe0e", "\ufe0f", "\u200d"} & set(text))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(_ALONE, _TEXT, _GO, st.sampled_from(["\r", "\x1b[?7h", "\x1b[?7l"])), max_size=30), _SIZES)
def test_wide_characters_that_find_no_room(parts: list[str], size: tuple[int, int]):
    assert_same(*feed_both(("\x1b[?7l" + "".join(parts)).encode(), *size))


def test_replies():
    replies = Replies()
    ours, theirs = Screen(20, 6, host=replies), both(20, 6)[1]
    their_replies = bytearray()
    theirs.on_reply(their_replies.extend)
    for data in (
        b"\x1b[5n", b"\x1b[3;4H\x1b[6n", b"\x1b[=c", b"\x1b[?25$p", b"\x1b[?7l\x1b[?7$p", b"\x1b[4h\x1b[4$p",
        b"\x1b[20$p", b"\x1b[?12345$p", b"\x1b[?2026h\x1b[?2026$p", b"\x1b[?1049$p",
        b"\x1b[2;4r\x1bP$qr\x1b\\", b"\x1bP$qm\x1b\\",
        b"\x1b[4 q\x1bP$q q\x1b\\", b"\x1b[?6h\x1b[2;2H\x1b[6n", b"\x1b[99$p",
    ):  # fmt: skip
        ours.feed(data)
        theirs.feed(data)
        assert replies.data == bytes(their_replies), data
