"""The open labs in words and as JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tutor.lab import open_labs
from tutor.lab.open_labs import OpenLab, Serving
from tutor.lab.session import commands as session_commands
from tutor.problems import Problem


def _record(lab: str, **fields: object) -> None:
    open_labs.folder(lab).mkdir()
    values = {"state": "open", "opened": time.time() - 180, **fields}
    open_labs.write(OpenLab(lab=lab, chapter=int(lab[:2]), **values))  # type: ignore[arg-type]


def test_open_labs_are_listed_with_what_can_be_done(home: Path) -> None:
    written: list[str] = []
    session_commands.show(as_json=False, write=written.append)
    assert written == ["No lab is open.\n"]
    _record("22-3fa9c1", step="publish", pid=77)
    _record("05-000001", keep=False, opened=0.0)
    serving = Serving("22-3fa9c1")
    written.clear()
    session_commands.show(as_json=False, write=written.append)
    assert (
        "22-3fa9c1  chapter 22  step publish" in written[0] and "in use by process 77, opened 3 min ago" in written[0]
    )
    assert "no step yet" in written[1] and "to be closed, opened at an unknown time" in written[1]
    serving.release()
    written.clear()
    session_commands.show(as_json=True, write=written.append)
    first, second = json.loads("".join(written))
    assert (first["lab"], first["served"], first["resumable"], first["pid"]) == ("22-3fa9c1", False, True, None)
    assert (second["lab"], second["resumable"]) == ("05-000001", False)


def test_labs_are_chosen_by_id_or_chapter(home: Path) -> None:
    for lab in ("22-3fa9c1", "22-3fa9c2", "05-000001"):
        _record(lab)
    assert sorted(session_commands.choose(["22"])) == ["22-3fa9c1", "22-3fa9c2"]
    assert session_commands.choose(["05-000001", "5"]) == ["05-000001"]
    with pytest.raises(Problem) as caught:
        session_commands.choose(["7"])
    assert caught.value.code == "no-such-lab"


def test_a_process_knows_in_whose_shell_it_runs(home: Path) -> None:
    _record("22-3fa9c1")
    record = session_commands.here({"DOCKER_TUTOR_LAB": "22-3fa9c1"})
    assert record and record.lab == "22-3fa9c1"
    for value in ("", "22-000000", "../.."):
        assert session_commands.here({"DOCKER_TUTOR_LAB": value}) is None
