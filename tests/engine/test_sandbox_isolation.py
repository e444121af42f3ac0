"""Nothing that is not the lab's is seen, read, entered, joined, changed or removed, whatever way it is asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from sandbox_lab import KINDS, Foreign, Lab, foreign_objects, open_kind, open_lab

from tutor.engine.images import resolve

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", params=KINDS)
def lab(engine_host: str, request: pytest.FixtureRequest) -> Iterator[Lab]:
    with open_kind(request.param, engine_host, resolve("shell")) as opened:
        opened.ok("run", "-d", "--name", f"{opened.name}-own", opened.image, "sleep", "3600")
        opened.ok("network", "create", f"{opened.name}-net")
        yield opened


@pytest.fixture(scope="module")
def foreign(engine_host: str) -> Iterator[Foreign]:
    with foreign_objects(engine_host, resolve("shell")) as planted:
        yield planted


@pytest.fixture(autouse=True)
def _unchanged(lab: Lab, foreign: Foreign) -> Iterator[None]:
    before = foreign.state(lab.direct)
    yield
    assert foreign.state(lab.direct) == before


def _spellings(foreign: Foreign) -> list[str]:
    return [foreign.name, foreign.running, foreign.running[:12], foreign.running[:4], foreign.stopped]


_CONTAINER_CALLS = [
    ("GET", "/containers/{}/json"), ("GET", "/containers/{}/top"), ("GET", "/containers/{}/logs?stdout=1"),
    ("GET", "/containers/{}/changes"), ("GET", "/containers/{}/export"), ("GET", "/containers/{}/stats?stream=0"),
    ("POST", "/containers/{}/resize?h=1&w=1"), ("POST", "/containers/{}/start"), ("POST", "/containers/{}/stop?t=0"),
    ("POST", "/containers/{}/restart?t=0"), ("POST", "/containers/{}/kill"), ("POST", "/containers/{}/update"),
    ("POST", "/containers/{}/rename?name=mine"), ("POST", "/containers/{}/pause"), ("POST", "/containers/{}/unpause"),
    ("POST", "/containers/{}/attach?stream=1&stdout=1"), ("POST", "/containers/{}/wait"),
    ("DELETE", "/containers/{}?force=1&v=1"), ("GET", "/containers/{}/archive?path=/etc"),
    ("PUT", "/containers/{}/archive?path=/"), ("HEAD", "/containers/{}/archive?path=/"),
    ("POST", "/containers/{}/exec"), ("GET", "/containers/{}/attach/ws?stream=1"),
    ("POST", "/commit?container={}&repo=stolen"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), _CONTAINER_CALLS)
@pytest.mark.parametrize("version", ["", "/v1.41", "/v1.45"])
def test_a_foreign_container_is_not_there(lab: Lab, foreign: Foreign, method: str, path: str, version: str) -> None:
    for ref in _spellings(foreign):
        body = {"Cmd": ["id"]} if method == "POST" else None
        answer = lab.api.ask(method, version + path.format(ref), body)
        assert answer.status == 404, (ref, answer.body)
        if method != "HEAD":
            assert answer.message.endswith(f"No such container: {ref}")
            if method == "DELETE" or "kill" in path or "GET" in method:
                real = lab.direct.ask(method, version + path.format("f" * 64), body)
                assert answer.message == real.message.replace("f" * 64, ref)
        encoded = "".join(f"%{ord(char):02x}" for char in ref)
        assert lab.api.ask(method, version + path.format(encoded), body).status == 404


def test_the_words_are_the_engines_own(lab: Lab, foreign: Foreign) -> None:
    pairs = [
        ("GET", "/containers/{}/json", foreign.name), ("DELETE", "/containers/{}", foreign.name),
        ("GET", "/volumes/{}", foreign.volume), ("DELETE", "/volumes/{}", foreign.volume),
        ("GET", "/networks/{}", f"{foreign.name}-n"), ("DELETE", "/networks/{}", f"{foreign.name}-n"),
        ("GET", "/images/{}/json", foreign.image), ("DELETE", "/images/{}", foreign.image),
        ("GET", "/images/{}/json", foreign.name), ("GET", "/exec/{}/json", foreign.exec),
    ]  # fmt: skip
    for method, path, ref in pairs:
        shown = lab.api.ask(method, path.format(ref))
        real = lab.direct.ask(method, path.format(ref.replace("foreign", "nowhere").replace(foreign.exec, "no" * 32)))
        assert shown.status == 404
        assert shown.message.replace(ref, "X") == real.message.replace(
            ref.replace("foreign", "nowhere").replace(foreign.exec, "no" * 32), "X"
        )


def test_other_foreign_objects_are_not_there(lab: Lab, foreign: Foreign) -> None:
    own = f"{lab.name}-own"
    joined = {"Container": own}
    for method, path, body in [
        ("GET", f"/exec/{foreign.exec}/json", None),
        ("POST", f"/exec/{foreign.exec}/start", {"Detach": True}),
        ("POST", f"/exec/{foreign.exec}/resize?h=1&w=1", None),
        ("GET", f"/networks/{foreign.network}", None),
        ("GET", f"/networks/{foreign.network[:10]}", None),
        ("GET", f"/networks/{foreign.name}-n", None),
        ("DELETE", f"/networks/{foreign.network}", None),
        ("POST", f"/networks/{foreign.network}/connect", joined),
        ("POST", f"/networks/{foreign.name}-n/connect", joined),
        ("POST", f"/networks/{lab.name}-net/connect", {"Container": foreign.name}),
        ("POST", f"/networks/{lab.name}-net/connect", {"container": foreign.running}),
        ("POST", "/networks/bridge/connect", {"Container": foreign.running}),
        ("POST", f"/networks/{foreign.network}/disconnect", {"Container": foreign.running, "Force": True}),
        ("GET", f"/volumes/{foreign.volume}", None),
        ("DELETE", f"/volumes/{foreign.volume}?force=1", None),
        ("DELETE", f"/volumes/{foreign.anonymous}", None),
        ("GET", f"/images/{foreign.image}/json", None),
        ("GET", f"/images/{foreign.image}/history", None),
        ("GET", f"/images/{foreign.image}/get", None),
        ("GET", f"/images/get?names={foreign.image}", None),
        ("GET", f"/images/get?names={lab.image}&names={foreign.image}", None),
        ("GET", f"/images/get?names={quote(lab.image + ',' + foreign.image)}", None),
        ("POST", f"/images/{foreign.image}/tag?repo=mine&tag=1", None),
        ("POST", f"/images/{foreign.image}/push", None),
        ("DELETE", f"/images/{foreign.image}?force=1", None),
        ("POST", "/containers/create", {"Image": foreign.image}),
    ]:
        answer = lab.api.ask(method, path, body)
        assert answer.status == 404, (method, path, answer.body)


def _named_in_create(foreign: Foreign) -> list[dict[str, Any]]:
    names = (foreign.name, foreign.running, foreign.running[:6])
    return [
        *({"HostConfig": {field: f"container:{name}"}}
          for name in names for field in ("NetworkMode", "PidMode", "IpcMode")),
        *({"HostConfig": {"VolumesFrom": [name]}} for name in names),
        *({"HostConfig": {"VolumesFrom": [f"{name}:ro"]}} for name in names),
        *({"HostConfig": {"Links": [f"{name}:x"]}} for name in names),
        {"HostConfig": {"NetworkMode": f"{foreign.name}-n"}},
        {"HostConfig": {"NetworkMode": foreign.network}},
        {"HostConfig": {"networkmode": foreign.network}},
        {"NetworkingConfig": {"EndpointsConfig": {f"{foreign.name}-n": {}}}},
        {"NetworkingConfig": {"EndpointsConfig": {"bridge": {"NetworkID": foreign.network}}}},
        {"NetworkingConfig": {"EndpointsConfig": {"bridge": {"Links": [f"{foreign.name}:x"]}}}},
        {"HostConfig": {"Binds": [f"{foreign.volume}:/x"]}},
        {"HostConfig": {"Binds": [f"{foreign.anonymous}:/x:ro"]}},
        {"HostConfig": {"Mounts": [{"Type": "volume", "Source": foreign.volume, "Target": "/x"}]}},
        {"HostConfig": {"Mounts": [{"type": "volume", "source": foreign.volume, "target": "/x"}]}},
        {"HostConfig": {"Mounts": [{"Source": foreign.volume, "Target": "/x"}]}},
        {"HostConfig": {"Mounts": [{"Type": "image", "Source": foreign.image, "Target": "/x"}]}},
    ]  # fmt: skip


def test_a_new_container_cannot_name_a_foreign_object(lab: Lab, foreign: Foreign) -> None:
    for fields in _named_in_create(foreign):
        answer = lab.api.ask("POST", "/containers/create", {"Image": lab.image, "Cmd": ["true"], **fields})
        assert answer.status in {404, 409}, (fields, answer.body)
        assert foreign.running[:12] not in answer.message or foreign.running[:12] in json.dumps(fields)


def test_names_in_use_outside_are_refused_without_saying_by_what(lab: Lab, foreign: Foreign) -> None:
    body = {"Image": lab.image, "Cmd": ["true"]}
    answers = [
        lab.api.ask("POST", f"/containers/create?name={foreign.name}", body),
        lab.api.ask("POST", f"/containers/{lab.name}-own/rename?name={foreign.name}"),
        lab.api.ask("POST", "/volumes/create", {"Name": foreign.volume}),
        lab.api.ask("POST", "/networks/create", {"Name": f"{foreign.name}-n"}),
        lab.api.ask("POST", f"/images/{lab.image}/tag?repo={foreign.name}&tag=1"),
        lab.api.ask("POST", f"/commit?container={lab.name}-own&repo={foreign.name}&tag=1"),
        lab.api.ask("POST", f"/images/create?fromSrc=-&repo={foreign.name}&tag=1", b"\0" * 1024),
        lab.api.ask("POST", f"/build?t={foreign.name}:1", b"\0" * 1024),
    ]
    for answer in answers:
        assert answer.status == 409, answer.body
        assert "outside of this lab" in answer.message
        assert foreign.running[:12] not in answer.message


def test_the_catalogue_stays(lab: Lab) -> None:
    """Its images are used, and neither removed nor tagged over."""
    before = lab.direct.good("GET", f"/images/{lab.image}/json")["Id"]
    repo, _, tag = lab.image.partition(":")
    for method, path in [
        ("DELETE", f"/images/{lab.image}?force=1"),
        ("DELETE", f"/images/{before}?force=1"),
        ("DELETE", f"/images/{before[7:19]}?force=1"),
        ("POST", f"/images/{before}/tag?repo={repo}&tag={tag}"),
        ("POST", f"/images/{before}/tag?repo=docker.io/library/{repo}&tag={tag}"),
        ("POST", f"/images/{before}/tag?repo=index.docker.io/library/{repo}:{tag}"),
    ]:
        assert lab.api.ask(method, path).status == 403, path
    assert lab.direct.good("GET", f"/images/{lab.image}/json")["Id"] == before


def test_lists_hold_the_labs_own(lab: Lab, foreign: Foreign) -> None:
    text = json.dumps(
        [
            lab.api.good("GET", path)
            for path in (
                "/containers/json?all=1", "/networks", "/volumes", "/images/json?all=1", "/system/df",
                "/v1.41/containers/json?all=1&size=1", "/networks/bridge", "/info",
                "/containers/json?all=1&filters=" + quote(json.dumps({"label": {"docker-tutor.lab": True}})),
                "/containers/json?all=1&filters=" + quote(json.dumps({"name": [foreign.name]})),
                "/volumes?filters=" + quote(json.dumps({"dangling": ["false"]})),
                "/images/json?filters=" + quote(json.dumps({"reference": ["foreign*"]})),
            )
        ]
    )  # fmt: skip
    for trace in (foreign.name, foreign.running, foreign.network, foreign.volume, foreign.anonymous):
        assert trace not in text
    assert f"{lab.name}-own" in text
    assert f"{lab.name}-net" in text
    for key in ("before", "since"):
        filters = quote(json.dumps({key: [foreign.name]}))
        assert lab.api.ask("GET", f"/containers/json?all=1&filters={filters}").status == 404
    info = lab.api.good("GET", "/info")
    own = lab.api.good("GET", "/containers/json?all=1")
    assert info["Containers"] == len(own)


def test_prunes_take_the_labs_own(lab: Lab, foreign: Foreign) -> None:
    lab.ok("volume", "create", f"{lab.name}-gone")
    lab.ok("run", "--name", f"{lab.name}-done", lab.image, "true")
    lab.ok("network", "create", f"{lab.name}-empty")
    everything = quote(json.dumps({"all": ["true"], "label!": ["nothing"]}))
    for path in (
        "/containers/prune", "/networks/prune", f"/volumes/prune?filters={everything}", "/volumes/prune",
        "/images/prune", "/images/prune?filters=" + quote(json.dumps({"dangling": ["false"]})), "/build/prune?all=1",
        "/v1.41/volumes/prune",
    ):  # fmt: skip
        lab.api.good("POST", path)
    lab.ok("system", "prune", "-af", "--volumes")
    names = lab.ok("ps", "-a", "--format", "{{.Names}}").split()
    assert names == [f"{lab.name}-own"]
    assert lab.ok("volume", "ls", "-q") == ""
    lab.ok("network", "create", f"{lab.name}-net")


def test_events_are_the_labs_own(lab: Lab, foreign: Foreign) -> None:
    begin = str(int(time.time()))
    lab.direct.good("POST", f"/containers/{foreign.stopped}/rename?name={foreign.name}-other")
    lab.direct.good("POST", f"/containers/{foreign.stopped}/rename?name={foreign.name}-stopped")
    lab.ok("run", "--rm", "--name", f"{lab.name}-seen", "-v", f"{lab.name}-vol:/x", lab.image, "true")
    lab.ok("volume", "rm", f"{lab.name}-vol")
    until = str(int(time.time()) + 1)  # the engine cuts times to seconds
    lines = lab.ok("events", "--since", begin, "--until", until, "--format", "{{json .}}").splitlines()
    events = [json.loads(line) for line in lines]
    text = json.dumps(events)
    assert foreign.name not in text
    assert foreign.stopped not in text
    kinds = {(event["Type"], event["Action"]) for event in events}
    assert {("container", "create"), ("container", "die"), ("network", "connect"), ("volume", "create")} <= kinds


def test_two_labs_do_not_see_each_other(lab: Lab, engine_host: str) -> None:
    with open_lab(engine_host, lab.image, keys=lab.keys) as other:
        other.ok("run", "-d", "--name", f"{other.name}-b", other.image, "sleep", "600")
        assert other.ok("ps", "-aq", "--filter", f"name={lab.name}-own") == ""
        assert "No such container" in other.docker("rm", "-f", f"{lab.name}-own").stderr
        assert f"{other.name}-b" not in lab.ok("ps", "-a")
        other.ok("tag", other.image, f"{other.name}:1")
        assert "No such image" in lab.docker("image", "inspect", f"{other.name}:1").stderr


def test_labels_cannot_be_forged(lab: Lab, foreign: Foreign) -> None:
    labels = dict.fromkeys(lab.keys, "other")
    one, owner = lab.keys
    name = f"{lab.name}-forged"
    lab.api.good("POST", f"/containers/create?name={name}", {"Image": lab.image, "labels": labels})
    seen = lab.direct.good("GET", f"/containers/{name}/json")["Config"]["Labels"]
    assert seen[one] == lab.name
    assert seen[owner] == "tests"
    for kind, path in (("volumes", "/volumes/create"), ("networks", "/networks/create")):
        lab.api.good("POST", path, {"Name": name, "Labels": labels})
        assert lab.direct.good("GET", f"/{kind}/{name}")["Labels"][one] == lab.name


def test_a_container_made_outside_of_a_labs_image_is_not_the_labs(lab: Lab) -> None:
    """It inherits the image's labels, and still belongs to who made it."""
    lab.ok("commit", f"{lab.name}-own", f"{lab.name}-image:1")
    made = lab.direct.good("POST", "/containers/create", {"Image": f"{lab.name}-image:1", "Cmd": ["true"]})["Id"]
    try:
        assert lab.api.ask("GET", f"/containers/{made}/json").status == 404
        lab.ok("container", "prune", "-f")
        assert lab.direct.ask("GET", f"/containers/{made}/json").status == 200
        refused = lab.docker("rmi", f"{lab.name}-image:1")
        assert refused.returncode == 1
        assert made[:12] not in refused.stderr
    finally:
        lab.direct.ask("DELETE", f"/containers/{made}")
    lab.ok("rmi", f"{lab.name}-image:1")
