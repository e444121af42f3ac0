"""Builds that read what BuildKit is asked, images and names, closing a lab, the trace's and the context's commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from sandbox_lab import Foreign, Lab, foreign_objects, open_lab

from tutor.engine.images import resolve
from tutor.engine.images.registry_api import Registry
from tutor.problems import Problem
from tutor.sandbox import commands
from tutor.sandbox.cleanup import census, close, leftovers
from tutor.sandbox.trace import follow
from tutor.sandbox.upstream import Upstream

pytestmark = pytest.mark.engine


@pytest.fixture
def lab(engine_host: str) -> Iterator[Lab]:
    with open_lab(engine_host, resolve("shell")) as opened:
        (opened.workspace / "Dockerfile").write_text(f"FROM {opened.image}\nRUN echo {opened.name} > /x\n")
        yield opened


@pytest.fixture
def foreign(engine_host: str) -> Iterator[Foreign]:
    with foreign_objects(engine_host, resolve("shell")) as planted:
        yield planted


def _cache(lab: Lab) -> set[str]:
    return {item["ID"] for item in lab.direct.good("GET", "/system/df?type=build-cache")["BuildCache"] or ()}


def test_a_build_cannot_take_a_foreign_name(lab: Lab, foreign: Foreign) -> None:
    before = foreign.state(lab.direct)
    for words in (
        ("build", "-t", foreign.image, "."), ("build", "-t", f"docker.io/library/{foreign.image}", "."),
        ("buildx", "build", "--load", "-t", f"{lab.name}:1", "-t", foreign.image, "."),
        ("buildx", "build", "--output", f"type=image,name={foreign.image}", "."), ("build", "-t", lab.image, "."),
    ):  # fmt: skip
        done = lab.docker(*words)
        assert done.returncode != 0, done.stderr
        assert "Choose another name" in done.stderr
    classic = lab.docker("build", "-t", foreign.image, ".", env={"DOCKER_BUILDKIT": "0"})
    assert classic.returncode != 0
    assert "Choose another name" in classic.stderr
    assert foreign.state(lab.direct) == before


def test_built_images_are_labelled_and_go(lab: Lab, foreign: Foreign) -> None:
    before = census(lab.engine, lab.name, "tests", lab.record)
    cache = _cache(lab)
    lab.ok("build", "-t", f"{lab.name}:one", ".")
    lab.ok("build", "-t", f"{lab.name}:two", ".", env={"DOCKER_BUILDKIT": "0"})
    (lab.workspace / "Dockerfile").write_text(f"FROM {lab.image}\nRUN echo {lab.name}-2 > /x\n")
    lab.ok("build", "-t", f"{lab.name}:one", ".")
    labels = lab.direct.good("GET", f"/images/{lab.name}:one/json")["Config"]["Labels"]
    assert labels["docker-tutor.lab"] == lab.name
    receipt = close(lab.engine, lab.name, "tests", lab.record, before)
    assert receipt.clean
    assert f"{lab.name}:one" in receipt.removed["images"]
    assert f"{lab.name}:two" in receipt.removed["images"]
    assert _cache(lab) == cache
    assert receipt.after == before
    for item in lab.direct.good("GET", "/images/json?all=1"):
        assert (item.get("Labels") or {}).get("docker-tutor.lab") != lab.name
    again = close(lab.engine, lab.name, "tests", lab.record)
    assert again.removed == {}
    assert "the lab had nothing left" in again.words()[0]


def test_removing_a_classic_build_removes_its_steps(lab: Lab) -> None:
    before = lab.direct.good("GET", "/images/json?all=1")
    lab.ok("build", "-t", f"{lab.name}:c", ".", env={"DOCKER_BUILDKIT": "0"})
    assert len(lab.direct.good("GET", "/images/json?all=1")) > len(before) + 1
    lab.ok("rmi", f"{lab.name}:c")
    assert {item["Id"] for item in lab.direct.good("GET", "/images/json?all=1")} == {item["Id"] for item in before}


def test_a_quiet_classic_build_leaves_no_step_behind(lab: Lab) -> None:
    """With -q the engine tells of the last image only."""
    before = lab.direct.good("GET", "/images/json?all=1")
    lab.ok("build", "--quiet", "-t", f"{lab.name}:q", ".", env={"DOCKER_BUILDKIT": "0"})
    assert len(lab.direct.good("GET", "/images/json?all=1")) > len(before) + 1
    lab.close()
    assert {item["Id"] for item in lab.direct.good("GET", "/images/json?all=1")} == {item["Id"] for item in before}


def test_the_build_cache_of_others_stays(lab: Lab) -> None:
    own = {"DOCKER_BUILDKIT": "1"}
    before = _cache(lab)
    (lab.workspace / "theirs").mkdir()
    (lab.workspace / "theirs" / "Dockerfile").write_text(f"FROM {lab.image}\nRUN echo theirs-{lab.name} > /x\n")
    made = lab.docker("build", "-q", "theirs", direct=True, env=own).stdout.strip()
    try:
        theirs = _cache(lab)
        lab.ok("build", "-q", ".")
        assert _cache(lab) > theirs
        assert lab.ok("builder", "prune", "-af").count("\n") >= 1
        assert _cache(lab) >= theirs
        lab.ok("build", "-q", "--no-cache", ".")
        lab.api.good("POST", "/build/prune?all=1")
        assert _cache(lab) == theirs
        assert theirs.isdisjoint(lab.ok("buildx", "du").split())
    finally:
        lab.direct.ask("DELETE", f"/images/{made}")
        for item in theirs - before:
            lab.direct.ask("POST", "/build/prune?all=1&filters=" + quote(json.dumps({"id": {f"^{item}$": True}})))


def test_a_pull_of_what_is_here_is_borrowed(lab: Lab, foreign: Foreign, registry: Registry) -> None:
    """When it came from a registry, so that anybody could pull it; what was made here is its maker's alone."""
    before = foreign.state(lab.direct)
    refused = lab.docker("pull", foreign.image)
    assert refused.returncode != 0
    assert "made here and not pulled" in refused.stderr
    assert lab.docker("run", "--rm", foreign.image, "true").returncode != 0
    pulled = f"{registry.address}/{foreign.name}:1"
    lab.ok("tag", foreign.image, pulled, direct=True)
    try:
        lab.ok("push", pulled, direct=True)
        assert lab.docker("run", "--rm", "--pull", "never", pulled, "true").returncode != 0
        out = lab.ok("pull", pulled)
        assert f"Image is up to date for {pulled}" in out
        assert lab.ok("run", "--rm", pulled, "echo", "used") == "used"
        assert pulled in lab.ok("images", "--format", "{{.Repository}}:{{.Tag}}").split()
        assert lab.ok("rmi", pulled) == f"Untagged: {pulled}"
        assert lab.docker("image", "inspect", pulled).returncode == 1
        lab.ok("pull", "-q", pulled)
        (lab.workspace / "Dockerfile").write_text(f"FROM {pulled}\n")
        for builder in "01":
            lab.ok("build", ".", env={"DOCKER_BUILDKIT": builder})
        assert close(lab.engine, lab.name, "tests", lab.record).clean
        assert lab.direct.ask("GET", f"/images/{pulled}/json").status == 200
    finally:
        lab.direct.ask("DELETE", f"/images/{pulled}?noprune=1")
    assert foreign.state(lab.direct) == before


def test_closing_removes_everything_and_says_so(lab: Lab, foreign: Foreign) -> None:
    state = foreign.state(lab.direct)
    before = census(lab.engine, lab.name, "tests", lab.record)
    lab.ok("network", "create", f"{lab.name}-n")
    lab.ok("volume", "create", f"{lab.name}-v")
    lab.ok("run", "-d", "--name", f"{lab.name}-a", "--restart", "always", "--network", f"{lab.name}-n", "-v",
           f"{lab.name}-v:/v", "-v", "/anon", lab.image, "sleep", "3600")  # fmt: skip
    lab.ok("create", "--name", f"{lab.name}-b", lab.image)
    lab.ok("commit", f"{lab.name}-a", f"{lab.name}-i:1")
    lab.ok("tag", lab.image, f"{lab.name}-t:1")
    lab.ok("pause", f"{lab.name}-a")
    assert leftovers(lab.engine, "tests")[lab.name] >= 4
    lab.sandbox.stop()
    receipt = close(lab.engine, lab.name, "tests", lab.record, before)
    assert receipt.clean
    assert set(receipt.removed["containers"]) == {f"{lab.name}-a", f"{lab.name}-b"}
    assert receipt.removed["networks"] == (f"{lab.name}-n",)
    assert len(receipt.removed["volumes"]) >= 1
    assert {f"{lab.name}-i:1", f"{lab.name}-t:1"} <= set(receipt.removed["images"])
    words = "\n".join(receipt.words())
    assert "removed  2 containers: " in words
    assert receipt.before == before
    assert lab.name not in leftovers(lab.engine, "tests")
    assert foreign.state(lab.direct) == state


_KILLED = """
import sys, threading
sys.path[:0] = [sys.argv[1]]
from sandbox_lab import open_lab
with open_lab(sys.argv[2], sys.argv[3]) as lab:
    lab.ok("run", "-d", "--name", lab.name + "-a", "-v", lab.name + "-v:/v", lab.image, "sleep", "3600")
    lab.ok("tag", lab.image, lab.name + "-t:1")
    print(lab.name, lab.folder, flush=True)
    threading.Event().wait()
"""


def test_a_tutor_that_was_killed(lab: Lab, engine_host: str) -> None:
    words = (sys.executable, "-c", _KILLED, str(Path(__file__).parent), engine_host, lab.image)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name, folder = process.stdout.readline().split()
        process.send_signal(signal.SIGKILL)
    assert leftovers(lab.engine, "tests")[name] == 2
    receipt = close(lab.engine, name, "tests", Path(folder) / "sandbox.json")
    assert receipt.clean
    assert receipt.removed == {
        "containers": (f"{name}-a",), "volumes": (f"{name}-v",), "images": (f"{name}-t:1",)}  # fmt: skip
    subprocess.run(("rm", "-rf", folder), check=True)


def test_a_load_that_was_killed_is_repaired_at_closing(lab: Lab, foreign: Foreign) -> None:
    """The record names what a load could have moved; here the move is done by hand."""
    lab.ok("run", "--name", f"{lab.name}-c", lab.image, "touch", "/y")
    other = lab.ok("commit", f"{lab.name}-c", f"{lab.name}:c")
    lab.sandbox.stop()
    state = json.loads(lab.record.read_text())
    state["repair"] = {f"docker.io/library/{foreign.image}": foreign.image_id}
    lab.record.write_text(json.dumps(state))
    repo, _, tag = foreign.image.partition(":")
    lab.direct.good("POST", f"/images/{other}/tag?repo={repo}&tag={tag}")
    assert close(lab.engine, lab.name, "tests", lab.record).clean
    assert lab.direct.good("GET", f"/images/{foreign.image}/json")["Id"] == foreign.image_id


def test_without_an_engine(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="does not answer"):
        close(Upstream(unix=str(tmp_path / "none")), "99-a", "tests")


def test_the_trace_from_another_process(lab: Lab) -> None:
    lab.ok("run", "--rm", "--name", f"{lab.name}-t", lab.image, "true")
    path = lab.folder / "trace.jsonl"
    lines: list[str] = []
    commands.show_trace(path, lines.append)
    assert f"$ docker run --rm --name {lab.name}-t {lab.image} true" in lines
    assert any(f"create container `{lab.name}-t` from `{lab.image}`" in line and " 201 " in line for line in lines)
    begun = time.monotonic()
    seen: list[str] = []
    lab.docker("version")
    for call in follow(path, stop=lambda: time.monotonic() - begun > 0.5):
        seen.append(call.template)
    assert "GET /version" in seen
    as_json: list[str] = []
    commands.show_trace(path, as_json.append, as_json=True)
    assert json.loads(as_json[-1])["template"]


def test_the_context(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(lab.folder / "other"))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    for _ in range(2):
        assert "docker-tutor" in commands.make_context(lab.sandbox.socket)
    env = {**os.environ}
    words = ("docker", "--context", "docker-tutor", "run", "--rm", lab.image, "echo", "hi")
    assert subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout == "hi\n"
    assert "gone" in commands.remove_context()
    assert "no context" in commands.remove_context()
