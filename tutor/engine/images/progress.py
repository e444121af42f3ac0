"""Progress of work on images: what is told, and two ways to show it (bars on a terminal, lines elsewhere)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Step:
    """One piece of news.

    Attributes:
        name: What is worked on: a reference, or a file.
        doing: What is done to it: `pulling`, `building`, `pushing`, `saving`, `checking`, `loading`.
        done: Bytes done so far.
        total: Bytes there are; None when that is not known (yet).
        finished: How it ended, in words; empty while it goes on.
        number: The how-manieth of `of` pieces of work this is; 0 where nobody counts.
    """

    name: str
    doing: str
    done: int = 0
    total: int | None = None
    finished: str = ""
    number: int = 0
    of: int = 0


Report = Callable[[Step], None]
"""Takes news, from any thread."""


def silent(_: Step) -> None:
    """Shows nothing."""


def counted(report: Report, of: int) -> Report:
    """The same report, with each piece of work numbered as it begins.

    Args:
        report: Takes the news.
        of: How many pieces there are.
    """
    numbers: dict[str, int] = {}
    lock = threading.Lock()

    def tell(step: Step) -> None:
        with lock:
            number = numbers.setdefault(step.name, len(numbers) + 1)
        report(replace(step, number=number, of=of))

    return tell


@contextmanager
def shown_on(out: TextIO) -> Iterator[Report]:
    """Show progress: bars where `out` is a terminal that can, else lines at the beginning, quarters and end."""
    from rich.console import Console

    console = Console(file=out, highlight=False)
    if console.is_terminal and not console.is_dumb_terminal:
        with _bars(console) as report:
            yield report
    else:
        yield _lines(out)


def size(number: int) -> str:
    """Bytes as people read them, in powers of ten as Docker counts: `3 MB`, `1.2 GB`."""
    if number >= 1_000_000_000:
        return f"{number / 1_000_000_000:.1f} GB"
    if number >= 1_000_000:
        return f"{number / 1_000_000:.0f} MB"
    return f"{max(1, round(number / 1000))} kB"


def _lines(out: TextIO) -> Report:
    begun: dict[tuple[str, str], float] = {}
    quarters: dict[tuple[str, str], int] = {}
    lock = threading.Lock()

    def report(step: Step) -> None:
        key = (step.name, step.doing)
        place = f" ({step.number} of {step.of})" if step.of > 1 else ""
        with lock:
            if key not in begun:
                begun[key] = time.monotonic()
                if not step.finished:
                    print(f"{step.doing.capitalize()} {step.name}{place} …", file=out, flush=True)
            if step.finished:
                seconds = time.monotonic() - begun.pop(key)
                took = f" ({seconds:.1f} s)" if seconds >= 0.1 else ""
                print(f"{step.name}: {step.finished}{took}", file=out, flush=True)
            elif step.total and quarters.get(key, 0) < (quarter := min(4 * step.done // step.total, 3)):
                quarters[key] = quarter
                words = f"{step.doing.capitalize()} {step.name}{place} … {25 * quarter} % of {size(step.total)}"
                print(words, file=out, flush=True)

    return report


@contextmanager
def _bars(console: Console) -> Iterator[Report]:
    from rich import progress

    columns = (
        progress.SpinnerColumn(finished_text="[green]✓[/]"),
        progress.TextColumn("{task.description}"),
        progress.BarColumn(bar_width=24),
        progress.TextColumn("{task.fields[amount]}"),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=console) as bars:
        tasks: dict[tuple[str, str], progress.TaskID] = {}
        lock = threading.Lock()

        def report(step: Step) -> None:
            key = (step.name, step.doing)
            with lock:
                if key not in tasks:
                    tasks[key] = bars.add_task(f"{step.doing} {step.name}", total=None, amount="")
            if step.finished:
                bars.update(tasks[key], total=1, completed=1, amount=step.finished)
            elif step.total:
                amount = f"{size(step.done)} of {size(step.total)}"
                bars.update(tasks[key], total=step.total, completed=step.done, amount=amount)
            else:
                bars.update(tasks[key], amount=size(step.done) if step.done else "")

        yield report
