"""YAML text to nodes that know where they stand: the way a course file takes when something is wrong with it.

All that the format refuses in YAML itself is found here: broken syntax, duplicate keys, anchors, aliases, tags,
several documents, too deep nesting, keys that are not text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import yaml

from tutor.course._fast import DEPTH, Parser
from tutor.course._scalars import Odd, plain
from tutor.course._syntax import explain


class Flaw(NamedTuple):
    """Something wrong at a place: line and column from 1, path, and the two halves of the message."""

    line: int
    column: int
    path: str
    wrong: str
    right: str


@dataclass(slots=True)
class Node:
    """A value of the document.

    Attributes:
        kind: What it is in YAML.
        line, column: Where it begins, from 1; an empty value stands where its key stands.
        value: A scalar's value; `Odd` for a surprising one.
        written: A scalar's text before anything was made of it.
        style: A scalar's style: empty when unquoted, else `'`, `"`, `|` or `>`.
        entries: Keys and values of a mapping, the first of each name.
        items: Values of a sequence.
        flawed: Already told about; not to be looked at further.
    """

    kind: Literal["mapping", "sequence", "scalar"]
    line: int
    column: int
    value: str | int | float | bool | Odd | None = None
    written: str = ""
    style: str = ""
    entries: dict[str, tuple[Node, Node]] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    flawed: bool = False

    def child(self, part: str | int) -> Node | None:
        """The value under a key or index."""
        if isinstance(part, str):
            entry = self.entries.get(part)
            return entry[1] if entry else None
        return self.items[part] if part < len(self.items) else None

    def key(self, name: str) -> Node | None:
        """The key itself."""
        entry = self.entries.get(name)
        return entry[0] if entry else None


class _TooDeep(Exception):
    pass


def parse(text: str) -> tuple[Node | None, list[Flaw]]:
    """The document's root, or None when there is none or the text is not YAML, and what is wrong so far."""
    reader = _Reader(text)
    try:
        reader.run()
    except _TooDeep:
        return None, reader.flaws
    except yaml.YAMLError as error:
        return None, [*reader.flaws, Flaw(*explain(error, text))]
    except ValueError as error:  # a number that Python refuses in an escape such as "\UFFFFFFFF"
        return None, [*reader.flaws, Flaw(reader.line, 1, "", f"this is not YAML: {error}", "write it differently")]
    if reader.root is None and not reader.flaws:
        reader.flaws.append(Flaw(1, 1, "", "the file is empty", "see `course new` for how a chapter begins"))
    return reader.root, reader.flaws


class _Reader:
    """Builds nodes from events with an own stack, so that no nesting can overflow Python's."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.flaws: list[Flaw] = []
        self.root: Node | None = None
        self.line = 1
        self._stack: list[tuple[Node, Node | None, bool]] = []
        self._holder: Node | None = None
        self._key: Node | None = None
        self._twice = False

    def run(self) -> None:
        documents = 0
        parser = Parser(self.text)
        while (event := parser.get_event()) is not None:
            self.line = event.start_mark.line + 1
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents == 2:
                    self._flaw(event, "a second document begins here", "keep one document a file, without `---`")
                    return
            elif isinstance(event, yaml.AliasEvent):
                right = "write the value out; or quote a text that begins with `*`"
                self._flaw(event, f"the alias `*{event.anchor}`", right)
                self._place(self._node(event, "scalar", flawed=True))
            elif isinstance(event, yaml.ScalarEvent):
                self._place(self._scalar(event))
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                node = self._node(event, "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence")
                node.flawed = self._marked(event)
                if len(self._stack) >= DEPTH:
                    self._flaw(event, f"nested deeper than {DEPTH} levels", "a chapter needs about sixteen")
                    raise _TooDeep
                self._open(node)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self._close()

    def _node(self, event: Any, kind: Literal["mapping", "sequence", "scalar"], flawed: bool = False) -> Node:
        return Node(kind, event.start_mark.line + 1, event.start_mark.column + 1, flawed=flawed)

    def _flaw(self, event: Any, wrong: str, right: str) -> None:
        mark = event.start_mark
        self.flaws.append(Flaw(mark.line + 1, mark.column + 1, self._path(), wrong, right))

    def _marked(self, event: Any) -> bool:
        """Whether an anchor or a tag stands here; tells about it."""
        if event.anchor is not None:
            self._flaw(event, f"the anchor `&{event.anchor}`", "remove it; or quote a text that begins with `&`")
        if event.tag is not None:
            self._flaw(event, f"the tag `{event.tag}`", "remove it; or quote a text that begins with `!`")
        return event.anchor is not None or event.tag is not None

    def _scalar(self, event: Any) -> Node:
        node = self._node(event, "scalar")
        node.flawed = self._marked(event)
        node.style = event.style or ""
        node.written = event.value
        node.value = event.value if node.style else plain(event.value)
        if not node.style and not event.value and self._key is not None:
            # An empty value has no place of its own: libyaml's is that of the next token.
            node.line, node.column = self._key.line, self._key.column
        return node

    def _place(self, node: Node) -> None:
        holder = self._holder
        if holder is None:
            self.root = node
        elif holder.kind == "sequence":
            holder.items.append(node)
        elif self._key is None:
            self._key, self._twice = node, False
            self._check_key(node)
        else:
            if not self._twice:
                holder.entries[_name(self._key)] = (self._key, node)
            self._key = None

    def _check_key(self, node: Node) -> None:
        assert self._holder is not None
        if node.flawed:
            return
        wrong = right = ""
        if node.kind != "scalar":
            wrong, right = f"a {node.kind} as a key", "keys are words"
        elif node.value == Odd("<<", "a merge of another mapping"):
            wrong, right = "the merge key `<<`", "write the keys out"
        elif isinstance(node.value, Odd):
            wrong, right = _odd_key(node.value)
        elif not isinstance(node.value, str):
            wrong, right = f"the key `{node.written}` is not a text", f'write "{node.written}" in quotes'
        first = self._holder.entries.get(_name(node))
        if first is not None:
            self._twice = True
            wrong = f"the key `{_name(node)}` is here twice"
            right = f"keep one of them; the first is on line {first[0].line}"
        if wrong:
            self.flaws.append(Flaw(node.line, node.column, self._path(outer=True), wrong, right))

    def _open(self, node: Node) -> None:
        as_key = self._holder is not None and self._holder.kind == "mapping" and self._key is None
        self._place(node)
        self._stack.append((node, self._key if as_key else None, self._twice))
        self._holder, self._key = node, None

    def _close(self) -> None:
        _, key, twice = self._stack.pop()
        self._holder = self._stack[-1][0] if self._stack else None
        self._key, self._twice = key, twice

    def _path(self, outer: bool = False) -> str:
        """Where the reader is; `outer` leaves the key out that was just read."""
        parts: list[str] = []
        nodes = [entry[0] for entry in self._stack]
        for node, inner in pairwise(nodes):
            if node.kind == "sequence":
                parts.append(f"[{len(node.items) - 1}]")
            else:
                name = next((name for name, entry in node.entries.items() if entry[1] is inner), "")
                parts.append(f".{name}")
        if self._holder is not None and not outer:
            if self._holder.kind == "sequence":
                parts.append(f"[{len(self._holder.items)}]")
            elif self._key is not None:
                parts.append(f".{_name(self._key)}")
        return "".join(parts).removeprefix(".")


def _odd_key(odd: Odd) -> tuple[str, str]:
    if not odd.text:
        return "an empty key", "write a word before the colon"
    return f"YAML reads the key `{odd.text}` as {odd.meaning}", f'write "{odd.text}" in quotes'


def _name(key: Node) -> str:
    """A key as text; for a key that is no text, as it reads."""
    return key.written if key.kind == "scalar" else f"({key.kind} on line {key.line})"
