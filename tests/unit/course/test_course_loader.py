# ruff: noqa: E501  (a table of messages, each on its line)
"""What the loader says, word for word and place for place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from course_samples import NAME, TEMPLATE, changed, errors_of, put
from msgspec import inspect

from tutor.course import _fast, _nodes
from tutor.course.errors import CourseErrors
from tutor.course.loader import load_course
from tutor.course.models import Chapter, Lab, Mistake, Quiz, UseMistake
from tutor.course.reading import load_chapter, read_course
from tutor.problems import Problem


@pytest.fixture(params=["libyaml", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both parsers: libyaml's, and PyYAML's own for machines without libyaml."""
    if request.param == "python":
        monkeypatch.setattr(_fast, "Parser", yaml.SafeLoader)
        monkeypatch.setattr(_nodes, "Parser", yaml.SafeLoader)
    else:
        assert _fast.Parser is yaml.CSafeLoader
    return str(request.param)


def test_a_chapter_becomes_values(tmp_path: Path, parser: str) -> None:
    chapter = load_chapter(put(tmp_path, TEMPLATE))
    assert (chapter.chapter, chapter.id, chapter.title, chapter.picture) == (7, "sample", "Sample", "world")
    lab = next(section for section in chapter.sections if isinstance(section, Lab))
    assert [step.id for step in lab.steps] == ["publish", "close"]
    assert isinstance(lab.steps[0].mistakes[0], Mistake)
    quiz = next(section for section in chapter.sections if isinstance(section, Quiz))
    kinds = [question.__struct_config__.tag for question in quiz.questions]
    assert kinds == ["choose", "choose_all", "order", "type_command", "read_output", "spot_mistake"]


def test_a_shared_mistake_is_told_by_use(tmp_path: Path) -> None:
    use = "            - {use: name-taken, with: {container: x}, made_by: docker run -d x}\n"
    text, _, _ = changed("            # One of the mistakes", use + "            # One of the mistakes")
    lab = next(one for one in load_chapter(put(tmp_path, text)).sections if isinstance(one, Lab))
    shared = lab.steps[0].mistakes[2]
    assert isinstance(shared, UseMistake)
    assert shared.with_ == {"container": "x"}


# Each: what is changed, into what, and what must be said at that place (offset in characters from its begin).
WRONG = [
    ("minutes: 20", "minutes: ten", 9, "minutes: expected a whole number, found the text `ten`; write a number, such as 10"),
    ("minutes: 20", 'minutes: "20"', 9, "minutes: expected a whole number, found the text `20`; write digits, without quotes"),
    ("minutes: 20", "minutes: 200", 9, "minutes: 200 is too large; write at most 120"),
    ("minutes: 20", "minutes: 22:22", 9, 'minutes: YAML reads 22:22 as a number in base 60: 1342; write "22:22" in quotes'),
    ("minutes: 20", "minutes: 010", 9, "minutes: YAML reads 010 as the octal number 8; write 8"),
    ("minutes: 20", "minutes: 1_0", 9, "minutes: YAML reads 1_0 as a number; write it as plain digits"),
    ("minutes: 20", "minutes: 20.5", 9, "minutes: expected a whole number, found the number `20.5`; write 10"),
    ("minutes: 20", "minutes: true", 9, "minutes: expected a whole number, found `true`; write 10"),
    ("minutes: 20", "minutes: null", 9, "minutes: expected a whole number, found `null`; write 10"),
    ("minutes: 20", "minutes:", 0, "minutes: nothing stands here; expected a whole number; write a value, or leave the key out"),
    ("title: Sample", "title: no", 7, 'title: YAML reads no as false; write "no" in quotes'),
    ("title: Sample", "title: 3.10", 7, 'title: expected a text, found the number `3.10`; write "3.10" in quotes'),
    ("title: Sample", "title: ~", 7, 'title: YAML reads ~ as null; write "~" in quotes'),
    ("title: Sample", "title: null", 7, "title: expected a text, found `null`; write a text"),
    ("title: Sample", "title: 2024-02-30", 7, 'title: YAML reads 2024-02-30 as a date; write "2024-02-30" in quotes'),
    ("title: Sample", 'title: ""', 7, "title: the text is empty; write at least 3"),
    ("title: Sample", "title: " + "x" * 61, 7, "title: the text has 61 characters; write at most 60"),
    ("title: Sample", "titel: Sample", 0, "titel: unknown key `titel`; did you mean `title`?"),
    ("id: doors", "id: Two Doors", 4, "sections[0].text.id: `Two Doors` has not the form that is needed; write lower-case words joined by hyphens, such as `first-container`"),
    ("picture: world", "picture: wrld", 9, "picture: `wrld` is none of the words that can stand here; did you mean `world`?"),
    ("image: \"${image.nginx}\"", "imge: \"${image.nginx}\"", 0, "sections[3].lab.steps[0].expect[0].container.imge: unknown key `imge`; did you mean `image`?"),
    ("- http: {url", "- htp: {url", 2, "sections[3].lab.steps[0].expect[1].htp: unknown kind `htp`; did you mean `http`?"),
    (
        "text: In the container, right: true",
        "text: In the container, right: yes",
        31,
        "sections[5].quiz.questions[0].choose.options[1].right: YAML reads yes as true; write true",
    ),
    ('"3": An image', "3: An image", 0, 'sections[5].quiz.questions[5].spot_mistake.distractors: the key `3` is not a text; write "3" in quotes'),
    ("process: [sleep, \"60\"]", "process: [sleep, 60]", 17, 'sections[5].quiz.questions[3].type_command.expect[0].container.process[1]: expected a text, found the number `60`; write "60" in quotes'),
    ("names: [web, job]", "names: web", 7, "names: expected a list, found the text `web`; write `[one, two]`, or lines that begin with `- `"),
    ("names: [web, job]", "names: &all [web, job]", 7, "names: the anchor `&all`; remove it; or quote a text that begins with `&`"),
    ("names: [web, job]", "names: !!set [web, job]", 7, "names: the tag `tag:yaml.org,2002:set`; remove it; or quote a text that begins with `!`"),
    ("- text:\n      id: doors", "- txt:\n      id: doors", 2, "sections[0].txt: unknown kind `txt`; did you mean `text`?"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "offset", "said"), WRONG, ids=[new[:30] for _, new, _, _ in WRONG])
def test_wrong_in_one_place(tmp_path: Path, parser: str, old: str, new: str, offset: int, said: str) -> None:
    text, line, column = changed(old, new)
    path = put(tmp_path, text)
    assert [str(error) for error in errors_of(path)] == [f"{path}:{line}:{column + offset}: {said}"]


def test_every_error_of_a_file_is_told(tmp_path: Path, parser: str) -> None:
    text = TEMPLATE
    for old, new in (
        ("minutes: 20", "minutes: ten"),
        ("picture: world", "picture: wrld"),
        ("id: doors", "id: Doors"),
        ("goal: The container", "gaol: The container"),
        ("ask: What is the exit code?", "ask: 5"),
    ):
        text, _, _ = changed(old, new, text)
    errors = errors_of(put(tmp_path, text))
    paths = [error.path.rsplit(".", 1)[-1] for error in errors]
    assert paths == ["minutes", "picture", "id", "gaol", "ask"]
    assert [error.line for error in errors] == sorted(error.line for error in errors)


SYNTAX = [
    ('text: "3"', 'text: "3', "never ends|broken here", 0),
    ("ask: Put a container's life in order.", "ask: Put: in order", "a colon where no key can be", 0),
    ("items: # in", "\titems: # in", "a tab", 0),
    ("names: [web, job]", "names: [web, job", "bracket|broken here|does not belong", 1),
    ("id: a-door\n", "id: a-door\n     x: y\n", "does not belong", 1),
    ("title: Sample", "title: @Sample", "cannot begin a value", 0),
    ("title: Sample", "title: *sample", "begins with `\\*`|alias", 0),
    ("title: Sample", 'title: "a \\d"', "an escape that YAML does not have", 0),
    ("title: Sample", "title Sample", "neither `key: value` nor", 0),
    ("title: Sample", "title: %Sample", "cannot begin a value|%", 0),
]


@pytest.mark.parametrize(("old", "new", "said", "after"), SYNTAX, ids=[repr(new)[:30] for _, new, _, _ in SYNTAX])
def test_broken_yaml(tmp_path: Path, parser: str, old: str, new: str, said: str, after: int) -> None:
    text, line, _ = changed(old, new)
    (error,) = errors_of(put(tmp_path, text))
    assert line <= error.line <= line + after, error
    assert any(words in error.wrong + error.right for words in said.replace("\\*", "*").split("|")), error


def test_other_files_are_still_checked(tmp_path: Path) -> None:
    put(tmp_path, TEMPLATE.replace("chapter: 7", "chapter: [7"))
    put(tmp_path, TEMPLATE.replace("chapter: 7", "chapter: 8").replace("minutes: 20", "minutes: x"), "08-sample.yaml")
    put(tmp_path, "mistakes: [{id: 5}]", "mistakes.yaml")
    with pytest.raises(CourseErrors) as caught:
        load_course(tmp_path)
    assert {Path(error.file).name for error in caught.value.errors} == {NAME, "08-sample.yaml", "mistakes.yaml"}
    assert str(caught.value).startswith("There are ") and "minutes" in str(caught.value)
    reading = read_course(tmp_path)
    assert (reading.files, reading.unread, reading.shared_read) == (2, {7, 8}, False)


BYTES = [
    (TEMPLATE.replace("Sample", "S\xe4mple").encode("latin-1", "replace"), "byte 0xe4 is not UTF-8"),
    (TEMPLATE.encode("utf-16"), "UTF-16"),
    (TEMPLATE.replace("Sample", "Sam\x00ple").encode(), "a NUL character"),
    (TEMPLATE.replace("Sample", "Sam\x1bple").encode(), "the control character U+001B"),
    (TEMPLATE.replace("Sample", "Sam\x85ple").encode(), "the line separator U+0085"),
    (TEMPLATE.replace("Sample", "Sam\u2028ple").encode(), "the line separator U+2028"),
    (TEMPLATE.replace("Sample", "Sam\ufeffple").encode(), "the control character U+FEFF"),
    (TEMPLATE.replace("Sample", "Sam\rple").encode(), "a carriage return without a line feed"),
]


@pytest.mark.parametrize(("raw", "said"), BYTES, ids=[said[-24:] for _, said in BYTES])
def test_bytes_that_are_no_text(tmp_path: Path, raw: bytes, said: str) -> None:
    error = errors_of(put(tmp_path, raw))[0]
    assert said in error.wrong
    if "16" not in said:
        assert TEMPLATE.split("\n")[error.line - 1].startswith(("title: S", "# ", "    ", "  "))


def test_place_of_a_bad_character(tmp_path: Path) -> None:
    text, line, column = changed("title: Sample", "title: S\x07mple")
    (error,) = errors_of(put(tmp_path, text))
    assert (error.line, error.column) == (line, column + 8)


def test_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path, parser: str) -> None:
    plain = load_chapter(put(tmp_path, TEMPLATE))
    assert load_chapter(put(tmp_path, b"\xef\xbb\xbf" + TEMPLATE.encode())) == plain
    assert load_chapter(put(tmp_path, TEMPLATE.replace("\n", "\r\n"))) == plain
    text, line, column = changed("minutes: 20", "minutes: ten")
    (error,) = errors_of(put(tmp_path, b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()))
    assert (error.line, error.column) == (line, column + 9)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "...\n"])
def test_an_empty_file(tmp_path: Path, parser: str, text: str) -> None:
    (error,) = errors_of(put(tmp_path, text))
    assert any(words in error.wrong for words in ("empty", "nothing stands here", "not YAML"))


@pytest.mark.parametrize("text", ["[]", "- a\n- b", "hello", "5", "null", "{}", "[[[[]]]]"])
def test_a_wrong_top_level(tmp_path: Path, parser: str, text: str) -> None:
    errors = errors_of(put(tmp_path, text))
    assert errors and errors[0].line == 1


def test_a_second_document(tmp_path: Path, parser: str) -> None:
    errors = errors_of(put(tmp_path, TEMPLATE + "---\nmore: 1\n"))
    assert [(error.line, error.wrong) for error in errors] == [
        (TEMPLATE.count("\n") + 1, "a second document begins here")
    ]


@pytest.mark.parametrize("count", [33, 1000, 100_000])
@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting(tmp_path: Path, parser: str, opening: str, count: int) -> None:
    errors = errors_of(put(tmp_path, "x: \n  " + opening * min(count, 200_000 // len(opening))))
    assert any("nested deeper than 32 levels" in error.wrong or "not YAML" in error.wrong for error in errors), errors


def test_a_billion_laughs(tmp_path: Path, parser: str) -> None:
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    errors = errors_of(put(tmp_path, "\n".join(lines) + "\n" + TEMPLATE))
    assert sum("the alias" in error.wrong for error in errors) == 39 * 9
    assert sum("the anchor" in error.wrong for error in errors) == 40


def test_merge_keys_are_refused(tmp_path: Path, parser: str) -> None:
    text, line, _ = changed("minutes: 20", "minutes: 20\n<<: {title: Other}")
    (error,) = errors_of(put(tmp_path, text))
    assert (error.line, error.wrong) == (line + 1, "the merge key `<<`")


def test_a_text_without_end(tmp_path: Path, parser: str) -> None:
    text, line, column = changed(
        "idea: A published port is a door in the host's wall. #", "idea: " + "word " * 2000 + "#"
    )
    (error,) = errors_of(put(tmp_path, text))
    assert (error.line, error.column) == (line, column + 6)
    assert "characters" in error.wrong and error.right == "write at most 600"


def test_a_file_without_end(tmp_path: Path) -> None:
    (error,) = errors_of(put(tmp_path, TEMPLATE + "#" * 300_000))
    assert error.wrong == "the file is larger than 256 KiB"
    endless = tmp_path / "08-zero.yaml"
    endless.symlink_to("/dev/zero")
    assert "not a file" in errors_of(endless)[0].wrong


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    assert "not a file" in errors_of(tmp_path / NAME)[0].wrong


def test_a_folder_and_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    assert "not a file" in errors_of(tmp_path / NAME)[0].wrong
    assert "no such file" in errors_of(tmp_path / "09-none.yaml")[0].wrong


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sample.yaml", "is not of the form NN-slug.yaml"),
        ("7-sample.yaml", "is not of the form NN-slug.yaml"),
        ("08-sample.yaml", "chapter 7 is in a file for chapter 8"),
        ("07-other.yaml", "the chapter `sample` is in a file for `other`"),
        ("07-sample.yml", "is not of the form NN-slug.yaml"),
    ],
)
def test_a_file_s_name(tmp_path: Path, name: str, said: str) -> None:
    (error,) = errors_of(put(tmp_path, TEMPLATE, name))
    assert said in error.wrong
    assert error.right.endswith("07-sample.yaml")


def test_a_number_twice_in_a_course(tmp_path: Path) -> None:
    put(tmp_path, TEMPLATE)
    put(tmp_path, TEMPLATE.replace("id: sample", "id: second"), "07-second.yaml")
    with pytest.raises(CourseErrors) as caught:
        load_course(tmp_path)
    (error,) = caught.value.errors
    assert error.wrong == "chapter 7 is also in 07-sample.yaml"
    assert Path(error.file).name == "07-second.yaml"


def test_a_shared_mistake_twice(tmp_path: Path) -> None:
    one = "  - id: gone\n    title: It is gone\n    chapter: 7\n    when: [absent: {container: x}]\n    say: Gone.\n"
    put(tmp_path, TEMPLATE)
    put(tmp_path, "mistakes:\n" + one + one, "mistakes.yaml")
    with pytest.raises(CourseErrors) as caught:
        load_course(tmp_path)
    (error,) = caught.value.errors
    assert (error.line, error.column) == (7, 9)


def test_no_course(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no chapter in"):
        load_course(tmp_path)
    with pytest.raises(Problem, match="no folder"):
        load_course(tmp_path / "none")


def test_the_fast_way_knows_every_list_of_kinds() -> None:
    """`KIND_LISTS` is written by hand for speed; here it is held against the types."""
    found: set[str] = set()
    seen: set[type] = set()

    def look(type_: inspect.Type, key: str) -> None:
        if isinstance(type_, inspect.StructType) and type_.cls not in seen:
            seen.add(type_.cls)
            for field in type_.fields:
                look(field.type, field.encode_name)
        elif isinstance(type_, inspect.UnionType):
            for one in type_.types:
                look(one, key)
        elif isinstance(type_, inspect.VarTupleType):
            if isinstance(type_.item_type, inspect.UnionType):
                tags = {one.tag for one in type_.item_type.types if isinstance(one, inspect.StructType)}
                if tags - {None, "own", "shared"}:
                    found.add(key)
            look(type_.item_type, key)
        elif isinstance(type_, inspect.DictType):
            look(type_.value_type, key)

    look(inspect.type_info(Chapter), "")
    assert found == _fast.KIND_LISTS
