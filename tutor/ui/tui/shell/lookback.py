"""Reading what the shell has printed, by keys alone: move, search, select, copy. Pure.

The keys are those of `less`, and of tmux and vi where those have a habit of their own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tutor.terminal.emulator import Match, Position, Screen

After = Literal["stay", "copy", "leave"]
"""What is to be done after a key: nothing more; copy `text()` and leave; leave."""

KEYS = "arrows move · space marks · Enter copies · / searches · n older · N newer · Esc leaves"

_PRINTED_KEYS = {
    "h": "left", "l": "right", "k": "up", "j": "down", "b": "pageup", "f": "pagedown", "g": "home", "G": "end",
    "0": "ctrl+a", "$": "ctrl+e", "v": "space", "V": "line", "y": "enter", "q": "escape",
    "shift+pageup": "pageup", "shift+pagedown": "pagedown", "ctrl+b": "pageup", "ctrl+f": "pagedown",
}  # fmt: skip


@dataclass
class Lookback:
    """Somebody who reads.

    Attributes:
        screen: What is read.
        cursor: Where the reader is.
        anchor: Where the selection was begun; None without one.
        lines: Whether whole lines are selected.
        typing: What is being typed to search for; None while nothing is.
        wanted: What was searched for last, and `matches` where it stands, oldest first.
    """

    screen: Screen
    cursor: Position
    anchor: Position | None = None
    lines: bool = False
    typing: str | None = None
    wanted: str = ""
    matches: list[Match] = field(default_factory=list)
    dropped: int = 0

    @classmethod
    def begin(cls, screen: Screen, *, searching: bool = False) -> Lookback:
        """Begin at the shell's cursor; `searching` with a search to type."""
        return cls(screen, screen.cursor, typing="" if searching else None, dropped=screen.dropped)

    # -- keys ----------------------------------------------------------------------------------------------------
    def key(self, key: str, character: str | None, page: int) -> After:
        """A key was pressed.

        Args:
            key: Its name, as Textual names keys.
            character: What it prints, or None.
            page: Rows that are seen at once.
        """
        self.follow()
        if self.typing is not None:
            return self._type(key, character)
        name = _PRINTED_KEYS.get(character or key, key)
        if moves := self._moves(page).get(name):
            self.cursor = self._held(moves())
        elif name in ("space", "line"):
            self.anchor = self.cursor if self.anchor is None or self.lines != (name == "line") else None
            self.lines = name == "line"
        elif character == "/":
            self.typing = ""
        elif character in ("n", "N"):
            self.again(older=character == "n")
        elif name == "enter":
            return "copy" if self.selected else "leave"
        elif name in ("escape", "ctrl+c"):
            return self._back()
        return "stay"

    def paste(self, text: str) -> None:
        """Pasted: part of the search, while one is typed."""
        if self.typing is not None:
            self.typing += " ".join(text.split())
            self._find(self.typing)

    def _type(self, key: str, character: str | None) -> After:
        assert self.typing is not None
        if key in ("escape", "ctrl+c") or key == "enter":
            self.typing = None
        elif key in ("backspace", "ctrl+h"):
            self.typing = self.typing[:-1] if self.typing else None
        elif key == "ctrl+u":
            self.typing = ""
        elif character and character.isprintable():
            self.typing += character
        if self.typing:
            self._find(self.typing)
        return "stay"

    def _back(self) -> After:
        """Escape takes back one thing at a time."""
        if self.anchor is not None:
            self.anchor = None
        elif self.matches:
            self.matches = []
        else:
            return "leave"
        return "stay"

    def _moves(self, page: int) -> dict[str, Callable[[], Position]]:
        row, column = self.cursor
        last = self.screen.total - 1
        return {
            "left": lambda: Position(row, column - 1),
            "right": lambda: Position(row, column + 1),
            "up": lambda: Position(row - 1, column),
            "down": lambda: Position(row + 1, column),
            "pageup": lambda: Position(row - max(page - 1, 1), column),
            "pagedown": lambda: Position(row + max(page - 1, 1), column),
            "home": lambda: Position(0, 0),
            "end": lambda: Position(last, 0),
            "ctrl+a": lambda: Position(row, 0),
            "ctrl+e": lambda: Position(row, max(self.screen.line_at(row).used - 1, 0)),
            "ctrl+left": lambda: self._word(-1),
            "ctrl+right": lambda: self._word(1),
            "w": lambda: self._word(1),
        }

    def _word(self, step: int) -> Position:
        if step > 0:
            end = self.screen.word_at(self.cursor).end
            if end.column >= self.screen.cols:
                end = Position(end.row + 1, 0)
            here = self._held(end)
            return self.screen.word_at(here).end if self._blank(here) and here != self.cursor else here
        start = self.screen.word_at(self.cursor).start
        while start.column and (start == self.cursor or self._blank(start)):
            start = self.screen.word_at(Position(start.row, start.column - 1)).start
        return start

    def _blank(self, at: Position) -> bool:
        return self.screen.line_at(at.row).cell(at.column) == " "

    def _held(self, at: Position) -> Position:
        row = min(max(at.row, 0), self.screen.total - 1)
        return Position(row, min(max(at.column, 0), self.screen.cols - 1))

    # -- searching -----------------------------------------------------------------------------------------------
    def _find(self, wanted: str) -> None:
        self.wanted = wanted
        self.matches = self.screen.search(wanted)
        if self.matches:
            # The newest at or before the reader: what was printed last is what people look for.
            place = bisect_right([match.start for match in self.matches], self.cursor) - 1
            self.cursor = self.matches[place].start

    def again(self, *, older: bool) -> None:
        """To the next place, around the end where there is none."""
        if not self.wanted:
            return
        self.matches = self.screen.search(self.wanted)
        if self.matches:
            starts = [match.start for match in self.matches]
            place = bisect_left(starts, self.cursor) - 1 if older else bisect_right(starts, self.cursor)
            self.cursor = starts[place % len(starts)]

    # -- what is seen --------------------------------------------------------------------------------------------
    @property
    def selected(self) -> Match | None:
        """What is selected: up to and with the reader's cell, or whole lines."""
        if self.anchor is None:
            return None
        first, last = sorted((self.anchor, self.cursor))
        if self.lines:
            return Match(self.screen.line_around(first.row).start, self.screen.line_around(last.row).end)
        return Match(first, Position(last.row, last.column + 1))

    def text(self) -> str:
        """The selected text."""
        return self.screen.text_between(*self.selected) if self.selected else ""

    def follow(self) -> None:
        """Rows that the scrollback has dropped meanwhile: the places go with their text."""
        gone = self.screen.dropped - self.dropped
        if gone > 0:
            self.dropped = self.screen.dropped
            self.cursor = self._held(Position(self.cursor.row - gone, self.cursor.column))
            if self.anchor is not None:
                self.anchor = Position(max(self.anchor.row - gone, 0), self.anchor.column)
            self.matches = self.screen.search(self.wanted) if self.matches else []
        self.cursor = self._held(self.cursor)

    def found_in(self, row: int) -> list[tuple[int, int]]:
        """The cells of a row that belong to places of the search: from, up to."""
        spans = []
        place = bisect_left([match.end for match in self.matches], Position(row, 1))
        for start, end in self.matches[place:]:
            if start.row > row:
                break
            left = start.column if start.row == row else 0
            right = end.column if end.row == row else self.screen.cols
            spans.append((left, right))
        return spans

    def words(self) -> str:
        """What is going on, in one line."""
        if self.typing is not None:
            found = ""
            if self.typing:
                found = f"   {len(self.matches)} found" if self.matches else "   not found"
            return f"/{self.typing}▏{found}"
        if self.anchor is not None:
            return "Enter copies · arrows, w, $ extend · Esc takes it back"
        if self.matches:
            starts = [match.start for match in self.matches]
            number = bisect_right(starts, self.cursor)
            return f"“{self.wanted}” {max(number, 1)} of {len(starts)} · n older · N newer · Esc"
        return KEYS
