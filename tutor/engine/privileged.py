"""Whether an engine can start privileged containers: it is tried, with a container that is gone afterwards."""

from __future__ import annotations

from typing import Any

from tutor.engine.connect import Engine

LABEL = "docker-tutor.trial"
"""What the container carries while it is there."""


def can_start(engine: Engine, image: str) -> bool:
    """Whether it starts one; true also where the image is not there, so that nothing can be tried.

    An engine on a machine that has not all capabilities itself may not be able to give them all (before Engine 23).

    Args:
        engine: The engine.
        image: One with `true` in it.

    Raises:
        Problem: `engine-gone`.
    """
    from docker.errors import APIError, ImageNotFound

    api: Any = engine.api
    with engine.guard():
        try:
            made = api.create_container(
                image, ["true"], labels={LABEL: "privileged"}, host_config=api.create_host_config(privileged=True)
            )
        except ImageNotFound:
            return True
        try:
            api.start(made["Id"])
        except APIError:
            return False
        finally:
            api.remove_container(made["Id"], force=True)
    return True
