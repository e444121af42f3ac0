"""Where the class should be, in the words that learners read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.unit.workshop.rooms import NOON, OPENED, record
from tutor.learner.journal import Journal
from tutor.ui.plain import workshop_seat
from tutor.workshop import views
from tutor.workshop.cards import Card
from tutor.workshop.client import Status
from tutor.workshop.events import PaceSet
from tutor.workshop.room import Room
from tutor.workshop.seen import Common


def common(*paces: PaceSet) -> Common:
    bodies = [OPENED, *paces]
    return views.common(Room.of(record(n, body, by="i:Kim") for n, body in enumerate(bodies)), NOON)


@pytest.mark.parametrize(
    ("step", "words"),
    [("second", "17.2 One that stays"), ("", "17 docker run"), ("no-such-step", "17 docker run")],
)
def test_the_pace_in_words(step: str, words: str) -> None:
    assert workshop_seat.pace(common(PaceSet(chapter="docker-run", step=step))) == words


def test_no_pace_and_one_of_another_course_say_nothing() -> None:
    assert workshop_seat.pace(common()) == ""
    assert workshop_seat.pace(common(PaceSet(chapter="elsewhere"))) == ""


def test_line_mode_says_a_new_pace_once_and_again_when_asked(tmp_path: Path) -> None:
    out = io.StringIO()
    with Journal(tmp_path / "j.sqlite3") as journal:
        card = Card(hub="http://127.0.0.1:1", room="r1", title="Docker", seat="s1", name="Ada", key="k")
        companion = workshop_seat._Companion(card, journal, journal, out)
        told = Status(connected=True, trouble="", common=common(PaceSet(chapter="docker-run", step="second")))
        companion._told(told)
        companion._told(Status(**{**told.__dict__, "waiting": 3}))
        assert out.getvalue().count("The class should be at 17.2 One that stays.") == 1
        companion._typed("status")
        assert out.getvalue().count("The class should be at 17.2 One that stays.") == 2
