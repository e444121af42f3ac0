"""Worlds made from recorded inspect data (see `record.py`): what an engine said of a situation, without an engine."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from tutor.engine import records
from tutor.engine.world import World

RECORDED = Path(__file__).parent / "recorded"
LAB = "22-000000"
SHELL, WEB = "busybox:1.37", "nginx:1.26"


def data(name: str) -> dict[str, list[Any]]:
    """What was recorded."""
    found: dict[str, list[Any]] = json.loads((RECORDED / f"{name}.json").read_text())
    return found


@cache
def world(name: str) -> World:
    """The World of a situation."""
    said = data(name)
    containers = [records.container(entry) for entry in said["containers"]]
    images = [
        records.image(entry, own="docker-tutor.lab" in (entry["Config"].get("Labels") or {}))
        for entry in said["images"]
    ]
    volumes = [records.volume(entry) for entry in said["volumes"]]
    networks = [records.network(entry) for entry in said["networks"]]
    return World(
        containers={c.id: c for c in containers},
        images={i.id: i for i in images},
        volumes={v.name: v for v in volumes},
        networks={n.id: n for n in networks},
    )
