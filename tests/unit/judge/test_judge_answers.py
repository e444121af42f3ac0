"""Findings of probes: answers over the network, and what is inside."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.judge.steps import NOTHING, container, http, seen, told
from tests.unit.world.worlds import WEB, world
from tutor.course.expectations import (
    ChangesExpectation,
    ExecExpectation,
    FileExpectation,
    HttpExpectation,
    LogsExpectation,
    NotExpectation,
    TcpExpectation,
)
from tutor.engine.world import World
from tutor.lab.judge import findings
from tutor.lab.observations import (
    ChangesSeen,
    CouldNot,
    ExecSeen,
    FileSeen,
    HttpSeen,
    Listener,
    LogsSeen,
    Observations,
    Observed,
    TcpSeen,
)

SERVER = container(state="running", image=WEB, publishes={"80/tcp": "8080"})
RESET = HttpSeen(failure="reset")
REFUSED = HttpSeen(failure="refused")


def listening(situation: str, *listeners: Listener) -> dict[str, tuple[Listener, ...]]:
    web = world(situation).container("web")
    assert web is not None
    return {web.id: listeners}


def test_an_answer_as_expected() -> None:
    probe = http(body="(?i)welcome", header={"Server": "nginx*"})
    answer = HttpSeen(status=200, body="Welcome", headers={"server": "nginx/1.26"})
    assert told("web", probe, seen=seen((probe, answer))) == []


@pytest.mark.parametrize(
    ("probe", "answer", "sentence"),
    [
        (http(), HttpSeen(status=404), "http://localhost:8080/ answers 404, not 200."),
        (http(body="hello"), HttpSeen(status=200, body="\n<h1>other</h1>"),
         "http://localhost:8080/ answers, but with another content."),
        (http(header={"Server": "*"}), HttpSeen(status=200),
         "The answer of http://localhost:8080/ has no header `Server`."),
        (http(status="refused"), HttpSeen(status=200), "Something answers on port 8080: `web` does."),
        (http(status="no-answer"), RESET,
         "Port 8080 does not answer in the way it should: the connection breaks off at once."),
        (http(), CouldNot(reason="no answer within 3 s"),
         "http://localhost:8080/ could not be asked: no answer within 3 s."),
        (http(), RESET, "Nothing seems to listen on port 80 of `web`: the connection breaks off at once."),
    ],
)  # fmt: skip
def test_answers_that_are_not(probe: HttpExpectation, answer: Observed, sentence: str) -> None:
    assert told("web", probe, seen=seen((probe, answer))) == [sentence]


@pytest.mark.parametrize("failure", ["refused", "reset"])
def test_a_port_with_nobody_behind_it_feels_one_way_or_the_other(failure: str) -> None:
    probe = http(3000, status="reset")
    assert told("wrong-inside", probe, seen=seen((probe, HttpSeen(failure=failure)))) == []


@pytest.mark.parametrize(
    ("situation", "listeners", "sentence"),
    [
        ("wrong-inside", [Listener(address="0.0.0.0", port=80)],
         "`web` publishes container port 8080; the application listens on 80."),
        ("wrong-inside", [], "`web` publishes container port 8080, and nothing in it listens on any port."),
        ("wrong-inside", [Listener(address="127.0.0.1", port=5000)],
         "`web` publishes container port 8080; the application listens on 5000 (on its own loopback only)."),
        ("wrong-host-port", [Listener(address="127.0.0.1", port=80)],
         "The application in `web` listens on 127.0.0.1:80, which is the container's own loopback: "
         "nobody outside of it can come in."),
        ("wrong-host-port", [Listener(address="0.0.0.0", port=80)],
         "Something listens on port 80 of `web`, but does not answer as HTTP: the connection breaks off at once."),
    ],
)  # fmt: skip
def test_what_is_behind_the_port(situation: str, listeners: list[Listener], sentence: str) -> None:
    probe = http(3000)
    observations = seen((probe, RESET), listeners=listening(situation, *listeners))
    assert told(situation, probe, seen=observations) == [sentence]


def test_where_the_way_breaks_off() -> None:
    probe = http()
    nobody = seen((probe, REFUSED))
    assert told("nothing", probe, seen=nobody) == ["Nobody answers on port 8080: no container publishes it."]
    assert told("stopped", probe, seen=nobody) == ["Nobody answers on port 8080: `web`, which publishes it, has ended."]


@pytest.mark.parametrize(
    "situation", ["nothing", "typo-in-name", "created", "stopped", "swapped", "unpublished", "wrong-inside", "paused"]
)
def test_an_answer_is_not_missed_where_its_container_is_not_right(situation: str) -> None:
    probe, door = http(), TcpExpectation(port="8080")
    nobody = seen((probe, REFUSED), (door, TcpSeen(open=False, failure="refused")))
    assert told(situation, SERVER, probe, door, seen=nobody) == told(situation, SERVER)
    assert len(told(situation, SERVER)) == 1


def test_an_answer_is_missed_where_its_container_is_right() -> None:
    probe = http()
    assert len(told("web", SERVER, probe, seen=seen((probe, RESET)))) == 1


def test_doors() -> None:
    door = TcpExpectation(port="8080")
    assert told("web", door, seen=seen((door, TcpSeen(open=True)))) == []
    shut = TcpExpectation(port="8080", open=False)
    assert told("web", shut, seen=seen((shut, TcpSeen(open=True)))) == ["Port 8080 is open by `web`."]
    assert told("web", door, seen=seen((door, TcpSeen(open=False, failure="reset")))) == [
        "Nothing seems to listen on port 80 of `web`: the connection breaks off at once."
    ]


RUN = ExecExpectation(container="web", command=("cat", "/x"), output="^hello$")
LOGS = LogsExpectation(container="web", output="ready", missing="(?i)error")
CHANGES = ChangesExpectation(container="web", added="/tmp/*", deleted="/etc/motd")


@pytest.mark.parametrize(
    ("probe", "observed", "sentences"),
    [
        (RUN, ExecSeen(exit_code=0, output="a\nhello\n"), []),
        (RUN, ExecSeen(exit_code=1, output="cat: no such file\n"),
         ["In `web`, `cat /x` ends with exit code 1, not 0: `cat: no such file`."]),
        (RUN, ExecSeen(exit_code=0, output="bye\n"), ["In `web`, `cat /x` prints something else."]),
        (RUN, CouldNot(reason="it took too long"), ["`cat /x` could not be run in `web`: it took too long."]),
        (LOGS, LogsSeen(text="ready\n"), []),
        (LOGS, LogsSeen(text="starting\nERROR: no\n"),
         ["The logs of `web` do not show `ready`.", "The logs of `web` show `ERROR: no`."]),
        (CHANGES, ChangesSeen(added=("/tmp/a",), deleted=("/etc/motd",)), []),
        (CHANGES, ChangesSeen(changed=("/etc",)),
         ["In the writable layer of `web`, `/tmp/*` is not added.",
          "In the writable layer of `web`, `/etc/motd` is not deleted."]),
        (ChangesExpectation(container="web", none=True), ChangesSeen(added=("/a",)),
         ["The writable layer of `web` holds changes."]),
        (ChangesExpectation(container="web", none=False), ChangesSeen(), ["The writable layer of `web` is empty."]),
        (FileExpectation(path="a.txt", content="x+"), FileSeen(exists=True, content="axx"), []),
        (FileExpectation(path="a.txt", exists=False), FileSeen(exists=False), []),
        (FileExpectation(path="a.txt"), FileSeen(exists=False), ["The file `a.txt` is not there."]),
        (FileExpectation(path="a.txt", exists=False), FileSeen(exists=True), ["The file `a.txt` is there."]),
        (FileExpectation(path="a.txt", content="x"), FileSeen(exists=True, content="y"),
         ["The file `a.txt` does not hold `x`."]),
        (FileExpectation(path="a.txt"), CouldNot(reason="it lies outside of the workspace"),
         ["The file `a.txt` could not be read: it lies outside of the workspace."]),
    ],
)  # fmt: skip
def test_inside(probe: ExecExpectation, observed: Observed, sentences: list[str]) -> None:
    assert told("web", probe, seen=seen((probe, observed))) == sentences


@pytest.mark.parametrize("probe", [RUN, LOGS, CHANGES])
def test_nothing_is_inside_of_what_is_not_there(probe: ExecExpectation) -> None:
    assert told("nothing", probe) == ["There is no container `web`."]
    assert told("nothing", container(state="running"), probe) == ["There is no container `web`."]


def test_nothing_can_be_run_in_what_has_ended() -> None:
    assert told("stopped", RUN) == ["`web` has ended, so nothing can be run in it."]
    assert told("stopped", container(state="running"), RUN) == told("stopped", container(state="running"))


def test_what_could_not_be_looked_at_is_neither_so_nor_not_so() -> None:
    unwanted = NotExpectation(all=(RUN,))
    assert told("web", unwanted, seen=seen((RUN, ExecSeen(exit_code=0, output="hello")))) == [
        "This should not be so: `cat /x` in `web` prints `^hello$`."
    ]
    assert told("web", unwanted, seen=seen((RUN, ExecSeen(exit_code=1)))) == []
    assert told("web", unwanted, seen=seen((RUN, CouldNot(reason="it took too long")))) == [
        "`cat /x` could not be run in `web`: it took too long."
    ]


def test_an_expression_that_is_none_is_plain_text() -> None:
    probe = http(body="a(b")
    assert told("web", probe, seen=seen((probe, HttpSeen(status=200, body="xa(bx")))) == []


def test_a_url_that_is_none() -> None:
    probe = HttpExpectation(url="http://[::1")
    assert told("web", probe) == ["http://[::1 could not be asked."]


def test_what_answers_is_found_by_its_port_whatever_its_name() -> None:
    renamed = {key: msgspec.structs.replace(c, name="shop") for key, c in world("wrong-inside").containers.items()}
    here = World(containers=renamed, images=world("wrong-inside").images)
    probe = http(3000)
    assert told(here, probe, seen=seen((probe, RESET))) == [
        "`shop` publishes container port 8080; its image exposes 80."
    ]


def test_the_same_question_is_the_same_probe_whatever_is_said() -> None:
    assert Observations(seen=seen((http(), REFUSED)).seen).of(http(say="Not yet.")) == REFUSED


@pytest.mark.parametrize(("pattern", "expected"), [("^ready$", "logs with `^ready$`"), (r"(\w+) \1 (?!a)", "")])
def test_the_lessons_sentence_stands_in_for_a_pattern_that_nobody_reads(pattern: str, expected: str) -> None:
    wanted = LogsExpectation(container="web", output=pattern, say="It has not said so twice.")
    (finding,) = findings((wanted,), world("web"), seen((wanted, LogsSeen(text="once"))), NOTHING)
    assert (finding.summary, finding.expected) == ("It has not said so twice.", expected)
