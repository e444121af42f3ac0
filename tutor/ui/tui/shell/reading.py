"""What a person does with what a shell has printed: scroll, search, select and copy, by keys and with the mouse."""

from __future__ import annotations

from rich.style import Style as RichStyle
from textual import events
from textual.message import Message
from textual.strip import Strip

from tutor.terminal.emulator import Host, Position
from tutor.ui.tui.shell.canvas import Canvas, restyled
from tutor.ui.tui.shell.lookback import Lookback
from tutor.ui.tui.shell.selecting import Selecting, cells_of


class ReadView(Canvas):
    """A terminal's screen that can be read back.

    Args:
        host: What answers the programs that draw here.
    """

    class LookingBack(Message):
        """What is going on while somebody reads back, in words; empty when it is over."""

        def __init__(self, words: str) -> None:
            self.words = words
            super().__init__()

    def __init__(self, host: Host, *, id: str | None = None) -> None:
        super().__init__(host, id=id)
        self._selecting: Selecting | None = None
        self._back: Lookback | None = None

    # -- drawing -------------------------------------------------------------------------------------------------
    @property
    def stays(self) -> bool:
        """While somebody reads."""
        return self._back is not None

    def before_drawing(self) -> None:
        """What is read, or chosen, may have moved."""
        if self._back is not None:
            self._back.follow()
        if self._selecting and not self._selecting.valid(self.term):
            self._selecting = None
            self._damage.forget()

    def before_fitting(self) -> None:
        """Lines break elsewhere: nothing stays chosen."""
        self._selecting = None
        self._end_reading()

    def decorated(self, strip: Strip, row: int) -> Strip:
        """With what is selected, what is found, and the reader's place."""
        if self._selecting and (chosen := self._selecting.span(row, self.term.cols)):
            style = self.screen.get_component_rich_style("screen--selection")
            strip = restyled(strip, *chosen, style)
        if self._back is not None:
            return self._with_reader(strip, row, self._back)
        return super().decorated(strip, row)

    def _with_reader(self, strip: Strip, row: int, back: Lookback) -> Strip:
        found = self.screen.get_component_rich_style("screen--selection")
        for place in back.found_in(row):
            strip = restyled(strip, *place, RichStyle(underline=True, bold=True))
        if back.selected and (span := cells_of(back.selected, row, self.term.cols)):
            strip = restyled(strip, *span, found)
        if back.cursor.row == row:
            cells = self.term.line_at(row).cells()
            column = back.cursor.column - (cells[back.cursor.column] == "")
            wide = cells[column + 1 : column + 2] == [""]
            strip = restyled(strip, column, column + 1 + wide, RichStyle(reverse=True))
        return strip

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

    # -- selecting with the mouse --------------------------------------------------------------------------------
    def _begin_selecting(self, event: events.MouseEvent, chain: int) -> None:
        self._selecting = Selecting.begin(self.term, self._position(event), chain)
        self.refresh()

    def _extend_selection(self, event: events.MouseEvent) -> None:
        if self._selecting is None:
            return
        if event.y < 0:
            self.scroll_up(animate=False)
        elif event.y >= self.size.height:
            self.scroll_down(animate=False)
        self._selecting.extend(self.term, self._position(event))
        self.refresh()

    def copy_selection(self) -> None:
        """Put what is selected on the clipboard."""
        if self._selecting is None or self._selecting.empty:
            return
        text = self.term.text_between(*self._selecting.stretch)
        if text.strip():
            self.app.copy_to_clipboard(text)

    def _to_end(self) -> None:
        self.stop_looking_back()
        if self._selecting:
            self._selecting = None
            self.refresh()
        if self.scroll_offset.y < self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True, immediate=True)

    def _position(self, event: events.MouseEvent) -> Position:
        row = min(max(int(event.y) + self.scroll_offset.y, 0), self.term.total - 1)
        return Position(row, min(max(int(event.x), 0), self.term.cols))
