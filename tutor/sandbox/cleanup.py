"""Closing a lab: everything that carries its label goes, in an order that works, and nothing else.

Needs neither the sandbox nor the process that opened the lab: labels on the engine and the record in the lab's folder
say what is the lab's. Doing it twice does no harm.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tutor.sandbox import swarm_mode
from tutor.sandbox._plain import Engine, until
from tutor.sandbox.claims import is_claim
from tutor.sandbox.policy import LAB, OWNER, PREDEFINED_NETWORKS, SWARM_NETWORKS, Scope
from tutor.sandbox.receipt import Census, Receipt
from tutor.sandbox.references import Record, familiar, normal
from tutor.sandbox.upstream import EngineError, Upstream

_PATIENCE = 20.0


def census(engine: Upstream, lab: str, owner: str, record: Path | None = None) -> Census:
    """Count what is not the lab's.

    Args:
        engine: Where it listens.
        lab: The lab's id; an empty one counts everything.
        owner: The installation's id.
        record: The lab's record file.

    Raises:
        Problem: The engine is not reachable.
    """
    return _census(Engine(engine), _scope(lab, owner), Record.load(record))


def leftovers(engine: Upstream, owner: str, keys: tuple[str, str] = (LAB, OWNER)) -> dict[str, int]:
    """Labs of this installation that have containers, networks, volumes, services or a swarm on the engine: how many.

    Args:
        engine: Where it listens.
        owner: The installation's id.
        keys: As in `Scope`; with those of seats, `owner` is a workshop's room.

    Raises:
        Problem: The engine is not reachable.
    """
    plain = Engine(engine)
    plain.call("GET", "_ping")
    lab_key, owner_key = keys
    filters = json.dumps({"label": [f"{owner_key}={owner}"]})
    found: dict[str, int] = {}
    for items in (
        plain.list("containers", "json", all="1", filters=filters),
        plain.list("networks", filters=filters),
        plain.list("volumes", filters=filters),
    ):
        for item in items:
            lab = (item.get("Labels") or {}).get(lab_key)
            if lab:
                found[lab] = found.get(lab, 0) + 1
    swarm = swarm_mode.made_by(plain)
    services = plain.list("services", filters=filters) if swarm else []
    for labels in ((item.get("Spec") or {}).get("Labels") or {} for item in services):
        found[labels[lab_key]] = found.get(labels[lab_key], 0) + 1
    if swarm.get(owner_key) == owner and lab_key in swarm:
        found[swarm[lab_key]] = found.get(swarm[lab_key], 0) + 1
    return found


def close(
    engine: Upstream,
    lab: str,
    owner: str,
    record: Path | None = None,
    before: Census | None = None,
    *,
    keep_swarm: bool = False,
    keys: tuple[str, str] = (LAB, OWNER),
) -> Receipt:
    """Remove all that is the lab's.

    Args:
        engine: Where it listens.
        lab: The lab's id.
        owner: The installation's id.
        record: The lab's record file; without it images that were pulled or loaded cannot be told from the learner's,
            and stay.
        before: What `census` said when the lab was opened.
        keep_swarm: Another lab of this installation uses the swarm that a lab made; the last one leaves it.
        keys: As in `Scope`.

    Raises:
        Problem: The engine is not reachable.
    """
    plain = Engine(engine)
    plain.call("GET", "_ping")
    return _Closing(plain, _scope(lab, owner, keys), Record.load(record), keep_swarm).run(before)


def _scope(lab: str, owner: str, keys: tuple[str, str] = (LAB, OWNER)) -> Scope:
    return Scope(lab, owner, frozenset(), "/", keys=keys)


def _census(engine: Engine, scope: Scope, record: Record) -> Census:
    containers = [item for item in engine.list("containers", "json", all="1") if not scope.owns(item.get("Labels"))]
    images = [
        item
        for item in engine.list("images", "json")
        if not (scope.made_image(item.get("Labels")) or item["Id"] in record.images)
    ]
    networks = [
        item
        for item in engine.list("networks")
        if item["Name"] not in PREDEFINED_NETWORKS | SWARM_NETWORKS and not scope.owns(item.get("Labels"))
    ]
    cache = engine.build_cache()
    return Census(
        containers=len(containers),
        running=sum(item.get("State") == "running" for item in containers),
        images=len(images),
        volumes=sum(
            not (scope.owns(item.get("Labels")) or is_claim(item.get("Labels"))) for item in engine.list("volumes")
        ),
        networks=len(networks),
        cache=sum(item["ID"] not in record.cache for item in cache),
    )


class _Closing:
    def __init__(self, engine: Engine, scope: Scope, record: Record, keep_swarm: bool) -> None:
        self._keep_swarm = keep_swarm
        self._engine = engine
        self._scope = scope
        self._record = record
        self._filters = json.dumps({"label": scope.label_filters})
        self._removed: dict[str, list[str]] = {}
        self._left: list[str] = []

    def run(self, before: Census | None) -> Receipt:
        begun = before or _census(self._engine, self._scope, self._record)
        self._put_back()
        self._services()
        self._containers()
        for item in self._engine.list("networks", filters=self._filters):
            self._remove("networks", item["Name"], "networks", item["Id"])
        for item in self._engine.list("volumes", filters=self._filters):
            self._remove("volumes", item["Name"], "volumes", item["Name"])
        self._images()
        self._cache()
        self._swarm()
        self._record.save()
        return Receipt(
            self._scope.lab,
            {kind: tuple(names) for kind, names in self._removed.items()},
            tuple(self._left),
            begun,
            _census(self._engine, self._scope, self._record),
        )

    def _remove(self, kind: str, name: str, *path: str, **query: str) -> bool:
        try:
            self._engine.call("DELETE", *path, **query)
        except EngineError as error:
            if error.status != 404:
                self._left.append(f"{kind.removesuffix('s')} {name}: {error.message}")
            return False
        self._removed.setdefault(kind, []).append(name)
        return True

    def _put_back(self) -> None:
        """Names that a load moved when the tutor was killed in the middle of it."""
        for reference, image in self._record.repair.items():
            try:
                if self._id(reference) != image:
                    repo, _, tag = reference.rpartition(":")
                    self._engine.call("POST", "images", image, "tag", repo=repo, tag=tag)
            except EngineError as error:
                self._left.append(f"image {familiar(reference)} could not be put back: {error.message}")
        self._record.repair = {}

    def _services(self) -> None:
        for kind in ("services", "secrets", "configs"):
            for item in self._engine.list(kind, filters=self._filters):
                self._remove(kind, item["Spec"]["Name"], kind, item["ID"])

    def _containers(self) -> None:
        """Until there are none: tasks of a service that was removed may still come and go."""
        names: dict[str, str] = {}

        def left() -> list[dict[str, Any]]:
            return self._engine.list("containers", "json", all="1", filters=self._filters)

        def none_left() -> bool:
            for item in left():
                names[item["Id"]] = (item.get("Names") or ["/" + item["Id"][:12]])[0].lstrip("/")
                try:
                    self._engine.call("DELETE", "containers", item["Id"], force="1", v="1")
                except EngineError:
                    continue  # being removed already, or not yet ready for it: asked again
            return not left()

        until(none_left, _PATIENCE)
        stuck = {item["Id"] for item in left()}
        gone = [name for key, name in names.items() if key not in stuck]
        if gone:
            self._removed["containers"] = gone
        self._left += [f"container {names.get(key, key[:12])}: the engine does not remove it" for key in stuck]

    def _images(self) -> None:
        made = self._record.made
        for item in self._engine.list("images", "json"):
            own = self._scope.made_image(item.get("Labels")) or item["Id"] in self._record.images
            for tag in item.get("RepoTags") or ():
                known = made.get(normal(tag))
                if known is not None and (own or known in {"", item["Id"]}):
                    self._remove("images", tag, "images", tag, noprune="1")
        # Without names: results of builds, their steps, and what was tagged over. Children first, so until no more go.
        while self._nameless():
            continue
        self._record.made = {name: image for name, image in made.items() if self._id(name) == image and image}
        self._record.borrowed = set()
        self._record.images = {image for image in self._record.images if self._id(image)}

    def _nameless(self) -> bool:
        progress = False
        for item in self._engine.list("images", "json", all="1"):
            tags = [tag for tag in item.get("RepoTags") or () if tag != "<none>:<none>"]
            own = self._scope.made_image(item.get("Labels")) or item["Id"] in self._record.images
            if own and not tags:
                try:
                    self._engine.call("DELETE", "images", item["Id"], noprune="1")
                except EngineError:
                    continue  # in use by a container, or by an image that was made from it
                self._removed.setdefault("images", []).append(item["Id"].removeprefix("sha256:")[:12])
                progress = True
        return progress

    def _id(self, reference: str) -> str:
        try:
            return str(self._engine.call("GET", "images", reference, "json")["Id"])
        except EngineError:
            return ""

    def _cache(self) -> None:
        left = {item["ID"] for item in self._engine.build_cache()} & self._record.cache
        progress = True
        while left and progress:
            progress = False
            for item in sorted(left):
                filters = json.dumps({"id": {f"^{item}$": True}})
                answer = self._engine.call("POST", "build", "prune", all="1", filters=filters) or {}
                gone = set(answer.get("CachesDeleted") or ())
                if gone:
                    progress = True
                    left -= gone
                    self._removed.setdefault("build cache", []).extend(sorted(gone))
        # What a newer build of the learner's stands on is in use and stays: it is shared now.
        self._record.cache = set()

    def _swarm(self) -> None:
        if self._keep_swarm:
            return
        try:
            left, why_not = swarm_mode.leave(self._engine, self._scope.owner, self._record)
        except EngineError as error:
            left, why_not = False, f"the swarm that the lab made: {error.message}"
        if left:
            self._removed.setdefault("services", []).append("swarm mode")
        if why_not:
            self._left.append(why_not)
