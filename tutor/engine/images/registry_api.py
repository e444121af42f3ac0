"""What a registry is asked by HTTP (https://distribution.github.io/distribution/spec/api/)."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tutor.problems import Problem

_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
_TIMEOUT = 20.0
_MOST = 1 << 24  # bytes of an answer


@dataclass(frozen=True)
class Manifest:
    """What a registry has under a tag.

    Attributes:
        body: The manifest as it was stored.
        kind: Its media type.
        digest: Its digest.
        config: Digest of the image's configuration, which is the image's id on most engines; empty for an index.
    """

    body: bytes
    kind: str
    digest: str
    config: str


class Reader:
    """A registry that is only read, without TLS: whoever reads it compares digests.

    Args:
        address: `HOST:PORT`.

    Raises:
        Problem: `bad-registry`: that is no address.
    """

    def __init__(self, address: str) -> None:
        if not re.fullmatch(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}", address):
            step = "It looks like 192.0.2.7:5000."
            raise Problem(f"{address!r} is not the address of a registry.", step, code="bad-registry", status=2)
        self.address = address

    @property
    def answers(self) -> bool:
        """Whether a registry answers there."""
        try:
            return "docker-distribution-api-version" in self._ask("GET", "/v2/", {})[1]
        except Problem:
            return False

    def manifest(self, path: str, tag: str) -> Manifest | None:
        """What is stored under a tag or a digest; None for nothing.

        Raises:
            Problem: `no-registry`: it does not answer.
        """
        status, headers, body = self._ask("GET", f"/v2/{path}/manifests/{tag}", {"Accept": ", ".join(_MANIFESTS)})
        if status != 200:
            return None
        config = json.loads(body).get("config") or {}
        kind = headers.get("content-type", "").partition(";")[0]
        return Manifest(body, kind, headers.get("docker-content-digest", ""), config.get("digest", ""))

    def labels(self, path: str, manifest: Manifest) -> dict[str, str]:
        """The labels of a stored image; none where they cannot be told."""
        if not manifest.config:
            return {}
        status, _, body = self._ask("GET", f"/v2/{path}/blobs/{manifest.config}", {})
        return (json.loads(body).get("config") or {}).get("Labels") or {} if status == 200 else {}

    def blob(self, path: str, digest: str, begin: int, patience: float) -> http.client.HTTPResponse:
        """A stored blob from a byte on, to be read and closed.

        Raises:
            FileNotFoundError: There is none.
            ConnectionError, TimeoutError, HTTPException: It does not answer, or not as it should.
        """
        connection = http.client.HTTPConnection(self.address, timeout=patience)
        try:
            ranged = {"Range": f"bytes={begin}-"} if begin else {}
            connection.request("GET", f"/v2/{path}/blobs/{digest}", headers={**ranged, "Connection": "close"})
            answer = connection.getresponse()
        except OSError as error:
            connection.close()
            raise ConnectionError from error
        if answer.status == 404:
            raise FileNotFoundError
        if answer.status != (206 if begin else 200):
            raise http.client.HTTPException(f"status {answer.status}")
        return answer

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.address, timeout=_TIMEOUT)
        try:
            connection.request(method, url, body=body, headers=dict(headers))
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read(_MOST)
        except (OSError, http.client.HTTPException) as error:
            raise self.silent from error
        finally:
            connection.close()

    @property
    def silent(self) -> Problem:
        """It does not answer."""
        step = "Look whether you are in the same network, and ask whoever runs it."
        return Problem(f"No registry answers at {self.address}.", step, code="no-registry")


class Registry(Reader):
    """One registry that is written to: on loopback only.

    Args:
        address: `127.0.0.1:PORT` (or `localhost:PORT`).

    Raises:
        Problem: `bad-registry`: the address is not on loopback.
    """

    def __init__(self, address: str) -> None:
        name, colon, port = address.rpartition(":")
        loopback = name == "localhost" or re.fullmatch(r"127(\.\d{1,3}){3}", name)
        if not colon or not loopback or not port.isdecimal():
            raise Problem(
                f"{address!r} is not a registry on this machine.",
                "Give its address as 127.0.0.1:PORT; `docker tutor engine status` tells that of the private engine.",
                code="bad-registry",
                status=2,
            )
        self.address = address

    def set_tag(self, path: str, tag: str, manifest: Manifest) -> None:
        """Store a manifest under a further tag.

        Raises:
            Problem: `no-registry`.
        """
        status, _, body = self._ask(
            "PUT", f"/v2/{path}/manifests/{tag}", {"Content-Type": manifest.kind}, manifest.body
        )
        if status not in (200, 201, 202):
            raise Problem(
                f"The registry at {self.address} did not take {path}:{tag}: {body[:200].decode(errors='replace')}",
                "Its log says more.",
                code="no-registry",
            )

    @property
    def silent(self) -> Problem:
        """It does not answer."""
        step = "`docker tutor engine up` starts the private engine with one."
        return Problem(f"No registry answers at {self.address}.", step, code="no-registry")
