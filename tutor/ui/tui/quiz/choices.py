"""One list for all questions that are answered by choosing: one of many, several of many, an order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.table import Table
from rich.text import Text
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

Kind = Literal["one", "several", "order", "line"]
_DONE = "-done-"


class Choices(OptionList):
    """Rows to choose from, by arrows and Enter, by the row's number, or by a click.

    Args:
        kind: `one`: a row is the answer. `several`: rows are ticked. `order`: rows get their place. `line`: as `one`,
            with the rows shown as they are written.
        rows: Id and text of each row, in the order in which they are shown.
    """

    DEFAULT_CSS = "Choices { height: auto; max-height: 100%; margin: 1 0; }"

    class Chosen(Message):
        """The answer: ids of rows, in the order they were picked."""

        def __init__(self, choices: Choices, answer: tuple[str, ...]) -> None:
            self.choices = choices
            self.answer = answer
            super().__init__()

        @property
        def control(self) -> Choices:
            """Where it was chosen."""
            return self.choices

    def __init__(self, kind: Kind, rows: Sequence[tuple[str, str]]) -> None:
        super().__init__(markup=False)
        self._kind = kind
        self._rows = list(rows)
        self._picked: list[str] = []
        self._answered = False
        self.add_options(self._make_options())

    def freeze(self, right: Sequence[str] = (), wrong: Sequence[str] = ()) -> None:
        """Answered: mark what was right and what was not; nothing can be chosen any more."""
        self._answered = True
        self.can_focus = False
        marks = {**dict.fromkeys(wrong, ("✘", "bold red")), **dict.fromkeys(right, ("✔", "bold green"))}
        self.set_options(
            [
                Option(_row(*marks.get(key, (" ", "")), self._number(number), text, self._kind == "line"))
                for number, (key, text) in enumerate(self._rows, 1)
            ]
        )
        self.highlighted = None

    def thaw(self) -> None:
        """Nothing came of the answer: choose again."""
        self._answered = False
        self._redraw()
        self.focus()

    def _make_options(self) -> list[Option]:
        options = [
            Option(_row(self._mark(key), "bold", self._number(number), text, self._kind == "line"), id=key)
            for number, (key, text) in enumerate(self._rows, 1)
        ]
        if self._kind in ("several", "order"):
            ready = len(self._picked) == len(self._rows) if self._kind == "order" else bool(self._picked)
            more = ", first to last" if self._kind == "order" else ""
            words = "That is my answer" if ready else f"Enter picks a row{more}"
            options.append(Option(Content.styled(f"  {words}", "bold $primary" if ready else "$quiet"), id=_DONE))
        else:
            numbers = "1" if len(self._rows) == 1 else f"1–{len(self._rows)}"
            told = Content.styled(f"  {numbers}, or ↑ ↓ and Enter, is your answer", "$quiet")
            options.append(Option(told, id=_DONE, disabled=True))
        return options

    def _number(self, number: int) -> str:
        return f"{number:>2} " if self._kind == "line" else f"{number} "

    def _mark(self, key: str) -> str:
        picked = key in self._picked
        if self._kind == "several":
            return "[x]" if picked else "[ ]"
        if self._kind == "order":
            return f"{self._picked.index(key) + 1}." if picked else " ·"
        return " "

    def _redraw(self) -> None:
        kept = self.highlighted
        self.set_options(self._make_options())
        self.highlighted = kept

    async def _on_key(self, event: events.Key) -> None:
        if event.key.isdigit() and 0 < int(event.key) <= len(self._rows) and not self._answered:
            event.stop()
            self.highlighted = int(event.key) - 1
            self.action_select()
        elif event.key == "enter" and self.highlighted is None and not self._answered:
            # Nothing is chosen yet: the first press only says where one is.
            event.stop()
            event.prevent_default()
            self.highlighted = 0
        elif event.key == "space" and not self._answered:
            event.stop()
            self.action_select()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A row was picked."""
        event.stop()
        if self._answered or event.option_id is None:
            return
        if self._kind in ("one", "line"):
            self._answer((event.option_id,))
        elif event.option_id != _DONE:
            picked = self._picked
            (picked.remove if event.option_id in picked else picked.append)(event.option_id)
            if self._kind == "order" and len(picked) == len(self._rows):
                event.option_list.highlighted = len(self._rows)
            self._redraw()
        elif self._picked and (self._kind == "several" or len(self._picked) == len(self._rows)):
            self._answer(tuple(self._picked))

    def _answer(self, answer: tuple[str, ...]) -> None:
        self._answered = True
        self.post_message(self.Chosen(self, answer))


def _row(mark: str, style: str, number: str, text: str, verbatim: bool) -> Table:
    """A row whose words hang beside its mark and number."""
    row = Table.grid(padding=(0, 1, 0, 0))
    row.add_column(no_wrap=True)
    row.add_column(no_wrap=True)
    row.add_column(ratio=1)
    words = Text(text)
    if not verbatim:
        pieces = text.split("`")
        words = Text("").join(Text(piece, "bold" if place % 2 else "") for place, piece in enumerate(pieces))
    row.add_row(Text(mark, style), Text(number, "dim"), words)
    return row
