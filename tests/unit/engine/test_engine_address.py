"""Addresses are read as the docker CLI reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutor.engine.address import EngineAddress, TlsFiles
from tutor.problems import Problem


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("unix:///run/docker.sock", "unix:///run/docker.sock"),
        ("unix://", "unix:///var/run/docker.sock"),
        ("tcp://engine", "tcp://engine:2375"),
        ("tcp://10.0.0.1:4000", "tcp://10.0.0.1:4000"),
        ("tcp://:4000", "tcp://127.0.0.1:4000"),
        ("tcp://[::1]:4000", "tcp://[::1]:4000"),
        ("engine:4000", "tcp://engine:4000"),
        ("ssh://me@far:22", "ssh://me@far:22"),
        (" tcp://engine:1 ", "tcp://engine:1"),
    ],
)
def test_good_addresses(text: str, host: str) -> None:
    assert EngineAddress.parse(text).host == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://engine:1",
        "tcp://",
        "tcp://engine:port",
        "tcp://engine:99999",
        "tcp://engine/path",
        "fd://3",
        "/run/docker.sock",
        "ssh://",
        "ssh://-oProxyCommand=x",
        "ssh://-x@far",
        "ssh://me:secret@far",
        "a b",
    ],
)
def test_bad_addresses_say_what_is_right(text: str) -> None:
    with pytest.raises(Problem) as caught:
        EngineAddress.parse(text, "DOCKER_HOST")
    assert caught.value.code == "bad-address"
    assert "DOCKER_HOST" in caught.value.sentence
    assert "unix:///" in caught.value.next_step


def test_windows_pipe_is_refused_in_words() -> None:
    with pytest.raises(Problem, match="WSL 2"):
        EngineAddress.parse("npipe:////./pipe/docker_engine")


def test_default_port_with_tls() -> None:
    tls = TlsFiles(Path("/certs"))
    assert EngineAddress.parse("tcp://engine", tls=tls).endpoint == ("engine", 2376)


def test_environment_replaces_every_other_choice() -> None:
    plain = EngineAddress.parse("unix:///run/a.sock").environment()
    assert plain == {
        "DOCKER_HOST": "unix:///run/a.sock",
        "DOCKER_CONTEXT": "",
        "DOCKER_TLS": "",
        "DOCKER_TLS_VERIFY": "",
        "DOCKER_CERT_PATH": "",
    }
    checked = EngineAddress.parse("tcp://a:1", tls=TlsFiles(Path("/certs"))).environment()
    assert (checked["DOCKER_TLS_VERIFY"], checked["DOCKER_TLS"], checked["DOCKER_CERT_PATH"]) == ("1", "", "/certs")
    trusting = EngineAddress.parse("tcp://a:1", tls=TlsFiles(Path("/certs"), verify=False)).environment()
    assert (trusting["DOCKER_TLS_VERIFY"], trusting["DOCKER_TLS"]) == ("", "1")


def test_unix_path() -> None:
    assert EngineAddress.parse("unix:///run/a.sock").unix_path == Path("/run/a.sock")
    assert EngineAddress.parse("tcp://a:1").unix_path is None
