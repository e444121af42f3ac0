"""The catalogue: the shipped one holds together, and a wrong one is told with its places."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor import places
from tutor.course.errors import CourseErrors
from tutor.course.loader import load_course
from tutor.engine import images
from tutor.engine.images.catalogue_file import load_catalogue
from tutor.problems import Problem

BASE = """\
images:
  base:
    reference: made-up/base:1
    about: A base.
    chapters: [1]
    size_mb: 1
    build: {suite: trixie}
"""


def write(folder: Path, text: str) -> Path:
    recipe = folder / "images" / "thing"
    recipe.mkdir(parents=True, exist_ok=True)
    (recipe / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    path = folder / "images.yaml"
    path.write_text(text)
    return path


def further(role: str, build: str, **more: str) -> str:
    keys = {"reference": f"made-up/{role}:1", "about": "A thing.", "chapters": "[2]", "size_mb": "1", "build": build}
    return f"  {role}:\n" + "".join(f"    {key}: {value}\n" for key, value in (keys | more).items())


def errors(path: Path) -> list[str]:
    with pytest.raises(CourseErrors) as caught:
        load_catalogue(path)
    assert caught.value.code == "course-errors"
    return [f"{e.line}:{e.column}: {e.path}: {e.wrong}; {e.right}" for e in caught.value.errors]


def test_the_shipped_catalogue_serves_the_course() -> None:
    shipped = images.catalogue()
    assert {"shell", "debian", "ubuntu", "nginx", "redis", "redis7", "node", "mail"} <= set(shipped.images)
    used = {role: [c.chapter for c in load_course().chapters if role in c.images] for role in shipped.images}
    assert {role: list(image.chapters) for role, image in shipped.images.items()} == used
    assert shipped["redis"].tag != shipped["redis7"].tag
    for image in shipped.local():
        assert any(letter.isdigit() for letter in image.tag) or image.tag.endswith("-slim"), image.reference
    assert [image.role for image in shipped if image.mirror_only] == ["hello"]
    # People type these without a tag.
    for role in ("shell", "debian", "ubuntu", "nginx", "redis", "node", "mail", "alpine", "hello"):
        assert "latest" in shipped[role].tags, role


def test_ubuntu_says_that_it_stands_in() -> None:
    assert "Debian" in (images.catalogue()["ubuntu"].stand_in or "")


def test_the_shipped_recipes_name_no_mirror() -> None:
    # 192.0.2.0/24 stands for an address in texts (RFC 5737).
    allowed = {"deb.debian.org", "registry.npmjs.org", "127.0.0.1", "192.0.2.7"}
    for path in places.labs().rglob("*"):
        if path.is_file() and path.name != "package-lock.json":
            # A name without a dot is a container's.
            hosts = set(re.findall(r"://([a-z0-9][a-z0-9-]*\.[a-z0-9.-]*)", path.read_text(errors="replace")))
            assert hosts <= allowed, path


def test_references_and_chapters() -> None:
    shipped = images.catalogue()
    assert images.resolve("nginx") == shipped["nginx"].reference == images.reference_variables()["nginx"]
    assert shipped["nginx"].path == f"library/{shipped['nginx'].repository}"
    assert shipped["mail"].path == "maildev/maildev"
    assert shipped["hello"].local != shipped["hello"].reference
    assert shipped["nginx"] in shipped.for_chapter(22)
    assert [image.role for image in shipped.select(["node", "shell", "node"])] == ["node", "shell"]


def test_an_unknown_role_is_told_with_the_nearest() -> None:
    with pytest.raises(Problem, match="Did you mean nginx") as caught:
        images.resolve("ngnix")
    assert caught.value.code == "unknown-image"


def test_a_correct_file(tmp_path: Path) -> None:
    path = write(tmp_path, BASE + further("other", "{folder: thing, base: base}", also='[latest, "2"]'))
    loaded = load_catalogue(path)
    assert loaded["other"].tags == ("1", "latest", "2")
    assert loaded["other"].role == "other"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "1:1: : the file is empty"),
        (BASE.replace("trixie}", "trixie"), "7:12: : the mapping in braces is broken here"),
        (BASE + "    size_mb: 2\n", "8:5: images.base: the key `size_mb` is here twice"),
        (BASE.replace("size_mb: 1", "size_mb: one"), "6:14: images.base.size_mb: expected"),
        (BASE.replace("about", "abuot"), "4:5: images.base.abuot: unknown key `abuot`; did you mean `about`?"),
        (BASE.replace("made-up/base:1", "made-up/base"), "3:16: images.base.reference"),
        (BASE.replace("made-up/base:1", "Made/Base:1"), "3:16: images.base.reference"),
        (BASE + further("other", "{folder: thing}"), "13:12: images.other.build: the key `base` is missing"),
        (BASE + further("other", "{folder: thing, on: base}"), "images.other.build: YAML reads the key `on` as true"),
        (BASE + further("other", "{folder: thing, base: bse}"), "13:34: images.other.build.base: there is no image"),
        (BASE + further("other", "{folder: thing, base: bse}"), "did you mean `base`?"),
        (BASE + further("other", "{folder: nothing, base: base}"), "there is no images/nothing/Dockerfile"),
        (BASE + further("other", "{suite: trixie, folder: thing}"), "neither or both of `suite` and `folder`"),
        (BASE + further("other", "{folder: thing, base: other}"), "`other` is built on itself"),
        (BASE + further("other", "{folder: thing, base: base}", also="[1.5]"), "images.other.also"),
        (
            BASE + further("other", "{folder: thing, base: base}", reference="made-up/base:1"),
            "9:16: images.other.reference: made-up/base:1 belongs to `base` already",
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_place(tmp_path: Path, text: str, wanted: str) -> None:
    told = errors(write(tmp_path, text))
    assert any(wanted in line for line in told), told


def test_every_error_is_told(tmp_path: Path) -> None:
    text = BASE.replace("size_mb: 1", "size_mb: one").replace("about", "abuot")
    assert len(errors(write(tmp_path, text))) >= 2


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be read"):
        load_catalogue(tmp_path / "images.yaml")


@settings(max_examples=150)
@given(place=st.integers(min_value=0, max_value=10_000), scrap=st.text(max_size=6), cut=st.integers(0, 40))
def test_a_corrupted_catalogue_never_ends_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, place: int, scrap: str, cut: int
) -> None:
    original = (places.labs() / "images.yaml").read_text()
    place %= len(original)
    text = original[:place] + scrap + original[place + cut :]
    path = tmp_path_factory.mktemp("c") / "images.yaml"
    (path.parent / "images").symlink_to(places.labs() / "images")
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load_catalogue(path)
    except CourseErrors as problem:
        lines = text.split("\n")
        for error in problem.errors:
            assert 1 <= error.line <= len(lines)
            assert error.wrong
            assert error.right


def test_the_folder_s_name_serves_and_costs_nothing_until_it_is_asked() -> None:
    code = "import sys; from tutor.engine import images; print(*sorted(sys.modules)); images.resolve('nginx')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"docker", "requests", "msgspec", "yaml", "tutor.engine.images.access"}
    with pytest.raises(AttributeError, match="nonsense"):
        _ = images.nonsense
