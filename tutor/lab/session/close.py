"""Ending labs: an open one, one whose tutor died, and what is left of one that nobody knows any more."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from tutor.lab import open_labs
from tutor.lab.open_labs import OpenLab, Serving
from tutor.lab.session import engine as session_engine
from tutor.lab.session import serve as session_serve
from tutor.lab.session import setup as session_setup
from tutor.lab.session import workspace as session_workspace
from tutor.problems import Problem
from tutor.sandbox import claims, cleanup
from tutor.sandbox.claims import Claims
from tutor.sandbox.policy import LAB, OWNER
from tutor.sandbox.receipt import Receipt

if TYPE_CHECKING:
    from tutor.engine.connect import Engine


@dataclass(frozen=True)
class Recovery:
    """What the start of a tutor found of earlier ones.

    Attributes:
        closed: Receipts of labs that could only be closed, and now are.
        left: Labs that nobody serves and that their learner may go on with, the latest first: fronts ask.
        elsewhere: Labs on another engine.
    """

    closed: tuple[Receipt, ...] = ()
    left: tuple[OpenLab, ...] = ()
    elsewhere: tuple[OpenLab, ...] = ()


def close_lab(engine: Engine, lab: str) -> Receipt:
    """Close an open lab that no process serves: everything it made goes.

    Raises:
        Problem: `no-such-lab`; `lab-in-use`; `wrong-engine`; `engine-gone`: the lab stays to be closed later.
    """
    if not open_labs.folder(lab).is_dir():
        raise open_labs.no_such_lab(lab)
    serving = Serving(lab)
    try:
        # A damaged record tells neither its engine nor anything else but its id.
        record = open_labs.read(lab) or _unknown(engine, lab)
        if record.engine != engine.address.host:
            raise wrong_engine(record)
        record = replace(record, state="closing")
        open_labs.write(record)
        return finish(engine, record)
    finally:
        serving.release()


def recover(engine: Engine) -> Recovery:
    """Clean up after tutors that died on this engine: close what cannot be gone on with, and tell what can.

    Labs that another process serves are left alone.

    Raises:
        Problem: `engine-gone`.
    """
    closed, left, elsewhere = [], [], []
    for record in open_labs.orphans():
        if record.engine and record.engine != engine.address.host:
            elsewhere.append(record)
        elif record.keep and record.state == "open":
            left.append(record)
        else:
            try:
                closed.append(close_lab(engine, record.lab))
            except Problem as problem:
                # Another tutor that starts at the same time may be at it, or done with it.
                if problem.code not in {"lab-in-use", "no-such-lab"}:
                    raise
    closed += _strays(engine)
    return Recovery(tuple(closed), tuple(left), tuple(elsewhere))


def finish(engine: Engine, record: OpenLab) -> Receipt:
    """Remove what a lab has made and then its folder; for who has the right to serve it.

    Raises:
        Problem: `engine-gone`: the folder stays, so that the lab can be closed later.
    """
    receipt = _remove_objects(engine, record)
    _release(engine, record.lab)
    left = open_labs.forget(record.lab)
    if left:
        # Files that a container wrote as root, where the learner is not root: a container can remove them.
        empty_by_container(engine, record, session_setup.workspace(record.lab))
        left = open_labs.forget(record.lab)
    shutil.rmtree(session_setup.socket(record.lab).parent, ignore_errors=True)
    return _with_left(receipt, left)


def empty(engine: Engine, record: OpenLab) -> Receipt:
    """Remove what a lab has made and what is in its workspace; the lab stays open. Its sandbox must not run.

    Raises:
        Problem: `engine-gone`.
    """
    receipt = _remove_objects(engine, record)
    workspace = session_setup.workspace(record.lab)
    left = session_workspace.clear(workspace)
    if left:
        empty_by_container(engine, record, workspace)
        left = session_workspace.clear(workspace)
    return _with_left(receipt, left)


def empty_by_container(engine: Engine, record: OpenLab, folder: Path) -> None:
    """Empty a folder by a container that runs as root; nothing happens where that cannot be done."""
    from tutor.engine.images import resolve

    api: Any = engine.api
    labels = {LAB: record.lab, OWNER: open_labs.installation()}
    with contextlib.suppress(OSError, Problem):
        container = api.create_container(
            image=resolve("shell"),
            command=["sh", "-c", "rm -rf /work/..?* /work/.[!.]* /work/*"],
            user="0",
            labels=labels,
            host_config=api.create_host_config(binds=[f"{folder}:/work"], network_mode="none"),
        )["Id"]
        try:
            api.start(container)
            api.wait(container, timeout=60)
        finally:
            api.remove_container(container, force=True)


def wrong_engine(record: OpenLab) -> Problem:
    """The lab is not on the engine that is connected."""
    return Problem(
        f"Lab {record.lab} is on the engine at {record.engine}.",
        f"Use that engine: DOCKER_HOST={record.engine}",
        code="wrong-engine",
    )


def _remove_objects(engine: Engine, record: OpenLab) -> Receipt:
    with open_labs.swarm_mode() if record.swarm else contextlib.nullcontext(), session_engine.asking(engine) as way:
        return cleanup.close(
            way,
            record.lab,
            open_labs.installation(),
            session_serve.images_file(record.lab),
            record.census,
            # A lab that never had services says nothing about a swarm.
            keep_swarm=not record.swarm or open_labs.shares_swarm(record.lab, engine.address.host),
        )


def _release(engine: Engine, lab: str) -> None:
    with session_engine.asking(engine) as way:
        Claims(way, lab, open_labs.installation()).release()


def _unknown(engine: Engine, lab: str) -> OpenLab:
    """A record for a lab of which nothing is known but its id; it may have had a swarm."""
    return OpenLab(lab=lab, chapter=int(lab[:2]), engine=engine.address.host, swarm=True)


def _strays(engine: Engine) -> list[Receipt]:
    """Close what carries a label of this installation and has no folder any more: a removed data folder, a crash."""
    with session_engine.asking(engine) as upstream:
        owner = open_labs.installation()
        found = cleanup.leftovers(upstream, owner).keys() | claims.held(upstream, owner)
    receipts = []
    for lab in sorted(found):
        try:
            known = open_labs.folder(lab).is_dir()
        except Problem:
            continue  # No lab id of ours, whatever its label says.
        if not known:
            receipts.append(_remove_objects(engine, _unknown(engine, lab)))
            _release(engine, lab)
            open_labs.forget(lab)  # Removing keeps notes in the lab's folder, which makes it anew.
    # The swarm of a lab that is closed goes on for another one, and is no news.
    return [receipt for receipt in receipts if receipt.removed or receipt.left]


def _with_left(receipt: Receipt, left: Sequence[Path]) -> Receipt:
    if not left:
        return receipt
    return dataclasses.replace(receipt, left=(*receipt.left, *(f"file {path}: it cannot be removed" for path in left)))
