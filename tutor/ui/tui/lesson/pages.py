"""Pages to read: text, drawing, fact check, recap, the end."""

from __future__ import annotations

import re
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import HorizontalScroll, Vertical
from textual.content import Content
from textual.widgets import Static

from tutor.course.models import Chapter, Diagram, FactCheck, Recap, Section, Text
from tutor.ui.tui.picture.drawn import Drawn
from tutor.ui.tui.prose import Code, Prose, inline, puts

_STROKES = re.compile(
    r"(?P<line>[\u2500-\u257f]+)|(?P<arrow>[\u25b2\u25b6\u25bc\u25c0\u2190-\u21ff]+)|[^\u2190-\u21ff\u2500-\u25cf]+|."
)
"""Lines of boxes, arrows, and all else of a drawing."""


class Page(Vertical):
    """One section of a chapter.

    Attributes:
        width_wanted: Cells that it needs to be shown whole; 0 when it wraps.
    """

    DEFAULT_CSS = "Page { height: auto; }"
    width_wanted = 0

    def busy(self) -> bool:
        """Whether going on must wait."""
        return False


class TextPage(Page):
    """A short piece to read."""

    def __init__(self, section: Text) -> None:
        super().__init__()
        self._section = section

    def compose(self) -> ComposeResult:
        """Its Markdown."""
        yield Prose(self._section.body)


class DiagramPage(Page):
    """A drawing, and the same in words."""

    def __init__(self, section: Diagram) -> None:
        super().__init__()
        self._section = section
        if section.live is None:
            self.width_wanted = max(len(line) for line in section.drawing.splitlines())

    def compose(self) -> ComposeResult:
        """The title, the drawing, the words."""
        yield Static(Content.styled(self._section.title, "bold"), classes="head")
        if self._section.live is not None:
            yield Drawn(self._section.live)
        else:
            with HorizontalScroll(classes="drawing", can_focus=False):
                yield Static(drawn(self._section.drawing.rstrip("\n")), classes="drawn")
        yield Prose(self._section.words)


class FactCheckPage(Page):
    """A claim people repeat, and what is true."""

    def __init__(self, section: FactCheck) -> None:
        super().__init__()
        self._section = section

    def compose(self) -> ComposeResult:
        """The claim, then the truth."""
        yield Static(Content.styled("Fact check", "bold $secondary"), classes="head")
        yield Static(
            Content.assemble(("You may hear:  ", "$quiet"), "“", inline(self._section.claim), "”"), classes="claim"
        )
        yield Prose(self._section.truth)


class RecapPage(Page):
    """The card to keep."""

    def __init__(self, section: Recap) -> None:
        super().__init__()
        self._section = section

    def compose(self) -> ComposeResult:
        """The idea, the commands, the one thing."""
        yield Static(Content.styled("To keep", "bold $secondary"), classes="head")
        yield Prose(self._section.idea)
        for note in self._section.commands:
            command = Content.styled(note.run, "$primary").stylize(puts(note.run))
            yield Static(Content.assemble(command, "\n    ", inline(note.does)), classes="note")
        yield Static(
            Content.assemble(("If you remember one thing\n", "bold"), inline(self._section.remember)), classes="card"
        )


class EndPage(Page):
    """The chapter's end: what is done, what is open, and the lab's receipt.

    Args:
        chapter: The chapter.
        open_steps: Titles of steps that have not passed.
        unanswered: How many predictions and questions have no answer yet.
        after: The next chapter.

    Attributes:
        lines: What closing the lab removed, and that the learner's own is as before.
    """

    def __init__(self, chapter: Chapter, open_steps: Sequence[str], unanswered: int, after: Chapter | None) -> None:
        super().__init__()
        self._chapter, self._open_steps, self._unanswered, self._after = chapter, open_steps, unanswered, after
        self.lines: Sequence[str] = ()

    @property
    def done(self) -> bool:
        """Whether every step has passed."""
        return not self._open_steps

    def compose(self) -> ComposeResult:
        """What is done, then the receipt, then what comes next."""
        if self._open_steps:
            yield Static(Content.styled("You are at the end, and not yet done", "bold $warning"), classes="head")
            yield Static("These steps have not passed:", markup=False)
            yield Static("\n".join(f"  ○ {title}" for title in self._open_steps), markup=False)
            yield Static("Your lab stays open. Go back to it with b, or leave with q and come back.", markup=False)
            return
        yield Static(
            Content.styled(f"● Chapter {self._chapter.chapter} is done", "bold $success"), classes="head", id="done"
        )
        yield Static("\n".join(self.lines), id="receipt", markup=False)
        if self._unanswered:
            one = self._unanswered == 1
            words = "1 question has no answer yet" if one else f"{self._unanswered} questions have no answer yet"
            yield Static(f"{words}: b goes back to {'it' if one else 'them'}.", id="unanswered", markup=False)
        if self._after:
            words = f"Next: {self._after.chapter} · {self._after.title}. Press n to open it, or q for all chapters."
            yield Static(words, markup=False)
        else:
            yield Static("That was the last chapter. Press q for all chapters.", markup=False)

    def receipt(self, lines: Sequence[str]) -> None:
        """Show the lab's receipt."""
        self.lines = lines
        for place in self.query("#receipt"):
            assert isinstance(place, Static)
            place.update("\n".join(lines))


def drawn(drawing: str) -> Content:
    """A drawing in characters with its lines, its arrows and its words told apart."""
    spans = [
        (piece.group(), "$primary" if piece.lastgroup == "line" else "bold $accent" if piece.lastgroup else "")
        for piece in _STROKES.finditer(drawing)
    ]
    return Content.assemble(*spans)


def reading_page(section: Section) -> Page | None:
    """The page of a section that is only read; None for one that is worked on."""
    match section:
        case Text():
            return TextPage(section)
        case Diagram():
            return DiagramPage(section)
        case FactCheck():
            return FactCheckPage(section)
        case Recap():
            return RecapPage(section)
        case _:
            return None


def code(text: str) -> Code:
    """Commands of a lesson as one block."""
    return Code(text, whole=True)
