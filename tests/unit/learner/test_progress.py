"""Progress is a fold over events; a changed course neither loses nor misplaces it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tutor.course.contents import contents_of, heading_of
from tutor.course.expectations import AbsentExpectation
from tutor.course.identity import content_hash
from tutor.course.models import Chapter, Choose, Course, Lab, Option, Quiz, Recap, Section, Step, Text
from tutor.course.tasks import tasks
from tutor.learner import memory
from tutor.learner.events import (
    AnyEvent,
    ChapterFinished,
    ChapterOpened,
    Entry,
    QuestionAnswered,
    SectionReached,
    StepPassed,
    StepTried,
)
from tutor.learner.progress import ChapterProgress, of_chapter, of_course


def step(name: str, goal: str = "Something is gone.") -> Step:
    return Step(
        id=name,
        title="A step",
        goal=goal,
        expect=(AbsentExpectation(container="x"),),
        hints=("a", "b", "c"),
        solutions=("true",),
    )


def chapter(*, goal: str = "Something is gone.", number: int = 1) -> Chapter:
    options = (Option(id="a", text="A", right=True), Option(id="b", text="B", because="No."))
    sections: tuple[Section, ...] = (
        Text(id="intro", body="Hello."),
        Lab(id="lab", title="A lab", steps=(step("one", goal), step("two"))),
        Quiz(id="quiz", questions=(Choose(id="q", ask="Which?", options=options),)),
        Recap(id="recap", idea="I", remember="R"),
    )
    return Chapter(chapter=number, id=f"c{number}", title="Title", idea="Idea", minutes=5, sections=sections)


def fold(c: Chapter, *events: AnyEvent) -> ChapterProgress:
    return of_chapter(heading_of(c), [Entry(seq=n, id=str(n), at=float(n), event=e) for n, e in enumerate(events, 1)])


def passed(c: Chapter, name: str) -> StepPassed:
    return StepPassed(chapter=c.id, item=name, hash=next(content_hash(t) for t in tasks(c) if t.id == name))


def test_nothing_is_new() -> None:
    assert fold(chapter()) == ChapterProgress(chapter="c1")


def test_a_chapter_begun_and_finished() -> None:
    c = chapter()
    begun = fold(c, ChapterOpened(chapter="c1"), SectionReached(chapter="c1", item="lab"), passed(c, "one"))
    assert (begun.state, begun.section, begun.steps, begun.share) == ("begun", 1, frozenset({"one"}), 1 / 3)
    again = fold(c, ChapterFinished(chapter="c1"), ChapterOpened(chapter="c1"))
    assert again.state == "finished"


def test_the_latest_answer_counts_and_mistakes_are_counted() -> None:
    c = chapter()
    progress = fold(
        c,
        QuestionAnswered(chapter="c1", item="q", answer=("b",), credit=0.0),
        QuestionAnswered(chapter="c1", item="q", answer=("a",), credit=1.0),
        StepTried(chapter="c1", item="one", findings=2, mistake="no-publish"),
        StepTried(chapter="c1", item="one", findings=1, mistake="no-publish"),
        StepTried(chapter="c1", item="one", findings=1),
    )
    assert progress.questions == {"q": True}
    assert progress.mistakes == {"no-publish": 2}


def test_a_changed_step_keeps_its_pass_and_says_that_it_was_updated() -> None:
    before, after = chapter(), chapter(goal="Something else is gone.")
    progress = fold(after, passed(before, "one"), passed(before, "two"))
    assert progress.steps == {"one", "two"}
    assert progress.updated == {"one"}


def test_a_step_or_section_that_is_gone_strands_nobody() -> None:
    c = chapter()
    progress = fold(
        c,
        SectionReached(chapter="c1", item="lab"),
        SectionReached(chapter="c1", item="gone"),
        StepPassed(chapter="c1", item="gone"),
    )
    assert (progress.section, progress.steps, progress.share) == (1, frozenset(), 0.0)


def test_the_whole_course_in_one_pass() -> None:
    one, two = chapter(), chapter(number=2)
    entries = [Entry(seq=1, id="1", at=1.0, event=passed(two, "one"))]
    course = Course(chapters=(one, two), mistakes={})
    assert of_course(contents_of(course), memory.fold(entries)) == {
        "c1": ChapterProgress(chapter="c1"),
        "c2": of_chapter(heading_of(two), entries),
    }


events = st.one_of(
    st.builds(ChapterOpened, chapter=st.sampled_from(["c1", "x"])),
    st.builds(SectionReached, chapter=st.just("c1"), item=st.sampled_from(["intro", "lab", "gone"])),
    st.builds(
        StepPassed, chapter=st.just("c1"), item=st.sampled_from(["one", "two", "gone"]), hash=st.text(max_size=3)
    ),
)


@given(st.lists(events))
def test_any_history_gives_a_progress_within_bounds(history: list[AnyEvent]) -> None:
    c = chapter()
    progress = fold(c, *history)
    assert 0.0 <= progress.share <= 1.0
    assert 0 <= progress.section < len(c.sections)
    assert progress.updated <= {t.id for t in tasks(c)}
