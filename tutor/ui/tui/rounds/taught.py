"""The part of a chapter that taught what was asked, above the question; escape comes back to it."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from tutor.course.models import Chapter, Diagram, Lab, Predict, Section
from tutor.quiz import taught
from tutor.ui.tui.lesson.pages import reading_page
from tutor.ui.tui.prose import Prose

if TYPE_CHECKING:
    from tutor.ui.tui.app import TutorApp


class TaughtScreen(ModalScreen[None]):
    """One section to read.

    Args:
        chapter: Its chapter.
        section: It, with its variables bound.
    """

    app: TutorApp
    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = "taught.tcss"
    HELP = "What taught the answer. Escape comes back to the question."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,w,n", "dismiss", "Back", key_display="escape", id="taught.back", tooltip="To the question"),
        Binding("space", "page_down", show=False, id="taught.down"),
    ]

    def __init__(self, chapter: Chapter, section: Section) -> None:
        super().__init__()
        self._chapter, self._section = chapter, section

    def compose(self) -> ComposeResult:
        """A box in the middle."""
        section = self._section
        with VerticalScroll(id="taught-box") as box:
            box.border_title = f"Chapter {self._chapter.chapter} · {self._chapter.title}".replace("[", "\\[")
            box.border_subtitle = "escape comes back"
            if isinstance(section, (Lab, Predict)):
                yield Prose(taught.as_markdown(section))
            else:
                # There is no lab here that could make a drawing live.
                page = reading_page(replace(section, live=None) if isinstance(section, Diagram) else section)
                if page is not None:
                    yield page

    def on_mount(self) -> None:
        """The keyboard scrolls it."""
        self.query_one("#taught-box").focus()

    def action_page_down(self) -> None:
        """Read on."""
        self.query_one("#taught-box").scroll_page_down()

    def action_put(self, command: str) -> None:
        """A click on a command: there is no shell here, so it is copied."""
        self.app.copy_to_clipboard(command)
        self.notify(f"Copied: {command}")
