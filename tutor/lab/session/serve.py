"""Serving a lab: its sandbox, started and stopped with the lab's own files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.engine.routes import of_machine
from tutor.lab import open_labs
from tutor.lab.open_labs import OpenLab
from tutor.lab.session import engine as session_engine
from tutor.lab.session import setup as session_setup
from tutor.problems import Problem
from tutor.sandbox import swarm_mode
from tutor.sandbox.policy import Scope
from tutor.sandbox.proxy import Sandbox
from tutor.sandbox.trace import Trace

if TYPE_CHECKING:
    from tutor.engine.connect import Engine

TRACE = "trace.jsonl"
IMAGES = "sandbox.json"


def images_file(lab: str) -> Path:
    """The sandbox's record of images of a lab."""
    return open_labs.folder(lab) / IMAGES


def scope(record: OpenLab, allow: Iterable[str] = ()) -> Scope:
    """Who the lab is, and what its open step lets through.

    Raises:
        Problem: `cannot-write`, when this installation's id cannot be kept.
    """
    return Scope(
        lab=record.lab,
        owner=open_labs.installation(),
        images=frozenset(record.catalogue),
        folder=str(session_setup.workspace(record.lab)),
        allow=frozenset((*allow, "swarm") if record.swarm else allow),
    )


def start(engine: Engine, record: OpenLab, allow: Iterable[str] = (), trace: Trace | None = None) -> Sandbox:
    """Start a lab's sandbox; clients may connect when this returns. A lab with services finds a swarm then.

    Args:
        allow: What the open step lets through.
        trace: The trace to go on with; the lab's file is continued when left out.

    Raises:
        Problem: `no-socket`, when it cannot listen; `no-swarm`; `tls`.
    """
    upstream = session_engine.upstream(engine.address)
    if record.swarm:
        with open_labs.swarm_mode():
            swarm_mode.enter(upstream, scope(record).labels, open_labs.installation())
    socket = session_setup.socket(record.lab)
    trace = trace or Trace(open_labs.folder(record.lab) / TRACE)
    try:
        sandbox = Sandbox(
            upstream, scope(record, allow), socket, trace, images_file(record.lab),
            routes=lambda: of_machine(engine.address),
        )  # fmt: skip
        sandbox.start()
    except (OSError, ValueError) as error:
        trace.close()
        raise Problem(
            f"The sandbox cannot listen at {socket}: {error}.",
            "Set DOCKER_TUTOR_HOME to a folder with a short path that you may write to.",
            code="no-socket",
        ) from error
    return sandbox
