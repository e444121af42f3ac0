"""A learner's panel: what the instructor said and opened, the question, one's hand; and the box to join with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from tutor.problems import Problem
from tutor.ui.plain.workshop_seat import left, pace
from tutor.workshop import client, names
from tutor.workshop.client import Status
from tutor.workshop.seen import PollView
from tutor.workshop.showing import Asked

if TYPE_CHECKING:
    from tutor.ui.tui.app import TutorApp
    from tutor.ui.tui.workshop.keeper import Keeper


class WorkshopPanel(ModalScreen[None]):
    """The workshop, over whatever the learner does.

    Args:
        keeper: The seat.
    """

    app: TutorApp
    CSS_PATH = "workshop.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h", "hand", "Hand up or down", id="workshop.hand", tooltip="Ask for help"),
        Binding(
            "y", "agree", "Let them look", id="workshop.agree", tooltip="The instructor sees your shell, read-only"
        ),
        Binding("n", "refuse", "No", id="workshop.refuse", tooltip="They do not see your shell, or not any more"),
        Binding("l", "leave", "Leave", id="workshop.leave", tooltip="Leave the workshop; nothing is sent any more"),
        Binding("escape,q,f4", "dismiss", "Close", key_display="esc", id="workshop.close"),
    ]

    def __init__(self, keeper: Keeper) -> None:
        super().__init__()
        self._keeper = keeper
        self._chosen: set[str] = set()
        self._asked = ""
        self._looked: Asked | None = None
        self._plain = keeper.card.hub.startswith("http://")
        self._chapters: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """A box in the middle."""
        with Vertical(id="workshop") as box:
            box.border_title = "Workshop"
            yield Static(id="look-asked", markup=False)
            yield Static(id="stands", markup=False)
            with VerticalScroll(id="said", can_focus=False):
                yield Static(id="messages", markup=False)
            yield Static(id="question", markup=False)
            yield OptionList(id="options", markup=False)
            yield Static("Open for the class (enter goes there)", id="open-title", classes="quiet")
            yield OptionList(id="open", markup=False)
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Show what is known, and look at the question first."""
        self.show(self._keeper.status)
        self.query_one("#options" if self._asked else "#open").focus()
        self.set_interval(1.0, lambda: self._stands(self._keeper.status))

    def show(self, status: Status) -> None:
        """Something has changed."""
        if not self.query("#stands"):
            return
        self._look(status)
        self._stands(status)
        common, you = status.common, status.you
        if common is None or you is None:
            return
        said = sorted((*common.messages, *you.messages), key=lambda message: message.at)
        lines = [f"{names.clean(m.by, 32)}: {_lines(m.text)}" for m in said[-12:]]
        self.query_one("#messages", Static).update("\n".join(lines) or "Nothing was said yet.")
        chapters = tuple((c.id, c.number, names.clean(c.title, 60)) for c in common.chapters if c.open)
        if chapters != self._chapters:
            self._chapters = chapters
            opened = self.query_one("#open", OptionList)
            opened.set_options([Option(f"{number} · {title}", id=f"c{number}") for _, number, title in chapters])
        self._question(common.poll, you.answers)

    def _look(self, status: Status) -> None:
        look = status.look
        asked = self.query_one("#look-asked", Static)
        asked.display = look is not None
        if look is not None:
            what = "sees a read-only copy of your shell's screen" if look.agreed else "asks to see your shell's screen"
            how = "n ends it at once." if look.agreed else "y lets them, n does not; no answer is no."
            alone = "It goes to nobody else, is kept nowhere, and either of you ends it at any time."
            plain = " This hub is plain HTTP: the network could read it." if self._plain else ""
            asked.update(f"{look.by} {what}. {alone}{plain} {how}")
        if look != self._looked:
            self._looked = look
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that answer are there when somebody asks."""
        del parameters
        look = self._looked
        if action == "agree":
            return look is not None and not look.agreed
        return look is not None if action == "refuse" else True

    def _stands(self, status: Status) -> None:
        you, common = status.you, status.common
        words = f"You sit in “{self._keeper.card.title}” as {self._keeper.card.name}. "
        words += "Connected. " if status.connected else f"{status.trouble} What you do is kept and sent later. "
        if you is not None:
            words += "Your hand is up. " if you.hand else ""
        if common is not None and (at := pace(common)):
            words += f"The class should be at {at}. "
        if common is not None and common.timer is not None:
            words += f"{left(common, status.ahead)} left. "
        self.query_one("#stands", Static).update(words)

    def _question(self, poll: PollView | None, answers: dict[str, tuple[str, ...]]) -> None:
        question, options = self.query_one("#question", Static), self.query_one("#options", OptionList)
        question.display = options.display = poll is not None
        if poll is None:
            self._asked = ""
            return
        latest = poll.rounds[-1]
        key = f"{poll.poll} {latest.round} {poll.open}"
        mine = answers.get(str(latest.round), ())
        if poll.open and key != self._asked:
            self._chosen = set(mine)
        again = "Asked again, after you talked. " if latest.round > 1 and poll.open else ""
        how = "Choose one or more." if poll.question.several else "Choose one."
        state = f"{again}{how}" if poll.open else "Closed."
        question.update(f"{_lines(poll.question.ask)}\n{state}")
        place = options.highlighted
        options.set_options([Option(row, id=f"o{n}") for n, row in enumerate(self._rows(poll, mine))])
        options.highlighted = place if key == self._asked else 0
        self._asked = key

    def _rows(self, poll: PollView, mine: tuple[str, ...]) -> list[Content]:
        rows = []
        chosen = self._chosen if poll.open else set(mine)
        for option in poll.question.options:
            mark = "●" if option.id in chosen else "○"
            row = Content.assemble(f"{mark} ", _lines(option.text))
            if not poll.open:
                counts = " → ".join(str(asked.counts.get(option.id, 0)) for asked in poll.rounds)
                right = ("  ✓ right", "$success") if option.right else ""
                row = Content.assemble(row, (f"  {counts}", "$quiet"), right)
            rows.append(row)
        return rows

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """An answer, or a chapter to go to."""
        if event.option_list.id == "open":
            number = int((event.option.id or "c0")[1:])
            chapter = next((c for c in self.app.desk.course.chapters if c.chapter == number), None)
            if chapter is None:
                self.notify("Your course does not have this chapter: use the instructor's version.")
                return
            self.app.go_to(chapter)
            return
        common = self._keeper.status.common
        poll = common.poll if common else None
        if poll is None or not poll.open:
            return
        chosen = poll.question.options[event.option_index].id
        self._chosen = self._chosen ^ {chosen} if poll.question.several else {chosen}
        if self._chosen:
            # In the question's order, whatever was chosen first.
            self._keeper.answer(tuple(o.id for o in poll.question.options if o.id in self._chosen))
        self.show(self._keeper.status)

    def action_hand(self) -> None:
        """Ask for help, or say that it came."""
        self._keeper.hand()

    def action_agree(self) -> None:
        """Let the instructor see the shell."""
        if self._looked is not None:
            self._keeper.agree(self._looked.id)
            self.dismiss()  # to the screen whose line says that it is seen

    def action_refuse(self) -> None:
        """Do not let them, or not any more."""
        self._keeper.refuse()

    def action_leave(self) -> None:
        """Leave the workshop."""
        self.app.leave_workshop()
        self.dismiss()


class JoinBox(ModalScreen[None]):
    """Link and name."""

    app: TutorApp
    CSS_PATH = "workshop.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f4", "dismiss", "Close", id="join.close")]

    def compose(self) -> ComposeResult:
        """Two lines to fill in."""
        with Vertical(id="join") as box:
            box.border_title = "Join a workshop"
            box.border_subtitle = "escape closes"
            yield Static("The link is on the projector. Only what you do in the workshop's chapters is sent.")
            yield Input(placeholder="http://192.0.2.7:7000/K7M4QX", id="link")
            yield Input(placeholder="Your name, as the instructor sees it", id="name")
            yield Static(id="join-trouble", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """From the link to the name, from the name into the room."""
        if event.input.id == "link":
            self.query_one("#name").focus()
        else:
            self._join()

    @work(exclusive=True)
    async def _join(self) -> None:
        link, name = self.query_one("#link", Input).value, self.query_one("#name", Input).value
        self.query_one("#join-trouble", Static).update("Joining …")
        try:
            card = await asyncio.to_thread(client.take_seat, link, name or "Somebody", self.app.desk.journal)
            there = await asyncio.to_thread(client.images_at, card.hub)
        except Problem as problem:
            self.query_one("#join-trouble", Static).update(str(problem))
            self.query_one("#link").focus()
            return
        self.app.begin_workshop()
        if there:
            self.app.notify(there, timeout=30, markup=False)
        self.dismiss()


def _lines(text: str) -> str:
    return "\n".join(names.clean(line, 300) for line in text.splitlines()[:20])
