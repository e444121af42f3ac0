"""Looking over a shoulder, its rules: a copy is cleaned, and goes only to who asked and was agreed to."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workshop.waiting import until
from tutor.workshop import protocol, shoulder
from tutor.workshop.shoulder import Bit, Copy, Looks, NotNow
from tutor.workshop.showing import Asked, Showing


def screen_of(*lines: str) -> Copy:
    return Copy(rows=tuple((Bit(line),) for line in lines), cursor=(0, 0))


# -- a copy -----------------------------------------------------------------------------------------------------------
def test_a_copy_is_cleaned_and_keeps_its_looks_and_places() -> None:
    hostile = "ab\x1b]52;c;eA==\x07\x9b31m\u202egnp.exe\u2066" + "e" + "\u0301" * 500 + "\ue000\n  $"
    made = shoulder.cleaned(Copy(rows=((Bit(hostile, 1, None, 255, 3),),), cursor=(0, 2)))
    bit = made.rows[0][0]
    assert bit.text == "ab]52;c;eA==31mgnp.exe" + "e" + "\u0301" * 2 + "   $"
    assert (bit.fg, bit.underline, made.cursor) == (1, 3, (0, 2)) and bit.flags == 255 & ~32  # nothing is hidden


@given(st.lists(st.lists(st.text(max_size=300), max_size=8), max_size=60))
def test_any_copy_can_be_sent_and_is_the_same_cleaned_twice(rows: list[list[str]]) -> None:
    copy = Copy(rows=tuple(tuple(Bit(text) for text in row) for row in rows), cursor=(-1, -1))
    made = shoulder.fitted(shoulder.cleaned(copy))
    text = protocol.encode(protocol.Shown(id="x", copy=made))
    assert len(text) < protocol.MAX_MESSAGE
    assert protocol.from_seat(text) == protocol.Shown(id="x", copy=made)
    assert shoulder.cleaned(made) == made


def test_a_big_copy_loses_its_colours_then_its_first_rows() -> None:
    row = tuple(Bit("x", n % 256, n % 256) for n in range(shoulder.MAX_COLS))
    small = shoulder.fitted(Copy(rows=(row,) * shoulder.MAX_ROWS, cursor=(59, 3)))
    assert [bit.text for bit in small.rows[0]] == ["x" * shoulder.MAX_COLS] and small.cursor == (59, 3)
    wide = (Bit("\U0001f433" * shoulder.MAX_COLS),)
    cut = shoulder.fitted(Copy(rows=(wide,) * shoulder.MAX_ROWS, cursor=(59, 3)))
    assert 0 < len(cut.rows) < shoulder.MAX_ROWS and cut.cursor[0] == len(cut.rows) - 1


# -- who may look -----------------------------------------------------------------------------------------------------
class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_nobody_sees_anything_before_the_very_connection_that_was_asked_agrees() -> None:
    looks: Looks[str] = Looks(Clock())
    look = looks.ask("s1", "ada", "kim")
    assert looks.copy("ada", look.id) is None
    assert looks.agree("eve", look.id) is None and looks.agree("ada", "another id") is None
    assert looks.copy("ada", look.id) is None
    assert looks.agree("ada", look.id) is look
    assert looks.copy("eve", look.id) is None
    assert looks.copy("ada", look.id) is look and look.viewer == "kim"
    assert looks.refuse("eve", look.id) is None and looks.leave("lee", "s1") is None
    assert looks.leave("kim", "s1") is look
    assert looks.copy("ada", look.id) is None and looks.agree("ada", look.id) is None


def test_a_few_copies_a_second_and_no_more() -> None:
    looks: Looks[str] = Looks(Clock())
    look = looks.ask("s1", "ada", "kim")
    look.limit.clock = clock = Clock()
    look.limit._at = clock.now
    looks.agree("ada", look.id)
    assert sum(looks.copy("ada", look.id) is not None for _ in range(100)) == look.limit.size
    clock.now += 1
    assert sum(looks.copy("ada", look.id) is not None for _ in range(100)) == look.limit.rate


def test_no_answer_is_no_and_comes_too_late() -> None:
    clock = Clock()
    looks: Looks[str] = Looks(clock)
    look = looks.ask("s1", "ada", "kim")
    clock.now += shoulder.ASKED_FOR + 1
    assert looks.agree("ada", look.id) is None
    assert looks.late() == [look] and looks.copy("ada", look.id) is None


def test_a_learner_who_refuses_is_left_alone_and_in_the_end_for_good() -> None:
    clock = Clock()
    looks: Looks[str] = Looks(clock)
    for _ in range(shoulder.MOST_REFUSALS):
        look = looks.ask("s1", "ada", "kim")
        with pytest.raises(NotNow, match="asked already"):
            looks.ask("s1", "ada", "kim")
        with pytest.raises(NotNow, match="Another instructor"):
            looks.ask("s1", "ada", "lee")
        assert looks.refuse("ada", look.id) is look
        for viewer in ("kim", "lee", "kim connected anew"):
            with pytest.raises(NotNow):
                looks.ask("s1", "ada", viewer)
        clock.now += shoulder.AGAIN_AFTER + 1
    with pytest.raises(NotNow, match="not asked any more"):
        looks.ask("s1", "ada", "lee")
    assert looks.ask("s2", "grace", "kim")  # others may be asked


def test_who_asks_and_goes_away_and_comes_back_asks_no_sooner() -> None:
    clock = Clock()
    looks: Looks[str] = Looks(clock)
    looks.ask("s1", "ada", "kim")
    assert len(looks.gone("kim")) == 1
    with pytest.raises(NotNow):
        looks.ask("s1", "ada", "kim again")
    clock.now += shoulder.SOON_AFTER + 1
    looks.ask("s1", "ada", "kim again")
    with pytest.raises(NotNow, match="other look"):
        looks.ask("s2", "grace", "kim again")


@given(
    st.lists(st.tuples(st.sampled_from("abkl"), st.sampled_from(["ask", "yes", "no", "copy", "leave", "gone", "wait"])))
)
def test_whatever_happens_a_copy_goes_to_who_asked_and_was_agreed_to(does: list[tuple[str, str]]) -> None:
    clock = Clock()
    looks: Looks[str] = Looks(clock)
    latest: dict[str, str] = {"a": "", "b": ""}
    allowed: dict[str, str] = {}  # shower → viewer
    asked: dict[str, str] = {}
    for who, what in does:
        if what == "wait":
            clock.now += 70
            for look in looks.late():
                asked.pop(look.shower)
        elif what == "gone":
            looks.gone(who)
            allowed = {s: v for s, v in allowed.items() if who not in (s, v)}
            asked = {s: v for s, v in asked.items() if who not in (s, v)}
        elif who in "kl" and what in ("ask", "leave"):
            for seat in "ab":
                try:
                    if what == "ask":
                        latest[seat] = looks.ask(f"s{seat}", seat, who).id
                        asked[seat] = who
                    elif looks.leave(who, f"s{seat}"):
                        asked.pop(seat, None)
                        allowed.pop(seat, None)
                except NotNow:
                    pass
        elif who in "ab" and what == "yes":
            if looks.agree(who, latest[who]):
                allowed[who] = asked.pop(who)
        elif who in "ab" and what == "no":
            looks.refuse(who, latest[who])
            allowed.pop(who, None)
            asked.pop(who, None)
        elif who in "ab" and what == "copy":
            for identity in latest.values():
                found = looks.copy(who, identity)
                if found is not None:
                    assert allowed.get(who) == found.viewer and identity == latest[who]


async def test_a_seat_sends_nothing_but_between_its_word_and_the_end() -> None:
    told: list[tuple[Asked | None, str]] = []
    sent: list[dict[str, Any]] = []

    async def send(text: str) -> None:
        sent.append(json.loads(text))

    showing = Showing(lambda asked, why: told.append((asked, why)))
    task = asyncio.create_task(showing.speak(send))
    showing.show(screen_of("never"))
    showing.agree("made up")
    showing.hear(protocol.LookAsked(id="one", by="Kim\x1b[2J"))
    showing.show(screen_of("never"))
    showing.agree("another")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sent == [] and told == [(Asked("one", "Kim[2J"), "")]
    showing.agree("one")
    await until(lambda: len(sent) >= 1)
    for _ in range(5):
        await asyncio.sleep(0)
    assert [m["type"] for m in sent] == ["look-answer"]  # what was there before their word is not kept for it
    for _ in range(3):
        showing.show(screen_of("same"))
        await until(lambda: len(sent) >= 2)
    showing.show(screen_of("other"))
    await until(lambda: len(sent) >= 3)
    assert [m["type"] for m in sent] == ["look-answer", "shown", "shown"]  # what has not changed is not sent again
    showing.show(screen_of("never"))
    showing.end("ended")
    showing.show(screen_of("never"))
    await until(lambda: len(sent) >= 4)
    showing.hear(protocol.LookAsked(id="two", by="Kim"))
    showing.lost()
    assert told[-1][0] is None and sent[-1] == {"type": "look-answer", "id": "one", "yes": False, "why": ""}
    assert "never" not in json.dumps(sent)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
