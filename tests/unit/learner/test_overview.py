"""Progress as one value, and as a page that stands by itself."""

from __future__ import annotations

import re
from datetime import UTC
from html.parser import HTMLParser

from histories import START, course, entries, hash_of, histories
from hypothesis import given, settings
from msgspec.structs import replace

from tutor.course.expectations import AbsentExpectation
from tutor.course.models import SharedMistake
from tutor.learner import memory
from tutor.learner.events import (
    ChapterFinished,
    ChapterOpened,
    Entry,
    QuestionAnswered,
    StepPassed,
    StepTried,
    TaskReviewed,
)
from tutor.learner.memory import Memory
from tutor.learner.overview import AHEAD, Overview, overview
from tutor.learner.schedule import DAY
from tutor.ui.html.progress import page

COURSE = course(3)
FIRST = COURSE.chapters[0]


def found(*events: tuple[float, object], now: float = START + DAY) -> Overview:
    return overview(COURSE, memory.fold(entries(*events)), now, UTC)  # type: ignore[arg-type]


def test_a_new_learner() -> None:
    new = overview(COURSE, Memory(), START, UTC)
    assert (new.finished.done, new.finished.of, new.minutes, new.due, new.weak, new.mistakes) == (0, 3, 0, 0, (), ())
    assert len(new.coming) == AHEAD
    assert "None was met so far." in page(new, UTC)


def test_what_was_done_is_weak_or_comes() -> None:
    digest = hash_of(FIRST, "q-1")
    view = found(
        (START, ChapterOpened(chapter="c-1")),
        (START + 300, QuestionAnswered(chapter="c-1", item="q-1", hash=digest, answer=(), credit=0.0)),
        (START + 360, QuestionAnswered(chapter="c-1", item="q-2", hash="old", answer=(), credit=1.0)),
        (START + 420, ChapterFinished(chapter="c-1")),
    )
    one = view.chapters[0]
    assert (one.state, one.right.done, one.right.of, one.minutes) == ("finished", 1, 2, 7)
    assert one.updated == ("q-2",)
    assert one.recall is not None
    assert 0.5 < one.recall < 1
    assert [(weak.id, weak.chapter) for weak in view.weak] == [("q-1", 1)]
    assert view.days == {"2023-11-14": 7}
    assert view.due == 1
    assert sum(view.coming.values()) == 2


def test_mistakes_are_told_by_their_titles_and_overcome_when_met_again() -> None:
    shared = SharedMistake(id="m", title="Shared one", chapter=2, when=(AbsentExpectation(container="x"),), say="S.")
    of = replace(COURSE, mistakes={"m": shared})
    tried = StepTried(chapter="c-1", item="s-1", findings=1, mistake="m")
    own = StepTried(chapter="c-2", item="s-2", findings=1, mistake="own-one")
    done = TaskReviewed(chapter="c-1", item="s-1", passed=True)
    events: list[tuple[float, object]] = [
        (START, tried),
        (START + 60, own),
        (START + 90, StepPassed(chapter="c-2", item="s-2")),
    ]
    before = overview(of, memory.fold(entries(*events)), START + DAY, UTC)  # type: ignore[arg-type]
    assert {(one.title, one.chapter, one.put_right, one.overcome) for one in before.mistakes} == {
        ("Shared one", 2, False, False),
        ("Own one (A step)", 2, True, False),
    }
    after = overview(of, memory.fold(entries(*events, (START + DAY, done))), START + DAY, UTC)  # type: ignore[arg-type]
    assert {one.title for one in after.mistakes if one.overcome} == {"Shared one"}


class Reader(HTMLParser):
    """Whether every element is closed, and what is fetched."""

    VOID = frozenset({"meta", "circle", "rect"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


@settings(max_examples=30)
@given(histories())
def test_any_history_gives_a_whole_page_that_fetches_nothing(history: list[Entry]) -> None:
    view = overview(COURSE, memory.fold(history), START + 40 * DAY, UTC)
    assert all(0 <= one.share <= 1 and one.right.done <= one.right.of for one in view.chapters)
    text = page(view, UTC)
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert reader.links == []
    assert not reader.elements & {"script", "img", "link", "iframe"}
    assert not re.search(r"url\(|@import|https?://", text)


def test_titles_cannot_break_the_page() -> None:
    evil = replace(FIRST, title='<b>"&</b>')
    text = page(overview(replace(COURSE, chapters=(evil,)), Memory(), START, UTC), UTC)
    assert "&lt;b&gt;&quot;&amp;&lt;/b&gt;" in text
