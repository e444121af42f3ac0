"""Certificates for tests: an authority of the test's own, and what it signs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

NEEDED = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def _openssl(*arguments: str | Path, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True, timeout=60).stdout


class Authority:
    """Signs certificates.

    Args:
        folder: Where its files and theirs are.
        name: What it is called.
    """

    def __init__(self, folder: Path, name: str = "Room") -> None:
        self.folder, self.name = folder, name
        self.file, self._key = folder / f"{name}.pem", folder / f"{name}.key"
        new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
        _openssl(*new, "-subj", f"/CN={name}", "-keyout", self._key, "-out", self.file)

    def sign(self, *names: str) -> tuple[Path, Path]:
        """A certificate for these names (`DNS:…`, `IP:…`) and its key."""
        stem = f"{self.name}-{names[0].partition(':')[2]}"
        certificate, key, asked, more = (self.folder / f"{stem}.{end}" for end in ("pem", "key", "csr", "ext"))
        new = ("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        _openssl(*new, "-subj", "/CN=hub", "-keyout", key, "-out", asked)
        more.write_text(f"subjectAltName={','.join(names)}\n")
        by = ("-CA", self.file, "-CAkey", self._key, "-CAcreateserial", "-days", "2", "-extfile", more)
        _openssl("x509", "-req", "-in", asked, *by, "-out", certificate)
        return certificate, key


def pin(certificate: Path) -> str:
    """What a browser calls the certificate's key: SHA-256 of it, in base64."""
    public = _openssl("x509", "-in", certificate, "-pubkey", "-noout")
    raw = _openssl("pkey", "-pubin", "-outform", "der", given=public)
    return _openssl("base64", given=_openssl("dgst", "-sha256", "-binary", given=raw)).decode().strip()
