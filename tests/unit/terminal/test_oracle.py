"""Made-up programs, drawn by us and by libghostty.

What the generator leaves out is where we differ on purpose:

* An explicit 0 (`CSI 0 L`) is 1, as for xterm and in ECMA-48; libghostty does nothing.
* DECSTR resets what the VT510 manual says; libghostty does not know it.
* DEL and C1 characters draw nothing; libghostty shows DEL. (C1 as UTF-8 is no control for either.)
* With line drawing in force, libghostty loses characters outside ASCII; ours prints them.
* CBT at a pending wrap takes the cursor back; libghostty keeps the wrap pending.
* HPA, HPR, CHA and VPR under origin mode keep the row; libghostty adds the margin again.
* An inserted wide character that has to wrap pushes the next row's cells on; libghostty overwrites two.
* Wide characters and clusters without DECAWM: ours drops or joins, libghostty loses skin tones.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from terminal_oracle import Replies, assert_same, both, feed_both

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
