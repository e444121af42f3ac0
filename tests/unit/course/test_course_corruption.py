"""Break real chapters in known places: never a traceback, never a wrong line.

Where a place is comes from PyYAML's own composer here, and not from the loader's reader.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from course_samples import errors_of, put, real_chapters
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tutor.course.errors import CourseError

CHAPTERS = real_chapters()
FREE_KEYS = {"publishes", "env", "labels", "query", "body", "header", "services", "with", "distractors"}
"""Mappings whose keys are the author's own."""


@dataclass(frozen=True)
class Place:
    """A node of the document: where it is, what holds it, and its range in the text."""

    path: tuple[str | int, ...]
    key: yaml.Node | None
    value: yaml.Node
    parent: yaml.Node | None

    def at(self) -> tuple[int, int]:
        return self.value.start_mark.line + 1, self.value.start_mark.column + 1

    def key_at(self) -> tuple[int, int]:
        assert self.key is not None
        return self.key.start_mark.line + 1, self.key.start_mark.column + 1


def walk(node: yaml.Node, path: tuple[str | int, ...] = (), key=None, parent=None) -> Iterator[Place]:
    yield Place(path, key, node, parent)
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from walk(value, (*path, name.value), name, node)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from walk(value, (*path, index), None, node)


PLACES = {name: list(walk(yaml.compose(text, Loader=yaml.CSafeLoader))) for name, text in CHAPTERS.items()}
SCALARS = {name: [one for one in all_ if isinstance(one.value, yaml.ScalarNode)] for name, all_ in PLACES.items()}
KEYS = {
    name: [one for one in all_ if one.key is not None and one.path[-2:-1] != () and one.path[-2] not in FREE_KEYS]
    for name, all_ in PLACES.items()
}
names = st.sampled_from(sorted(CHAPTERS))
number = st.integers(0, 10**6)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def broken(folder: Path, name: str, text: str | bytes) -> tuple[CourseError, ...]:
    """The errors of a corrupted chapter, which all lie in the file and can be printed."""
    errors = errors_of(put(folder, text, name))
    lines = (text if isinstance(text, bytes) else text.encode()).decode("utf-8", "replace").split("\n")
    for error in errors:
        assert 1 <= error.line <= len(lines), error
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1, error
        assert error.wrong and error.right, error
        assert "course schema" not in error.right, f"the checker missed what msgspec found: {error}"
        str(error).encode()
    return errors


def replaced(text: str, node: yaml.Node, new: str) -> str:
    end = node.end_mark.index
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        new += "\n"
    return text[: node.start_mark.index] + new + text[end:]


@settings(max_examples=100)
@given(names, number, st.sampled_from(["{zz: 1}", "{}"]))
def test_a_mapping_where_a_text_or_number_belongs(folder: Path, name: str, pick: int, new: str) -> None:
    place = SCALARS[name][pick % len(SCALARS[name])]
    errors = broken(folder, name, replaced(CHAPTERS[name], place.value, new))
    assert place.at() in [(error.line, error.column) for error in errors], (place, errors)


SURPRISES = ["22:22", "no", "Yes", "on", "010", "~", "2024-01-01", "1_000", "0x1F", "1e3", ".5", "+1", "NULL", "True"]


@settings(max_examples=100)
@given(names, number, st.sampled_from(SURPRISES))
def test_a_surprise_of_yaml_1_1(folder: Path, name: str, pick: int, new: str) -> None:
    place = SCALARS[name][pick % len(SCALARS[name])]
    errors = broken(folder, name, replaced(CHAPTERS[name], place.value, new))
    assert [(error.line, error.column) for error in errors] == [place.at()], (place, errors)
    assert f"YAML reads {new} as" in errors[0].wrong


@settings(max_examples=100)
@given(names, number)
def test_a_renamed_key(folder: Path, name: str, pick: int) -> None:
    place = KEYS[name][pick % len(KEYS[name])]
    assert place.key is not None and place.parent is not None
    errors = broken(folder, name, replaced(CHAPTERS[name], place.key, "zz-unknown"))
    told = {(error.line, error.column) for error in errors}
    parent = (place.parent.start_mark.line + 1, place.parent.start_mark.column + 1)
    assert place.key_at() in told, (place, errors)
    assert told <= {place.key_at(), parent}, (place, errors)


@settings(max_examples=60)
@given(names, number)
def test_a_key_twice(folder: Path, name: str, pick: int) -> None:
    lone = [
        one
        for one in KEYS[name]
        if isinstance(one.value, yaml.ScalarNode)
        and one.value.style not in ("|", ">")
        and one.value.start_mark.line == one.value.end_mark.line
        and one.parent is not None
        and not one.parent.flow_style
    ]
    place = lone[pick % len(lone)]
    assert place.key is not None
    lines = CHAPTERS[name].split("\n")
    line, column = place.key_at()
    written = CHAPTERS[name][place.key.start_mark.index : place.value.end_mark.index]
    lines.insert(line, " " * (column - 1) + written)
    errors = broken(folder, name, "\n".join(lines))
    assert [(error.line, error.column) for error in errors] == [(line + 1, column)], (place, errors)
    assert f"first is on line {line}" in errors[0].right


@settings(max_examples=60)
@given(names, number)
def test_a_key_that_is_gone(folder: Path, name: str, pick: int) -> None:
    text = CHAPTERS[name]
    wanted = {"id", "body", "title", "goal", "expect", "hints", "solutions", "say", "made_by", "ask", "options", "run"}
    wanted |= {"because", "text", "when", "explain", "idea", "remember", "truth", "claim", "drawing", "words", "steps"}
    blocks = [
        one for one in KEYS[name] if one.path[-1] in wanted and one.parent is not None and not one.parent.flow_style
    ]
    place = blocks[pick % len(blocks)]
    assert place.key is not None and place.parent is not None
    entries = [key for key, _ in place.parent.value]
    if entries[0] is place.key or {"mistakes", "introduces"} & {*place.path}:
        return
    start = text.rfind("\n", 0, place.key.start_mark.index) + 1
    end = place.value.end_mark.index
    if isinstance(place.value, yaml.ScalarNode) or place.value.flow_style:
        end = text.index("\n", end - 1) + 1
    else:
        # A block ends where the next token begins, on a line of its own.
        end = text.rfind("\n", 0, end) + 1
    errors = broken(folder, name, text[:start] + text[end:])
    parent = (place.parent.start_mark.line + 1, place.parent.start_mark.column + 1)
    # A text has a body; of an HTTP answer it is one of the things that may be looked at.
    optional = place.path[-1] in ("explain", "because", "when", "say") or place.path[-2:] == ("http", "body")
    assert [(error.line, error.column) for error in errors] == [parent] or (optional and not errors), (place, errors)


@settings(max_examples=60)
@given(names, number)
def test_a_quote_that_is_lost(folder: Path, name: str, pick: int) -> None:
    """The reader can only notice at the quote or after it; what it swallows may then be missing around it."""
    quoted = [one for one in SCALARS[name] if one.value.style in ("'", '"')]
    place = quoted[pick % len(quoted)]
    end = place.value.end_mark.index
    text = CHAPTERS[name][: end - 1] + CHAPTERS[name][end:]
    for error in broken(folder, name, text):
        swallowed = "missing" in error.wrong or "in the list" in error.wrong
        assert error.line >= place.at()[0] or swallowed, (place, error)


@settings(max_examples=60)
@given(names, number)
def test_a_tab_for_indentation(folder: Path, name: str, pick: int) -> None:
    keys = [one for one in KEYS[name] if one.parent is not None and not one.parent.flow_style and one.key is not None]
    place = keys[pick % len(keys)]
    line, column = place.key_at()
    lines = CHAPTERS[name].split("\n")
    before = lines[line - 1][: column - 1]
    if before.strip() or not before:
        return
    lines[line - 1] = "\t" + lines[line - 1].lstrip()
    errors = broken(folder, name, "\n".join(lines))
    # After a text without quotes, libyaml takes the line for more of that text until it meets the colon.
    assert errors and errors[0].line in (line, line - 1), (place, errors)


@settings(max_examples=500)
@given(
    names,
    number,
    st.sampled_from(["delete", "insert", "replace", "double", "swap", "cut"]),
    st.binary(min_size=1, max_size=6),
)
@example("07-sample.yaml", 0, "insert", b"\x00")
@example("07-sample.yaml", 0, "insert", b"\xff\xfe")
@example("07-sample.yaml", 0, "insert", b"\xef\xbb\xbf")
@example("07-sample.yaml", 0, "insert", b"%")
@example("07-sample.yaml", 0, "insert", b"---\n")
def test_random_bytes(folder: Path, name: str, pick: int, how: str, junk: bytes) -> None:
    raw = CHAPTERS[name].encode()
    at = pick % len(raw)
    size = 1 + pick % 7
    if how == "delete":
        raw = raw[:at] + raw[at + size :]
    elif how == "insert":
        raw = raw[:at] + junk + raw[at:]
    elif how == "replace":
        raw = raw[:at] + junk + raw[at + len(junk) :]
    elif how == "double":
        raw = raw[:at] + raw[at : at + 40 * size] + raw[at:]
    elif how == "swap":
        raw = raw[:at] + raw[at + size : at + 2 * size] + raw[at : at + size] + raw[at + 2 * size :]
    else:
        raw = raw[:at]
    broken(folder, name, raw)


PUNCTUATION = [*"'\"`:-#&*!|>%@{}[],?<=~ \n\t\\", "- ", ": ", " #", "<<: ", "? ", "!!int ", "&a ", "*a ", "\r\n"]


@settings(max_examples=500)
@given(names, number, st.sampled_from(PUNCTUATION), st.booleans())
def test_yaml_s_own_characters(folder: Path, name: str, pick: int, mark: str, instead: bool) -> None:
    text = CHAPTERS[name]
    at = pick % len(text)
    broken(folder, name, text[:at] + mark + text[at + len(mark) * instead :])
