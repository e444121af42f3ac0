"""Take the World of a lab from an engine: all of it, or only what is named.

What belongs to a lab is told by its label, never by a name. Four things carry no label of their own and come in by what
holds them: an image that a container of the lab was made from, a volume that one mounts, the predefined networks, and
the images which the caller names (the catalogue's, and what the sandbox saw the lab pull or tag).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from tutor.engine import records
from tutor.engine.world import Container, Image, Network, Service, Volume, World, normal_reference

if TYPE_CHECKING:
    from tutor.engine.connect import Engine

LABEL = "docker-tutor.lab"
"""The label that everything a lab makes carries; its value is the lab's id."""

ALL = "*"
"""As the key in `only`: all objects of that kind."""

# A local engine answers an inspect in 1 ms, of which this process needs 0.8: threads help with a far one only.
_FAR = 6

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def take(
    engine: Engine,
    lab: str,
    previous: World | None = None,
    only: Collection[tuple[str, str]] | None = None,
    *,
    own_images: Collection[str] = (),
    references: Collection[str] = (),
    own_volumes: Collection[str] = (),
) -> World:
    """Take a snapshot of what a lab holds.

    Objects that vanish between being listed and being inspected are left out. Records that did not change are the
    previous World's own, so that `diff` is quick.

    Args:
        engine: Where to look.
        lab: The lab's id.
        previous: The World to build on; needed with `only`.
        only: What to look at again, as (kind, key): `("container", id)`, `("image", id or reference)`,
            `("volume", name)`, `("network", id)`, `("service", "*")`; `*` as the key is all of the kind. None is all.
        own_images: References and ids of images that the lab pulled, tagged or committed and that lack its label.
        references: Images of the catalogue that the lab may see.
        own_volumes: Names of volumes that are the lab's though they lack its label: unnamed ones that were seen mounted
            (the previous World's are known anyway).

    Raises:
        Problem: `engine-gone`.
        docker.errors.APIError: The engine refused to answer.
    """
    with engine.guard():
        snapshot = _Snapshot(engine, lab, previous or World(), own_images, references, own_volumes)
        return snapshot.take(_ALL_KINDS if only is None else only)


_ALL_KINDS = tuple((kind, ALL) for kind in ("network", "container", "volume", "image", "service"))


class _Snapshot:
    """One snapshot being taken: the previous World's mappings, of which the looked-at entries are replaced."""

    def __init__(
        self,
        engine: Engine,
        lab: str,
        previous: World,
        own_images: Collection[str],
        references: Collection[str],
        own_volumes: Collection[str],
    ) -> None:
        self.engine, self.lab = engine, lab
        # The SDK's types do not cover all of its methods.
        self.api: Any = engine.api
        self.own = frozenset(map(_plain, own_images))
        self.references = frozenset(map(_plain, references))
        self.own_volumes = own_volumes
        self.containers: dict[str, Container] = dict(previous.containers)
        self.images: dict[str, Image] = dict(previous.images)
        self.volumes: dict[str, Volume] = dict(previous.volumes)
        self.networks: dict[str, Network] = dict(previous.networks)
        self.services: dict[str, Service] = dict(previous.services)

    def take(self, only: Iterable[tuple[str, str]]) -> World:
        wanted: dict[str, set[str]] = {}
        for kind, key in only:
            wanted.setdefault(kind, set()).add(key)
        if keys := wanted.get("network"):
            self._networks(keys)
        if keys := wanted.get("container"):
            self._containers(keys)
        mounted = {m.name for c in self.containers.values() for m in c.mounts if m.type == "volume" and m.name}
        if keys := wanted.get("volume", set()) | (mounted - self.volumes.keys()):
            self._volumes(keys, mounted)
        used = {c.image_id for c in self.containers.values()}
        if keys := wanted.get("image", set()) | (used - self.images.keys()):
            self._images(keys, used)
        for key in [key for key, image in self.images.items() if not self._shown(image, used)]:
            del self.images[key]
        if wanted.get("service"):
            self._services()
        return World(
            containers=self.containers,
            images=self.images,
            volumes=self.volumes,
            networks=self.networks,
            services=self.services,
        )

    # -- containers, networks, volumes ---------------------------------------------------------------------------
    def _containers(self, keys: set[str]) -> None:
        if ALL in keys:
            listed = self.api.containers(all=True, filters={"label": f"{LABEL}={self.lab}"})
            keys = {str(entry["Id"]) for entry in listed}
            _keep(self.containers, keys)
        for key, data in self._inspect(self.api.inspect_container, keys):
            new = records.container(data) if data is not None else None
            if new is None or new.labels.get(LABEL) != self.lab:
                self.containers.pop(key, None)
            elif self.containers.get(new.id) != new:
                self.containers[new.id] = new

    def _networks(self, keys: set[str]) -> None:
        if ALL in keys:
            found = [records.network(entry) for entry in self.api.networks()]
            _keep(self.networks, {network.id for network in found})
        else:
            found = []
            for key, data in self._inspect(self.api.inspect_network, keys):
                if data is None:
                    self.networks.pop(key, None)
                else:
                    found.append(records.network(data))
        for new in found:
            if not new.predefined and new.labels.get(LABEL) != self.lab:
                self.networks.pop(new.id, None)
            elif self.networks.get(new.id) != new:
                self.networks[new.id] = new

    def _volumes(self, keys: set[str], mounted: set[str]) -> None:
        """Volumes with the label, mounted ones, and those known to have been: an unnamed one outlives its container."""
        if ALL in keys:
            found = [records.volume(entry) for entry in self.api.volumes().get("Volumes") or ()]
            _keep(self.volumes, {volume.name for volume in found})
        else:
            found = []
            for key, data in self._inspect(self.api.inspect_volume, keys):
                if data is None:
                    self.volumes.pop(key, None)
                else:
                    found.append(records.volume(data))
        for new in found:
            ours = new.name in mounted or new.name in self.volumes or new.name in self.own_volumes
            if ours or new.labels.get(LABEL) == self.lab:
                if self.volumes.get(new.name) != new:
                    self.volumes[new.name] = new
            else:
                self.volumes.pop(new.name, None)

    # -- images --------------------------------------------------------------------------------------------------
    def _images(self, keys: set[str], used: set[str]) -> None:
        if ALL in keys:
            listed = {str(entry["Id"]): entry for entry in self.api.images()}
            _keep(self.images, listed.keys() | used)
            keys = {key for key, entry in listed.items() if self._shown(_peek(entry), used)}
            # What an image is never changes; what may is the names it goes by, and those are in the list.
            keys = {k for k in keys if k not in self.images or _names(listed[k]) != _names_of(self.images[k])} | (
                # Not in the list, and a container was made from it: `docker rmi --force` may have taken it away.
                used - listed.keys()
            )
        moved: set[str] = set()
        for key, data in self._inspect(self.api.inspect_image, keys):
            moved |= self._image(key, data, used)
        # A tag that now names another image was taken from the one that had it, of which no event tells.
        for key, data in self._inspect(self.api.inspect_image, moved):
            self._image(key, data, used)

    def _image(self, key: str, data: Mapping[str, Any] | None, used: set[str]) -> set[str]:
        """Put one inspected image in its place; the ids of those that may have lost a tag to it."""
        if data is None:
            wanted = _plain(key)
            gone = [i for i, image in self.images.items() if wanted == i or wanted in map(_plain, image.tags)]
            for identity in gone:
                del self.images[identity]
            return set()
        new = records.image(data)
        if not self._shown(new, used):
            self.images.pop(new.id, None)
        else:
            own = self._is_own(new)
            new = new if not own else records.image(data, own=True)
            if self.images.get(new.id) != new:
                self.images[new.id] = new
        tags = set(new.tags)
        return {i for i, image in self.images.items() if i != new.id and tags.intersection(image.tags)}

    def _shown(self, image: Image, used: set[str]) -> bool:
        return (
            image.id in used
            or image.labels.get(LABEL) == self.lab
            or not self.own.isdisjoint(_known_as(image))
            or not self.references.isdisjoint(_known_as(image))
        )

    def _is_own(self, image: Image) -> bool:
        return image.labels.get(LABEL) == self.lab or not self.own.isdisjoint(_known_as(image))

    # -- services ------------------------------------------------------------------------------------------------
    def _services(self) -> None:
        found = {new.id: new for new in map(records.service, services(self.engine, self.lab))}
        _keep(self.services, found.keys())
        for key, new in found.items():
            if self.services.get(key) != new:
                self.services[key] = new

    # -- asking --------------------------------------------------------------------------------------------------
    def _inspect(self, ask: Callable[[str], Any], keys: Collection[str]) -> list[tuple[str, Mapping[str, Any] | None]]:
        """Inspect each; None for what is not there (any more)."""
        from docker.errors import NotFound

        def one(key: str) -> tuple[str, Mapping[str, Any] | None]:
            try:
                return key, ask(key)
            except NotFound:
                return key, None

        if len(keys) < 2 or self.engine.address.scheme == "unix":
            return [one(key) for key in sorted(keys)]
        with ThreadPoolExecutor(min(_FAR, len(keys)), "snapshot") as pool:
            return list(pool.map(one, sorted(keys)))


def may_manage(engine: Engine) -> bool:
    """Whether the engine manages a swarm, or does not say so: then it is to be asked.

    From Engine 23 on (API 1.42) the ping's header says it, without the cost of `info`.
    """
    api: Any = engine.api
    response = api._get(api._url("/_ping", versioned_api=False))
    said = response.headers.get("Swarm")
    return said is None or str(said).endswith("/manager")


def services(engine: Engine, lab: str) -> list[dict[str, Any]]:
    """A lab's services, with how many tasks run (API 1.41); none where the engine manages no swarm."""
    api: Any = engine.api
    return _of_manager(engine, lambda: api.services(filters={"label": f"{LABEL}={lab}"}, status=True)) or []


def swarm_labels(engine: Engine) -> dict[str, str]:
    """The labels of the swarm that the engine manages; empty where it manages none."""
    api: Any = engine.api
    return dict(_of_manager(engine, lambda: api.inspect_swarm()["Spec"].get("Labels")) or {})


def _of_manager(engine: Engine, ask: Callable[[], _Value]) -> _Value | None:
    """What a swarm's manager answers; None where the engine is none, or is just leaving or making a swarm."""
    from docker.errors import APIError

    if not may_manage(engine):
        return None
    try:
        return ask()
    except APIError as error:
        # "This node is not a swarm manager", and a manager that has ended since it was asked for.
        if error.status_code == 503:
            return None
        raise


def _keep(kept: dict[_Key, _Value], keys: Collection[_Key]) -> None:
    for key in kept.keys() - set(keys):
        del kept[key]


def _plain(reference: str) -> str:
    """An id as it is, a reference written out."""
    return reference if reference.startswith("sha256:") else normal_reference(reference)


def _known_as(image: Image) -> set[str]:
    return {image.id, *map(normal_reference, image.tags), *map(normal_reference, image.digests)}


def _peek(entry: Mapping[str, Any]) -> Image:
    """As much of an image's record as the list of images tells."""
    tags = tuple(tag for tag in entry.get("RepoTags") or () if tag != "<none>:<none>")
    digests = tuple(digest for digest in entry.get("RepoDigests") or () if not digest.startswith("<none>"))
    return Image(id=str(entry["Id"]), tags=tags, digests=digests, labels=entry.get("Labels") or {})


def _names(entry: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
    peek = _peek(entry)
    return frozenset(peek.tags), frozenset(peek.digests)


def _names_of(image: Image) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(image.tags), frozenset(image.digests)
