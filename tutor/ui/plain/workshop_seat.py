"""A learner's seat in lines of text: `join --plain` beside a tutor in another terminal, `join --what`, `leave`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable
from typing import TextIO

from tutor.learner.journal import Journal
from tutor.problems import Problem
from tutor.workshop import cards, client, names
from tutor.workshop.cards import Card
from tutor.workshop.client import Link, Status
from tutor.workshop.outbox import JournalOutbox
from tutor.workshop.seen import Common, PollView
from tutor.workshop.told import SHOWN, TOLD

ENGINE = "What you make in labs is on the engine of the workshop's host, who can see it there."
_HELP = "Type: answer N · hand up · hand down · status · leave · quit (keeps your seat)."


def what(out: TextIO) -> None:
    """List what is sent."""
    print("From joining to leaving, and only of the workshop's chapters, the room is told:", file=out)
    for words in TOLD.values():
        print(textwrap.fill(words, 100, initial_indent="  - ", subsequent_indent="    "), file=out)
    print("With each goes when it happened. The instructor sees it with the name you chose.", file=out)
    never = (
        "Never sent otherwise: commands you type, output of programs. Never at all: files, other chapters, anything "
    )
    for words in (f"{SHOWN}.", f"{never}before or after.", f"With --engine: {ENGINE[0].lower()}{ENGINE[1:]}"):
        print(textwrap.fill(words, 100), file=out)


def leave(out: TextIO) -> int:
    """Leave the workshop one is in; returns the exit status."""
    card = cards.current()
    if card is None:
        print("You are in no workshop.", file=out)
        return 0
    with Journal() as journal:
        client.leave(card, journal)
    print(
        f"You have left “{card.title}”. Nothing is sent any more. Your seat is kept: join again to come back.", file=out
    )
    return 0


def take(link: str | None, name: str, code: str, *, engine: bool = False) -> Card:
    """Join, or come back to the seat one has.

    Raises:
        Problem: Nobody can be joined; `no-workshop` without a link where there is no seat.
    """
    with Journal() as journal:
        card = cards.current() if link is None else client.take_seat(link, name, journal, code=code, engine=engine)
    if card is None:
        raise Problem(
            "You are in no workshop.", "Join one: docker tutor join URL --as NAME", code="no-workshop", status=2
        )
    return card


def run(link: str | None, name: str, code: str, out: TextIO, *, engine: bool = False) -> int:
    """Join, or come back, and stay until `quit`, `leave` or ctrl+c; returns the exit status.

    Raises:
        Problem: Nobody can be joined.
    """
    card = take(link, name, code, engine=engine)
    if link is not None and (there := client.images_at(card.hub)):
        print(there, file=out, flush=True)
    with Journal() as journal, Journal(journal.path) as reading:
        return asyncio.run(_Companion(card, journal, reading, out).stay())


class _Companion:
    def __init__(self, card: Card, journal: Journal, reading: Journal, out: TextIO) -> None:
        self._card, self._journal, self._out = card, journal, out
        self._link = Link(card, JournalOutbox(reading, card.room), self._told)
        self._last = Status()
        self._heard: set[str] = set()
        self._ending = asyncio.Event()
        self._left = False

    async def stay(self) -> int:
        """Until the learner goes."""
        self._say(f"You sit in “{self._card.title}” as {self._card.name}. {_HELP}")
        if self._card.engine:
            self._say(f"{ENGINE} It goes when your seat does.")
        self._say("Work in another terminal: docker-tutor learn CHAPTER. What is sent: docker-tutor join --what")
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ending.set)
        task = asyncio.create_task(self._link.run())
        task.add_done_callback(lambda _: self._ending.set())
        stop_reading = _lines(loop, self._typed)
        try:
            await self._ending.wait()
        finally:
            stop_reading()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._left:
            client.leave(self._card, self._journal)
            self._say("You have left. Nothing is sent any more.")
        elif not self._link.status.ended:
            self._say("Your seat is kept. Come back with: docker-tutor join")
        return 1 if self._link.status.ended else 0

    # -- what the learner types ----------------------------------------------------------------------------------
    def _typed(self, line: str) -> None:
        words = line.lower().split()
        match words:
            case []:
                pass
            case ["quit" | "q" | "exit"]:
                self._ending.set()
            case ["leave"]:
                self._left = True
                self._ending.set()
            case ["hand", "up" | "down"]:
                self._journal.append(client.hand(self._card, words[1] == "up"))
                self._link.poke()
            case ["answer", *chosen] if chosen:
                self._answer(chosen)
            case ["status"]:
                self._status()
            case _:
                self._say(_HELP)

    def _answer(self, chosen: list[str]) -> None:
        poll = self._last.common.poll if self._last.common else None
        asked = next((r for r in poll.rounds if r.open), None) if poll else None
        if poll is None or asked is None:
            self._say("No poll is open.")
            return
        options = poll.question.options
        numbers = [int(word) for word in chosen if word.isdigit()]
        if len(numbers) != len(chosen) or not all(1 <= n <= len(options) for n in numbers):
            self._say(f"Answer with a number from 1 to {len(options)}.")
            return
        if len(numbers) > 1 and not poll.question.several:
            self._say("Choose one.")
            return
        ids = tuple(options[n - 1].id for n in dict.fromkeys(numbers))
        self._journal.append(client.answer(self._card, poll.poll, asked.round, ids))
        self._link.poke()
        self._say(f"You answered: {', '.join(str(n) for n in numbers)}. You may change it until the poll closes.")

    def _status(self) -> None:
        status = self._last
        self._say("Connected." if status.connected else status.trouble)
        common = status.common
        if common:
            opened = [f"{c.number} {names.clean(c.title, 60)}" for c in common.chapters if c.open]
            self._say(f"Open: {', '.join(opened) or 'no chapter yet'}.")
            if at := pace(common):
                self._say(f"The class should be at {at}.")
            if common.timer is not None:
                self._say(f"Time left: {left(common, status.ahead)}.")
        if status.you:
            self._say(f"Your hand is {'up' if status.you.hand else 'down'}.")

    # -- what the hub tells --------------------------------------------------------------------------------------
    def _told(self, status: Status) -> None:
        last, self._last = self._last, status
        if status.connected != last.connected:
            self._say("Connected." if status.connected else status.trouble)
        elif status.trouble != last.trouble and status.trouble:
            self._say(status.trouble)
        if status.look is not None and status.look != last.look:
            self._say(f"{status.look.by} asks to see your shell. There is none in line mode: nothing is shown.")
            asyncio.get_running_loop().call_soon(
                self._link.showing.end, "", "They work in line mode: no shell to show."
            )
        if status.common is not None and status.common != last.common:
            self._news(status.common, last.common, status.ahead)
        if status.you is not None:
            for message in (*status.you.messages, *(status.common.messages if status.common else ())):
                if message.id not in self._heard:
                    self._heard.add(message.id)
                    kind = "A hint from " if message.kind == "hint" else ""
                    self._say(f"{kind}{names.clean(message.by, 32)}: {_safe(message.text)}")

    def _news(self, common: Common, before: Common | None, ahead: float) -> None:
        opened = {chapter.id for chapter in before.chapters if chapter.open} if before else set()
        for chapter in common.chapters:
            if chapter.open and chapter.id not in opened:
                title = names.clean(chapter.title, 60)
                self._say(f"Chapter {chapter.number} · {title} is open: docker-tutor learn {chapter.number}")
            elif chapter.id in opened and not chapter.open:
                self._say(f"Chapter {chapter.number} is locked for now.")
        if common.timer is not None and (before is None or common.timer != before.timer):
            self._say(f"{names.clean(common.timer_label, 40) or 'Timer'}: {left(common, ahead)} left.")
        if (at := pace(common)) and (before is None or common.pace != before.pace):
            self._say(f"The class should be at {at}.")
        was = before.poll if before else None
        if common.poll is not None and common.poll != was:
            self._poll(common.poll, was)

    def _poll(self, poll: PollView, was: PollView | None) -> None:
        if poll.open and (was is None or not was.open or was.poll != poll.poll):
            again = " again" if len(poll.rounds) > 1 else ""
            self._say(f"The instructor asks{again}:")
            self._say(_safe(poll.question.ask))
            for number, option in enumerate(poll.question.options, 1):
                self._say(f"  {number}. {_safe(option.text)}")
            several = "N [N …]" if poll.question.several else "N"
            self._say(f"Type: answer {several}")
        elif not poll.open and was is not None and was.open:
            self._say("The poll is closed:")
            for option in poll.question.options:
                counts = " → ".join(str(asked.counts.get(option.id, 0)) for asked in poll.rounds)
                mark = {True: "right", False: "     ", None: ""}[option.right]
                self._say(f"  {counts:>8}  {mark} {_safe(option.text)}".rstrip())

    def _say(self, text: str) -> None:
        print(text, file=self._out, flush=True)


def left(common: Common, ahead: float, now: float | None = None) -> str:
    """What a timer has left, as minutes and seconds; `ahead`: by how much the hub's clock is."""
    ends = common.timer or 0.0
    seconds = max(0, round(ends - ((time.time() if now is None else now) + ahead)))
    return f"{seconds // 60}:{seconds % 60:02}"


def pace(common: Common) -> str:
    """Where the instructor wants the class to be, such as `17.2 A door in the wall`; empty where nothing is set."""
    identity, step = common.pace
    chapter = next((one for one in common.chapters if one.id == identity), None)
    if chapter is None:
        return ""
    if step in chapter.ids and len(chapter.ids) == len(chapter.steps):
        place = chapter.ids.index(step)
        return f"{chapter.number}.{place + 1} {names.clean(chapter.steps[place], 60)}"
    return f"{chapter.number} {names.clean(chapter.title, 60)}"


def _safe(text: str) -> str:
    """A hub's text may hold anything: lines are kept, controls are not."""
    return "\n".join(_line(line) for line in text.splitlines()[:40])


def _line(line: str) -> str:
    indent = len(line) - len(line.lstrip(" "))
    return " " * min(indent, 20) + names.clean(line, 500)


def _lines(loop: asyncio.AbstractEventLoop, typed: Callable[[str], None]) -> Callable[[], None]:
    """Read lines of standard input on the loop; returns what ends that. Where it cannot be waited for, none come."""
    waiting = b""
    handle = sys.stdin.fileno()

    def ready() -> None:
        nonlocal waiting
        data = os.read(handle, 4096)
        if not data:
            loop.remove_reader(handle)
            return
        *lines, waiting = (waiting + data).split(b"\n")
        for line in lines:
            typed(line.decode(errors="replace"))

    with contextlib.suppress(PermissionError, OSError):  # a file or /dev/null
        loop.add_reader(handle, ready)
    return lambda: _stop(loop, handle)


def _stop(loop: asyncio.AbstractEventLoop, handle: int) -> None:
    loop.remove_reader(handle)
