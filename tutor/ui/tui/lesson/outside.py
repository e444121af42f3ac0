"""The whole terminal for the lab's shell, for as long as it runs."""

from __future__ import annotations

import signal
import subprocess

from textual.app import SuspendNotSupported
from textual.screen import Screen

from tutor.lab.session.session import Session


def lend(screen: Screen[object], session: Session) -> None:
    """Leave the app's screen for the lab's shell, and come back when that ends."""
    try:
        with screen.app.suspend():
            print("This is the lab's shell. Type exit to come back to the lesson.")  # noqa: T201
            # What is interrupted there is a command, not the tutor.
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                subprocess.run(session.shell_command(), cwd=session.workspace, env=session.environment(), check=False)
            finally:
                signal.signal(signal.SIGINT, before)
    except SuspendNotSupported:
        screen.notify("This terminal cannot be lent to another program.")
    screen.app.refresh(layout=True)
