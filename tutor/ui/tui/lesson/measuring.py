"""Real usage, broken doors and the layers' history, measured while the picture that shows them is seen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tutor.engine.world import World
from tutor.lab.instruments import Instruments, Reading
from tutor.lab.session.session import Session
from tutor.ui.tui.lesson.news import LabReading
from tutor.ui.tui.picture import Picture, layers

if TYPE_CHECKING:
    from tutor.ui.tui.lesson.panes import PaneScreen


class Measuring:
    """The instruments of the open lab.

    Args:
        screen: What shows the picture.
    """

    def __init__(self, screen: PaneScreen) -> None:
        self._screen = screen
        self._instruments: Instruments | None = None

    async def begin(self, session: Session) -> None:
        """Measure a lab, and no other any more."""
        await self.end()
        self._instruments = Instruments(session.engine, lambda: session.world, _told_of, self._on_reading)
        self._instruments.start()
        self.watched()

    async def end(self) -> None:
        """Measure nothing any more."""
        instruments, self._instruments = self._instruments, None
        if instruments is not None:
            await asyncio.to_thread(instruments.stop)

    def stir(self) -> None:
        """Something has changed: measure soon."""
        if self._instruments is not None:
            self._instruments.stir()

    def watched(self) -> None:
        """Measure what is seen, and nothing when nothing is."""
        if self._instruments is not None:
            self._instruments.look(self._picture.tab if self._screen.picture_seen else "")

    def read(self, reading: Reading) -> None:
        """Show what was measured."""
        for image, entries in reading.histories.items():
            self._picture.show_history(image, entries)
        self._picture.show_reading(reading.usage, reading.closed, reading.written)

    @property
    def _picture(self) -> Picture:
        return self._screen.query_one(Picture)

    def _on_reading(self, reading: Reading) -> None:
        # In the instruments' thread.
        self._screen.post_message(LabReading(reading))


def _told_of(world: World) -> list[str]:
    return [image.id for image in layers.told(world)[0]]
