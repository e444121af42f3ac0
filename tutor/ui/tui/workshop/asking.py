"""Two small boxes of the board: choose one of a list, write one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option


class Choose(ModalScreen[str]):
    """Choose one.

    Args:
        title: What for.
        options: Id and words of each.
    """

    CSS_PATH = "workshop.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "Close", id="choose.close")]

    def __init__(self, title: str, options: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._options = options

    def compose(self) -> ComposeResult:
        """A list in a box."""
        with Vertical(id="choose") as box:
            box.border_title = self._title
            box.border_subtitle = "enter chooses, escape closes"
            # Ids of options are places: what is chosen from may have any id.
            yield OptionList(
                *(Option(words, id=f"n{n}") for n, (_, words) in enumerate(self._options)), markup=False, id="choices"
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Chosen."""
        self.dismiss(self._options[event.option_index][0])


class Ask(ModalScreen[str]):
    """Write one line.

    Args:
        title: What for.
        value: What stands there first.
    """

    CSS_PATH = "workshop.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "Close", id="ask.close")]

    def __init__(self, title: str, value: str = "") -> None:
        super().__init__()
        self._title, self._value = title, value

    def compose(self) -> ComposeResult:
        """A line in a box."""
        with Vertical(id="ask-box") as box:
            box.border_title = self._title
            box.border_subtitle = "enter sends, escape closes"
            yield Input(self._value, id="line")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Written."""
        self.dismiss(event.value.strip())
