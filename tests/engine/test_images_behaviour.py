"""Every image of the catalogue behaves as the official one of its name does, proven by running it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tutor.engine.connect import Engine
from tutor.engine.images import catalogue, missing, resolve
from tutor.engine.images.state import BUILT, ROLE, STAND_IN, held

pytestmark = pytest.mark.engine


class Bench:
    """Containers of one test, on a network of their own; all of it is removed at the end."""

    def __init__(self, api: Any) -> None:
        self.api = api
        self.name = f"images-{uuid.uuid4().hex[:8]}"
        self.network: str = api.create_network(self.name, driver="bridge")["Id"]
        self.containers: list[str] = []

    def start(self, role: str, *command: str, alias: str = "", **config: Any) -> str:
        """Start a container of a role's image on the test's network."""
        networking = self.api.create_networking_config(
            {self.name: self.api.create_endpoint_config(aliases=[alias] if alias else [])}
        )
        made = self.api.create_container(
            resolve(role), command=list(command) or None, networking_config=networking, **config
        )
        self.containers.append(made["Id"])
        self.api.start(made["Id"])
        return str(made["Id"])

    def run(self, role: str, *command: str, **config: Any) -> tuple[int, str]:
        """Run a container to its end: its exit status, and what it wrote."""
        container = self.start(role, *command, **config)
        status = int(self.api.wait(container, timeout=60)["StatusCode"])
        return status, self.api.logs(container).decode()

    def exec(self, container: str, *command: str) -> tuple[int, str]:
        """Run a command in a running container."""
        made = self.api.exec_create(container, list(command))["Id"]
        said = self.api.exec_start(made).decode()
        return int(self.api.exec_inspect(made)["ExitCode"]), said

    def close(self) -> None:
        """Remove what was made, by id."""
        for container in self.containers:
            self.api.remove_container(container, force=True, v=True)
        self.api.remove_network(self.network)


@pytest.fixture
def bench(engine: Engine) -> Iterator[Bench]:
    with_all = Bench(engine.api)
    yield with_all
    with_all.close()


def until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Wait for something outside this process."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def config(engine: Engine, role: str) -> dict[str, Any]:
    api: Any = engine.api
    return dict(api.inspect_image(resolve(role))["Config"])


def test_none_is_missing(engine: Engine) -> None:
    assert missing(engine) == []


@pytest.mark.parametrize(
    ("role", "entrypoint", "command", "ports", "folder"),
    [
        ("shell", None, ["sh"], set(), "/"),
        ("alpine", None, ["/bin/sh"], set(), "/"),
        ("debian", None, ["bash"], set(), "/"),
        ("debian12", None, ["bash"], set(), "/"),
        ("ubuntu", None, ["/bin/bash"], set(), "/"),
        ("nginx", ["/docker-entrypoint.sh"], ["nginx", "-g", "daemon off;"], {"80/tcp"}, "/"),
        ("redis", ["docker-entrypoint.sh"], ["redis-server"], {"6379/tcp"}, "/data"),
        ("redis7", ["docker-entrypoint.sh"], ["redis-server"], {"6379/tcp"}, "/data"),
        ("node", ["docker-entrypoint.sh"], ["node"], set(), "/"),
        ("mail", ["bin/maildev"], None, {"1080/tcp", "1025/tcp"}, "/home/node"),
        ("curl", ["/entrypoint.sh"], ["curl"], set(), "/home/curl_user"),
    ],
)
def test_what_it_runs_and_where(
    engine: Engine,
    role: str,
    entrypoint: list[str] | None,
    command: list[str] | None,
    ports: set[str],
    folder: str,
) -> None:
    found = config(engine, role)
    assert (found.get("Entrypoint") or None) == entrypoint
    assert (found.get("Cmd") or None) == command
    assert set(found.get("ExposedPorts") or {}) == ports
    assert (found.get("WorkingDir") or "/") == folder


def test_built_images_say_so(engine: Engine) -> None:
    api: Any = engine.api
    for one in held(engine, catalogue().local()):
        if one.origin == BUILT:
            labels = api.inspect_image(one.id)["Config"]["Labels"]
            assert labels[ROLE] == one.image.role
            assert labels.get(STAND_IN) == (one.image.reference if one.image.stand_in else None)


def test_the_bases_name_debians_public_archive_and_no_other(engine: Engine, bench: Bench) -> None:
    for one in held(engine, catalogue().select(["debian", "debian12", "ubuntu", "nginx", "node"])):
        if one.origin != BUILT:
            continue
        script = (
            "cat /etc/apt/sources.list.d/* /etc/apt/sources.list 2>/dev/null | grep -h URIs; ls /etc/apt/apt.conf.d"
        )
        _, said = bench.run(one.image.role, "sh", "-c", script)
        uris = {line.split()[1] for line in said.splitlines() if line.startswith("URIs")}
        assert uris == {"http://deb.debian.org/debian", "http://deb.debian.org/debian-security"}
        assert "mmdebstrap" not in said
        _, said = bench.run(
            one.image.role, "sh", "-c", "ls -A /machine /run/secrets /tmp /var/lib/apt/lists 2>/dev/null"
        )
        assert {line for line in said.splitlines() if line and not line.endswith(":")} <= {"lock", "partial"}


@pytest.mark.parametrize("role", ["shell", "alpine"])
def test_busybox_answers_on_an_unknown_host(bench: Bench, role: str) -> None:
    for command in (["ping", "-c1", "nohost.invalid"], ["wget", "-q", "-O-", "http://nohost.invalid/"]):
        status, said = bench.run(role, *command)
        assert (status, "bad address 'nohost.invalid'" in said) == (1, True), said


def test_busybox_finds_a_container_by_name(bench: Bench) -> None:
    bench.start("shell", "sh", "-c", "mkdir -p /w; echo found > /w/index.html; exec httpd -f -p 80 -h /w", alias="web")
    script = "for i in 1 2 3 4 5 6 7 8 9; do wget -q -O- http://web/ && exit 0; usleep 200000; done; exit 1"
    assert bench.run("shell", "sh", "-c", script) == (0, "found\n")


def test_userlands_differ(bench: Bench) -> None:
    told = {role: bench.run(role, "cat", "/etc/os-release")[1] for role in ("debian", "debian12", "alpine")}
    assert len(set(told.values())) == 3
    assert 'VERSION_ID="13"' in told["debian"]
    assert 'VERSION_ID="12"' in told["debian12"]
    kernels = {bench.run(role, "uname", "-r") for role in told}
    assert len(kernels) == 1


def test_a_stand_in_for_ubuntu_does_not_pretend(engine: Engine, bench: Bench) -> None:
    (one,) = held(engine, [catalogue()["ubuntu"]])
    _, said = bench.run("ubuntu", "cat", "/etc/os-release")
    assert ("ID=debian" in said) == (one.origin == BUILT)
    assert bench.run("ubuntu", "sh", "-c", "ps -e | head -1; id -u ubuntu")[0] == 0


def test_alpine_is_musl_without_bash(bench: Bench) -> None:
    assert "musl" in bench.run("alpine", "sh", "-c", "ldd /bin/busybox; cat /bin/busybox | head -c0; ls /lib")[1]
    assert bench.run("alpine", "sh", "-c", "command -v bash")[0] != 0


def test_nginx_serves_its_page_and_logs_to_the_container(engine: Engine, bench: Bench) -> None:
    web = bench.start("nginx", alias="web")
    status, page = bench.run(
        "curl", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", "-fsS", "http://web/"
    )
    assert (status, "Welcome to nginx!" in page) == (0, True), page
    until(lambda: '"GET / HTTP/1.1" 200' in engine.api.logs(web).decode(), "the request in the log")
    assert bench.exec(web, "test", "-f", "/usr/share/nginx/html/index.html")[0] == 0
    assert bench.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://web/none")[1] == "404"
    until(lambda: "No such file or directory" in engine.api.logs(web, stdout=False).decode(), "the error in the log")
    api: Any = engine.api
    api.stop(web, timeout=10)
    state = api.inspect_container(web)
    assert (state["State"]["ExitCode"], state["Config"]["StopSignal"]) == (0, "SIGQUIT")


def test_nginx_fills_templates_in(bench: Bench) -> None:
    web = bench.start("nginx", alias="web", environment={"GREETING": "good day"}, entrypoint=["sleep", "60"])
    script = (
        "mkdir -p /etc/nginx/templates && cd /etc/nginx/templates && rm /etc/nginx/conf.d/default.conf && "
        "echo 'server { listen 8081; location / { return 200 \"${GREETING} $host\"; } }' > a.conf.template && "
        "(/docker-entrypoint.sh nginx) && curl -s --retry 9 --retry-connrefused http://localhost:8081/"
    )
    status, said = bench.exec(web, "sh", "-c", script)
    assert (status, "good day localhost" in said) == (0, True), said


@pytest.mark.parametrize(("role", "version"), [("redis", "8.0"), ("redis7", "7.0")])
def test_redis_answers_other_containers(engine: Engine, bench: Bench, role: str, version: str) -> None:
    server = bench.start(role, alias="db")
    until(lambda: "PONG" in bench.exec(server, "redis-cli", "ping")[1], "redis answers")
    assert bench.run(role, "redis-cli", "-h", "db", "set", "greeting", "hello") == (0, "OK\n")
    assert bench.exec(server, "redis-cli", "get", "greeting")[1] == "hello\n"
    assert f"redis_version:{version}." in bench.exec(server, "redis-cli", "info", "server")[1]
    api: Any = engine.api
    assert [mount["Destination"] for mount in api.inspect_container(server)["Mounts"]] == ["/data"]
    assert bench.exec(server, "stat", "-c", "%U", "/data", "/proc/1")[1] == "redis\nredis\n"
    api.stop(server, timeout=10)
    assert api.inspect_container(server)["State"]["ExitCode"] == 0


def test_redis_takes_arguments(bench: Bench) -> None:
    server = bench.start("redis", "--maxmemory", "5mb", "--protected-mode", "yes", alias="db")
    until(lambda: "PONG" in bench.exec(server, "redis-cli", "ping")[1], "redis answers")
    assert bench.exec(server, "redis-cli", "config", "get", "maxmemory")[1].split() == ["maxmemory", "5242880"]
    assert "DENIED" in bench.run("redis", "redis-cli", "-h", "db", "ping")[1]


def test_node_runs_scripts(bench: Bench) -> None:
    assert bench.run("node", "-p", "1 + 1") == (0, "2\n")
    assert bench.run("node", "node", "--version")[1].startswith("v20.")
    assert bench.run("node")[0] == 0  # no terminal, no input: done at once
    assert bench.run("node", "npm", "--version")[0] == 0
    assert bench.run("node", "sh", "-c", "echo $((2+3)); id -u node") == (0, "5\n1000\n")
    status, said = bench.run(
        "node",
        "sh",
        "-c",
        "mkdir /a && cd /a && npm init -y >/dev/null && mkdir /b && "
        'echo \'{"name":"b","version":"1.0.0"}\' > /b/package.json && npm install --offline /b && ls node_modules',
    )
    assert (status, said.split()[-1]) == (0, "b"), said


def test_the_mail_catcher_catches(engine: Engine, bench: Bench) -> None:
    catcher = bench.start("mail", alias="mail")
    healthy: Callable[[], bool] = lambda: (  # noqa: E731
        dict(engine.api.inspect_container(catcher))["State"]["Health"]["Status"] == "healthy"
    )
    until(healthy, "the catcher's own health check", 40)
    mail = "From: a@example.com\\nTo: b@example.com\\nSubject: Hello\\n\\nGood day.\\n"
    send = f"printf '{mail}' | curl -sS smtp://mail:1025 --mail-from a@example.com --mail-rcpt b@example.com -T -"
    status, said = bench.run("curl", "sh", "-c", send)
    assert status == 0, said
    (caught,) = json.loads(bench.run("curl", "-sS", "http://mail:1080/email")[1])
    assert (caught["subject"], caught["text"].strip()) == ("Hello", "Good day.")
    assert "<html" in bench.run("curl", "-sS", "http://mail:1080/")[1].lower()


def test_the_curl_image_is_curl(bench: Bench) -> None:
    assert bench.run("curl", "--version")[1].startswith("curl 8.")
    assert bench.run("curl", "http://nohost.invalid/")[0] == 6
