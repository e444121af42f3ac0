"""Help: what the screen below is for, and its keys."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

_EVERYWHERE = """\
The mouse is optional: everything has a key. Text in the lesson can be selected with the mouse and copied with ctrl+c;
what is selected in the shell is copied at once. With shift held, your own terminal selects.
"""


class HelpScreen(ModalScreen[None]):
    """Words and keys.

    Args:
        words: What the screen is for.
        keys: Key, name and explanation of everything it can do.
    """

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,f1", "dismiss", "Close", id="help.close")]

    def __init__(self, words: str, keys: list[tuple[str, str, str]]) -> None:
        super().__init__()
        self._words = words
        self._keys = keys

    @classmethod
    def about(cls, screen: Screen[object]) -> HelpScreen:
        """The help of a screen: its `HELP` and its bindings."""
        keys: list[tuple[str, str, str]] = []
        for node in (screen, screen.app):
            for binding in node.BINDINGS:
                if isinstance(binding, Binding) and (binding.show or binding.tooltip):
                    shown = binding.key_display or " or ".join(_named(key) for key in binding.key.split(","))
                    keys.append((shown, binding.description, binding.tooltip))
        return cls(getattr(screen, "HELP", ""), keys)

    def compose(self) -> ComposeResult:
        """A box in the middle."""
        with VerticalScroll(id="help") as box:
            box.border_title = "Help"
            box.border_subtitle = "escape closes"
            yield Static(_paragraphs(self._words), markup=False)
            width = max((len(key) for key, _, _ in self._keys), default=0)
            names = max((len(name) for _, name, _ in self._keys), default=0)
            lines = [
                Content.assemble((f"{key:>{width}}  ", "bold $primary"), f"{name:<{names}}  ", (why, "$quiet"))
                for key, name, why in self._keys
            ]
            yield Static(Content("\n").join(lines), id="help-keys")
            yield Static(_paragraphs(_EVERYWHERE), markup=False, classes="quiet")


def _paragraphs(words: str) -> str:
    """Lines joined to paragraphs, which wrap as wide as the box is."""
    return "\n\n".join(" ".join(part.split()) for part in words.strip().split("\n\n"))


def _named(key: str) -> str:
    names = {"right_square_bracket": "]", "question_mark": "?", "slash": "/", "colon": ":"}
    head, plus, last = key.rpartition("+")
    last = names.get(last, last)
    return f"{head}{plus}{last.upper() if len(last) > 1 and last[0] == 'f' and last[1:].isdigit() else last}"
