"""What a build needs of the machine it runs on: where Debian's packages come from, certificates, the npm registry.

All of it is lent to a build for its steps (a mounted folder, a secret) and none of it stays in an image.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from tutor.engine._apt import Source, read_sources

# Where Debian is when the machine's own configuration does not say (https://www.debian.org/mirror/list).
ARCHIVE = "http://deb.debian.org/debian"
SECURITY = "http://deb.debian.org/debian-security"

_RELEASES = {"bullseye", "bookworm", "trixie", "forky", "sid", "stable", "oldstable", "testing"}
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
# How apt fetches, and nothing else of its configuration.
_FETCHING = re.compile(r"Acquire::(?:https?|Retries|ForceIPv[46]|Check-Valid-Until|Check-Date)\b")
_OF_HTTPS_FILES = re.compile(r"Acquire::https::(?:CaInfo|CAPath|SslCert|SslKey)\b", re.IGNORECASE)


def archive_lines(sources: Iterable[Source], suite: str, keyring: Path | None = None) -> list[str]:
    """apt's lines for a Debian release, from the archives this machine uses for its own (pure).

    Args:
        sources: The machine's sources, of whatever distribution.
        suite: The release that is wanted.
        keyring: The keys to check with; apt's own for None.
    """
    archive: tuple[str, Source] | None = None
    security: tuple[str, Source] | None = None
    updates = False
    for source in sources:
        for name in source.suites:
            release, _, pocket = name.replace("/", "-").partition("-")
            if release not in _RELEASES or "main" not in source.components:
                continue
            if not pocket:
                archive = archive or (source.uris[0], source)
            elif pocket == "updates":
                updates = True
            elif pocket == "security":
                security = security or (source.uris[0], source)
    if archive is None:
        plain = Source((), (), ())
        archive, security, updates = (ARCHIVE, plain), (SECURITY, plain), True
    lines = [_line(*archive, suite, keyring)]
    if updates and suite != "sid":
        lines.append(_line(*archive, f"{suite}-updates", keyring))
    if security and suite != "sid":
        lines.append(_line(*security, f"{suite}-security", keyring))
    return lines


def _line(uri: str, source: Source, suite: str, keyring: Path | None) -> str:
    options = [f"{name.lower()}={value}" for name, value in source.options if name in _KEPT and "\n" not in value]
    if keyring:
        options.append(f"signed-by={keyring}")
    inner = f"[{' '.join(options)}] " if options else ""
    return f"deb {inner}{uri} {suite} main"


_KEPT = ("Trusted", "Check-Valid-Until", "Check-Date", "Allow-Insecure")


def machine_lines(suite: str) -> list[str]:
    """The lines for a release on this machine, checked with Debian's own keys where they are installed."""
    rings = (Path("/usr/share/keyrings") / f"debian-archive-keyring.{kind}" for kind in ("pgp", "gpg"))
    return archive_lines(read_sources(), suite, next((ring for ring in rings if ring.is_file()), None))


def fetching(dump: str, *, inside: bool) -> str:
    """The part of apt's configuration that says how to fetch (pure).

    Args:
        dump: What `apt-config dump` prints.
        inside: For use in a build, where files of this machine do not exist: its certificates are in /machine.
    """
    lines = [line for line in dump.splitlines() if _FETCHING.match(line) and not line.endswith('"";')]
    if inside:
        lines = [line for line in lines if not _OF_HTTPS_FILES.match(line)]
        lines += [
            'Acquire::https::CaInfo "/machine/ca.pem";',
            'Dir::Etc::sourcelist "/machine/apt.list";',
            'Dir::Etc::sourceparts "-";',
        ]
    return "".join(f"{line}\n" for line in lines)


def apt_config() -> str:
    """What `apt-config dump` prints here; empty on a machine without apt."""
    program = shutil.which("apt-config")
    if program is None:
        return ""
    done = subprocess.run([program, "dump"], capture_output=True, text=True, check=False, timeout=30)
    return done.stdout if done.returncode == 0 else ""


def certificates(environ: Mapping[str, str] = os.environ) -> Path:
    """The certificates that this machine trusts, as one file."""
    for path in (environ.get("SSL_CERT_FILE"), *_BUNDLES):
        if path and Path(path).is_file():
            return Path(path)
    from requests.certs import where  # type: ignore[attr-defined]

    return Path(where())


def npm_settings(environ: Mapping[str, str] = os.environ, home: Path | None = None) -> str:
    """Which npm registry this machine uses and how it signs in there, as lines for an .npmrc; empty for npm's own."""
    kept = []
    for path in (Path("/etc/npmrc"), (home or Path.home()) / ".npmrc"):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        kept += [line.strip() for line in text.splitlines() if re.match(r"\s*(registry\s*=|//)", line)]
    told = environ.get("npm_config_registry") or environ.get("NPM_CONFIG_REGISTRY")
    if told:
        kept.append(f"registry={told}")
    return "".join(f"{line}\n" for line in kept)


def lend(folder: Path, helpers: Path, suite: str) -> None:
    """Fill the folder that a build mounts as /machine.

    Args:
        folder: To be made.
        helpers: The scripts that recipes use.
        suite: The Debian release of the image that is built on.
    """
    shutil.copytree(helpers, folder)
    for helper in folder.iterdir():
        helper.chmod(0o755)
    # Without a keyring: in the image apt trusts Debian's keys, and they are called differently in each release.
    lines = archive_lines(read_sources(), suite)
    (folder / "apt.list").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (folder / "apt.conf").write_text(fetching(apt_config(), inside=True), encoding="utf-8")
    shutil.copyfile(certificates(), folder / "ca.pem")
