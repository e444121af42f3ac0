"""What a build may fetch and read: addresses of the machine itself, and images that come while it runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tutor.sandbox import _ownaddress
from tutor.sandbox._dockerfile import addresses, images
from tutor.sandbox.policy import Refused
from tutor.sandbox.rules._late import Late
from tutor.sandbox.rules.tags import whole

_HERE = """
    http://localhost/x https://LOCALHOST:8080 http://a.localhost/ http://localhost./x http://127.0.0.1/x
    http://127.1 http://127.0.0.1.:80/ http://0/ http://0.0.0.0:1/x http://2130706433/x http://0177.0.0.1/x
    http://0x7f.0.0.1/x http://0x7f000001:80 http://127.0x0.1/ http://me@127.0.0.1/x http://me:pw@localhost/x
    http://169.254.169.254/latest http://[::1]/x http://[0:0:0:0:0:0:0:1]:80/x http://[::ffff:127.0.0.1]/x
    http://[fe80::1%25eth0]/ ssh://git@localhost/x git://127.0.0.1/x http://box/x http://BOX.:80/x http://localhost?x
    http://localhost#x
"""
_ELSEWHERE = """
    http://example.com/x https://127.example.com/x http://localhost.example.com/ http://192.0.2.1/127.0.0.1
    http://[2001:db8::1]/x http://10.0.0.1:127/ http://boxes/x http://a.box/x http://me@example.com/localhost
    http://1.2.3.4/ http://0cool.example.com/ http://cafe.example.com/0x7f docker-image://localhost/x:1
"""


def test_addresses_of_the_machine_itself() -> None:
    pattern = re.compile(_ownaddress.pattern(["box"]))
    assert [address for address in _HERE.split() if not pattern.match(address)] == []
    assert [address for address in _ELSEWHERE.split() if pattern.match(address)] == []


def test_names_of_the_machine(tmp_path: Path) -> None:
    table = tmp_path / "hosts"
    table.write_text(
        "127.0.0.1 localhost\n127.0.1.1\tBox.example.com. box # me\n192.0.2.1 other\n::1 ip6-loopback\n\nnonsense x\n"
        "fe80::1%eth0 link\n# 127.0.0.1 nobody\n0.0.0.0 blocked\n"
    )
    assert _ownaddress.names(table) == {"localhost", "box.example.com", "box", "ip6-loopback", "link", "blocked"}
    assert _ownaddress.names(tmp_path / "nothing") == frozenset()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ADD http://a/x /y", ["http://a/x"]),
        ("add --chown=0:0 https://a/x http://b/ /y", ["https://a/x", "http://b/"]),
        ('ADD ["http://a/x", "/y"]', ["http://a/x"]),
        ("ADD http://[::1]:80/x /y", ["http://[::1]:80/x"]),
        ("ADD \\\n# nothing\n http://a/x /y", ["http://a/x"]),
        ("ONBUILD ADD http://a/x /y", ["http://a/x"]),
        ("ARG H=a\nADD http://${H}/x /y", ["http:///x", "http://a/x"]),
        ("ARG U=http://a/x\nENV V $U\nADD $V /y", ["http://a/x"]),
        ('ADD "http://a/x" /y', ["http://a/x"]),
        ("ADD ${FILE%.gz} ht$X a$Y /y\nADD x${Z//a/b} /z", None),
        ("ADD . /x\nCOPY http://a/x /y\nRUN wget http://a/x\nADD http /x", []),
        ("ADD a${X%y} /x\nADD ./$X/http:// /y", []),
    ],
)
def test_addresses_in_a_dockerfile(text: str, found: list[str] | None) -> None:
    if found is None:
        with pytest.raises(Refused, match="cannot tell what"):
            addresses(text, {})
    else:
        assert sorted(addresses(text, {})) == sorted(found)


def _say(late: Late, *lines: str) -> None:
    for line in lines:
        key = "status" if line.startswith(("Status", "Pulling")) else "stream"
        late.line(json.dumps({key: line}).encode() + b"\r\n")


_FROM = ("Step 1/2 : FROM new:1", " ---> 0123456789ab\n")
_COPY = ("Step 2/2 : COPY --from=new:1 /a /b", " ---> 0123456789ab\n")
_PULL = ("Pulling from library/new", "Status: Downloaded newer image for new:1")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ARG BASE=theirs\nFROM ${BASE}", {"given"}),
        ("ARG BASE=theirs\nARG MORE=$BASE\nFROM $MORE", {"given"}),
        # Whatever may be read in another way counts.
        ("ARG BASE=theirs\nENV BASE=theirs\nFROM ${BASE}", {"given", "theirs"}),
        ('ARG "BASE=theirs"\nFROM $BASE', {"given", "theirs"}),
        ("ENV A=1 \\\nBASE=theirs\nFROM $BASE", {"given", "theirs"}),
        ("ARG BASE=other MORE=theirs\nFROM $MORE", {"theirs"}),
    ],
)
def test_a_default_that_the_client_replaces_is_not_read(text: str, found: set[str]) -> None:
    assert {named.name for named in images(text, {"BASE": "given"})} == found


def test_images_that_come_while_a_build_runs() -> None:
    text = "ARG W=new\nFROM $W:1\nFROM new:1\nCOPY --from=new:1 /a /b\n"
    for lines in (_FROM, _COPY, ("Step 1/1 : FROM ${W}:1", _FROM[1])):
        with pytest.raises(Refused, match="was not here"):
            _say(Late(text, {}, ["new:1"], ()), *lines)
        late = Late(text, {}, ["new:1"], ())
        _say(late, lines[0], *_PULL, lines[1], *_COPY)
        assert late.pulled == {"docker.io/library/new:1"}
        _say(Late(text, {}, [], ()), *lines)
    # By its variable it could be the new one, and is one that the lab sees.
    _say(Late(text, {"W": "own"}, ["new:1"], ["0123456789ab"]), "Step 1/1 : FROM ${W}:1", _FROM[1])
    with pytest.raises(Refused):
        _say(Late(text, {}, ["new:1"], ["0123456789ab"]), *_COPY)
    _say(Late(text, {}, ["new:1"], ()), "Step 1/1 : RUN x", " ---> Running in 0123456789ab\n", " ---> 0123456789ab\n")


@pytest.mark.parametrize(
    ("name", "tag", "full"),
    [("web", "", "web"), ("web", "1", "web:1"), ("h:5000/web", "1", "h:5000/web:1"), ("web:1", "", "web:1"),
     ("web", "sha256:" + "a" * 64, "web@sha256:" + "a" * 64), ("web:1", "2", None), ("web:", "1", None),
     ("web:", "", None), ("web@sha256:" + "a" * 64, "1", None), ("web", "1:2", "web@1:2"), ("", "1", None),
     ("web ", "", None), ("WEB", "1", None), ("web", "a b", None)],
)  # fmt: skip
def test_a_name_and_a_tag(name: str, tag: str, full: str | None) -> None:
    if full is None:
        with pytest.raises(Refused):
            whole(name, tag)
    else:
        assert whole(name, tag) == full
