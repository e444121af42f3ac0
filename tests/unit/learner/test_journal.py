"""The journal against what happens to files: kills, company, full disks, other versions."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tutor.learner.events import ChapterOpened, QuestionAnswered, StepPassed, StepTried
from tutor.learner.journal import VERSION, Journal
from tutor.problems import Problem

WRITER = """
import sys
from pathlib import Path
from tutor.learner.events import StepTried
from tutor.learner.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    journal.append(StepTried(chapter=sys.argv[2], item="s", findings=number))
    print(number, flush=True)
"""


def writer(path: Path, chapter: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), chapter, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_events_come_back_as_they_went_in(tmp_path: Path) -> None:
    events = [
        ChapterOpened(chapter="images"),
        StepPassed(chapter="images", item="three", hash="abc"),
        QuestionAnswered(chapter="images", item="q", answer=("a", "b"), credit=0.5),
    ]
    clock = iter([10.0, 11.0, 12.0])
    with Journal(tmp_path / "j", clock=lambda: next(clock)) as journal:
        for event in events:
            journal.append(event)
    with Journal(tmp_path / "j") as journal:
        entries = list(journal.entries())
    assert [e.event for e in entries] == events
    assert [e.at for e in entries] == [10.0, 11.0, 12.0]
    assert len({e.id for e in entries}) == 3


def test_entries_of_one_chapter_and_after_a_place(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        for chapter in ("a", "b", "a"):
            journal.append(ChapterOpened(chapter=chapter))
        assert [e.seq for e in journal.entries("a")] == [1, 3]
        assert [e.seq for e in journal.entries("a", after=1)] == [3]


def test_the_file_refuses_changes(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.append(ChapterOpened(chapter="a"))
    database = sqlite3.connect(tmp_path / "j")
    for statement in ("DELETE FROM event", "UPDATE event SET chapter = 'b'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute(statement)
    database.close()


@pytest.mark.parametrize("after", [1, 7, 40])
def test_a_killed_writer_loses_nothing_it_was_told_is_kept(tmp_path: Path, after: int) -> None:
    process = writer(tmp_path / "j", "a", 100_000)
    assert process.stdout
    told = -1
    for line in process.stdout:
        told = int(line)
        if told >= after:
            os.kill(process.pid, signal.SIGKILL)
            break
    told = max([told, *(int(line) for line in process.stdout if line.strip())])
    process.wait()
    process.stdout.close()
    with Journal(tmp_path / "j") as journal:
        kept = [e.event.findings for e in journal.entries() if isinstance(e.event, StepTried)]
    assert kept == list(range(len(kept)))
    assert len(kept) >= told + 1


def test_two_tutors_write_at_once(tmp_path: Path) -> None:
    processes = [writer(tmp_path / "j", chapter, 150) for chapter in ("a", "b")]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    with Journal(tmp_path / "j") as journal:
        assert journal.trouble == ""
        for chapter in ("a", "b"):
            events = [e.event for e in journal.entries(chapter)]
            assert [e.findings for e in events if isinstance(e, StepTried)] == list(range(150))


def test_threads_share_a_journal(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        threads = [
            threading.Thread(target=lambda: [journal.append(ChapterOpened(chapter="a")) for _ in range(50)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(list(journal.entries())) == 200


def test_a_full_disk_is_told_and_what_was_done_is_written_once_there_is_room(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.append(ChapterOpened(chapter="before"))
    database = journal._database
    assert database
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    for number in range(400):
        journal.append(StepTried(chapter="during", item="s", findings=number))
    assert "full" in journal.trouble
    assert "kept in memory" in journal.trouble
    assert len(list(journal.entries("during"))) == 400
    database.execute(f"PRAGMA max_page_count = {pages + 1000}")
    journal.append(ChapterOpened(chapter="after"))
    assert journal.trouble == ""
    journal.close()
    with Journal(tmp_path / "j") as again:
        assert len(list(again.entries())) == 402
        assert [e.event.findings for e in again.entries("during") if isinstance(e.event, StepTried)] == list(range(400))


FULL_DISK = """
set -e
mkdir -p "$1/small"
mount -t tmpfs -o size=200k tmpfs "$1/small"
"$2" - "$1/small/j" <<'PY'
import sys
from pathlib import Path
from tutor.learner.events import StepTried
from tutor.learner.journal import Journal
path = Path(sys.argv[1])
journal = Journal(path)
filler = path.with_name("filler")
journal.append(StepTried(chapter="a", item="s", findings=0))
try:
    with filler.open("wb") as file:
        while True:
            file.write(b"x" * 4096)
            file.flush()
except OSError:
    pass
count = 1
while not journal.trouble and count < 2000:
    journal.append(StepTried(chapter="a", item="s", findings=count))
    count += 1
assert "full" in journal.trouble, journal.trouble
journal.append(StepTried(chapter="a", item="s", findings=count))
filler.unlink()
journal.append(StepTried(chapter="a", item="s", findings=count + 1))
assert journal.trouble == "", journal.trouble
journal.close()
again = [e.event.findings for e in Journal(path).entries()]
assert again == list(range(count + 2)), again
print("kept", len(again))
PY
"""


def test_a_really_full_file_system(tmp_path: Path) -> None:
    """On a file system of its own, in a mount namespace of its own."""
    namespace = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    done = subprocess.run(
        [*namespace, "bash", "-c", FULL_DISK, "bash", str(tmp_path), sys.executable],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("kept")


def test_a_file_from_a_newer_tutor_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / "j"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE future (x)")
    database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.commit()
    database.close()
    before = path.read_bytes()
    with pytest.raises(Problem, match="newer") as caught:
        Journal(path)
    assert caught.value.code == "journal-newer"
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["j"]


@pytest.mark.parametrize("content", [b"not a database at all, only text " * 40, b"SQLite format 3\0" + b"\xff" * 4080])
def test_a_damaged_file_is_refused_in_words_and_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "j"
    path.write_bytes(content)
    with pytest.raises(Problem) as caught:
        Journal(path)
    assert caught.value.code == "journal-damaged"
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_written_keeps_events_in_memory(tmp_path: Path) -> None:
    (tmp_path / "j").mkdir()  # a folder where the file should be
    journal = Journal(tmp_path / "j")
    journal.append(ChapterOpened(chapter="a"))
    assert "cannot be written" in journal.trouble
    assert [e.event.chapter for e in journal.entries()] == ["a"]
    (tmp_path / "j").rmdir()
    journal.append(ChapterOpened(chapter="b"))
    assert journal.trouble == ""
    journal.close()
    with Journal(tmp_path / "j") as again:
        assert [e.event.chapter for e in again.entries()] == ["a", "b"]
