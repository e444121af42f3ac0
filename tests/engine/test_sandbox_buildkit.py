"""What clients could ask of BuildKit that no docker command asks, and engines whose BuildKit cannot be kept in."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_lab import Api, Lab, open_lab

from tutor.engine.images import resolve
from tutor.sandbox import _protobuf as pb
from tutor.sandbox._head import Head
from tutor.sandbox.ask import Ask
from tutor.sandbox.buildkit import Builder
from tutor.sandbox.endpoints import find
from tutor.sandbox.objects import Objects
from tutor.sandbox.policy import Refused, Scope
from tutor.sandbox.proxy import Sandbox
from tutor.sandbox.references import Record
from tutor.sandbox.sourcepolicy import patterns, policy
from tutor.sandbox.trace import Trace
from tutor.sandbox.upstream import Api as EngineApi
from tutor.sandbox.upstream import Pool, Upstream

pytestmark = pytest.mark.engine

_CONTROL = "/moby.buildkit.v1.Control"
_BRIDGE = "/moby.buildkit.v1.frontend.LLBBridge"
_Fields = tuple[tuple[int, bytes | str | int], ...]


@pytest.fixture(scope="module")
def lab(engine_host: str) -> Iterator[Lab]:
    with open_lab(engine_host, resolve("shell")) as opened:
        yield opened


async def _judge(engine: Upstream, scope: Scope, path: str, message: bytes) -> bytes:
    endpoint = find("POST", "/grpc")
    assert endpoint is not None

    async def nothing() -> bytes:
        return b""

    async def no_part() -> None:
        return None

    objects = Objects(EngineApi(Pool(engine)), Record(), scope)
    ask = Ask(Head("POST", None, "/grpc", []), endpoint[0], "", objects, scope, "", nothing, no_part)
    return await Builder(ask)._judge(path, {}, message)


def _message(*fields: tuple[int, bytes | str | int]) -> bytes:
    parts = []
    for number, value in fields:
        data = value.encode() if isinstance(value, str) else value
        parts.append(pb.Field(number, 0 if isinstance(data, int) else 2, data))
    return pb.write(parts)


def _graph(operation: bytes) -> bytes:
    return _message((1, operation))


def _step(*fields: tuple[int, bytes | str | int]) -> bytes:
    """A graph of one command."""
    return _graph(_message((2, _message(*fields))))


def _cache(name: str) -> bytes:
    """A command with a cache mount of that id."""
    option = _message((1, name)) if name else b""
    return _step((2, _message((6, 3), (20, option))))


def _option(name: str, value: str) -> _Fields:
    return ((6, "dockerfile.v0"), (7, _message((1, name), (2, value))))


_ASKED: dict[str, tuple[_Fields, str]] = {
    "cache of others": (((2, _cache("/root/.cache")),), "cache mount"),
    "cache without name": (((2, _cache("")),), "cache mount"),
    "cache of another lab": (((2, _cache("98-abcdef/root")),), "cache mount"),
    "cache in an input": (((10, _message((1, "x"), (2, _cache("/c")))),), "cache mount"),
    "nested build": (((10, _message((1, "x"), (2, _graph(_message((5, b"")))))),), "inside of a build"),
    "cgroup": (((2, _step((1, _message((10, "/x"))))),), "cgroup parent"),
    "front end": (((6, "gateway.v0"), (7, _message((1, "source"), (2, "x")))), "front end"),
    "policy": (((12, _message((1, 1))),), "leave yours out"),
    "policy by session": (((15, "x"),), "leave yours out"),
    "host network": (((9, "network.host"),), "rights over this machine"),
    "insecure": (((9, "security.insecure"),), "rights over this machine"),
    "name by metadata": (((3, "image"), (4, _message((1, "name"), (2, "*")))), "no name for an image"),
    "exporter": (((3, "registry"),), "do not write to"),
    "second exporter": (((13, _message((1, "registry"))),), "do not write to"),
    "remote context": (_option("context", "https://192.0.2.1/x"), "fetch that address"),
    "git context": (_option("context", "git@192.0.2.1:x"), "fetch that address"),
    "cgroup option": (_option("cgroup-parent", "/x"), "cgroup parent"),
    "network option": (_option("force-network-mode", "host"), "own network"),
}


@pytest.mark.parametrize("case", _ASKED)
def test_refused_of_the_builder(lab: Lab, case: str) -> None:
    fields, words = _ASKED[case]
    with pytest.raises(Refused, match=words):
        asyncio.run(_judge(lab.engine, lab.scope, f"{_CONTROL}/Solve", _message(*fields)))
    numbers = {2: 1, 6: 2, 7: 3, 10: 13, 15: 15}
    if all(number in numbers for number, _ in fields):
        same = _message(*((numbers[number], value) for number, value in fields))
        with pytest.raises(Refused, match=words):
            asyncio.run(_judge(lab.engine, lab.scope, f"{_BRIDGE}/Solve", same))


def test_own_graphs_pass(lab: Lab) -> None:
    for graph in (_cache(f"{lab.name}/c"), _graph(_message((3, _message((1, "local://context")))))):
        for path, number in ((_CONTROL, 2), (_BRIDGE, 1)):
            message = asyncio.run(_judge(lab.engine, lab.scope, f"{path}/Solve", _message((number, graph))))
            assert graph in message
    frontend = asyncio.run(_judge(lab.engine, lab.scope, f"{_BRIDGE}/Solve", _message((2, "dockerfile.v0"))))
    options = pb.pairs(pb.parse(frontend), 3)
    assert options["label:docker-tutor.lab"] == lab.name
    assert options["build-arg:BUILDKIT_CACHE_MOUNT_NS"] == lab.name
    assert options["cmdline"] == ""


def test_an_image_that_came_after_the_builds_policy(lab: Lab) -> None:
    """A build that a client holds open has the policy of its beginning; what it asks for later is looked at again."""
    late = f"late-{lab.name}:1"
    asked = {
        "Solve": _message((1, _graph(_message((3, _message((1, f"docker-image://docker.io/library/{late}"))))))),
        "ResolveImageConfig": _message((1, f"docker.io/library/{late}@sha256:{'a' * 64}")),
        "ResolveSourceMeta": _message((1, _message((1, f"docker-image://{late}")))),
    }
    for call, message in asked.items():
        assert asyncio.run(_judge(lab.engine, lab.scope, f"{_BRIDGE}/{call}", message))
    lab.ok("tag", lab.image, late, direct=True)
    try:
        for call, message in asked.items():
            with pytest.raises(Refused, match="outside of this lab"):
                asyncio.run(_judge(lab.engine, lab.scope, f"{_BRIDGE}/{call}", message))
    finally:
        lab.ok("rmi", late, direct=True)


@pytest.mark.parametrize("call", ["Session", "Nothing"])
def test_calls_that_are_not_passed(call: str) -> None:
    from tutor.sandbox.buildkit import _known

    assert _known(f"{_CONTROL}/{call}") is None
    assert _known(f"{_BRIDGE}/NewContainer") is None
    assert _known(f"{_BRIDGE}/ExecProcess") is None


_DIGEST = "sha256:" + "a" * 64
_SPELLINGS: dict[str, tuple[str, str]] = {
    "docker.io/library/web:1": (
        f"web:1 library/web:1 docker.io/web:1 docker.io/library/web:1 index.docker.io/library/web:1 web:1@{_DIGEST} "
        f"index.docker.io/web:1 docker.io/library/web:1@{_DIGEST}",
        "web:11 web me/web:1 webb:1 host/web:1 docker.io/me/web:1 xdocker.io/web:1 web:1.0",
    ),
    "docker.io/library/web:latest": (f"web web:latest docker.io/library/web web@{_DIGEST}", "web:1 web2 me/web"),
    "docker.io/me/web:1": ("me/web:1 docker.io/me/web:1 index.docker.io/me/web:1", "web:1 library/web:1 me/web"),
    "host:5000/a.b/web:1": ("host:5000/a.b/web:1", "host:5000/aXb/web:1 web:1"),
    f"docker.io/library/web@{_DIGEST}": (
        f"web@{_DIGEST} web:any@{_DIGEST} docker.io/library/web:1@{_DIGEST}",
        f"web:1 other@{_DIGEST} web",
    ),
}


@pytest.mark.parametrize("reference", _SPELLINGS)
def test_spellings_of_an_image_in_a_graph(reference: str) -> None:
    """A client's own graph may call an image by more names than Dockerfiles can; the policy knows them all."""
    same, other = _SPELLINGS[reference]
    others = [f"docker.io/library/other-{number}:1" for number in range(150)]
    assert not any(re.match(one, f"docker-image://{name}") for one in patterns(others) for name in same.split())
    pattern = re.compile("|".join(patterns([*others, reference])))
    for name in same.split():
        assert pattern.match(f"docker-image://{name}"), name
    for name in other.split():
        assert not pattern.match(f"docker-image://{name}"), name


def test_a_machine_full_of_images() -> None:
    """All of them fit into one call, as its flow control has room for 64 KiB."""
    many = [f"docker.io/somebody/some-application-{number}:1.2.{number}" for number in range(500)]
    digests = [f"docker.io/somebody/some-application-{number}@sha256:{number:064x}" for number in range(300)]
    assert len(policy([*many, *digests])) < 60_000


def test_an_engine_that_takes_no_policy(lab: Lab, home: Path) -> None:
    """Before Engine 24, BuildKit is not offered, and refused with a way out."""
    path = home / "e.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(8)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    plain, _ = listener.accept()
                    with plain:
                        plain.recv(65536)
                        plain.sendall(
                            b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nBuilder-Version: 2\r\nConnection: close\r\n"
                            b"Content-Length: 22\r\n\r\n" + b'{"ApiVersion": "1.41"}'
                        )

        threading.Thread(target=serve, daemon=True).start()
        sandbox = Sandbox(Upstream(unix=str(path)), lab.scope, home / "s" / "x.sock", Trace())
        sandbox.start()
        try:
            answer = Api(Upstream(unix=str(sandbox.socket))).ask("GET", "/_ping")
            assert answer.headers["builder-version"] == "1"
            with pytest.raises(Refused, match="older than Engine 24"):
                asyncio.run(_judge(Upstream(unix=str(path)), lab.scope, f"{_CONTROL}/Solve", b""))
        finally:
            sandbox.stop()
