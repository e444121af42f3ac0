"""What tests of the workshop share: a small syllabus, records, and logs that a room could really have."""

from __future__ import annotations

from hypothesis import strategies as st

from tutor.learner.events import (
    AnyEvent,
    HandSet,
    HintOpened,
    PollAnswered,
    PredictionMade,
    QuestionAnswered,
    SectionReached,
    SolutionOpened,
    StepBegun,
    StepPassed,
    StepTried,
)
from tutor.workshop.events import (
    AnyBody,
    ChapterSet,
    Did,
    DoorSet,
    NamesShown,
    PaceSet,
    PollClosed,
    PollOpened,
    PollOption,
    PollQuestion,
    Record,
    RoomOpened,
    Said,
    SeatAllowed,
    SeatHere,
    SeatTaken,
    TimerSet,
)
from tutor.workshop.syllabus import ChapterOutline, StepOutline, Syllabus

NOON = 1_700_000_000.0
SYLLABUS = Syllabus(
    chapters=(
        ChapterOutline(
            id="docker-run",
            number=17,
            title="docker run",
            minutes=30,
            steps=(
                StepOutline(id="first", title="A first container", mistakes={"no-name": "No name given"}),
                StepOutline(id="second", title="One that stays", mistakes={"not-detached": "Not in the background"}),
            ),
            items=("text", "lab", "q1"),
        ),
        ChapterOutline(
            id="volumes",
            number=21,
            title="Volumes",
            minutes=25,
            steps=(StepOutline(id="keep", title="Data that stays", mistakes={}),),
            items=("text",),
        ),
    )
)
QUESTION = PollQuestion(
    ask="Which side is the host's?",
    options=(
        PollOption(id="left", text="The left one", right=True),
        PollOption(id="right", text="The right one", right=False),
    ),
)
OPENED = RoomOpened(room="r1", title="Docker", syllabus=SYLLABUS)
SEATS = ("s1", "s2", "s3")
STEPS = (("docker-run", "first"), ("docker-run", "second"), ("volumes", "keep"))


def record(number: int, body: AnyBody, *, by: str = "hub", at: float | None = None) -> Record:
    return Record(id=f"r{number}", at=NOON + number if at is None else at, by=by, body=body)


def did(seat: str, n: int, event: AnyEvent, *, at: float, when: float | None = None) -> Record:
    body = Did(seat=seat, stream=f"j-{seat}", n=n, when=at if when is None else when, event=event)
    return Record(id=f"{seat}-{n}", at=at, by=seat, body=body)


_seats = st.sampled_from(SEATS)
_steps = st.sampled_from(STEPS)
_rounds = st.integers(1, 2)


@st.composite
def _events(draw: st.DrawFn) -> AnyEvent:
    chapter, step = draw(_steps)
    return draw(
        st.sampled_from(
            [
                StepBegun(chapter=chapter, item=step),
                StepTried(chapter=chapter, item=step, findings=1, mistake=draw(st.sampled_from(["", "no-name", "x"]))),
                StepPassed(chapter=chapter, item=step),
                HintOpened(chapter=chapter, item=step, number=draw(st.integers(1, 3))),
                SolutionOpened(chapter=chapter, item=step),
                SectionReached(chapter=chapter, item="text"),
                QuestionAnswered(chapter=chapter, item="q1", answer=("a",), credit=draw(st.sampled_from([0.0, 1.0]))),
                PredictionMade(chapter=chapter, item="p", option="a", outcome="b", right=False),
                HandSet(chapter="", item="r1", up=draw(st.booleans())),
                PollAnswered(
                    chapter="",
                    item="p1",
                    room="r1",
                    round=draw(_rounds),
                    answer=(draw(st.sampled_from(["left", "?"])),),
                ),
            ]
        )
    )


_bodies = st.one_of(
    st.just(OPENED),
    st.builds(SeatTaken, seat=_seats, name=st.sampled_from(["Ada", "Grace"]), key=st.sampled_from(["k1", "k2"])),
    st.builds(SeatAllowed, seat=_seats, allowed=st.booleans()),
    st.builds(SeatHere, seat=_seats, hub=st.sampled_from(["h1", "h2"]), here=st.booleans()),
    st.builds(ChapterSet, chapter=st.sampled_from(["docker-run", "volumes"]), open=st.booleans()),
    st.just(PaceSet(chapter="docker-run", step="first")),
    st.builds(TimerSet, ends=st.none() | st.just(NOON + 60)),
    st.builds(DoorSet, open=st.booleans()),
    st.builds(NamesShown, on=st.booleans()),
    st.builds(Said, to=st.just("") | _seats, text=st.just("Look at the port")),
    st.builds(PollOpened, poll=st.just("p1"), round=_rounds, question=st.just(QUESTION)),
    st.builds(PollClosed, poll=st.just("p1"), round=_rounds),
)


@st.composite
def logs(draw: st.DrawFn) -> list[Record]:
    """Records with times that may be equal, seats' events between instructors' and hub's."""
    made: list[Record] = []
    place = dict.fromkeys(SEATS, 0)
    at = NOON
    for number in range(draw(st.integers(0, 25))):
        at += draw(st.sampled_from([0.0, 0.5, 40.0]))
        if draw(st.booleans()):
            seat = draw(_seats)
            place[seat] += draw(st.integers(1, 3))
            made.append(did(seat, place[seat], draw(_events()), at=at, when=at - draw(st.sampled_from([0.0, 90.0]))))
        else:
            made.append(record(number, draw(_bodies), by=draw(st.sampled_from(["i:Kim", "i:Lee", "hub"])), at=at))
    return made
