"""The placement test finds the learner's edge in twelve questions, lucky guesses and slips included."""

from __future__ import annotations

import random
import statistics

import pytest
from histories import course
from hypothesis import given
from hypothesis import strategies as st

from tutor.course.loader import load_course
from tutor.course.models import Course
from tutor.learner import placement
from tutor.learner.placement import Asked, Placed

COURSE = course(26)


def take(
    edge: int, seed: int, *, slip: float = 0.0, luck: float = 0.25, of: Course = COURSE
) -> tuple[list[Asked], Placed]:
    """Somebody who knows the first `edge` chapters takes the test."""
    chance = random.Random(seed)
    questions = placement.pool(of)
    asked: list[Asked] = []
    while (found := placement.following(questions, asked, chance)) is not None:
        place, question = found
        right = chance.random() >= slip if place < edge else chance.random() < luck
        asked.append(Asked(place=place, question=question, right=right))
    return asked, placement.placed(of, asked)


def place_of(found: Placed, of: Course = COURSE) -> int:
    return len(of.chapters) if found.start is None else of.chapters.index(found.start)


@pytest.mark.parametrize("edge", range(27))
def test_who_never_guesses_is_placed_to_the_chapter(edge: int) -> None:
    asked, found = take(edge, 1, luck=0.0)
    assert len(asked) == placement.QUESTIONS
    assert abs(place_of(found) - edge) <= 2
    assert place_of(found) <= edge or edge == place_of(found)


def test_guesses_and_slips_move_the_start_little() -> None:
    errors = [place_of(take(edge, seed, slip=0.1)[1]) - edge for edge in range(27) for seed in range(40)]
    assert statistics.mean(abs(error) for error in errors) < 4
    assert sum(error > 3 for error in errors) / len(errors) < 0.08, "seldom put where they know nothing"


def test_nobody_who_knows_nothing_is_put_far_in() -> None:
    starts = [place_of(take(0, seed)[1]) for seed in range(100)]
    assert statistics.mean(starts) < 2
    assert place_of(take(0, 1, luck=0.0)[1]) == 0


def test_who_knows_everything_may_leave_out_everything() -> None:
    _, found = take(26, 1)
    assert found.start is None
    assert found.skip == COURSE.chapters


@given(st.integers(0, 26), st.integers(0, 10_000))
def test_what_is_said_holds_together(edge: int, seed: int) -> None:
    asked, found = take(edge, seed, slip=0.2)
    assert len({(one.place, one.question.id) for one in asked}) == len(asked), "nothing is asked twice"
    start = place_of(found)
    wrong = {COURSE.chapters[one.place].id for one in asked if not one.right}
    assert {one.id for one in found.skip}.isdisjoint(wrong)
    assert {one.id for one in (*found.skip, *found.look_again)} == {one.id for one in COURSE.chapters[:start]}
    assert all(COURSE.chapters.index(one) > start for one in found.known_later)


def test_answers_tell_of_many_chapters() -> None:
    asked, _ = take(13, 3)
    assert len({one.place for one in asked}) >= 6


def test_a_course_with_few_questions_ends_early() -> None:
    asked, _ = take(1, 1, of=course(2))
    assert len(asked) == 8


def test_the_shipped_course_has_questions_for_it_in_every_chapter() -> None:
    assert all(len(own) >= 2 for own in placement.pool(load_course()))
