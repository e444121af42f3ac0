"""The app's output when the terminal has gone."""

from __future__ import annotations

import os
import pty
import threading
from pathlib import Path

import pytest
from textual.drivers._writer_thread import WriterThread

from tutor.ui.tui.output import UntilGone


def test_a_terminal_that_has_gone_stops_nobody_who_draws() -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        os.close(master)
        with pytest.raises(OSError):
            print("nobody reads", file=terminal, flush=True)
        writer = WriterThread(UntilGone(terminal))  # type: ignore[arg-type]
        writer.start()

        def draw() -> None:
            for number in range(200):
                writer.write(f"frame {number}\n" * 100)
            writer.stop()

        drawing = threading.Thread(target=draw, daemon=True)
        drawing.start()
        drawing.join(10)
        assert not drawing.is_alive()
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), slave)  # what is still buffered goes there


def test_all_else_is_the_terminals_own() -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        output = UntilGone(terminal)
        assert output.write("here\n") == 5
        output.flush()
        assert os.read(master, 100) == b"here\r\n"
        assert output.fileno() == slave and output.isatty()
    os.close(master)
