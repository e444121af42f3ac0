"""apt's sources are read in both forms, and the plan names the right packages. No host name is ever invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutor.engine import install
from tutor.engine._apt import Source, parse_lines, parse_stanzas, read_sources
from tutor.problems import Problem

BOOKWORM = {"ID": "debian", "VERSION_CODENAME": "bookworm", "VERSION_ID": "12", "PRETTY_NAME": "Debian 12"}
NOBLE = {"ID": "ubuntu", "VERSION_CODENAME": "noble", "VERSION_ID": "24.04"}
MIRROR = Source(("http://mirror.example/debian",), ("bookworm",), ("main",))


def test_one_line_form() -> None:
    text = """
    # a comment
    deb http://a.example/debian bookworm main contrib # said here
    deb-src http://a.example/debian bookworm main
    deb [signed-by=/k.gpg arch=amd64,arm64] http://b.example/debian bookworm-security main
    deb cdrom:[Debian]/ bookworm main
    """
    assert list(parse_lines(text)) == [
        Source(("http://a.example/debian",), ("bookworm",), ("main", "contrib")),
        Source(
            ("http://b.example/debian",),
            ("bookworm-security",),
            ("main",),
            (("Signed-By", "/k.gpg"), ("Architectures", "amd64 arm64")),
        ),
    ]


def test_stanza_form_keeps_keys_of_several_lines() -> None:
    text = (
        "# ours\nTypes: deb deb-src\nURIs: http://a.example/debian\nSuites: bookworm bookworm-updates\n"
        "Components: main\nSigned-By:\n -----BEGIN-----\n .\n abc\n\n"
        "Enabled: no\nTypes: deb\nURIs: http://off.example\nSuites: bookworm\n\n"
        "Types: deb-src\nURIs: http://src.example\nSuites: bookworm\n"
    )
    (source,) = parse_stanzas(text)
    assert source.suites == ("bookworm", "bookworm-updates")
    again = list(parse_stanzas(source.stanza()))
    assert again == [source]
    assert "-----BEGIN-----" in source.stanza()


def test_a_machine_with_both_forms(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://a.example/debian bookworm main\n")
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "x.sources").write_text("Types: deb\nURIs: http://b.example\nSuites: bookworm\nComponents: main\n")
    (parts / "y.list.disabled").write_text("deb http://c.example bookworm main\n")
    (parts / "z.list").write_bytes(b"\xff\xfe")
    assert [source.uris[0] for source in read_sources(tmp_path)] == ["http://a.example/debian", "http://b.example"]


def test_debian_12_takes_the_engine_from_the_next_release_and_runc_from_its_own() -> None:
    plan = install.plan(BOOKWORM, [MIRROR], install._NAMES)
    assert set(plan.packages) == {
        "docker.io/trixie",
        "containerd/trixie",
        "docker-cli/trixie",
        "docker-compose/trixie",
        "docker-buildx/trixie",
        "runc",
        "docker-registry",
        "mmdebstrap",
        "iptables",
        "procps",
        "curl",
    }
    first, second = parse_stanzas(plan.sources)
    assert (first.suites, second.suites) == (("bookworm",), ("trixie",))
    assert first.uris == second.uris == MIRROR.uris
    assert "Pin-Priority: 100" in plan.preferences


def test_trixie_comes_from_the_archive_that_holds_the_release() -> None:
    security = Source(("http://security.example",), ("bookworm-security",), ("main",))
    third = Source(("http://third.example",), ("stable",), ("x",))
    plan = install.plan(BOOKWORM, [security, MIRROR, third], ["dockerd"])
    assert list(parse_stanzas(plan.sources))[-1].uris == MIRROR.uris


def test_only_what_is_missing_is_asked_for() -> None:
    assert install.plan(BOOKWORM, [MIRROR], ["registry"]).packages == ("docker-registry",)


def test_newer_debian_and_ubuntu_have_it_themselves() -> None:
    trixie = BOOKWORM | {"VERSION_CODENAME": "trixie", "VERSION_ID": "13"}
    plan = install.plan(trixie, [Source(MIRROR.uris, ("trixie",), ("main",))], ["dockerd", "compose"])
    assert plan.packages == ("docker-compose", "docker.io")
    assert plan.preferences == ""
    ubuntu = install.plan(
        NOBLE, [Source(("http://u.example",), ("noble",), ("main",))], ["dockerd", "docker", "compose"]
    )
    assert ubuntu.packages == ("docker-compose-v2", "docker.io")


@pytest.mark.parametrize(
    ("release", "sources"),
    [
        ({"ID": "fedora", "VERSION_ID": "40"}, [MIRROR]),
        ({}, []),
        (BOOKWORM, []),
        (BOOKWORM, [Source(MIRROR.uris, ("bookworm-security",), ("main",))]),
        (BOOKWORM | {"VERSION_CODENAME": "bullseye", "VERSION_ID": "11"}, [Source(MIRROR.uris, ("bullseye",), ())]),
    ],
)
def test_where_it_cannot_be_done_it_says_so(release: dict[str, str], sources: list[Source]) -> None:
    with pytest.raises(Problem) as caught:
        install.plan(release, sources, ["dockerd"])
    assert caught.value.code == "cannot-install"
    assert "docs.docker.com" in caught.value.next_step


def test_what_apt_says_is_shortened() -> None:
    assert install.progress("Unpacking docker.io (26.1.5) ...\n") == "  unpacking docker.io"
    assert install.progress("Need to get 98.0 MB of archives.\n") == "  Need to get 98.0 MB of archives"
    assert install.progress("Setting up tini (0.19.0-1) ...\n") is None
    assert install.progress("Get:1 http://mirror.example x\n") is None


def test_options_point_apt_away_from_the_machines_own_files(tmp_path: Path) -> None:
    options = install._options(tmp_path, install.plan(BOOKWORM, [MIRROR], ["dockerd"]))
    assert f"Dir::Etc::sourceparts={tmp_path}/sources" in options
    assert f"Dir::State::lists={tmp_path}/lists" in options
    assert "trixie" in (tmp_path / "sources" / "all.sources").read_text()
    assert (tmp_path / "preferences" / "zz-docker-tutor").exists()
    assert tmp_path.stat().st_mode & 0o777 == 0o755
