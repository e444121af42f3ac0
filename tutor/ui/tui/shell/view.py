"""The shell widget: a screen of `tutor.terminal` in a box, with a program behind it.

While it has the focus it takes every key, but for the app's priority bindings: only what leaves the shell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from textual import events
from textual.message import Message

from tutor.terminal import keys
from tutor.terminal.emulator import Host
from tutor.terminal.keys import Action, Key, Mouse
from tutor.terminal.transport import Shell
from tutor.ui.tui.shell.reading import ReadView

_WHEEL = 3  # lines a notch
_BRACKETED, _APP_CURSOR, _FOCUS_NEWS, _ALTERNATE_SCROLL = 2004, 1, 1004, 1007
_CLEAR_LINE = b"\x05\x15"  # to the end of the line, and erase back to its start


class ShellView(ReadView):
    """A terminal. Give it a program with `start`, and end it with `close`."""

    takes_every_key = True

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

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(_Host(self), id=id)
        self.shell: Shell | None = None
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

    def clear(self) -> None:
        """An empty screen, for a program to come."""
        self.term.reset()
        self.stop_looking_back()
        self._draw()

    @property
    def alive(self) -> bool:
        """Whether a program works in it."""
        return self.shell is not None

    def fitted(self) -> None:
        """The program hears of its new size."""
        if self.shell is not None:
            self.shell.resize(self.term.cols, self.term.rows)

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
            self._begin_selecting(event, 1)

    def _on_mouse_move(self, event: events.MouseMove) -> None:
        if self._to_program(event, Action.MOVE, event.button):
            return
        if self._selecting is not None and event.button == 1:
            event.stop()
            self._extend_selection(event)

    async def _on_mouse_up(self, event: events.MouseUp) -> None:
        event.stop()
        self.release_mouse()
        if not self._to_program(event, Action.RELEASE, event.button):
            self.copy_selection()

    async def _on_click(self, event: events.Click) -> None:
        event.stop()
        if event.chain > 1 and not self._for_program(event):
            self._begin_selecting(event, min(event.chain, 3))
            self.copy_selection()

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
