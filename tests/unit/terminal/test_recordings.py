"""Real programs, recorded by record.py, drawn by us and by libghostty."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from terminal_oracle import assert_same, both, our_picture

from tutor.terminal.emulator import Position, Screen

_FOLDER = Path(__file__).parent / "recordings"
_RECORDINGS = sorted(path.name for path in _FOLDER.glob("*.gz"))
_MOMENTS = 24  # of a recording are compared, every sixth with its colours


def load(name: str) -> tuple[bytes, int, int]:
    cols, rows = name.split(".")[1].split("x")
    return gzip.decompress((_FOLDER / name).read_bytes()), int(cols), int(rows)


def test_the_recordings_are_there():
    names = {name.split(".")[0] for name in _RECORDINGS}
    assert names >= {
        "vim",
        "nano",
        "less",
        "htop",
        "top",
        "tmux",
        "readline",
        "git-log",
        "docker-build",
        "docker-pull",
        "compose-up",
    }


@pytest.mark.parametrize("name", _RECORDINGS)
def test_equal_to_libghostty(name: str):
    data, cols, rows = load(name)
    ours, theirs = both(cols, rows)
    size = max(1, len(data) // _MOMENTS)
    for moment, start in enumerate(range(0, len(data), size)):
        ours.feed(data[start : start + size])
        theirs.feed(data[start : start + size])
        assert_same(ours, theirs, looks=moment % 6 == 3)


@pytest.mark.parametrize("name", _RECORDINGS)
def test_scrollback_is_equal_too(name: str):
    data, cols, rows = load(name)
    ours, theirs = both(cols, rows)
    ours.feed(data)
    theirs.feed(data)
    text = ours.text_between(Position(0, 0), Position(ours.total - 1, ours.cols))
    expected = [line.rstrip() for line in theirs.contents().strip("\n").split("\n")]
    assert [line.rstrip() for line in text.strip("\n").split("\n")] == expected


@pytest.mark.parametrize("name", _RECORDINGS)
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_cutting_changes_nothing(name: str, size: int):
    data, cols, rows = load(name)
    whole, cut = Screen(cols, rows), Screen(cols, rows)
    whole.feed(data)
    for start in range(0, len(data), size):
        cut.feed(data[start : start + size])
    assert our_picture(cut) == our_picture(whole)


@pytest.mark.parametrize("name", _RECORDINGS)
def test_recordings_hold_nothing_of_the_machine_they_were_made_on(name: str):
    data, _, _ = load(name)
    for path in (b"/work/", b"/root/", b"/home/", b"://"):
        for found in data.split(path)[1:]:
            assert found.startswith((b":/bin", b"root")) or path == b"/home/", found[:40]


def test_they_stay_small():
    assert sum((_FOLDER / name).stat().st_size for name in _RECORDINGS) < 1_000_000
