"""What the README shows and leads to is there."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parents[2]


def test_pictures_and_links_lead_to_files() -> None:
    text = (HERE / "README.md").read_text(encoding="utf-8")
    linked = [link for link in re.findall(r"\]\(([^)#\s]+)\)", text) if "://" not in link]
    assert any(link.endswith(".png") for link in linked)
    assert [link for link in linked if not (HERE / link).exists()] == []
