"""News of the lab, on their way from other threads into the app's."""

from __future__ import annotations

from textual.message import Message

from tutor.lab.instruments import Reading
from tutor.lab.session.follow import Update
from tutor.sandbox.trace import Call


class LabUpdate(Message):
    """The engine's state has changed, or the judge has spoken; from the follower's thread."""

    def __init__(self, update: Update) -> None:
        self.update = update
        super().__init__()


class LabReading(Message):
    """What was measured; from the instruments' thread."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        super().__init__()


class LabCall(Message):
    """An API call began or ended; from the sandbox's thread."""

    def __init__(self, call: Call) -> None:
        self.call = call
        super().__init__()
