"""A room's mirror: a real registry that serves and takes nothing, and what its reader makes of true and false bytes."""

from __future__ import annotations

import http.client
import io
import json
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.images.stocked import IMAGE, INDEX, MANIFEST, NEEDED, Stocked, digest
from tutor.engine import room_mirror
from tutor.engine.images import fetch
from tutor.engine.images.progress import silent
from tutor.engine.images.registry_api import Reader
from tutor.problems import Problem

pytestmark = NEEDED


@pytest.fixture
def stocked(home: Path) -> Iterator[Stocked]:
    with room_mirror.filling() as (storage, address):
        yield Stocked(address, storage)


def blobs(reader: Reader, folder: Path) -> fetch._Blobs:
    folder.mkdir()
    return fetch._Blobs(reader, IMAGE, folder, silent)


def test_the_room_reads_and_nobody_in_it_writes(stocked: Stocked, tmp_path: Path) -> None:
    with room_mirror.serving(stocked.storage) as mirror:
        reader = Reader(f"127.0.0.1:{mirror.port}")
        assert reader.answers
        manifest = reader.manifest("library/thing", "1")
        assert manifest and manifest.digest == digest(stocked.manifest)
        config, layers = blobs(reader, tmp_path / "a").get(manifest.digest, "amd64")
        assert config.read_bytes() == stocked.config and [one.read_bytes() for one in layers] == [stocked.layer]
        # What is on the disk can be loaded: the list names every file that is in it.
        archive = b"".join(fetch._archive("thing:1", config, layers))
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            listed = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
            assert {listed[0]["Config"], *listed[0]["Layers"], "manifest.json"} == set(tar.getnames())
            assert listed[0]["RepoTags"] == ["thing:1"]

        served = Stocked.__new__(Stocked)
        served.address = reader.address
        assert served.ask("POST", "/v2/library/thing/blobs/uploads/")[0] == 405
        assert served.ask("PUT", "/v2/library/thing/manifests/1", stocked.manifest, MANIFEST)[0] == 405
        assert served.ask("DELETE", f"/v2/library/thing/manifests/{manifest.digest}")[0] == 405
        assert reader.manifest("library/thing", "1") == manifest
    assert not reader.answers  # it ends with whoever serves


def test_a_port_that_is_taken_and_a_tutor_that_was_killed(stocked: Stocked) -> None:
    script = (
        "import pathlib, sys, time; from tutor.engine import room_mirror\n"
        "with room_mirror.serving(pathlib.Path(sys.argv[1])) as mirror: print(mirror.port, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", script, str(stocked.storage)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        port = int(killed.stdout.readline())
        killed.kill()
    assert Reader(f"127.0.0.1:{port}").answers  # it survived the tutor
    said: list[str] = []
    with room_mirror.serving(stocked.storage, port, said.append) as mirror:
        assert mirror.port == port and Reader(f"127.0.0.1:{port}").answers
    assert not Reader(f"127.0.0.1:{port}").answers
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with (
            pytest.raises(Problem, match=f"Port {taken} is taken"),
            room_mirror.serving(stocked.storage, taken, said.append),
        ):
            pass
    assert said == []


def test_other_bytes_than_the_hub_tells_are_refused(stocked: Stocked, tmp_path: Path) -> None:
    reader, told = Reader(stocked.address), digest(stocked.manifest)
    with pytest.raises(Problem, match="not what the workshop uses"):  # another image under the name
        other = json.dumps({**json.loads(stocked.manifest), "layers": []}).encode()
        stocked.put("1", other, MANIFEST)
        stocked.file_of(stocked.manifest).write_bytes(other)
        blobs(reader, tmp_path / "manifest").get(told, "amd64")
    stocked.file_of(stocked.manifest).write_bytes(stocked.manifest)
    for number, bad in enumerate((stocked.layer[:-1] + b"x", stocked.layer + b"more", stocked.layer[:-5])):
        stocked.file_of(stocked.layer).write_bytes(bad)
        with pytest.raises(Problem, match="not what the workshop uses") as caught:
            blobs(reader, tmp_path / f"layer{number}").get(told, "amd64")
        assert caught.value.code == "wrong-digest"
    stocked.file_of(stocked.layer).write_bytes(stocked.layer)
    assert blobs(reader, tmp_path / "good").get(told, "amd64")


def test_an_image_for_several_machines_and_for_another_one(stocked: Stocked, tmp_path: Path) -> None:
    reader = Reader(stocked.address)
    part = {"mediaType": MANIFEST, "size": len(stocked.manifest), "digest": digest(stocked.manifest)}
    index = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [{**part, "platform": {"architecture": "amd64", "os": "linux"}}],
        }
    ).encode()
    stocked.put("all", index, INDEX)
    config, _ = blobs(reader, tmp_path / "a").get(digest(index), "amd64")
    assert config.read_bytes() == stocked.config
    for told in (digest(index), digest(stocked.manifest)):
        with pytest.raises(Problem, match="not for arm64"):
            blobs(reader, tmp_path / told.partition(":")[2]).get(told, "arm64")


def test_a_blob_that_breaks_off_is_gone_on_with(stocked: Stocked, tmp_path: Path) -> None:
    asked: list[int] = []

    class Breaking(Reader):
        """Its answers end after 200,000 bytes, as when a network is lost."""

        def blob(self, path: str, name: str, begin: int, patience: float) -> http.client.HTTPResponse:
            answer = super().blob(path, name, begin, patience)
            if name == digest(stocked.layer):
                asked.append(begin)
                whole, given = answer.read, 0

                def read(amount: int | None = None) -> bytes:
                    nonlocal given
                    if given >= 200_000:
                        raise ConnectionResetError
                    piece = whole(min(amount or 1, 200_000 - given))
                    given += len(piece)
                    return piece

                answer.read = read  # type: ignore[method-assign, assignment]
            return answer

    _, layers = blobs(Breaking(stocked.address), tmp_path / "a").get(digest(stocked.manifest), "amd64")
    assert layers[0].read_bytes() == stocked.layer
    assert asked == [0, 200_000, 400_000, 600_000]


def test_who_does_not_answer_and_what_is_no_address(home: Path) -> None:
    assert not Reader("127.0.0.1:1").answers
    with pytest.raises(Problem, match="No registry answers"):
        Reader("127.0.0.1:1").manifest("library/thing", "1")
    for wrong in ("", "host", "host:", "host:70/../x", "http://host:70", "a b:70", "host:70\r\nx"):
        with pytest.raises(Problem) as caught:
            Reader(wrong)
        assert caught.value.code == "bad-registry"
