"""What a closed lab has left on the engine."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from tutor.sandbox.policy import LAB

if TYPE_CHECKING:
    from tutor.engine.connect import Engine


def residue(engine: Engine, lab: str, made: Collection[str] = (), volumes: Collection[str] = ()) -> tuple[str, ...]:
    """What carries the lab's label, and which of the images it made are still there, in words.

    Args:
        made: References and ids of images that the lab built, pulled, tagged or loaded.
        volumes: Names of the volumes that were seen in the lab.

    Raises:
        Problem: `engine-gone`.
    """
    from tutor.engine.snapshot import services, swarm_labels

    api: Any = engine.api
    mine = {"label": f"{LAB}={lab}"}
    found: list[str] = []
    with engine.guard():
        found += [
            f"container {(c['Names'] or [c['Id'][:12]])[0].lstrip('/')}" for c in api.containers(all=True, filters=mine)
        ]
        found += [f"network {network['Name']}" for network in api.networks(filters=mine)]
        listed = api.volumes().get("Volumes") or ()
        own = [v["Name"] for v in listed if v["Name"] in volumes or (v.get("Labels") or {}).get(LAB) == lab]
        found += [f"volume {name}" for name in own]
        found += [f"image {_called(image)}" for image in api.images(all=True, filters=mine)]
        found += [f"service {service['Spec']['Name']}" for service in services(engine, lab)]
        found += ["swarm mode"] if swarm_labels(engine).get(LAB) == lab else []
        for reference in made:
            try:
                image = api.inspect_image(reference)
            except OSError:
                continue
            words = f"image {_called(image)}"
            if words not in found:
                found.append(words)
    return tuple(found)


def _called(image: dict[str, Any]) -> str:
    return str((image.get("RepoTags") or [image["Id"][7:19]])[0])
