"""The proof's plan, its judgement of attempts and its reports: all pure."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from msgspec import structs

from tutor.course.expectations import AnyExpectation, ContainerExpectation, ImageExpectation
from tutor.course.models import (
    Chapter,
    Choose,
    Guess,
    Lab,
    Mistake,
    Option,
    Outcome,
    Predict,
    Quiz,
    ReadOutput,
    Step,
    TypeCommand,
    UseMistake,
    WrongCommand,
)
from tutor.lab.prove import assess, plan, report
from tutor.lab.prove.assess import Result
from tutor.lab.prove.plan import Attempt, LabTask, Place, QuestionTask
from tutor.lab.session.run import Completed
from tutor.lab.verdict import Diagnosis, Finding, NotYet, Passed, Unattempted, Unavailable, Verdict

WEB = (ContainerExpectation(name="web"),)
GUESSES = tuple(Guess(id=i, text=i, when=Outcome(exit_code=0), because=i) for i in ("yes", "no"))


def _step(name: str, also: int = 0) -> Step:
    return Step(
        id=name,
        title="A step",
        goal="Do it.",
        expect=WEB,
        hints=("a", "b", "c"),
        solutions=("one", "two"),
        also=("other",) * also,
        mistakes=(
            Mistake(id="own", when=WEB, say="Own.", made_by="wrong 1"),
            UseMistake(use="shared-one", made_by="wrong 2"),
        ),
    )


@pytest.fixture
def chapter() -> Chapter:
    option = Option(id="a", text="a")
    return Chapter(
        chapter=7,
        id="daemon",
        title="Daemon",
        idea="Idea.",
        minutes=5,
        sections=(
            Predict(id="bet", ask="?", run="true", options=GUESSES, explain="!"),
            Lab(id="work", title="Work", steps=(_step("first", also=1), _step("second"))),
            Quiz(
                id="quiz",
                questions=(
                    Choose(id="c", ask="?", options=(option, option)),
                    TypeCommand(
                        id="t", ask="?", expect=WEB, answers=("x", "y"), wrong=(WrongCommand(run="z", because="no"),)
                    ),
                    ReadOutput(id="r", ask="?", run="date", options=GUESSES),
                ),
            ),
        ),
    )


def test_every_attempt_is_planned_once(chapter: Chapter) -> None:
    planned = plan.tasks([chapter])
    seen = [
        (trial.step.id, attempt.name)
        for task in planned
        if isinstance(task, LabTask)
        for trial in task.trials
        for attempt in trial.attempts
    ]
    assert sorted(seen) == sorted(
        (step.id, attempt.name)
        for step in chapter.sections[1].steps
        for attempt in plan.step_attempts(step)  # type: ignore[union-attr]
    )
    assert len(set(seen)) == len(seen) == 6 + 5
    questions = [(t.question.id, [a.name for a in t.attempts]) for t in planned if isinstance(t, QuestionTask)]
    assert questions == [
        ("bet", ["outcome"]),
        ("t", ["empty state", "answer 1", "answer 2", "wrong 1"]),
        ("r", ["outcome"]),
    ]


def test_the_walk_goes_through_the_lab_as_a_learner_does(chapter: Chapter) -> None:
    walk = next(task for task in plan.tasks([chapter]) if isinstance(task, LabTask) and task.walk)
    assert [(trial.number, [a.name for a in trial.attempts]) for trial in walk.trials] == [
        (0, ["empty state", "solution 1"]),
        (1, ["empty state", "solution 1"]),
    ]


def test_labs_that_change_the_whole_engine_are_never_side_by_side(chapter: Chapter) -> None:
    pulls = structs.replace(chapter, chapter=8, images=("shell", "hello"))
    swarm = structs.replace(chapter, chapter=9, needs=("swarm",))
    planned = plan.tasks([chapter, pulls, swarm])

    rows = plan.lanes(planned, {"hello"})

    assert sorted(id(task) for row in rows for task in row) == sorted(map(id, planned))
    assert {task.chapter.chapter for task in rows[0]} == {8, 9}
    assert all(len(row) == 1 and row[0].chapter.chapter == 7 for row in rows[1:])
    assert all(len(row) == 1 for row in plan.lanes(plan.tasks([chapter]), {"hello"}))


def test_with_the_classic_builder_the_labs_of_a_chapter_are_never_side_by_side(chapter: Chapter) -> None:
    other = structs.replace(chapter, chapter=8, sections=chapter.sections[:1])
    planned = plan.tasks([other, chapter])

    rows = plan.lanes(planned, {"hello"}, buildkit=False)

    assert sorted(id(task) for row in rows for task in row) == sorted(map(id, planned))
    assert [{task.chapter.chapter for task in row} for row in rows] == [{7}, {8}]


def test_nothing_runs_beside_what_judges_the_build_cache(chapter: Chapter) -> None:
    cached = (AnyExpectation(of=(ImageExpectation(reference="app", new_layers=0),)),)
    lab = Lab(id="work", title="Work", steps=(structs.replace(_step("first"), expect=cached),))
    judging = structs.replace(chapter, id="cache", chapter=8, sections=(chapter.sections[0], lab))
    planned = plan.in_working_order(plan.tasks([chapter, judging]))

    together, alone = plan.alone(planned)

    assert {task.chapter.chapter for task in together} == {7}
    assert {task.chapter.chapter for task in alone} == {8}
    assert len(together) + len(alone) == len(planned)


COMPOSE = {"compose": "No Compose here."}


def test_only_what_cannot_be_tried_is_left_out(chapter: Chapter) -> None:
    lab = chapter.sections[1]
    assert isinstance(lab, Lab)
    first, second = lab.steps
    first = structs.replace(first, also=("docker compose up", "other"))
    chapter = structs.replace(chapter, sections=(structs.replace(lab, steps=(first, second)),))

    left_out = [item for task in plan.tasks([chapter]) for item in plan.possible(task, COMPOSE)[1]]

    assert left_out == [("first", "also 1", "No Compose here.")]
    assert plan.needed(plan.tasks([chapter])) == {"compose"}
    assert all(plan.possible(task, {}) == (task, ()) for task in plan.tasks([chapter]))


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"solutions": ("docker compose up",)}, ["empty state", "also 1", "mistake own", "mistake shared-one"]),
        ({"prepare": "docker compose up"}, []),
        ({"needs": ("compose",)}, []),
    ],
)
def test_steps_after_one_that_cannot_be_done_have_no_start(
    chapter: Chapter, change: dict[str, object], left: list[str]
) -> None:
    lab = chapter.sections[1]
    assert isinstance(lab, Lab)
    steps = (structs.replace(lab.steps[0], **change), lab.steps[1])
    chapter = structs.replace(chapter, sections=(structs.replace(lab, steps=steps),))
    rest = [task for task, _ in (plan.possible(task, COMPOSE) for task in plan.tasks([chapter])) if task]
    assert [a.name for task in rest for trial in task.trials for a in trial.attempts] == left  # type: ignore[union-attr]


def test_questions_and_whole_chapters_are_left_out_too(chapter: Chapter) -> None:
    predict = structs.replace(chapter.sections[0], prepare="docker compose up")
    (task,) = plan.tasks([structs.replace(chapter, sections=(predict,))])
    assert plan.possible(task, COMPOSE) == (None, (("", "outcome", "No Compose here."),))
    everything = plan.tasks([structs.replace(chapter, needs=("compose",))])
    assert {plan.possible(task, COMPOSE)[0] for task in everything} == {None}


def test_work_begins_with_the_longest(chapter: Chapter) -> None:
    costs = [task.cost for task in plan.in_working_order(plan.tasks([chapter]))]
    assert costs == sorted(costs, reverse=True)


DONE = Completed(0, "out\n", False, 1.0)
ENDED_BADLY = Completed(3, "", False, 1.0)
LATE = Completed(-15, "", True, 60.0)


def _not_yet(mistake: str = "") -> NotYet:
    finding = Finding(summary="`web` is not there.", expected="running", found="nothing")
    return NotYet(findings=(finding,), mistake=Diagnosis(id=mistake, say="!") if mistake else None)


@pytest.mark.parametrize(
    ("attempt", "verdict", "completed", "words"),
    [
        (Attempt("empty", "e"), Unattempted(), None, ""),
        (Attempt("empty", "e"), _not_yet(), None, ""),
        (Attempt("empty", "e"), Passed(), None, "passes in its empty state"),
        (Attempt("empty", "e"), _not_yet("own"), None, "diagnosed as `own`"),
        (Attempt("empty", "e"), Unavailable(reason="gone"), None, "cannot be judged: gone"),
        (Attempt("solution", "s"), Passed(), DONE, ""),
        (Attempt("solution", "s"), Passed(), ENDED_BADLY, "exit status is 3"),
        (Attempt("solution", "s"), Passed(), LATE, "did not end within 60 s"),
        (Attempt("solution", "s"), _not_yet(), DONE, "does not pass."),
        (Attempt("also", "s"), _not_yet("own"), DONE, "does not pass: it is diagnosed as `own`"),
        (Attempt("answer", "s"), Unattempted(), DONE, "does not pass."),
        (Attempt("mistake", "m", "x", "own"), _not_yet("own"), ENDED_BADLY, ""),
        (Attempt("mistake", "m", "x", "own"), _not_yet("other"), DONE, "diagnosed as `other`, where `own`"),
        (Attempt("mistake", "m", "x", "own"), _not_yet(), DONE, "It gets no diagnosis, where `own`"),
        (Attempt("mistake", "m", "x", "own"), Unattempted(), DONE, "Nothing was changed, so it gets no diagnosis"),
        (Attempt("mistake", "m", "x", "own"), Passed(), DONE, "passes, although it makes the mistake `own`"),
        (Attempt("wrong", "w"), _not_yet(), DONE, ""),
        (Attempt("wrong", "w"), Unattempted(), ENDED_BADLY, ""),
        (Attempt("wrong", "w"), Passed(), DONE, "although it is listed as wrong"),
        (Attempt("wrong", "w"), _not_yet("wrong-2"), DONE, "`when` of wrong 2"),
        (Attempt("wrong", "w", "x", "wrong-1"), _not_yet("wrong-1"), DONE, ""),
        (Attempt("wrong", "w", "x", "wrong-1"), _not_yet(), DONE, "its `when` does not hold"),
        (Attempt("wrong", "w", "x", "wrong-1"), _not_yet("wrong-2"), DONE, "`when` of wrong 2"),
    ],
)
def test_an_attempt_must_show_what_it_is_for(
    attempt: Attempt, verdict: Verdict, completed: Completed | None, words: str
) -> None:
    fault = assess.fault(attempt, verdict, completed)
    assert words in fault if words else not fault


@pytest.mark.parametrize(
    ("holding", "words"),
    [(["yes"], ""), ([], "None of the options"), (["yes", "no"], "More than one option is what happened: yes, no")],
)
def test_exactly_one_option_is_what_happened(holding: list[str], words: str) -> None:
    fault = assess.outcome_fault(holding, DONE)
    assert words in fault if words else not fault


def test_a_failure_shows_an_author_script_output_findings_and_diagnosis() -> None:
    output = "".join(f"line {i}\n" for i in range(100))
    text = assess.explain("docker run web", Completed(1, output, False, 1.0), _not_yet("own"), "mistake other")
    for part in ("docker run web", "exit status 1", "line 99", "70 lines before", "`own`", "`web` is not there."):
        assert part in text
    assert "line 69\n" not in text


def _result(order: int, status: assess.Status, **more: str) -> Result:
    return Result(Place(7, 1, 0), order, 7, "daemon", "work", "first", f"a{order}", status, 1.5, **more)


@pytest.fixture
def full() -> report.Report:
    bad = "\x1b[31mred\x00 <&>"
    results = [_result(2, "skipped", why="No buildx."), _result(1, "failed", why=f"Bad: {bad}", detail=bad)]
    times = report.Times(wall=4, busy=8, commands=5, engine=2, settling=0.2, own=0.8)
    return report.Report(report.in_order([*results, _result(0, "passed")]), times, "Engine 26.1", 2)


def test_the_table_has_a_line_for_each_attempt_and_all_about_failures(full: report.Report) -> None:
    text = report.table(full)
    lines = text.splitlines()
    assert [line.split()[-2] for line in lines[2:5]] == ["passed", "failed", "skipped"]
    assert "FAILED 07 daemon / work / first: a1" in text
    assert "skipped in 07 daemon: No buildx." in text
    assert "1 passed, 1 failed, 1 skipped in 4.0 s (2 jobs, Engine 26.1)" in text
    assert "the tutor itself 0.8 (10%)" in text


def test_junit_can_be_read_whatever_the_output_was(full: report.Report) -> None:
    root = ElementTree.fromstring(report.as_junit(full))
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    kinds = [[child.tag for child in case] for case in suite]
    assert kinds == [[], ["failure"], ["skipped"]]


def test_json_says_whether_all_is_well(full: report.Report) -> None:
    data = json.loads(json.dumps(report.as_json(full)))
    assert data["ok"] is False
    assert data["counts"] == {"passed": 1, "failed": 1, "skipped": 1}
    assert [r["status"] for r in data["results"]] == ["passed", "failed", "skipped"]
    good = report.Report((_result(0, "passed"),), full.times)
    assert report.as_json(good)["ok"] is True
    assert not report.Report((_result(0, "skipped"),), full.times).ok, "nothing was proven"
    assert not report.Report((_result(0, "passed"),), full.times, interrupted=True).ok


def test_what_is_tried_once_more_is_what_failed_and_the_whole_walk(chapter: Chapter) -> None:
    planned = plan.tasks([chapter])
    walk = next(task for task in planned if isinstance(task, LabTask) and task.walk)
    branch = next(task for task in planned if isinstance(task, LabTask) and not task.walk)
    trial = branch.trials[0]
    attempt = trial.attempts[-1]
    failed = {(trial.place, attempt.order, attempt.name)}

    (again,) = [rest for task in planned if (rest := plan.only(task, failed)) is not None]

    assert isinstance(again, LabTask)
    assert [a.name for t in again.trials for a in t.attempts] == [attempt.name]
    first = walk.trials[0]
    assert plan.only(walk, {(first.place, first.attempts[0].order, first.attempts[0].name)}) is walk
    assert plan.only(walk, set()) is None


def test_who_passes_alone_has_passed_and_says_what_was_wrong_before() -> None:
    left = _result(assess.LAST, "failed", why="left")
    first = [_result(0, "passed"), _result(1, "failed", why="late"), _result(2, "failed", why="wrong"), left]
    again = [
        _result(0, "failed", why="new"),
        _result(1, "passed"),
        _result(2, "failed", why="wrong again"),
        _result(3, "passed"),
        replace(left, status="passed", why=""),
    ]

    counted = report.second_thoughts(first, again)

    assert [(r.order, r.status, r.why, r.first) for r in counted] == [
        (0, "passed", "", ""),
        (1, "passed", "", "late"),
        (2, "failed", "wrong again", ""),
        (assess.LAST, "failed", "left", ""),
        (0, "failed", "new", ""),
    ]
    shown = report.table(report.Report(tuple(counted), report.Times(1, 1, 0, 0, 0, 1)))
    assert "passed alone only, 07 daemon / work / first: a1: late" in shown
    assert "2 passed, 3 failed, 0 skipped" in shown and "1 of them alone only" in shown
