"""A learner's seat while the app runs: the connection, the line at the bottom of every screen, what is told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from tutor.learner.journal import Journal
from tutor.ui.plain.workshop_seat import left, pace
from tutor.workshop import cards, client, names
from tutor.workshop.cards import Card
from tutor.workshop.client import Link, Status
from tutor.workshop.outbox import JournalOutbox
from tutor.workshop.showing import BETWEEN, Asked

if TYPE_CHECKING:
    from textual.screen import Screen

    from tutor.ui.tui.app import TutorApp
    from tutor.ui.tui.shell.view import ShellView


class WorkshopLine(Static):
    """One line above the keys: what is open, the time left, the question, one's hand."""

    DEFAULT_CSS = (
        "WorkshopLine { height: 1; background: $primary 20%; color: $foreground; padding: 0 1; }"
        " WorkshopLine.-urgent { background: $warning; color: $background; text-style: bold; }"
    )
    words: Content | None = None

    def show(self, words: Content, *, urgent: bool = False) -> None:
        """Draw these words; nothing is drawn where they stand already. `urgent`: they cannot be missed."""
        self.set_class(urgent, "-urgent")
        if words != self.words:
            self.words = words
            self.update(words)


class Keeper:
    """Sits in a seat for the app.

    Args:
        app: The tutor.
        card: The seat.
    """

    def __init__(self, app: TutorApp, card: Card) -> None:
        self.app, self.card = app, card
        self._reading = Journal(app.desk.journal.path)
        self.link = Link(card, JournalOutbox(self._reading, card.room), self._told)
        self._heard: set[str] = set()
        self._first = True
        self._pace = ("", "")
        self._asked: Asked | None = None
        self._closed = False
        self._worker = app.run_worker(self.link.run(), group="workshop", exclusive=True, exit_on_error=False)
        self._timer = app.set_interval(1.0, self.draw)
        self._view: ShellView | None = None
        self._looking = app.set_interval(BETWEEN, self._look, pause=True)
        self.draw()

    @property
    def status(self) -> Status:
        """How things stand."""
        return self.link.status

    # -- what the learner does -----------------------------------------------------------------------------------
    def hand(self) -> None:
        """Up when it is down, down when it is up."""
        up = not (self.status.you and self.status.you.hand)
        self.app.desk.record(client.hand(self.card, up))
        self.link.poke()

    def answer(self, options: tuple[str, ...]) -> None:
        """Answer the open poll."""
        poll = self.status.common.poll if self.status.common else None
        asked = next((r for r in poll.rounds if r.open), None) if poll else None
        if poll is not None and asked is not None:
            self.app.desk.record(client.answer(self.card, poll.poll, asked.round, options))
            self.link.poke()

    def agree(self, identity: str) -> None:
        """Let the instructor see the shell that is open now; `identity`: the wish that the learner has read."""
        self._view = self._shell()
        if self._view is None:
            self._no_shell()
        else:
            self.link.showing.agree(identity)

    def refuse(self) -> None:
        """Do not let them, or not any more."""
        self.link.showing.end("You said no." if not self._seen else "You ended it: nobody sees your shell.")

    def stop(self) -> None:
        """Let go of the connection; the seat is kept."""
        self.close()
        for line in [line for screen in self.app.screen_stack for line in screen.query(WorkshopLine)]:
            line.remove()

    def close(self) -> None:
        """End what runs."""
        self._closed = True
        self._timer.stop()
        self._looking.stop()
        self._worker.cancel()
        self._reading.close()

    def leave(self) -> None:
        """Leave the workshop."""
        client.leave(self.card, self.app.desk.journal)
        self.stop()

    # -- what is told --------------------------------------------------------------------------------------------
    def _told(self, status: Status) -> None:
        if self._closed:
            return
        from tutor.ui.tui.workshop.panel import WorkshopPanel

        if status.look != self._asked:
            self._asked, before = status.look, self._asked
            self._look_news(status, before)
        if status.common is not None and status.you is not None:
            self._news(status)
        self.draw()
        if isinstance(self.app.screen, WorkshopPanel):
            self.app.screen.show(status)

    def _news(self, status: Status) -> None:
        """Say once what was not said yet; what was there before we came is in the panel."""
        assert status.common is not None and status.you is not None
        quiet, self._first = self._first, False
        for message in (*status.common.messages, *status.you.messages):
            self._once(message.id, names.clean(message.text, 300), f"{names.clean(message.by, 32)} says", quiet=quiet)
        for chapter in status.common.chapters:
            if chapter.open:
                words = f"Chapter {chapter.number} · {names.clean(chapter.title, 60)} is open."
                self._once(f"open {chapter.id}", words, "Workshop", quiet=quiet)
            else:
                self._heard.discard(f"open {chapter.id}")
        if (at := pace(status.common)) and status.common.pace != self._pace and not quiet:
            self.app.notify(f"The class should be at {at}.", title="Workshop", timeout=10, markup=False)
        self._pace = status.common.pace
        poll = status.common.poll
        if poll is not None and poll.open:
            self._once(
                f"poll {poll.poll} {len(poll.rounds)}", "The instructor asks: F4 answers.", "Question", quiet=False
            )

    # -- looking over the shoulder -------------------------------------------------------------------------------
    @property
    def _seen(self) -> bool:
        return self._asked is not None and self._asked.agreed

    def _look_news(self, status: Status, before: Asked | None) -> None:
        look = status.look
        if look is None:
            self._looking.pause()
            self._view = None
            if status.look_over:
                words = status.look_over
                self.app.notify(words, title="Your shell", timeout=8, markup=False)
        elif look.agreed:
            self._looking.resume()
        elif before is None:
            if self._shell() is None:
                self.app.call_later(self._no_shell)
                return
            words = f"{look.by} asks to see your shell, read-only. F4 answers. No answer is no."
            self.app.notify(words, title="Your shell", severity="warning", timeout=20, markup=False)
            self.app.bell()

    def _no_shell(self) -> None:
        by = self._asked.by if self._asked else "The instructor"
        words = f"{by} asked to see your shell. None of the workshop's is open here: nothing is shown."
        self.link.showing.end(words, "No shell of the workshop's chapters is open there.")

    def _shell(self) -> ShellView | None:
        """The shell that may be shown: of a chapter that is the workshop's, and that runs."""
        common = self.status.common
        taught = {chapter.id for chapter in common.chapters} if common else set()
        for screen in reversed(self.app.screen_stack):
            chapter = getattr(screen, "chapter", None)
            if chapter is not None and chapter.id in taught:
                for view in screen.query("ShellView").results():
                    if getattr(view, "shell", None) is not None:
                        return cast("ShellView", view)
        return None

    def _look(self) -> None:
        """Send what the shell looks like, while its chapter is open and the learner reads that it is seen."""
        from tutor.ui.tui.workshop.shoulder import copy_of

        view = self._view
        if not self._seen or view is None:
            return
        left_it = not view.is_attached or view.screen not in self.app.screen_stack
        if left_it or getattr(view.screen, "at_end", False):
            self.link.showing.end("You left the chapter: nobody sees your shell.", "They left the chapter.")
            return
        if any(mark.has_class("-urgent") for mark in self.app.screen.query(WorkshopLine)):
            self.link.showing.show(copy_of(view.term))

    def _once(self, key: str, words: str, title: str, *, quiet: bool) -> None:
        if key not in self._heard:
            self._heard.add(key)
            if not quiet:
                self.app.notify(words, title=title, timeout=10, markup=False)

    def draw(self) -> None:
        """Draw the line on every screen that has keys at its bottom."""
        words, urgent = self._words(), self._asked is not None
        for screen in self.app.screen_stack:
            line = self._line(screen)
            if line is not None:
                line.show(words, urgent=urgent)

    def _line(self, screen: Screen[object]) -> WorkshopLine | None:
        if isinstance(screen, ModalScreen) or not screen.is_attached:
            return None
        found = screen.query(WorkshopLine)
        if found:
            return found.first()
        footers = screen.query(Footer)
        if footers:
            screen.mount(WorkshopLine(), before=footers.first())
        return None

    def _words(self) -> Content:
        status = self.status
        if self._asked is not None:
            by = self._asked.by[:20]
            keys = "F6, F4" if getattr(self.app.focused, "takes_every_key", False) else "F4"
            if self._seen:
                return Content(f"● {by} sees your shell (read-only)   {keys}, n end it")
            return Content(f"? {by} asks to see your shell   {keys} answers, no answer is no")
        parts: list[str | tuple[str, str]] = [("Workshop", "bold $primary")]
        common, you = status.common, status.you
        if not status.connected:
            parts.append((f" · {status.trouble}", "$warning"))
        elif common is not None:
            opened = [chapter.number for chapter in common.chapters if chapter.open]
            parts.append(f" · open: {', '.join(map(str, opened)) or 'nothing yet'}")
        if common is not None and (at := pace(common)):
            parts.append(f" · class at {at.partition(' ')[0]}")
        if common is not None and common.timer is not None:
            label = names.clean(common.timer_label, 20)
            parts.append(f" · {label + ' ' if label else ''}{left(common, status.ahead)} left")
        if you is not None and you.hand:
            parts.append((" · your hand is up", "$warning"))
        if common is not None and common.poll is not None and common.poll.open:
            latest = str(common.poll.rounds[-1].round)
            answered = you is not None and latest in you.answers
            parts.append(
                (" · answered" if answered else " · a question waits for you", "$quiet" if answered else "bold")
            )
        return Content.assemble(*parts, ("   F4 opens", "$quiet"))


def begin(app: TutorApp) -> Keeper | None:
    """Sit in the seat that the learner has; None when they are in no workshop."""
    card = cards.current()
    return Keeper(app, card) if card is not None else None
