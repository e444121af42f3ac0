"""The private engine, for real: started, shared, killed, started again, ended."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_machine import TUTOR, Machine, machine

from tutor.engine import _daemon, _mounts, _process, _tiny
from tutor.engine._process import Process
from tutor.engine.address import EngineAddress
from tutor.engine.connect import connect
from tutor.problems import Problem

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0 or _daemon.program() is None, reason="dockerd and root are needed"),
]


@pytest.fixture
def here() -> Iterator[Machine]:
    with machine() as made:
        yield made


def ours(here: Machine) -> list[list[str]]:
    """Command lines of what still runs for this home."""
    found = _process.running(lambda argv: any(str(here.home) in part for part in argv))
    return [_process.command(process.pid) for process in found]


def kill(pid: int) -> None:
    """End a process without giving it a chance to clean up."""
    process = Process.of(pid)
    assert process
    os.kill(pid, signal.SIGKILL)
    assert process.wait(10)


def interfaces(here: Machine) -> set[str]:
    return set(here.python("import socket; print(*[n for _, n in socket.if_nameindex()])").split())


def add_image(here: Machine, name: str) -> None:
    """The smallest image, imported on the private engine."""
    tar = _tiny.root_file_system(os.uname().machine)
    assert tar
    path = here.home / "tiny.tar"
    path.write_bytes(tar)
    here.docker("import", str(path), name)


def add_sleeper(here: Machine, name: str) -> None:
    """An image that holds the machine's own `sleep` and what it is linked with."""
    linked = re.findall(r"(/\S+) \(0x", subprocess.check_output(["ldd", "/bin/sleep"], text=True))
    path = here.home / "sleeper.tar"
    subprocess.run(["tar", "-chf", path, "-C", "/", *(p.lstrip("/") for p in ("/bin/sleep", *linked))], check=True)
    here.docker("import", str(path), name)


def test_up_gives_an_engine_of_our_own_and_down_leaves_nothing(here: Machine) -> None:
    before = interfaces(here)
    status = here.up()
    assert status["started"] and status["running"] and status["private"]
    assert status["host"] == f"unix://{here.home}/run/engine/docker.sock"
    assert status["data_root"] == f"{here.home}/data/engine/docker"
    assert int(status["version"].partition(".")[0]) >= 20
    assert Process.of(status["pid"])

    # Pools and bridge are the engine's own.
    here.docker("network", "create", "n")
    subnet = here.docker("network", "inspect", "n", "--format", "{{(index .IPAM.Config 0).Subnet}}")
    assert subnet.rpartition(".")[0].startswith(status["pool"].rpartition(".0.0/")[0])
    add_image(here, "tiny:1")
    assert here.docker("run", "--rm", "--network", "n", "tiny:1", _tiny.COMMAND) == "docker tutor"

    assert "has ended" in here.tutor("engine", "down")
    assert ours(here) == []
    assert _mounts.below(here.home) == []
    assert interfaces(here) == before
    assert status["bridge"] not in here.run("iptables", "-S") + here.run("iptables", "-t", "nat", "-S")
    assert not (here.home / "run" / "engine").exists()
    assert here.status()["running"] is False
    assert "No private engine runs" in here.tutor("engine", "down")

    # What was made is there again.
    again = here.up()
    assert again["started"] and again["pool"] == status["pool"] and again["registry"] == status["registry"]
    assert "tiny" in here.docker("image", "ls")
    assert "n" in here.docker("network", "ls", "--format", "{{.Name}}").split()


def test_a_second_up_finds_the_first_at_once(here: Machine) -> None:
    first = here.up()
    began = time.monotonic()
    second = here.up()
    assert time.monotonic() - began < 1.0
    assert second["started"] is False
    assert second["pid"] == first["pid"]


def test_two_at_once_give_one_engine(here: Machine) -> None:
    calls = [here.start(*TUTOR, "engine", "up", "--beside", "--json") for _ in range(3)]
    answers = [json.loads(call.communicate(timeout=120)[0]) for call in calls]
    assert len({answer["pid"] for answer in answers}) == 1
    assert sorted(answer["started"] for answer in answers) == [False, False, True]
    assert sum(Path(argv[0]).name == "dockerd" for argv in ours(here)) == 1


def test_it_survives_the_terminal_that_started_it(here: Machine) -> None:
    """The terminal is closed, which hangs up everything that belongs to it."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ |= here.env
        os.execvp(here.enter[0], [*here.enter, "sh", "-c", f"{' '.join(TUTOR)} engine up --beside; echo up:$?; read x"])
    said = b""
    while b"up:" not in said:
        said += os.read(master, 4096)
    assert b"up:0" in said
    os.close(master)
    os.waitpid(pid, 0)
    assert here.status()["running"]


def test_a_killed_engine_is_told_and_comes_back(here: Machine) -> None:
    status = here.up()
    here.docker("network", "create", "n")
    add_image(here, "tiny:1")
    address = EngineAddress.parse(status["host"], "private engine")
    with connect(address) as engine:
        engine.ping()
        kill(status["pid"])
        with pytest.raises(Problem) as caught:
            engine.ping()
        assert caught.value.code == "engine-gone"
        assert "docker tutor engine up" in caught.value.next_step
        with pytest.raises(Problem) as found:
            connect(address)
        assert found.value.code == "no-engine"
        assert here.status()["running"] is False
        again = here.up()
        assert again["started"] and again["pid"] != status["pid"]
        assert again["pool"] == status["pool"]
        # The same connection works again.
        engine.ping()
        assert "n" in [network["Name"] for network in engine.api.networks()]


def test_containers_of_a_killed_engine_are_ended_by_down(here: Machine) -> None:
    status = here.up()
    add_sleeper(here, "sleeper:1")
    # A number that no other run of this test uses.
    sleeping = ["/bin/sleep", str(100_000 + os.getpid())]
    here.docker("run", "--detach", "--publish", "127.0.0.1::80", "sleeper:1", *sleeping)
    assert list(_process.running(lambda argv: argv == sleeping))
    kill(status["pid"])
    assert list(_process.running(lambda argv: argv == sleeping))
    here.tutor("engine", "down")
    assert not list(_process.running(lambda argv: argv == sleeping))
    assert ours(here) == []
    assert _mounts.below(here.home) == []


def test_stale_files_that_name_a_stranger_harm_nobody(here: Machine) -> None:
    """After a crash the pid may belong to somebody else by now."""
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as stranger:
        run = here.home / "run" / "engine"
        run.mkdir(parents=True)
        (run / "dockerd.pid").write_text(str(stranger.pid))
        data = here.home / "data" / "engine"
        data.mkdir(parents=True)
        process = Process.of(stranger.pid)
        assert process
        claim = {
            "daemon": [process.pid, process.started],
            "registry": [process.pid, process.started],
            "registry_port": 1,
        }
        (data / "engine.json").write_text(json.dumps(claim))
        status = here.up()
        assert status["started"] and status["pid"] != stranger.pid
        here.tutor("engine", "down")
        assert stranger.poll() is None
        stranger.terminate()


ADD_BRIDGE = (
    "import sys; from ipaddress import IPv4Network as N; from tutor.engine import _network as n;"
    "n.add_bridge(sys.argv[1], N(sys.argv[2]))"
)


def test_a_taken_bridge_and_networks_are_stepped_over(here: Machine) -> None:
    first = here.up()
    here.tutor("engine", "down")
    here.python(ADD_BRIDGE, first["bridge"], first["subnet"])
    here.python(ADD_BRIDGE, "other0", first["pool"])
    second = here.up()
    assert second["started"]
    assert second["bridge"] != first["bridge"]
    assert not {second["subnet"], second["pool"]} & {first["subnet"], first["pool"]}
    here.tutor("engine", "down")
    assert {first["bridge"], "other0"} <= interfaces(here)


def test_a_network_that_is_taken_meanwhile_is_given_up(here: Machine) -> None:
    first = here.up()
    here.docker("network", "create", "n")
    here.tutor("engine", "down")
    here.python(ADD_BRIDGE, "other0", first["subnet"])
    before = interfaces(here)
    second = here.up()
    # What was made in the pool is there still, so the bridge's new network is none of it.
    assert second["pool"] == first["pool"]
    assert second["subnet"] not in (first["subnet"], first["pool"])
    # dockerd itself remembers the bridge of its last start.
    subnet = here.docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}")
    assert subnet == second["subnet"]
    own = "br-" + here.docker("network", "ls", "--quiet", "--filter", "name=^n$")
    assert interfaces(here) == before | {second["bridge"], own}
    here.tutor("engine", "down")
    assert interfaces(here) == before


def test_another_engine_keeps_its_published_ports(here: Machine) -> None:
    """A daemon that starts empties the packet filter's chains; what another has there is put back."""
    rules = [
        ("nat", "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8099 -j DNAT --to-destination 172.17.0.2:80"),
        ("filter", "-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT"),
        ("filter", "-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2"),
    ]
    chains = [("nat", "DOCKER"), *(("filter", name) for name in ("DOCKER", "DOCKER-ISOLATION-STAGE-1"))]
    for table, chain in [*chains, ("filter", "DOCKER-ISOLATION-STAGE-2")]:
        here.run("iptables", "-t", table, "-N", chain)
    for table, rule in rules:
        here.run("iptables", "-t", table, *rule.split())
    here.up()
    for table, rule in rules:
        assert rule in here.run("iptables", "-t", table, "-S").splitlines()
    here.tutor("engine", "down")
    for table, rule in rules:
        assert rule in here.run("iptables", "-t", table, "-S").splitlines()


def test_the_registry_is_the_engine_s_mirror(here: Machine) -> None:
    status = here.up()
    registry = status["registry"]
    assert re.fullmatch(r"127\.0\.0\.1:\d+", registry)
    assert status["mirror"] == f"http://{registry}"
    add_image(here, f"{registry}/library/tiny:1")
    here.docker("push", f"{registry}/library/tiny:1")
    here.docker("image", "rm", f"{registry}/library/tiny:1")
    here.docker("pull", "tiny:1")
    assert here.docker("run", "--rm", "tiny:1", _tiny.COMMAND) == "docker tutor"

    # When it dies alone, the next call brings it back where the engine looks for it.
    state = json.loads((here.home / "data" / "engine" / "engine.json").read_text())
    kill(state["registry"][0])
    hurt = here.status()
    assert hurt["registry"] is None and "engine up" in hurt["notes"][0]
    healed = here.up()
    assert healed["registry"] == registry and healed["pid"] == status["pid"]
    here.docker("image", "rm", "tiny:1")
    here.docker("pull", "tiny:1")


def test_a_taken_port_is_stepped_over(here: Machine) -> None:
    port = int(here.up()["registry"].partition(":")[2])
    here.tutor("engine", "down")
    hold = "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print(flush=True); input()"
    with here.start(sys.executable, "-c", hold, str(port), stdin=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdout.readline() == "\n"
        assert here.up()["registry"] not in (None, f"127.0.0.1:{port}")
        holder.communicate("\n")


def test_without_a_registry(here: Machine) -> None:
    status = here.up("--no-registry")
    assert status["registry"] is None and status["notes"] == []
    assert not any("docker-registry" in argv[0] for argv in ours(here))


def test_a_data_root_of_choice_is_kept(here: Machine) -> None:
    root = here.home / "elsewhere"
    assert here.up("--data-root", str(root))["data_root"] == str(root)
    here.tutor("engine", "down")
    assert here.up()["data_root"] == str(root)


def test_an_engine_that_does_not_start_says_why(here: Machine) -> None:
    here.home.joinpath("data/engine").mkdir(parents=True)
    (here.home / "data/engine/docker").write_text("in the way")
    said = here.tutor("engine", "up", "--beside", "--data-root", str(here.home / "data/engine/docker"), status=1)
    assert "dockerd does not start" in said and "dockerd.log" in said
    assert "Traceback" not in said
    assert ours(here) == []


def test_run_starts_an_engine_for_a_command_and_ends_it(here: Machine) -> None:
    here.env["DOCKER_HOST"] = ""
    said = here.tutor("engine", "run", "--no-registry", "--", "docker", "version", "--format", "{{.Server.Version}}")
    assert said.strip()[0].isdigit()
    assert ours(here) == []


def test_run_that_is_told_to_end_ends_its_engine_too(here: Machine) -> None:
    """As a cancelled CI job does; the command is told as well."""
    here.env["DOCKER_HOST"] = ""
    wait = "import signal; print('ready', flush=True); signal.pause()"
    with here.start(*TUTOR, "engine", "run", "--no-registry", "--", sys.executable, "-c", wait) as call:
        assert call.stdout and call.stdout.readline() == "ready\n"
        call.terminate()
        assert call.wait(60) == 128 + signal.SIGTERM
    assert ours(here) == []


def test_without_root_it_says_what_to_do(here: Machine) -> None:
    here.home.chmod(0o755)
    other = here.home / "other"
    other.mkdir()
    os.chown(other, 65534, 65534)
    script = (
        "import os, sys; os.environ['DOCKER_TUTOR_HOME'] = sys.argv[1]; from tutor.engine import private\n"
        "from tutor.problems import Problem\n"
        "import encodings.idna\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: private.up()\n"
        "except Problem as problem: print(problem.code, problem)"
    )
    said = here.python(script, str(other))
    assert said.startswith("needs-root ")
    assert "sudo docker tutor engine up" in said and "rootless" in said


def test_an_engine_with_tls(here: Machine) -> None:
    """dockerd with certificates on loopback: with the right files it answers, with others `tls` is told."""
    certs = here.home / "certs"
    certs.mkdir()
    _make_certificates(here, certs)
    run = here.home / "d"
    run.mkdir()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    daemon = here.start(
        _daemon.program() or "dockerd",
        f"--data-root={run}/data",
        f"--exec-root={run}/exec",
        f"--pidfile={run}/pid",
        f"--host=tcp://127.0.0.1:{port}",
        "--bridge=none",
        "--iptables=false",
        "--tlsverify",
        f"--tlscacert={certs}/ca.pem",
        f"--tlscert={certs}/server.pem",
        f"--tlskey={certs}/server-key.pem",
        stdout=subprocess.DEVNULL,
        stderr=(run / "log").open("w"),
    )
    env = {"DOCKER_HOST": f"tcp://127.0.0.1:{port}", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(certs)}
    ask = (
        "import sys, json; from tutor.engine.connect import connect; from tutor.problems import Problem\n"
        "try:\n"
        "    with connect(environ=json.loads(sys.argv[1])) as engine: engine.ping(); print(engine.address.host)\n"
        "except Problem as problem: print(problem.code, problem)"
    )
    try:
        process = Process.of(daemon.pid)
        assert process

        def answer(env: dict[str, str]) -> str:
            return here.python(ask, json.dumps(env))

        assert _process.wait_until(lambda: answer(env).startswith("tcp://"), process, 60), (run / "log").read_text()
        assert here.run(*_with(env), "docker", "version", "--format", "{{.Server.Os}}") == "linux\n"
        (here.home / "none").mkdir()
        assert answer(env | {"DOCKER_CERT_PATH": str(here.home / "none")}).startswith("tls ")
        assert answer({"DOCKER_HOST": env["DOCKER_HOST"]}).startswith("no-engine ")
    finally:
        daemon.terminate()
        daemon.wait(30)
        _mounts.unmount_below(run)


def _with(env: dict[str, str]) -> list[str]:
    return ["env", *(f"{name}={value}" for name, value in env.items())]


def _make_certificates(here: Machine, folder: Path) -> None:
    def openssl(*argv: str) -> None:
        here.run("openssl", *argv)

    make = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    openssl(*make, "-subj", "/CN=tutor test", "-keyout", f"{folder}/ca-key.pem", "-out", f"{folder}/ca.pem")
    names = {"server": "subjectAltName=IP:127.0.0.1", "client": "extendedKeyUsage=clientAuth"}
    for name, extension in names.items():
        files = ("-keyout", f"{folder}/{name}-key.pem", "-out", f"{folder}/{name}.pem")
        signer = ("-CA", f"{folder}/ca.pem", "-CAkey", f"{folder}/ca-key.pem")
        openssl(*make, "-subj", f"/CN={name}", "-addext", extension, *signer, *files)
    (folder / "client.pem").rename(folder / "cert.pem")
    (folder / "client-key.pem").rename(folder / "key.pem")
