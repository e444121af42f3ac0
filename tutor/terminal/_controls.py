"""Control characters, ESC sequences and CSI sequences, by their final characters.

Names and meanings after ECMA-48, the VT510 manual and
https://invisible-island.net/xterm/ctlseqs/ctlseqs.html.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from tutor.terminal._modes import Modes
from tutor.terminal._style import apply_sgr

_VERSION = "docker-tutor"
_TITLES_KEPT = 10


class Controls(Modes):
    """A screen that obeys controls."""

    def control(self, char: str) -> None:
        """A C0 control."""
        if char == "\r":
            self.x = 0
        elif char in "\n\x0b\x0c":
            self.line_feed()
        elif char == "\b":
            self.x = max(0, self.column - 1)
        elif char == "\t":
            self.tab()
        elif char == "\x07":
            self.host.bell()
        elif char == "\x0e":
            self.shift = 1
        elif char == "\x0f":
            self.shift = 0

    def line_feed(self) -> None:
        """LF: one row down, and to its start in newline mode."""
        self.x = 0 if self.newline_mode else self.column
        self.index()

    def escape(self, intermediate: str, final: str) -> None:
        """ESC, an intermediate character or none, and a final one."""
        if not intermediate:
            if action := _ESCAPES.get(final):
                action(self)
        elif intermediate in "()*+":
            self.charsets["()*+".index(intermediate)] = final == "0"
        elif intermediate == "#" and final == "8":
            self.align()

    def csi(self, prefix: str, params: str, intermediate: str, final: str) -> None:
        """CSI with its private prefix, parameters, intermediate and final character."""
        if not intermediate and not prefix:
            if final == "m":
                self.style = apply_sgr(self.style, params)
                return
            if ":" in params:
                return
            if action := _SEQUENCES.get(final):
                action(self, _numbers(params))
            return
        if ":" in params:
            return
        args = _numbers(params)
        first = args[0]
        match prefix + intermediate + final:
            case "?h" | "?l":
                self.set_private_modes(args, final == "h")
            case "?J":
                self._erase_display(args)
            case "?K":
                self._erase_line(args)
            case "?s":
                self.save_modes(args)
            case "?r":
                self.restore_modes(args)
            case "?$p" | "$p":
                self.report_mode(first, bool(prefix))
            case "?n" if first == 6:
                self._reply(f"\x1b[?{self._row() + 1};{self.column + 1};1R")
            case ">c":
                self._reply("\x1b[>1;10;0c")
            case "=c":
                self._reply("\x1bP!|00000000\x1b\\")
            case ">q":
                self._reply(f"\x1bP>|{_VERSION}\x1b\\")
            case " q":
                self.cursor_style = first if first <= 6 else 0
            case "!p":
                self.soft_reset()
            case _:
                pass

    def set_region(self, args: list[int]) -> None:
        """DECSTBM: a region of two rows at least, else nothing changes."""
        top = (args[0] or 1) - 1
        bottom = min(args[1] if len(args) > 1 and args[1] else self.rows, self.rows) - 1
        if top < bottom:
            self.top, self.bottom = top, bottom
            self.go(0, 0)

    def _row(self) -> int:
        return self.y - self.top if self.origin else self.y

    def _reply(self, text: str) -> None:
        self.host.reply(text.encode())

    def _erase_display(self, args: list[int]) -> None:
        if args[0] == 3:
            self.forget_history()
        if args[0] > 2:
            return
        self.x = self.column
        if args[0] == 0:
            self.erase(self.y, self.x, self.cols)
            self.erase_rows(self.y + 1, self.rows)
        elif args[0] == 1:
            self.erase_rows(0, self.y)
            self.erase(self.y, 0, self.x + 1)
        elif args[0] == 2:
            self.erase_rows(0, self.rows)

    def _erase_line(self, args: list[int]) -> None:
        if args[0] <= 2:
            self.x = self.column
            self.erase(self.y, 0 if args[0] else self.x, self.x + 1 if args[0] == 1 else self.cols)

    def _forward(self, args: list[int]) -> None:
        self.x = min(self.cols - 1, self.column + (args[0] or 1))

    def _backward(self, args: list[int]) -> None:
        self.x = max(0, self.column - (args[0] or 1))

    def _next_line(self, args: list[int]) -> None:
        self.down(args[0] or 1)
        self.x = 0

    def _previous_line(self, args: list[int]) -> None:
        self.up(args[0] or 1)
        self.x = 0

    def _to_column(self, args: list[int]) -> None:
        self.x = min(args[0] or 1, self.cols) - 1

    def _to_row(self, args: list[int]) -> None:
        self.go(self.column, (args[0] or 1) - 1)

    def _to(self, args: list[int]) -> None:
        self.go((args[1] if len(args) > 1 and args[1] else 1) - 1, (args[0] or 1) - 1)

    def _clear_tabs(self, args: list[int]) -> None:
        if args[0] == 3:
            self.tabs.clear()
        elif args[0] == 0:
            self.tabs.discard(self.column)

    def _report(self, args: list[int]) -> None:
        if args[0] == 5:
            self._reply("\x1b[0n")
        elif args[0] == 6:
            self._reply(f"\x1b[{self._row() + 1};{self.column + 1}R")

    def _identify(self, args: list[int]) -> None:
        if args[0] == 0:
            self._reply("\x1b[?62;22;52c")  # a VT220 with colour and a clipboard that can be written

    def _window(self, args: list[int]) -> None:
        if args[0] == 18:
            self._reply(f"\x1b[8;{self.rows};{self.cols}t")
        elif args[0] == 22:
            self.title_stack = [*self.title_stack[-_TITLES_KEPT + 1 :], self.title]
        elif args[0] == 23 and self.title_stack:
            self.title = self.title_stack.pop()
            self.host.title(self.title)

    def _scroll_down_by(self, args: list[int]) -> None:
        if len(args) == 1:  # with more parameters it is a mouse highlight request
            self.scroll_down(args[0] or 1)

    def _new_line(self) -> None:
        self.x = 0
        self.index()

    def _down_one(self) -> None:
        self.x = self.column
        self.index()

    def _keypad(self, on: bool) -> None:
        self.app_keypad = on
        (self.modes.add if on else self.modes.discard)(66)


@lru_cache(2048)
def _numbers(params: str) -> list[int]:
    return [min(int(part), 65535) if part else 0 for part in params.split(";")]


_SEQUENCES: dict[str, Callable[[Controls, list[int]], None]] = {
    "@": lambda screen, args: screen.insert_cells(args[0] or 1),
    "A": lambda screen, args: screen.up(args[0] or 1),
    "B": lambda screen, args: screen.down(args[0] or 1),
    "C": Controls._forward,
    "D": Controls._backward,
    "E": Controls._next_line,
    "F": Controls._previous_line,
    "G": Controls._to_column,
    "H": Controls._to,
    "I": lambda screen, args: screen.tab(args[0] or 1),
    "J": Controls._erase_display,
    "K": Controls._erase_line,
    "L": lambda screen, args: screen.insert_lines(args[0] or 1),
    "M": lambda screen, args: screen.delete_lines(args[0] or 1),
    "P": lambda screen, args: screen.delete_cells(args[0] or 1),
    "S": lambda screen, args: screen.scroll_up(args[0] or 1),
    "T": Controls._scroll_down_by,
    "X": lambda screen, args: screen.erase_cells(args[0] or 1),
    "Z": lambda screen, args: screen.back_tab(args[0] or 1),
    "`": Controls._to_column,
    "a": Controls._forward,
    "b": lambda screen, args: screen.repeat(args[0] or 1),
    "c": Controls._identify,
    "d": Controls._to_row,
    "e": lambda screen, args: screen.down(args[0] or 1),
    "f": Controls._to,
    "g": Controls._clear_tabs,
    "h": lambda screen, args: screen.set_modes(args, True),
    "l": lambda screen, args: screen.set_modes(args, False),
    "n": Controls._report,
    "r": Controls.set_region,
    "s": lambda screen, args: screen.save_cursor(),
    "t": Controls._window,
    "u": lambda screen, args: screen.restore_cursor(),
}

_ESCAPES: dict[str, Callable[[Controls], None]] = {
    "7": Controls.save_cursor,
    "8": Controls.restore_cursor,
    "=": lambda screen: screen._keypad(True),
    ">": lambda screen: screen._keypad(False),
    "D": Controls._down_one,
    "E": Controls._new_line,
    "H": lambda screen: screen.tabs.add(screen.column),
    "M": Controls.reverse_index,
    "N": lambda screen: setattr(screen, "single_shift", 2),
    "O": lambda screen: setattr(screen, "single_shift", 3),
    "Z": lambda screen: screen._identify([0]),
    "c": Controls.reset,
    "n": lambda screen: setattr(screen, "shift", 2),
    "o": lambda screen: setattr(screen, "shift", 3),
}
