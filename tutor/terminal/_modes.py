"""Modes: set, reset, saved, asked for (SM, RM, DECSET, DECRST, XTSAVE, XTRESTORE, DECRQM)."""

from __future__ import annotations

from tutor.terminal._line import Line
from tutor.terminal._write import Writer

_MOUSE = frozenset({9, 1000, 1002, 1003})
_SCREENS = frozenset({47, 1047, 1049})
_KNOWN = frozenset({1, 5, 6, 7, 12, 25, 66, 1004, 1006, 1007, 1048, 2004, 2026}) | _MOUSE | _SCREENS
_GRAPHEME_CLUSTERS = 2027


class Modes(Writer):
    """A writable grid with modes."""

    def reset(self) -> None:
        """RIS."""
        super().reset()
        self._stored_modes: dict[int, bool] = {}

    @property
    def mouse(self) -> int:
        """What the program wants of the mouse: 0 nothing, 9 presses, 1000 releases too, 1002 drags, 1003 moves."""
        return max(self.modes & _MOUSE, default=0)

    @property
    def synchronized(self) -> bool:
        """Whether the program asked to hold drawing until its picture is whole (mode 2026). Hold it 150 ms at most."""
        return 2026 in self.modes

    @property
    def cursor_visible(self) -> bool:
        """DECTCEM."""
        return 25 in self.modes

    def set_private_modes(self, modes: list[int], on: bool) -> None:
        """DECSET and DECRST."""
        for mode in modes:
            if mode in _KNOWN:
                self._set_private_mode(mode, on)

    def set_modes(self, modes: list[int], on: bool) -> None:
        """SM and RM: insert mode and newline mode."""
        if 4 in modes:
            self.insert_mode = on
        if 20 in modes:
            self.newline_mode = on

    def save_modes(self, modes: list[int]) -> None:
        """XTSAVE."""
        self._stored_modes = {
            **self.__dict__.get("_stored_modes", {}),
            **{m: m in self.modes for m in modes if m in _KNOWN},
        }

    def restore_modes(self, modes: list[int]) -> None:
        """XTRESTORE."""
        for mode in modes:
            if mode in self._stored_modes:
                self._set_private_mode(mode, self._stored_modes[mode])

    def report_mode(self, mode: int, private: bool) -> None:
        """DECRQM: 0 unknown, 1 set, 2 reset, 3 always set."""
        if private:
            state = 3 if mode == _GRAPHEME_CLUSTERS else (1 if mode in self.modes else 2) if mode in _KNOWN else 0
        else:
            flag = {4: self.insert_mode, 20: self.newline_mode}.get(mode)
            state = 0 if flag is None else 1 if flag else 2
        self.host.reply(f"\x1b[{'?' if private else ''}{mode};{state}$y".encode())

    def _set_private_mode(self, mode: int, on: bool) -> None:
        if mode in _SCREENS:
            self._switch_screen(mode, on)
            return
        if mode == 1048:
            if on:
                self.save_cursor()
            else:
                self.restore_cursor()
            return
        if mode in _MOUSE:
            self.modes -= _MOUSE
        (self.modes.add if on else self.modes.discard)(mode)
        if mode == 6:
            self.origin = on
            self.go(0, 0)
        elif mode == 7:
            self.autowrap = on
        elif mode == 66:
            self.app_keypad = on

    def _switch_screen(self, mode: int, on: bool) -> None:
        if on and mode == 1049:
            self.save_cursor()
        if not on and mode == 1047 and self.alternate:
            self.erase_rows(0, self.rows)
        if on and mode == 1049:
            if self.alternate:
                self.erase_rows(0, self.rows)
            else:
                self.show_alternate(True)
                self.lines[:] = [Line(self.cols, self.generation) for _ in range(self.rows)]
        self.show_alternate(on)
        if not on and mode == 1049:
            self.restore_cursor()
        self.modes -= _SCREENS
        if on:
            self.modes.add(mode)
