"""What is remembered comes from the journal alone, in whatever pieces and order it arrives."""

from __future__ import annotations

import tempfile
from pathlib import Path

from histories import START, course, entries, hash_of, histories
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tutor.learner import memory
from tutor.learner.events import (
    AnyEvent,
    ChapterOpened,
    Entry,
    GradeUndone,
    QuestionAnswered,
    StepPassed,
    StepTried,
    TaskReviewed,
)
from tutor.learner.journal import Journal
from tutor.learner.memory import Memory, Record
from tutor.learner.remembered import Remembered
from tutor.learner.schedule import DAY


def plain(found: Memory) -> Memory:
    """Without what only serves to take the last grade back."""
    records = {key: replace(record, entry="", before=None) for key, record in found.records.items()}
    return replace(found, records=records, touched=set(), seq=0)


def answer(credit: float = 1.0, item: str = "q-1") -> QuestionAnswered:
    return QuestionAnswered(chapter="c-1", item=item, answer=("a",), credit=credit)


def undo(of: str, item: str = "q-1") -> GradeUndone:
    return GradeUndone(chapter="c-1", item=item, of=of)


@given(histories())
def test_one_by_one_is_the_same_as_all_at_once(history: list[Entry]) -> None:
    one_by_one = Memory(records={}, chapters={}, hours={}, reviews={}, touched=set())
    for number, entry in enumerate(history, 1):
        try:
            memory.apply(one_by_one, entry)
        except memory.Again:
            one_by_one = memory.fold(history[:number])
    assert plain(one_by_one) == plain(memory.fold(history))


@given(histories(), st.randoms())
def test_the_order_of_arrival_does_not_matter(history: list[Entry], chance: object) -> None:
    """But for events of the same instant, which stay as they were written."""
    apart = [replace(entry, at=entry.at + number * 0.001) for number, entry in enumerate(history)]
    mixed = list(apart)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert memory.fold(mixed) == memory.fold(apart)


@settings(max_examples=40)
@given(histories(), st.integers(0, 40), st.integers(0, 40))
def test_derived_tables_are_what_the_journal_says(history: list[Entry], first: int, second: int) -> None:
    """Kept and gone on with at any place, by several tutors one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j"
        clock = iter([entry.at for entry in history])
        ids: dict[str, str] = {}
        for part in (history[:first], history[first : first + second], history[first + second :]):
            with Journal(path, clock=lambda: next(clock)) as journal:
                remembered = Remembered(journal)
                for entry in part:
                    event: AnyEvent = entry.event
                    if isinstance(event, GradeUndone):
                        event = replace(event, of=ids[event.of])
                    ids[entry.id] = journal.append(event)
                    if entry.seq % 3 == 0:
                        remembered.memory()
                remembered.keep()
        with Journal(path) as journal:
            kept = Remembered(journal).memory()
            journal._database.execute("DELETE FROM derived")  # type: ignore[union-attr]
            anew = Remembered(journal).memory()
            assert plain(kept) == plain(anew) == plain(memory.fold(journal.entries()))


@given(histories(), st.data())
def test_a_grade_taken_back_is_as_if_it_had_never_been_given(history: list[Entry], data: st.DataObject) -> None:
    graded = [entry for entry in history if isinstance(entry.event, (QuestionAnswered, TaskReviewed))]
    if not graded:
        return
    of = data.draw(st.sampled_from(graded))
    back = Entry(
        seq=len(history) + 1,
        id="back",
        at=history[-1].at,
        event=GradeUndone(chapter=of.event.chapter, item=of.event.item, of=of.id),
    )
    without = [entry for entry in history if entry.id != of.id]
    left = memory.fold([*history, back])
    never = memory.fold(without)
    assert plain(left).records == plain(never).records
    assert left.reviews == never.reviews


def test_a_grade_is_taken_back_at_once_and_in_the_derived_tables_too(tmp_path: Path) -> None:
    now = [START]
    with Journal(tmp_path / "j", clock=lambda: now[0]) as journal:
        remembered = Remembered(journal)
        journal.append(answer(0.0))
        before = remembered.memory().records["c-1", "q-1"]
        remembered.keep()
        now[0] += DAY
        last = journal.append(answer(1.0))
        assert remembered.memory().records["c-1", "q-1"].right
        assert sum(remembered.memory().reviews.values()) == 1
        journal.append(undo(last))
        assert plain(remembered.memory()).records["c-1", "q-1"] == replace(before, entry="", before=None)
        assert remembered.memory().reviews == {}
        remembered.keep()
        first = next(journal.entries()).id
        journal.append(undo(first))
        assert remembered.memory().records == {}
        remembered.keep()
        assert Remembered(journal).memory().records == {}


def test_a_mistake_made_in_a_lab_comes_back_until_it_is_not_made_again() -> None:
    tried = StepTried(chapter="c-1", item="s-1", findings=1, mistake="no-publish")
    passed = StepPassed(chapter="c-1", item="s-1", hash="h")
    review = TaskReviewed(chapter="c-1", item="s-1", hash="h", passed=True)

    def record(*events: tuple[float, AnyEvent]) -> Record:
        return memory.fold(entries(*events)).records["c-1", "s-1"]

    made = record((START, tried), (START + 9, tried), (START + 60, passed))
    assert made.mistakes["no-publish"].count == 2
    assert (made.mistakes["no-publish"].put_right, made.mistakes["no-publish"].overcome) == (True, False)
    assert made.card is not None
    assert made.card.reps == 1, "made twice in one sitting is one thing to learn"
    assert round((made.card.due - START) / DAY) == 1
    better = record((START, tried), (START + 60, passed), (START + DAY, review))
    assert better.mistakes["no-publish"].overcome
    assert better.card is not None
    assert better.card.due - better.card.last > 0
    worse = record(
        (START, tried),
        (START + 60, passed),
        (START + DAY, replace(review, mistakes=("no-publish",))),
    )
    assert not worse.mistakes["no-publish"].overcome
    assert worse.mistakes["no-publish"].count == 2
    helped = record((START, tried), (START + DAY, replace(review, solution=True)))
    assert not helped.mistakes["no-publish"].overcome
    assert helped.card is not None
    assert round((helped.card.due - helped.card.last) / DAY) == 1


def test_a_step_without_a_named_mistake_does_not_come_back() -> None:
    tried = StepTried(chapter="c-1", item="s-1", findings=1)
    assert memory.fold(entries((START, tried))).records == {}


def test_time_at_work_stops_where_nobody_is_there() -> None:
    opened = ChapterOpened(chapter="c-1")
    found = memory.fold(entries((START, opened), (START + 300, opened), (START + 300 + 5 * DAY, opened)))
    assert found.chapters["c-1"].seconds == 300 + memory.AFTER_PAUSE
    assert sum(found.hours.values()) == 300 + memory.AFTER_PAUSE


def test_events_that_cannot_be_written_count_nevertheless(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", clock=lambda: START) as journal:
        remembered = Remembered(journal)
        journal.append(answer(1.0))
        pages = journal._database.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[union-attr]
        journal._database.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[union-attr]
        for number in range(400):
            journal.append(answer(1.0, f"q-{number}"))
        assert journal.trouble
        assert ("c-1", "q-399") in remembered.memory().records
        journal._database.execute(f"PRAGMA max_page_count = {pages + 1000}")  # type: ignore[union-attr]
        journal.append(answer(0.0))
        assert not remembered.memory().records["c-1", "q-1"].right
        remembered.keep()
        assert plain(Remembered(journal).memory()) == plain(memory.fold(journal.entries()))


def test_an_old_journal_gets_its_derived_tables(tmp_path: Path) -> None:
    import sqlite3

    from tutor.learner import journal as module

    database = sqlite3.connect(tmp_path / "j")
    for statement in module._statements(module._MIGRATIONS[0]):
        database.execute(statement)
    database.execute("PRAGMA user_version = 1")
    database.execute(module._INSERT, module._row("x", START, answer(0.0)))
    database.commit()
    database.close()
    with Journal(tmp_path / "j") as journal:
        assert ("c-1", "q-1") in Remembered(journal).memory().records


def test_hashes_of_the_course_are_what_records_keep() -> None:
    where = course().chapters[0]
    found = memory.fold(entries((START, replace(answer(), hash=hash_of(where, "q-1")))))
    assert found.records["c-1", "q-1"].hash == hash_of(where, "q-1")
