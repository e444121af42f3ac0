"""What is built: only what has changed, and what is built on it; nothing of the learner's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutor.engine.images.catalogue_file import Catalogue, load_catalogue
from tutor.engine.images.recipe_build import configuration, suite_of, telling
from tutor.engine.images.recipes import digests, in_order, to_build
from tutor.engine.images.state import BUILT, OWN, PULLED, RECIPE, ROLE, STAND_IN, Held, sort_out


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """base ← middle ← top, and side on base."""
    text = "images:\n"
    for role, build in {
        "top": "{folder: top, base: middle}",
        "base": "{suite: trixie}",
        "middle": "{folder: middle, base: base}",
        "side": "{folder: side, base: base}",
    }.items():
        text += f"  {role}: {{reference: 'x/{role}:1', about: A thing., chapters: [1], size_mb: 1, build: {build}}}\n"
        folder = tmp_path / "images" / role
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text(f"# {role}\n")
    (tmp_path / "images" / "_machine").mkdir()
    (tmp_path / "images" / "_machine" / "helper").write_text("1")
    (tmp_path / "images.yaml").write_text(text)
    return load_catalogue(tmp_path / "images.yaml")


def all_here(catalogue: Catalogue) -> dict[str, Held]:
    digest = digests(catalogue, {})
    return {i.role: Held(i, f"sha256:{i.role}", 1, BUILT, digest[i.role]) for i in catalogue}


def roles(catalogue: Catalogue, found: dict[str, Held], wanted: list[str] | None = None, **more: bool) -> list[str]:
    return [i.role for i in to_build(catalogue, wanted or list(catalogue.images), found, **more)]


def test_order(catalogue: Catalogue) -> None:
    assert [i.role for i in in_order(catalogue, ["top"])] == ["base", "middle", "top"]
    assert suite_of(catalogue, catalogue["top"]) == "trixie"


def test_from_nothing(catalogue: Catalogue) -> None:
    assert sorted(roles(catalogue, {})) == ["base", "middle", "side", "top"]
    assert roles(catalogue, {}, ["side"]) == ["base", "side"]


def test_the_second_time_nothing_is_built(catalogue: Catalogue) -> None:
    assert roles(catalogue, all_here(catalogue)) == []


def test_a_changed_recipe_rebuilds_itself_and_what_is_on_it(catalogue: Catalogue) -> None:
    found = all_here(catalogue)
    (catalogue.folder / "images" / "middle" / "added.conf").write_text("new")
    assert roles(catalogue, found) == ["middle", "top"]
    assert roles(catalogue, found, ["side"]) == []


def test_a_changed_helper_or_base_rebuilds_all(catalogue: Catalogue) -> None:
    found = all_here(catalogue)
    (catalogue.folder / "images" / "_machine" / "helper").write_text("2")
    assert set(roles(catalogue, found)) == set(catalogue.images)


def test_the_learners_own_stays_and_counts_as_the_base_it_is(catalogue: Catalogue) -> None:
    found = all_here(catalogue)
    found["middle"] = Held(catalogue["middle"], "sha256:mine", 1, OWN)
    assert roles(catalogue, found) == ["top"]
    found["top"] = Held(catalogue["top"], "sha256:hub", 1, PULLED)
    assert roles(catalogue, found, again=True) == ["base", "side"]


def test_a_missing_base_is_built_only_for_what_needs_it(catalogue: Catalogue) -> None:
    found = all_here(catalogue)
    del found["base"]
    assert roles(catalogue, found, ["top", "side"]) == []
    del found["top"]
    assert roles(catalogue, found, ["top"]) == ["top"]
    del found["middle"]
    assert roles(catalogue, found, ["top"]) == ["base", "middle", "top"]


def test_again(catalogue: Catalogue) -> None:
    assert roles(catalogue, all_here(catalogue), ["side"], again=True) == ["side"]


def test_skip(catalogue: Catalogue) -> None:
    assert [i.role for i in to_build(catalogue, ["side", "top"], {}, skip=["top", "middle"])] == ["base", "side"]


def test_where_an_image_came_from(catalogue: Catalogue) -> None:
    def entry(role: str, digests: list[str] | None = None, **labels: str) -> dict[str, object]:
        return {
            "Id": f"sha256:{role}",
            "RepoTags": [f"x/{role}:1"],
            "RepoDigests": digests,
            "Size": 5,
            "Labels": labels,
        }

    listed = [
        entry("base", **{ROLE: "base", RECIPE: "abc", STAND_IN: "x/base:1"}),
        entry("middle", ["x/middle@sha256:0"]),
        # Built by a learner on `base`: its labels were inherited, its name is its own.
        entry("top", **{ROLE: "base", RECIPE: "abc"}),
        {"Id": "sha256:none", "RepoTags": None, "RepoDigests": None, "Size": 1, "Labels": None},
    ]
    base, middle, top, side = sort_out(listed, [catalogue[r] for r in ("base", "middle", "top", "side")])  # type: ignore[arg-type]
    assert (base.origin, base.recipe, base.stand_in) == (BUILT, "abc", "x/base:1")
    assert (middle.origin, middle.recipe) == (PULLED, "")
    assert (top.origin, top.stand_in) == (OWN, "")
    assert (side.here, side.origin, side.replaceable) == (False, "", True)
    assert [one.replaceable for one in (base, middle, top)] == [True, False, False]
    (top,) = sort_out(listed, [catalogue["top"]], {"sha256:top"})  # type: ignore[arg-type]
    assert (top.origin, top.ours, top.replaceable) == ("pack", False, True)


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("I: running\nE: unable to locate package x\nI: done", "E: unable to locate package x"),
        ("#7 0.1 npm error code E404\nERROR: failed", "#7 0.1 npm error code E404"),
        ("one\n\ntwo\n", "two"),
        ("", "it said nothing"),
    ],
)
def test_the_telling_line(log: str, line: str) -> None:
    assert telling(log) == line


def test_the_last_stages_configuration() -> None:
    text = 'FROM a AS parts\nCMD ["no"]\nRUN x\nFROM scratch\nCOPY . /\nENV A=1\nCMD ["/hello"]\n'
    assert configuration(text) == ["ENV A=1", 'CMD ["/hello"]']
