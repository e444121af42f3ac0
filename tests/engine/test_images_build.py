"""Building: only what has changed, twice costs nothing, the learner's own tag stays, failures are told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from images_made_up import MadeUp

from tutor import places
from tutor.engine.connect import Engine
from tutor.engine.images import catalogue, ensure, resolve
from tutor.engine.images.progress import Step
from tutor.engine.images.recipe_build import build
from tutor.engine.images.state import RECIPE, ROLE, STAND_IN
from tutor.problems import Problem

pytestmark = pytest.mark.engine


@pytest.fixture
def made_up(engine: Engine, tmp_path: Path) -> Iterator[MadeUp]:
    things = MadeUp(engine, tmp_path)
    yield things
    things.close()


def built(things: MadeUp, *roles: str, **more: Any) -> list[str]:
    return [image.role for image in build(things.engine, things.catalogue, roles or ("small", "large"), **more)]


def test_from_nothing_then_not_again(made_up: MadeUp) -> None:
    steps: list[Step] = []
    assert built(made_up, report=steps.append) == ["small", "large"]
    assert [step.name for step in steps if step.finished] == [f"{made_up.mark}/small:1", f"{made_up.mark}/large:1"]
    labels = made_up.api.inspect_image(f"{made_up.mark}/large:1")["Config"]["Labels"]
    assert labels[ROLE] == "large"
    assert labels[STAND_IN] == f"{made_up.mark}/large:1"
    assert labels[RECIPE]
    begin = time.monotonic()
    assert built(made_up) == []
    assert time.monotonic() - begin < 1


def test_a_changed_recipe_replaces_itself_and_what_is_on_it(made_up: MadeUp) -> None:
    built(made_up)
    small, large = (made_up.id(f"{made_up.mark}/{role}:1") for role in ("small", "large"))
    (made_up.folder / "images" / "large" / "content").write_text("new\n")
    assert built(made_up) == ["large"]
    assert made_up.id(f"{made_up.mark}/small:1") == small
    assert made_up.id(f"{made_up.mark}/large:1") != large
    assert large not in {entry["Id"] for entry in made_up.api.images()}, "the replaced image is gone"
    (made_up.folder / "images" / "small" / "content").write_text("new\n")
    assert built(made_up) == ["small", "large"]


def test_the_learners_own_tag_is_used_and_never_replaced(made_up: MadeUp) -> None:
    shell = made_up.id(resolve("shell"))
    made_up.api.tag(resolve("shell"), f"{made_up.mark}/small", "1")
    assert built(made_up) == ["large"]
    assert made_up.id(f"{made_up.mark}/small:1") == shell
    assert built(made_up, again=True) == ["large"]
    assert made_up.id(f"{made_up.mark}/small:1") == shell


def test_a_container_keeps_the_image_that_was_replaced(made_up: MadeUp) -> None:
    built(made_up, "small")
    old = made_up.id(f"{made_up.mark}/small:1")
    container = made_up.api.create_container(f"{made_up.mark}/small:1")["Id"]
    try:
        (made_up.folder / "images" / "small" / "content").write_text("new\n")
        assert built(made_up, "small") == ["small"]
        assert made_up.api.inspect_container(container)["Image"] == old
        assert made_up.api.inspect_image(old)["Id"] == old
    finally:
        made_up.api.remove_container(container)
        made_up.remove(str(old))


def test_a_recipe_that_fails_is_told_and_leaves_no_name(made_up: MadeUp) -> None:
    recipe = made_up.folder / "images" / "large" / "Dockerfile"
    recipe.write_text(recipe.read_text() + "RUN echo here it breaks && exit 7\n")
    with pytest.raises(Problem, match="large:1 could not be built") as caught:
        built(made_up)
    assert caught.value.code == "build-failed"
    assert "7" in caught.value.sentence
    log = places.cache_folder() / "images" / "large.log"
    assert str(log) in caught.value.next_step
    assert "here it breaks" in log.read_text()
    assert made_up.id(f"{made_up.mark}/large:1") is None


def test_no_docker_command(made_up: MadeUp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problem, match="buildx") as caught:
        built(made_up)
    assert caught.value.code == "no-buildx"
    with pytest.raises(Problem, match="mmdebstrap") as caught:
        made_up.remove(f"{made_up.mark}/small:1")
        base = made_up.folder / "images.yaml"
        base.write_text(base.read_text().replace(f"'{resolve('shell')}'", f"'{made_up.mark}/base:1'"))
        built(made_up)
    assert caught.value.code == "no-mmdebstrap"


def test_what_no_registry_has_cannot_be_pulled(made_up: MadeUp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutor.engine.images.access._shipped", lambda: made_up.catalogue)
    with pytest.raises(Problem) as caught:
        ensure(made_up.engine, ["base", "small"])
    assert caught.value.code in ("no-registry", "not-in-registry")
    assert "docker tutor images build" in caught.value.next_step


def test_nothing_to_pull_takes_no_time(engine: Engine) -> None:
    begin = time.monotonic()
    assert ensure(engine, catalogue().images) == []
    assert time.monotonic() - begin < 1
