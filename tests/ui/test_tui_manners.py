"""Manners: no colours where none are wanted, nothing that moves, Docker's keys free, a place that is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import OptionList, Static

from tests.ui.tui_app import make_app, running, until
from tests.ui.tui_rooms import NoEngine, course, lesson_chapter, place_of, show_lab
from tutor.course.models import Diagram, Lab
from tutor.learner.events import ChapterFinished, HintOpened, SectionReached, SolutionOpened, StepPassed
from tutor.ui.tui import search, theme
from tutor.ui.tui.app import TutorApp
from tutor.ui.tui.help.screen import HelpScreen
from tutor.ui.tui.home.screen import HomeScreen
from tutor.ui.tui.lesson.head import engine_words, head
from tutor.ui.tui.lesson.pages import EndPage
from tutor.ui.tui.lesson.screen import LessonScreen
from tutor.ui.tui.picture import Picture
from tutor.ui.tui.quiz.page import QuizPage
from tutor.ui.tui.rounds.taught import TaughtScreen
from tutor.ui.tui.shell.view import ShellView

DETACH = {"ctrl+p", "ctrl+q"}


async def test_no_colours_where_none_are_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(tmp_path, course=course())
    async with running(app) as pilot:
        chapters = app.screen.query_one(OptionList)
        await until(pilot, lambda: chapters.has_focus, "the focus on the chapters")
        lines = chapters.render_lines(chapters.region.at_offset((0, 0)).reset_offset)[:8]
        styles = [segment.style for line in lines for segment in line]
        triplets = [style.color.triplet for style in styles if style is not None and style.color is not None]
        assert all(triplet is None or len(set(triplet)) == 1 for triplet in triplets)
        chosen = [
            y for y, line in enumerate(lines) if any(s.style and s.style.underline and s.style.bold for s in line)
        ]
        assert chosen == [1], "the row that is chosen is told by more than its colour"


def test_docker_s_detach_keys_are_nobodys() -> None:
    taken = {
        key
        for screen in (TutorApp, HomeScreen, LessonScreen, HelpScreen)
        for one in screen.BINDINGS
        for key in one.key.split(",")
    }
    assert not taken & DETACH
    assert TutorApp.COMMAND_PALETTE_BINDING not in DETACH


async def test_the_place_is_kept(tmp_path: Path) -> None:
    app = make_app(tmp_path, course=course())
    async with running(app) as pilot:
        screen = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
        await app.push_screen(screen)
        await pilot.press("n")
        await until(pilot, lambda: screen.page.width_wanted, "the drawing")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen), "home")
        again = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
        await app.push_screen(again)
        await until(pilot, lambda: again.page.width_wanted, "the drawing again")
        reached = [e.event.item for e in app.desk.journal.entries() if isinstance(e.event, SectionReached)]
        assert reached == ["wall", "door", "door"]


async def test_going_on_past_what_is_open_takes_two_presses(tmp_path: Path) -> None:
    app = make_app(tmp_path, course=course())
    async with running(app) as pilot:
        screen = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
        await app.push_screen(screen)
        await screen.show(place_of("lab"))
        page = show_lab(screen)
        await pilot.press("n")
        assert screen.page is page
        await pilot.press("n")
        await until(pilot, lambda: screen.page is not page, "the next part")


async def test_space_reads_on_and_then_goes_on_but_past_nothing_that_is_open(tmp_path: Path) -> None:
    app = make_app(tmp_path, course=course())
    async with running(app, size=(80, 12)) as pilot:
        screen = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
        await app.push_screen(screen)
        page, box = screen.page, screen.query_one("#lesson")
        await until(pilot, lambda: box.max_scroll_y > 0, "more text than fits")
        await pilot.press("space")
        await until(pilot, lambda: box.scroll_y > 0, "a page down")
        assert screen.page is page
        box.scroll_end(animate=False)
        await until(pilot, lambda: box.max_scroll_y - box.scroll_y < 1, "the end of the text")
        await pilot.press("space")
        await until(pilot, lambda: screen.page is not page, "the next part")
        await screen.show(place_of("lab"))
        lab = show_lab(screen)
        box.scroll_end(animate=False)
        await pilot.press("space", "space")
        await pilot.pause()
        assert screen.page is lab


async def test_hints_and_solution_are_recorded_once(tmp_path: Path) -> None:
    app = make_app(tmp_path, course=course())
    async with running(app) as pilot:
        screen = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
        await app.push_screen(screen)
        await screen.show(place_of("lab"))
        show_lab(screen)
        await pilot.press("h", "h", "h", "h", "s", "s")
        events = [entry.event for entry in app.desk.journal.entries()]
        assert [e.number for e in events if isinstance(e, HintOpened)] == [1, 2, 3]
        assert len([e for e in events if isinstance(e, SolutionOpened)]) == 1


async def test_nothing_jumps_when_the_verdict_changes(tmp_path: Path) -> None:
    app = make_app(tmp_path, course=course())
    async with running(app) as pilot:
        screen = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
        await app.push_screen(screen)
        await screen.show(place_of("lab"))
        page = show_lab(screen)
        page.open_hint()
        await pilot.pause()
        before = [page.query_one(name).region.offset for name in ("#steps", "#goal", "#helps", "#verdict")]
        page.told(page.verdict.__class__(findings=()))  # type: ignore[union-attr]
        await pilot.pause()
        assert [page.query_one(name).region.offset for name in ("#steps", "#goal", "#helps", "#verdict")] == before


async def test_help_on_every_screen(tmp_path: Path) -> None:
    app = make_app(tmp_path, course=course())
    async with running(app) as pilot:
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        assert "F4" in str(app.screen.query_one("#help-keys", Static).render())
        await pilot.press("escape", "d")
        await pilot.press("f1")
        assert isinstance(app.screen, HelpScreen)


async def test_what_is_set_is_kept(home: Path) -> None:
    app = make_app(home, course=course())
    async with running(app) as pilot:
        await pilot.press("t")
        assert app.theme == theme.LIGHT.name
    assert theme.load().theme == theme.LIGHT.name
    (home / "data" / "settings.json").write_text("not json")
    assert theme.load() == theme.Settings()


def test_search_ranks_titles_first_and_reads_everything() -> None:
    numbers = {chapter.id: chapter.chapter for chapter in course().chapters}
    found = [numbers[name] for name in search.find(course(), "wall")]
    assert found[0] == 7
    assert len(found) == 26
    assert [numbers[name] for name in search.find(course(), "chapter number 12")] == [12]
    assert "EXPOSE publishes nothing" in next(iter(search.find(course(), "expose publishes note").values()))
    assert search.find(course(), "nowhere to be found") == {}


async def test_a_shell_that_is_not_there_takes_no_command(tmp_path: Path) -> None:
    app = make_app(tmp_path, course=course())
    async with running(app) as pilot:
        screen = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
        await app.push_screen(screen)
        await until(pilot, lambda: screen.puts, "the commands of the text")
        assert screen.puts[0].startswith("docker run -d --name web")
        await pilot.press("p")
        assert not isinstance(app.focused, ShellView)


async def test_from_the_quiz_to_what_taught_it_and_back(tmp_path: Path) -> None:
    app = make_app(tmp_path, course=course())
    async with running(app) as pilot:
        screen = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
        await app.push_screen(screen)
        await screen.show(place_of("quiz"))
        page = screen.page
        assert isinstance(page, QuizPage)
        await pilot.press("w")
        assert app.screen is screen, "nothing is shown before the answer"
        await pilot.press("1")
        await until(pilot, lambda: page.asking.answered, "the answer")
        assert "w reads it again" in str(page.query_one("#taught", Static).content)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, TaughtScreen), "what taught it")
        section = page.taught
        assert isinstance(section, Diagram)
        seen = "\n".join(str(words.content) for words in app.screen.query("#taught-box Static").results(Static))
        assert section.title in seen
        assert section.drawing.strip() in seen
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "the question")
        assert screen.page is page


async def test_a_quiz_goes_on_where_it_was_left(tmp_path: Path) -> None:
    app = make_app(tmp_path, course=course())
    async with running(app) as pilot:
        for place, dots in ((1, "○○"), (2, "●○")):
            screen = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
            await app.push_screen(screen)
            await screen.show(place_of("quiz"))
            page = screen.page
            assert isinstance(page, QuizPage)
            head = str(page.query_one("#quiz-head", Static).content)
            assert head.startswith(f"Quiz · question {place} of ")
            assert dots in head
            if place == 1:
                await pilot.press("1")
                await until(pilot, lambda page=page: page.asking.answered, "the answer")  # type: ignore[misc]
                app.pop_screen()


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (100, "7 · Doors in the wall   ▰▰▰▰▰▱▱▱▱▱ 50% done   engine 26.1.5 ●   sandbox doors-7"),
        (70, "7 · Doors in the wall   ▰▰▰▰▰▱▱▱▱▱ 50% done   engine 26.1.5 ●"),
        (55, "7 · Doors in the wall   50% done   engine 26.1.5 ●"),
        (45, "7 · Doors in the wall   engine 26.1.5 ●"),
    ],
)
def test_the_line_above_leaves_out_what_has_no_room(cells: int, shown: str) -> None:
    known = engine_words("26.1.5+dfsg1", looking=False)
    assert head(lesson_chapter(), 0.5, known, "sandbox doors-7", cells).plain == shown


async def test_no_engine_is_told_where_the_shell_is_not_seen(tmp_path: Path) -> None:
    app = make_app(tmp_path, course=course())
    async with running(app, (80, 24)) as pilot:
        screen = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
        await app.push_screen(screen)
        await until(
            pilot, lambda: "no engine: d says why" in str(screen.query_one("#lesson-bar", Static).content), "it"
        )


async def test_where_it_is_narrow_what_n_and_h_do_is_seen(tmp_path: Path) -> None:
    app = make_app(tmp_path, course=course())
    async with running(app, (80, 24)) as pilot:
        screen = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
        await app.push_screen(screen)
        await screen.show(place_of("lab"))
        page = show_lab(screen)
        for key in ("h", "s", "n", "b"):
            screen.pane("picture")
            await pilot.pause()
            assert not screen.query_one("#lesson").display
            await pilot.press(key)
            await until(pilot, lambda: screen.query_one("#lesson").display, f"the text after {key}")
        assert page.hints == 1


@pytest.mark.parametrize(("kind", "tab"), [(ShellView, "shell"), (Picture, "picture"), (VerticalScroll, "lesson")])
async def test_the_keyboard_stays_where_it_is_when_the_screen_becomes_narrow(
    tmp_path: Path, kind: type[Widget], tab: str
) -> None:
    app = make_app(tmp_path, course=course())
    async with running(app, (120, 36)) as pilot:
        screen = LessonScreen(app.desk, lesson_chapter(), NoEngine(course(), lesson_chapter()))
        await app.push_screen(screen)
        await screen.show(place_of("lab"))
        page = show_lab(screen)
        wanted = screen.query(kind).first()
        wanted.focus()
        await until(pilot, lambda: app.focused is wanted, "the focus")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: screen.has_class("-narrow"), "the narrow screen")
        assert app.focused is wanted
        assert wanted.region.size, "and it is seen"
        assert f"▸{tab.capitalize()}" in str(screen.query_one("#panes", Static).content)
        if tab == "shell":
            await pilot.press("h")
            assert page.hints == 0, "what is typed there is the shell's"


async def test_the_end_says_what_is_true_now(tmp_path: Path) -> None:
    app = make_app(tmp_path, course=course())
    chapter = lesson_chapter()
    end = len(chapter.sections)
    async with running(app) as pilot:
        screen = LessonScreen(app.desk, chapter, NoEngine(course(), chapter))
        await app.push_screen(screen)
        await screen.show(end)

        def seen() -> str:
            return "\n".join(str(words.content) for words in screen.page.query(Static))

        assert "not yet done" in seen()
        lab = next(part for part in chapter.sections if isinstance(part, Lab))
        for step in lab.steps:
            app.desk.record(StepPassed(chapter=chapter.id, item=step.id))
        for _ in range(2):
            await screen.show(end - 1)
            await screen.show(end)
            assert "is done" in seen()
            assert "questions have no answer yet: b goes back" in seen()
        await pilot.pause()
        assert len(screen.query(EndPage)) == 1
        finished = [e for e in app.desk.journal.entries() if isinstance(e.event, ChapterFinished)]
        assert len(finished) == 1
