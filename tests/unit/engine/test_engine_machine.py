"""What a private engine asks of the machine: networks, ports, mounts, processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from tutor.engine import _mounts, _network, _process, private
from tutor.engine._daemon import Folders, command, last_words, promised
from tutor.engine._process import Process

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a private engine needs Linux")


def nets(*texts: str) -> list[IPv4Network]:
    return [IPv4Network(text) for text in texts]


def test_docker_s_own_networks_come_first() -> None:
    assert _network.choose_blocks([]) == nets("172.17.0.0/16", "172.18.0.0/16")


def test_taken_networks_are_stepped_over() -> None:
    busy = nets("172.17.0.0/16", "172.18.5.0/24", "172.19.0.1/32")
    assert _network.choose_blocks(busy) == nets("172.20.0.0/16", "172.21.0.0/16")


def test_an_earlier_choice_is_kept_while_it_is_free() -> None:
    assert _network.choose_blocks([], ["10.9.0.0/16", "10.8.0.0/16"]) == nets("10.9.0.0/16", "10.8.0.0/16")
    assert _network.choose_blocks(nets("10.9.1.0/24"), ["10.9.0.0/16", "10.8.0.0/16"]) == nets(
        "10.8.0.0/16", "172.17.0.0/16"
    )


def test_routes_of_half_the_internet_do_not_count() -> None:
    assert len(_network.choose_blocks(nets("0.0.0.0/1", "128.0.0.0/1"))) == 2


def test_when_every_private_range_is_routed() -> None:
    assert _network.choose_blocks(nets("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")) == []
    left = _network.choose_blocks(nets("10.0.0.0/8", "172.16.0.0/12"))
    assert all(block.subnet_of(IPv4Network("192.168.0.0/16")) for block in left) and len(left) == 2


def test_the_machine_s_own_networks_are_seen() -> None:
    assert IPv4Network("127.0.0.0/8") in _network.taken()


def test_a_port_in_use_is_not_chosen() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        used = sock.getsockname()[1]
        assert _network.free_port(used) != used
    assert _network.free_port(used) == used


def test_interface_names() -> None:
    (here,) = nets("172.17.0.0/16")
    (there,) = nets("172.18.0.0/16")
    assert _network.free_name("lo-none-", here) == "lo-none-1100"
    assert _network.free_name("lo-none-", there) == "lo-none-1200"


def test_mount_points_below_a_folder_deepest_first(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    points = ["/", "/a", "/a/b\\040c", "/a/b\\040c/d", "/ab", "/a/z"]
    table.write_text("".join(f"1 2 0:3 / {point} rw - ext4 /dev/x rw\n" for point in points))
    found = [str(point) for point in _mounts.below(Path("/a"), table)]
    assert found[0] == "/a/b c/d" and found[-1] == "/a"
    assert set(found) == {"/a/b c/d", "/a/b c", "/a/z", "/a"}


def test_a_process_is_told_from_its_successor() -> None:
    me = Process.of(os.getpid())
    assert me and me.alive
    assert not Process(me.pid, me.started + 1).alive
    assert Process.of(2**22 + 1) is None


def test_a_process_whose_first_thread_has_ended_is_waited_for() -> None:
    script = (
        "import ctypes, socket, threading, time\n"
        "held = socket.create_server(('127.0.0.1', 0)); print(held.getsockname()[1], flush=True)\n"
        "threading.Thread(target=time.sleep, args=(600,)).start(); ctypes.CDLL(None).pthread_exit(None)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        process = Process.of(child.pid)
        assert process and child.stdout
        port = int(child.stdout.readline())
        try:
            assert _process.wait_until(lambda: not process.alive, process, 20)  # a zombie, as far as /proc tells
            assert not process.wait(0.2)
            assert _network.free_port(port) != port
        finally:
            child.kill()
        assert process.wait(20)
        assert _network.free_port(port) == port


def test_ending_a_process_that_will_not_listen() -> None:
    script = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        process = Process.of(child.pid)
        assert process
        process.end(0.05)
        assert not process.alive
        # Whether or not our end() was the one that reaped it, it is gone.
        assert child.wait() in (-signal.SIGKILL, 0)


def test_a_detached_program_has_its_own_session_and_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "import os, signal; print(os.getsid(0) == os.getpid(), flush=True); signal.pause()"
    process = _process.start_detached([sys.executable, "-c", script], log, os.environ)
    try:
        assert _process.wait_until(lambda: log.exists() and "\n" in log.read_text(), process, 10)
        assert log.read_text() == "True\n"
        assert _process.command(process.pid)[1] == "-c"
        assert process in _process.children(Process.of(os.getpid()) or process)
    finally:
        process.end(2)
    assert not process.alive


def test_waiting_ends_when_the_program_does(tmp_path: Path) -> None:
    process = _process.start_detached(["/bin/false"], tmp_path / "log", os.environ)
    assert not _process.wait_until(lambda: False, process, 60)
    process.end(0)


def test_the_daemon_s_command_line_shares_nothing(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "data", tmp_path / "run")
    argv = command("/usr/sbin/dockerd", folders, Path("/d"), "dtutor0", IPv4Network("172.18.0.0/16"), 5000)
    assert f"--host=unix://{tmp_path}/run/docker.sock" in argv
    assert "--registry-mirror=http://127.0.0.1:5000" in argv
    assert "--default-address-pool=base=172.18.0.0/16,size=24" in argv
    other = Folders(tmp_path / "data", tmp_path / "other")
    assert folders.namespace != other.namespace
    assert not any("mirror" in a for a in command("d", folders, Path("/d"), "b", IPv4Network("10.0.0.0/8"), None))


def test_an_engine_s_pool_is_seen_before_its_first_network(tmp_path: Path) -> None:
    pool = IPv4Network("172.18.0.0/16")
    argv = command("/usr/sbin/dockerd", Folders(tmp_path, tmp_path), Path("/d"), "dtutor0", pool, None)
    assert promised([argv, ["sh"], ["dockerd", "--default-address-pool=base=oops"]]) == [pool]
    assert pool not in _network.choose_blocks(promised([argv]))


def test_other_processes_command_lines_are_read(tmp_path: Path) -> None:
    waiting = ["-c", "import time; time.sleep(60)"]
    process = _process.start_detached([sys.executable, *waiting], tmp_path / "log", os.environ)
    try:
        # Between its start and its first breath a process has no command line.
        assert _process.wait_until(lambda: any(argv[1:] == waiting for argv in _process.commands()), process, 10)
    finally:
        process.end(2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it said nothing"),
        (
            'time="x" level=info msg="Starting up"\nfailed to start daemon: no bridge\n',
            "failed to start daemon: no bridge",
        ),
        ('time="x" level=error msg="bad thing" a=1\ntime="y" level=info msg=later\n', '"bad thing" a=1'),
    ],
)
def test_the_daemon_s_last_words(tmp_path: Path, text: str, words: str) -> None:
    log = tmp_path / "log"
    log.write_text(text)
    assert last_words(log) == words
    assert last_words(tmp_path / "none") == "it said nothing"


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"subnet": "x"}', '{"daemon": 5}', '{"unknown": 1}', "null"])
def test_damaged_choices_count_as_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "engine.json"
    file.write_text(text)
    assert private._Choices.load(file) == private._Choices()


def test_choices_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "engine.json"
    choices = private._Choices(data_root="/d", subnet="10.0.0.0/16", registry_port=5, daemon=(1, 2))
    choices.save(file)
    assert private._Choices.load(file) == choices
    assert [path.name for path in tmp_path.iterdir()] == ["engine.json"]


def test_without_an_engine_the_state_is_plain(home: Path) -> None:
    status = private.status()
    assert (status.running, status.host, status.pid, status.registry) == (False, None, None, None)
    assert status.socket.startswith(str(home))
    assert private.down() is False
    assert list(home.glob("data/engine/*")) == []
