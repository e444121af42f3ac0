"""Doctor: what is here and what is missing, and what the tutor can put right by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar, Protocol

from rich.table import Table
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from tutor.problems import Problem
from tutor.ui.tui.doctor.repair import Repair

if TYPE_CHECKING:
    from tutor.engine.doctor import Check
    from tutor.ui.tui.app import TutorApp


class Examine(Protocol):
    """Looks at everything and tells each check as it is known."""

    def __call__(self, *, told: Callable[[Check], None]) -> object:
        """Look."""


_LONG = 3.0  # seconds after which it is told for how long
_MARKS = {"ok": ("●", "success"), "warn": ("◐", "warning"), "fail": ("✘", "error")}


class DoctorScreen(Screen[object]):
    """Looks at everything, one check after the other.

    Args:
        examine: What looks; the tutor's doctor when left out.
    """

    app: TutorApp
    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = "doctor.tcss"
    HELP = """\
Whether everything is here that the labs need: an engine that really starts a container, the docker command and its
plugins, the images, room on the disk, folders and this terminal. ● is well, ◐ means that some labs will not work,
✘ that none will.

Where no engine runs and dockerd is installed, e starts a private engine; it is ended with `docker tutor engine down`.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "engine", "Start an engine", id="doctor.engine", tooltip="A private engine, where none answers"),
        Binding("p", "pull", "Pull images", id="doctor.pull", tooltip="Get the images that are missing"),
        Binding("i", "build", "Build images", id="doctor.build", tooltip="Where there is no Docker Hub: from recipes"),
        Binding("a", "again", "Look again", id="doctor.again", tooltip="Look at everything again"),
        Binding("q,escape", "back", "Back", id="doctor.back", tooltip="Back"),
    ]

    def __init__(self, examine: Examine | None = None) -> None:
        super().__init__()
        self._look = examine
        self._checks: list[Check] = []
        self._doing = ""
        self._since = 0.0
        self._repair: Repair | None = None
        self._warned = self._left = False

    def compose(self) -> ComposeResult:
        """The bar, the checks, what is being done."""
        yield Static(Content.styled("Doctor", "bold $primary"), classes="bar")
        with VerticalScroll(id="checks", classes="pane"):
            yield Static(id="found")
        yield Static(id="doing", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Look at once."""
        self.query_one("#checks").border_title = "Is everything here?"
        self.query_one("#checks").focus()
        # Told when the new colours are there; a watcher of the theme comes before.
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw())
        self.set_interval(1.0, self._still)
        self._examine()

    @property
    def has_engine(self) -> bool:
        """Whether an engine answers, as far as is known."""
        return any(check.name == "engine" and check.state != "fail" for check in self._checks)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Repairs are offered where they help, and one at a time."""
        del parameters
        if action in ("engine", "pull", "build", "again") and self._doing:
            return False
        if action == "engine":
            return bool(self._checks) and not self.has_engine
        if action in ("pull", "build"):
            return any(check.name == "images" and check.state != "ok" for check in self._checks)
        return True

    # -- looking -------------------------------------------------------------------------------------------------
    @work(thread=True, exclusive=True)
    def _examine(self) -> None:
        from tutor.engine.doctor import examine

        look = self._look or examine
        call = self.app.call_from_thread
        call(self._begin, "Looking …")
        look(told=lambda check: call(self._told, check))
        call(self._end, "")

    def _begin(self, words: str) -> None:
        if words == "Looking …":
            self._checks = []
            self._draw()
        self._say(words)

    def _told(self, check: Check) -> None:
        self._checks.append(check)
        self._draw()

    def _end(self, words: str) -> None:
        if not self._left:
            self._doing = ""
            if not words and self._checks:
                words = _summary(self._checks)
            well = words and all(check.state == "ok" for check in self._checks)
            self.query_one("#doing", Static).update(Content.styled(words, "$success" if well else ""))
            self.refresh_bindings()

    def _say(self, words: str) -> None:
        if not self._left:
            self._doing, self._since = words, time.monotonic()
            self.query_one("#doing", Static).update(words)
            self.refresh_bindings()

    def _still(self) -> None:
        """For how long the same has been done: what takes minutes has not stopped."""
        seconds = time.monotonic() - self._since
        if self._doing and not self._left and seconds >= _LONG:
            self.query_one("#doing", Static).update(f"{self._doing} {seconds:.0f} s")

    def _draw(self) -> None:
        if self._left:
            return
        width = max((len(check.name) for check in self._checks), default=0)
        colours = self.app.theme_variables
        rows = Table.grid(padding=(0, 1, 0, 0))
        rows.add_column(no_wrap=True)
        rows.add_column(no_wrap=True, min_width=width, style="bold")
        rows.add_column(ratio=1)
        for check in self._checks:
            mark, colour = _MARKS[check.state]
            rows.add_row(Text(mark, f"bold {colours[colour]}"), Text(check.name), Text(check.sentence))
            if check.next_step:
                rows.add_row("", "", Text(f"→ {check.next_step}", colours["warning"]))
        self.query_one("#found", Static).update(rows)

    # -- repairs -------------------------------------------------------------------------------------------------
    def action_again(self) -> None:
        """Look at everything again."""
        self._examine()

    @work(thread=True, exclusive=True)
    def action_engine(self) -> None:
        """Start a private engine where none answers."""
        from tutor.engine.commands import bring_up

        self._work(lambda: bring_up(say=self._from_thread))

    @work(thread=True, exclusive=True)
    def action_pull(self) -> None:
        """Pull what is missing."""
        self._images("pull")

    @work(thread=True, exclusive=True)
    def action_build(self) -> None:
        """Build what is missing, from recipes."""
        self._images("build")

    def _images(self, how: str) -> None:
        repair = self._repair = Repair("images", how)
        instead = " Here, i builds them instead." if how == "pull" else ""
        self._work(lambda: repair.run(self._from_thread), instead)
        self._repair = None

    async def on_unmount(self) -> None:
        """What takes minutes ends with the screen."""
        self._left = True
        if self._repair is not None:
            await asyncio.to_thread(self._repair.stop)

    def action_back(self) -> None:
        """Back; while images are made ready, only the second time, as that ends it."""
        if self._repair is not None and not self._warned:
            self._warned = True
            self.notify("Images are still being made ready. q once more stops that; what is done already stays.")
            return
        self.app.pop_screen()

    def _from_thread(self, words: str) -> None:
        self.app.call_from_thread(self._say, words)

    def _work(self, repair: object, instead: str = "") -> None:
        assert callable(repair)
        self._from_thread("Working …")
        try:
            repair()
        except Problem as problem:
            self.app.call_from_thread(self._end, f"{problem}{instead}")
        else:
            if not self._left:
                self.app.call_from_thread(self._examine)


def _summary(checks: Sequence[Check]) -> str:
    bad = sum(check.state == "fail" for check in checks)
    partly = sum(check.state == "warn" for check in checks)
    if bad:
        return f"{bad} {'thing needs' if bad == 1 else 'things need'} to be put right."
    if partly:
        return f"The labs work, but for {'one thing' if partly == 1 else f'{partly} things'} marked ◐."
    return "All is well."
