"""The course as frozen typed values: chapters, sections, labs, steps, mistakes, questions.

One schema only: the YAML loader, the lint, the published JSON Schema and every front read these structs.
Things that come in kinds (sections, expectations, questions) are tagged by `kind`; in YAML the kind is the one
key of a mapping (`- http: {url: …}`), which the loader turns into the tag. In a step's `mistakes` the key `use`
tells a shared mistake from an own one.

Strings in labs may hold variables: `${image.ROLE}`, `${name.NAME}`, `${port.NAME}`, `${workspace}`, `${lab}`
and, in shared mistakes, `${with.PARAMETER}`. They are bound when a lab opens (`tutor.course.variables`).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from tutor.course.expectations import Expectation

Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$(?!\n)", max_length=60)]
"""A stable name: lower-case words joined by hyphens. (`(?!\\n)`: Python's `$` also fits before a last line break.)"""

Sentence = Annotated[str, msgspec.Meta(min_length=1, max_length=600)]
Markdown = Annotated[str, msgspec.Meta(min_length=1, max_length=8000)]
Script = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
"""A bash script as a learner would type it in the lab's shell, in the workspace."""

Need = Literal["compose", "buildx", "swarm", "buildkit", "privileged"]
Picture = Literal["world", "trace", "layers", "timeline"]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of a course share: immutable, keyword only, no unknown keys."""


# -- steps and mistakes -----------------------------------------------------------------------------------------------
class Mistake(Part, frozen=True, kw_only=True, tag_field="kind", tag="own"):
    """A wrong turn with a name, recognised on the engine's state and explained.

    Attributes:
        id: Stable name, unique in its step.
        when: All must hold on the engine for this to be the diagnosis.
        say: What happened and why, to the learner; one or two sentences.
        made_by: A script that makes exactly this mistake, from the step's start.
    """

    id: Id
    when: Annotated[tuple[Expectation, ...], msgspec.Meta(min_length=1)]
    say: Sentence
    made_by: Script


class UseMistake(Part, frozen=True, kw_only=True, tag_field="kind", tag="shared"):
    """One of the course's shared mistakes, used in a step.

    Attributes:
        use: Id of the shared mistake in `lessons/mistakes.yaml`.
        with_: Values for its `${with.…}` parameters (`with:` in YAML).
        say: Replaces the shared sentence where this step can say it better.
        made_by: A script that makes exactly this mistake, from the step's start.
    """

    use: Id
    with_: dict[str, str] = msgspec.field(default_factory=dict, name="with")
    say: Sentence | None = None
    made_by: Script


class SharedMistake(Part, frozen=True, kw_only=True):
    """A mistake named once for all chapters; `${with.NAME}` are its parameters.

    Attributes:
        title: Two to six words, as shown in progress and to an instructor.
        chapter: The chapter that teaches what it takes to avoid it.
    """

    id: Id
    title: Annotated[str, msgspec.Meta(min_length=3, max_length=60)]
    chapter: Annotated[int, msgspec.Meta(ge=1, le=99)]
    when: Annotated[tuple[Expectation, ...], msgspec.Meta(min_length=1)]
    say: Sentence


class Step(Part, frozen=True, kw_only=True):
    """One thing to make true on the engine.

    Attributes:
        goal: What shall be true; never the command.
        expect: All must hold.
        cause: For an incident: what must hold beside `expect`. The learner is told of the symptom (`expect`) only, and
            of the cause no more than that it is still there; nor is a mistake called by its name.
        hints: From a nudge to nearly the command.
        solutions: Reference scripts; the first is the one shown.
        also: Other ways that must pass too (another command, the API by curl, Compose, the SDK).
        mistakes: In order of precedence; the first whose `when` holds is the diagnosis.
        prepare: Script that the tutor runs, inside the sandbox, when the step begins (a system to repair).
        allow: What the sandbox lets through in this step only.
        needs: What this step needs beside the engine, where the rest of the chapter does not.
        explain: Shown once the step has passed: why this was worth doing.
    """

    id: Id
    title: Annotated[str, msgspec.Meta(min_length=3, max_length=60)]
    goal: Sentence
    expect: Annotated[tuple[Expectation, ...], msgspec.Meta(min_length=1)]
    cause: tuple[Expectation, ...] = ()
    hints: Annotated[tuple[Sentence, ...], msgspec.Meta(min_length=3, max_length=3)]
    solutions: Annotated[tuple[Script, ...], msgspec.Meta(min_length=1)]
    also: tuple[Script, ...] = ()
    mistakes: tuple[Mistake | UseMistake, ...] = ()
    prepare: Script | None = None
    allow: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    explain: Markdown | None = None

    @property
    def conditions(self) -> tuple[Expectation, ...]:
        """All that must hold, told or not."""
        return self.expect + self.cause


# -- questions --------------------------------------------------------------------------------------------------------
class Option(Part, frozen=True, kw_only=True):
    """An answer to choose.

    Attributes:
        right: Whether it belongs to the right answer.
        because: One sentence: why it is wrong (needed then), or why it is right.
    """

    id: Id
    text: Sentence
    right: bool = False
    because: Sentence | None = None


class Choose(Part, frozen=True, kw_only=True, tag_field="kind", tag="choose"):
    """Exactly one option is right."""

    id: Id
    ask: Markdown
    options: Annotated[tuple[Option, ...], msgspec.Meta(min_length=2, max_length=6)]
    explain: Markdown | None = None
    taught: Id | None = None


class ChooseAll(Part, frozen=True, kw_only=True, tag_field="kind", tag="choose_all"):
    """One or more options are right; each is graded by itself."""

    id: Id
    ask: Markdown
    options: Annotated[tuple[Option, ...], msgspec.Meta(min_length=3, max_length=8)]
    explain: Markdown | None = None
    taught: Id | None = None


class Item(Part, frozen=True, kw_only=True):
    """A line to put in its place; `because` says why it stands there."""

    id: Id
    text: Sentence
    because: Sentence | None = None


class Order(Part, frozen=True, kw_only=True, tag_field="kind", tag="order"):
    """Put the items in order; they are written in the right order and shown shuffled."""

    id: Id
    ask: Markdown
    items: Annotated[tuple[Item, ...], msgspec.Meta(min_length=3, max_length=8)]
    explain: Markdown | None = None
    taught: Id | None = None


class WrongCommand(Part, frozen=True, kw_only=True):
    """A command a learner may well type, and why it does not do what was asked.

    Attributes:
        when: What it leaves on the engine, where that tells it from other commands: then everything that leaves the
            same gets this reason, however it was spelled.
    """

    run: Script
    because: Sentence
    when: tuple[Expectation, ...] = ()


class TypeCommand(Part, frozen=True, kw_only=True, tag_field="kind", tag="type_command"):
    """Type a command; it is run in a sandbox and judged by the state it leaves, not by its spelling.

    Attributes:
        prepare: Script that makes the situation, run before the learner's command.
        answers: Commands that are right; the first is shown.
        wrong: Commands that must not pass, each with its reason.
    """

    id: Id
    ask: Markdown
    prepare: Script | None = None
    expect: Annotated[tuple[Expectation, ...], msgspec.Meta(min_length=1)]
    answers: Annotated[tuple[Script, ...], msgspec.Meta(min_length=1)]
    wrong: tuple[WrongCommand, ...] = ()
    explain: Markdown | None = None
    taught: Id | None = None


class Outcome(Part, frozen=True, kw_only=True):
    """What a run may give: tells which option the engine's own answer is. All that is given must hold.

    Attributes:
        exit_code: The command's exit status.
        output: Regular expression searched in stdout and stderr together.
        state: Expectations on the engine after the run.
    """

    exit_code: int | None = None
    output: str | None = None
    state: tuple[Expectation, ...] = ()


class Guess(Part, frozen=True, kw_only=True):
    """An outcome to bet on."""

    id: Id
    text: Sentence
    when: Outcome
    because: Sentence


class ReadOutput(Part, frozen=True, kw_only=True, tag_field="kind", tag="read_output"):
    """What will this do or print? Answered first, then really run; the engine's answer decides."""

    id: Id
    ask: Markdown
    prepare: Script | None = None
    run: Script
    options: Annotated[tuple[Guess, ...], msgspec.Meta(min_length=2, max_length=5)]
    explain: Markdown | None = None
    taught: Id | None = None


class SpotMistake(Part, frozen=True, kw_only=True, tag_field="kind", tag="spot_mistake"):
    """Which line of this file is wrong?

    Attributes:
        file: Name to show, such as `Dockerfile` or `compose.yaml`.
        content: The file's text.
        line: The wrong line's number, from 1.
        because: What is wrong with it and what would be right.
        distractors: Reasons for other lines that look wrong and are not, by line number.
    """

    id: Id
    ask: Markdown
    file: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    content: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    line: Annotated[int, msgspec.Meta(ge=1, le=60)]
    because: Sentence
    distractors: dict[str, Sentence] = msgspec.field(default_factory=dict)
    explain: Markdown | None = None
    taught: Id | None = None


Question = Choose | ChooseAll | Order | TypeCommand | ReadOutput | SpotMistake


# -- sections ---------------------------------------------------------------------------------------------------------
class Text(Part, frozen=True, kw_only=True, tag_field="kind", tag="text"):
    """A short piece to read."""

    id: Id
    body: Markdown


class Diagram(Part, frozen=True, kw_only=True, tag_field="kind", tag="diagram"):
    """A drawing in characters, and words that say the same.

    Attributes:
        live: The app draws it itself, from what the engine tells: `stack`, the machine with the lab's containers on
            it, or `pipeline`, the programs that the learner's last command reached. The characters are for elsewhere.
    """

    id: Id
    title: Annotated[str, msgspec.Meta(min_length=3, max_length=80)]
    drawing: Annotated[str, msgspec.Meta(min_length=3, max_length=4000)]
    words: Markdown
    live: Literal["stack", "pipeline"] | None = None


class Predict(Part, frozen=True, kw_only=True, tag_field="kind", tag="predict"):
    """Commit to an outcome, then run it for real, then compare with the engine's own answer."""

    id: Id
    ask: Markdown
    prepare: Script | None = None
    run: Script
    options: Annotated[tuple[Guess, ...], msgspec.Meta(min_length=2, max_length=5)]
    explain: Markdown
    allow: tuple[str, ...] = ()


class Lab(Part, frozen=True, kw_only=True, tag_field="kind", tag="lab"):
    """Steps judged on the live state of the engine.

    Attributes:
        files: Folder under `labs/` whose content the workspace starts with.
        prepare: Script that the tutor runs inside the sandbox when the lab opens.
        shuffled: The steps stand by themselves, and each learner meets them in an order of their own.
    """

    id: Id
    title: Annotated[str, msgspec.Meta(min_length=3, max_length=60)]
    intro: Markdown | None = None
    files: str | None = None
    prepare: Script | None = None
    shuffled: bool = False
    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1, max_length=8)]


class Quiz(Part, frozen=True, kw_only=True, tag_field="kind", tag="quiz"):
    """Questions on what was taught by now."""

    id: Id
    questions: Annotated[tuple[Question, ...], msgspec.Meta(min_length=1, max_length=12)]


class FactCheck(Part, frozen=True, kw_only=True, tag_field="kind", tag="fact_check"):
    """A claim people repeat, and what is true.

    Attributes:
        proved_by: Id of the step, prediction or question of this chapter that lets the learner see it.
    """

    id: Id
    claim: Sentence
    truth: Markdown
    proved_by: Id | None = None


class CommandNote(Part, frozen=True, kw_only=True):
    """A command of the recap with what it does."""

    run: Sentence
    does: Sentence


class Recap(Part, frozen=True, kw_only=True, tag_field="kind", tag="recap"):
    """The card to keep."""

    id: Id
    idea: Sentence
    commands: tuple[CommandNote, ...] = ()
    remember: Sentence


Section = Text | Diagram | Predict | Lab | Quiz | FactCheck | Recap


class Source(Part, frozen=True, kw_only=True):
    """Where a fact that was not tried on the engine comes from."""

    title: Sentence
    url: Annotated[str, msgspec.Meta(pattern=r"^https://[^\s]+$(?!\n)", max_length=300)]


class Introduces(Part, frozen=True, kw_only=True):
    """What is used for the first time here: `docker run`, `-p`; *image*, *layer*."""

    commands: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Chapter(Part, frozen=True, kw_only=True):
    """One chapter: one file `NN-slug.yaml`.

    Attributes:
        chapter: Its number, the outline's.
        id: Stable name; equals the file's slug.
        idea: The mental model in one line.
        minutes: What a careful beginner needs.
        builds_on: Chapters whose content is used.
        images: Catalogue roles of the images that are needed.
        names: Names that the lab gives to objects, for `${name.NAME}`.
        ports: Free host ports that the lab needs, for `${port.NAME}`.
        needs: What must be there beside the engine itself for any of it.
        picture: The tab of the live picture that tells this chapter's story.
    """

    chapter: Annotated[int, msgspec.Meta(ge=1, le=99)]
    id: Id
    title: Annotated[str, msgspec.Meta(min_length=3, max_length=60)]
    idea: Sentence
    minutes: Annotated[int, msgspec.Meta(ge=1, le=120)]
    builds_on: tuple[int, ...] = ()
    images: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    picture: Picture = "world"
    introduces: Introduces = Introduces()
    sources: tuple[Source, ...] = ()
    sections: Annotated[tuple[Section, ...], msgspec.Meta(min_length=1)]


class SharedMistakes(Part, frozen=True, kw_only=True):
    """The file `lessons/mistakes.yaml`."""

    mistakes: tuple[SharedMistake, ...]


class Course(Part, frozen=True, kw_only=True):
    """All chapters in order, and the mistakes they share."""

    chapters: tuple[Chapter, ...]
    mistakes: dict[str, SharedMistake]
