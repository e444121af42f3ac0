"""The schedule: what is known comes later and later, what is not comes tomorrow, and the same for everybody."""

from __future__ import annotations

import subprocess
import sys
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.learner import schedule
from tutor.learner.schedule import DAY, LONGEST, Card, Rating, graded, is_due, rating, recall

RATINGS: st.SearchStrategy[Rating] = st.sampled_from(["again", "hard", "good"])
NOW = 1_700_000_000.0


def after(ratings: list[Rating], at: float = NOW) -> Card:
    """Graded whenever it is due."""
    card = graded(None, ratings[0], at)
    return reduce(lambda card, given: graded(card, given, card.due), ratings[1:], card)


@given(st.lists(RATINGS, min_size=1, max_size=30))
def test_a_card_stays_within_bounds(ratings: list[Rating]) -> None:
    card = after(ratings)
    assert 1 <= round((card.due - card.last) / DAY) <= LONGEST
    assert 1 <= card.difficulty <= 10
    assert card.stability > 0
    assert card.reps == len(ratings)
    assert card.lapses == ratings[1:].count("again")


@given(st.lists(RATINGS, min_size=1, max_size=15))
def test_the_better_the_grade_the_later_it_comes_back(ratings: list[Rating]) -> None:
    card = after(ratings)
    again, hard, good = (graded(card, given, card.due).due for given in ("again", "hard", "good"))  # type: ignore[arg-type]
    assert again <= hard <= good


@given(st.lists(RATINGS, min_size=1, max_size=15))
def test_what_is_known_comes_back_no_sooner_each_time(ratings: list[Rating]) -> None:
    card = after(ratings)
    known = graded(card, "good", card.due)
    assert known.due - known.last >= card.due - card.last or card.due - card.last == DAY


@given(st.lists(RATINGS, min_size=1, max_size=15), st.floats(0, 400 * DAY))
def test_it_is_forgotten_as_time_goes_by(ratings: list[Rating], later: float) -> None:
    card = after(ratings)
    assert 0 < recall(card, card.last + later + DAY) <= recall(card, card.last + later) <= 1
    # What is sorted by is the same order, without the library.
    other = after(["again"])
    now = max(card.last, other.last) + later
    if abs(recall(card, now) - recall(other, now)) > 0.02:
        assert (schedule.forgotten(card, now) > schedule.forgotten(other, now)) == (
            recall(card, now) < recall(other, now)
        )


def test_what_was_wrong_in_the_evening_comes_back_in_the_morning() -> None:
    card = graded(None, "again", NOW)
    assert not is_due(card, NOW + 3600)
    assert is_due(card, NOW + 13 * 3600)


def test_a_clock_that_goes_back_does_no_harm() -> None:
    card = graded(graded(None, "good", NOW), "good", NOW - 30 * DAY)
    assert card.last == NOW
    assert card.due > NOW


@pytest.mark.parametrize(
    ("credit", "given"), [(1.0, "good"), (0.99, "hard"), (0.75, "hard"), (0.74, "again"), (0.0, "again")]
)
def test_credit_becomes_a_grade(credit: float, given: Rating) -> None:
    assert rating(credit) == given


def test_the_weights_are_those_of_the_library() -> None:
    from fsrs.scheduler import DEFAULT_PARAMETERS

    assert schedule.WEIGHTS == DEFAULT_PARAMETERS


def test_the_library_is_not_imported_before_something_is_graded() -> None:
    code = "import sys, tutor.learner.review, tutor.learner.remembered; print('fsrs' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
