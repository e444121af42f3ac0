"""Incidents: symptoms are told, their causes are not; each learner meets them in an order of their own."""

from __future__ import annotations

from msgspec.structs import replace

from tests.unit.judge.steps import NOTHING, container, step
from tests.unit.world.worlds import world
from tutor.course.models import Chapter, Course, Lab, Mistake, Recap, Step
from tutor.course.order import shuffled, shuffles
from tutor.lab.judge import NO_NAME, STILL_THERE, judge
from tutor.lab.observations import Activity
from tutor.lab.verdict import NotYet, Passed, Unattempted, Verdict

SYMPTOM = container(state="running", say="The page does not come.")
CAUSE = container(publishes={"80/tcp": "8080"})


def incident(situation: str, *, mistakes: tuple[Mistake, ...] = (), calls: int = 1) -> Verdict:
    one = replace(step(SYMPTOM, mistakes=mistakes), cause=(CAUSE,))
    return judge(one, world(situation), baseline=NOTHING, activity=Activity(calls=calls))


def test_only_the_symptom_is_told() -> None:
    said = incident("stopped")
    assert isinstance(said, NotYet)
    assert [f.summary for f in said.findings] == ["The page does not come."]
    assert not any(f.expected or f.found or f.where for f in said.findings)


def test_a_symptom_that_is_gone_is_not_enough() -> None:
    assert incident("swapped") == NotYet(findings=(STILL_THERE,))


def test_a_mistake_is_explained_and_not_named() -> None:
    swapped = Mistake(
        id="ports-swapped", when=(container(publishes={"8080/tcp": "*"}),), say="Look again.", made_by="true"
    )
    said = incident("swapped", mistakes=(swapped,))
    assert isinstance(said, NotYet) and said.mistake is not None
    assert (said.mistake.say, said.mistake.title) == ("Look again.", NO_NAME)


def test_the_repaired_system_passes() -> None:
    assert incident("web") == Passed()


def test_nothing_done_is_no_attempt() -> None:
    one = replace(step(SYMPTOM), cause=(CAUSE,))
    prepared = replace(NOTHING, world=world("swapped"))
    assert judge(one, world("swapped"), baseline=prepared, activity=Activity()) == Unattempted()


def a_course(*, shuffle: bool) -> Course:
    steps: tuple[Step, ...] = tuple(replace(step(SYMPTOM), id=f"step-{letter}") for letter in "abcdef")
    lab = Lab(id="lab", title="Incidents", steps=steps, shuffled=shuffle)
    recap = Recap(id="recap", idea="i", remember="r")
    chapter = Chapter(chapter=1, id="one", title="One", idea="i", minutes=1, sections=(lab, recap))
    return Course(chapters=(chapter,), mistakes={})


def order_of(course: Course) -> tuple[str, ...]:
    lab = course.chapters[0].sections[0]
    assert isinstance(lab, Lab)
    return tuple(one.id for one in lab.steps)


def test_everybody_has_an_order_of_their_own_and_keeps_it() -> None:
    course = a_course(shuffle=True)
    assert shuffles(course)
    orders = {order_of(shuffled(course, f"learner {number}")) for number in range(40)}
    assert len(orders) > 20
    assert {frozenset(order) for order in orders} == {frozenset(order_of(course))}
    assert order_of(shuffled(course, "anna")) == order_of(shuffled(course, "anna"))


def test_steps_that_build_on_each_other_stay_in_order() -> None:
    course = a_course(shuffle=False)
    assert not shuffles(course)
    assert shuffled(course, "anna") == course
