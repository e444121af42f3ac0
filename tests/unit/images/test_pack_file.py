"""A pack is checked from end to end: what is foreign, damaged or tricky is refused in words, and not loaded."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.engine.images import pack_file
from tutor.engine.images.pack_file import INDEX, Packed
from tutor.problems import Problem

ONE = Packed(role="one", reference="x/one:1", name="docker-tutor-pack/one:abc", id="sha256:abc", size=3)


def quiet(_: int) -> None:
    """No progress."""


def saved(names: list[str], **more: bytes) -> io.BytesIO:
    """What an engine's save gives, in small."""
    manifest: list[dict[str, Any]] = [{"Config": "blobs/sha256/1", "RepoTags": names, "Layers": ["blobs/sha256/2"]}]
    files = {
        "blobs/sha256/1": b"{}",
        "blobs/sha256/2": bytes(range(256)) * 40,
        "manifest.json": json.dumps(manifest).encode(),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        folder = tarfile.TarInfo("blobs")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, content in (files | more).items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def make(path: Path, names: list[str] | None = None, **more: bytes) -> Path:
    with path.open("wb") as out:
        pack_file.write(out, saved([ONE.name] if names is None else names, **more), "amd64", (ONE,), quiet)
    return path


def refused(path: Path) -> Problem:
    with pytest.raises(Problem) as caught:
        pack_file.verify(path, quiet)
    assert str(path) in caught.value.sentence
    assert caught.value.next_step
    return caught.value


def test_what_is_written_is_read(tmp_path: Path) -> None:
    index = pack_file.verify(make(tmp_path / "p"), quiet)
    assert index.images == (ONE,)
    assert index.architecture == "amd64"
    assert set(index.members) == {"blobs/sha256/1", "blobs/sha256/2", "manifest.json"}


def test_the_same_images_give_the_same_file(tmp_path: Path) -> None:
    assert make(tmp_path / "a").read_bytes() == make(tmp_path / "b").read_bytes()


def test_docker_load_finds_its_files_in_it(tmp_path: Path) -> None:
    with tarfile.open(make(tmp_path / "p"), "r:gz") as tar:
        assert tar.getnames()[-1] == INDEX
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        assert json.load(manifest)[0]["RepoTags"] == [ONE.name]


def test_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "foreign"
    for content in (
        b"",
        b"hello",
        gzip.compress(b"hello"),
        saved(["nginx:1.26"]).read(),
        gzip.compress(saved([]).read()),
    ):
        path.write_bytes(content)
        assert refused(path).code in ("not-a-pack", "pack-damaged"), content[:20]
    assert refused(tmp_path / "nothing").code == "no-file"
    assert refused(tmp_path).code == "no-file"


@settings(max_examples=200)
@given(cut=st.integers(min_value=1, max_value=100_000))
def test_a_pack_that_ends_too_early(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = make(tmp_path_factory.mktemp("p") / "p")
    whole = path.read_bytes()
    path.write_bytes(whole[: -(cut % len(whole)) or -1])
    assert refused(path).code in ("pack-damaged", "not-a-pack")


@settings(max_examples=300)
@given(place=st.integers(min_value=0, max_value=100_000), bit=st.integers(0, 7))
def test_a_flipped_bit(tmp_path_factory: pytest.TempPathFactory, place: int, bit: int) -> None:
    path = make(tmp_path_factory.mktemp("p") / "p")
    whole = path.read_bytes()
    raw = bytearray(whole)
    raw[place % len(raw)] ^= 1 << bit
    path.write_bytes(raw)
    try:
        index = pack_file.verify(path, quiet)
    except Problem as problem:
        assert problem.code in ("pack-damaged", "not-a-pack", "pack-too-new", "no-file")
    else:
        # Some bits say nothing about the content: in gzip's header, and where a run of zeros may be said in two ways.
        assert gzip.decompress(raw) == gzip.decompress(whole)
        assert index.images == (ONE,)


def test_a_pack_that_would_take_the_learners_names(tmp_path: Path) -> None:
    problem = refused(make(tmp_path / "p", ["nginx:1.26"]))
    assert problem.code == "not-a-pack"
    assert "nginx:1.26" in problem.sentence
    oci = {"manifests": [{"annotations": {"io.containerd.image.name": "docker.io/library/ubuntu:24.04"}}]}
    problem = refused(make(tmp_path / "q", [ONE.name], **{"index.json": json.dumps(oci).encode()}))
    assert "ubuntu:24.04" in problem.sentence
    problem = refused(make(tmp_path / "r", [ONE.name], repositories=b'{"redis": {"8.0": "x"}}'))
    assert "redis:8.0" in problem.sentence


def test_the_private_names_of_an_oci_index_are_fine(tmp_path: Path) -> None:
    oci = {"manifests": [{"annotations": {"io.containerd.image.name": f"docker.io/{ONE.name}"}}, {}]}
    pack_file.verify(make(tmp_path / "p", **{"index.json": json.dumps(oci).encode()}), quiet)


def test_a_changed_index(tmp_path: Path) -> None:
    def with_index(change: dict[str, Any] | bytes) -> Path:
        with tarfile.open(make(tmp_path / "p"), "r:gz") as old, tarfile.open(tmp_path / "q", "w:gz") as new:
            for member in old:
                content = old.extractfile(member)
                raw = content.read() if content else b""
                if member.name == INDEX:
                    raw = change if isinstance(change, bytes) else json.dumps(json.loads(raw) | change).encode()
                    member.size = len(raw)
                new.addfile(member, io.BytesIO(raw) if content else None)
        return tmp_path / "q"

    assert refused(with_index({"version": 99})).code == "pack-too-new"
    assert refused(with_index({"members": {}})).code == "pack-damaged"
    assert refused(with_index({"images": "none"})).code == "pack-damaged"
    assert refused(with_index(b"[1]")).code == "pack-damaged"
    assert refused(with_index(b"{")).code == "pack-damaged"
    stranger = {"role": "one", "reference": "x", "name": "nginx:1.26", "id": "x", "size": 1}
    assert refused(with_index({"images": [stranger]})).code == "pack-damaged"
