"""Language: short pieces, short sentences, plain words, Markdown that is closed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.course import walk
from tutor.course.lint import _walk
from tutor.course.lint._readability import grade, prose, sentences, words
from tutor.course.lint.remark import Context, Remark, error, warning
from tutor.course.models import Chapter, Diagram, FactCheck, Recap, Text
from tutor.course.walk import Path

LONGEST = 90
"""So many words a learner reads without something to do."""

LONGEST_SENTENCE = 30
"""So many words a sentence has at most."""

HARDEST = 9.0
"""School year (Flesch-Kincaid) that a chapter's text needs at most."""

WIDEST = 76
"""So many columns a drawing has in a terminal of 80."""

_BELITTLING = re.compile(r"\b(simply|just|obviously|easy|easily|trivial|trivially|of course)\b", re.IGNORECASE)
_MARKDOWN = frozenset({"body", "ask", "explain", "intro", "truth", "words"})
_SENTENCES = frozenset({"goal", "say", "because", "claim", "text", "does", "remember", "idea", "title"})


def length(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """Texts that follow each other add up until something is to be done."""
    total = 0
    told = False
    for path, section in _walk.sections(chapter):
        if isinstance(section, Text):
            body, key = section.body, "body"
        elif isinstance(section, FactCheck):
            body, key = section.truth, "truth"
        elif isinstance(section, (Diagram, Recap)):
            continue
        else:
            total, told = 0, False
            continue
        total += len(words(prose(body)))
        if total > LONGEST and not told:
            told = True
            wrong = f"{total} words to read without something to do"
            yield warning("long-text", (*path, key), wrong, f"let the learner do something before word {LONGEST}")


def readable(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """The text as a whole is for everybody, and no sentence is too long."""
    whole: list[str] = []
    for path, section in _walk.sections(chapter):
        if not isinstance(section, (Text, FactCheck)):
            continue
        key = "body" if isinstance(section, Text) else "truth"
        text = prose(section.body if isinstance(section, Text) else section.truth)
        whole.append(text)
        for sentence in sentences(text):
            count = len(words(sentence))
            if count > LONGEST_SENTENCE:
                start = " ".join(sentence.split()[:4])
                wrong = f"a sentence of {count} words: “{start} …”"
                yield warning("long-sentence", (*path, key), wrong, "make two of it")
    text = "\n\n".join(whole)
    if len(words(text)) >= 40 and (level := grade(text)) > HARDEST:
        wrong = f"the text needs about {level:.0f} years of school"
        yield warning("hard-text", ("sections",), wrong, "use shorter sentences and shorter words")


def belittling(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """Words that tell a learner who is stuck that it should not be hard."""
    for path, value in _texts(chapter):
        for found in _BELITTLING.finditer(prose(value, keep_length=True)):
            wrong = f"the word “{found[0]}”"
            right = "leave it out: what is easy is for the learner to say"
            yield warning("belittling", path, wrong, right, offset=found.start())


def closed(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """Code fences and code spans end."""
    for path, value in _texts(chapter):
        fence, at = "", 0
        offset = 0
        rest: list[str] = []
        for line in value.split("\n"):
            mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
            if mark and not fence:
                fence, at = mark[1], offset
            elif mark and fence and mark[1][0] == fence[0] and len(mark[1]) >= len(fence) and line.strip() == mark[1]:
                fence = ""
            elif not fence:
                rest.append(line)
            offset += len(line) + 1
        if fence:
            yield error("open-fence", path, f"the code fence {fence} never ends", f"add a line {fence}", offset=at)
        elif any(paragraph.count("`") % 2 for paragraph in re.split(r"\n\s*\n", "\n".join(rest))):
            yield warning("open-code", path, "a backtick has no partner", "close the code span")


def drawings(chapter: Chapter, _context: Context) -> Iterator[Remark]:
    """A drawing fits in a terminal of 80 columns."""
    for path, section in _walk.sections(chapter):
        if isinstance(section, Diagram):
            offset = 0
            for line in section.drawing.split("\n"):
                if len(line) > WIDEST:
                    wrong = f"a line of {len(line)} columns"
                    at = (*path, "drawing")
                    yield warning("wide-drawing", at, wrong, f"draw with at most {WIDEST}", offset=offset)
                    break
                offset += len(line) + 1


def _texts(chapter: Chapter) -> Iterator[tuple[Path, str]]:
    """Every text that a learner reads as Markdown or as a sentence."""
    for placed in walk.everything(chapter):
        path, value = placed
        if not isinstance(value, str) or not path:
            continue
        key = path[-1] if isinstance(path[-1], str) else path[-2]
        if key in _MARKDOWN or key in _SENTENCES or key == "hints" or (len(path) > 1 and path[-2] == "distractors"):
            yield path, value


RULES = (length, readable, belittling, closed, drawings)
