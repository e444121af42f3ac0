"""What somebody else does while a build of the lab's runs: their images are not read, and their names stay theirs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sandbox_lab import Foreign, Lab, foreign_secret, open_lab
from sandbox_server import Server, serving

from tutor.engine.images import resolve
from tutor.engine.images.registry import Registry

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def lab(engine_host: str) -> Iterator[Lab]:
    with open_lab(engine_host, resolve("shell")) as opened:
        yield opened


@pytest.fixture(scope="module")
def foreign(engine_host: str) -> Iterator[Foreign]:
    with foreign_secret(engine_host, resolve("shell")) as planted:
        yield planted


def _waits(server: Server) -> str:
    """A step that ends when the server says so."""
    at = f"http://$(ip route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p'):{server.server_port}/go"
    return f'RUN until wget -q -O /dev/null "{at}"; do sleep 0.1; done'


@contextmanager
def _meanwhile(lab: Lab, text: str, builder: str, *words: str) -> Iterator[list[str]]:
    """Run the block while a build waits in its first step; afterwards the list holds what it said and its status."""
    said: list[str] = []
    with serving("0.0.0.0") as server:
        (lab.workspace / "Dockerfile").write_text(text.replace("WAIT", _waits(server)))

        def build() -> None:
            done = lab.docker("build", "--no-cache", *words, ".", env={"DOCKER_BUILDKIT": builder})
            said.extend((done.stdout + done.stderr, str(done.returncode)))

        thread = threading.Thread(target=build)
        thread.start()
        assert server.asked.wait(60)
        yield said
        server.go.set()
        thread.join(120)
        assert said


@pytest.mark.parametrize("way", ["from", "copy", "variable"])
def test_an_image_that_comes_while_a_classic_build_runs_is_not_read(lab: Lab, foreign: Foreign, way: str) -> None:
    name = f"{foreign.name}-late:{way}"
    texts = {
        "from": f"FROM {lab.image} AS one\nWAIT\nFROM {name}\nRUN env\n",
        "copy": f"FROM {lab.image}\nWAIT\nCOPY --from={name} /etc /x\nRUN env\n",
        "variable": f"ARG W={foreign.name}\nFROM {lab.image} AS one\nWAIT\nFROM ${{W}}-late:{way}\nRUN env\n",
    }
    with _meanwhile(lab, texts[way], "0", "-t", f"{lab.name}:late") as said:
        lab.ok("tag", f"{foreign.name}:secret", name, direct=True)
    assert said[1] != "0", said
    assert "was not here when the build began" in said[0], said
    assert foreign.secret not in said[0]
    assert lab.docker("image", "inspect", name).returncode != 0
    assert lab.direct.good("GET", f"/images/{name}/json")["Id"] == foreign.image_id
    assert f"docker.io/library/{name}" not in lab.sandbox.record.references
    assert foreign.image_id not in lab.sandbox.record.images
    lab.ok("rmi", "--no-prune", name, direct=True)


def test_a_classic_build_pulls_what_comes_into_the_registry_meanwhile(lab: Lab, registry: Registry) -> None:
    """What it pulls by itself while it runs is the lab's, and goes with it."""
    name = f"{registry.address}/{lab.name}-pulled:1"
    lab.ok("tag", lab.image, name, direct=True)
    lab.ok("push", "-q", name, direct=True)
    lab.ok("rmi", "--no-prune", name, direct=True)
    with _meanwhile(lab, f"FROM {lab.image} AS one\nWAIT\nFROM {name}\nRUN true\n", "0") as said:
        pass
    assert said[1] == "0", said
    assert name in lab.sandbox.record.made
    lab.ok("rmi", name)


def test_an_image_that_comes_after_buildkit_has_begun_is_not_read(lab: Lab, foreign: Foreign) -> None:
    """It looks for all images before the first step."""
    name = f"{foreign.name}-late:9"
    (lab.workspace / "Dockerfile").write_text(
        f"FROM {lab.image} AS one\nRUN true\nFROM {name}\nCOPY --from=one /etc /x\nRUN env\n"
    )
    done = lab.docker("build", "--no-cache", ".", env={"DOCKER_BUILDKIT": "1"})
    assert done.returncode != 0
    assert name in done.stderr
    assert "RUN true" not in done.stderr.partition("ERROR")[0]


@pytest.mark.parametrize("builder", ["0", "1"])
def test_a_name_that_somebody_takes_while_a_build_runs_stays_theirs(lab: Lab, foreign: Foreign, builder: str) -> None:
    name = f"{foreign.name}-target{builder}:1"
    with _meanwhile(lab, f"FROM {lab.image}\nWAIT\n", builder, "-t", name):
        lab.ok("tag", f"{foreign.name}:secret", name, direct=True)
    assert lab.direct.good("GET", f"/images/{name}/json")["Id"] == foreign.image_id
    assert lab.docker("image", "inspect", name).returncode != 0
    assert f"docker.io/library/{name}" not in lab.sandbox.record.made
    refusals = [call.refusal for call in lab.calls() if call.refusal and name in call.refusal]
    assert refusals
    lab.ok("rmi", "--no-prune", name, direct=True)
