"""Findings about images, volumes, networks, projects, services; what must be gone, and numbers."""

from __future__ import annotations

import pytest

from tests.unit.judge.steps import Call, container, told
from tests.unit.world.worlds import SHELL, WEB, world
from tutor.course.expectations import (
    AbsentExpectation,
    AnyExpectation,
    AskedExpectation,
    ComposeExpectation,
    ComposeService,
    CountExpectation,
    Expectation,
    ImageExpectation,
    NetworkExpectation,
    NotExpectation,
    ServiceExpectation,
    VolumeExpectation,
)
from tutor.engine.world import Image as Built
from tutor.engine.world import Service, World
from tutor.lab.findings.image import EMPTY
from tutor.lab.observations import Baseline, Observations

Image, Volume, Network, Absent, Count = (
    ImageExpectation,
    VolumeExpectation,
    NetworkExpectation,
    AbsentExpectation,
    CountExpectation,
)
Compose, Asked = ComposeExpectation, AskedExpectation


@pytest.mark.parametrize(
    ("situation", "wanted", "sentences"),
    [
        # images
        ("built", Image(reference="shop:1", built_on=SHELL, env={"MODE": "live"}, cmd=("sh",), layers=3), []),
        ("nothing", Image(reference="shop:1"), ["There is no image `shop:1`."]),
        ("built-other-tag", Image(reference="shop:1"),
         ["There is no image `shop:1`; there is one called `shop:latest`."]),
        ("built", Image(reference="shop"), ["There is no image `shop`; there is one called `shop:1`."]),
        ("web", Image(reference="web"), ["There is no image `web`; `web` is the name of a container."]),
        ("built", Image(reference="shop:1", env={"MODE": "dev", "PATH": None}),
         ["The variable `MODE` is `live` in `shop:1`, not `dev`.",
          "The variable `PATH` is set in `shop:1`, and should not be."]),
        ("built", Image(reference="shop:1", built_on=WEB), ["`shop:1` is not built on `nginx:1.26`."]),
        ("built", Image(reference="shop:1", exposes=("80",)), ["`shop:1` does not expose port 80."]),
        ("built", Image(reference="shop:1", entrypoint=("/init",)), ["The entry point of `shop:1` is empty."]),
        ("built", Image(reference="shop:1", cmd=("echo", "**")), ["The command of `shop:1` is `sh`."]),
        ("built", Image(reference="shop:1", working_dir="/app"),
         ["The working directory of `shop:1` is `/`, not `/app`."]),
        ("built", Image(reference="shop:1", user="app"), ["Containers of `shop:1` run as `root`."]),
        ("built", Image(reference="shop:1", layers=2), ["`shop:1` has 3 layers, not 2."]),
        ("built", Image(reference="shop:1", labels={"a": "b"}), ["The label `a` of `shop:1` is not set."]),
        ("built", Image(reference="shop:1", smaller_than=WEB), []),
        ("web", Image(reference=WEB, smaller_than=SHELL),
         ["`nginx:1.26` takes 99.4MB, which is not less than `busybox:1.37`."]),
        ("web", Image(reference=WEB, smaller_than="50m"), ["`nginx:1.26` takes 99.4MB, which is not less than 50m."]),
        ("two-builds", Image(reference="shop:1", shares_layers_with="shop:2", shared_layers=2), []),
        ("two-builds", Image(reference="shop:1", shares_layers_with="shop:2"), []),
        ("two-builds", Image(reference="shop:1", shares_layers_with="shop:2", shared_layers=3),
         ["`shop:1` and `shop:2` share the lowest 2 layers."]),
        ("two-builds", Image(reference="shop:1", shares_layers_with="shop:2", new_layers=1), []),
        ("two-builds", Image(reference="shop:best", shares_layers_with="shop:2", new_layers=0), []),
        ("two-builds", Image(reference="shop:1", shares_layers_with="shop:2", new_layers=2),
         ["`shop:1` has 1 layer that `shop:2` does not have."]),
        ("two-builds", Image(reference="shop:1", shares_layers_with=WEB),
         ["`shop:1` and `nginx:1.26` share no layer."]),
        ("two-builds", Image(reference="shop:best", same_as="shop:2"), []),
        ("two-builds", Image(reference="shop:best", same_as="shop:1"),
         ["`shop:best` and `shop:1` are two different images."]),
        ("two-builds", Image(reference="shop:1", same_as="shop:9"),
         ["There is no image `shop:9`; there is one called `shop:1`."]),
        # volumes
        ("mounts", Volume(name="notes", used_by="web", unused=False, driver="local"), []),
        ("nothing", Volume(name="notes"), ["There is no volume `notes`."]),
        ("mounts", Volume(name="note"), ["There is no volume `note`; there is one called `notes`."]),
        ("anonymous", Volume(name="notes"), ["There is no volume `notes`; there is a new one without a name."]),
        ("bind-for-volume", Volume(name="notes", used_by="web"),
         ["`web` does not mount the volume `notes`; no container does."]),
        ("mounts", Volume(name="notes", unused=True), ["The volume `notes` is mounted by `web`."]),
        ("bind-for-volume", Volume(name="notes", unused=False),
         ["The volume `notes` is not used by any container."]),
        ("mounts", Volume(name="notes", labels={"a": "b"}), ["The label `a` of the volume `notes` is not set."]),
        ("mounts", Volume(name="notes", driver="nfs"), ["The volume `notes` has the driver `local`, not `nfs`."]),
        ("mounts", Volume(name="notes", used_by="db"), ["There is no container `db`; the newest, `web`, is made from "
                                                        "busybox:1.37."]),
        # networks
        ("on-network", Network(name="shop", connects=("web", "db"), driver="bridge", internal=False), []),
        ("nothing", Network(name="shop"), ["There is no network `shop`."]),
        ("on-network", Network(name="shp"), ["There is no network `shp`; there is one called `shop`."]),
        ("compose", Network(name="default"),
         ["There is no network `default`; there is one called `shop_default`."]),
        ("on-bridge", Network(name="shop", connects=("web", "db")),
         ["`web` is not on the network `shop`; it is on `bridge`."]),
        ("internal", Network(name="shop", internal=False), ["The network `shop` is cut off from the outside."]),
        ("on-network", Network(name="shop", internal=True), ["The network `shop` is open to the outside."]),
        ("on-network", Network(name="shop", driver="overlay"),
         ["The network `shop` has the driver `bridge`, not `overlay`."]),
        # what must be gone
        ("nothing", Absent(container="web", volume="notes", network="shop", compose="shop", service="web"), []),
        ("stopped", Absent(container="web"),
         ["The container `web` is still there: stopped, not removed (exited (0))."]),
        ("web", Absent(container="web"), ["The container `web` is still there (running)."]),
        ("web", Absent(image=WEB), ["The image `nginx:1.26` is still there, and `web` is made from it."]),
        ("mounts", Absent(volume="notes"), ["The volume `notes` is still there, mounted by `web`."]),
        ("on-network", Absent(network="shop"), ["The network `shop` is still there, with `db` and `web` on it."]),
        ("compose", Absent(compose="shop"),
         ["The Compose project `shop` is still there: `shop-db-1`, `shop-db-2` and `shop-web-1`."]),
        # numbers
        ("three", Count(of="containers", exactly=3), []),
        ("three", Count(of="containers", image=SHELL, state="running", exactly=2), []),
        ("three", Count(of="containers", state=("created", "exited"), at_most=1), []),
        ("three", Count(of="containers", state="running", at_least=3),
         ["There are 2 containers in the state running: `one` and `two`."]),
        ("nothing", Count(of="containers", image=SHELL, at_least=1),
         ["There are no containers made from `busybox:1.37`."]),
        ("web", Count(of="containers", exactly=0), ["There is 1 container: `web`."]),
        ("anonymous-left", Count(of="volumes", anonymous=True, exactly=1), []),
        ("mounts", Count(of="volumes", anonymous=False, exactly=1), []),
        ("on-network", Count(of="networks", exactly=1), []),
        ("built", Count(of="images", exactly=1), []),
        ("built-nameless", Count(of="images", anonymous=True, exactly=1), []),
        ("two-builds", Count(of="images", name="shop:*", exactly=2), []),
        # Compose
        ("compose", Compose(project="shop", services={
            "web": ComposeService(state="running", image=WEB), "db": ComposeService(replicas=2)}), []),
        ("compose", Compose(services={"web": ComposeService()}), []),
        ("nothing", Compose(project="shop", services={"web": ComposeService()}),
         ["There is no Compose project `shop`."]),
        ("other-project", Compose(project="shop", services={"web": ComposeService()}),
         ["There is no Compose project `shop`; `db` and `web` are in the project `wrong`."]),
        ("web", Compose(services={"web": ComposeService()}),
         ["No Compose project runs; the containers that are there were made without Compose."]),
        ("compose", Compose(project="shop", services={"cache": ComposeService()}),
         ["The service `cache` of the Compose project `shop` has no container."]),
        ("compose", Compose(project="shop", services={"db": ComposeService(replicas=3, state="running")}),
         ["The service `db` of `shop` has 2 containers running, not 3."]),
        ("compose", Compose(project="shop", services={"web": ComposeService(health="healthy")}),
         ["`shop-web-1` has no health check."]),
        ("compose", Compose(project="shop", services={"web": ComposeService(image=SHELL)}),
         ["`shop-web-1` is made from `nginx:1.26`, not from `busybox:1.37`."]),
    ],
)  # fmt: skip
def test_each_kind(situation: str, wanted: Expectation, sentences: list[str]) -> None:
    assert told(situation, wanted) == sentences


def test_a_nameless_build_is_seen() -> None:
    (sentence,) = told("built-nameless", Image(reference="shop:1"))
    assert sentence.startswith("There is no image `shop:1`; a new image without a name is there, `")


def test_a_layer_that_holds_nothing_is_not_new() -> None:
    """BuildKit makes one for a WORKDIR whose folder is there; no work of a build is in it."""
    layers = {"shop:1": ("base", "code1", EMPTY), "shop:2": ("base", "code2", EMPTY)}
    images = {tag: Built(id=tag, tags=(tag,), layers=found) for tag, found in layers.items()}
    here = World(images=images)
    assert told(here, Image(reference="shop:2", shares_layers_with="shop:1", new_layers=1)) == []
    assert told(here, Image(reference="shop:2", shares_layers_with="shop:1", new_layers=2)) == [
        "`shop:2` has 1 layer that `shop:1` does not have."
    ]


def test_an_image_that_could_not_be_pulled() -> None:
    calls = (Call("POST", "/images/create", {"fromImage": "ngnix", "tag": "latest"}, 404),)
    assert told("nothing", Image(reference="shop:1"), seen=Observations(calls=calls)) == [
        "There is no image `shop:1`; `ngnix` was asked for and could not be had — did you mean `nginx:1.26`?"
    ]


def test_gone_things_are_said_to_be_gone() -> None:
    before = Baseline(world=world("on-network"))
    assert told("nothing", Network(name="shop"), baseline=before) == ["The network `shop` is not there any more."]
    before = Baseline(world=world("mounts"))
    assert told("nothing", Volume(name="notes"), baseline=before) == ["The volume `notes` is not there any more."]
    before = Baseline(world=world("built"))
    assert told("nothing", Image(reference="shop:1"), baseline=before) == ["The image `shop:1` is not there any more."]


# -- Swarm services ---------------------------------------------------------------------------------------------------
def _swarm(**fields: object) -> World:
    service = Service(**{"id": "s1", "name": "web", "image": WEB, "replicas": 3, "running": 3, **fields})  # type: ignore[arg-type]
    return World(services={"s1": service}, images=world("web").images)


@pytest.mark.parametrize(
    ("now", "wanted", "sentences"),
    [
        ({}, {"image": WEB, "replicas": 3, "running": 3}, []),
        ({"update": "completed"}, {"updated": True}, []),
        ({"running": 2}, {"running": 3}, ["Of the service `web`, 2 tasks run, not 3."]),
        ({"replicas": 2, "running": 2}, {"replicas": 3, "running": 3},
         ["The service `web` is to have 2 replicas, not 3."]),
        ({"image": SHELL}, {"image": WEB}, ["The service `web` is made from `busybox:1.37`, not from `nginx:1.26`."]),
        ({"update": "updating"}, {"updated": True}, ["The service `web` is being updated."]),
        ({}, {"name": "wbe"}, ["There is no service `wbe`; there is one called `web`."]),
        ({"name": "shop_web"}, {}, ["There is no service `web`; there is one called `shop_web`."]),
    ],
)  # fmt: skip
def test_services(now: dict[str, object], wanted: dict[str, object], sentences: list[str]) -> None:
    expectation = ServiceExpectation(**{"name": "web", **wanted})  # type: ignore[arg-type]
    assert told(_swarm(**now), expectation) == sentences


def test_a_container_is_no_service() -> None:
    assert told("web", ServiceExpectation(name="web")) == [
        "There is no service `web`; `web` is a container, which no service looks after."
    ]


# -- calls ------------------------------------------------------------------------------------------------------------
CREATE = Call(
    "POST",
    "/containers/create",
    {"name": "web"},
    201,
    {"Image": WEB, "HostConfig": {"Memory": 67108864, "Init": True}, "Labels": {"a.b": "c"}, "Cmd": ["sleep", "5"]},
    "curl",
)


@pytest.mark.parametrize(
    ("wanted", "sentences"),
    [
        (Asked(method="POST", path="/containers/create", status=201), []),
        (Asked(path="/containers/*", query={"name": "w*"}, program="curl"), []),
        (Asked(path="/containers/create", body={"HostConfig.Memory": "67108864", "HostConfig.Init": "true"}), []),
        (Asked(path="/containers/create", body={"Labels.a.b": "c", "Cmd": "sleep", "Cmd.1": "5"}), []),
        (Asked(path="/containers/create", at_most=1), []),
        (Asked(path="/images/json", at_most=0), []),
        (Asked(method="GET", path="/containers/json"),
         ["The call `GET /containers/json` was not made since the step began."]),
        (Asked(path="/containers/create", at_least=2),
         ["The call `/containers/create` was made once since the step began."]),
        (Asked(path="/containers/create", at_most=0),
         ["The call `/containers/create` was made once since the step began."]),
        (Asked(path="/containers/create", status=404),
         ["The call `/containers/create` was made, but in another way: the answer was 201."]),
        (Asked(path="/containers/create", body={"HostConfig.Memory": "1"}),
         ["The call `/containers/create` was made, but in another way: "
          "the field `HostConfig.Memory` is another."]),
        (Asked(path="/containers/create", query={"name": "db"}),
         ["The call `/containers/create` was made, but in another way: the parameter `name` is another."]),
        (Asked(path="/containers/create", program="docker"),
         ["The call `/containers/create` was made, but in another way: `curl` made it."]),
    ],
)  # fmt: skip
def test_calls(wanted: AskedExpectation, sentences: list[str]) -> None:
    assert told("nothing", wanted, seen=Observations(calls=(CREATE,))) == sentences


# -- combinations -----------------------------------------------------------------------------------------------------
def test_one_of_several_ways() -> None:
    ways = AnyExpectation(of=(container(image=WEB), container(image=SHELL)))
    assert told("web", ways) == []
    assert told("idle-shell", ways) == []


def test_of_several_ways_the_nearest_is_told() -> None:
    ways = AnyExpectation(of=(container(name="db", state="running"), container(publishes={"80": "8080"}, tty=True)))
    assert told("web", ways) == ["`web` has no terminal."]


def test_what_must_not_be_so() -> None:
    both = NotExpectation(all=(container(state="running"), container(publishes={"80": "*"})))
    assert told("unpublished", both) == []
    assert told("web", both) == ["This should not be so: `web` is running and `web` publishes host any port → web 80."]


def test_the_lessons_own_sentence() -> None:
    wanted = container(state="running", image=WEB, publishes={"80": "8080"}, say="The door is not open yet.")
    assert told("idle-shell", wanted) == ["The door is not open yet."]
    assert told("web", wanted) == []


# -- several things wrong at once -------------------------------------------------------------------------------------
def test_one_cause_is_told_once() -> None:
    wanted = (
        Network(name="shop", connects=("web", "db")),
        container(networks=("shop",), state="running"),
        container(name="db", networks=("shop",), state="running"),
    )
    assert told("on-bridge", *wanted) == ["`web` is not on the network `shop`; it is on `bridge`."]
    assert told("web", *wanted) == ["There is no network `shop`.", "There is no container `db`."]
    assert told("nothing", *wanted) == [
        "There is no network `shop`.",
        "There is no container `web`.",
        "There is no container `db`.",
    ]


def test_what_other_things_rest_on_comes_first() -> None:
    wanted = (
        container(image="shop:1", state="running", mounts=(), env={"MODE": "live"}),
        Image(reference="shop:1"),
        Volume(name="notes", used_by="web"),
    )
    assert told("idle-shell", *wanted) == [
        "There is no image `shop:1`.",
        "There is no volume `notes`.",
        "`web` has ended: its main process, the shell `sh`, had no input and was done.",
        "The variable `MODE` is not set in `web`.",
    ]
