"""Names that a lab gives to its objects: the lesson's where they are free, else the next one (`web`, `web-2`).

A learner may well have a container called `web`. The lab then works with `web-2`, and all texts say so, because they
hold `${name.web}`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tutor.engine.connect import Engine

_PROJECT = "com.docker.compose.project"


def choose(
    wanted: Iterable[str], taken: Collection[str], claim: Callable[[str], bool] = lambda _: True
) -> dict[str, str]:
    """A free name for each wanted one.

    Args:
        wanted: The lesson's names.
        taken: Names that are in use on the engine.
        claim: Keeps a name from other labs; False when one of them has it.

    Returns:
        Wanted name → the name to use; the same where nobody has it.
    """
    wanted = list(dict.fromkeys(wanted))
    used = {*taken}
    chosen: dict[str, str] = {}
    for name in wanted:
        candidate, number = name, 1
        # Another of the lesson's own names is not free either: `web-2` may be one of them.
        while candidate in used or (candidate != name and candidate in wanted) or not claim(candidate):
            number += 1
            candidate = f"{name}-{number}"
        chosen[name] = candidate
        used.add(candidate)
    return chosen


def on_engine(engine: Engine) -> frozenset[str]:
    """Every name that is in use on the engine: containers, networks, volumes, repositories, Compose projects, services.

    A lesson's name may become any of these, so one family's name counts for all.

    Raises:
        OSError: The engine does not answer.
    """
    api = engine.api
    found: set[str] = set()
    containers = api.containers(all=True)
    networks = api.networks()
    volumes = (api.volumes() or {}).get("Volumes") or []
    for container in containers:
        found.update(name.lstrip("/") for name in container.get("Names") or [])
    for item in [*networks, *volumes]:
        found.add(item["Name"])
    for image in api.images():
        for tag in image.get("RepoTags") or []:
            found.add(tag.rpartition(":")[0])
    for item in [*containers, *networks, *volumes]:
        project = (item.get("Labels") or {}).get(_PROJECT)
        if project:
            found.add(project)
    with contextlib.suppress(OSError):  # Where no Swarm is, there are no services.
        found.update(service["Spec"]["Name"] for service in api.services())  # type: ignore[no-untyped-call]
    return frozenset(found)
