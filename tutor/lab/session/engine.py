"""A session's way to its engine: the sandbox's connection, the World, the engine's clock."""

from __future__ import annotations

import ssl
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tutor.engine.address import EngineAddress, TlsFiles
from tutor.lab.observations import moment
from tutor.problems import Problem
from tutor.sandbox.upstream import EngineError, Upstream

if TYPE_CHECKING:
    from tutor.engine.connect import Engine
    from tutor.engine.world import World
    from tutor.sandbox.references import Record


def upstream(address: EngineAddress) -> Upstream:
    """Where the sandbox connects to reach the engine.

    Raises:
        Problem: `tls`, when the certificates cannot be read.
    """
    from tutor.engine.connect import reachable

    near = reachable(address)
    if near.unix_path is not None:
        return Upstream(unix=str(near.unix_path))
    host, port = near.endpoint
    return Upstream(host=host, port=port, tls=_tls(near.tls) if near.tls else None)


def take_world(
    engine: Engine, lab: str, record: Record, catalogue: Collection[str], previous: World | None = None
) -> World:
    """The World of a lab as it is now.

    Args:
        record: The sandbox's record of images.
        catalogue: References of the catalogue's images.
        previous: The World before, whose unchanged records are kept.

    Raises:
        Problem: `engine-gone`; `engine-refused`, when the engine answers with an error.
    """
    from tutor.engine.snapshot import take

    try:
        return take(
            engine,
            lab,
            previous,
            own_images={*record.made, *record.images},
            references={*catalogue, *record.borrowed},
        )
    except OSError as error:
        # The SDK's own errors are OSErrors too; what is lost on the way came as a Problem.
        raise refused(error) from error


def refused(error: OSError) -> Problem:
    """The engine answered, and it was no good."""
    words = getattr(error, "explanation", None) or str(error)
    return Problem(f"The engine said: {words}.", "See `docker tutor doctor`.", code="engine-refused")


@contextmanager
def asking(engine: Engine) -> Iterator[Upstream]:
    """Ask the engine without its SDK, as the sandbox does.

    Raises:
        Problem: `engine-gone`, `engine-refused`.
    """
    try:
        yield upstream(engine.address)
    except EngineError as error:
        raise Problem(
            f"The engine said: {error.message}.", "See `docker tutor doctor`.", code="engine-refused"
        ) from None
    except Problem as problem:
        if problem.code != "engine-unreachable":
            raise
        raise engine.gone() from problem


def clock_offset(engine: Engine) -> float:
    """By how many seconds the engine's clock is ahead of ours; 0 when it does not tell.

    Docker Desktop's virtual machine, or an engine on another machine, has a clock of its own.
    """
    before = time.time()
    try:
        told = moment(str(engine.api.info().get("SystemTime", "")))
    except OSError:
        return 0.0
    if told is None:
        return 0.0
    offset = told - (before + time.time()) / 2
    # Less than that is the time that the question took.
    return offset if abs(offset) > 1.0 else 0.0


def _tls(files: TlsFiles) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(files.ca) if files.ca else None)
        if files.cert and files.key:
            context.load_cert_chain(files.cert, files.key)
    except (OSError, ssl.SSLError) as error:
        raise Problem(
            f"The certificates in {files.folder} cannot be used: {error}.",
            "See `docker tutor doctor`.",
            code="tls",
        ) from error
    if not files.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
