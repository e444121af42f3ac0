"""What an engine says of its machine, read from answers as engines give them."""

from __future__ import annotations

import pytest

from tutor.engine.machine import Machine, told

INFO = {
    "OperatingSystem": "Debian GNU/Linux 12 (bookworm)",
    "KernelVersion": "6.1.0-25-amd64",
    "NCPU": 2,
    "MemTotal": 4,
}
VERSION = {
    "Version": "26.1.5+dfsg1",
    "Components": [
        {"Name": "Engine", "Version": "26.1.5+dfsg1"},
        {"Name": "containerd", "Version": "1.7.24~ds1"},
        {"Name": "runc", "Version": "v1.1.15+ds1"},
        {"Name": "docker-init", "Version": "0.19.0"},
    ],
}


def test_versions_are_told_without_what_a_distribution_adds() -> None:
    assert told(INFO, VERSION, here="linux") == Machine(
        system="Debian GNU/Linux 12 (bookworm)",
        kernel="6.1.0",
        cpus=2,
        memory=4,
        engine="26.1.5",
        containerd="1.7.24",
        runc="1.1.15",
    )


@pytest.mark.parametrize(
    ("system", "here", "virtual"),
    [("Debian", "linux", False), ("Ubuntu 24.04", "darwin", True), ("Docker Desktop", "linux", True)],
)
def test_a_host_that_is_a_virtual_machine_itself_is_known(system: str, here: str, virtual: bool) -> None:
    assert told({"OperatingSystem": system}, {}, here=here).virtual is virtual


def test_an_engine_that_tells_nothing_is_no_error() -> None:
    assert told({}, {"Components": None}, here="linux") == Machine()
