"""A learner's seat while the app runs: the connection, the line at the bottom of every screen, what is told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from tutor.learner.journal import Journal
from tutor.ui.plain.workshop_seat import left, pace
from tutor.workshop import cards, client, names
from tutor.workshop.cards import Card
from tutor.workshop.client import Link, Status
from tutor.workshop.outbox import JournalOutbox

if TYPE_CHECKING:
    from textual.screen import Screen

    from tutor.ui.tui.app import TutorApp


class WorkshopLine(Static):
    """One line above the keys: what is open, the time left, the question, one's hand."""

    DEFAULT_CSS = "WorkshopLine { height: 1; background: $primary 20%; color: $foreground; padding: 0 1; }"
    words: Content | None = None

    def show(self, words: Content) -> None:
        """Draw these words; nothing is drawn where they stand already."""
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
        self._closed = False
        self._worker = app.run_worker(self.link.run(), group="workshop", exclusive=True, exit_on_error=False)
        self._timer = app.set_interval(1.0, self.draw)
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

    def stop(self) -> None:
        """Let go of the connection; the seat is kept."""
        self.close()
        for line in [line for screen in self.app.screen_stack for line in screen.query(WorkshopLine)]:
            line.remove()

    def close(self) -> None:
        """End what runs."""
        self._closed = True
        self._timer.stop()
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

    def _once(self, key: str, words: str, title: str, *, quiet: bool) -> None:
        if key not in self._heard:
            self._heard.add(key)
            if not quiet:
                self.app.notify(words, title=title, timeout=10, markup=False)

    def draw(self) -> None:
        """Draw the line on every screen that has keys at its bottom."""
        words = self._words()
        for screen in self.app.screen_stack:
            line = self._line(screen)
            if line is not None:
                line.show(words)

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
