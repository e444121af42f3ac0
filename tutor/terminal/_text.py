"""Reading text off the screen and the scrollback: selection, words, search."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tutor.terminal._line import Line
from tutor.terminal._reflow import length_of, logical_lines

_WORD = re.compile(r"[\w./:@%+~?&=#-]+|\s+|.")


class Position(NamedTuple):
    """A cell: `row` counts from the oldest row that is kept, `column` from the left, both from 0."""

    row: int
    column: int


class Match(NamedTuple):
    """A stretch of cells from `start` up to, not including, `end`."""

    start: Position
    end: Position


def text_between(rows: Sequence[Line], start: Position, end: Position) -> str:
    """The text from start up to (not including) end, with wrapped rows joined and blanks at line ends left out."""
    if end < start:
        start, end = end, start
    pieces: list[str] = []
    for number in range(max(start.row, 0), min(end.row, len(rows) - 1) + 1):
        line = rows[number]
        cells = line.cells()
        from_ = min(start.column, line.cols) if number == start.row else 0
        if 0 < from_ < line.cols and cells[from_] == "":
            from_ -= 1
        until = min(end.column, line.cols) if number == end.row else line.cols
        goes_on = bool(line.wrapped) and until == line.cols
        if goes_on:
            until = length_of(line)
        piece = "".join(cells[from_:until])
        if goes_on:
            pieces.append(piece)
        else:
            pieces.append(piece.rstrip(" ") if until == line.cols else piece)
            if number < end.row:
                pieces.append("\n")
    return "".join(pieces)


def logical_line_at(rows: Sequence[Line], row: int) -> Match:
    """The whole line of text, over all the rows it is wrapped to, that row belongs to."""
    first = last = row
    while first > 0 and rows[first - 1].wrapped:
        first -= 1
    while last < len(rows) - 1 and rows[last].wrapped:
        last += 1
    return Match(Position(first, 0), Position(last, rows[last].cols))


def word_at(rows: Sequence[Line], position: Position) -> Match:
    """The word, path, URL or blank stretch at a cell."""
    line = logical_line_at(rows, position.row)
    group = [rows[row] for row in range(line.start.row, line.end.row + 1)]
    text, places = _flatten(group, line.start.row)
    for found in _WORD.finditer(text):
        last = places[found.end() - 1]
        if places[found.start()] <= position and (found.end() == len(places) or position < places[found.end()]):
            return Match(places[found.start()], _behind(rows, last))
    return Match(position, Position(position.row, position.column + 1))


def search(rows: Sequence[Line], wanted: str, *, match_case: bool = False, limit: int = 10_000) -> list[Match]:
    """Every place where a text stands, oldest first; it may go over wrapped rows.

    Args:
        rows: Where to look.
        wanted: Plain text.
        match_case: Whether `a` and `A` are different.
        limit: At most so many places, the newest.
    """
    if not wanted:
        return []
    find = re.compile(re.escape(wanted), 0 if match_case else re.IGNORECASE).finditer
    matches: list[Match] = []
    first = 0
    for group in logical_lines(rows):
        if len(group) == 1 and group[0].simple:
            matches += (
                Match(Position(first, found.start()), Position(first, found.end())) for found in find(group[0].text)
            )
        else:
            text, places = _flatten(group, first)
            matches += (Match(places[found.start()], _behind(rows, places[found.end() - 1])) for found in find(text))
        first += len(group)
    return matches[-limit:]


def _flatten(group: list[Line], first: int) -> tuple[str, list[Position]]:
    """A logical line as a string, and the cell of each of its characters."""
    text: list[str] = []
    places: list[Position] = []
    for number, line in enumerate(group, first):
        end = length_of(line) if line.wrapped else line.cols
        for column, cell in enumerate(line.cells()[:end]):
            text.append(cell)
            places += [Position(number, column)] * len(cell)
    return "".join(text), places


def _behind(rows: Sequence[Line], last: Position) -> Position:
    line = rows[last.row]
    column = last.column + 1
    if column < line.cols and line.cell(column) == "":
        column += 1
    return Position(last.row, column)
