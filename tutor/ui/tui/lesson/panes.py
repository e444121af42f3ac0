"""The panes of a lesson: text, shell and picture side by side, or as three tabs where it is narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Footer, Static

from tutor.ui.tui.picture import Picture
from tutor.ui.tui.rows import draw_rows
from tutor.ui.tui.shell.view import ShellView

if TYPE_CHECKING:
    from tutor.ui.tui.app import TutorApp

_LEAVES = "F6 or ctrl+] leaves"
_ENTERS = "F6 enters · / searches · y copies"
_TURNS = "v turns it · z enlarges it"
_TABS = ("lesson", "shell", "picture")


class PaneScreen(Screen[object]):
    """Who has the room and the keyboard; what stands in the text is its subclass's.

    Args:
        tab: The picture's first tab.
    """

    app: TutorApp

    def __init__(self, tab: str) -> None:
        super().__init__()
        draw_rows(self)
        self._tab = tab
        self._pane = "lesson"
        self._reading_back = False

    # -- what the text tells -------------------------------------------------------------------------------------
    @property
    def width_wanted(self) -> int:
        """Cells that the text needs to be shown whole; 0 when it wraps."""
        return 0

    def focus_text(self) -> None:
        """Give the keyboard to the text."""
        self.query_one("#lesson").focus(scroll_visible=False)

    def draw_bar(self) -> None:
        """Draw the line above them, as much of it as there is room for."""

    def seen_changed(self) -> None:
        """Perhaps another part of the screen is seen now."""

    # -- what they are made of -----------------------------------------------------------------------------------
    def compose(self) -> ComposeResult:
        """The bar, the tabs of a narrow screen, the three panes, the step in one line, the keys."""
        yield Static(classes="bar", id="lesson-bar")
        yield Static(id="panes")
        with Horizontal(id="body"):
            with VerticalScroll(id="lesson", classes="pane"):
                pass
            with Vertical(id="right"):
                with Vertical(id="shell", classes="pane"):
                    yield Static(id="shell-words", markup=False)
                    yield ShellView(id="view")
                with Vertical(id="picture", classes="pane"):
                    yield Picture(self._tab)
        yield Static(id="step-line", classes="bar")
        yield Footer(show_command_palette=False, compact=True)

    def set_up(self) -> None:
        """Title the panes, and follow the keyboard."""
        self.query_one("#lesson").border_title = "Lesson"
        self.query_one("#shell").border_title = "Shell"
        self.query_one("#picture").border_title = "Live picture"
        self.query_one("#picture").border_subtitle = _TURNS
        self.query_one("#view").display = False
        self.watch(self, "focused", self._focus_moved, init=False)
        self._draw_tabs()

    def _draw_tabs(self) -> None:
        parts: list[Content | tuple[str, str]] = []
        for name in _TABS:
            here = name == self._pane
            title = Content.styled(f" {'▸' if here else ' '}{name.capitalize()} ", "bold reverse" if here else "$quiet")
            parts.append(title.stylize(Style.from_meta({"@click": ("screen", "show_pane", (name,))})))
        parts.append(("   F6 next", "$quiet"))
        self.query_one("#panes", Static).update(Content.assemble(*parts))

    def widen(self) -> None:
        """A drawing that does not fit beside the shell takes the whole screen while it is read."""
        wanted = self.width_wanted + 6
        half = self.size.width // 2 if self.size.width >= 100 else self.size.width
        self.query_one("#body").set_class(wanted > half and self.size.width >= 100, "-reading")
        self.seen_changed()

    def on_resize(self) -> None:
        """Another width: perhaps other panes."""
        if self.is_mounted:
            self.widen()
            self.call_after_refresh(self.draw_bar)

    @property
    def picture_seen(self) -> bool:
        """Whether the live picture is on the terminal now."""
        body = self.query_one("#body")
        hidden = self._pane != "picture" if self.has_class("-narrow") else body.has_class("-reading")
        return self.is_current and (body.has_class("-picture-only") or not hidden)

    # -- the keyboard --------------------------------------------------------------------------------------------
    def action_switch(self) -> None:
        """Into the shell and out of it; where it is narrow, to the next tab."""
        view = self.query_one(ShellView)
        if self.has_class("-narrow"):
            self.pane(_TABS[(_TABS.index(self._pane) + 1) % len(_TABS)])
        elif self.focused is view:
            view.stop_looking_back()
            self.focus_text()
        elif view.display:
            self._make_room()
            view.focus()

    def pane(self, name: str) -> None:
        """Show one of the three panes, and give it the keyboard."""
        self._to_front(name)
        if name == "shell" and self.query_one(ShellView).display:
            self.query_one(ShellView).focus()
        elif name == "picture":
            self.query_one(Picture).focus()
        else:
            self.focus_text()
        self.seen_changed()

    def show_text(self) -> None:
        """Where it is narrow, the text comes to the front: what was asked for happens there."""
        if self.has_class("-narrow") and self._pane != "lesson":
            self.pane("lesson")

    def action_show_pane(self, name: str) -> None:
        """A click on a tab."""
        self.pane(name)

    def action_page_down(self) -> None:
        """Read on."""
        self.query_one("#lesson").scroll_page_down()

    def _to_front(self, name: str) -> None:
        self._pane = name
        self._draw_tabs()
        body = self.query_one("#body")
        for one in _TABS:
            body.set_class(one == name, f"-{one}")

    def _focus_moved(self) -> None:
        if not self.has_class("-narrow") and self.focused is not None:
            # Where the screen becomes narrow, the keyboard stays where it is: what is typed is not the lesson's.
            kind = {ShellView: "shell", Picture: "picture"}
            self._to_front(kind.get(type(self.focused), "lesson"))
        if not self.query_one(ShellView).looking_back:
            self.draw_shell_line()

    def draw_shell_line(self, words: str = "") -> None:
        """What the keys do in the shell, or these words; nothing while there is no shell."""
        inside = isinstance(self.focused, ShellView)
        keys = _LEAVES if inside else _ENTERS if self.query_one(ShellView).display else ""
        self.query_one("#shell").border_subtitle = _line(words or keys)

    # -- the shell -----------------------------------------------------------------------------------------------
    def action_put(self, command: str) -> None:
        """Write a command of the text behind the shell's prompt."""
        self._reading_back = False
        if not self.query_one(ShellView).put(command):
            self.notify("The shell is not at its prompt: end the program in it first (ctrl+c), then try again.")
            return
        if self.has_class("-narrow"):
            self.pane("shell")
        else:
            self._make_room()
            self.query_one(ShellView).focus()

    def action_look_back(self, searching: bool) -> None:
        """Search, or select and copy, what the shell has printed."""
        view = self.query_one(ShellView)
        if not view.display:
            return
        if self.has_class("-narrow"):
            self.pane("shell")
        self._make_room()
        view.focus()
        self._reading_back = True
        view.look_back(searching=searching)

    def on_read_view_looking_back(self, event: ShellView.LookingBack) -> None:
        """What the reader of the shell is doing, below it; when it is over, the keyboard goes back where it was."""
        self.draw_shell_line(event.words)
        if not event.words and self._reading_back:
            self._reading_back = False
            if not self.has_class("-narrow"):
                self.focus_text()

    # -- the picture ---------------------------------------------------------------------------------------------
    def action_turn_picture(self) -> None:
        """The picture's next tab; where it is not seen, the picture first."""
        if self.picture_seen:
            self.query_one(Picture).action_next(1)
        elif self.has_class("-narrow"):
            self.pane("picture")
        else:
            self._make_room()

    def action_enlarge(self) -> None:
        """The picture on the whole screen, and back."""
        body = self.query_one("#body")
        body.toggle_class("-picture-only")
        if body.has_class("-picture-only"):
            self.query_one(Picture).focus()
        else:
            self.pane("lesson") if self.has_class("-narrow") else self.focus_text()
        self.query_one("#picture").border_subtitle = (
            "v turns it · z makes it small again" if body.has_class("-picture-only") else _TURNS
        )
        self.seen_changed()

    def _make_room(self) -> None:
        """Whatever covers the shell and the picture makes room."""
        body = self.query_one("#body")
        if body.has_class("-picture-only"):
            self.action_enlarge()
        body.remove_class("-reading")
        self.seen_changed()


def _line(words: str) -> str:
    """Words for a border, where square brackets would be read as markup."""
    return words.replace("[", "\\[")
