"""Findings about containers, on what a real engine said of real situations."""

from __future__ import annotations

import pytest

from tests.unit.judge.steps import NOTHING, Call, container, told
from tests.unit.world.worlds import SHELL, WEB, world
from tutor.course.expectations import ContainerExpectation, Mount
from tutor.engine.world import Image, World
from tutor.lab.findings.match import nearest_reference
from tutor.lab.judge import findings, holds
from tutor.lab.observations import Baseline, Listener, Observations

SERVER = container(state="running", image=WEB, publishes={"80/tcp": "8080"})


def test_what_is_right_has_no_finding() -> None:
    assert told("web", SERVER) == []


@pytest.mark.parametrize(
    ("situation", "sentences"),
    [
        ("nothing", ["There is no container `web`."]),
        ("typo-in-name", ["There is no container `web`; there is one called `wbe`, made from nginx:1.26."]),
        (
            "made-up-name",
            ["There is no container `web`; a container made from nginx:1.26 runs under the name `kind_morse`."],
        ),
        (
            "options-after-image",
            [
                "There is no container `web`; a container made from nginx:1.26 has ended under the name `kind_morse`; "
                "what stands after the image, `--name web -p 8080:80`, became its command."
            ],
        ),
        (
            "built-not-run",
            ["There is no container `web`; `web` is an image so far, and no container was made from it."],
        ),
        ("created", ["`web` is created, but was never started."]),
        ("paused", ["`web` is paused: its processes are frozen, not ended."]),
        ("stopped", ["`web` has ended with exit code 0: its main process was done."]),
        ("port-taken", ["`web` was created and could not start: host port 8080 is taken by `old`."]),
        ("swapped", ["The ports of `web` are swapped: the host's comes first."]),
        ("unpublished", ["`web` publishes no port; that its image exposes one opens no door."]),
        ("wrong-inside", ["`web` publishes container port 8080; its image exposes 80."]),
        ("wrong-host-port", ["Port 80 of `web` is published on host port 3000, not 8080."]),
        ("udp", ["Port 80 of `web` is published for udp, not for tcp."]),
        (
            "no-program",
            [
                "`web` was created and could not start: there is no program `servr` in its image.",
                "`web` is made from `busybox:1.37`, not from `nginx:1.26`.",
                "`web` publishes no port.",
            ],
        ),
    ],
)
def test_a_server_that_is_not_there_yet(situation: str, sentences: list[str]) -> None:
    assert told(situation, SERVER) == sentences


@pytest.mark.parametrize(
    ("situation", "sentence"),
    [
        ("idle-shell", "`web` has ended: its main process, the shell `sh`, had no input and was done."),
        ("failed", "`web` has ended with exit code 3: its main process failed; `docker logs web` may say why."),
        (
            "killed",
            "`web` has ended with exit code 137: "
            "it was ended by SIGKILL, by hand or because it did not end when asked.",
        ),
        ("oom", "`web` has ended with exit code 137: it needed more memory than it may have, and was killed."),
        ("terminated", "`web` has ended with exit code 143: it was asked to end (SIGTERM), and did."),
        ("crashed", "`web` has ended with exit code 139: its main process crashed (SIGSEGV)."),
        (
            "falls-over",
            "`web` starts again and again: its main process failed; `docker logs web` may say why (exit code 3), "
            "and its restart policy is `always`.",
        ),
    ],
)
def test_what_an_exit_code_means(situation: str, sentence: str) -> None:
    assert told(situation, container(state="running")) == [sentence]


def test_what_the_learner_stopped_is_not_said_to_have_failed() -> None:
    calls = (Call("POST", "/containers/web/stop", status=204),)
    assert told("stopped", container(state="running"), seen=Observations(calls=calls)) == [
        "`web` was stopped (exit code 0)."
    ]


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("nosuch", "there is no network `nosuch`"),
        ("container:nosuch", "there is no container `nosuch` whose network it could use"),
        ("bridge", "the name `web` was taken"),
    ],
)
def test_a_refusal_is_told_by_its_reason(mode: str, why: str) -> None:
    """The engine answers 409 to all of them (tried on 26.1)."""
    body = {"Image": "busybox:1.37", "HostConfig": {"NetworkMode": mode}}
    calls = (Call("POST", "/containers/create", {"name": "web"}, status=409, body=body),)
    assert told("nothing", container(state="running"), seen=Observations(calls=calls)) == [
        f"There is no container `web`: {why}."
    ]


def test_options_after_the_image_are_named() -> None:
    (sentence,) = told("flags-after-image", container(name="kind_morse", state="running"))
    assert sentence == (
        "`kind_morse` was created and could not start: `-it` was taken for the command to run, as it stands after the "
        "image; options go before the image."
    )


def test_expected_found_and_where() -> None:
    (finding,) = findings([SERVER], world("swapped"))
    assert (finding.expected, finding.found, finding.where) == (
        "host 8080 → web 80",
        "host 80 → web 8080",
        "container web",
    )


def test_what_listens_counts_more_than_what_the_image_exposes() -> None:
    web = world("wrong-inside").container("web")
    assert web is not None
    listeners = {web.id: (Listener(address="0.0.0.0", port=80),)}
    assert told("wrong-inside", SERVER, seen=Observations(listeners=listeners)) == [
        "`web` publishes container port 8080; the application listens on 80."
    ]


def test_a_wish_for_no_port() -> None:
    assert told("unpublished", container(publishes={})) == []
    assert told("web", container(publishes={})) == ["`web` publishes a port, and should publish none."]


def test_any_port() -> None:
    assert told("all-ports", container(publishes={"80": "*"})) == []
    assert told("web", container(publishes={"*": "8080"})) == []


def test_the_address_a_port_is_bound_to() -> None:
    assert told("one-address", container(host_ip="127.0.0.1")) == []
    assert told("web", container(host_ip="0.0.0.0")) == []
    assert told("web", container(host_ip="127.0.0.1")) == [
        "The ports of `web` are bound to every address of the host, not to the address 127.0.0.1."
    ]


@pytest.mark.parametrize("state", ["exited", "paused", "created"])
def test_a_container_that_runs_and_should_not(state: str) -> None:
    (sentence,) = told("web", container(state=state))
    assert sentence.startswith("`web`")


def test_several_states_of_which_one_must_be() -> None:
    assert told("stopped", container(state=("exited", "dead"))) == []
    (finding,) = findings([container(state=("exited", "paused"))], world("web"))
    assert finding.expected == "exited or paused"


def test_exit_codes_are_of_containers_that_have_ended() -> None:
    assert told("web", container(exit_code=0)) == ["`web` has not ended yet, so it has no exit code."]
    assert told("created", container(exit_code=0)) == ["`web` has not ended yet, so it has no exit code."]
    assert told("failed", container(exit_code=3)) == []
    assert told("flags-after-image", container(name="kind_morse", state="created", exit_code=127, error="*-it*")) == []
    assert told("failed", container(exit_code=0)) == [
        "`web` ended with exit code 3, not 0: its main process failed; `docker logs web` may say why."
    ]


def test_memory_that_ran_out() -> None:
    assert told("oom", container(oom_killed=True, exit_code=137)) == []
    assert told("killed", container(oom_killed=True)) == ["`web` was not killed for want of memory."]


def test_an_image_that_was_replaced_is_told_from_another_one() -> None:
    assert told("rebuilt", container(image="shop:1")) == [
        "`web` was made from an earlier `shop:1`: the image has been replaced since."
    ]
    assert told("web", container(image=SHELL)) == ["`web` is made from `nginx:1.26`, not from `busybox:1.37`."]


def test_a_reference_that_the_world_does_not_know_is_compared_as_written() -> None:
    assert told("web", container(image="docker.io/library/nginx:1.26")) == []
    nothing_known = world("web").__class__(containers=world("web").containers)
    assert told(nothing_known, container(image="docker.io/library/nginx:1.26")) == []
    assert told(nothing_known, container(image="nginx")) == ["`web` is made from `nginx:1.26`, not from `nginx`."]


# -- settings ---------------------------------------------------------------------------------------------------------
RIGHT = container(
    env={"MODE": "dev", "OTHER": None},
    memory="64m",
    cpus=0.5,
    pids=20,
    user="1000",
    working_dir="/srv",
    hostname="box",
    read_only=True,
    privileged=False,
    cap_add=("CAP_NET_BIND_SERVICE",),
    cap_drop=("all",),
    tty=True,
    stdin=True,
    init=True,
    auto_remove=False,
    restart="on-failure",
    labels={"team": "sh*"},
    command=("sleep", "**"),
    process=("sleep", "600"),
    entrypoint=(),
    mounts=(),
    health="none",
)


def test_all_settings_at_once() -> None:
    assert told("settings", RIGHT) == []


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"env": {"MODE": "live"}}, "The variable `MODE` is `dev` in `web`, not `live`."),
        ({"env": {"LEVEL": "*"}}, "The variable `LEVEL` is not set in `web`."),
        ({"env": {"MODE": None}}, "The variable `MODE` is set in `web`, and should not be."),
        ({"memory": "128m"}, "`web` may use 64m of memory, not 128m."),
        ({"memory": "0"}, "`web` may use 64m of memory."),
        ({"cpus": 1.0}, "`web` may use 0.5 CPUs, not 1."),
        ({"pids": 0}, "`web` may have 20 processes."),
        ({"user": "root"}, "`web` runs as `1000`."),
        ({"working_dir": "/app"}, "The working directory of `web` is `/srv`, not `/app`."),
        ({"hostname": "web"}, "The host name of `web` is `box`, not `web`."),
        ({"read_only": False}, "`web` has a read-only root filesystem."),
        ({"privileged": True}, "`web` is not privileged."),
        ({"cap_add": ("NET_ADMIN",)}, "`web` is given `NET_BIND_SERVICE`."),
        ({"cap_drop": ()}, "`web` is denied `ALL`."),
        ({"tty": False}, "`web` has a terminal."),
        ({"stdin": False}, "`web` has its input kept open."),
        ({"init": False}, "`web` has an init process in front of its command."),
        ({"auto_remove": True}, "`web` stays after it has ended."),
        ({"restart": "always"}, "The restart policy of `web` is `on-failure`, not `always`."),
        ({"restarts": 1}, "The engine has restarted `web` not once; its restart policy is `on-failure`."),
        ({"labels": {"team": "mail"}}, "The label `team` of `web` is `shop`, not `mail`."),
        ({"labels": {"tier": "*"}}, "`web` has no label `tier`."),
        ({"command": ("sleep", "5")}, "The command of `web` is `sleep 600`."),
        ({"entrypoint": ("/init",)}, "The entry point of `web` is empty."),
        ({"process": ("sleep",)}, "The process of `web` is `sleep 600`."),
        ({"health": "healthy"}, "`web` has no health check."),
        ({"pid_of": "host"}, "`web` does not share the PID namespace of the host."),
        ({"error": "*"}, ""),
        ({"error": "*not found*"}, "The engine reports no start error of `web`."),
    ],
)
def test_each_setting(wanted: dict[str, object], sentence: str) -> None:
    assert told("settings", container(**wanted)) == ([sentence] if sentence else [])


def test_root_by_any_name() -> None:
    for user in ("root", "0", ""):
        assert told("web", container(user=user)) == []
    assert told("web", container(user="1000")) == ["`web` runs as root, as nobody else was named."]


def test_shared_namespaces() -> None:
    side = container(name="side", pid_of="web", network_of="web", ipc_of="host")
    assert told("shared-namespaces", side) == []
    assert told("shared-namespaces", container(pid_of="side")) == ["`web` does not share the PID namespace of `side`."]
    (finding,) = findings([container(name="side", network_of="host")], world("shared-namespaces"))
    assert finding.found == "that of `web`"


def test_restarts_by_hand_and_by_policy() -> None:
    assert told("started-again", container(restarted=True)) == []
    assert told("started-again", container(restarted=False)) == ["`web` has been started again."]
    assert told("web", container(restarted=True)) == ["`web` has been started once only."]
    assert told("falls-over", container(restarts=1, restarted=True)) == []


def test_one_that_ended_again_is_known_by_what_it_was_before() -> None:
    import msgspec

    stopped = world("stopped").container("web")
    assert stopped is not None
    earlier = msgspec.structs.replace(stopped, started="2020-01-01T00:00:00Z")
    before = Baseline(world=msgspec.structs.replace(world("stopped"), containers={stopped.id: earlier}))
    assert told("stopped", container(restarted=True), baseline=before) == []


# -- mounts and networks ----------------------------------------------------------------------------------------------
def test_mounts_of_every_kind() -> None:
    assert (
        told(
            "mounts",
            container(
                mounts=(
                    Mount(at="/data/", volume="notes", read_only=True),
                    Mount(at="/log", anonymous=True),
                    Mount(at="/run", tmpfs=True),
                    Mount(at="/site", bind="/home/me/lab/site/"),
                    Mount(at="/site", bind="*", read_only=False),
                )
            ),
        )
        == []
    )


@pytest.mark.parametrize(
    ("situation", "mount", "sentence"),
    [
        ("wrong-path", Mount(at="/data", volume="notes"),
         "In `web`, the volume `notes` is mounted at `/dta`, not at `/data`."),
        ("bind-for-volume", Mount(at="/data", volume="notes"),
         "At `/data`, `web` has the host's folder `/home/me/lab/notes` (a bind mount), not the volume `notes`."),
        ("anonymous", Mount(at="/data", volume="notes"),
         "At `/data`, `web` has an anonymous volume, not the volume `notes`."),
        ("anonymous", Mount(at="/data", volume="*"), "At `/data`, `web` has an anonymous volume, not a volume."),
        ("wrong-path", Mount(at="/dta", bind="/home/me/lab/notes"),
         "At `/dta`, `web` has the volume `notes`, not a bind mount of `/home/me/lab/notes`."),
        ("mounts", Mount(at="/data", volume="notes", read_only=False), "`/data` in `web` is read-only."),
        ("mounts", Mount(at="/log", read_only=True), "`/log` in `web` may be written to, and should be read-only."),
        ("web", Mount(at="/data"), "Nothing is mounted at `/data` in `web`."),
    ],
)  # fmt: skip
def test_mounts_that_are_not_right(situation: str, mount: Mount, sentence: str) -> None:
    assert told(situation, container(mounts=(mount,))) == [sentence]


def test_networks() -> None:
    assert told("on-network", container(networks=("shop",), only_networks=("shop",))) == []
    assert told("on-bridge", container(networks=("shop",))) == [
        "`web` is not on the network `shop`; it is on `bridge`."
    ]
    assert told("on-network", container(only_networks=())) == ["`web` is also on the network `shop`."]


# -- containers without a name ----------------------------------------------------------------------------------------
def test_any_container_will_do_without_a_name() -> None:
    assert told("made-up-name", ContainerExpectation(image=WEB, state="running")) == []
    assert told("three", ContainerExpectation(image=SHELL, state="created")) == []


def test_of_several_the_nearest_is_told() -> None:
    wanted = ContainerExpectation(image=SHELL, state="running", env={"A": "b"})
    assert told("three", wanted) == ["The variable `A` is not set in `two`."]


def test_one_of_another_image_is_not_blamed() -> None:
    assert told("idle-shell", ContainerExpectation(image=WEB, state="running")) == [
        "There is no container made from nginx:1.26; `web` is made from busybox:1.37."
    ]


def test_what_was_there_before_is_not_blamed() -> None:
    before = Baseline(world=world("typo-in-name"))
    assert told("typo-in-name", SERVER, baseline=before) == ["There is no container `web`."]


def test_what_is_gone_is_said_to_be() -> None:
    assert told("nothing", SERVER, baseline=Baseline(world=world("web"))) == [
        "The container `web` is not there any more."
    ]


# -- what was asked for -----------------------------------------------------------------------------------------------
def _create(image: str, status: int = 404, name: str = "web") -> Call:
    return Call("POST", "/containers/create", {"name": name}, status, {"Image": image})


def test_a_typo_in_the_image_is_seen_in_what_was_asked() -> None:
    calls = (_create("ngnix"), Call("POST", "/images/create", {"fromImage": "ngnix", "tag": "latest"}, 404))
    assert told("nothing", SERVER, seen=Observations(calls=calls)) == [
        "There is no container `web`: the image `ngnix` could not be had — did you mean `nginx:1.26`?"
    ]


def test_a_wrong_tag_is_seen() -> None:
    assert told("nothing", SERVER, seen=Observations(calls=(_create("nginx:9.9"),))) == [
        "There is no container `web`: the image `nginx:9.9` could not be had — did you mean `nginx:1.26`?"
    ]


@pytest.mark.parametrize("tag", ["7.0", "8.0"])
def test_of_several_tags_the_one_that_was_wanted_is_meant(tag: str) -> None:
    two = World(images={n: Image(id=f"sha256:{n}", tags=(f"redis:{n}",)) for n in ("7.0", "8.0")})
    assert nearest_reference("redis", two, f"redis:{tag}") == f"redis:{tag}"
    assert nearest_reference("redsi", two, f"redis:{tag}") in {"redis:7.0", "redis:8.0"}


def test_a_refusal_of_the_sandbox_is_told_in_its_own_sentences() -> None:
    call = Call("POST", "/containers/create", {"name": "web"}, 403, {"Image": WEB}, refusal="The lab says no. Ask.")
    assert told("nothing", SERVER, seen=Observations(calls=(call,))) == [
        "There is no container `web`: the sandbox refused it. The lab says no. Ask."
    ]


def test_an_older_failure_is_forgotten() -> None:
    calls = (_create("ngnix"), _create(WEB, 201))
    assert told("nothing", SERVER, seen=Observations(calls=calls)) == ["There is no container `web`."]


def test_names_in_findings_never_come_from_the_steps_own_other_containers() -> None:
    wanted = (container(name="db", state="running"), container(name="dbs", state="running"))
    assert told("on-network", *wanted, baseline=NOTHING)[0] == "There is no container `dbs`; the newest, `web`, " \
        "is made from nginx:1.26."  # fmt: skip


def test_a_pattern_for_a_name() -> None:
    assert told("compose", container(name="shop-web-*", state="running")) == []


def test_compose_containers_by_service() -> None:
    assert told("compose", ContainerExpectation(service="web", image=WEB)) == []
    assert told("compose", ContainerExpectation(service="cache")) == ["There is no container of the service `cache`."]


def test_holds_says_the_same() -> None:
    assert holds([SERVER], world("web"))
    assert not holds([SERVER], world("swapped"))


def test_a_command_that_is_asked_for_by_patterns_reads_like_one() -> None:
    (finding,) = findings((container(process=("*httpd", "**")),), world("web"))
    assert finding.expected == "…httpd …"
