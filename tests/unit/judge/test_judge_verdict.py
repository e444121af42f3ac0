"""The verdict: what goes before what, what is only on its way, and which mistake it was."""

from __future__ import annotations

import time

import msgspec
import pytest

from tests.unit.judge.steps import NOTHING, Call, container, http, seen, step, told, verdict
from tests.unit.world.worlds import SHELL, WEB, world
from tutor.course.expectations import (
    AskedExpectation,
    ComposeExpectation,
    ComposeService,
    CountExpectation,
    ExecExpectation,
    ImageExpectation,
    NotExpectation,
)
from tutor.course.models import Mistake, SharedMistake
from tutor.engine.world import World
from tutor.lab.judge import judge
from tutor.lab.observations import Activity, Baseline, ExecSeen, HttpSeen, Observations, moment
from tutor.lab.verdict import NotYet, Passed, Unattempted, Unavailable

SERVER = container(state="running", image=WEB, publishes={"80/tcp": "8080"})
HTTP = http()
REFUSED = seen((HTTP, HttpSeen(failure="refused")))


def started(situation: str, name: str = "web") -> float:
    found = world(situation).container(name)
    assert found is not None
    when = moment(found.started)
    assert when is not None
    return when


# -- what goes before what --------------------------------------------------------------------------------------------
def test_an_engine_that_is_gone_goes_before_all() -> None:
    gone = Activity(gone="The engine does not answer any more.")
    assert verdict("web", SERVER, activity=gone) == Unavailable(reason="The engine does not answer any more.")


def test_what_holds_has_passed_also_when_nothing_was_done() -> None:
    assert verdict("web", SERVER, baseline=Baseline(world=world("web")), activity=Activity(calls=0)) == Passed()


def test_nothing_done_is_not_attempted() -> None:
    assert verdict("nothing", SERVER, activity=Activity(calls=0)) == Unattempted()
    assert verdict("nothing", SERVER, activity=Activity()) == Unattempted()


@pytest.mark.parametrize(
    "activity",
    [
        Activity(calls=1),
        Activity(calls=0, files="changed"),
        Activity(calls=0, in_flight=("pulling nginx",)),
    ],
)
def test_a_call_a_file_or_a_command_at_work_is_an_attempt(activity: Activity) -> None:
    assert isinstance(verdict("nothing", SERVER, activity=activity), NotYet)


def test_a_prepared_container_that_falls_over_by_itself_is_no_attempt() -> None:
    web = world("web").container("web")
    assert web is not None
    fallen = msgspec.structs.replace(web, state="exited", exit_code=1, finished="2026-11-23T20:40:00Z", pid=0)
    now = World(containers={web.id: fallen}, images=world("web").images, networks=world("web").networks)
    before = Baseline(world=world("web"))
    assert verdict(now, SERVER, baseline=before, activity=Activity(calls=0)) == Unattempted()
    # Where there is no trace to tell who did it, it may have been the learner.
    assert isinstance(verdict(now, SERVER, baseline=before, activity=Activity()), NotYet)


def test_what_others_did_to_a_lab_is_an_attempt_as_well() -> None:
    assert isinstance(verdict("swapped", SERVER, activity=Activity(calls=0)), NotYet)


# -- what is only on its way ------------------------------------------------------------------------------------------
def settled(situation: str | World, *expect: object, **more: object) -> bool:
    given = verdict(situation, *expect, **more)  # type: ignore[arg-type]
    assert isinstance(given, NotYet)
    return given.settled


def test_findings_of_a_world_at_rest_are_settled() -> None:
    assert settled("swapped", SERVER)


@pytest.mark.parametrize("call", ["building an image", "pulling nginx", "starting web"])
def test_nothing_is_settled_while_a_command_works(call: str) -> None:
    assert not settled("nothing", SERVER, activity=Activity(calls=1, in_flight=(call,)))


def test_between_two_calls_of_one_command() -> None:
    """`docker run` asks for the image, pulls it, asks again: between these nothing is under way."""
    assert not settled("nothing", SERVER, activity=Activity(calls=1, last_change_age=0.01))
    assert settled("nothing", SERVER, activity=Activity(calls=1, last_change_age=0.5))


def test_between_create_and_start() -> None:
    assert not settled("created", SERVER, activity=Activity(calls=1, last_change_age=0.6))
    assert settled("created", SERVER, activity=Activity(calls=1, last_change_age=1.5))


def test_one_that_could_not_start_waits_for_nothing() -> None:
    assert settled("port-taken", SERVER, activity=Activity(calls=1, last_change_age=0.6))
    assert settled("flags-after-image", SERVER, activity=Activity(calls=1, last_change_age=0.6))


def test_a_server_that_is_starting() -> None:
    just = Activity(calls=1, last_change_age=0.5, now=started("web") + 0.5)
    later = Activity(calls=1, last_change_age=3.0, now=started("web") + 3.0)
    assert not settled("web", SERVER, HTTP, observations=REFUSED, activity=just)
    assert settled("web", SERVER, HTTP, observations=REFUSED, activity=later)


def test_a_program_in_a_container_that_is_starting() -> None:
    run = ExecExpectation(container="web", command=("test", "-e", "/ready"))
    observations = seen((run, ExecSeen(exit_code=1)))
    assert not settled("web", run, observations=observations, activity=Activity(calls=1, now=started("web") + 1))
    assert settled("web", run, observations=observations, activity=Activity(calls=1, now=started("web") + 9))


def test_an_engine_whose_clock_is_ahead() -> None:
    """The container seems to be started in the future: then it counts when the World changed."""
    behind = Activity(calls=1, now=started("web") - 3600, last_change_age=10)
    assert settled("web", SERVER, HTTP, observations=REFUSED, activity=behind)


def test_what_falls_down_again_and_again_is_not_starting() -> None:
    web = world("web").container("web")
    assert web is not None
    again = msgspec.structs.replace(web, restart_count=5, restart="always")
    here = World(containers={web.id: again}, images=world("web").images)
    assert settled(here, HTTP, observations=REFUSED, activity=Activity(calls=1, now=started("web") + 0.5))


def test_what_is_wrong_for_good_does_not_hide_what_is_starting() -> None:
    just = Activity(calls=1, last_change_age=0.5, now=started("web") + 0.5)
    wanted = (container(state="running", env={"MODE": "live"}), HTTP)
    assert not settled("web", *wanted, observations=REFUSED, activity=just)


def test_health_that_is_not_known_yet() -> None:
    assert not settled("health-starting", container(health="healthy"))
    assert settled("unhealthy", container(health="healthy"))
    assert settled("healthy", container(health="unhealthy"))


def test_a_slow_health_check_does_not_hide_what_is_wrong_for_good() -> None:
    assert settled("health-starting", container(health="healthy", env={"MODE": "live"}))


def test_a_server_that_answers_is_up_before_its_health_check_says_so() -> None:
    """What else it says stays as it is; only that it does not answer yet may change."""
    (web,) = world("web").containers.values()
    here = msgspec.structs.replace(world("web"), containers={web.id: msgspec.structs.replace(web, health="starting")})
    later = Activity(calls=1, last_change_age=9.0, now=started("web") + 9.0)
    page = http(body="Welcome")
    assert not settled(here, page, observations=seen((page, HttpSeen(failure="reset"))), activity=later)
    assert not settled(here, page, observations=seen((page, HttpSeen(status=503))), activity=later)
    assert settled(here, page, observations=seen((page, HttpSeen(status=200, body="Hello"))), activity=later)


def test_a_service_that_is_coming_up() -> None:
    here = world("compose")
    states = {key: msgspec.structs.replace(c, state="created") for key, c in here.containers.items()}
    coming = msgspec.structs.replace(here, containers=states)
    wanted = ComposeExpectation(services={"web": ComposeService(state="running")})
    assert not settled(coming, wanted, activity=Activity(calls=1, last_change_age=0.5))


def test_numbers_that_are_growing() -> None:
    wanted = CountExpectation(of="containers", state="running", exactly=3)
    assert not settled("three", wanted, activity=Activity(calls=1, last_change_age=0.5))
    assert settled("three", wanted, activity=Activity(calls=1, last_change_age=2))


# -- which mistake it was ---------------------------------------------------------------------------------------------
SWAPPED = Mistake(
    id="ports-swapped", when=(container(publishes={"8080/tcp": "*"}),), say="The host's comes first.", made_by="-"
)
CLOSED = Mistake(id="no-publish", when=(container(publishes={}),), say="No door.", made_by="-")
TYPO = Mistake(
    id="typo",
    when=(AskedExpectation(method="POST", path="/containers/create", status=404),),
    say="A typo.",
    made_by="-",
)


def mistake(situation: str, **more: object) -> str | None:
    given = verdict(situation, SERVER, mistakes=(SWAPPED, CLOSED, TYPO), **more)
    assert isinstance(given, NotYet)
    return given.mistake.id if given.mistake else None


def test_the_mistake_that_fits() -> None:
    assert mistake("swapped") == "ports-swapped"
    assert mistake("unpublished") == "no-publish"
    assert mistake("stopped") is None
    calls = (Call("POST", "/containers/create", {}, 404, {"Image": "ngnix"}),)
    assert mistake("nothing", observations=Observations(calls=calls)) == "typo"


def test_the_first_that_fits_is_the_one() -> None:
    both = Mistake(id="both", when=SWAPPED.when, say="-", made_by="-")
    given = verdict("swapped", SERVER, mistakes=(both, SWAPPED))
    assert isinstance(given, NotYet) and given.mistake and given.mistake.id == "both"


def test_no_mistake_before_it_is_settled() -> None:
    assert mistake("swapped", activity=Activity(calls=1, in_flight=("starting web",))) is None


FLAGS = Mistake(
    id="flags-after-image",
    when=(container(name=None, state=("created", "exited"), exit_code=127, command=("-*", "**")),),
    say="The options stand after the image.",
    made_by="-",
)


@pytest.mark.parametrize(("before", "told"), [("nothing", "flags-after-image"), ("flags-after-image", None)])
def test_what_an_earlier_step_left_behind_is_no_mistake_of_this_one(before: str, told: str | None) -> None:
    baseline = Baseline(world=world(before))
    given = verdict("flags-after-image", SERVER, baseline=baseline, activity=Activity(calls=1), mistakes=(FLAGS,))
    assert isinstance(given, NotYet)
    assert (given.mistake.id if given.mistake else None) == told


def test_a_container_that_was_there_and_is_started_again_is_of_this_step() -> None:
    now = world("flags-after-image")
    (one,) = now.containers.values()
    earlier = msgspec.structs.replace(one, started="2026-01-01T00:00:00Z")
    baseline = Baseline(world=msgspec.structs.replace(now, containers={one.id: earlier}))
    given = judge(step(SERVER), now, None, baseline, Activity(calls=1), mistakes=[FLAGS])
    assert isinstance(given, NotYet) and given.mistake


def test_what_is_nowhere_is_looked_for_among_all() -> None:
    nowhere = Mistake(id="none", when=(NotExpectation(all=FLAGS.when),), say="-", made_by="-")
    baseline = Baseline(world=world("flags-after-image"))
    given = verdict("flags-after-image", SERVER, baseline=baseline, activity=Activity(calls=1), mistakes=(nowhere,))
    assert isinstance(given, NotYet) and given.mistake is None


def test_title_and_chapter_of_a_shared_mistake() -> None:
    shared = {
        "ports-swapped": SharedMistake(
            id="ports-swapped", title="Ports swapped", chapter=22, when=SWAPPED.when, say="-"
        )
    }
    given = judge(step(SERVER), world("swapped"), None, NOTHING, Activity(calls=1), mistakes=[SWAPPED], shared=shared)
    assert isinstance(given, NotYet) and given.mistake
    assert (given.mistake.title, given.mistake.chapter) == ("Ports swapped", 22)


# -- several things at once, and their order --------------------------------------------------------------------------
def test_much_is_wrong_and_nothing_is_said_twice() -> None:
    wanted = (
        ImageExpectation(reference="shop:1"),
        container(state="running", image="shop:1", publishes={"80": "8080"}, networks=("shop",), env={"A": "b"}),
        HTTP,
        ExecExpectation(container="web", command=("true",)),
    )
    sentences = told("idle-shell", *wanted, seen=REFUSED)
    assert sentences == [
        "There is no image `shop:1`.",
        "`web` has ended: its main process, the shell `sh`, had no input and was done.",
        "`web` publishes no port.",
        "`web` is not on the network `shop`; it is on `bridge`.",
        "The variable `A` is not set in `web`.",
    ]


@pytest.mark.parametrize("situation", ["nothing", "typo-in-name", "idle-shell", "port-taken", "compose", "three"])
def test_no_two_findings_say_the_same(situation: str) -> None:
    wanted = (
        SERVER,
        container(name="db", image=SHELL, state="running", networks=("shop",)),
        ImageExpectation(reference="shop:1"),
        HTTP,
        http(body="x"),
        ExecExpectation(container="db", command=("true",)),
        ExecExpectation(container="db", command=("false",)),
    )
    given = verdict(situation, *wanted, observations=REFUSED)
    assert isinstance(given, NotYet)
    sentences = [finding.summary for finding in given.findings]
    assert len(sentences) == len(set(sentences))
    absent = [s for s in sentences if s.startswith("There is no container")]
    for name in ("`web`", "`db`"):
        if any(name in s for s in absent):
            assert sum(s.startswith((f"There is no container {name}", name)) for s in sentences) == 1


def test_a_verdict_goes_through_json_and_back() -> None:
    given = verdict("swapped", SERVER, mistakes=(SWAPPED,))
    assert msgspec.json.decode(msgspec.json.encode(given), type=Passed | NotYet | Unattempted | Unavailable) == given


def test_a_baseline_goes_through_json_and_back() -> None:
    before = Baseline(world=world("mounts"), calls=3, files="x")
    assert msgspec.json.decode(msgspec.json.encode(before), type=Baseline) == before


def test_the_engines_times() -> None:
    assert moment("2026-11-23T20:04:47.110470619Z") == pytest.approx(1795464287.110470)
    assert moment("2026-11-23T21:04:47.5+01:00") == pytest.approx(1795464287.5)
    assert moment("") is None and moment("soon") is None
    assert Activity(now=time.time()).age(next(iter(world("created").containers.values()))) == 3600.0
