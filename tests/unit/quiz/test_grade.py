"""Grades of fixed answers, and the rules that hold for all of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tutor.course.models import Choose, ChooseAll, Item, Option, Order, SpotMistake
from tutor.quiz import grade

CHOOSE = Choose(
    id="q",
    ask="Which?",
    options=(Option(id="yes", text="This one", right=True), Option(id="no", text="That one", because="It is not.")),
)
ALL = ChooseAll(
    id="q",
    ask="Which?",
    options=(
        Option(id="a", text="A", right=True),
        Option(id="b", text="B", right=True),
        Option(id="c", text="C", because="C is not."),
        Option(id="d", text="D", because="D is not."),
    ),
)
ORDER = Order(id="q", ask="Order", items=tuple(Item(id=f"i{n}", text=f"Item {n}") for n in range(4)))
SPOT = SpotMistake(
    id="q",
    ask="Spot",
    file="Dockerfile",
    content="FROM a\nRUN b\nCMD c\n",
    line=2,
    because="b",
    distractors={"3": "ok"},
)


def test_one_answer() -> None:
    assert grade.choose(CHOOSE, "yes").right
    wrong = grade.choose(CHOOSE, "no")
    assert (wrong.credit, wrong.reasons, wrong.right_answer) == (0.0, ("It is not.",), "This one")


def test_several_answers_give_partial_credit_and_say_what_is_off() -> None:
    assert grade.choose_all(ALL, ["b", "a"]).right
    partly = grade.choose_all(ALL, ["a", "b", "c"])
    assert partly.credit == 0.75
    assert partly.reasons == ("C — C is not.",)
    assert grade.choose_all(ALL, ["a"]).credit == 0.75


def test_ticking_everything_or_nothing_is_worth_nothing() -> None:
    assert grade.choose_all(ALL, ["a", "b", "c", "d"]).credit == 0.0
    assert grade.choose_all(ALL, []).credit == 0.0


def test_order_names_the_first_wrong_place() -> None:
    assert grade.order(ORDER, ["i0", "i1", "i2", "i3"]).right
    swapped = grade.order(ORDER, ["i0", "i2", "i1", "i3"])
    assert 0.5 <= swapped.credit < 1.0
    assert swapped.reasons == ("Place 2 is “Item 1”.",)
    assert grade.order(ORDER, ["i3", "i2", "i1", "i0"]).credit == 0.0


def test_the_wrong_line() -> None:
    assert grade.spot_mistake(SPOT, 2).right
    assert grade.spot_mistake(SPOT, 3).reasons == ("ok", "b")
    assert grade.spot_mistake(SPOT, 1).reasons == ("Line 1 is all right.", "b")
    assert grade.spot_mistake(SPOT, 1).right_answer == "Line 2: RUN b"


@given(st.sets(st.sampled_from("abcd")))
def test_only_the_right_set_is_right(chosen: set[str]) -> None:
    result = grade.choose_all(ALL, sorted(chosen))
    assert 0.0 <= result.credit <= 1.0
    assert result.right == (chosen == {"a", "b"})


@given(st.permutations(["i0", "i1", "i2", "i3"]))
def test_only_the_right_order_is_right(items: list[str]) -> None:
    result = grade.order(ORDER, items)
    assert 0.0 <= result.credit <= 1.0
    assert result.right == (items == sorted(items))
