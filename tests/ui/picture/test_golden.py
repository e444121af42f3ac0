"""The pictures are what they were when somebody looked at them last."""

from __future__ import annotations

import pytest

from tests.ui.picture.golden import FOLDER, pictures

_PICTURES = dict(pictures())


@pytest.mark.parametrize("name", sorted(_PICTURES))
def test_picture_is_as_it_was_looked_at(name: str) -> None:
    assert _PICTURES[name] == (FOLDER / f"{name}.txt").read_text()


def test_no_picture_is_kept_that_nobody_draws() -> None:
    assert {file.stem for file in FOLDER.glob("*.txt")} == set(_PICTURES)
