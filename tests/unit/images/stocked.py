"""A real registry with one small image, made of bytes: no engine is needed."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest

from tutor.engine.images.catalogue_file import Build, Image

NEEDED = pytest.mark.skipif(
    shutil.which("docker-registry") is None, reason="docker-registry is not installed (Debian: apt-get install it)"
)
IMAGE = Image(
    role="thing", reference="thing:1", about="A thing.", chapters=(1,), size_mb=1, build=Build(suite="trixie")
)
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Stocked:
    """A registry with one image, and where its files are."""

    def __init__(self, address: str, storage: Path, path: str = "library/thing") -> None:
        self.address, self.storage, self.path = address, storage, path
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            entry = tarfile.TarInfo("hello")
            entry.size = 600_000
            tar.addfile(entry, io.BytesIO(bytes(range(256)) * 2344))
        self.layer = gzip.compress(packed.getvalue(), 0, mtime=0)
        rootfs = {"type": "layers", "diff_ids": [digest(packed.getvalue())]}
        self.config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}).encode()
        parts = [{"mediaType": "x", "size": len(part), "digest": digest(part)} for part in (self.config, self.layer)]
        parts[0]["mediaType"] = "application/vnd.docker.container.image.v1+json"
        parts[1]["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.gzip"
        told = {"schemaVersion": 2, "mediaType": MANIFEST, "config": parts[0], "layers": [parts[1]]}
        self.manifest = json.dumps(told).encode()
        for part in (self.config, self.layer):
            self.put_blob(part)
        self.put("1", self.manifest, MANIFEST)

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "") -> tuple[int, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.request(method, path, body, {"Content-Type": kind} if kind else {})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, answer.headers

    def put_blob(self, content: bytes) -> None:
        status, headers = self.ask("POST", f"/v2/{self.path}/blobs/uploads/")
        assert status == 202
        path = headers["Location"].partition(self.address)[2]
        joined = "&" if "?" in path else "?"
        kind = "application/octet-stream"
        assert self.ask("PUT", f"{path}{joined}digest={digest(content)}", content, kind)[0] == 201

    def put(self, tag: str, manifest: bytes, kind: str) -> None:
        assert self.ask("PUT", f"/v2/{self.path}/manifests/{tag}", manifest, kind)[0] == 201

    def file_of(self, content: bytes) -> Path:
        """Where the registry keeps a blob."""
        (found,) = self.storage.rglob(f"{digest(content).partition(':')[2]}/data")
        return found
