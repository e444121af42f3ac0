"""The instructor's board."""

from __future__ import annotations

import secrets
import time
from pathlib import PurePath
from typing import ClassVar

from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from tutor.course.models import Course
from tutor.engine import images
from tutor.ui.plain.workshop_seat import left
from tutor.ui.tui import theme
from tutor.ui.tui.workshop import drawing
from tutor.ui.tui.workshop.asking import Ask, Choose
from tutor.ui.tui.workshop.shoulder import LookScreen
from tutor.workshop import polls
from tutor.workshop.events import (
    ChapterSet,
    DoorSet,
    Instruction,
    NamesShown,
    PaceSet,
    PollClosed,
    PollOpened,
    PollQuestion,
    Said,
    SeatAllowed,
    TimerSet,
)
from tutor.workshop.instructor import BoardLink, BoardStatus
from tutor.workshop.rooms import Keys
from tutor.workshop.seen import Board, SeatRow


class BoardScreen(Screen[object]):
    """Who is where, who is stuck, and on what; and what the class is told and asked.

    Args:
        keys: The room's keys.
        name: Who instructs.
        course: Where polls come from.
    """

    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = "workshop.tcss"
    HELP = """\
Seats by need: ! has a hand up, ▲ is stuck, - is away. ● passed, ◐ tried, ○ begun. What you do to a seat is done to the
one that is highlighted.

s asks the seat to show you its shell. You see it only if they agree, they are told so all the time, and either of you
ends it.

From 41 seats on a map shows every seat as one character above the list. On a narrow terminal v shows hands, mistakes
and the poll, and the seats again.
"""
    # What is shown below fits 80 columns; help has the rest.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "open", "Open", id="board.open", tooltip="Open a chapter for the class, or lock it"),
        Binding("g", "pace", "Pace", id="board.pace", tooltip="Where the class should be"),
        Binding("t", "timer", "Timer", id="board.timer", tooltip="Minutes; nothing ends it"),
        Binding("m", "message", "Tell", id="board.message", tooltip="To the seat"),
        Binding("h", "hint", "Hint", show=False, id="board.hint", tooltip="A hint to the seat"),
        Binding("a", "all", "All", id="board.all", tooltip="A message to everybody"),
        Binding("p", "poll", "Poll", id="board.poll", tooltip="Ask a question of the course"),
        Binding(
            "e",
            "mistake",
            "Ask mistake",
            show=False,
            id="board.mistake",
            tooltip="Make a poll of the class's top mistake",
        ),
        Binding("c", "close", "Close", id="board.close", tooltip="End the poll, and show what is right"),
        Binding("r", "again", "Again", id="board.again", tooltip="The same question, after they have talked"),
        Binding(
            "s", "look", "See shell", show=False, id="board.look", tooltip="A read-only copy, if the learner agrees"
        ),
        Binding("v", "class", "Class", id="board.class", tooltip="Hands, mistakes and poll, where both do not fit"),
        Binding("n", "names", "Names", show=False, id="board.names", tooltip="Names on the projector, or not"),
        Binding("d", "door", "Door", show=False, id="board.door", tooltip="Let nobody new in, or let them in again"),
        Binding("x", "remove", "Remove", show=False, id="board.remove", tooltip="Close the seat, or let it in again"),
        Binding("q", "app.quit", "Quit", id="board.quit", tooltip="The workshop goes on without the board"),
    ]

    def __init__(self, keys: Keys, name: str, course: Course) -> None:
        super().__init__()
        self._course = course
        self.link = BoardLink(keys, name, self._told)
        self._shown: tuple[object, ...] = ()
        self._drawn: list[str] = []
        self._due = False

    def compose(self) -> ComposeResult:
        """The bar, the seats beside hands, mistakes and poll."""
        yield Static(classes="bar", id="board-bar")
        yield Static(id="trouble", markup=False)
        with Horizontal(id="board"):
            with Vertical(id="seats-pane", classes="pane"):
                yield Static(id="board-steps")
                yield Static(id="map")
                yield OptionList(id="seats", markup=False)
            with VerticalScroll(id="side", classes="pane"):
                yield Static(id="side-text")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Connect."""
        self.query_one("#seats-pane").border_title = "Seats"
        self.query_one("#side").border_title = "Class"
        self.query_one("#seats").focus()
        self.run_worker(self.link.run(), exit_on_error=False)
        self.set_interval(1.0, self._draw)

    def on_resize(self) -> None:
        """Another width may need another key."""
        self.call_after_refresh(self.refresh_bindings)

    @property
    def board(self) -> Board | None:
        """The board as it is known."""
        return self.link.status.board

    @property
    def seat(self) -> SeatRow | None:
        """The seat that is highlighted."""
        place = self.query_one("#seats", OptionList).highlighted
        if self.board is None or place is None or place >= len(self._drawn):
            return None
        return next((row for row in self.board.seats if row.seat == self._drawn[place]), None)

    # -- drawing -------------------------------------------------------------------------------------------------
    def _told(self, status: BoardStatus) -> None:
        """Changes come faster than an eye can follow: they are drawn together."""
        if isinstance(self.app.screen, LookScreen):
            self.app.screen.show(status.look)
        if not self._due:
            self._due = True
            self.set_timer(0.1, self._draw)

    def _draw(self) -> None:
        self._due = False
        if not self.query("#trouble"):
            return
        status = self.link.status
        trouble = self.query_one("#trouble", Static)
        trouble.display = bool(status.trouble)
        trouble.update(status.ended or status.trouble)
        board = status.board
        if board is None:
            return
        common = board.common
        time_left = f"{common.timer_label} {left(common, self._ahead())} left" if common.timer is not None else ""
        self.query_one("#board-bar", Static).update(drawing.head(board, status.code, time_left.strip()))
        self.query_one("#board-steps", Static).update(drawing.steps(board, self._width))
        self.query_one("#side-text", Static).update(drawing.side(board))
        shown = self.query_one("#map", Static)
        shown.display = len(board.seats) >= drawing.MAP_FROM
        if shown.display:
            shown.update(drawing.seats_map(list(board.seats), self._width))
        self._draw_seats(board)

    def _draw_seats(self, board: Board) -> None:
        rows = drawing.by_need(board.seats)
        now = time.time() + self._ahead()
        width = self.query_one("#seats", OptionList).scrollable_content_region.width - 2
        lines = tuple((row.seat, drawing.seat(row, now, width)) for row in rows)
        if lines == self._shown:
            return
        self._shown = lines
        chosen = self.seat
        listed = self.query_one("#seats", OptionList)
        self._drawn = [row.seat for row in rows]
        listed.set_options([Option(line) for _, line in lines])
        if self._drawn:
            listed.highlighted = self._drawn.index(chosen.seat) if chosen and chosen.seat in self._drawn else 0

    @property
    def _width(self) -> int:
        """Columns beside the seats' border and padding."""
        return self.query_one("#seats-pane").size.width - 2

    def _ahead(self) -> float:
        return 0.0 if self.board is None else self._clock

    @property
    def _clock(self) -> float:
        """By how much the hub's clock is ahead, as of its latest summary; small differences are its age."""
        assert self.board is not None
        ahead = self.board.common.now - time.time()
        return ahead if abs(ahead) > 30 else 0.0

    # -- instructions --------------------------------------------------------------------------------------------
    async def give(self, what: Instruction, words: str) -> None:
        """Give an instruction, and say what became of it."""
        refused = await self.link.do(what)
        if refused:
            self.notify(refused, title="Not done", severity="warning", markup=False)
        else:
            self.notify(words, markup=False)

    @work
    async def action_open(self) -> None:
        """Open a chapter, or lock it."""
        if self.board is None:
            return
        chapters = {c.id: c for c in self.board.common.chapters}
        words = [(c.id, f"{'● open  ' if c.open else '○ locked'} {c.number} · {c.title}") for c in chapters.values()]
        chosen = await self.app.push_screen_wait(Choose("Open a chapter, or lock it", words))
        if chosen in chapters:
            chapter = chapters[chosen]
            done = "locked" if chapter.open else "open"
            await self.give(ChapterSet(chapter=chosen, open=not chapter.open), f"Chapter {chapter.number} is {done}.")

    @work
    async def action_pace(self) -> None:
        """Where the class should be."""
        if self.board is None:
            return
        by_id = {chapter.id: chapter for chapter in self._course.chapters}
        words: list[tuple[str, str]] = []
        for chapter in self.board.common.chapters:
            words.append((chapter.id, f"{chapter.number} · {chapter.title}"))
            steps = polls.steps(by_id[chapter.id]) if chapter.id in by_id else []
            words += [(f"{chapter.id} {step.id}", f"    step {n}: {step.title}") for n, step in enumerate(steps, 1)]
        chosen = await self.app.push_screen_wait(Choose("Where the class should be", words))
        if chosen:
            identity, _, step = chosen.partition(" ")
            await self.give(PaceSet(chapter=identity, step=step), "The class is told where it should be.")

    @work
    async def action_timer(self) -> None:
        """Minutes from now."""
        minutes = await self.app.push_screen_wait(Ask("Timer: minutes (0 ends it), then a word or two", "10 Lab"))
        number, _, label = minutes.partition(" ")
        if not number.replace(".", "", 1).isdigit():
            return
        ends = time.time() + self._ahead() + float(number) * 60 if float(number) else None
        await self.give(TimerSet(ends=ends, label=label[:60]), "The timer runs." if ends else "The timer is ended.")

    @work
    async def action_message(self) -> None:
        """A message to the seat."""
        await self._say("message")

    @work
    async def action_hint(self) -> None:
        """A hint to the seat."""
        await self._say("hint")

    async def _say(self, kind: str) -> None:
        seat = self.seat
        if seat is None:
            return
        text = await self.app.push_screen_wait(Ask(f"{kind.capitalize()} to {seat.name}"))
        if text:
            what = Said(to=seat.seat, text=text[:1000], kind="hint" if kind == "hint" else "message")
            await self.give(what, f"{seat.name} is told.")

    @work
    async def action_all(self) -> None:
        """A message to everybody."""
        text = await self.app.push_screen_wait(Ask("Message to all"))
        if text:
            await self.give(Said(text=text[:1000]), "All are told.")

    @work
    async def action_poll(self) -> None:
        """A question of the course, those of the chapter the class is in first."""
        if self.board is None:
            return
        taught = [c.id for c in self.board.common.chapters]
        chapters = sorted(self._course.chapters, key=lambda c: (c.id != self.board_chapter, c.id not in taught))
        found = [(chapter, question) for chapter in chapters for question in polls.questions(chapter)]
        words = [(str(n), f"{c.chapter} · {' '.join(q.ask.split())[:90]}") for n, (c, q) in enumerate(found)]
        chosen = await self.app.push_screen_wait(Choose("Ask the class", words))
        if chosen:
            chapter, question = found[int(chosen)]
            await self._ask(polls.of_question(chapter, question, images.reference_variables()))

    @work
    async def action_mistake(self) -> None:
        """The class's top mistake as a poll."""
        if self.board is None or not self.board.mistakes:
            self.notify("The class has made no mistake that has a name.")
            return
        made = polls.of_mistake(self._course, self.board.mistakes[0], images.reference_variables())
        if made is None:
            self.notify("That step has no other mistake to choose between.")
            return
        await self._ask(made)

    @property
    def board_chapter(self) -> str:
        """Id of the chapter that the class is in."""
        return self.board.chapter if self.board else ""

    async def _ask(self, question: PollQuestion) -> None:
        await self._close_open()
        await self.give(PollOpened(poll=f"p{secrets.token_hex(4)}", round=1, question=question), "The class is asked.")

    @work
    async def action_close(self) -> None:
        """End the poll."""
        if not await self._close_open():
            self.notify("No poll is open.")

    async def _close_open(self) -> bool:
        # Two, where another instructor has asked at the same moment.
        still = [poll for poll in (self.board.polls if self.board else ()) if poll.open]
        for poll in still:
            await self.give(PollClosed(poll=poll.poll, round=poll.rounds[-1].round), "The poll is closed.")
        return bool(still)

    @work
    async def action_again(self) -> None:
        """Ask the latest question again."""
        latest = self.board.polls[0] if self.board and self.board.polls else None
        if latest is None:
            self.notify("Nothing was asked yet.")
            return
        await self._close_open()
        number = latest.rounds[-1].round + 1
        if number > 9:
            self.notify("Nine times are enough.")
            return
        await self.give(
            PollOpened(poll=latest.poll, round=number, question=latest.question), "The class is asked again."
        )

    @work
    async def action_look(self) -> None:
        """See the seat's shell, if the learner agrees."""
        seat = self.seat
        if seat is not None:
            shown = LookScreen(seat.seat, seat.name, lambda: self._look_no_more(seat.seat))
            await self.app.push_screen(shown)
            await self.link.look(seat.seat, True)

    def _look_no_more(self, seat: str) -> None:
        self.run_worker(self.link.look(seat, False), exit_on_error=False)

    def action_class(self) -> None:
        """Show the class, or the seats again, where there is no room for both."""
        beside = self.toggle_class("-class").has_class("-class") and self.has_class("-narrow")
        self.query_one("#side" if beside else "#seats").focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is shown anyway needs no key."""
        return self.has_class("-narrow") if action == "class" else True

    @work
    async def action_names(self) -> None:
        """Names on the projector, or not."""
        if self.board:
            on = not self.board.names
            await self.give(NamesShown(on=on), f"The projector shows {'names' if on else 'no names'}.")

    @work
    async def action_door(self) -> None:
        """Let nobody new in, or let them in again."""
        if self.board:
            opened = not self.board.door
            await self.give(DoorSet(open=opened), "New seats can be taken." if opened else "Nobody new gets in.")

    @work
    async def action_remove(self) -> None:
        """Close the seat, or let it in again."""
        seat = self.seat
        if seat is not None:
            words = f"{seat.name} is removed." if seat.allowed else f"{seat.name} may come in again."
            await self.give(SeatAllowed(seat=seat.seat, allowed=not seat.allowed), words)


class BoardApp(App[int], inherit_bindings=False):
    """The board on a terminal of its own.

    Args:
        keys: The room's keys.
        name: Who instructs.
        course: Where polls come from.
    """

    TITLE = "docker tutor · board"
    # Textual loads the styles of a screen that is pushed, and not those of the first one.
    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = ["../app.tcss", "workshop.tcss"]
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual's own way
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "Help", id="app.help", tooltip="What the board can do"),
        Binding("ctrl+c", "quit", show=False, id="app.ctrl-c", system=True),
    ]

    def __init__(self, keys: Keys, name: str, course: Course) -> None:
        super().__init__()
        self.register_theme(theme.DARK)
        self.register_theme(theme.LIGHT)
        chosen = theme.load().theme
        self.theme = chosen if chosen in self.available_themes else theme.DARK.name
        self._board = BoardScreen(keys, name, course)

    def get_default_screen(self) -> Screen[object]:
        """The board."""
        return self._board

    def action_help(self) -> None:
        """What the board can do."""
        from tutor.ui.tui.help.screen import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen.about(self.screen))


def run(keys: Keys, name: str, course: Course) -> int:
    """Show the board until it is left; returns the exit status."""
    from tutor.ui.tui.guard import Guard

    guard = Guard()
    guard.start()
    guard.ready()
    try:
        app = BoardApp(keys, name, course)
        app.run()
        return app.return_code or 0
    finally:
        guard.done()
