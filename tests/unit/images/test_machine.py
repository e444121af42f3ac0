"""What a build takes from the machine: the right mirrors, and nothing that would stay in an image."""

from __future__ import annotations

from pathlib import Path

from tutor.engine._apt import parse_lines, parse_stanzas
from tutor.engine.images.recipe_machine import archive_lines, certificates, fetching, lend, npm_settings

MIRROR = """\
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
Trusted: yes

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
"""


def test_another_release_comes_from_the_machines_own_mirror() -> None:
    assert archive_lines(parse_stanzas(MIRROR), "trixie", Path("/k.gpg")) == [
        "deb [trusted=yes signed-by=/k.gpg] http://mirror.example/debian trixie main",
        "deb [trusted=yes signed-by=/k.gpg] http://mirror.example/debian trixie-updates main",
        "deb [signed-by=/k.gpg] http://mirror.example/security trixie-security main",
    ]


def test_a_mirror_without_updates_and_security() -> None:
    lines = archive_lines(parse_lines("deb http://mirror.example/debian stable main"), "trixie")
    assert lines == ["deb http://mirror.example/debian trixie main"]


def test_a_machine_that_is_not_debian_uses_debians_public_name() -> None:
    ubuntu = "deb http://mirror.example/ubuntu noble main\ndeb http://mirror.example/ubuntu noble-security main\n"
    lines = archive_lines(parse_lines(ubuntu), "trixie")
    assert [line.split()[1] for line in lines] == [
        "http://deb.debian.org/debian",
        "http://deb.debian.org/debian",
        "http://deb.debian.org/debian-security",
    ]


def test_third_parties_are_not_asked() -> None:
    text = "deb https://packages.example/vendor bookworm stable\n" + "deb http://mirror.example/debian bookworm main\n"
    assert archive_lines(parse_lines(text), "bookworm") == ["deb http://mirror.example/debian bookworm main"]


DUMP = """\
APT::Architecture "amd64";
Dir::Etc::sourceparts "sources.list.d";
Acquire "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::CaInfo "/etc/ssl/own.pem";
Acquire::Retries "3";
Acquire::Check-Valid-Until "false";
Acquire::IndexTargets::deb::Packages::ShortDescription "Packages";
DPkg::Post-Invoke:: "rm -rf /somewhere";
"""


def test_only_how_to_fetch_is_taken_over() -> None:
    outside = fetching(DUMP, inside=False)
    assert "Proxy" in outside
    assert "own.pem" in outside
    assert "Post-Invoke" not in outside
    assert "Architecture" not in outside
    inside = fetching(DUMP, inside=True)
    assert "own.pem" not in inside
    assert "/machine/ca.pem" in inside
    assert "Retries" in inside


def test_certificates(tmp_path: Path) -> None:
    own = tmp_path / "ca.pem"
    own.write_text("x")
    assert certificates({"SSL_CERT_FILE": str(own)}) == own
    assert certificates({"SSL_CERT_FILE": "/nowhere"}).is_file()


def test_npm_settings(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text("fund=false\nregistry=https://npm.example/\n//npm.example/:_authToken=abc\n")
    told = npm_settings({}, tmp_path)
    assert "registry=https://npm.example/" in told
    assert "_authToken" in told
    assert "fund" not in told
    assert npm_settings({"npm_config_registry": "https://other.example"}, tmp_path).endswith("https://other.example\n")


def test_what_is_lent(tmp_path: Path) -> None:
    helpers = tmp_path / "helpers"
    helpers.mkdir()
    (helpers / "apt-install").write_text("#!/bin/sh\n")
    lend(tmp_path / "machine", helpers, "trixie")
    assert sorted(path.name for path in (tmp_path / "machine").iterdir()) == [
        "apt-install",
        "apt.conf",
        "apt.list",
        "ca.pem",
    ]
    assert (tmp_path / "machine" / "apt-install").stat().st_mode & 0o111
    assert " trixie main" in (tmp_path / "machine" / "apt.list").read_text()
