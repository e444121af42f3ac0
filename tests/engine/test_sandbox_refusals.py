"""Doors out of the sandbox: closed with a sentence, and open where the step says so."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from sandbox_lab import Lab, open_lab

from tutor.engine.images import resolve
from tutor.lab.session import activity
from tutor.sandbox.trace import read

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def lab(engine_host: str) -> Iterator[Lab]:
    with open_lab(engine_host, resolve("shell")) as opened:
        opened.ok("run", "-d", "--name", f"{opened.name}-own", opened.image, "sleep", "3600")
        yield opened


_MOUNT = {"Type": "bind", "Source": "/etc", "Target": "/x"}
_ETC = {"type": "none", "o": "bind", "device": "/etc"}
_HOST_CONFIGS: list[dict[str, Any]] = [
    {"Privileged": True}, {"privileged": True}, {"PRIVILEGED": 1}, {"Priv\u0131leged": True},
    {"\u017fhmSize": 1, "X": 1},
    {"PidMode": "host"}, {"IpcMode": "host"}, {"UTSMode": "host"}, {"UsernsMode": "host"}, {"CgroupnsMode": "host"},
    {"NetworkMode": "host"}, {"networkMode": "host"}, {"pidmode": "host"},
    {"CapAdd": ["SYS_ADMIN"]}, {"CapAdd": ["CAP_SYS_PTRACE"]}, {"CapAdd": ["ALL"]}, {"CapAdd": ["net_admin"]},
    {"capadd": ["all"]}, {"Capabilities": ["CAP_SYS_ADMIN"]},
    {"SecurityOpt": ["seccomp=unconfined"]}, {"SecurityOpt": ["apparmor=unconfined"]},
    {"SecurityOpt": ["apparmor:unconfined"]}, {"SecurityOpt": ["label=disable"]},
    {"SecurityOpt": ["no-new-privileges=false"]}, {"SecurityOpt": ["systempaths=unconfined"]},
    {"SecurityOpt": ["writable-cgroups=true"]}, {"SecurityOpt": ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']},
    {"MaskedPaths": []}, {"ReadonlyPaths": []},
    {"Devices": [{"PathOnHost": "/dev/kmsg", "PathInContainer": "/dev/x", "CgroupPermissions": "rwm"}]},
    {"devices": [{"pathonhost": "/dev/sda"}]}, {"DeviceCgroupRules": ["b *:* rwm"]},
    {"DeviceRequests": [{"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}]},
    {"CgroupParent": "/"}, {"Cgroup": "x"}, {"Runtime": "kata"}, {"Runtime": "io.containerd.kata.v2"},
    {"OomScoreAdj": -500}, {"OomKillDisable": True}, {"CpuRealtimeRuntime": 1}, {"Annotations": {"a": "b"}},
    {"LogConfig": {"Type": "syslog", "Config": {}}}, {"LogConfig": {"type": "gelf"}},
    {"LogConfig": {"Type": "json-file", "Config": {"path": "/etc/x"}}}, {"StorageOpt": {"size": "1G"}},
    {"Isolation": "hyperv"}, {"BlkioWeightDevice": [{"Path": "/dev/sda", "Weight": 1}]}, {"VolumeDriver": "nfs"},
    {"Binds": ["/etc:/x"]}, {"Binds": ["/:/x:ro"]}, {"Binds": ["//etc:/x"]}, {"Binds": ["/tmp/../etc:/x"]},
    {"Binds": ["/proc:/x"]}, {"Binds": ["/var/run/docker.sock:/d"]}, {"Binds": ["/run/docker.sock:/d"]},
    {"binds": ["/etc:/x"]}, {"Binds": ["/run:/x"]}, {"Binds": ["/var/lib/docker:/x"]},
    {"Mounts": [_MOUNT]}, {"mounts": [_MOUNT]}, {"Mounts": [{key.lower(): value for key, value in _MOUNT.items()}]},
    {"Mounts": [{**_MOUNT, "Source": "/tmp/../etc"}]}, {"Mounts": [{**_MOUNT, "Type": "npipe"}]},
    {"Mounts": [{**_MOUNT, "Type": "cluster"}]}, {"Mounts": [{**_MOUNT, "Type": "BIND"}]},
    {"Mounts": [{"Type": "volume", "Target": "/x", "VolumeOptions": {"DriverConfig": {"Options": _ETC}}}]},
    {"Mounts": [{"Type": "volume", "Source": "v", "Target": "/x", "VolumeOptions": {"DriverConfig": {"Name": "x"}}}]},
    {"Mounts": [{"Type": "volume", "Target": "/x", "volumeoptions": {"driverconfig": {"options": _ETC}}}]},
    {"NewDoor": True},
]  # fmt: skip


@pytest.mark.parametrize("host", _HOST_CONFIGS, ids=lambda host: json.dumps(host)[:60])
def test_a_container_that_would_leave(lab: Lab, host: dict[str, Any]) -> None:
    before = _containers(lab)
    for field in ("HostConfig", "hostconfig"):
        answer = lab.api.ask("POST", "/containers/create", {"Image": lab.image, "Cmd": ["true"], field: host})
        assert answer.status == 403, answer.body
        assert len(answer.message) > 20
    assert _containers(lab) == before


def _containers(lab: Lab) -> set[str]:
    own = quote(json.dumps({"label": [f"docker-tutor.lab={lab.name}"]}))
    return {item["Id"] for item in lab.direct.good("GET", f"/containers/json?all=1&filters={own}")}


def test_refusals_are_in_the_trace_and_on_the_screen(lab: Lab) -> None:
    done = lab.docker("run", "--rm", "--privileged", lab.image, "true")
    assert done.returncode != 0
    assert "--privileged hands the container all" in done.stderr
    call = next(call for call in reversed(lab.calls()) if call.template == "POST /containers/create")
    assert call.status == 403
    assert call.refusal is not None
    assert call.refusal in done.stderr
    assert call.command == f"docker run --rm --privileged {lab.image} true"


@pytest.mark.parametrize(
    "body",
    [
        b'{"Image":"x","HostConfig":{"Privileged":false},"hostconfig":{"Privileged":true}}',
        b'{"Image":"x","HostConfig":{"Privileged":false,"privileged":true}}',
        b'{"Image":"x","Image":"y"}', b'{"Image":"x"', b"[]", b'"x"', b'{"Image":NaN}', b"\xff\xfe",
        b'{"Image":"\\ud800"}',
        b'{"a":' * 200 + b"1" + b"}" * 200, b'{"Image":"x"}{"Image":"y"}',
        b'{"Image":"x","HostConfig":[]}', b'{"Image":"x","HostConfig":{"Binds":"/:/x"}}', b'{"Image":5}',
        b'{"Image":"x","HostConfig":{"Mounts":{"Type":"bind"}}}', b'{"Image":"x","HostConfig":{"PidMode":["host"]}}',
    ],
)  # fmt: skip
def test_bodies_that_could_mean_two_things(lab: Lab, body: bytes) -> None:
    answer = lab.api.ask("POST", "/containers/create", body)
    assert 400 <= answer.status < 500, answer.body


def test_links_out_of_the_folder(lab: Lab) -> None:
    (lab.workspace / "out").symlink_to("/etc")
    (lab.workspace / "deep").mkdir(exist_ok=True)
    (lab.workspace / "deep" / "loop").symlink_to("../out")
    for path in ("out", "deep/loop", "out/ssh", "deep/../out", "../s"):
        for host in (
            {"Binds": [f"{lab.workspace}/{path}:/x"]},
            {"Mounts": [{"Type": "bind", "Source": f"{lab.workspace}/{path}", "Target": "/x"}]},
        ):
            assert lab.api.ask("POST", "/containers/create", {"Image": lab.image, "HostConfig": host}).status == 403
    options = {"type": "none", "o": "bind", "device": f"{lab.workspace}/out"}
    assert lab.api.ask("POST", "/volumes/create", {"Name": "x", "DriverOpts": options}).status == 403


def test_a_folder_that_becomes_a_link_after_creation(lab: Lab) -> None:
    place = lab.workspace / "swap"
    place.mkdir()
    lab.ok("create", "--name", f"{lab.name}-swap", "-v", f"{place}:/x", lab.image, "ls", "/x")
    place.rmdir()
    place.symlink_to("/etc")
    for verb in ("start", "restart"):
        done = lab.docker(verb, f"{lab.name}-swap")
        assert done.returncode == 1
        assert "lab" in done.stderr


def test_the_labs_folder_can_be_mounted(lab: Lab) -> None:
    (lab.workspace / "page").write_text("hello")
    assert lab.ok("run", "--rm", "-v", f"{lab.workspace}:/w", lab.image, "cat", "/w/page") == "hello"
    mount = f"type=bind,src={lab.workspace}/page,dst=/p,readonly"
    assert lab.ok("run", "--rm", "--mount", mount, lab.image, "cat", "/p") == "hello"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/volumes/create", {"Name": "x", "Driver": "nfs"}),
        ("POST", "/volumes/create", {"Name": "x", "DriverOpts": _ETC}),
        ("POST", "/volumes/create", {"Name": "x", "driveropts": _ETC}),
        ("POST", "/volumes/create", {"Name": "x", "DriverOpts": {"type": "nfs", "device": ":/x", "o": "addr=1.2.3.4"}}),
        ("POST", "/volumes/create", {"Name": "x", "DriverOpts": {"type": "ext4", "device": "/dev/sda1"}}),
        ("POST", "/volumes/create", {"Name": "x", "ClusterVolumeSpec": {"Group": "x"}}),
        ("POST", "/networks/create", {"Name": "x", "Driver": "macvlan"}),
        ("POST", "/networks/create", {"Name": "x", "Driver": "host"}),
        ("POST", "/networks/create", {"Name": "x", "Driver": "overlay"}),
        ("POST", "/networks/create", {"Name": "x", "Options": {"com.docker.network.bridge.name": "docker0"}}),
        ("POST", "/networks/create", {"Name": "x", "ConfigFrom": {"Network": "y"}}),
        ("POST", "/networks/create", {"Name": "x", "IPAM": {"Driver": "dhcp"}}),
        ("POST", "/containers/{own}/exec", {"Cmd": ["id"], "Privileged": True}),
        ("POST", "/containers/{own}/exec", {"cmd": ["id"], "privileged": True}),
        ("POST", "/containers/{own}/update", {"Devices": [{"PathOnHost": "/dev/sda"}]}),
        ("POST", "/containers/{own}/update", {"CgroupParent": "/"}),
        ("POST", "/containers/{own}/start?checkpoint=x&checkpoint-dir=/tmp", None),
        ("POST", "/containers/{own}/checkpoints", {"CheckpointID": "x", "CheckpointDir": "/tmp"}),
        ("GET", "/containers/{own}/checkpoints?dir=/tmp", None),
        ("DELETE", "/containers/{own}/checkpoints/x", None),
        ("POST", "/networks/host/connect", {"Container": "{own}"}),
        ("POST", "/build?networkmode=host", None),
        ("POST", "/build?cgroupparent=/x", None),
        ("POST", "/build?remote=https://192.0.2.1/x.git", None),
        ("POST", "/build?version=2&remote=https://192.0.2.1/x.git", None),
        ("POST", "/build?securityopt=" + quote('["seccomp=unconfined"]'), None),
        ("POST", "/build?newdoor=1", None),
        ("POST", "/images/create?fromSrc=http://192.0.2.1/x.tar", None),
        ("GET", "/swarm", None), ("GET", "/nodes", None), ("GET", "/services", None), ("GET", "/secrets", None),
        ("POST", "/swarm/init", {"ListenAddr": "0.0.0.0:2377"}), ("POST", "/swarm/leave?force=1", None),
        ("POST", "/swarm/join", {"RemoteAddrs": ["192.0.2.1:2377"]}), ("POST", "/services/create", {}),
        ("GET", "/plugins/privileges?remote=x", None), ("POST", "/plugins/pull?remote=x", []),
        ("POST", "/plugins/x/enable", None), ("DELETE", "/plugins/x", None), ("POST", "/plugins/create?name=x", b"x"),
        ("PUT", "/volumes/x?version=1", {}),
        ("GET", "/debug/pprof/", None), ("GET", "/metrics", None), ("POST", "/containers/x/copy", {}),
        ("PATCH", "/containers/x", None), ("GET", "/v1.45/newdoor", None), ("POST", "/_ping", None),
        ("OPTIONS", "/containers/json", None), ("DELETE", "/containers/prune", None),
    ],
)  # fmt: skip
def test_other_doors(lab: Lab, method: str, path: str, body: Any) -> None:
    path = path.replace("{own}", f"{lab.name}-own")
    answer = lab.api.ask(method, path, body)
    assert answer.status in {400, 403, 404, 405}, answer.body
    assert answer.status != 404 or "containers/prune" in path


@pytest.mark.parametrize(
    "data",
    [
        b"GET http://docker/containers/json HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET /containers/../info HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET /containers/%2e%2e/info HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET //info HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET /v1.45//containers/json HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET /containers%2fjson%00 HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET /containers/a%252fjson HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET /info%0d%0aX:y HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET /\\info HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET /info#x HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET /info HTTP/1.0\r\nHost: d\r\n\r\n",
        b"GET /info HTTP/1.1\r\n\r\n",
        b"GET /info HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /info HTTP/1.1\r\nHost: d\r\nConnection: x-registry-auth\r\n\r\n",
        b"CONNECT d:1 HTTP/1.1\r\nHost: d\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /info HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"GET /info HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: spdy\r\n\r\n",
        b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST /containers/create HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST /containers/create HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: -1\r\n\r\n",
        b"POST /containers/create HTTP/1.1\r\nHost : d\r\nContent-Length: 0\r\n\r\n",
        b"POST /containers/create HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /networks/prune HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 10\r\n\r\nfilters=%7B",
        b"GET /info?filters=%zz HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET /containers/json?filters=%7B%22label%22%3A1%7D HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET /containers/json?a=1;filters=x HTTP/1.1\r\nHost: d\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00", b"\r\n" * 10 + b"x", b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n",
        b"GET /info HTTP/1.1\r\nHost: d\r\nX: " + b"y" * 70000 + b"\r\n\r\n",
    ],
)  # fmt: skip
def test_malformed_and_smuggled(lab: Lab, data: bytes) -> None:
    answer = lab.api.raw(data)
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"page not found" not in answer  # the engine was not asked


@pytest.mark.parametrize(
    ("data", "status", "template", "words"),
    [
        (b"POST /newdoor HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n", 403, "", "POST /newdoor"),
        (b"PATCH /containers/x HTTP/1.1\r\nHost: d\r\n\r\n", 405, "", "PATCH /containers/x"),
        (b"POST /v1.45/containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\n"
         b"Content-Type: application/x-www-form-urlencoded\r\n\r\n{}", 415, "POST /containers/create",
         "create container from `?`"),
        (b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\n\r\n{\"a\":", 400,
         "POST /containers/create", "create container from `?`"),
        (b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
         400, "POST /containers/create", "create container"),
        (b"POST /containers/x%2e%2e%2f/start?a=1 HTTP/1.0\r\nHost: d\r\n\r\n", 505, "", "POST /containers/x"),
        (b"POST /containers/web/start HTTP/1.1\r\nHost: d\r\nConnection: x\r\n\r\n", 400,
         "POST /containers/{id}/start", "start `web`"),
        (b"POST /containers/web/start HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400,
         "POST /containers/{id}/start", "start `web`"),
        (b"POST /containers/web/start HTTP/1.1\nHost: a\n\n", 400, "", "something"),
        (b"DELETE /containers/%zz HTTP/1.1\r\nHost: d\r\n\r\n", 400, "DELETE /containers/{id}", ""),
        (b"\x16\x03\x01\x02\x00", 400, "", "something that is no request"),
    ],
)  # fmt: skip
def test_what_is_refused_unread_is_an_attempt_in_the_trace(
    lab: Lab, data: bytes, status: int, template: str, words: str
) -> None:
    last = lab.sandbox.trace.last
    assert lab.api.raw(data).startswith(f"HTTP/1.1 {status} ".encode())
    (call,) = lab.sandbox.trace.calls(last)
    assert call.status == status
    assert call.refusal
    assert call.template == template
    assert call.words.startswith(words)
    assert activity.changing(call)
    assert call in read(lab.folder / "trace.jsonl")


def test_odd_shapes_are_in_the_trace_too(lab: Lab) -> None:
    for path, body in (
        ("/containers/json?filters=5", None), ("/containers/json?filters=" + quote('{"label":1}'), None),
        ("/containers/create", {"Image": {"x": 1}, "Cmd": 5}), (f"/containers/{lab.name}-own/exec", {"Cmd": 5}),
    ):  # fmt: skip
        last = lab.sandbox.trace.last
        answer = lab.api.ask("POST" if body else "GET", path, body)
        assert 400 <= answer.status < 500
        (call,) = lab.sandbox.trace.calls(last)
        assert call.status == answer.status
        assert call.template


def test_a_form_does_not_overrule_the_address(lab: Lab) -> None:
    """The engine reads form bodies as parameters that stand before those in the address."""
    form = b"filters=%7B%7D"
    head = (
        b"POST /volumes/prune HTTP/1.1\r\nHost: d\r\nContent-Type: Application/X-WWW-Form-Urlencoded; charset=x\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(form)
    )
    assert lab.api.raw(head + form, shut=False).startswith(b"HTTP/1.1 415")


def test_what_the_step_allows(lab: Lab) -> None:
    run = ("run", "--rm")
    lab.allow("privileged")
    assert "0000" in lab.ok(*run, "--privileged", lab.image, "grep", "CapEff", "/proc/self/status")
    assert lab.docker(*run, "--pid", "host", lab.image, "true").returncode != 0
    lab.allow("pid-host", "cap-add:NET_ADMIN", "mount-readonly:/etc/hostname", "network-host", "socket")
    assert lab.docker(*run, "--privileged", lab.image, "true").returncode != 0
    lab.ok(*run, "--pid", "host", lab.image, "true")
    lab.ok(*run, "--network", "host", lab.image, "true")
    lab.ok(*run, "--cap-add", "NET_ADMIN", lab.image, "true")
    lab.ok(*run, "--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE", lab.image, "true")
    assert lab.docker(*run, "--cap-add", "SYS_ADMIN", lab.image, "true").returncode != 0
    name = lab.ok(*run, "-v", "/etc/hostname:/h:ro", lab.image, "cat", "/h")
    assert name == socket.gethostname() or name
    assert lab.docker(*run, "-v", "/etc/hostname:/h", lab.image, "true").returncode != 0
    assert lab.docker(*run, "-v", "/etc/passwd:/h:ro", lab.image, "true").returncode != 0
    # "The" socket is the lab's: what is inside sees the lab and no more.
    made = lab.ok("create", "-v", "/var/run/docker.sock:/var/run/docker.sock", lab.image)
    source = lab.direct.good("GET", f"/containers/{made}/json")["HostConfig"]["Binds"]
    assert source == [f"{lab.sandbox.socket}:/var/run/docker.sock"]
    lab.allow()
    assert lab.docker("start", made).returncode != 0


_DOORS: dict[str, tuple[dict[str, Any], ...]] = {
    "privileged": ({"Privileged": True}, {"MaskedPaths": []}, {"ReadonlyPaths": []}),
    "pid-host": ({"PidMode": "host"},),
    "ipc-host": ({"IpcMode": "host"},),
    "uts-host": ({"UTSMode": "host"},),
    "userns-host": ({"UsernsMode": "host"},),
    "cgroupns-host": ({"CgroupnsMode": "host"},),
    "network-host": ({"NetworkMode": "host"},),
    "device:/dev/fuse": (
        {"Devices": [{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "r"}]},
    ),
    "security-opt:seccomp=unconfined": ({"SecurityOpt": ["seccomp=unconfined"]},),
    "security-opt:no-new-privileges=false": ({"SecurityOpt": ["no-new-privileges=false"]},),
    "cap-add:SYS_PTRACE": ({"CapAdd": ["SYS_PTRACE"]}, {"CapAdd": ["CAP_SYS_PTRACE"]}, {"CapAdd": ["sys_ptrace"]}),
    "mount-readonly:/etc/hostname": (
        {"Binds": ["/etc/hostname:/h:ro"]},
        {"Mounts": [{"Type": "bind", "Source": "/etc/hostname", "Target": "/h", "ReadOnly": True}]},
    ),
    "socket": ({"Binds": ["/var/run/docker.sock:/d"]},),
}
"""What a step may allow, and the requests that it lets through."""

_BESIDE_THEM: tuple[dict[str, Any], ...] = (
    {"CapAdd": ["ALL"]}, {"CapAdd": ["SYS_ADMIN"]}, {"CapAdd": ["SYS_PTRACE", "SYS_ADMIN"]},
    {"SecurityOpt": ["apparmor=unconfined"]}, {"SecurityOpt": ["seccomp=unconfined", "label=disable"]},
    {"SecurityOpt": ["seccomp:unconfined"]}, {"Devices": [{"PathOnHost": "/dev/mem"}]},
    {"Devices": [{"PathOnHost": "/dev/fuse"}, {"PathOnHost": "/dev/mem"}]}, {"Devices": [{"PathOnHost": "/dev"}]},
    {"Devices": [{"PathOnHost": "/dev/fuse/../mem"}]}, {"DeviceCgroupRules": ["c *:* rwm"]},
    {"Binds": ["/etc/hostname:/h"]}, {"Binds": ["/etc:/h:ro"]}, {"Binds": ["/etc/hostname/../passwd:/h:ro"]},
    {"Mounts": [{"Type": "bind", "Source": "/etc/hostname", "Target": "/h"}]}, {"Binds": ["/var/run:/d"]},
    {"PidMode": "HOST"}, {"UsernsMode": "private"}, {"CgroupParent": "/x"}, {"Runtime": "other"},
)  # fmt: skip


@pytest.mark.parametrize("door", _DOORS)
def test_a_step_allows_exactly_that(lab: Lab, door: str) -> None:
    """Its own requests pass, with every other door shut, and so do none that are only near it."""
    lab.allow(door)
    try:
        for name, hosts in _DOORS.items():
            for host in hosts:
                answer = lab.api.ask(
                    "POST", "/containers/create", {"Image": lab.image, "Cmd": ["true"], "HostConfig": host}
                )
                if name == door:
                    assert answer.status == 201, (host, answer.body)
                    lab.api.good("DELETE", f"/containers/{answer.json['Id']}?force=1")
                else:
                    assert answer.status == 403, (door, host, answer.body)
        for host in _BESIDE_THEM:
            answer = lab.api.ask("POST", "/containers/create", {"Image": lab.image, "HostConfig": host})
            assert answer.status == 403, (door, host, answer.body)
        for method, path in (("GET", "/swarm"), ("POST", "/plugins/pull?remote=x"), ("GET", "/nodes")):
            assert lab.api.ask(method, path).status == 403
    finally:
        lab.allow()


def test_allowed_namespaces_are_the_machines(lab: Lab) -> None:
    """What is allowed really happens, and a look from inside shows it."""
    own = {}
    for kind in ("ipc", "uts", "cgroup"):
        own[kind] = lab.ok("run", "--rm", lab.image, "readlink", f"/proc/self/ns/{kind}")
    for door, flag, kind in (("ipc-host", "--ipc", "ipc"), ("uts-host", "--uts", "uts")):
        lab.allow(door)
        seen = {lab.ok("run", "--rm", flag, "host", lab.image, "readlink", f"/proc/self/ns/{kind}") for _ in range(2)}
        assert len(seen) == 1  # always the same one, whereas an own namespace is new each time
        assert own[kind] not in seen
    lab.allow("cgroupns-host")
    lab.ok("run", "--rm", "--cgroupns", "host", lab.image, "true")
    lab.allow("userns-host")
    lab.ok("run", "--rm", "--userns", "host", lab.image, "true")
    lab.allow("security-opt:seccomp=unconfined")
    said = lab.ok(
        "run", "--rm", "--security-opt", "seccomp=unconfined", lab.image, "grep", "Seccomp:", "/proc/self/status"
    )
    assert said.split() == ["Seccomp:", "0"]
    lab.allow("device:/dev/null")
    lab.ok("run", "--rm", "--device", "/dev/null:/dev/x", lab.image, "test", "-c", "/dev/x")
    lab.allow()
    assert lab.ok("run", "--rm", lab.image, "grep", "Seccomp:", "/proc/self/status").split() == ["Seccomp:", "2"]


def test_the_socket_is_private(lab: Lab) -> None:
    assert lab.sandbox.socket.stat().st_mode & 0o777 == 0o600
    assert lab.sandbox.socket.parent.stat().st_mode & 0o777 == 0o700
