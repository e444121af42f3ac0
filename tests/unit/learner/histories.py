"""What tests of the memory share: a small course, and histories of what learners do."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from tutor.course.expectations import AbsentExpectation
from tutor.course.identity import content_hash
from tutor.course.models import Chapter, Choose, Course, Guess, Lab, Option, Outcome, Predict, Quiz, Section, Step
from tutor.course.tasks import tasks
from tutor.learner.events import (
    AnyEvent,
    ChapterFinished,
    ChapterOpened,
    Entry,
    GradeUndone,
    HintOpened,
    PlacementDone,
    PredictionMade,
    QuestionAnswered,
    ReviewLimitSet,
    SectionReached,
    StepPassed,
    StepTried,
    TaskReviewed,
)
from tutor.learner.schedule import DAY

START = 1_700_000_000.0
QUESTIONS, PREDICTIONS, STEPS = ("q-1", "q-2", "q-3", "q-4"), ("p-1",), ("s-1", "s-2")


def question(name: str, ask: str = "Which?") -> Choose:
    options = (
        Option(id="a", text="A", right=True),
        Option(id="b", text="B", because="No."),
        Option(id="c", text="C", because="No."),
        Option(id="d", text="D", because="No."),
    )
    return Choose(id=name, ask=ask, options=options)


def prediction(name: str) -> Predict:
    options = tuple(Guess(id=i, text=i, when=Outcome(output=i), because="It is so.") for i in ("x", "y"))
    return Predict(id=name, ask="What?", run="true", options=options, explain="So.")


def step(name: str) -> Step:
    return Step(
        id=name,
        title="A step",
        goal="Gone.",
        expect=(AbsentExpectation(container="x"),),
        hints=("a", "b", "c"),
        solutions=("true",),
    )


def chapter(number: int, questions: Iterable[str] = QUESTIONS) -> Chapter:
    sections: tuple[Section, ...] = (
        *(prediction(name) for name in PREDICTIONS),
        Lab(id="lab", title="A lab", steps=tuple(step(name) for name in STEPS)),
        Quiz(id="quiz", questions=tuple(question(name) for name in questions)),
    )
    return Chapter(chapter=number, id=f"c-{number}", title=f"Title {number}", idea="Idea", minutes=5, sections=sections)


def course(chapters: int = 2) -> Course:
    return Course(chapters=tuple(chapter(n) for n in range(1, chapters + 1)), mistakes={})


def hash_of(where: Chapter, item: str) -> str:
    return next(content_hash(task) for task in tasks(where) if task.id == item)


def entries(*events: tuple[float, AnyEvent]) -> list[Entry]:
    return [Entry(seq=n, id=f"e{n}", at=at, event=event) for n, (at, event) in enumerate(events, 1)]


CHAPTERS = st.sampled_from(["c-1", "c-2", "gone"])
EVENTS: st.SearchStrategy[AnyEvent] = st.one_of(
    st.builds(ChapterOpened, chapter=CHAPTERS),
    st.builds(ChapterFinished, chapter=CHAPTERS),
    st.builds(SectionReached, chapter=CHAPTERS, item=st.sampled_from(["lab", "quiz", "gone"])),
    st.builds(
        QuestionAnswered,
        chapter=CHAPTERS,
        item=st.sampled_from(QUESTIONS),
        answer=st.just(("a",)),
        credit=st.sampled_from([0.0, 0.5, 0.8, 1.0]),
    ),
    st.builds(
        PredictionMade,
        chapter=CHAPTERS,
        item=st.sampled_from(PREDICTIONS),
        option=st.just("x"),
        outcome=st.just("y"),
        right=st.booleans(),
    ),
    st.builds(
        StepTried,
        chapter=CHAPTERS,
        item=st.sampled_from(STEPS),
        findings=st.just(1),
        mistake=st.sampled_from(["", "m", "n"]),
    ),
    st.builds(StepPassed, chapter=CHAPTERS, item=st.sampled_from(STEPS), hash=st.sampled_from(["", "h"])),
    st.builds(HintOpened, chapter=CHAPTERS, item=st.sampled_from(STEPS), number=st.just(1)),
    st.builds(
        TaskReviewed,
        chapter=CHAPTERS,
        item=st.sampled_from(STEPS),
        passed=st.booleans(),
        mistakes=st.sampled_from([(), ("m",)]),
        hints=st.integers(0, 3),
        solution=st.booleans(),
    ),
    st.builds(ReviewLimitSet, chapter=st.just(""), limit=st.integers(0, 30)),
    st.builds(PlacementDone, chapter=CHAPTERS, skip=st.just(("c-1",))),
)  # fmt: skip


@st.composite
def histories(draw: st.DrawFn, longest: int = 40) -> list[Entry]:
    """What a learner may do in some weeks, in the order of time, with grades taken back here and there."""
    at = START
    found: list[Entry] = []
    for number in range(1, draw(st.integers(0, longest)) + 1):
        at += draw(st.sampled_from([0.0, 5.0, 120.0, 3600.0, DAY, 3 * DAY]))
        event = draw(EVENTS)
        if found and draw(st.integers(0, 7)) == 0:
            of = draw(st.sampled_from(found[-3:]))
            event = GradeUndone(chapter=of.event.chapter, item=of.event.item, of=of.id)
        found.append(Entry(seq=number, id=f"e{number}", at=at, event=event))
    return found
