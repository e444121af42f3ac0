"""Selecting text of the shell with the mouse: cells, words, whole lines. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tutor.terminal.emulator import Match, Position, Screen


@dataclass
class Selecting:
    """A stretch that is being selected, or was.

    Attributes:
        first: What the press picked: an empty stretch, a word or a line.
        unit: 1 cells, 2 words, 3 lines.
        stretch: What is selected now.
        dropped: The screen's `dropped` when addresses were taken.
    """

    first: Match
    unit: int
    stretch: Match
    dropped: int

    @classmethod
    def begin(cls, screen: Screen, at: Position, unit: int) -> Selecting:
        """The press: a double click takes the word, a triple click the line."""
        first = _unit(screen, at, unit)
        return cls(first, unit, first, screen.dropped)

    def extend(self, screen: Screen, to: Position) -> None:
        """The drag: from what was picked first to where the pointer is."""
        here = _unit(screen, to, self.unit)
        if self.unit == 1:
            here = Match(to, Position(to.row, to.column + 1))
            if to < self.first.start:
                self.stretch = Match(to, self.first.start)
                return
        self.stretch = Match(min(self.first.start, here.start), max(self.first.end, here.end))

    @property
    def empty(self) -> bool:
        """Whether nothing is selected."""
        return self.stretch.start >= self.stretch.end

    def valid(self, screen: Screen) -> bool:
        """Whether the addresses still name the same text."""
        return self.dropped == screen.dropped

    def span(self, row: int, cols: int) -> tuple[int, int] | None:
        """The selected cells of a row: from, up to; None where there are none."""
        return None if self.empty else cells_of(self.stretch, row, cols)


def cells_of(stretch: Match, row: int, cols: int) -> tuple[int, int] | None:
    """The cells of a row that belong to a stretch: from, up to; None where there are none."""
    start, end = stretch
    if not start.row <= row <= end.row:
        return None
    left = start.column if row == start.row else 0
    right = min(end.column if row == end.row else cols, cols)
    return (left, right) if left < right else None


def _unit(screen: Screen, at: Position, unit: int) -> Match:
    if unit == 2:
        return screen.word_at(at)
    if unit == 3:
        return screen.line_around(at.row)
    return Match(at, at)
