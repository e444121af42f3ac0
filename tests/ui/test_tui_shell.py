"""The shell widget: keys, paste, the wheel, selecting, and what it leaves behind."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Button

from tests.ui.tui_app import until
from tutor.terminal.transport import Shell
from tutor.ui.tui.app import TutorApp
from tutor.ui.tui.shell.view import ShellView
from tutor.ui.tui.theme import DARK


class Box(App[None], inherit_bindings=False):
    """Nothing but a shell, and something else that can be focused. The tutor's own keys hold."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS = TutorApp.BINDINGS

    def __init__(self) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name
        self.statuses: list[int | None] = []

    def compose(self) -> ComposeResult:
        yield ShellView()
        yield Button("other")

    def on_shell_view_ended(self, event: ShellView.Ended) -> None:
        self.statuses.append(event.status)


@asynccontextmanager
async def shell(*argv: str, size: tuple[int, int] = (60, 16)) -> AsyncIterator[tuple[Pilot[None], ShellView]]:
    app = Box()
    async with app.run_test(size=size) as pilot:
        view = app.query_one(ShellView)
        view.focus()
        await pilot.pause()
        env = {**os.environ, "PS1": "$ ", "TERM": "xterm-256color"}
        await view.start(argv or ("bash", "--norc", "--noprofile", "-i"), env)
        if not argv:
            await until(pilot, lambda: "$" in view.term.text(), "the prompt")
        yield pilot, view
        await view.close()


def shown(view: ShellView, height: int | None = None) -> str:
    return "\n".join(view.render_line(y).text.rstrip() for y in range(height or view.size.height))


async def test_every_key_is_the_shells() -> None:
    raw = "stty raw -echo; echo ready; dd bs=1 count=9 2>/dev/null | od -An -c"
    async with shell("sh", "-c", raw) as (pilot, view):
        await until(pilot, lambda: "ready" in view.term.text(), "raw mode")
        await pilot.press("ctrl+p", "ctrl+q", "ctrl+c", "tab", "escape", "question_mark", "colon", "q", "ctrl+d")
        await until(pilot, lambda: "004" in view.term.text(), "all nine")
        typed = view.term.text().split("ready")[1].split()
        assert typed == ["020", "021", "003", "\\t", "033", "?", ":", "q", "004"]
        assert pilot.app.focused is view


async def test_paste_put_and_run() -> None:
    async with shell() as (pilot, view):
        view.post_message(events.Paste("echo one; echo $((40+2))"))
        await until(pilot, lambda: "echo one" in view.term.text(), "the paste")
        assert "42" not in view.term.text()
        assert view.put("echo $((1+1))\necho $((2+3))\n")
        await until(pilot, lambda: "2+3" in view.term.text(), "both lines")
        assert "echo one" not in view.term.text()
        assert "\n5" not in view.term.text()
        await pilot.press("enter")
        await until(pilot, lambda: "\n2\n5" in view.term.text(), "both answers")
        await pilot.press(*"cat", "enter")
        await until(pilot, lambda: not view.at_prompt, "cat")
        assert not view.put("docker ps")
        await pilot.press("ctrl+d")
        await until(pilot, lambda: view.at_prompt, "the prompt again")


async def test_a_hundred_kilobytes_pasted(tmp_path: Path) -> None:
    text = "".join(f"line {n} of a long text\n" for n in range(4400))
    assert len(text) > 100_000
    async with shell("sh", "-c", f"stty -echo; echo ready; head -c {len(text)} > {tmp_path}/got; echo all") as (
        pilot,
        view,
    ):
        await until(pilot, lambda: "ready" in view.term.text(), "head")
        view.post_message(events.Paste(text))
        await until(pilot, lambda: "all" in view.term.text(), "all of it")
        assert (tmp_path / "got").read_text() == text


async def test_scrollback_by_wheel_and_keys() -> None:
    async with shell() as (pilot, view):
        view.shell and view.shell.write(b"seq 1 200\r")
        await until(pilot, lambda: "200" in view.term.text().split() and view.at_prompt, "the numbers")
        bottom = shown(view)
        await pilot.press("shift+pageup")
        assert shown(view) != bottom
        up = view.scroll_offset.y
        view.post_message(events.MouseScrollUp(view, 5, 5, 0, -1, 0, False, False, False))
        await until(pilot, lambda: view.scroll_offset.y == up - 3, "the wheel")
        # Output does not move what is being read; typing goes back to the prompt.
        view.received(b"\r\nmore\r\n")
        await pilot.pause()
        assert view.scroll_offset.y == up - 3
        await pilot.press("x")
        assert view.scroll_offset.y == view.max_scroll_y


async def test_the_wheel_in_a_full_screen_program() -> None:
    less = "printf '\\033[?1049h'; stty raw -echo; echo ready; dd bs=1 count=9 2>/dev/null | od -An -c"
    async with shell("sh", "-c", less) as (
        pilot, view,
    ):  # fmt: skip
        await until(pilot, lambda: "ready" in view.term.text(), "the program")
        view.post_message(events.MouseScrollDown(view, 5, 5, 0, 1, 0, False, False, False))
        await until(pilot, lambda: view.term.text().count("033") == 3, "three cursor keys")


async def test_the_mouse_goes_to_programs_that_ask() -> None:
    ask = "printf '\\033[?1000h\\033[?1006h'; stty raw -echo; echo ready; dd bs=1 count=9 2>/dev/null | od -An -c"
    async with shell("sh", "-c", ask) as (pilot, view):
        await until(pilot, lambda: "ready" in view.term.text(), "the program")
        await pilot.mouse_down(view, offset=(3, 2))
        await until(pilot, lambda: "M" in view.term.text(), "the press")
        assert "".join(view.term.text().split("ready")[1].split()) == "033[<0;4;3M"


async def test_selecting_copies() -> None:
    async with shell() as (pilot, view):
        view.received(b"\r\nthe quick brown fox\r\njumps over\r\n")
        await pilot.pause()
        row = next(n for n, line in enumerate(view.term.lines) if line.text.startswith("the quick"))
        await pilot.mouse_down(view, offset=(4, row))
        await pilot.hover(view, offset=(9, row))
        view.post_message(events.MouseMove(view, 8, row, 1, 0, 1, False, False, False))
        await pilot.pause()
        await pilot.mouse_up(view, offset=(8, row))
        assert pilot.app.clipboard == "quick"
        await pilot.click(view, offset=(12, row), times=2)
        assert pilot.app.clipboard == "brown"
        await pilot.click(view, offset=(12, row), times=3)
        assert pilot.app.clipboard == "the quick brown fox"


async def test_resizing_tells_the_program_once_it_has_settled() -> None:
    async with shell("sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done") as (pilot, view):
        await until(pilot, lambda: "ready" in view.term.text(), "the program")
        for width in range(70, 91):
            await pilot.resize_terminal(width, 20)
        await until(pilot, lambda: f"{view.term.rows} {view.term.cols}" in view.term.text(), "its size")
        assert view.term.cols > 80
        assert len(view.term.text().splitlines()) < len(range(70, 91))  # several sizes, one word


async def test_a_size_that_comes_while_a_program_starts_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    started = Shell.start
    async with shell("sh", "-c", "sleep 600") as (pilot, view):

        async def slowly(*args: Any, **options: Any) -> Shell:
            made = await started(*args, **options)
            await pilot.resize_terminal(73, 18)
            await until(pilot, lambda: view.term.cols > 65, "the size in the widget")
            return made

        monkeypatch.setattr(Shell, "start", slowly)
        await view.start(("sh", "-c", "read line; stty size; sleep 600"), dict(os.environ))
        await pilot.press("enter")
        await until(pilot, lambda: f"{view.term.rows} {view.term.cols}" in view.term.text(), "its size")


async def test_what_it_shows_is_what_the_screen_says() -> None:
    says = "printf 'a\\033[1;31mred\\033[0m \\344\\275\\240\\345\\245\\275 e\\314\\201 end'; sleep 9"
    async with shell("sh", "-c", says) as (
        pilot, view,
    ):  # fmt: skip
        await until(pilot, lambda: "end" in view.term.text(), "the text")
        strip = view.render_line(0)
        assert strip.text.rstrip() == "ared 你好 e\u0301 end"
        assert strip.cell_length == view.size.width
        red = next(segment for segment in strip if segment.text == "red")
        assert red.style is not None
        assert red.style.bold


async def test_what_comes_and_goes_between_two_frames_leaves_nothing() -> None:
    async with shell("sh", "-c", "printf ready; sleep 9") as (pilot, view):
        await until(pilot, lambda: "ready" in view.term.text(), "the text")
        await pilot.pause()
        row = view.content_region.y + 5

        def painted() -> str:
            return view.screen._compositor.render_strips()[row].text.strip()

        # Drawn as it was before, then written, painted by somebody else's wish, and taken back before the next frame.
        view._draw()
        view.term.feed(b"\x1b7\x1b[6;1Hcomes and goes\x1b8")
        view.refresh()
        await until(pilot, lambda: "goes" in painted(), "the row")
        view.term.feed(b"\x1b7\x1b[6;1H\x1b[K\x1b8")
        view._draw()
        await until(pilot, lambda: not painted(), "the empty row")


@pytest.mark.parametrize("how", ["exit 3", "kill -9 $$"])
async def test_its_end_is_told(how: str) -> None:
    async with shell() as (pilot, view):
        view.shell and view.shell.write(how.encode() + b"\r")
        app = pilot.app
        assert isinstance(app, Box)
        await until(pilot, lambda: app.statuses, "its end")
        assert app.statuses == [3 if how == "exit 3" else -9]
