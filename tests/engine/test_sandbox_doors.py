"""Doors that are found by thinking, not by flags: each is tried as somebody who wants in would try it."""

from __future__ import annotations

import io
import json
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sandbox_lab import Foreign, Lab, foreign_secret, open_lab
from sandbox_server import serving

from tutor.engine.address import EngineAddress
from tutor.engine.images import resolve
from tutor.engine.images.registry import Registry
from tutor.engine.routes import of_machine
from tutor.sandbox import _ownaddress

pytestmark = pytest.mark.engine

_OUTSIDE = "is an image outside of this lab"


@pytest.fixture(scope="module")
def lab(engine_host: str) -> Iterator[Lab]:
    with open_lab(engine_host, resolve("shell")) as opened:
        yield opened


@pytest.fixture(scope="module")
def foreign(engine_host: str) -> Iterator[Foreign]:
    with foreign_secret(engine_host, resolve("shell")) as planted:
        yield planted


@pytest.fixture(autouse=True)
def _unchanged(lab: Lab, foreign: Foreign) -> Iterator[None]:
    before = foreign.state(lab.direct)
    yield
    assert foreign.state(lab.direct) == before


# -- names that say two things ----------------------------------------------------------------------------------------
def test_a_name_with_two_tags_moves_nothing(lab: Lab, foreign: Foreign) -> None:
    """The engine takes the tag in the parameter, whatever the name says."""
    made = lab.ok("create", lab.image, "true")
    name = foreign.name
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w"):
        pass
    for repo, tag in ((f"{name}:free", "1"), (f"docker.io/library/{name}:free", "1"), (f"{name}:", "1"),
                      (f"{name}@sha256:{'a' * 64}", "1"), (f"{name}:1", "free"), (f"{name}:", "")):  # fmt: skip
        query = f"repo={quote(repo, safe='')}&tag={tag}"
        pull = f"/images/create?fromImage={quote(repo, safe='')}&tag={tag}"
        for answer in (
            lab.api.ask("POST", f"/images/{quote(lab.image, safe='')}/tag?{query}"),
            lab.api.ask("POST", f"/commit?container={made}&{query}"),
            lab.api.ask("POST", f"/images/create?fromSrc=-&{query}", archive.getvalue()),
            lab.api.ask("POST", pull),
        ):
            assert answer.status == 400, (repo, tag, answer.body)
    lab.ok("rm", made)


# -- host paths that change after they were looked at -----------------------------------------------------------------
def test_files_of_a_folder_that_has_become_a_link(lab: Lab) -> None:
    """For `docker cp` the engine mounts everything anew, also for a container that never ran."""
    own = lab.workspace / "files"
    own.mkdir()
    (own / "hostname").write_text("own")
    name = f"{lab.name}-files"
    lab.ok("create", "--name", name, "-v", f"{own}:/x", lab.image, "true")
    lab.ok("cp", f"{name}:/x/hostname", str(lab.workspace / "out"))
    own.rename(lab.workspace / "moved")
    own.symlink_to("/etc")
    for words in (("cp", f"{name}:/x/hostname", "-"), ("cp", str(lab.workspace / "out"), f"{name}:/x/dt-door")):
        done = lab.docker(*words)
        assert done.returncode != 0, done.stdout
        assert Path("/etc/hostname").read_text() not in done.stdout
    assert not Path("/etc/dt-door").exists()
    answer = lab.api.ask("GET", f"/containers/{name}/archive?path=/x/hostname")
    assert answer.status == 403
    assert "mounts only its own folder" in answer.message
    lab.ok("rm", name)


def test_a_volume_whose_folder_has_become_a_link(lab: Lab) -> None:
    own = lab.workspace / "device"
    own.mkdir()
    (own / "passwd").write_text("own")
    volume, name = f"{lab.name}-device", f"{lab.name}-reader"
    lab.ok("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={own}", volume)
    lab.ok("create", "--name", name, "-v", f"{volume}:/x", lab.image, "cat", "/x/passwd")
    assert lab.ok("start", "-a", name) == "own"
    own.rename(lab.workspace / "moved-device")
    own.symlink_to("/etc")
    for words in (("start", "-a", name), ("restart", name), ("cp", f"{name}:/x/passwd", "-")):
        done = lab.docker(*words)
        assert done.returncode != 0
        assert "root:" not in done.stdout
        assert "mounts only its own folder" in done.stderr or words[0] == "cp"
    lab.ok("rm", name)


# -- networks over the machine's own ----------------------------------------------------------------------------------
def test_a_network_over_the_machines_own_addresses(lab: Lab) -> None:
    def networks_now() -> list[dict[str, Any]]:
        return sorted(lab.direct.good("GET", "/networks"), key=lambda item: str(item["Id"]))

    networks = networks_now()
    taken = [part["Subnet"] for item in networks for part in item["IPAM"]["Config"] or ()]
    routes = of_machine(EngineAddress.parse(f"unix://{lab.engine.unix}"))
    others = [route for route in routes if route.prefixlen < 30 and str(route) not in taken]
    assert others
    for number, route in enumerate(others[:4]):
        inside = next(iter(route.subnets(new_prefix=max(29, route.prefixlen))))
        for subnet in (str(route), str(inside)):
            done = lab.docker("network", "create", "--subnet", subnet, f"{lab.name}-over{number}")
            assert done.returncode == 1, subnet
            assert "this machine itself uses" in done.stderr
            assert "cut off" in done.stderr
        spelled = {"Name": f"{lab.name}-over", "ipam": {"config": [{"subnet": str(route)}]}}
        assert lab.api.ask("POST", "/networks/create", spelled).status == 403
    assert networks_now() == networks
    said = lab.docker("network", "create", "--subnet", str(others[0]), f"{lab.name}-over").stderr
    free = said.partition("such as ")[2].partition(". Or")[0]
    lab.ok("network", "create", "--subnet", free, f"{lab.name}-free")
    again = lab.docker("network", "create", "--subnet", free, f"{lab.name}-again")
    assert again.returncode == 1
    assert "overlaps" in again.stderr, "two networks over each other are told apart in the engine's own words"
    lab.ok("network", "rm", f"{lab.name}-free")


# -- what only the machine itself may fetch ---------------------------------------------------------------------------
@pytest.mark.parametrize("builder", ["0", "1"])
def test_a_build_fetches_nothing_from_the_machine_itself(lab: Lab, builder: str) -> None:
    with serving("127.0.0.1") as server:
        port = server.server_port
        hosts = ["127.0.0.1", "localhost", "LOCALHOST", "127.1", "127.0.0.1.", "2130706433", "0x7f.0.0.1", "0177.0.0.1",
                 "me@127.0.0.1", "x.localhost", "[::1]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]", "0.0.0.0", "0",
                 "169.254.169.254", *sorted(_ownaddress.names())]  # fmt: skip
        texts = [f"ADD http://{host}:{port}/secret /s" for host in hosts]
        texts += [
            f"ARG A=http://127.0.0.1\nADD ${{A}}:{port}/secret /s",
            f"ADD --chown=0:0 http://localhost:{port}/secret /s",
            f"ADD \\\n http://localhost:{port}/secret /s", f'ADD ["http://localhost:{port}/secret", "/s"]',
            f"ADD HTTP://127.0.0.1:{port}/secret /s", f"ADD Dockerfile http://127.0.0.1:{port}/secret /s/",
        ]  # fmt: skip
        for text in texts:
            (lab.workspace / "Dockerfile").write_text(f"FROM {lab.image}\n{text}\nRUN cat /s*\n")
            done = lab.docker("build", ".", env={"DOCKER_BUILDKIT": builder})
            assert done.returncode != 0, (text, done.stderr)
            said = done.stdout + done.stderr
            # BuildKit takes a scheme in capitals for a file's name.
            assert ("denied by policy" if builder == "1" else "on this machine itself") in said or "HTTP:" in text, said
        assert server.seen == []
        (lab.workspace / "Dockerfile").write_text(f"FROM {lab.image}\nADD Dockerfile ${{HOME:-/x}}/\nADD . /w\n")
        lab.ok("build", ".", env={"DOCKER_BUILDKIT": builder})


def test_a_trigger_that_fetches_from_the_machine_itself(lab: Lab) -> None:
    base = f"{lab.name}-fetches:1"
    with serving("127.0.0.1") as server:
        lab.ok("create", "--name", f"{lab.name}-f", lab.image)
        lab.ok(
            "commit", "--change", f"ONBUILD ADD http://127.0.0.1:{server.server_port}/secret /s", f"{lab.name}-f", base
        )
        (lab.workspace / "Dockerfile").write_text(f"FROM {base}\nRUN cat /s\n")
        for builder in "01":
            assert lab.docker("build", ".", env={"DOCKER_BUILDKIT": builder}).returncode != 0
        assert server.seen == []
    lab.ok("rm", f"{lab.name}-f")


# -- images that come from a registry ---------------------------------------------------------------------------------
def _images(lab: Lab) -> set[str]:
    return {item["Id"] for item in lab.direct.good("GET", "/images/json?all=1")}


def test_triggers_of_an_image_that_the_build_itself_pulls(
    engine_host: str, foreign: Foreign, registry: Registry
) -> None:
    with open_lab(engine_host, resolve("shell")) as lab:
        before = _images(lab)
        _triggers(lab, foreign, registry)
    assert _images(lab) == before, "what the engine still made after the build was stopped goes with the lab"


def _triggers(lab: Lab, foreign: Foreign, registry: Registry) -> None:
    name = f"{registry.address}/{foreign.name}-triggers:1"
    made = lab.ok("create", lab.image, "true", direct=True)
    change = f"ONBUILD COPY --from={foreign.name}:secret /etc /x"
    lab.ok("commit", "--change", change, "--change", "ENV PULLED=1", made, name, direct=True)
    lab.ok("push", "-q", name, direct=True)
    lab.ok("rmi", name, direct=True)
    lab.ok("rm", made, direct=True)
    (lab.workspace / "Dockerfile").write_text(f"FROM {name}\nRUN ls -d /x\n")
    classic = lab.docker("build", "-t", f"{lab.name}:pulled", ".", env={"DOCKER_BUILDKIT": "0"})
    assert classic.returncode != 0
    assert "has not read" in classic.stdout + classic.stderr
    quiet = lab.docker("build", "-q", ".", env={"DOCKER_BUILDKIT": "0"})
    assert quiet.returncode != 0
    kit = lab.docker("build", "-t", f"{lab.name}:pulled", ".", env={"DOCKER_BUILDKIT": "1"})
    assert kit.returncode != 0
    assert _OUTSIDE in kit.stderr or "cannot copy from stage" in kit.stderr
    lab.ok("pull", name)
    again = lab.docker("build", ".", env={"DOCKER_BUILDKIT": "0"})
    assert again.returncode != 0
    assert _OUTSIDE in again.stdout + again.stderr
    assert lab.docker("image", "inspect", f"{lab.name}:pulled").returncode != 0


@pytest.mark.parametrize("builder", ["0", "1"])
def test_a_foreign_image_by_its_digest(lab: Lab, foreign: Foreign, registry: Registry, builder: str) -> None:
    name = f"{registry.address}/{foreign.name}-digest"
    lab.ok("tag", f"{foreign.name}:secret", f"{name}:1", direct=True)
    try:
        lab.ok("push", "-q", f"{name}:1", direct=True)
        digests = lab.direct.good("GET", f"/images/{quote(name, safe='')}:1/json")["RepoDigests"]
        (digest,) = (item for item in digests if item.startswith(name))
        tagged = digest.replace("@", ":1@")
        texts = [f"FROM {digest}\nRUN env", f"FROM {tagged}\nRUN env",
                 f"FROM {lab.image}\nCOPY --from={digest} /etc /x",
                 f"ARG D={digest}\nFROM $D\nRUN env"]  # fmt: skip
        if builder == "1":
            texts.append(f"FROM {lab.image}\nRUN --mount=from={digest},target=/x ls /x")
        for text in texts:
            (lab.workspace / "Dockerfile").write_text(text + "\n")
            done = lab.docker("build", ".", env={"DOCKER_BUILDKIT": builder})
            assert done.returncode != 0, (text, done.stderr)
            assert _OUTSIDE in done.stderr + done.stdout, (text, done.stderr)
            assert foreign.secret not in done.stderr + done.stdout
        if builder == "1":
            for line in (digest, f"{foreign.name}:secret", f"docker.io/library/{foreign.name}"):
                (lab.workspace / "Dockerfile").write_text(f"# syntax={line}\nFROM {lab.image}\nRUN env\n")
                assert foreign.secret not in lab.docker("build", "--progress", "plain", "--no-cache", ".").stderr
    finally:
        lab.ok("rmi", f"{name}:1", direct=True)


def test_a_cache_that_is_somebody_elses_image(lab: Lab, foreign: Foreign) -> None:
    """A step that is found in such a cache is copied out of the image, and not run."""
    (lab.workspace / "Dockerfile").write_text(
        f"FROM {lab.image}\nRUN : {foreign.name}; cat /proc/sys/kernel/random/uuid > /u\n"
    )
    name, mine = f"{foreign.name}-cache:1", f"{lab.name}-cache:1"
    known = {item["ID"] for item in lab.direct.good("GET", "/system/df?type=build-cache")["BuildCache"] or ()}
    lab.ok("build", "-t", name, "--build-arg", "BUILDKIT_INLINE_CACHE=1", ".", direct=True)
    try:
        theirs = lab.ok("run", "--rm", name, "cat", "/u", direct=True)
        for item in lab.direct.good("GET", "/system/df?type=build-cache")["BuildCache"]:
            if item["ID"] not in known:
                filters = json.dumps({"id": [f"^{item['ID']}$"]})
                lab.direct.good("POST", f"/build/prune?all=1&filters={quote(filters)}")
        for given in (
            ("--cache-from", name), ("--cache-from", f"type=registry,ref={name}"),
            ("--cache-from", f"docker.io/library/{name}"), ("--cache-from", mine, "--cache-from", name),
        ):  # fmt: skip
            lab.ok("build", "-t", mine, *given, ".")
            assert lab.ok("run", "--rm", mine, "cat", "/u") != theirs, given
    finally:
        lab.ok("rmi", "-f", name, direct=True)


def test_nobody_listens_where_nobody_should() -> None:
    """The tests above would prove nothing if the machine could not be reached by these names at all."""
    with serving("127.0.0.1") as server:
        for host in ("127.0.0.1", "localhost", "127.1"):
            with socket.create_connection((host, server.server_port), 5) as plain:
                plain.sendall(b"GET /secret HTTP/1.0\r\n\r\n")
                assert b"200" in plain.recv(100)
