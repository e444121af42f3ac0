"""The lesson's keys, and what help says of the lesson."""

from __future__ import annotations

from textual.binding import Binding, BindingType

HELP = """\
Read on the left, work in the shell, and watch the picture. n goes on, b goes back; space reads on, and then
goes on. Your place is kept.

The shell is real, and so is what it does, in a sandbox of this chapter's own. While it has the keyboard every key is
the shell's, but F6 (or ctrl+]), which leaves it. Shift+PgUp and the wheel show what scrolled away. Outside of it, /
searches what it has printed, and y selects and copies from it with the keyboard. A click on a command in the text, or
p, writes it behind the prompt and does not run it.

In the lab you are judged by itself on what the engine holds, as soon as it changes. In the quiz, w shows the part that
taught an answer once you have given yours, and escape comes back.
"""

KEYS: list[BindingType] = [
    Binding(
        "f6,ctrl+right_square_bracket", "switch", "Switch", key_display="F6", id="lesson.switch", priority=True,
        tooltip="Into the shell, and out of it (or ctrl+])",
    ),
    Binding("n", "next", "Go on", id="lesson.next", tooltip="The next part, question or step"),
    Binding("b", "back", "Back", show=False, id="lesson.back", tooltip="The part before"),
    Binding("h", "hint", "Hint", id="lesson.hint", tooltip="The next hint of this step; there are three"),
    Binding("s", "solution", "Solution", id="lesson.solution", tooltip="One way to do this step"),
    Binding("r", "reset", "Reset", id="lesson.reset", tooltip="Everything as it was when this step began"),
    Binding("m", "mark", "Where", id="lesson.mark", tooltip="Mark in the picture what is not right yet"),
    Binding("w", "taught", "Where taught", id="lesson.taught", tooltip="Read again what taught this answer"),
    Binding("p", "put_next", "Put", id="lesson.put", tooltip="Write the text's next command into it"),
    Binding("slash", "look_back(True)", "Search shell", key_display="/", id="lesson.search", show=False,
            tooltip="Search what the shell has printed"),
    Binding("y", "look_back(False)", "Copy from shell", id="lesson.copy", show=False,
            tooltip="Select in the shell by keys, and copy"),
    Binding("v", "turn_picture", "Picture", id="lesson.picture", show=False, tooltip="The picture's next tab"),
    Binding("z", "enlarge", "Enlarge", id="lesson.enlarge", show=False, tooltip="The picture on the whole screen"),
    Binding("x", "outside", "Full shell", id="lesson.outside", show=False, tooltip="On the whole terminal"),
    Binding("d", "app.doctor", show=False, id="lesson.doctor"),
    Binding("space", "page_down", show=False, id="lesson.down"),
    Binding("q,escape", "leave", "Home", id="lesson.leave", tooltip="Your place is kept"),
]  # fmt: skip
