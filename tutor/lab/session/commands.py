"""`docker tutor labs` and `docker tutor close`: the open labs in words, and their end."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from tutor.lab import open_labs, shell
from tutor.lab.open_labs import OpenLab
from tutor.lab.session import setup as session_setup
from tutor.problems import Problem

if TYPE_CHECKING:
    from tutor.engine.connect import Engine

Write = Callable[[str], object]
"""Takes a text with its line breaks, as `sys.stdout.write` does."""


def show(*, as_json: bool, write: Write) -> int:
    """Write the open labs, the latest first. Needs no engine.

    Returns:
        0.
    """
    records = open_labs.every()
    if as_json:
        write(json.dumps([_document(record) for record in records], indent=2) + "\n")
        return 0
    for record in records:
        write(f"{line(record)}\n")
    if not records:
        write("No lab is open.\n")
    return 0


def close(
    engine: Engine, wanted: Sequence[str], *, everything: bool = False, as_json: bool = False, write: Write
) -> int:
    """Close open labs and write their receipts.

    Args:
        wanted: Lab ids, or numbers of chapters.
        everything: Close all on this engine that nobody serves.

    Returns:
        0 when nothing is left of them, else 1.

    Raises:
        Problem: `no-such-lab`, `lab-in-use`, `wrong-engine`, `engine-gone`; `bad-usage`, when none is named.
    """
    from tutor.lab.session.close import close_lab

    left = open_labs.orphans() if everything else ()
    here_only = {"", engine.address.host}  # a record that is damaged does not tell where its lab is
    chosen = [record.lab for record in left if record.engine in here_only] if everything else choose(wanted)
    if not chosen and not everything:
        raise Problem("Which lab?", "Give a lab's id or a chapter; see: docker tutor labs", code="bad-usage", status=2)
    receipts = [close_lab(engine, lab) for lab in chosen]
    if as_json:
        documents = [
            {"lab": receipt.lab, "removed": receipt.removed, "left": receipt.left, "clean": receipt.clean}
            for receipt in receipts
        ]
        write(json.dumps(documents, indent=2) + "\n")
    for receipt in () if as_json else receipts:
        write(f"closed   lab {receipt.lab}\n" + "".join(f"{text}\n" for text in receipt.words()))
    for record in () if as_json else left:
        if record.engine not in here_only:
            write(f"left     lab {record.lab}: it is on the engine at {record.engine}\n")
    return 0 if all(receipt.clean for receipt in receipts) else 1


def choose(wanted: Sequence[str]) -> list[str]:
    """The ids of the labs that are named by id or by chapter.

    Raises:
        Problem: `no-such-lab`.
    """
    records = open_labs.every()
    chosen: dict[str, None] = {}
    for word in wanted:
        fits = [r.lab for r in records if r.lab == word or (word.isdigit() and r.chapter == int(word))]
        if not fits:
            raise open_labs.no_such_lab(word)
        chosen.update(dict.fromkeys(fits))
    return list(chosen)


def here(environ: Mapping[str, str] | None = None) -> OpenLab | None:
    """The open lab in whose shell this process runs; None outside of a lab's shell."""
    lab = (os.environ if environ is None else environ).get(shell.LAB, "")
    try:
        return open_labs.read(lab) if lab else None
    except Problem:
        return None


def line(record: OpenLab) -> str:
    """An open lab in one line."""
    step = f"step {record.step}" if record.step else "no step yet"
    return f"{record.lab}  chapter {record.chapter:<2}  {step:<28}  {_state(record)}, opened {_ago(record.opened)}"


def _state(record: OpenLab) -> str:
    if open_labs.is_served(record.lab):
        return f"in use by process {record.pid}"
    return "left" if record.keep and record.state == "open" else "to be closed"


def _ago(moment: float) -> str:
    minutes = max(0, int((time.time() - moment) / 60))
    if not moment:
        return "at an unknown time"
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"


def _document(record: OpenLab) -> dict[str, object]:
    served = open_labs.is_served(record.lab)
    return {
        "lab": record.lab,
        "chapter": record.chapter,
        "section": record.section,
        "step": record.step,
        "engine": record.engine,
        "opened": record.opened,
        "served": served,
        "pid": record.pid if served else None,
        "resumable": record.keep and record.state == "open",
        "workspace": str(session_setup.workspace(record.lab)),
        "socket": str(session_setup.socket(record.lab)) if served else None,
    }
