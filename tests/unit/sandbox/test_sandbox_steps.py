"""A classic build's progress looks as if the sandbox had added nothing to it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.sandbox._steps import Steps

_LABELS = ("docker-tutor.lab", "docker-tutor.owner")
_MADE = " ---> {}\n"


def _run(said: list[object], *, removes: bool = True, always: bool = False) -> list[object]:
    steps = Steps(_LABELS, removes=removes, always=always)
    shown = b"".join(steps.line(json.dumps(value).encode() + b"\r\n") for value in said) + steps.line(b"")
    return [json.loads(line) for line in shown.splitlines()]


def _say(*texts: str) -> list[object]:
    return [{"stream": text} for text in texts]


def _step(number: int, of: int, what: str, image: str, *, said: tuple[str, ...] = ()) -> list[object]:
    running = (" ---> Running in 0123456789ab\n", *said, " ---> Removed intermediate container 0123456789ab\n")
    return _say(f"Step {number}/{of} : {what}", "\n", *running, _MADE.format(image * 12))


_END: list[object] = [{"aux": {"ID": "sha256:" + "d" * 64}}, *_say("Successfully built dddddddddddd\n")]


def test_labels_are_no_steps() -> None:
    own = [*_step(2, 4, "RUN echo hi", "a", said=("hi\n",))]
    base = _say("Step 1/4 : FROM x", "\n", _MADE.format("e" * 12))
    labels = [*_step(3, 4, "LABEL docker-tutor.lab=1", "b"), *_step(4, 4, "LABEL docker-tutor.owner=image", "d")]
    plain = [*_say("Step 1/2 : FROM x", "\n", _MADE.format("e" * 12)), *_step(2, 2, "RUN echo hi", "d", said=("hi\n",))]
    assert _run([*base, *own, *labels, *_END]) == [*plain, *_END]
    # The learner's own labels, before and behind.
    more = [*base, *_step(2, 5, "LABEL a=b", "a"), *_step(3, 5, "LABEL docker-tutor.lab=1", "b"),
            *_step(4, 5, "LABEL docker-tutor.owner=image", "c"), *_step(5, 5, "LABEL z=1", "d"), *_END]  # fmt: skip
    assert [item for item in _run(more) if str(item).count("Step ")] == _say(
        "Step 1/2 : FROM x", "Step 2/3 : LABEL a=b", "Step 3/3 : LABEL z=1"
    )
    assert str(_run(more)).count("Running in") == 2


@pytest.mark.parametrize("always", [True, False])
def test_a_step_that_fails_tells_of_its_container_only_when_asked(always: bool) -> None:
    error: list[object] = [{"errorDetail": {"message": "no"}, "error": "no"}]
    said = _say("Step 2/4 : RUN exit 3", "\n", " ---> Running in 0123456789ab\n", "x\n")
    gone = _say(" ---> Removed intermediate container 0123456789ab\n")
    shown = [*_say("Step 2/2 : RUN exit 3"), *said[1:]]
    assert _run([*said, *gone, *error], always=always) == [*shown, *(gone if always else []), *error]
    assert _run([*said, *gone, *_say(_MADE.format("a" * 12))], removes=False) == [*shown, *_say(_MADE.format("a" * 12))]


@given(st.lists(st.text(max_size=30)))
def test_what_a_step_prints_is_shown_as_it_is(texts: list[str]) -> None:
    said = [text for text in texts if not text.startswith(("Step", " --->"))]
    assert _run(_say(*said)) == _say(*said)


def test_lines_that_are_no_progress_pass() -> None:
    steps = Steps(_LABELS, removes=True, always=False)
    for line in (b"no json\n", b"[]\n", b"\r\n", b'{"stream":5}\n', b'{"status":"x","id":"y"}\r\n'):
        assert steps.line(line) == line
