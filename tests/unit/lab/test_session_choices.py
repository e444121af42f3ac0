"""Names, ports and open-lab records: what is chosen, what is kept, who may serve."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tutor.lab import names, open_labs, ports
from tutor.lab.open_labs import OpenLab, Serving
from tutor.problems import Problem


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_TUTOR_HOME", str(tmp_path))
    return tmp_path


def test_a_free_name_stays_and_a_taken_one_gets_a_number() -> None:
    assert names.choose(["web", "db"], {"db", "db-2"}) == {"web": "web", "db": "db-3"}


def test_a_number_does_not_take_another_name_of_the_lesson() -> None:
    chosen = names.choose(["web", "web-2"], {"web"})
    assert chosen == {"web": "web-3", "web-2": "web-2"}


def test_ports_leave_out_what_is_published_and_what_somebody_listens_on() -> None:
    first, second, third = list(ports.CANDIDATES[0])[:3]
    assert ports.choose(["a", "b"], {first}, lambda port: port != second) == {"a": third, "b": third + 1}


def test_no_port_is_a_problem_in_words() -> None:
    with pytest.raises(Problem) as caught:
        ports.choose(["a"], (), lambda port: False)
    assert caught.value.code == "no-free-port"


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_listener_on_any_address_is_seen(address: str) -> None:
    with socket.socket() as listener:
        listener.bind((address, 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not ports.is_free(port)
    assert ports.is_free(port)


def test_a_listener_on_udp_is_seen() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        assert not ports.is_free(listener.getsockname()[1])


def _record(lab: str, **fields: object) -> OpenLab:
    open_labs.folder(lab).mkdir(exist_ok=True)
    record = OpenLab(lab=lab, chapter=int(lab[:2]), **{"state": "open", **fields})  # type: ignore[arg-type]
    open_labs.write(record)
    return record


def test_a_record_comes_back_as_it_was() -> None:
    record = _record("22-3fa9c1", names={"web": "web-2"}, ports={"web": 8081}, step="publish", opened=5.0)
    assert open_labs.read("22-3fa9c1") == record
    assert open_labs.every() == (record,)
    assert open_labs.find(22) == record
    assert open_labs.find(21) is None
    _record("22-000000", keep=False, opened=9.0)
    assert open_labs.find(22) == record, "a prediction's lab is none to go on with"


def test_a_damaged_record_can_only_be_closed() -> None:
    record = _record("22-3fa9c1")
    (open_labs.folder(record.lab) / "lab.json").write_bytes(b'{"lab": "22-3f')
    (found,) = open_labs.every()
    assert (found.lab, found.chapter, found.state) == ("22-3fa9c1", 22, "closing")


def test_writing_that_fails_leaves_the_old_record(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = _record("22-3fa9c1")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Problem, match="No space left") as caught:
        open_labs.write(OpenLab(lab=record.lab, chapter=22, step="later"))
    monkeypatch.undo()
    monkeypatch.setenv("DOCKER_TUTOR_HOME", str(home))
    assert caught.value.code == "cannot-write"
    assert open_labs.read(record.lab) == record
    assert [path.name for path in open_labs.folder(record.lab).iterdir()] == ["lab.json"]


@pytest.mark.parametrize("lab", ["", "22", "../../etc", "22-3fa9c1/..", "22-3fa9c1\n", "22-XYZXYZ"])
def test_what_is_no_lab_id_names_no_folder(lab: str) -> None:
    with pytest.raises(Problem, match="is not a lab id"):
        open_labs.folder(lab)


def test_one_process_serves_and_the_system_ends_its_right_with_it(home: Path) -> None:
    _record("22-3fa9c1")
    script = (
        "import sys\nfrom tutor.lab.open_labs import Serving\n"
        "s = Serving('22-3fa9c1'); print('have it', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout and other.stdout.readline() == b"have it\n"
        assert open_labs.is_served("22-3fa9c1")
        assert open_labs.orphans() == ()
        with pytest.raises(Problem) as caught:
            Serving("22-3fa9c1")
        assert caught.value.code == "lab-in-use"
    finally:
        other.kill()
        other.communicate()
    assert not open_labs.is_served("22-3fa9c1")
    assert [record.lab for record in open_labs.orphans()] == ["22-3fa9c1"]
    Serving("22-3fa9c1").release()


def test_asking_whether_a_lab_is_served_never_keeps_somebody_from_serving_it() -> None:
    _record("22-3fa9c1")
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            open_labs.is_served("22-3fa9c1")

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(200):
            Serving("22-3fa9c1").release()
    finally:
        stop.set()
        asking.join()


def test_a_lab_that_is_gone_cannot_be_served() -> None:
    with pytest.raises(Problem) as caught:
        Serving("22-000000")
    assert caught.value.code == "no-such-lab"


def test_forgetting_removes_all_and_keeps_the_record_when_something_stays(home: Path) -> None:
    record = _record("22-3fa9c1")
    folder = open_labs.folder(record.lab)
    (folder / "workspace" / "deep").mkdir(parents=True)
    (folder / "workspace" / "link").symlink_to(home)
    (folder / "trace.jsonl").write_text("")
    assert open_labs.forget(record.lab) == ()
    assert not folder.exists()
    assert home.exists(), "a link is removed, not what it points to"


def test_ids_fit_their_chapter_and_the_installation_stays_the_same() -> None:
    assert open_labs.new_id(5).startswith("05-")
    known = open_labs.installation()
    assert len(known) == 16
    assert open_labs.installation() == known
