from __future__ import annotations

from tutor.terminal.emulator import Damage, Match, Position, Run, Screen, Style


def screen_with(text: str, cols: int = 20, rows: int = 5) -> Screen:
    screen = Screen(cols, rows)
    screen.feed(text.encode())
    return screen


def texts(screen: Screen, found: list[Match]) -> list[str]:
    return [screen.text_between(match.start, match.end) for match in found]


def test_selection_joins_wrapped_rows_and_drops_blanks():
    screen = screen_with("docker run --rm -it alpine:3.20 sh\r\nnext   \r\n", 16)
    assert screen.text_between(Position(0, 7), Position(4, 0)) == "run --rm -it alpine:3.20 sh\nnext\n"
    assert screen.text_between(Position(3, 4), Position(0, 7)) == "run --rm -it alpine:3.20 sh\nnext"
    assert screen.text_between(Position(0, 0), Position(0, 6)) == "docker"


def test_selection_of_wide_characters():
    screen = screen_with("abc你好def", 6)
    assert screen.lines[0].cells() == ["a", "b", "c", "你", "", " "]
    assert screen.text_between(Position(0, 0), Position(1, 9)) == "abc你好def"  # the padding is not text
    assert screen.text_between(Position(0, 4), Position(0, 5)) == "你"


def test_words_and_lines():
    screen = screen_with("see https://docs.docker.com/get-started/ now", 16)
    word = screen.word_at(Position(1, 3))
    assert screen.text_between(*word) == "https://docs.docker.com/get-started/"
    assert screen.text_between(*screen.word_at(Position(0, 3))) == " "
    assert screen.text_between(*screen.line_around(2)) == "see https://docs.docker.com/get-started/ now"
    assert screen.word_at(Position(4, 3)) == Match(Position(4, 0), Position(4, 16))


def test_search_goes_over_wrapped_rows_and_scrollback():
    screen = screen_with("".join(f"line {n} with a Container inside\r\n" for n in range(20)), 17, 4)
    found = screen.search("container")
    assert len(found) == 20
    assert texts(screen, found) == ["Container"] * 20
    assert found[0] == Match(Position(0, 14), Position(1, 6))
    assert screen.search("container", match_case=True) == []
    assert screen.search("container", limit=3) == found[-3:]
    assert screen.search("") == []
    assert texts(screen, screen.search("line 1")) == ["line 1"] * 11


def test_search_is_not_a_pattern_and_knows_wide_characters():
    screen = screen_with("a.c abc 你好 x 你好\r\n(")
    assert texts(screen, screen.search("a.c")) == ["a.c"]
    assert texts(screen, screen.search("好 x")) == ["好 x"]
    assert screen.search("你")[1].start == Position(0, 15)
    assert len(screen.search("(")) == 1


def test_reflow_there_and_back():
    text = "\r\n".join("word " * n + f"end{n}" for n in range(8))
    screen = screen_with(text, 40, 6)
    before = screen.text_between(Position(0, 0), Position(screen.total - 1, 40))
    for cols, rows in ((11, 6), (7, 3), (80, 9), (40, 6)):
        screen.resize(cols, rows)
        assert screen.text_between(Position(0, 0), Position(screen.total - 1, cols)).strip("\n") == before.strip("\n")
        assert screen.lines[screen.y].text.endswith("end7") or "end7".endswith(screen.lines[screen.y].text)
    screen.feed(b"!")
    assert screen.text().endswith("end7!")


def test_reflow_keeps_colours_and_wide_characters():
    screen = screen_with("\x1b[31mred你好\x1b[0m plain", 20, 4)
    screen.resize(4, 4)
    assert [line.text for line in screen.lines] == ["red", "你好", " pla", "in"]
    assert screen.lines[1].style(0) == Style(fg=1)
    screen.resize(20, 4)
    assert screen.text() == "red你好 plain"


def test_growing_a_full_screen_shows_scrollback_again():
    screen = screen_with("\r\n".join(map(str, range(10))), 10, 4)
    screen.resize(10, 6)
    assert screen.text() == "4\n5\n6\n7\n8\n9" and screen.y == 5
    screen.feed(b"\x1b[H\x1b[2Jtop")
    screen.resize(10, 8)
    assert screen.text() == "top" and screen.y == 0  # a cleared screen stays cleared


def test_resize_behind_a_full_screen_program():
    screen = screen_with("one two three four five\r\n$ vim", 30, 5)
    screen.feed(b"\x1b[?1049hfull screen")
    screen.resize(10, 4)
    assert all(line.cols == 10 for line in [*screen.lines, *screen.hidden_lines])
    screen.feed(b"\x1b[?1049l done")
    assert screen.text() == "one two th\nree four f\nive\n$ vim done"


def test_runs_are_ready_to_draw():
    screen = screen_with("\x1b[31mre\x1b[31md\x1b[0m \x1b[44m你\x1b[0m", 8, 1)
    assert screen.lines[0].runs() == (
        Run("red", Style(fg=1), 3),
        Run(" ", Style(), 1),
        Run("你", Style(bg=4), 2),
        Run("  ", Style(), 2),
    )
    assert screen.lines[0].runs() is screen.lines[0].runs()


def test_damage_is_what_differs():
    screen, damage = screen_with("one\r\ntwo\r\nthree", 10, 4), Damage()
    assert damage.update(screen, 0, 4) == {0, 1, 2, 3}
    assert damage.update(screen, 0, 4) == set()
    screen.feed(b"!")
    assert damage.update(screen, 0, 4) == {2}
    screen.feed(b"\x1b7\x1b[Hone\x1b8")  # written again, nothing new
    assert damage.update(screen, 0, 4) == set()
    screen.feed(b"\x1b[A")
    assert damage.update(screen, 0, 4) == {1, 2}  # the cursor left and came
    screen.feed(b"\x1b[?25l")
    assert damage.update(screen, 0, 4) == {1}
    screen.feed(b"\x1b[4;1Hx\n")
    assert damage.update(screen, 1, 4) == {0, 1, 2}  # scrolled, and the view went along
    assert damage.update(screen, 0, 4) == {0, 1, 2, 3}
    damage.forget()
    assert damage.update(screen, 0, 2) == {0, 1}
    assert damage.update(screen, screen.total, 2) == {0, 1}  # nothing is there to be seen
