"""Any bytes, in any pieces: nothing raises, the screen stays a screen."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from terminal_oracle import our_picture

from tutor.terminal._strings import LIMIT
from tutor.terminal.emulator import Damage, Host, Position, Screen

_NOISE = st.binary(max_size=60)
_PIECES = st.sampled_from(
    [
        b"\x1b", b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b\\", b"\x07", b"\x9c", b"\xc2\x9b", b"\xc2\x9c", b"\x18", b"\x1a",
        b"\x7f", b"[", b"?", b";", b":", b"0", b"9", b"99999999999", b"38;5", b"38:2", b"4:9", b"m", b"h", b"l", b"H",
        b"r", b"J", b"K", b"X", b"P", b"@", b"L", b"M", b"S", b"T", b"b", b"Z", b"I", b"?1049h", b"?1049l", b"?6h",
        b"?7l", b"4h", b"\n", b"\r", b"\t", b"\b", b"abc", "你".encode(), "👨\u200d👩\u200d👧".encode(),
        b"\xf0\x9f", b"\xe4\xbd", b"\xff",
        b"8;;http://a/\x07", b"52;c;", b"133;A\x07", b"133;B\x07", b"133;C\x07", b"133;D;1\x07", b"$q", b"+q", b"544e",
        b"(0", b"#8", b"c", b"7", b"8", b"!p", b" q",
    ]
)  # fmt: skip
_BYTES = st.lists(st.one_of(_NOISE, _PIECES, _PIECES), max_size=60).map(b"".join)
_BACK_AND_FORTH = st.sampled_from([b"\x1b[Ha", b"\x1b[Hb", b"\x1b[H\x1b[J", "ask", "draw"])
_SIZES = st.tuples(st.integers(1, 20), st.integers(1, 8))


class Everything(Host):
    """Notes whatever the screen says."""

    def __init__(self) -> None:
        self.said: list[object] = []

    def reply(self, data: bytes) -> None:
        self.said.append(data)

    def bell(self) -> None:
        self.said.append("bell")

    def title(self, text: str) -> None:
        self.said.append(("title", text))

    def copy(self, text: str) -> None:
        self.said.append(("copy", text))

    def directory(self, url: str) -> None:
        self.said.append(("directory", url))

    def command_started(self, text: str) -> None:
        self.said.append(("started", text))

    def command_ended(self, status: int | None) -> None:
        self.said.append(("ended", status))


def check(screen: Screen) -> None:
    assert len(screen.lines) == len(screen.hidden_lines) == screen.rows
    assert 0 <= screen.x <= screen.cols and 0 <= screen.y < screen.rows and 0 <= screen.column < screen.cols
    assert 0 <= screen.top <= screen.bottom < screen.rows
    assert len(screen.history) <= screen.scrollback
    assert screen.total == screen.rows + (0 if screen.alternate else len(screen.history))
    for line in [*screen.history, *screen.lines, *screen.hidden_lines]:
        cells, styles = line.cells(), line.styles()
        assert len(cells) == len(styles) == line.cols == screen.cols
        assert sum(run.width for run in line.runs()) == screen.cols
        assert "".join(run.text for run in line.runs()) == "".join(cells)
        assert cells[0] != "" and not any(a == b == "" for a, b in pairwise(cells))
        assert all(line.cell(x) == cells[x] and line.style(x) == styles[x] for x in range(screen.cols))
        assert line.used <= screen.cols and line.text == "".join(cells).rstrip(" ")
        assert -1 <= line.entry < screen.cols
        assert not any(char < " " or "\x7f" <= char < "\xa0" for cell in cells for char in cell)


@settings(max_examples=500, deadline=None)
@given(_BYTES, _SIZES)
def test_any_bytes(data: bytes, size: tuple[int, int]):
    screen = Screen(*size, scrollback=5)
    screen.feed(data)
    check(screen)
    screen.feed(b"\x18\x1b\\\x1bcend")
    assert "".join(line.text for line in screen.lines).endswith(
        "d" if size[0] * size[1] < 3 else "end"[-size[0] * size[1] :]
    )


@settings(max_examples=300, deadline=None)
@given(_BYTES, _SIZES, st.lists(st.integers(0, 4000), max_size=12))
def test_cutting_changes_nothing(data: bytes, size: tuple[int, int], cuts: list[int]):
    hosts = Everything(), Everything(), Everything()
    whole, cut, single = (Screen(*size, scrollback=50, host=host) for host in hosts)
    whole.feed(data)
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in cuts)})
    for start, end in pairwise(places):
        cut.feed(data[start:end])
    for byte in data:
        single.feed(bytes([byte]))
    for other, host in ((cut, hosts[1]), (single, hosts[2])):
        assert our_picture(other) == our_picture(whole)
        assert [line.cells() for line in other.history] == [line.cells() for line in whole.history]
        assert host.said == hosts[0].said
        assert other.modes == whole.modes and other.style == whole.style


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(_BYTES, _SIZES), max_size=8), _SIZES)
def test_resizing_in_the_middle_of_anything(steps: list[bytes | tuple[int, int]], size: tuple[int, int]):
    screen, damage = Screen(*size, scrollback=20), Damage()
    for step in steps:
        if isinstance(step, bytes):
            screen.feed(step)
        else:
            screen.resize(*step)
            assert (screen.cols, screen.rows) == step
        check(screen)
        assert all(0 <= row < screen.rows for row in damage.update(screen, screen.first_on_screen, screen.rows))


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(_BYTES, _BACK_AND_FORTH), min_size=6, max_size=20), _SIZES)
def test_a_view_that_draws_late_shows_the_screen(steps: list[bytes | str], size: tuple[int, int]):
    screen, damage = Screen(*size, scrollback=20), Damage()
    painted: list[object] = [None] * size[1]
    waiting: set[int] = set()

    def look(row: int) -> object:
        at = screen.cursor.column if screen.cursor_visible and screen.cursor.row == top + row else None
        return screen.line_at(top + row).runs(), at

    for step in [*steps, "ask", "draw"]:
        top = screen.first_on_screen
        if isinstance(step, bytes):
            screen.feed(step)
            if screen.first_on_screen != top:
                damage.forget()  # as a view does that has scrolled
        elif step == "ask":
            waiting |= damage.update(screen, top, size[1])
        else:
            # What is drawn is what is there by now, and not what was there when it was asked.
            for row in waiting:
                damage.drawn(screen, top, row)
                painted[row] = look(row)
            waiting.clear()
    assert painted == [look(row) for row in range(size[1])]


@settings(max_examples=200, deadline=None)
@given(_BYTES, _SIZES, st.tuples(*[st.integers(0, 30)] * 4), st.text(max_size=3))
def test_reading_any_place(data: bytes, size: tuple[int, int], places: tuple[int, int, int, int], wanted: str):
    screen = Screen(*size, scrollback=20)
    screen.feed(data)
    a, b = Position(places[0] % screen.total, places[1]), Position(places[2] % screen.total, places[3])
    assert screen.text_between(a, b) == screen.text_between(b, a)
    here = Position(a.row, a.column % screen.cols)
    for match in (screen.word_at(here), screen.line_around(here.row), *screen.search(wanted)):
        assert 0 <= match.start.row <= match.end.row < screen.total
        assert match.start < match.end
        assert match.end.column <= screen.cols


def test_an_endless_string_takes_no_memory():
    screen = Screen(20, 4)
    for introducer in (b"\x1b]0;", b"\x1bP", b"\x1b_", b"\x1b["):
        screen.feed(introducer)
        for _ in range(40):
            screen.feed(b"1" * 100_000)
        kept = sum(map(len, screen._parts)) + len(screen._pending)
        assert kept <= LIMIT + 100_000
        screen.feed(b"m\x07\x1b\\")
    screen.feed(b"back")
    assert screen.text() == "back"


def test_endless_clusters_take_no_memory():
    screen = Screen(20, 4)
    screen.feed(b"e" + "\u0301".encode() * 100_000)
    assert len(screen.lines[0].cell(0)) <= 32
    screen.feed(b"\x1b[22t" * 1000 + b"\x1b]8;;" + b"x" * 10_000 + b"\x07link")
    assert len(screen.title_stack) <= 10
    assert screen.lines[0].style(2).link is None
