"""Which certificates a hub may show: those that this machine trusts, and those that were given for this very hub.

What was given is kept, so that a seat comes back without being asked again. A certificate that signed itself counts
as well as one of an authority: rooms of laptops have no authority.
"""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from tutor import places
from tutor.problems import Problem

_MOST = 1_000_000  # bytes


def remember(link: str, file: Path) -> None:
    """Trust what is in a file for the hub of this link.

    Raises:
        Problem: `no-certificate`: it cannot be read, or holds none.
    """
    step = "It has to hold the certificate of the hub, or of the authority that signed it, as text (PEM)."
    try:
        text = file.read_bytes()[:_MOST].decode("ascii", errors="replace")
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise Problem(f"{file} holds no certificate.", step, code="no-certificate", status=2) from error
    except OSError as error:
        why = error.strerror or error
        raise Problem(f"{file} cannot be read ({why}).", step, code="no-certificate", status=2) from error
    kept = _kept(link)
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept.write_text(text, encoding="ascii", errors="replace")


def context(link: str) -> ssl.SSLContext | None:
    """How to speak with the hub of this link; None without TLS."""
    if urlsplit(link).scheme not in ("https", "wss"):
        return None
    made = ssl.create_default_context()
    kept = _kept(link)
    if kept.is_file():
        made.load_verify_locations(cadata=kept.read_text(encoding="ascii"))
        # The hub's own certificate may be what was given: it need not have signed itself.
        made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return made


def refusal(link: str, error: BaseException | None) -> Problem | None:
    """What is wrong between us and a hub where it is about TLS, in words; None where it is something else."""
    if isinstance(error, ssl.SSLCertVerificationError):
        mismatch = "mismatch" in error.verify_message.lower()
        step = (
            "Use the name that it is for, as the instructor's link has it."
            if mismatch
            else "Ask the instructor for it or its authority's, and name that file once: --ca FILE"
        )
        words = error.verify_message.rstrip(".")
        return Problem(f"The certificate that {link} shows is not trusted ({words}).", step, code="not-trusted")
    if isinstance(error, ssl.SSLError):
        step = "Compare the link with the projector: it may begin with http://."
        return Problem(f"What answers at {link} does not speak HTTPS.", step, code="no-hub")
    return None


def _kept(link: str) -> Path:
    name = hashlib.sha256(urlsplit(link).netloc.lower().encode()).hexdigest()[:32]
    return places.data() / "workshop-trust" / f"{name}.pem"
