"""Lines of text on a terminal, in a pipe or to a screen reader.

Colour and weight are used on a terminal only, and never carry a meaning that the words do not.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console
from rich.text import Text

_STYLES = {"strong_open": "bold", "em_open": "italic"}
_MAX_WIDTH = 88  # longer lines are hard to read


class Page:
    """Where the line mode writes.

    Args:
        console: The rich console to print on; default: standard output, honouring NO_COLOR.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.width = min(self.console.width, _MAX_WIDTH) if self.console.is_terminal else _MAX_WIDTH

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """One paragraph, wrapped, without any markup in it."""
        self._wrapped(Text(text, style), " " * indent, " " * indent)

    def heading(self, text: str) -> None:
        """A title, set off by an empty line and underlined so that it shows without colour."""
        self.line()
        self.line(text, "bold")
        self.line("=" * min(len(text), self.width), "dim")

    def item(self, mark: str, text: str, style: str = "") -> None:
        """A list item: a mark, then text that hangs beside it."""
        self._wrapped(Text(text, style), f"{mark} ", " " * (len(mark) + 1))

    def markdown(self, source: str, indent: int = 0) -> None:
        """Markdown as plain paragraphs, lists and indented code."""
        for text, first, rest, verbatim in _blocks(source, indent):
            if verbatim:
                for line in text.plain.splitlines():
                    self.console.print(Text(first + line, text.style), soft_wrap=True)
            else:
                self._wrapped(text, first, rest)

    def raw(self, text: str, indent: int = 4) -> None:
        """Output or a drawing: no wrapping, no markup, indented."""
        for line in text.splitlines():
            self.console.print(Text(" " * indent + line), soft_wrap=True)

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as their content, two spaces apart; the last one may run on."""
        for line in columns(rows):
            self.console.print(Text(line), soft_wrap=True)

    def _wrapped(self, text: Text, first: str, rest: str) -> None:
        if not text.plain.strip():
            self.console.print(soft_wrap=True)
            return
        room = max(self.width - len(first), 20)
        for number, line in enumerate(_wrap(text, room)):
            self.console.print(Text(first if number == 0 else rest) + line, soft_wrap=True)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, each column as wide as its widest cell."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))] if rows else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _wrap(text: Text, width: int) -> list[Text]:
    """Lines of at most `width` characters, broken at spaces, with the styles kept."""
    lines: list[Text] = []
    for paragraph in text.split("\n"):
        start = 0
        pieces = textwrap.wrap(paragraph.plain, width, break_long_words=False, break_on_hyphens=False) or [""]
        for piece in pieces:
            start = paragraph.plain.find(piece.split(" ")[0], start) if piece else start
            end = start + len(piece)
            lines.append(paragraph[start:end])
            start = end
    return lines


def _blocks(source: str, indent: int) -> list[tuple[Text, str, str, bool]]:
    """(text, first line's prefix, other lines' prefix, verbatim) for each block, empty lines between."""
    blocks: list[tuple[Text, str, str, bool]] = []
    marks: list[tuple[str, int]] = []  # open lists: bullet or number, item count
    pad = " " * indent
    rows: list[list[str]] = []  # of the table that is being read
    pending = ""

    def add(text: Text, *, verbatim: bool = False) -> None:
        nonlocal pending
        deep = pad + "   " * max(len(marks) - 1, 0)
        if blocks and not (marks and blocks[-1][1].strip()):
            blocks.append((Text(""), "", "", False))
        if verbatim:
            blocks.append((text, f"{deep}    ", f"{deep}    ", True))
        else:
            hang = deep + " " * len(pending)
            blocks.append((text, deep + pending, hang, False))
        pending = ""

    for token in MarkdownIt("commonmark").enable("table").parse(source):
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                marks.append(("-" if token.type == "bullet_list_open" else "1", 0))
            case "bullet_list_close" | "ordered_list_close":
                marks.pop()
                if not marks:
                    blocks.append((Text(""), "", "", False))
            case "list_item_open":
                mark, count = marks[-1]
                marks[-1] = (mark, count + 1)
                pending = f"{mark} " if mark == "-" else f"{count + 1}. "
            case "fence" | "code_block":
                add(Text(token.content.rstrip("\n"), "cyan"), verbatim=True)
            case "tr_open":
                rows.append([])
            case "inline" if rows:
                rows[-1].append(_inline(token).plain)
            case "table_close":
                add(Text("\n".join(columns(rows))), verbatim=True)
                rows.clear()
            case "inline":
                add(_inline(token))
            case _:
                pass
    while blocks and not blocks[-1][0].plain:
        blocks.pop()
    return [b for n, b in enumerate(blocks) if b[0].plain or (n and blocks[n - 1][0].plain)]


def _inline(token: Token) -> Text:
    text = Text()
    styles: list[str] = []
    for child in token.children or []:
        if child.type in _STYLES:
            styles.append(_STYLES[child.type])
        elif child.type.endswith("_close") and styles and child.type != "link_close":
            styles.pop()
        elif child.type == "code_inline":
            text.append(f"`{child.content}`", "cyan")
        elif child.type == "softbreak":
            text.append(" ")
        elif child.type == "hardbreak":
            text.append("\n")
        elif child.content:
            text.append(child.content, " ".join(styles))
    return text
