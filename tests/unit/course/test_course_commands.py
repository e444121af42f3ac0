"""`course lint`, `course schema` and `course new` as functions."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from course_samples import TEMPLATE, errors_of, put, real_chapters

from tutor import places
from tutor.course import commands
from tutor.course.schema import schema
from tutor.problems import Problem


class Out(list[str]):
    def __str__(self) -> str:
        return "".join(self)


@pytest.fixture
def out() -> Out:
    return Out()


def validator(what: str = "chapter") -> jsonschema.Draft202012Validator:
    made = schema(what)  # type: ignore[arg-type]
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def test_lint_of_a_good_chapter(tmp_path: Path, out: Out) -> None:
    path = put(tmp_path, TEMPLATE)
    assert commands.lint(path, as_json=False, write=out.append) == 0
    assert str(out) == "1 chapter: 0 errors, 0 warnings\n"


def test_lint_of_a_bad_chapter(tmp_path: Path, out: Out) -> None:
    path = put(
        tmp_path, TEMPLATE.replace("proved_by: publish", "proved_by: none").replace("ports: [web]", "ports: [web, b]")
    )
    assert commands.lint(tmp_path, as_json=False, write=out.append) == 1
    lines = str(out).splitlines()
    assert lines[0].startswith(f"{path}:20:14: warning: ports[1]: ${{port.b}} is nowhere used; ")
    assert lines[0].endswith("[unused]")
    assert lines[1].startswith(f"{path}:") and ": error: " in lines[1] and lines[1].endswith("[proved-by]")
    assert lines[2] == "1 chapter: 1 error, 1 warning"


def test_lint_as_json(tmp_path: Path, out: Out) -> None:
    path = put(tmp_path, TEMPLATE.replace("minutes: 20", "minutes: ten"))
    assert commands.lint(tmp_path, as_json=True, write=out.append) == 1
    document = json.loads(str(out))
    assert (document["chapters"], document["errors"], document["warnings"]) == (1, 1, 0)
    assert document["issues"] == [
        {
            "file": str(path),
            "line": 16,
            "column": 10,
            "severity": "error",
            "code": "format",
            "path": "minutes",
            "wrong": "expected a whole number, found the text `ten`",
            "right": "write a number, such as 10",
        }
    ]


def test_warnings_alone_are_no_failure(tmp_path: Path, out: Out) -> None:
    put(tmp_path, TEMPLATE.replace("ports: [web]", "ports: [web, db]"))
    assert commands.lint(tmp_path, as_json=False, write=out.append) == 0
    assert str(out).endswith("1 chapter: 0 errors, 1 warning\n")


def test_the_schema_is_one_and_takes_real_chapters(out: Out) -> None:
    assert commands.schema("chapter", write=out.append) == 0
    assert json.loads(str(out)) == schema("chapter")
    check = validator()
    for name, text in real_chapters().items():
        assert not list(check.iter_errors(yaml.load(text, yaml.CSafeLoader))), name
    mistakes = places.lessons() / "mistakes.yaml"
    assert not list(validator("mistakes").iter_errors(yaml.safe_load(mistakes.read_text("utf-8"))))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("minutes: 20", "minutes: ten"),
        ("title: Sample", "titel: Sample"),
        ("- http: {url", "- htp: {url"),
        ("- http: {url", "- {absent: {container: x}, http: {}}\n            - http: {url"),
        ("id: doors", "id: Two Doors"),
        ("picture: world", "picture: wrld"),
        ("- id: no-door", "- idd: no-door"),
        ("status: 200}", "status: maybe}"),
        ("publishes: {}}", "publishes: {x/tcp: a}}"),
        ("          hints: # from", "          hints: [a, b]\n          explains: # from"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(tmp_path: Path, old: str, new: str) -> None:
    assert TEMPLATE.count(old) == 1
    text = TEMPLATE.replace(old, new)
    assert errors_of(put(tmp_path, text))
    assert list(validator().iter_errors(yaml.safe_load(text)))


def test_the_schema_takes_shared_mistakes_in_steps() -> None:
    use = "            - {use: name-taken, with: {container: x}, made_by: docker run x}\n"
    text = TEMPLATE.replace("            # One of the mistakes", use + "            # One of the mistakes")
    assert not list(validator().iter_errors(yaml.safe_load(text)))
    assert list(validator().iter_errors(yaml.safe_load(text.replace("use: name-taken, with", "use: name-taken, wth"))))


def test_the_schema_explains_itself() -> None:
    parts = schema("chapter")["$defs"]
    assert parts["Step"]["properties"]["goal"]["description"] == "What shall be true; never the command."
    assert parts["ContainerExpectation"]["properties"]["memory"]["description"].startswith("Limits;")
    assert parts["UseMistake"]["properties"]["with"]["description"].startswith("Values for its")
    assert "kind" not in json.dumps(schema("chapter"))


def test_new_chapter(tmp_path: Path, out: Out) -> None:
    assert commands.new(7, "my-own-topic", into=tmp_path, write=out.append) == 0
    path = tmp_path / "07-my-own-topic.yaml"
    assert str(path) in str(out) and "course lint" in str(out)
    text = path.read_text()
    assert "title: My own topic\n" in text and "@" not in text.split("sections:")[0].replace("% @ {", "")
    assert commands.lint(path, as_json=False, write=out.append) == 0
    assert str(out).endswith("1 chapter: 0 errors, 0 warnings\n")


def test_new_never_overwrites(tmp_path: Path, out: Out) -> None:
    (tmp_path / "07-mine.yaml").write_text("mine")
    for slug in ("mine", "other"):
        with pytest.raises(Problem, match="Chapter 7 is there already"):
            commands.new(7, slug, into=tmp_path, write=out.append)
    assert [path.name for path in tmp_path.iterdir()] == ["07-mine.yaml"]
    assert (tmp_path / "07-mine.yaml").read_text() == "mine"


@pytest.mark.parametrize("slug", ["no", "null", "true", "y", "x1", "a" * 60])
def test_slugs_that_yaml_could_read_otherwise(tmp_path: Path, out: Out, slug: str) -> None:
    assert commands.new(99, slug, into=tmp_path, write=out.append) == 0
    assert errors_of(tmp_path / f"99-{slug}.yaml") == ()


@pytest.mark.parametrize(
    ("number", "slug"), [(0, "a"), (100, "a"), (5, ""), (5, "A"), (5, "a_b"), (5, "../a"), (5, "a" * 61), (5, "a\n")]
)
def test_new_refuses_what_is_no_name(tmp_path: Path, out: Out, number: int, slug: str) -> None:
    with pytest.raises(Problem) as caught:
        commands.new(number, slug, into=tmp_path, write=out.append)
    assert caught.value.next_step
    assert not list(tmp_path.iterdir())


def test_new_without_a_folder(tmp_path: Path, out: Out) -> None:
    with pytest.raises(Problem, match="There is no folder"):
        commands.new(5, "a", into=tmp_path / "none", write=out.append)
