"""What counts as the answer to a prediction."""

from __future__ import annotations

import pytest

from tutor.lab.outcome import without_notice

NOTICES = (
    "DEPRECATED: The legacy builder is deprecated and will be removed in a future release.\n"
    "            BuildKit is currently disabled; enable it by removing the DOCKER_BUILDKIT=0\n"
    "            environment-variable.\n\n",
    "DEPRECATED: The legacy builder is deprecated and will be removed in a future release.\n"
    "            Install the buildx component to build images with BuildKit:\n"
    "            https://docs.docker.com/go/buildx/\n\n",
)


@pytest.mark.parametrize("notice", NOTICES)
def test_the_classic_builders_notice_is_no_answer(notice: str) -> None:
    assert without_notice(f"{notice}1795749461\n{notice}1795749464\n") == "1795749461\n1795749464\n"


def test_everything_else_is() -> None:
    said = "DEPRECATED: use something else\n  and more\n\nThe legacy builder is deprecated\n"
    assert without_notice(said) == said
