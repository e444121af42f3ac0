"""The shell widget: a screen of `tutor.terminal` in a box, with a program behind it.

While it has the focus it takes every key, but for the app's priority bindings: only what leaves the shell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

from rich.style import Style as RichStyle
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from tutor.terminal import keys
from tutor.terminal.emulator import Damage, Host, Position, Screen
from tutor.terminal.keys import Action, Key, Mouse
from tutor.terminal.transport import Shell
from tutor.ui.tui.shell.lookback import Lookback
from tutor.ui.tui.shell.selecting import Selecting, cells_of
from tutor.ui.tui.shell.strips import strip_of

_FRAME = 1 / 30
_HOLD = 0.15  # seconds to wait at most for a picture that a program wants shown at once (mode 2026)
_SETTLE = 0.06  # seconds without another resize before the program hears of one
_WHEEL = 3  # lines a notch
_BRACKETED, _APP_CURSOR, _REVERSE_SCREEN, _FOCUS_NEWS, _ALTERNATE_SCROLL = 2004, 1, 5, 1004, 1007
_CLEAR_LINE = b"\x05\x15"  # to the end of the line, and erase back to its start


class ShellView(ScrollView, can_focus=True):
    """A terminal. Give it a program with `start`, and end it with `close`."""

    ALLOW_SELECT = False
    takes_every_key = True
    DEFAULT_CSS = """
    ShellView {
        background: $shell-background; color: $shell-foreground;
        overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1;
        scrollbar-background: $shell-background; scrollbar-background-hover: $shell-background;
        scrollbar-background-active: $shell-background; scrollbar-color: $border-blurred;
    }
    """

    class Ended(Message):
        """The program is over; `status` is negative for a signal, None when it is not known."""

        def __init__(self, status: int | None) -> None:
            self.status = status
            super().__init__()

    class Prompted(Message):
        """The shell stands at a prompt again; `status` is the last command's."""

        def __init__(self, status: int | None) -> None:
            self.status = status
            super().__init__()

    class LookingBack(Message):
        """What is going on while somebody reads back, in words; empty when it is over."""

        def __init__(self, words: str) -> None:
            self.words = words
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.term = Screen(80, 24, host=_Host(self))
        self.shell: Shell | None = None
        self._damage = Damage()
        self._base: RichStyle | None = None
        self._plain: RichStyle | None = None
        self._drawn = 0.0
        self._synchronized_since = 0.0
        self._frame: Timer | None = None
        self._settling: Timer | None = None
        self._selecting: Selecting | None = None
        self._back: Lookback | None = None
        self._receiver: _Receiver | None = None

    # -- the program ---------------------------------------------------------------------------------------------
    async def start(self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
        """Run a program; one that runs already is ended first.

        Raises:
            FileNotFoundError: No such program or folder.
            OSError: No pseudo-terminal is left.
        """
        await self.close()
        self._fit()
        self._receiver = _Receiver(self)
        cols, rows = self.term.cols, self.term.rows
        self.shell = await Shell.start(argv, self._receiver, cols=cols, rows=rows, env=env, cwd=cwd)
        if (cols, rows) != (self.term.cols, self.term.rows):
            # The box got another size while the program was started: nobody has told it.
            self.shell.resize(self.term.cols, self.term.rows)

    async def close(self) -> None:
        """End the program and what it left; its end is no news then."""
        shell, self.shell, self._receiver = self.shell, None, None
        if shell is not None:
            await shell.close()

    def clear(self) -> None:
        """An empty screen, for a program to come."""
        self.term.reset()
        self.stop_looking_back()
        self._draw()

    @property
    def at_prompt(self) -> bool:
        """Whether the shell itself waits for a command: it asks for bracketed pastes then, and only then."""
        waits = self.shell is not None and self.shell.foreground() in (None, self.shell.pid)
        return waits and not self.term.alternate

    def put(self, command: str) -> bool:
        """Write a command behind the prompt without running it; False when the shell is busy or not there."""
        text = command.strip()
        bracketed = _BRACKETED in self.term.modes
        if self.shell is None or not self.at_prompt or ("\n" in text and not bracketed):
            return False
        self._to_end()
        self.shell.write(_CLEAR_LINE + keys.encode_paste(text, bracketed=bracketed))
        return True

    def received(self, data: bytes) -> None:
        """Output of the program."""
        self.term.feed(data)
        if self._frame is None:
            wait = self._drawn + _FRAME - monotonic()
            if wait <= 0:
                self._draw()  # the first of a burst: an echo is seen at once
            else:
                self._frame = self.set_timer(wait, self._draw)

    def is_from(self, receiver: object) -> bool:
        """Whether news are of the program that is shown now, not of one that was closed."""
        return self._receiver is receiver

    def ended(self, status: int | None) -> None:
        """Nothing more will come."""
        self._draw()
        self.post_message(self.Ended(status))

    async def on_unmount(self) -> None:
        """No program outlives its screen."""
        await self.close()

    # -- drawing -------------------------------------------------------------------------------------------------
    def _draw(self) -> None:
        if self._frame is not None:
            self._frame.stop()
            self._frame = None
        now = monotonic()
        if self.term.synchronized:
            self._synchronized_since = self._synchronized_since or now
            if now - self._synchronized_since < _HOLD:
                self._frame = self.set_timer(_FRAME, self._draw)
                return
        else:
            self._synchronized_since = 0.0
        self._drawn = now
        term = self.term
        follow = self.scroll_offset.y >= self.max_scroll_y and self._back is None
        if self._back is not None:
            self._back.follow()
        size = Size(term.cols, term.total)
        if size != self.virtual_size:
            self.virtual_size = size
        if follow and self.scroll_offset.y != term.first_on_screen:
            self.scroll_to(y=term.first_on_screen, animate=False, force=True, immediate=True)
        if self._selecting and not self._selecting.valid(term):
            self._selecting = None
            self._damage.forget()
        base = self._colours()
        if base is not self._base:
            self._base = base
            self._damage.forget()
        dirty = self._damage.update(term, self.scroll_offset.y, self.size.height)
        if len(dirty) > self.size.height // 2:
            self.refresh()
        elif dirty:
            self.refresh(*(Region(0, row, self.size.width, 1) for row in dirty))

    def _colours(self) -> RichStyle:
        if self._plain is None:
            plain = self.rich_style
            # A style of one's own: strips are kept by its identity.
            self._plain = RichStyle(color=plain.color, bgcolor=plain.bgcolor)
            self._swapped = RichStyle(color=plain.bgcolor, bgcolor=plain.color)
        return self._swapped if _REVERSE_SCREEN in self.term.modes else self._plain

    def render_line(self, y: int) -> Strip:
        """Textual's line API: row y of what is seen."""
        base = self._base or self._colours()
        width = self.size.width
        row = y + self.scroll_offset.y
        if not 0 <= row < self.term.total:
            return Strip.blank(width, base)
        strip = strip_of(self.term.line_at(row), base)
        if self._selecting and (chosen := self._selecting.span(row, self.term.cols)):
            style = self.screen.get_component_rich_style("screen--selection")
            strip = _restyled(strip, *chosen, style)
        if self._back is not None:
            return self._with_reader(strip, row, self._back).adjust_cell_length(width, base)
        cursor = self.term.cursor
        if cursor.row == row and self.term.cursor_visible and self.shell is not None:
            cells = 2 if self.term.line_at(row).cells()[cursor.column + 1 : cursor.column + 2] == [""] else 1
            focused = self.has_focus and self.term.cursor_style not in (3, 4)
            look = RichStyle(reverse=True) if focused else RichStyle(underline=True)
            strip = _restyled(strip, cursor.column, cursor.column + cells, look)
        return strip.adjust_cell_length(width, base) if strip.cell_length != width else strip

    def _with_reader(self, strip: Strip, row: int, back: Lookback) -> Strip:
        found = self.screen.get_component_rich_style("screen--selection")
        for place in back.found_in(row):
            strip = _restyled(strip, *place, RichStyle(underline=True, bold=True))
        if back.selected and (span := cells_of(back.selected, row, self.term.cols)):
            strip = _restyled(strip, *span, found)
        if back.cursor.row == row:
            cells = self.term.line_at(row).cells()
            column = back.cursor.column - (cells[back.cursor.column] == "")
            wide = cells[column + 1 : column + 2] == [""]
            strip = _restyled(strip, column, column + 1 + wide, RichStyle(reverse=True))
        return strip

    def notify_style_update(self) -> None:
        """The theme has changed."""
        super().notify_style_update()
        self._plain = self._base = None
        self._damage.forget()
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolled: other rows are seen."""
        super().watch_scroll_y(old_value, new_value)
        self._damage.forget()

    # -- size ----------------------------------------------------------------------------------------------------
    def _on_resize(self, event: events.Resize) -> None:
        del event
        if self._settling is not None:
            self._settling.stop()
            self._settling = None
        if self.shell is None:
            self._fit()
        else:
            self._settling = self.set_timer(_SETTLE, self._fit)

    def _fit(self) -> None:
        self._settling = None
        cols, rows = self.scrollable_content_region.size
        if cols < 2 or rows < 1:
            return  # not shown: the program keeps the size it knows
        if (cols, rows) != (self.term.cols, self.term.rows):
            self._selecting = None
            self._end_reading()
            self.term.resize(cols, rows)
            if self.shell is not None:
                self.shell.resize(cols, rows)
        self._damage.forget()
        self._draw()

    # -- keys, paste, focus --------------------------------------------------------------------------------------
    async def _on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if self._back is not None:
            self._reader_key(self._back, event)
            return
        if self._scroll_key(event.key) or self._copy_key(event.key):
            return
        key = Key.parse(event.key, event.character)
        self._send(keys.encode_key(key, app_cursor=_APP_CURSOR in self.term.modes, newline=self.term.newline_mode))

    # -- reading back --------------------------------------------------------------------------------------------
    @property
    def looking_back(self) -> bool:
        """Whether the keys move a reader through what was printed, and do not reach the program."""
        return self._back is not None

    def look_back(self, *, searching: bool = False) -> None:
        """Read what was printed by keys: move, search, select, copy."""
        if self._back is None:
            self._selecting = None
            self._back = Lookback.begin(self.term, searching=searching)
        elif searching:
            self._back.typing = ""
        self._reader_moved(self._back)

    def stop_looking_back(self) -> None:
        """The keys are the program's again."""
        if self._back is not None:
            self._end_reading()
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True, immediate=True)

    def _end_reading(self) -> None:
        if self._back is not None:
            self._back = None
            self._damage.forget()
            self.refresh()
            self.post_message(self.LookingBack(""))

    def _reader_key(self, back: Lookback, event: events.Key) -> None:
        after = back.key(event.key, event.character if event.is_printable else None, self.size.height)
        if after == "copy":
            self.app.copy_to_clipboard(back.text())
            self.app.notify("Copied.", timeout=2)
        if after != "stay":
            self.stop_looking_back()
        else:
            self._reader_moved(back)

    def _reader_moved(self, back: Lookback) -> None:
        row, seen = back.cursor.row, self.size.height
        top = min(max(self.scroll_offset.y, row - seen + 1), row)
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True, immediate=True)
        self.refresh()
        self.post_message(self.LookingBack(back.words()))

    def _scroll_key(self, key: str) -> bool:
        if self.term.alternate or key not in ("shift+pageup", "shift+pagedown"):
            return False
        (self.scroll_page_up if key == "shift+pageup" else self.scroll_page_down)(animate=False)
        return True

    def _copy_key(self, key: str) -> bool:
        if key not in ("ctrl+shift+c", "super+c"):
            return False
        self.copy_selection()
        return True

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        if self._back is not None:
            self._back.paste(event.text)
            self._reader_moved(self._back)
            return
        self._send(keys.encode_paste(event.text, bracketed=_BRACKETED in self.term.modes))

    def _send(self, data: bytes) -> None:
        if self.shell is None or not data:
            return
        self._to_end()
        self.shell.write(data)

    def _to_end(self) -> None:
        self.stop_looking_back()
        if self._selecting:
            self._selecting = None
            self.refresh()
        if self.scroll_offset.y < self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True, immediate=True)

    def _on_focus(self, event: events.Focus) -> None:
        super()._on_focus(event)
        self._focus_news(True)

    def _on_blur(self, event: events.Blur) -> None:
        super()._on_blur(event)
        self._focus_news(False)

    def _focus_news(self, focused: bool) -> None:
        if _FOCUS_NEWS in self.term.modes and self.shell is not None:
            self.shell.write(keys.encode_focus(focused))
        self.refresh()

    # -- mouse ---------------------------------------------------------------------------------------------------
    async def _on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        if self._to_program(event, Action.PRESS, event.button):
            return
        if event.button == 1:
            self._end_reading()
            self.capture_mouse()
            self._selecting = Selecting.begin(self.term, self._position(event), 1)
            self.refresh()

    def _on_mouse_move(self, event: events.MouseMove) -> None:
        if self._to_program(event, Action.MOVE, event.button):
            return
        if self._selecting is not None and event.button == 1:
            event.stop()
            if event.y < 0:
                self.scroll_up(animate=False)
            elif event.y >= self.size.height:
                self.scroll_down(animate=False)
            self._selecting.extend(self.term, self._position(event))
            self.refresh()

    async def _on_mouse_up(self, event: events.MouseUp) -> None:
        event.stop()
        self.release_mouse()
        if not self._to_program(event, Action.RELEASE, event.button):
            self.copy_selection()

    async def _on_click(self, event: events.Click) -> None:
        event.stop()
        if event.chain > 1 and not self._for_program(event):
            self._selecting = Selecting.begin(self.term, self._position(event), min(event.chain, 3))
            self.copy_selection()
            self.refresh()

    def copy_selection(self) -> None:
        """Put what is selected on the clipboard."""
        if self._selecting is None or self._selecting.empty:
            return
        text = self.term.text_between(*self._selecting.stretch)
        if text.strip():
            self.app.copy_to_clipboard(text)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, -_WHEEL)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, _WHEEL)

    def _wheel(self, event: events.MouseEvent, lines: int) -> None:
        event.stop()
        event.prevent_default()
        if self._to_program(event, Action.WHEEL_UP if lines < 0 else Action.WHEEL_DOWN, 0):
            return
        if self.term.alternate:
            if _ALTERNATE_SCROLL in self.term.modes and self.shell is not None:
                app_cursor = _APP_CURSOR in self.term.modes
                self.shell.write(keys.encode_wheel_as_keys(lines, app_cursor=app_cursor))
            return
        self.scroll_relative(y=lines, animate=False)

    def _for_program(self, event: events.MouseEvent) -> bool:
        # With shift the mouse is the person's, as in other terminals.
        return bool(self.term.mouse) and not event.shift and self.shell is not None

    def _to_program(self, event: events.MouseEvent, action: Action, button: int) -> bool:
        if not self._for_program(event):
            return False
        event.stop()
        mouse = Mouse(action, int(event.x), int(event.y), button, alt=event.meta, ctrl=event.ctrl)
        data = keys.encode_mouse(mouse, self.term.modes)
        if data and self.shell is not None:
            self.shell.write(data)
        return True

    def _position(self, event: events.MouseEvent) -> Position:
        row = min(max(int(event.y) + self.scroll_offset.y, 0), self.term.total - 1)
        return Position(row, min(max(int(event.x), 0), self.term.cols))


class _Receiver:
    """Hands output on to the widget that the program was started for, and to no later one."""

    def __init__(self, view: ShellView) -> None:
        self._view = view

    def received(self, data: bytes) -> None:
        if self._view.is_from(self):
            self._view.received(data)

    def ended(self, status: int | None) -> None:
        if self._view.is_attached and self._view.is_from(self):
            self._view.ended(status)


class _Host(Host):
    """What the program asks of the world."""

    def __init__(self, view: ShellView) -> None:
        self._view = view

    def reply(self, data: bytes) -> None:
        if self._view.shell is not None:
            self._view.shell.write(data)

    def bell(self) -> None:
        self._view.app.bell()

    def copy(self, text: str) -> None:
        self._view.app.copy_to_clipboard(text)

    def command_ended(self, status: int | None) -> None:
        self._view.post_message(ShellView.Prompted(status))


def _restyled(strip: Strip, start: int, end: int, style: RichStyle) -> Strip:
    width = strip.cell_length
    return Strip.join([strip.crop(0, start), strip.crop(start, end).apply_style(style), strip.crop(end, width)])
