"""Packs: what is packed comes back the same, whole or not at all, and takes nothing of the learner's."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from images_made_up import MadeUp

from tutor.engine.connect import Engine
from tutor.engine.images import commands as image_commands
from tutor.engine.images import pack_file, packs, resolve
from tutor.engine.images.recipe_build import build
from tutor.engine.images.state import OWN, PACKED, held
from tutor.problems import Problem

pytestmark = pytest.mark.engine

ROLES = ("small", "large")


@pytest.fixture
def made_up(engine: Engine, tmp_path: Path) -> Iterator[MadeUp]:
    things = MadeUp(engine, tmp_path)
    build(engine, things.catalogue, ROLES)
    yield things
    things.close()


def pack(things: MadeUp, *roles: str) -> Path:
    file = things.folder / "pack"
    packs.pack(things.engine, things.catalogue, file, roles=roles or ROLES)
    return file


def own(things: MadeUp) -> tuple[str, str]:
    return f"{things.mark}/small:1", f"{things.mark}/large:1"


def test_there_and_back(made_up: MadeUp) -> None:
    small, large = own(made_up)
    ids = made_up.id(small), made_up.id(large)
    file = pack(made_up)
    assert made_up.names() == {small, large}, "no private name stays"
    made_up.remove(small, large)
    assert packs.load(made_up.engine, made_up.catalogue, file).loaded == ROLES
    assert (made_up.id(small), made_up.id(large)) == ids
    assert made_up.names() == {small, large}
    again = packs.load(made_up.engine, made_up.catalogue, file)
    assert (again.loaded, again.kept, again.missing) == ((), (), ())


def test_what_is_for_the_mirror_goes_along(made_up: MadeUp) -> None:
    file = pack(made_up, "apart")
    assert not any("apart" in name for name in made_up.names()), "made for the pack, and gone again"
    assert packs.load(made_up.engine, made_up.catalogue, file).loaded == ("apart",)
    assert made_up.id(made_up.catalogue["apart"].local)
    assert made_up.id(made_up.catalogue["apart"].reference) is None


def test_the_learners_own_name_stays_theirs(made_up: MadeUp) -> None:
    small, large = own(made_up)
    file = pack(made_up)
    made_up.remove(small, large)
    made_up.api.tag(resolve("shell"), small.rpartition(":")[0], "1")
    shell = made_up.id(resolve("shell"))
    result = packs.load(made_up.engine, made_up.catalogue, file)
    assert (result.loaded, result.kept) == (("large",), ("small",))
    assert made_up.id(small) == shell
    assert made_up.names() == {small, large}


def test_a_newer_pack_replaces_an_older_build_of_ours(made_up: MadeUp) -> None:
    small, _ = own(made_up)
    new = made_up.id(small)
    file = pack(made_up)
    (made_up.folder / "images" / "small" / "content").write_text("other\n")
    build(made_up.engine, made_up.catalogue, ROLES)
    old = made_up.id(small)
    assert old != new
    assert "small" in packs.load(made_up.engine, made_up.catalogue, file).loaded
    assert made_up.id(small) == new
    assert old not in {entry["Id"] for entry in made_up.api.images()}, "the replaced image is gone"


def test_a_damaged_pack_changes_nothing(made_up: MadeUp) -> None:
    small, large = own(made_up)
    file = pack(made_up)
    made_up.remove(small, large)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Problem, match="damaged"):
        packs.load(made_up.engine, made_up.catalogue, file)
    assert made_up.names() == set()


def test_a_pack_for_another_machine(made_up: MadeUp, monkeypatch: pytest.MonkeyPatch) -> None:
    file = pack(made_up)
    monkeypatch.setattr(packs, "architecture_of", lambda _: "s390x")
    with pytest.raises(Problem, match="this engine runs s390x") as caught:
        packs.load(made_up.engine, made_up.catalogue, file)
    assert caught.value.code == "wrong-architecture"


def test_nothing_is_overwritten_and_nothing_is_left(made_up: MadeUp, monkeypatch: pytest.MonkeyPatch) -> None:
    file = made_up.folder / "pack"
    file.write_text("mine")
    with pytest.raises(Problem, match="exists already"):
        pack(made_up)
    assert file.read_text() == "mine"
    file.unlink()
    with pytest.raises(Problem, match="no folder"):
        packs.pack(made_up.engine, made_up.catalogue, made_up.folder / "none" / "pack", roles=ROLES)
    monkeypatch.setattr(packs, "_COMPRESSED", 1e12)
    with pytest.raises(Problem, match="free"):
        pack(made_up)
    assert not [path for path in made_up.folder.iterdir() if "pack" in path.name]


def test_a_disk_that_fills_up_in_the_middle(made_up: MadeUp, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pack_file, "write", write)
    with pytest.raises(Problem, match="No space left on device") as caught:
        pack(made_up)
    assert caught.value.code == "disk-full"
    assert not [path for path in made_up.folder.iterdir() if "pack" in path.name]
    assert made_up.names() == set(own(made_up))


def test_two_at_once_write_one_file(made_up: MadeUp) -> None:
    problems: list[Problem] = []

    def one() -> None:
        try:
            pack(made_up)
        except Problem as problem:
            problems.append(problem)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [problem.code for problem in problems] == ["file-exists"]
    assert pack_file.verify(made_up.folder / "pack", lambda _: None).images


def test_what_is_missing_is_named(made_up: MadeUp) -> None:
    made_up.remove(own(made_up)[1])
    with pytest.raises(Problem, match="large") as caught:
        pack(made_up)
    assert caught.value.code == "image-missing"


def test_the_commands(made_up: MadeUp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutor.engine.images.access._shipped", lambda: made_up.catalogue)
    out = io.StringIO()
    assert image_commands.list_images(made_up.engine, out) == 0
    assert "large" in out.getvalue()
    assert "stand-in" in out.getvalue()
    file = made_up.folder / "pack"
    out = io.StringIO()
    assert image_commands.pack_images(made_up.engine, out, file, ROLES) == 0
    assert "docker tutor images load pack" in out.getvalue()
    made_up.remove(*own(made_up))
    out = io.StringIO()
    assert image_commands.list_images(made_up.engine, out, as_json=True) == 1
    assert json.loads(out.getvalue())["missing"] == list(ROLES)
    out = io.StringIO()
    assert image_commands.load_images(made_up.engine, out, file, as_json=True) == 0
    assert json.loads(out.getvalue())["loaded"] == list(ROLES)
    out = io.StringIO()
    assert image_commands.build_images(made_up.engine, out) == 0
    assert "Every image is as its recipe says." in out.getvalue()
    out = io.StringIO()
    assert image_commands.pull_images(made_up.engine, out) == 0
    assert "Nothing is missing." in out.getvalue()


def test_what_a_pack_brought_is_not_the_learners_own(made_up: MadeUp) -> None:
    small, _ = own(made_up)
    # As one that was pulled from a registry: without a recipe's labels.
    made_up.remove(small)
    container = made_up.api.create_container(resolve("shell"))["Id"]
    try:
        made_up.api.commit(container, *small.rsplit(":", 1))
    finally:
        made_up.api.remove_container(container)
    assert held(made_up.engine, [made_up.catalogue["small"]])[0].origin == OWN
    file = pack(made_up, "small")
    made_up.remove(small)
    packs.load(made_up.engine, made_up.catalogue, file)
    (one,) = held(made_up.engine, [made_up.catalogue["small"]])
    assert (one.origin, one.replaceable, one.ours) == (PACKED, True, False)
