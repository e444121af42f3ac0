"""Which questions are drawn, where they were taught, and what an answer becomes in the journal."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.course.identity import content_hash
from tutor.course.loader import load_course
from tutor.course.models import Lab, Predict, Quiz, TypeCommand
from tutor.lab.session.lesson import reasons
from tutor.lab.verdict import Diagnosis, Finding, NotYet, Unattempted
from tutor.learner import memory
from tutor.learner.events import (
    AnyEvent,
    ChapterOpened,
    Entry,
    HintOpened,
    PredictionMade,
    QuestionAnswered,
    SolutionOpened,
    StepPassed,
    StepTried,
)
from tutor.learner.memory import Memory
from tutor.problems import Problem
from tutor.quiz import draw, record, taught
from tutor.quiz.grade import Grade

COURSE = load_course()
CHAPTER = next(chapter for chapter in COURSE.chapters if chapter.chapter == 22)
QUESTIONS = [q for part in CHAPTER.sections if isinstance(part, Quiz) for q in part.questions]


def answered(item: str, credit: float, at: float) -> Entry:
    event = QuestionAnswered(chapter=CHAPTER.id, item=item, answer=(), credit=credit)
    return Entry(seq=int(at), id=f"{item}{at}", at=at, event=event)


@given(
    st.integers(1, 60), st.integers(0, 1000), st.sets(st.sampled_from([c.chapter for c in COURSE.chapters]), min_size=1)
)
def test_a_quiz_has_no_doubles_and_takes_from_every_chapter(length: int, seed: int, numbers: set[int]) -> None:
    chapters = draw.chapters_for(COURSE, Memory(), sorted(numbers))
    drawn = draw.draw(chapters, {}, length, random.Random(seed))
    keys = [(chapter.id, question.id) for chapter, question in drawn]
    assert len(set(keys)) == len(keys)
    of_each = [sum(key[0] == chapter.id for key in keys) for chapter in chapters]
    there = [sum(len(p.questions) for p in chapter.sections if isinstance(p, Quiz)) for chapter in chapters]
    assert len(drawn) == min(length, sum(there))
    unspent = [count for count, all_of_it in zip(of_each, there, strict=True) if count < all_of_it]
    assert not unspent or max(of_each) - min(unspent) <= 1


def test_what_was_wrong_comes_first_then_what_is_new_then_what_is_old() -> None:
    ids = [question.id for question in QUESTIONS]
    entries = [answered(ids[0], 1.0, 50.0), answered(ids[1], 1.0, 20.0), answered(ids[2], 0.0, 30.0)]
    records = memory.fold(entries).records
    for length, expected in (
        (1, {ids[2]}),
        (len(ids) - 2, set(ids) - {ids[0], ids[1]}),
        (len(ids) - 1, set(ids) - {ids[0]}),
    ):
        assert {question.id for _, question in draw.draw([CHAPTER], records, length, random.Random(3))} == expected


def test_without_chapters_it_is_those_that_were_begun() -> None:
    opened = memory.fold([Entry(seq=1, id="a", at=1.0, event=ChapterOpened(chapter=CHAPTER.id))])
    assert draw.chapters_for(COURSE, opened, []) == [CHAPTER]
    with pytest.raises(Problem, match="not begun"):
        draw.chapters_for(COURSE, Memory(), [])
    with pytest.raises(Problem, match="no chapter 99"):
        draw.chapters_for(COURSE, Memory(), [22, 99])


def test_every_question_of_the_course_leads_to_where_it_was_taught() -> None:
    for chapter in COURSE.chapters:
        order = [section.id for section in chapter.sections]
        for part in chapter.sections:
            inside = part.questions if isinstance(part, Quiz) else part.steps if isinstance(part, Lab) else ()
            for task in (*inside, *((part,) if isinstance(part, Predict) else ())):
                section = taught.where(chapter, task)
                if section is None:
                    assert isinstance(task, Predict), (chapter.chapter, task.id)
                    continue
                assert order.index(section.id) < order.index(part.id)
                if isinstance(section, (Lab, Predict)):
                    assert taught.as_markdown(section).strip()


def test_an_answer_keeps_ids_and_the_hash_of_the_question() -> None:
    question = QUESTIONS[0]
    event = record.answered(CHAPTER, question, ("inside",), Grade(credit=0.25))
    assert event == QuestionAnswered(
        chapter=CHAPTER.id, item=question.id, hash=content_hash(question), answer=("inside",), credit=0.25
    )
    predict = next(part for part in CHAPTER.sections if isinstance(part, Predict))
    bet = record.answered(CHAPTER, predict, ("same",), Grade(credit=0.0), "none")
    assert isinstance(bet, PredictionMade)
    assert (bet.option, bet.outcome, bet.right) == ("same", "none", False)


STEP = next(part for part in CHAPTER.sections if isinstance(part, Lab)).steps[0]
ABOUT = {"chapter": CHAPTER.id, "item": STEP.id}
TRIED = StepTried(**ABOUT, findings=1, mistake="no-publish")
PASSED = StepPassed(**ABOUT)


@pytest.mark.parametrize(
    ("happened", "expected", "said"),
    [
        ([PASSED], (True, (), 0, False), "Done."),
        ([TRIED, PASSED], (True, ("no-publish",), 0, False), "wrong turn"),
        ([TRIED, TRIED, PASSED], (True, ("no-publish",), 0, False), "wrong turn"),
        ([HintOpened(**ABOUT, number=1), HintOpened(**ABOUT, number=2), PASSED], (True, (), 2, False), "with a hint"),
        ([SolutionOpened(**ABOUT), PASSED], (True, (), 0, True), "Not done by yourself"),
        ([TRIED], (False, ("no-publish",), 0, False), "Not done by yourself"),
        # What comes after the pass is looking around.
        ([PASSED, TRIED, SolutionOpened(**ABOUT), HintOpened(**ABOUT, number=3)], (True, (), 0, False), "Done."),
        ([StepPassed(chapter=CHAPTER.id, item="another")], (False, (), 0, False), "Not done by yourself"),
    ],
)
def test_a_live_task_becomes_one_event(happened: list[AnyEvent], expected: tuple[object, ...], said: str) -> None:
    event = record.reviewed(CHAPTER, STEP, happened)
    assert (event.passed, event.mistakes, event.hints, event.solution) == expected
    assert said in record.words(event)[1]
    assert event.hash == content_hash(STEP)


def test_a_wrong_command_gets_its_reason_by_its_words_or_by_what_it_leaves() -> None:
    question = next(q for q in QUESTIONS if isinstance(q, TypeCommand) and q.wrong)
    wrong = question.wrong[0]
    spaced = "   ".join(wrong.run.split())
    assert reasons(question, spaced, Unattempted()) == (wrong.because,)
    left = NotYet(findings=(Finding(summary="f"),), mistake=Diagnosis(id="wrong-1", say="As it is left."))
    assert reasons(question, "something else", left) == ("As it is left.",)
    assert reasons(question, "something else", NotYet(findings=(Finding(summary="f"),))) == ("f",)
    assert reasons(question, "true", Unattempted()) == ("It changed nothing.",)
