"""BuildKit's control protocol: which calls a lab may make, and what is put into its builds.

Message layouts are those of moby/buildkit: `api/services/control/control.proto` and
`frontend/gateway/pb/gateway.proto`.
"""

from __future__ import annotations

import contextlib
import re
import time

from tutor.sandbox import _ownaddress
from tutor.sandbox import _protobuf as pb
from tutor.sandbox._cachesources import CacheSources
from tutor.sandbox._http2 import Calls
from tutor.sandbox._protobuf import Field
from tutor.sandbox.ask import Ask
from tutor.sandbox.policy import Refused
from tutor.sandbox.references import is_reference
from tutor.sandbox.rules._buildcache import cache_ids, note_cache
from tutor.sandbox.rules.tags import claim, settle
from tutor.sandbox.sourcepolicy import OUTSIDE, POLICY_API, patterns, policy
from tutor.sandbox.upstream import EngineError

_CONTROL = "/moby.buildkit.v1.Control/"
_BRIDGE = "/moby.buildkit.v1.frontend.LLBBridge/"
_PASS = frozenset(
    {_CONTROL + name for name in ("ListWorkers", "Info", "Status")}
    | {
        _BRIDGE + name
        for name in ("Ping", "ReadFile", "ReadDir", "StatFile", "Evaluate", "Return", "Inputs", "Warn")
    }
    | {"/opentelemetry.proto.collector.trace.v1.TraceService/Export", "/grpc.health.v1.Health/Check"}
)  # fmt: skip
_JUDGED = frozenset(
    {_CONTROL + name for name in ("Solve", "Prune", "DiskUsage", "ListenBuildHistory", "UpdateBuildHistory")}
    | {_BRIDGE + name for name in ("Solve", "ResolveImageConfig", "ResolveSourceMeta")}
)
_EXPORTERS = frozenset({"", "moby", "image", "local", "tar", "docker", "oci", "cacheonly"})
_NAME_SPACE = "build-arg:BUILDKIT_CACHE_MOUNT_NS"
_IMAGE = "docker-image://"
_REMOTE = ("http://", "https://", "git://", "ssh://", "git@", "github.com/")


class Builder:
    """One client's talk with the builder.

    Args:
        ask: The request that opened it.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._names: list[str] = []
        self._cache: set[str] | None = None
        self._began = False
        self._since = time.time()
        self._sources = CacheSources(ask.objects)
        calls = Calls(_known, self._judge, self._ended, self._failed)
        self.from_client = calls.from_client
        self.from_engine = calls.from_engine

    async def _ended(self, path: str) -> None:
        """A build has ended: note what its names mean now, and what is new in the cache."""
        if path != _CONTROL + "Solve" or not self._began:
            return
        with contextlib.suppress(EngineError, Refused):
            # At once: what others build from now on is not the lab's.
            await note_cache(self._ask, self._cache)
            for name in self._names:
                # Builds of one Compose project run side by side: what has no image yet may get one.
                if await self._ask.objects.reference_id(name):
                    await settle(self._ask, name, self._since)

    def _failed(self, words: str, ours: bool) -> None:
        """Keep a refusal for the trace; a build that fails by itself is none."""
        if OUTSIDE in words:
            words = words[: words.index(OUTSIDE) + len(OUTSIDE)].rpartition('source "')[2]
        elif not ours and "denied by policy" not in words:
            return
        self._ask.refusal = words

    async def done(self, status: int) -> None:
        """The talk is over, perhaps in the middle of a build."""
        await self._ended(_CONTROL + "Solve")
        for name in self._names:
            await settle(self._ask, name, self._since)

    async def _judge(self, path: str, headers: dict[str, str], message: bytes) -> bytes:
        fields = pb.parse(message)
        name = path.rpartition("/")[2]
        if path == _BRIDGE + "Solve":
            return await self._frontend(fields)
        if name == "Solve":
            return await self._solve(fields)
        if name == "ResolveImageConfig":
            await self._still_open([f"{_IMAGE}{_text(fields, 1)}"])
            return message
        if name == "ResolveSourceMeta":
            sources = [_text(pb.parse(field.data), 1) for field in fields if field.number == 1]
            await self._still_open(sources)
            return message
        if name in {"Prune", "DiskUsage"}:
            return self._own_cache(fields)
        ref = _text(fields, 2 if name == "ListenBuildHistory" else 1)
        if ref not in self._ask.objects.builds:
            raise Refused("The history of builds is the whole engine's; the lab sees its own builds only.")
        return message

    # -- builds ---------------------------------------------------------------------------------------------------
    async def _solve(self, fields: list[Field]) -> bytes:
        if await self._ask.objects.engine_api() < POLICY_API:
            raise _too_old()
        entitlements = [field.text for field in fields if field.number == 9]
        if entitlements and not ("network-host" in self._ask.scope.allow and set(entitlements) == {"network.host"}):
            raise Refused(
                f"The build asks for {', '.join(dict.fromkeys(entitlements))}: rights over this machine that a lab's "
                "builds do not get. Leave out --allow, and --network host."
            )
        names = []
        exporters = [(_text(fields, 3), pb.pairs(fields, 4))]
        for item in fields:
            if item.number == 13:
                inner = pb.parse(item.data)
                exporters.append((_text(inner, 1), pb.pairs(inner, 2)))
        for kind, attributes in exporters:
            if kind not in _EXPORTERS:
                raise Refused(f"The lab's builds do not write to {kind}.")
            if kind in {"", "moby", "image", "docker"}:
                names += [name.strip() for name in attributes.get("name", "").split(",") if name.strip()]
        names = list(dict.fromkeys(names))
        for name in names:
            if not is_reference(name):
                raise Refused(f"{name} is no name for an image.", 400, "malformed")
            await claim(self._ask, name)
        if not self._began:
            self._cache, self._began = await cache_ids(self._ask), True
        for name in names:
            self._ask.record.make(name)
        self._names += names
        self._ask.touched += names
        if names:
            self._ask.says = f"build image {', '.join(f'`{name}`' for name in names)}"
        self._ask.objects.builds.add(_text(fields, 1))
        self._options(pb.pairs(fields, 7))
        self._graphs(fields, 2, 10)
        fields = [await self._caches(field) for field in await self._sources.options(fields, 7)]
        if _front_end(_text(fields, 6)):
            fields += self._labels(fields, 7)
        fields = self._without_policy(fields, 12, 15)
        fields.append(Field(12, 2, policy(await self._ask.objects.foreign_references(), _ownaddress.names())))
        return pb.write(fields)

    async def _frontend(self, fields: list[Field]) -> bytes:
        self._options(pb.pairs(fields, 3))
        await self._still_open(self._graphs(fields, 1, 13))
        fields = self._without_policy(fields, 15)
        fields = await self._sources.options(await self._sources.message(fields, 4, 12), 3)
        if _front_end(_text(fields, 2)):
            fields += self._labels(fields, 3)
        return pb.write(fields)

    async def _caches(self, field: Field) -> Field:
        if field.number != 8:
            return field
        return Field(8, 2, pb.write(await self._sources.message(pb.parse(field.data), 2, 5)))

    def _without_policy(self, fields: list[Field], *numbers: int) -> list[Field]:
        kept = [field for field in fields if field.number not in numbers]
        # A seat's client is a sandbox, which has its own policy for its lab: the seat's takes that one's place.
        if len(kept) < len(fields) and not self._ask.scope.distant:
            raise Refused("The lab's builds have a policy for their sources already; leave yours out.", rule="policy")
        return kept

    def _labels(self, fields: list[Field], number: int) -> list[Field]:
        # The last entry of a key wins in a map, so these stand over what the client or the Dockerfile says.
        attributes = {f"label:{key}": value for key, value in self._ask.scope.image_labels.items()}
        # Cache mounts of RUN --mount=type=cache get a name space of their own: the learner's stay as they are.
        attributes[_NAME_SPACE] = self._name_space(pb.pairs(fields, number).get(_NAME_SPACE, ""))
        # With this the builder reads the Dockerfile itself, whatever image `# syntax` names for that: another reader
        # could put together steps that the sandbox does not see.
        attributes["cmdline"] = ""
        return [pb.entry(number, key, value) for key, value in attributes.items()]

    def _name_space(self, asked: str) -> str:
        """What the ids of cache mounts begin with; a seat's labs have spaces of their own in that of the seat."""
        scope = self._ask.scope
        return f"{asked.replace('/', '-') or '-'}/{scope.lab}" if scope.distant else scope.lab

    def _own_mount(self, identity: str) -> bool:
        parts, place = identity.split("/"), int(self._ask.scope.distant)
        return len(parts) > place + 1 and parts[place] == self._ask.scope.lab

    async def _still_open(self, sources: list[str]) -> None:
        """A client that holds a build open could name an image that came after the build's policy was written.

        Raises:
            Refused: One of these is somebody else's.
        """
        images = [source for source in sources if source.startswith(_IMAGE)]
        closed = [re.compile(text) for text in patterns(await self._ask.objects.foreign_references())] if images else []
        for image in images:
            if any(pattern.match(image) for pattern in closed):
                raise Refused(f"{image.removeprefix(_IMAGE)} {OUTSIDE}", rule="foreign-image")

    def _graphs(self, fields: list[Field], number: int, inputs: int) -> list[str]:
        """Graphs that the client made, or has back from its own builds: sources are the policy's affair, the rest ours.

        Layout: moby/buildkit, `solver/pb/ops.proto`.

        Returns:
            The sources in them.
        """
        sources: list[str] = []
        graphs = [field for field in fields if field.number == number]
        for item in fields:
            if item.number == inputs:
                graphs += [inner for inner in pb.parse(item.data) if inner.number == 2]
        for graph in graphs:
            for part in pb.parse(graph.data):
                if part.number == 1:
                    for operation in pb.parse(part.data):
                        self._operation(operation)
                        if operation.number == 3:
                            sources.append(_text(pb.parse(operation.data), 1))
        return sources

    def _operation(self, operation: Field) -> None:
        if operation.number == 5:
            raise Refused("A build inside of a build is not for a lab.", rule="builder")
        if operation.number != 2:
            return
        for part in pb.parse(operation.data):
            if part.number == 1 and any(item.number == 10 and item.data for item in pb.parse(part.data)):
                raise Refused("A cgroup parent moves the build out of the limits Docker set for it. Leave it out.")
            if part.number != 2:
                continue
            for option in pb.parse(part.data):
                if option.number == 20 and not self._own_mount(_text(pb.parse(option.data), 1)):
                    raise Refused("This build would use a cache mount that is not the lab's.", rule="builder")

    def _options(self, options: dict[str, str]) -> None:
        if options.get("force-network-mode") == "host" and "network-host" not in self._ask.scope.allow:
            raise Refused("--network host runs the build's steps in the machine's own network. Leave it out.")
        if options.get("cgroup-parent"):
            raise Refused("A cgroup parent moves the build out of the limits Docker set for it. Leave it out.")
        if options.get("context", "").lower().startswith(_REMOTE):
            raise Refused(
                "The engine itself would fetch that address, from the machine's own network. "
                "Clone or download it and build from the folder."
            )

    # -- cache ----------------------------------------------------------------------------------------------------
    def _own_cache(self, fields: list[Field]) -> bytes:
        wanted = [field.text for field in fields if field.number == 1 and field.data] or [""]
        ids = sorted(self._ask.record.cache) or ["none"]
        rest = [field for field in fields if field.number != 1]
        filters = [f"{text},id=={item}" if text else f"id=={item}" for text in wanted for item in ids]
        return pb.write([pb.string(1, text) for text in filters] + rest)


def _too_old() -> Refused:
    """The engine's BuildKit cannot be told what a lab may read."""
    return Refused(
        "This engine's BuildKit is older than Engine 24 and cannot be told which images the lab may read. "
        "Use its other builder: DOCKER_BUILDKIT=0 docker build.",
        rule="builder",
    )


def _front_end(name: str) -> bool:
    """Whether a build goes through the builder's own reader of Dockerfiles, and not through a graph alone."""
    if name not in {"", "dockerfile.v0"}:
        raise Refused(
            f"The lab's builds are read by the builder itself, not by another front end ({name}). Leave out "
            "BUILDKIT_SYNTAX.",
            rule="builder",
        )
    return bool(name)


def _known(path: str) -> bool | None:
    return True if path in _JUDGED else False if path in _PASS else None


def _text(fields: list[Field], number: int) -> str:
    found = [field for field in fields if field.number == number]
    return found[-1].text if found else ""
