"""The app: screens, themes, and keys that hold everywhere but in the shell."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import Initialize, Reactive
from textual.screen import Screen

from tutor import places
from tutor.problems import Problem
from tutor.ui.tui import clipboard
from tutor.ui.tui import theme as themes
from tutor.ui.tui.desk import Desk
from tutor.ui.tui.home.screen import HomeScreen

if TYPE_CHECKING:
    from textual.theme import Theme

    from tutor.course.models import Chapter
    from tutor.ui.tui.workshop.keeper import Keeper

_ENDING = (signal.SIGTERM, signal.SIGHUP)


def _theme_set(app: TutorApp) -> str:
    known = app.settings.theme in app.available_themes
    return app.settings.theme if known else themes.DARK.name


class TutorApp(App[int], inherit_bindings=False):
    """docker tutor in a terminal.

    Args:
        desk: The learner's things.
        chapter: A chapter to open at once, above the home screen.
        settings: Theme and motion; those that were kept when left out.
    """

    TITLE = "docker tutor"
    # The home screen is there before screens load styles of their own.
    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = ["app.tcss", "home/home.tcss"]
    COMMAND_PALETTE_BINDING = "colon"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual's own way
        (0, "-narrow"),
        (100, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - Textual's own way
        (0, "-low"),
        (30, "-high"),
    ]
    # Set from the start: another theme that is set later has all styles read once more.
    theme: Reactive[str] = Reactive(Initialize(_theme_set))
    # Textual's ctrl+p and ctrl+q are Docker's detach keys: neither is used here.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "Help", id="app.help", tooltip="What this screen can do"),
        Binding("colon", "command_palette", "More", key_display=":", id="app.commands", tooltip="All commands"),
        Binding(
            "f4",
            "workshop",
            "Workshop",
            show=False,
            id="app.workshop",
            tooltip="Join one; or what its instructor says, asks and opens",
        ),
        Binding("ctrl+c", "help_quit", show=False, id="app.ctrl-c", system=True),
    ]

    def __init__(self, desk: Desk, chapter: Chapter | None = None, settings: themes.Settings | None = None) -> None:
        self.settings = settings or themes.load()
        super().__init__()
        self.desk = desk
        self._first = chapter
        self._opening: Callable[[], Screen[object]] | None = None
        self.workshop: Keeper | None = None
        if not self.settings.motion:
            self.animation_level = "none"

    @property
    def available_themes(self) -> dict[str, Theme]:
        """Textual's and the tutor's; here, because the styles are first read before anything can be registered."""
        return {**super().available_themes, themes.DARK.name: themes.DARK, themes.LIGHT.name: themes.LIGHT}

    def get_default_screen(self) -> Screen[object]:
        """The home screen lies below all others."""
        return HomeScreen(self.desk)

    async def on_mount(self) -> None:
        """Listen for the polite ways to end a program, and open the chapter that was asked for."""
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.exit, 128 + number)
        self.call_after_refresh(self._read)
        if self._first is not None:
            self.call_after_refresh(self.open_chapter, self._first)
        if self._opening is not None:
            self.call_after_refresh(self.push_screen, self._opening())
        if (places.data() / "workshop.json").exists():
            self.call_after_refresh(self.begin_workshop)

    def _read(self) -> None:
        """The texts, now that the first frame is there and before somebody asks for them."""
        _ = self.desk.course
        gc.freeze()  # they stay: no use in looking through them again and again

    def open_chapter(self, chapter: Chapter) -> None:
        """Show a chapter at the learner's place in it."""
        # Imported here: labs and the engine are not needed for the first frame.
        from tutor.ui.tui.lesson.screen import LessonScreen

        self.push_screen(LessonScreen(self.desk, chapter))

    def copy_to_clipboard(self, text: str) -> None:
        """To the terminal's clipboard, by OSC 52; through tmux and screen where they are between."""
        self._clipboard = text
        if self._driver is not None:
            for sequence in clipboard.sequences(text, os.environ):
                self._driver.write(sequence)
        self.run_worker(lambda: clipboard.to_tmux(text, os.environ), thread=True, group="copying")

    def open_round(self, name: str, chapters: Sequence[int] = (), length: int = 10) -> None:
        """Show a quiz, the review or the placement test; as the first screen where the app does not run yet.

        Raises:
            Problem: `no-such-chapter`; `nothing-learned`: there is nothing to ask about.
        """
        from tutor.ui.tui.rounds.opening import opening

        make = opening(name, self.desk, chapters, length)
        if self.is_running:
            self.push_screen(make())
        else:
            self._opening = make

    def action_round(self, name: str) -> None:
        """Show a quiz, the review, the placement test or the progress."""
        try:
            self.open_round(name)
        except Problem as problem:
            self.notify(str(problem))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the shell no key is the app's."""
        shell = getattr(self.focused, "takes_every_key", False)  # asked for by name: a terminal takes 30 ms to import
        return not (shell and action in ("help", "command_palette", "help_quit", "workshop"))

    def _fatal_error(self) -> None:
        """Something failed that should not: no traceback on the learner's terminal, but in a file."""
        error = self._exception
        if isinstance(error, Problem):
            words = str(error)
        else:
            kept = places.data() / "crash.txt"
            words = "The tutor has met an error of its own and ended. Your progress and your lab are kept."
            with contextlib.suppress(OSError):
                kept.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
                words += f" What happened is in {kept}."
        self._exit_renderables.append(f"docker-tutor: {words}")
        self._close_messages_no_wait()

    # -- commands that hold everywhere ---------------------------------------------------------------------------
    def action_help(self) -> None:
        """Show what the screen can do."""
        from tutor.ui.tui.help.screen import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen.about(self.screen))

    def action_doctor(self) -> None:
        """Look whether everything is here."""
        from tutor.ui.tui.doctor.screen import DoctorScreen

        if not isinstance(self.screen, DoctorScreen):
            self.push_screen(DoctorScreen())

    def on_unmount(self) -> None:
        """Let go of the workshop's journal."""
        if self.workshop is not None:
            self.workshop.close()

    def begin_workshop(self) -> None:
        """Take the seat that the learner has in a workshop, if they have one."""
        try:
            from tutor.ui.tui.workshop import keeper
        except ModuleNotFoundError:
            self.notify("Workshops need packages: pip install 'docker-tutor[workshop]'", markup=False)
            return
        if self.workshop is not None:
            self.workshop.stop()
        self.workshop = keeper.begin(self)

    def leave_workshop(self) -> None:
        """Leave it; nothing is sent any more."""
        if self.workshop is not None:
            self.workshop.leave()
            self.workshop = None
            self.notify("You have left the workshop. Nothing is sent any more.")

    def action_workshop(self) -> None:
        """The workshop one sits in; else the box to join one."""
        try:
            from tutor.ui.tui.workshop.panel import JoinBox, WorkshopPanel
        except ModuleNotFoundError:
            self.notify("Workshops need packages: pip install 'docker-tutor[workshop]'", markup=False)
            return
        if not isinstance(self.screen, (JoinBox, WorkshopPanel)):
            self.push_screen(JoinBox() if self.workshop is None else WorkshopPanel(self.workshop))

    def action_switch_theme(self) -> None:
        """Dark to light and back; kept for the next start."""
        self.theme = themes.LIGHT.name if self.current_theme.dark else themes.DARK.name
        self._keep(theme=self.theme)

    def action_motion(self) -> None:
        """Smooth movements on or off; kept for the next start."""
        self._keep(motion=not self.settings.motion)
        self.animation_level = "full" if self.settings.motion else "none"
        self.notify("Things move smoothly again." if self.settings.motion else "Nothing moves by itself now.")

    def _keep(self, **changes: object) -> None:
        self.settings = replace(self.settings, **changes)
        themes.keep(self.settings)

    async def action_quit(self) -> None:
        """Leave; open labs stay as they are."""
        self.exit(0)

    def action_help_quit(self) -> None:
        """ctrl+c outside the shell: say how to leave."""
        self.notify("q leaves. In the shell, ctrl+c interrupts the program.", title="Still here")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the command palette offers."""
        yield SystemCommand("Help", "What this screen can do", self.action_help)
        yield SystemCommand("Doctor", "Is everything here that the labs need?", self.action_doctor)
        yield SystemCommand("Review", "What is due today", lambda: self.action_round("review"))
        yield SystemCommand("Quiz", "Questions on what you have begun", lambda: self.action_round("quiz"))
        yield SystemCommand("Progress", "What you have done, and what is weak", lambda: self.action_round("progress"))
        yield SystemCommand("Placement test", "Where to start", lambda: self.action_round("placement"))
        words = "Join one" if self.workshop is None else "What the instructor says, asks and opens"
        yield SystemCommand("Workshop", words, self.action_workshop)
        other = "light" if self.current_theme.dark else "dark"
        yield SystemCommand(f"Theme: {other}", "Change the colours", self.action_switch_theme)
        word = "off" if self.settings.motion else "on"
        yield SystemCommand(f"Motion: {word}", "Smooth movements", self.action_motion)
        for chapter in self.desk.contents:
            yield SystemCommand(
                f"Chapter {chapter.chapter}: {chapter.title}",
                chapter.idea.replace("`", ""),
                lambda name=chapter.id: self.go_to(self.desk.chapter(name)),
            )
        yield SystemCommand("Quit", "Leave; open labs stay as they are", self.action_quit)

    def go_to(self, chapter: Chapter) -> None:
        """Leave what is open and show a chapter."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.open_chapter(chapter)
