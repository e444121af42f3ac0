"""Records from what a real engine said."""

from __future__ import annotations

import pytest

from tests.unit.world.worlds import RECORDED, SHELL, WEB, data, world
from tutor.engine import records
from tutor.engine.world import Container, PublishedPort, diff, normal_reference


def the(name: str, container: str = "web") -> Container:
    found = world(name).container(container)
    assert found is not None
    return found


def test_a_running_server() -> None:
    web = the("web")
    assert (web.state, web.image, web.health, web.restart, web.exit_code) == ("running", WEB, "none", "no", 0)
    assert web.published == (PublishedPort(container="80/tcp", host_ip="0.0.0.0", host_port="8080"),)
    assert web.exposed == ("80/tcp",)
    assert web.process == ("/docker-entrypoint.sh", "nginx", "-g", "daemon off;")
    assert web.entrypoint == ("/docker-entrypoint.sh",)
    assert web.command == ("nginx", "-g", "daemon off;")
    assert web.pid > 0 and web.started and not web.finished
    assert [a.network for a in web.attachments] == ["bridge"]
    assert web.attachments[0].address.startswith("172.")


def test_published_ports_stay_known_when_it_is_stopped() -> None:
    stopped = the("stopped")
    assert (stopped.state, stopped.exit_code) == ("exited", 0)
    assert stopped.published == the("web").published
    assert stopped.finished


def test_a_port_that_the_engine_chose_is_told() -> None:
    (port,) = the("all-ports").published
    assert port.container == "80/tcp" and int(port.host_port) > 1024


def test_an_address_and_a_protocol_are_kept() -> None:
    assert the("one-address").published[0].host_ip == "127.0.0.1"
    assert the("udp").published[0].container == "80/udp"


@pytest.mark.parametrize(
    ("situation", "state", "code"),
    [("failed", "exited", 3), ("killed", "exited", 137), ("terminated", "exited", 143), ("crashed", "exited", 139)],
)
def test_exit_codes(situation: str, state: str, code: int) -> None:
    assert (the(situation).state, the(situation).exit_code) == (state, code)


def test_out_of_memory() -> None:
    assert the("oom").oom_killed and the("oom").memory == 16 << 20


def test_flags_after_the_image_leave_a_container_with_an_error() -> None:
    body = the("flags-after-image", "kind_morse")
    assert (body.state, body.exit_code) == ("created", 127)
    assert '"-it"' in body.error and body.command == ("-it", "sh")


def test_mounts_of_every_kind() -> None:
    mounts = {m.destination: m for m in the("mounts").mounts}
    assert set(mounts) == {"/data", "/log", "/run", "/site"}
    assert (mounts["/data"].type, mounts["/data"].name, mounts["/data"].read_only) == ("volume", "notes", True)
    assert mounts["/log"].anonymous and not mounts["/data"].anonymous
    assert mounts["/run"].type == "tmpfs"
    assert (mounts["/site"].type, mounts["/site"].source) == ("bind", "/home/me/lab/site")
    volumes = world("mounts").volumes
    assert not volumes["notes"].anonymous
    assert [v.anonymous for name, v in volumes.items() if name != "notes"] == [True]


def test_settings() -> None:
    web = the("settings")
    assert (web.memory, web.cpus, web.pids) == (64 << 20, 0.5, 20)
    assert (web.user, web.working_dir, web.hostname, web.restart) == ("1000", "/srv", "box", "on-failure")
    assert web.read_only and web.tty and web.stdin and web.init and not web.privileged
    assert web.env["MODE"] == "dev" and web.labels["team"] == "shop"
    assert [c.removeprefix("CAP_") for c in web.cap_add] == ["NET_BIND_SERVICE"]
    assert web.cap_drop == ("ALL",)


def test_health() -> None:
    assert [the(name).health for name in ("health-starting", "healthy", "unhealthy")] == [
        "starting",
        "healthy",
        "unhealthy",
    ]


def test_images_and_their_layers() -> None:
    found = world("two-builds")
    one, two, base = found.image("shop:1"), found.image("shop:2"), found.image(SHELL)
    assert one and two and base
    assert one.own and not base.own
    assert two == found.image("shop:best")
    assert one.layers[: len(base.layers)] == base.layers
    assert one.layers[:-1] == two.layers[:-1] and one.layers[-1] != two.layers[-1]


def test_a_port_that_is_bound_and_not_in_force_is_not_published() -> None:
    """As the engine answers for a container made over the API with PortBindings and without ExposedPorts."""
    bound = {"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}, "NetworkSettings": {"Ports": {}}}
    assert records.container({**bound, "State": {"Status": "running"}}).published == ()
    (port,) = records.container({**bound, "State": {"Status": "exited"}}).published
    assert port.host_port == "8080"


def test_a_quota_is_a_number_of_cpus() -> None:
    assert records.container({"HostConfig": {"CpuQuota": 150_000, "CpuPeriod": 100_000}}).cpus == 1.5
    assert records.container({"HostConfig": {"CpuQuota": 50_000}}).cpus == 0.5


def test_nothing_is_assumed_to_be_there() -> None:
    assert records.container({}).state == "created"
    assert records.container({"HostConfig": None, "State": None, "Mounts": None, "NetworkSettings": None}).name == ""
    assert records.image({"Config": None, "RepoTags": None}).tags == ()
    assert records.volume({"Name": "v", "Labels": None}).labels == {}
    assert records.network({"Name": "bridge", "IPAM": {"Config": None}}).predefined
    assert records.service({"Spec": None}).replicas == 0


def test_a_service() -> None:
    service = records.service(
        {
            "ID": "x1",
            "Spec": {
                "Name": "web",
                "Labels": {"a": "b"},
                "Mode": {"Replicated": {"Replicas": 3}},
                "TaskTemplate": {"ContainerSpec": {"Image": "nginx:1.26@sha256:00"}},
            },
            "ServiceStatus": {"RunningTasks": 2, "DesiredTasks": 3},
            "UpdateStatus": {"State": "updating"},
        }
    )
    assert (service.name, service.image, service.replicas, service.running) == ("web", "nginx:1.26", 3, 2)
    assert (service.update, service.labels) == ("updating", {"a": "b"})


def test_differences_between_worlds() -> None:
    assert diff(world("web"), world("web")) == ()
    changes = {(c.object, c.name, c.what) for c in diff(world("nothing"), world("on-network"))}
    assert changes == {("container", "web", "added"), ("container", "db", "added"), ("network", "shop", "added")}
    (gone,) = diff(world("web"), world("nothing"))
    assert (gone.object, gone.name, gone.what) == ("container", "web", "removed")


@pytest.mark.parametrize(
    ("reference", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("me/app", "docker.io/me/app:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:1", "localhost:5000/app:1"),
        ("example.org/a/b", "example.org/a/b:latest"),
        ("nginx@sha256:00", "docker.io/library/nginx@sha256:00"),
    ],
)
def test_references_written_out(reference: str, full: str) -> None:
    assert normal_reference(reference) == full


def test_recordings_tell_nothing_of_the_machine() -> None:
    for path in RECORDED.glob("*.json"):
        text = path.read_text()
        assert "/tmp" not in text and "docker-tutor.recipe" not in text, path.name
        assert data(path.stem).keys() == {"containers", "images", "volumes", "networks"}
