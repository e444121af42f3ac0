from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.sandbox import _strict, hostconfig, mounts
from tutor.sandbox.policy import SEAT_KEYS, Refused, Scope, missing, relabel
from tutor.sandbox.references import Record, familiar, has_tag, is_id, normal, repository

_SOCKET = "/tmp/s/docker.sock"


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    (tmp_path / "ws" / "in").mkdir(parents=True)
    (tmp_path / "ws" / "link").symlink_to("/etc")
    (tmp_path / "ws-not").mkdir()
    return Scope("22-aaaaaa", "me", frozenset(), str(tmp_path / "ws"))


def test_only_both_labels_make_an_object_the_labs(scope: Scope) -> None:
    assert scope.owns(scope.labels)
    assert not scope.owns({"docker-tutor.lab": "22-aaaaaa"})
    assert not scope.owns(scope.image_labels)
    assert not scope.owns({**scope.labels, "docker-tutor.lab": "22-aaaaab"})
    assert not scope.owns(None)
    assert scope.made_image(scope.image_labels)
    assert relabel({"a": "b", "docker-tutor.lab": "x"}, scope.labels) == {"a": "b", **scope.labels}


def test_a_seats_labels_stand_beside_those_of_its_labs(scope: Scope) -> None:
    seat = replace(scope, lab="s1", owner="r1", keys=SEAT_KEYS)
    both = relabel(relabel({"a": "b"}, scope.labels), seat.labels)
    assert scope.owns(both) and seat.owns(both)
    assert not seat.owns(scope.labels) and not scope.owns(seat.labels)
    assert not replace(seat, lab="s2").owns(both) and not replace(seat, owner="r2").owns(both)
    assert seat.owns(relabel({SEAT_KEYS[0]: "s2", SEAT_KEYS[1]: "r2"}, seat.labels))
    assert seat.made_image(seat.image_labels) and not seat.made_image(scope.image_labels)


@pytest.mark.parametrize("path", ["", "/", "/in", "/new", "/..", "/link"])
def test_a_seat_mounts_nothing_of_the_host(scope: Scope, path: str) -> None:
    seat = replace(scope, keys=SEAT_KEYS)
    with pytest.raises(Refused, match="does not have your files"):
        mounts.host_path(scope.folder + path, seat, _SOCKET, read_only=True)
    with pytest.raises(Refused, match="does not have your files"):
        mounts.check_driver("local", {"type": "none", "o": "bind", "device": scope.folder + path}, seat, _SOCKET)
    with pytest.raises(Refused, match="Docker socket"):
        mounts.host_path("/var/run/docker.sock", seat, _SOCKET, read_only=True)


@pytest.mark.parametrize("path", ["", "/", "/in", "/in/../in", "//in", "/./in", "/new/deeper"])
def test_paths_of_the_folder(scope: Scope, path: str) -> None:
    found = mounts.host_path(scope.folder + path, scope, _SOCKET, read_only=False)
    assert found == os.path.realpath(scope.folder + path)


@pytest.mark.parametrize("path", ["/link", "/link/ssh", "/in/../link", "/..", "-not", "/../ws-not", "/in/../../x"])
def test_paths_that_leave_the_folder(scope: Scope, path: str) -> None:
    with pytest.raises(Refused, match="mounts only its own folder"):
        mounts.host_path(scope.folder + path, scope, _SOCKET, read_only=True)


@given(st.lists(st.sampled_from(["..", ".", "in", "link", "", "a b", "x"]), max_size=12))
def test_no_spelling_leaves_the_folder(parts: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "ws"
        (place / "in").mkdir(parents=True)
        (place / "link").symlink_to("/")
        inside = Scope("22-a", "me", frozenset(), str(place))
        path = "/".join([str(place), *parts])
        try:
            found = mounts.host_path(path, inside, _SOCKET, read_only=False)
        except Refused:
            return
        assert found == str(place.resolve()) or found.startswith(f"{place.resolve()}/")


def test_read_only_exceptions(scope: Scope) -> None:
    allowed = scope.allowing("mount-readonly:/etc")
    assert mounts.host_path("/etc/hostname", allowed, _SOCKET, read_only=True) == os.path.realpath("/etc/hostname")
    with pytest.raises(Refused, match="read-only"):
        mounts.host_path("/etc/hostname", allowed, _SOCKET, read_only=False)
    with pytest.raises(Refused):
        mounts.host_path("/etcetera", allowed, _SOCKET, read_only=True)


def test_every_field_of_hostconfig_has_a_check_and_unknown_ones_are_refused(scope: Scope) -> None:
    assert hostconfig.check(dict.fromkeys(hostconfig.FIELDS), scope)
    with pytest.raises(Refused, match="does not know the field"):
        hostconfig.check({"Brandnew": 1}, scope)


@given(st.sampled_from(sorted(hostconfig.FIELDS)), st.data())
def test_case_does_not_hide_a_field(name: str, data: st.DataObject) -> None:
    spelled = "".join(data.draw(st.sampled_from((char.lower(), char.upper()))) for char in name)
    assert _strict.struct({spelled: 1}, hostconfig.FIELDS, "it") == {name: 1}
    if spelled != name:
        with pytest.raises(Refused, match="twice"):
            _strict.struct({spelled: 1, name: 2}, hostconfig.FIELDS, "it")


def test_letters_that_go_folds_together() -> None:
    assert _strict.struct({"\u017fhmSize": 1, "NetworMode".replace("r", "r\u212a"): 2}, hostconfig.FIELDS, "it") == {
        "ShmSize": 1, "NetworkMode": 2}  # fmt: skip


_PLAIN = st.none() | st.booleans() | st.integers() | st.text()


@given(st.recursive(_PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_json_is_read_and_written_alike(value: object) -> None:
    assert _strict.loads(_strict.dumps(value)) == value


@pytest.mark.parametrize(
    ("reference", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"), ("nginx:1", "docker.io/library/nginx:1"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/library/nginx:1", "docker.io/library/nginx:1"),
        ("me/app", "docker.io/me/app:latest"), ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/a/b:2", "localhost:5000/a/b:2"), ("ghcr.io/x/y", "ghcr.io/x/y:latest"),
        ("nginx@sha256:" + "a" * 64, "docker.io/library/nginx@sha256:" + "a" * 64),
        ("nginx:1@sha256:" + "a" * 64, "docker.io/library/nginx@sha256:" + "a" * 64), ("Not Valid", "Not Valid"),
    ],
)  # fmt: skip
def test_references(reference: str, full: str) -> None:
    assert normal(reference) == full
    assert normal(full) == full
    assert normal(familiar(full)) == full
    assert has_tag("a:1")
    assert not has_tag("localhost:5000/a")
    assert repository("nginx:1") == "docker.io/library/nginx"
    assert is_id("sha256:ab")
    assert not is_id("nginx")


def test_the_record_outlives_its_process(tmp_path: Path) -> None:
    record = Record.load(tmp_path / "r.json")
    before = record.made
    record.make("a:1", "sha256:1")
    assert before == {}  # whoever iterates over the old state is not disturbed
    record.make("b", "sha256:2", shared=True)
    record.borrow("c:1")
    record.own_cache(["x"])
    again = Record.load(tmp_path / "r.json")
    assert again.made == {"docker.io/library/a:1": "sha256:1", "docker.io/library/b:latest": "sha256:2"}
    assert again.images == {"sha256:1"}
    assert again.borrowed == {"docker.io/library/c:1"}
    assert again.cache == {"x"}
    again.forget("a:1", "c:1")
    assert Record.load(tmp_path / "r.json").references == {"docker.io/library/b:latest"}
    (tmp_path / "r.json").write_text("broken")
    assert Record.load(tmp_path / "r.json").made == {}


def test_missing_in_the_engines_words() -> None:
    assert missing("image", "nginx").message == "No such image: nginx:latest"
    assert missing("image", "localhost:5000/a").message == "No such image: localhost:5000/a:latest"
    assert missing("container", "x").status == 404
