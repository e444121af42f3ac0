"""The judge never raises, whatever stands in the step and in the world; and it contradicts itself nowhere."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.judge.steps import Call, step
from tests.unit.world.worlds import RECORDED, world
from tutor.course.expectations import (
    AnyExpectation,
    AskedExpectation,
    Expectation,
    Mount,
    NotExpectation,
    Probe,
)
from tutor.course.models import Mistake
from tutor.engine import records
from tutor.lab.findings.describe import describe
from tutor.lab.judge import holds, judge
from tutor.lab.observations import (
    Activity,
    Baseline,
    ChangesSeen,
    CouldNot,
    ExecSeen,
    FileSeen,
    HttpSeen,
    Listener,
    LogsSeen,
    Observations,
    TcpSeen,
    key,
)
from tutor.lab.probes import leaves
from tutor.lab.verdict import NotYet, Passed, Unattempted, Unavailable

SITUATIONS = sorted(path.stem for path in RECORDED.glob("*.json"))
RUNS = int(os.environ.get("JUDGE_EXAMPLES", "60"))

words = st.sampled_from(["web", "db", "shop", "shop:1", "nginx:1.26", "busybox:1.37", "80", "8080", "*", "[", "(", "",
                         "wbe", "/data", "notes", "sha256:00", "a.b", "\n", "ü", "64m", "host", "**"])  # fmt: skip
ports = st.sampled_from(["80", "80/tcp", "8080/tcp", "*", "53/udp"])
sizes = st.sampled_from(["0", "64m", "1.5g", "5"])
tuples = st.lists(words, max_size=3).map(tuple)


def _field(name: str, annotation: str) -> st.SearchStrategy[Any]:
    """Values for a field, by what its annotation says."""
    if "Mount" in annotation:
        mounts = st.builds(
            Mount, at=words, volume=st.none() | words, bind=st.none() | words, tmpfs=st.none() | st.booleans()
        )
        return st.lists(mounts, max_size=2).map(tuple)
    if name == "services":
        from tutor.course.expectations import ComposeService

        service = st.builds(ComposeService, replicas=st.none() | st.integers(0, 3), image=st.none() | words)
        return st.dictionaries(words, service, max_size=2)
    if "dict[Port" in annotation:
        return st.dictionaries(ports, words, max_size=2)
    if "dict[" in annotation:
        values = st.none() | words if "None]" in annotation else words
        return st.dictionaries(words, values, max_size=2)
    if name == "state":
        return st.sampled_from(["running", "exited", ("created", "paused")])
    if name == "of":
        return st.sampled_from(["containers", "volumes", "networks", "images"])
    if name == "status" and "refused" in annotation:
        return st.sampled_from([200, 404, "refused", "reset", "no-answer"])
    if name == "exposes":
        return st.lists(ports, max_size=2).map(tuple)
    if name in {"memory", "smaller_than"}:
        return sizes
    if "tuple[" in annotation:
        return tuples.filter(bool) if "min_length" in annotation else tuples
    if "bool" in annotation:
        return st.booleans()
    if "float" in annotation:
        return st.floats(0, 4)
    if "int" in annotation:
        return st.integers(-1, 140)
    return words


def _any_of(kind: type) -> st.SearchStrategy[Any]:
    import msgspec

    fields = {}
    for field in msgspec.structs.fields(kind):
        # The annotation as it is written: types alone do not tell a port from a word.
        written = str(_annotations(kind)[field.name])
        value = _field(field.name, written)
        fields[field.encode_name] = value if field.required else st.just(field.default) | value
    return st.builds(kind, **fields)


def _annotations(kind: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        found |= getattr(base, "__annotations__", {})
    return found


PLAIN = [k for k in Expectation.__args__ if k not in (AnyExpectation, NotExpectation)]  # type: ignore[attr-defined]
plain = st.one_of([_any_of(kind) for kind in PLAIN])
expectations = st.recursive(
    plain,
    lambda inner: (
        st.builds(AnyExpectation, of=st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(NotExpectation, all=st.lists(inner, min_size=1, max_size=2).map(tuple))
    ),
    max_leaves=4,
)
observed = st.one_of(
    st.builds(HttpSeen, status=st.sampled_from([200, 404])),
    st.builds(HttpSeen, failure=st.sampled_from(["refused", "reset", "no-answer"])),
    st.builds(TcpSeen, open=st.booleans(), failure=st.sampled_from(["", "reset"])),
    st.builds(ExecSeen, exit_code=st.integers(0, 3), output=words),
    st.builds(FileSeen, exists=st.booleans(), content=st.none() | words),
    st.builds(LogsSeen, text=words),
    st.builds(ChangesSeen, added=tuples),
    st.builds(CouldNot, reason=words),
)
calls = st.lists(
    st.builds(
        Call,
        method=st.sampled_from(["GET", "POST", "DELETE"]),
        path=st.sampled_from(["/containers/create", "/images/create", "/containers/web/stop", "/x"]),
        query=st.dictionaries(st.sampled_from(["name", "fromImage", "tag"]), words | tuples, max_size=2),
        status=st.sampled_from([None, 200, 404, 409, 500]),
        body=st.none()
        | words
        | tuples
        | st.dictionaries(words, words | st.dictionaries(words, st.integers()), max_size=2),
    ),
    max_size=3,
).map(tuple)
activities = st.builds(
    Activity,
    in_flight=st.just(()) | st.just(("building",)),
    last_change_age=st.floats(0, 10),
    now=st.none() | st.floats(0, 4e9),
    calls=st.none() | st.integers(0, 3),
    gone=st.just("") | st.just("gone"),
)


@settings(max_examples=RUNS)
@given(
    st.lists(expectations, min_size=1, max_size=4),
    st.lists(expectations, min_size=1, max_size=2),
    st.sampled_from(SITUATIONS),
    st.sampled_from(SITUATIONS),
    activities,
    calls,
    st.data(),
)
def test_any_step_on_any_world(
    expect: list[Expectation],
    when: list[Expectation],
    now: str,
    before: str,
    activity: Activity,
    made: tuple[Call, ...],
    data: st.DataObject,
) -> None:
    answers = {
        key(probe): data.draw(observed)
        for probe in leaves((*expect, *when))
        if isinstance(probe, Probe) and data.draw(st.booleans())
    }
    listeners = {key: (Listener(address="127.0.0.1", port=80),) for key in world(now).containers}
    observations = Observations(seen=answers, calls=made, listeners=data.draw(st.just({}) | st.just(listeners)))
    mistake = Mistake(id="m", when=tuple(when), say="-", made_by="-")
    verdict = judge(
        step(*expect, mistakes=(mistake,)), world(now), observations, Baseline(world=world(before)), activity
    )
    assert isinstance(verdict, (Passed, NotYet, Unattempted, Unavailable))
    if activity.gone:
        assert isinstance(verdict, Unavailable)
        return
    baseline = Baseline(world=world(before))
    assert isinstance(verdict, Passed) == holds(expect, world(now), observations, baseline)
    if isinstance(verdict, NotYet):
        assert verdict.findings
        assert verdict.settled or verdict.mistake is None
        sentences = [finding.summary for finding in verdict.findings]
        assert len(sentences) == len(set(sentences)) and all(sentences)


@settings(max_examples=RUNS)
@given(expectations)
def test_every_expectation_can_be_described(expectation: Expectation) -> None:
    assert describe(expectation)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=RUNS)
@given(st.sampled_from(["ports", "env", "labels"]), words)
def test_odd_but_legal_inspect_data(what: str, text: str) -> None:
    data: dict[str, Any] = {"Id": "x", "Config": {}, "HostConfig": {}, "NetworkSettings": {}}
    if what == "ports":
        data["NetworkSettings"]["Ports"] = {text: None, "80/tcp": [{"HostIp": text, "HostPort": text}]}
    elif what == "env":
        data["Config"]["Env"] = [text, f"{text}={text}", "="]
    else:
        data["Config"]["Labels"] = {text: text}
    assert records.container(data).id == "x"


def test_asked_is_no_probe_that_has_to_be_run() -> None:
    assert list(leaves((AskedExpectation(path="/x"),))) == []
