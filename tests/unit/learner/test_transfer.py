"""A journal goes to another machine, and two become one, without doubles and without loss."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pytest
from histories import START, histories
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.learner import memory, transfer
from tutor.learner.events import ChapterOpened, Entry, QuestionAnswered
from tutor.learner.journal import Journal
from tutor.learner.remembered import Remembered
from tutor.learner.transfer import TakenIn
from tutor.problems import Problem


def exported(journal: Journal) -> bytes:
    out = io.BytesIO()
    transfer.export(journal, out)
    return out.getvalue()


def take_in(journal: Journal, data: bytes) -> TakenIn:
    return transfer.take_in(journal, io.BytesIO(data), "file")


def ids(journal: Journal) -> list[str]:
    return sorted(entry.id for entry in journal.entries())


def fill(path: Path, history: list[Entry], prefix: str) -> Journal:
    journal = Journal(path)
    journal.take_in(
        Entry(seq=entry.seq, id=f"{prefix}{entry.id}", at=entry.at + len(prefix) * 0.01, event=entry.event)
        for entry in history
    )
    return journal


def test_a_journal_moves_to_another_machine(tmp_path: Path) -> None:
    with Journal(tmp_path / "a", clock=lambda: START) as old, Journal(tmp_path / "b") as new:
        for number in range(30):
            old.append(QuestionAnswered(chapter="c-1", item=f"q-{number}", answer=("a",), credit=1.0))
        assert take_in(new, exported(old)) == TakenIn(new=30, known=0)
        assert list(new.entries()) == list(old.entries())
        assert take_in(new, exported(old)) == TakenIn(new=0, known=30)
        assert exported(new) == exported(old)


@settings(max_examples=30)
@given(histories(), histories(), st.integers(0, 40))
def test_two_machines_become_one_in_either_order(one: list[Entry], two: list[Entry], shared: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        a = fill(Path(folder) / "a", one, "a")
        b = fill(Path(folder) / "b", [*two], "bb")
        b.take_in(list(a.entries())[:shared])  # some came over earlier
        from_a, from_b = exported(a), exported(b)
        Remembered(a).keep()  # what was worked out before must not stay
        take_in(a, from_b)
        take_in(b, from_a)
        assert ids(a) == ids(b) == sorted({*(f"a{e.id}" for e in one), *(f"bb{e.id}" for e in two)})
        ours, theirs = Remembered(a).memory(), Remembered(b).memory()
        assert {k: r.card for k, r in ours.records.items()} == {k: r.card for k, r in theirs.records.items()}
        assert ours.records == memory.fold(a.entries()).records
        a.close()
        b.close()


def test_an_open_tutor_sees_what_was_taken_in(tmp_path: Path) -> None:
    with (
        Journal(tmp_path / "a", clock=lambda: START) as here,
        Journal(tmp_path / "b", clock=lambda: START - 9) as other,
    ):
        here.append(ChapterOpened(chapter="c-1"))
        remembered = Remembered(here)
        assert set(remembered.memory().chapters) == {"c-1"}
        other.append(ChapterOpened(chapter="c-2"))
        take_in(here, exported(other))
        assert set(remembered.memory().chapters) == {"c-1", "c-2"}


BROKEN = [
    (lambda data: b"", "no-export"),
    (lambda data: b"SQLite format 3\x00", "no-export"),
    (lambda data: b"[]\n", "no-export"),
    (lambda data: data.replace(b'"docker_tutor_journal":1', b'"docker_tutor_journal":2'), "export-newer"),
    (lambda data: data.replace(b'"kind":"chapter-opened"', b'"kind":"dreamt"'), "export-newer"),
    (lambda data: data[:-20], "export-damaged"),
    (lambda data: data.rsplit(b"\n", 2)[0] + b"\n", "export-damaged"),
    (lambda data: data.replace(b'"at":', b'"ta":', 1), "export-damaged"),
]


@pytest.mark.parametrize(("broken", "code"), BROKEN, ids=[f"{code}-{n}" for n, (_, code) in enumerate(BROKEN)])
def test_a_file_that_is_not_whole_changes_nothing(tmp_path: Path, broken: object, code: str) -> None:
    with Journal(tmp_path / "a") as old, Journal(tmp_path / "b") as new:
        for name in ("c-1", "c-2"):
            old.append(ChapterOpened(chapter=name))
        new.append(ChapterOpened(chapter="mine"))
        with pytest.raises(Problem) as told:
            take_in(new, broken(exported(old)))  # type: ignore[operator]
        assert told.value.code == code
        assert [entry.event.chapter for entry in new.entries()] == ["mine"]
