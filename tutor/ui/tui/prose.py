"""A lesson's Markdown as light widgets, with commands that can be put into the shell by a click.

Textual's own Markdown widget takes 100 to 300 ms for a page with code; this takes a few.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text as RichText
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Static

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_COMMANDS = ("docker ", "docker-", "curl ", "cat ", "ls ", "kill ", "ps ", "lsns", "nsenter ", "dockerd ")
_MARKED = {"strong_open": "bold", "em_open": "italic"}


class Prose(Vertical):
    """Markdown, as paragraphs, lists, tables and code.

    Args:
        source: The Markdown, variables bound.
    """

    DEFAULT_CSS = """
    Prose { height: auto; }
    Prose > * { height: auto; margin-bottom: 1; }
    Prose > *:last-child { margin-bottom: 0; }
    Prose .item { height: auto; }
    Prose .item > .mark { width: 3; height: auto; color: $primary; }
    Prose .item > .words { width: 1fr; height: auto; }
    """

    def __init__(self, source: str, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._source = source

    def compose(self) -> ComposeResult:
        """A widget for each block."""
        yield from _blocks(self._source)


class Code(Static):
    """Lines as they are typed or printed; a click puts the command into the shell.

    Args:
        text: The lines; where some begin with `$ `, those are the commands and the others their output.
        whole: All of it is one command, also where it has several lines.
    """

    DEFAULT_CSS = """
    Code { background: $panel; padding: 0 1; width: 100%; height: auto; }
    """

    def __init__(self, text: str, *, whole: bool = False) -> None:
        super().__init__(_code(text.strip("\n"), whole))


class Item(Horizontal):
    """A mark, and words that hang beside it."""

    def __init__(self, mark: str, words: Content, deep: int) -> None:
        super().__init__(classes="item")
        self._mark, self._words = mark, words
        self.styles.padding = (0, 0, 0, 3 * deep)

    def compose(self) -> ComposeResult:
        """Side by side."""
        yield Static(self._mark, classes="mark")
        yield Static(self._words, classes="words")


def inline(source: str) -> Content:
    """A sentence with `code`, *emphasis* and **weight**, as one piece of styled text."""
    parts = [_inline(token) for token in _parser().parse(source) if token.type == "inline"]
    return Content("\n").join(parts)


def commands(source: str) -> list[str]:
    """The commands that stand in a text, in order, each once."""
    found: list[str] = []
    for token in _parser().parse(source):
        if token.type in ("fence", "code_block"):
            found += [command for _, command in _lines(token.content.rstrip("\n")) if command]
        for child in token.children or ():
            if child.type == "code_inline" and _is_command(child.content):
                found.append(child.content)
    return list(dict.fromkeys(found))


def puts(command: str) -> Style:
    """The look of a command that a click puts into the shell."""
    return Style.from_meta({"@click": ("screen", "put", (command,))})


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def _is_command(text: str) -> bool:
    return text.startswith(_COMMANDS) and "…" not in text


def _lines(code: str) -> Iterator[tuple[str, str]]:
    """Each line of a code block with the command that it is, or nothing."""
    rows = code.split("\n")
    prompted = any(row.startswith("$ ") for row in rows)
    for row in rows:
        command = row.removeprefix("$ ") if row.startswith("$ ") else ""
        if not prompted and _is_command(row):
            command = row
        yield row, command


def _code(text: str, whole: bool) -> Content:
    if whole:
        return Content.styled(text, "$primary").stylize(puts(text))
    made: list[Content] = []
    for row, command in _lines(text):
        if not command:
            made.append(Content(row))
            continue
        prompt = Content.styled("$ ", "$quiet") if row.startswith("$ ") else Content("")
        made.append(prompt + Content.styled(command, "$primary").stylize(puts(command)))
    return Content("\n").join(made)


def _blocks(source: str) -> Iterator[Widget]:
    lists: list[tuple[bool, int]] = []  # open lists: numbered, items so far
    mark = ""
    rows: list[list[Content]] = []
    items: list[Widget] = []
    for token in _parser().parse(source):
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                lists.append((token.type[0] == "o", 0))
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
                if not lists:
                    yield Vertical(*items)
                    items = []
            case "list_item_open":
                numbered, count = lists[-1]
                lists[-1] = (numbered, count + 1)
                mark = f"{count + 1}." if numbered else "•"
            case "fence" | "code_block":
                block = Code(token.content)
                if lists:
                    items.append(block)
                else:
                    yield block
            case "tr_open":
                rows.append([])
            case "inline" if rows:
                rows[-1].append(_inline(token))
            case "table_close":
                yield Static(_table(rows))
                rows = []
            case "inline" if lists:
                items.append(Item(mark, _inline(token), len(lists) - 1))
                mark = ""
            case "inline":
                yield Static(_inline(token))
            case _:
                pass


def _table(rows: list[list[Content]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=True, header_style="bold")
    head, *rest = rows
    for cell in head:
        table.add_column(RichText(cell.plain))
    for row in rest:
        table.add_row(*(RichText(cell.plain) for cell in row))
    return table


def _inline(token: Token) -> Content:
    parts: list[Content] = []
    looks: list[str] = []
    for child in token.children or []:
        if child.type in _MARKED:
            looks.append(_MARKED[child.type])
        elif child.type in ("strong_close", "em_close"):
            looks.pop()
        elif child.type == "code_inline":
            code = Content.styled(child.content, "$primary")
            parts.append(code.stylize(puts(child.content)) if _is_command(child.content) else code)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(Content(" " if child.type == "softbreak" else "\n"))
        elif child.content:
            parts.append(Content.styled(child.content, " ".join(looks)) if looks else Content(child.content))
    return Content("").join(parts)
