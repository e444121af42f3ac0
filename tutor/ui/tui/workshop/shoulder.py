"""A copy of the shell's screen: made on the learner's side, shown on the instructor's."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Footer, Static

from tutor.terminal.emulator import DEFAULT, HIDDEN, Line, Screen, Style
from tutor.ui.tui.shell.strips import rich_style
from tutor.workshop.instructor import LookView
from tutor.workshop.shoulder import MAX_COLS, MAX_ROWS, Bit, Copy


def copy_of(term: Screen) -> Copy:
    """The screen as the learner sees it: not what has scrolled away, no links, and nothing that is hidden there."""
    lines = term.lines[-MAX_ROWS:]
    rows = [_row(line) for line in lines]
    while rows and not rows[-1]:
        rows.pop()
    row = term.y - (len(term.lines) - len(lines))
    seen = term.cursor_visible and row >= 0 and term.column < MAX_COLS
    return Copy(rows=tuple(rows), cursor=(row, term.column) if seen else (-1, -1))


def _row(line: Line) -> tuple[Bit, ...]:
    bits: list[Bit] = []
    room = MAX_COLS
    for text, style, width in line.runs():
        if room <= 0:
            break
        shown = " " * width if style.flags & HIDDEN else text
        # A wide character that does not fit is cut by whoever draws the row.
        bits.append(Bit(shown[:room], style.fg, style.bg, style.flags & ~HIDDEN, style.underline))
        room -= width
    while bits and not bits[-1].text.strip() and _look(bits[-1]) == DEFAULT:
        bits.pop()
    return tuple(bits)


def _look(bit: Bit) -> Style:
    return Style(bit.fg, bit.bg, bit.flags, bit.underline)


class CopyView(Widget):
    """Draws a copy; of one that is too big, its last rows."""

    DEFAULT_CSS = "CopyView { height: 1fr; background: $shell-background; color: $shell-foreground; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.copy: Copy | None = None

    def show(self, copy: Copy | None) -> None:
        """Draw this one, or nothing."""
        if copy != self.copy:
            self.copy = copy
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Textual's line API."""
        base = self.rich_style
        width, height = self.size
        if self.copy is None:
            return Strip.blank(width, base)
        row = y + max(0, max(len(self.copy.rows), self.copy.cursor[0] + 1) - height)
        bits = self.copy.rows[row] if row < len(self.copy.rows) else ()
        strip = Strip([Segment(bit.text, rich_style(_look(bit), base)) for bit in bits])
        strip = strip.adjust_cell_length(width, base)
        column = self.copy.cursor[1]
        if row == self.copy.cursor[0] and 0 <= column < width:
            cursor = strip.crop(column, column + 1).apply_style(RichStyle(reverse=True))
            strip = Strip.join([strip.crop(0, column), cursor, strip.crop(column + 1, width)])
        return strip


class LookScreen(ModalScreen[None]):
    """An instructor looks at a seat's shell.

    Args:
        seat, name: Whose.
        end: Ends it.
    """

    CSS_PATH = "workshop.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "end", "End it", key_display="esc", id="look.end", tooltip="You see nothing any more"),
    ]

    def __init__(self, seat: str, name: str, end: Callable[[], None]) -> None:
        super().__init__()
        self.seat = seat
        self._name = name
        self._end = end

    def compose(self) -> ComposeResult:
        """A box with the copy."""
        with Vertical(id="look") as box:
            box.border_title = f"{self._name}: a read-only copy of the shell".replace("[", "(").replace("]", ")")
            yield Static("Asking …", id="look-stands", markup=False)
            yield CopyView(id="copy")
            yield Footer(show_command_palette=False, compact=True)

    def show(self, look: LookView | None) -> None:
        """Something has changed."""
        if look is None or look.seat != self.seat or not self.query("#copy"):
            return
        words = {
            "asked": f"{self._name} is asked. Nothing is shown before they agree, and no answer is no.",
            "on": f"{self._name} has agreed. A line on their screen says all the time that you look.",
            "over": f"{look.why} Nothing is shown any more.",
        }
        self.query_one("#look-stands", Static).update(words[look.state])
        self.query_one("#copy", CopyView).show(look.copy if look.state == "on" else None)

    def action_end(self) -> None:
        """End it."""
        self._end()
        self.dismiss()
