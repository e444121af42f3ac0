"""Another width: wrapped rows are joined and wrapped anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tutor.terminal._line import PADDED, Line
from tutor.terminal._style import Style

Point = tuple[int, int]
"""Index of a row, and a column that may lie one behind the last."""


def logical_lines(rows: Iterable[Line]) -> Iterator[list[Line]]:
    """Rows grouped by the line of text they show."""
    group: list[Line] = []
    for row in rows:
        group.append(row)
        if not row.wrapped:
            yield group
            group = []
    if group:
        yield group


def length_of(row: Line) -> int:
    """Cells of a row that is followed by its continuation."""
    return row.cols - 1 if row.wrapped == PADDED else row.cols


def reflow(rows: list[Line], cols: int, generation: int, points: list[Point]) -> tuple[list[Line], list[Point]]:
    """Wrap rows to another width.

    Args:
        rows: All rows, oldest first; those that need no other wrapping are taken over.
        cols: The new width.
        generation: For the rows made or altered.
        points: Places in the rows to follow, such as the cursor.

    Returns:
        The new rows, and where the points are now.
    """
    result: list[Line] = []
    moved = list(points)
    first = 0
    for group in logical_lines(rows):
        inside = [number for number, (row, _) in enumerate(points) if first <= row < first + len(group)]
        start = len(result)
        if len(group) == 1 and not group[0].wrapped and group[0].used <= cols:
            group[0].set_cols(cols)
            group[0].generation = generation
            result.append(group[0])
            for number in inside:
                moved[number] = (start, min(points[number][1], cols))
        else:
            lengths = _wrap_anew(group, cols, generation, result)
            for number in inside:
                row, x = points[number]
                offset = sum(length_of(before) for before in group[: row - first]) + x
                moved[number] = _find(offset, start, lengths, cols)
        first += len(group)
    return result, moved


def _wrap_anew(group: list[Line], cols: int, generation: int, result: list[Line]) -> list[int]:
    cells: list[str] | str = "" if all(line.simple for line in group) else []
    styles: list[Style] = []
    entry = -1
    for line in group:
        end = length_of(line) if line.wrapped else line.used
        if line.entry >= 0:
            entry = len(cells) + line.entry
        if isinstance(cells, str):
            cells += line.text.ljust(end)[:end]
        else:
            cells += line.cells()[:end]
        styles += line.styles()[:end]
    if cols == 1 and not isinstance(cells, str):  # too narrow for wide characters
        cells = [" " if "" in cells[x : x + 2] else cell for x, cell in enumerate(cells)]
    lengths: list[int] = []
    start = 0
    while start < len(cells) or not lengths:
        end = min(start + cols, len(cells))
        wide_is_cut = end < len(cells) and cells[end] == ""
        if wide_is_cut:
            end -= 1
        line = Line(cols, generation)
        line.fill(cells[start:end], styles[start:end])
        if end < len(cells):
            line.wrapped = PADDED if wide_is_cut else 1
        line.prompt = not lengths and group[0].prompt
        if start <= entry < end or (entry >= start and end == len(cells) and entry - start < cols):
            line.entry = entry - start
        result.append(line)
        lengths.append(end - start)
        start = end
    if group[-1].wrapped:
        result[-1].wrapped = 1
    return lengths


def _find(offset: int, start: int, lengths: list[int], cols: int) -> Point:
    for number, length in enumerate(lengths):
        last = number == len(lengths) - 1
        if offset < length or last:
            return start + number, min(offset, cols)
        offset -= length
    return start, 0
