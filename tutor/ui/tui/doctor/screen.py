"""Doctor: what is here and what is missing, and what the tutor can put right by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from tutor.problems import Problem

if TYPE_CHECKING:
    from tutor.engine.doctor import Check
    from tutor.engine.images.progress import Step
    from tutor.ui.tui.app import TutorApp


class Examine(Protocol):
    """Looks at everything and tells each check as it is known."""

    def __call__(self, *, told: Callable[[Check], None]) -> object:
        """Look."""


_MARKS = {"ok": ("●", "$success"), "warn": ("◐", "$warning"), "fail": ("✘", "bold $error")}


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
        Binding("q,escape", "app.pop_screen", "Back", key_display="q", id="doctor.back", tooltip="Back"),
    ]

    def __init__(self, examine: Examine | None = None) -> None:
        super().__init__()
        self._look = examine
        self._checks: list[Check] = []
        self._doing = ""

    def compose(self) -> ComposeResult:
        """The bar, the checks, what is being done."""
        yield Static(Content.styled("Doctor", "bold $primary"), classes="bar")
        with VerticalScroll(id="checks", classes="pane"):
            yield Static(id="found")
        yield Static(id="doing", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Look at once."""
        self.query_one("#checks").border_title = "Is everything here?"
        self.query_one("#checks").focus()
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
        if self.is_attached:
            self._doing = ""
            if not words and self._checks:
                bad = sum(check.state == "fail" for check in self._checks)
                words = (
                    "All is well."
                    if not bad
                    else f"{bad} {'thing needs' if bad == 1 else 'things need'} to be put right."
                )
            self.query_one("#doing", Static).update(words)
            self.refresh_bindings()

    def _say(self, words: str) -> None:
        if self.is_attached:
            self._doing = words
            self.query_one("#doing", Static).update(words)
            self.refresh_bindings()

    def _draw(self) -> None:
        if not self.is_attached:
            return
        width = max((len(check.name) for check in self._checks), default=0)
        rows: list[Content] = []
        for check in self._checks:
            mark, style = _MARKS[check.state]
            row = Content.assemble((f"{mark} ", style), (f"{check.name:<{width}}  ", "bold"), check.sentence)
            if check.next_step:
                row = Content.assemble(row, (f"\n{'':<{width}}    → {check.next_step}", "$warning"))
            rows.append(row)
        self.query_one("#found", Static).update(Content("\n").join(rows))

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
        self._work(lambda: self._images(build=False))

    @work(thread=True, exclusive=True)
    def action_build(self) -> None:
        """Build what is missing, from recipes."""
        self._work(lambda: self._images(build=True))

    def _images(self, *, build: bool) -> None:
        from tutor.engine.connect import connect
        from tutor.engine.images import access as images
        from tutor.engine.images import recipe_build

        with connect() as engine:
            if build:
                catalogue = images.catalogue()
                wanted = [image.role for image in catalogue.local()]
                recipe_build.build(engine, catalogue, wanted, self._news)
            else:
                images.ensure(engine, images.catalogue().references(), self._news)

    def _news(self, step: Step) -> None:
        share = f"  {step.done / step.total:.0%}" if step.total else ""
        self._from_thread(f"{step.name}: {step.finished or step.doing}{share}")

    def _from_thread(self, words: str) -> None:
        self.app.call_from_thread(self._say, words)

    def _work(self, repair: object) -> None:
        assert callable(repair)
        self._from_thread("Working …")
        try:
            repair()
        except Problem as problem:
            self.app.call_from_thread(self._end, str(problem))
        else:
            self.app.call_from_thread(self._examine)
