"""The screen of `tutor.terminal` drawn in a box that scrolls, and fitted to it."""

from __future__ import annotations

from time import monotonic

from rich.style import Style as RichStyle
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from tutor.terminal.emulator import Damage, Host, Screen
from tutor.ui.tui.shell.strips import strip_of

_FRAME = 1 / 30
_HOLD = 0.15  # seconds to wait at most for a picture that a program wants shown at once (mode 2026)
_SETTLE = 0.06  # seconds without another resize before the program hears of one
_REVERSE_SCREEN = 5


class Canvas(ScrollView, can_focus=True):
    """A terminal's screen, without anything that works in it.

    Args:
        host: What answers the programs that draw here.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Canvas {
        background: $shell-background; color: $shell-foreground;
        overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1;
        scrollbar-background: $shell-background; scrollbar-background-hover: $shell-background;
        scrollbar-background-active: $shell-background; scrollbar-color: $border-blurred;
    }
    """

    def __init__(self, host: Host, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.term = Screen(80, 24, host=host)
        self._damage = Damage()
        self._base: RichStyle | None = None
        self._plain: RichStyle | None = None
        self._drawn = 0.0
        self._synchronized_since = 0.0
        self._frame: Timer | None = None
        self._settling: Timer | None = None

    # -- what works in it tells ----------------------------------------------------------------------------------
    @property
    def alive(self) -> bool:
        """Whether a program works in it: it has a cursor then."""
        return False

    @property
    def stays(self) -> bool:
        """Whether new output must not scroll it away."""
        return False

    def before_drawing(self) -> None:
        """The screen has new output; it is drawn next."""

    def before_fitting(self) -> None:
        """The screen gets another size next."""

    def fitted(self) -> None:
        """The screen has got another size."""

    def decorated(self, strip: Strip, row: int) -> Strip:
        """A row as it is to be seen: with what is chosen, or with the program's cursor."""
        return self._with_cursor(strip, row)

    def received(self, data: bytes) -> None:
        """Output of the program."""
        self.term.feed(data)
        if self._frame is None:
            wait = self._drawn + _FRAME - monotonic()
            if wait <= 0:
                self._draw()  # the first of a burst: an echo is seen at once
            else:
                self._frame = self.set_timer(wait, self._draw)

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
        follow = self.scroll_offset.y >= self.max_scroll_y and not self.stays
        self.before_drawing()
        size = Size(term.cols, term.total)
        if size != self.virtual_size:
            self.virtual_size = size
        if follow and self.scroll_offset.y != term.first_on_screen:
            self.scroll_to(y=term.first_on_screen, animate=False, force=True, immediate=True)
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
        # More may have come since the row was found to differ.
        self._damage.drawn(self.term, self.scroll_offset.y, y)
        strip = strip_of(self.term.line_at(row), base)
        strip = self.decorated(strip, row)
        return strip.adjust_cell_length(width, base) if strip.cell_length != width else strip

    def _with_cursor(self, strip: Strip, row: int) -> Strip:
        cursor = self.term.cursor
        if cursor.row != row or not self.term.cursor_visible or not self.alive:
            return strip
        cells = 2 if self.term.line_at(row).cells()[cursor.column + 1 : cursor.column + 2] == [""] else 1
        focused = self.has_focus and self.term.cursor_style not in (3, 4)
        look = RichStyle(reverse=True) if focused else RichStyle(underline=True)
        return restyled(strip, cursor.column, cursor.column + cells, look)

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
        if not self.alive:
            self._fit()
        else:
            self._settling = self.set_timer(_SETTLE, self._fit)

    def _fit(self) -> None:
        self._settling = None
        cols, rows = self.scrollable_content_region.size
        if cols < 2 or rows < 1:
            return  # not shown: the program keeps the size it knows
        if (cols, rows) != (self.term.cols, self.term.rows):
            self.before_fitting()
            self.term.resize(cols, rows)
            self.fitted()
        self._damage.forget()
        self._draw()


def restyled(strip: Strip, start: int, end: int, style: RichStyle) -> Strip:
    """A row with some of its cells in another style."""
    width = strip.cell_length
    return Strip.join([strip.crop(0, start), strip.crop(start, end).apply_style(style), strip.crop(end, width)])
