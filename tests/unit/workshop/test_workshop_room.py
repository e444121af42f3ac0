"""A room is a pure function of its log."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workshop.rooms import NOON, OPENED, QUESTION, did, logs, record
from tutor.learner.events import HandSet, PollAnswered, StepBegun, StepPassed, StepTried
from tutor.workshop import views
from tutor.workshop.events import (
    PollClosed,
    PollOpened,
    Record,
    Said,
    SeatAllowed,
    SeatHere,
    SeatTaken,
    decode,
    encode,
)
from tutor.workshop.room import Room


@given(logs(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_room(log: list[Record], chance: random.Random) -> None:
    shuffled = list(log)
    chance.shuffle(shuffled)
    assert Room.of(shuffled) == Room.of(log)


@given(logs(), st.randoms(use_true_random=False))
def test_duplicates_change_nothing(log: list[Record], chance: random.Random) -> None:
    doubled = log + chance.sample(log, len(log) // 2)
    chance.shuffle(doubled)
    assert Room.of(doubled) == Room.of(log)


@given(logs(), st.randoms(use_true_random=False))
def test_every_part_of_a_log_can_be_shown(log: list[Record], chance: random.Random) -> None:
    chance.shuffle(log)
    room = Room()
    for line in [None, *log]:
        if line is not None:
            room.apply(line)
        board = views.board(room, NOON + 100, {"h1"})
        screen = views.screen(room, NOON + 100, {"h1"})
        assert len(board.seats) == len(room.members())
        assert screen.there <= screen.seats
        for seat in room.members():
            views.you(room, seat.id)
            views.common(room, NOON + 100)
        for poll in board.polls:
            for asked in poll.rounds:
                assert all(0 <= count <= asked.answered for count in asked.counts.values())


@given(logs())
def test_what_is_written_is_read_back(log: list[Record]) -> None:
    assert [decode(encode(line)) for line in log] == log


def test_a_poll_counts_the_last_answer_before_it_closed() -> None:
    def answer(n: int, option: str, at: float) -> Record:
        return did("s1", n, PollAnswered(chapter="", item="p1", room="r1", round=1, answer=(option,)), at=at)

    room = Room.of(
        [
            answer(3, "right", NOON + 30),  # too late, and first to arrive
            record(1, SeatTaken(seat="s1", name="Ada", key="k")),
            record(2, PollOpened(poll="p1", round=1, question=QUESTION)),
            answer(1, "right", NOON + 3),
            answer(2, "left", NOON + 4),
            record(5, PollClosed(poll="p1", round=1), at=NOON + 20),
        ]
    )
    assert room.polls["p1"].rounds[1].final("s1") == ("left",)
    assert views.board(room, NOON + 40, set()).polls[0].rounds[0].counts == {"left": 1, "right": 0}


def test_learners_see_neither_results_nor_right_answers_before_the_poll_closes() -> None:
    log = [
        record(0, OPENED),
        record(1, SeatTaken(seat="s1", name="Ada", key="k")),
        record(2, PollOpened(poll="p1", round=1, question=QUESTION)),
        did("s1", 1, PollAnswered(chapter="", item="p1", room="r1", round=1, answer=("left",)), at=NOON + 3),
    ]
    poll = views.common(Room.of(log), NOON + 5).poll
    assert poll is not None
    assert all(option.right is None and not option.because for option in poll.question.options)
    assert [asked.counts for asked in poll.rounds] == [{}]
    closed = views.common(Room.of([*log, record(9, PollClosed(poll="p1", round=1))]), NOON + 10).poll
    assert closed is not None
    assert [option.right for option in closed.question.options] == [True, False]
    assert closed.rounds[0].counts == {"left": 1, "right": 0}
    # Asked again: how the class answered first stays hidden until the second round has closed, too.
    again = [
        *log,
        record(9, PollClosed(poll="p1", round=1)),
        record(10, PollOpened(poll="p1", round=2, question=QUESTION)),
    ]
    asked = views.common(Room.of(again), NOON + 11).poll
    assert asked is not None and asked.question.options[0].right is None
    assert [one.counts for one in asked.rounds] == [{}, {}]


def test_the_board_says_who_is_stuck_and_why() -> None:
    log = [record(0, OPENED)]
    for number, seat in enumerate(("s1", "s2", "s3", "s4"), 1):
        log.append(record(number, SeatTaken(seat=seat, name=f"N{number}", key="k")))
        log.append(did(seat, 1, StepBegun(chapter="docker-run", item="first"), at=NOON + 10))
    for seat in ("s1", "s2", "s3"):
        log.append(did(seat, 2, StepPassed(chapter="docker-run", item="first"), at=NOON + 70))
    tried = StepTried(chapter="docker-run", item="first", findings=1, mistake="no-name")
    log.append(did("s4", 2, tried, at=NOON + 60))
    room = Room.of(log)
    rows = {row.seat: row for row in views.board(room, NOON + 100, set()).seats}
    assert rows["s4"].stuck == ""
    assert rows["s4"].mistake == "No name given"
    late = {row.seat: row for row in views.board(room, NOON + 400, set()).seats}
    assert late["s4"].stuck == "6 min on this step; the class needed 1"
    assert late["s1"].stuck == ""
    for n in range(3, 8):
        room.apply(did("s4", n, tried, at=NOON + 62))
    assert "6 tries" in next(r.stuck for r in views.board(room, NOON + 100, set()).seats if r.seat == "s4")
    ranked = views.board(room, NOON + 100, set()).mistakes
    assert [(m.words, m.seats, m.now) for m in ranked] == [("No name given", 1, 1)]


def test_hands_wait_in_the_order_in_which_they_went_up() -> None:
    def hand(seat: str, n: int, up: bool, at: float) -> Record:
        return did(seat, n, HandSet(chapter="", item="r1", up=up), at=at)

    log = [record(n, SeatTaken(seat=f"s{n}", name=f"N{n}", key="k")) for n in (1, 2, 3)]
    log += [hand("s2", 1, True, NOON + 10), hand("s1", 1, True, NOON + 11), hand("s3", 1, True, NOON + 12)]
    log += [hand("s2", 2, False, NOON + 13)]
    assert views.board(Room.of(log), NOON + 20, set()).hands == ("s1", "s3")


def test_presence_counts_only_hubs_that_live() -> None:
    log = [
        record(1, SeatTaken(seat="s1", name="Ada", key="k")),
        record(2, SeatTaken(seat="s2", name="Grace", key="k")),
        record(3, SeatHere(seat="s1", hub="h1", here=True)),
        record(4, SeatHere(seat="s2", hub="h2", here=True)),
    ]
    assert views.screen(Room.of(log), NOON, {"h1"}).there == 1
    assert views.screen(Room.of(log), NOON, {"h1", "h2"}).there == 2


def test_a_removed_seat_is_not_counted_and_comes_back() -> None:
    log = [
        record(1, SeatTaken(seat="s1", name="Ada", key="k")),
        record(2, SeatHere(seat="s1", hub="h1", here=True)),
        record(3, SeatAllowed(seat="s1", allowed=False), by="i:Kim"),
    ]
    assert views.screen(Room.of(log), NOON, {"h1"}).there == 0
    back = Room.of([*log, record(4, SeatAllowed(seat="s1", allowed=True), by="i:Kim")])
    assert views.screen(back, NOON, {"h1"}).there == 1


def test_messages_reach_those_they_are_for() -> None:
    log = [
        record(1, SeatTaken(seat="s1", name="Ada", key="k")),
        record(2, SeatTaken(seat="s2", name="Grace", key="k")),
        record(3, Said(to="s1", text="Look at the port"), by="i:Kim"),
        record(4, Said(text="Pause at eleven"), by="i:Kim"),
    ]
    room = Room.of(log)
    assert [(m.by, m.text) for m in views.you(room, "s1").messages] == [("Kim", "Look at the port")]
    assert views.you(room, "s2").messages == ()
    assert [m.text for m in views.common(room, NOON).messages] == ["Pause at eleven"]
