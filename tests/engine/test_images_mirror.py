"""The mirror: a real registry on loopback, filled by the engine, pulled from by the engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from images_made_up import MadeUp

from tutor.engine.connect import Engine
from tutor.engine.images.recipe_build import build
from tutor.engine.images.registry import fill, mirrored
from tutor.engine.images.registry_api import Registry
from tutor.problems import Problem

pytestmark = pytest.mark.engine


@pytest.fixture
def made_up(engine: Engine, tmp_path: Path) -> Iterator[MadeUp]:
    things = MadeUp(engine, tmp_path)
    yield things
    things.close()


def test_fill_and_pull(made_up: MadeUp, registry: Registry) -> None:
    build(made_up.engine, made_up.catalogue, ["small", "large"])
    large = f"{made_up.mark}/large:1"
    id_ = made_up.id(large)
    assert fill(made_up.engine, made_up.catalogue, registry, roles=["small", "large", "apart"]) == [
        "small",
        "large",
        "apart",
    ]
    assert made_up.names() == {f"{made_up.mark}/small:1", large}, "neither names of the registry nor `apart` stay"
    begin = time.monotonic()
    assert fill(made_up.engine, made_up.catalogue, registry, roles=["small", "large", "apart"]) == []
    assert time.monotonic() - begin < 1

    made_up.remove(large)
    for tag in ("1", "latest", "second"):
        name = f"{registry.address}/{made_up.mark}/large"
        made_up.api.pull(name, tag)
        assert made_up.id(f"{name}:{tag}") == id_
    # What only the mirror keeps has layers that the engine does not: a real pull.
    events = list(made_up.api.pull(f"{registry.address}/{made_up.mark}/apart", "1", stream=True, decode=True))
    assert any(event.get("status") == "Pull complete" for event in events)


def test_a_changed_recipe_goes_to_the_mirror(made_up: MadeUp, registry: Registry) -> None:
    build(made_up.engine, made_up.catalogue, ["small"])
    roles = ["small", "apart"]
    fill(made_up.engine, made_up.catalogue, registry, roles=roles)
    assert mirrored(registry, made_up.catalogue, {}) == set()  # with another base its recipe is another
    for role in roles:
        (made_up.folder / "images" / role / "content").write_text("new\n")
    build(made_up.engine, made_up.catalogue, ["small"])
    assert fill(made_up.engine, made_up.catalogue, registry, roles=roles) == roles
    manifest = registry.manifest(f"{made_up.mark}/small", "1")
    assert manifest
    assert manifest.config == made_up.id(f"{made_up.mark}/small:1")


def test_what_is_missing_is_named(made_up: MadeUp, registry: Registry) -> None:
    with pytest.raises(Problem, match="large") as caught:
        fill(made_up.engine, made_up.catalogue, registry, roles=["large"])
    assert caught.value.code == "image-missing"


def test_no_registry(made_up: MadeUp) -> None:
    build(made_up.engine, made_up.catalogue, ["small"])
    with pytest.raises(Problem, match="No registry answers"):
        fill(made_up.engine, made_up.catalogue, Registry("127.0.0.1:1"), roles=["small"])
